"""The records beside the data: valid by their schemas where those are at hand, and read back by other readers."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pystac
import pytest
import yaml
from delta import LEFT, TOP, publication_in

from sco.choices import Publish
from sco.products import schemas
from sco.products.contents import Publication
from sco.products.publication import publish

HOSTILE = "</gmd:title><x>&\x00\x0b]]>\"'\n- pwned: true {{7*7}} <script>alert(1)</script>"
GMD = "{http://www.isotc211.org/2005/gmd}"
GCO = "{http://www.isotc211.org/2005/gco}"


def named(publication: Publication) -> Publication:
    publish = Publish(to="products", publisher="Parc de la Delta", licence="CC-BY-4.0", doi="10.1234/delta")
    return replace(publication, project=publication.project.model_copy(update={"publish": publish}))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(named(publication_in(tmp_path_factory.mktemp("named"))))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(publication_in(tmp_path_factory.mktemp("hostile"), title=HOSTILE, months=1))


def documents(product: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(product.glob("stac/**/*.json"))]


def test_stac_is_valid_by_core_and_extensions(product: Path) -> None:
    found = documents(product)
    assert len(found) == 5
    used = {address for document in found for address in document["stac_extensions"]}  # type: ignore[attr-defined]
    assert used == set(schemas.EXTENSIONS.values())
    assert [fault for document in found for fault in schemas.faults(document)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("proj:shape", [150]),
        ("processing:software", "sco"),
        ("renders", {"ndvi": {"assets": "data"}}),
        ("sci:publications", [{"doi": "x"}]),
        ("version", 2),
    ],
)
def test_the_schemas_refuse_what_is_wrong(product: Path, name: str, value: object) -> None:
    item = json.loads((product / "stac/items/ndvi_2022-01.json").read_text())
    assert name in item["properties"]
    assert list(schemas.faults(item | {"properties": item["properties"] | {name: value}}))


def test_the_schemas_refuse_wrong_files_bands_and_cubes(product: Path) -> None:
    item = json.loads((product / "stac/items/ndvi_2022-01.json").read_text())
    collection = json.loads((product / "stac/collection.json").read_text())
    item["assets"]["data"]["file:size"] = "big"
    assert [fault for fault in schemas.faults(item) if "file/v2.1.0" in fault]
    item = json.loads((product / "stac/items/ndvi_2022-01.json").read_text())
    item["assets"]["data"]["bands"][0]["raster:sampling"] = "volume"
    assert [fault for fault in schemas.faults(item) if "raster/v2.0.0" in fault]
    collection["cube:dimensions"]["x"].pop("axis")
    assert [fault for fault in schemas.faults(collection) if "datacube/v2.2.0" in fault]


def test_the_collection_is_a_cube_with_citation_and_licence(product: Path) -> None:
    collection = pystac.Collection.from_file(str(product / "stac/collection.json")).to_dict()
    assert collection["license"] == "CC-BY-4.0"
    assert collection["cube:dimensions"]["x"]["extent"] == [LEFT + 50, LEFT + 18_000 - 50]
    assert collection["cube:dimensions"]["y"]["extent"] == [TOP - 15_000 + 50, TOP - 50]
    assert collection["cube:dimensions"]["x"]["reference_system"] == 32631
    assert collection["sci:doi"] == "10.1234/delta"
    assert collection["sci:citation"].startswith("Parc de la Delta (2022): SIMULATED: The delta. Version 2022-02-")
    assert collection["renders"]["ndvi"]["nodata"] == -32768


def test_an_item_without_an_extension_that_is_known_here_is_refused(product: Path) -> None:
    item = json.loads((product / "stac/items/ndvi_2022-01.json").read_text())
    assert list(schemas.faults(item | {"stac_extensions": ["https://example.org/x"]})) == [
        "there is no schema here for https://example.org/x"
    ]
    assert list(schemas.faults({"type": "Thing"})) == ["type is 'Thing', not one of Feature, Collection"]


def test_an_item_names_its_record(product: Path) -> None:
    item = json.loads((product / "stac/items/ndvi_2022-02.json").read_text())
    (link,) = [one for one in item["links"] if one["rel"] == "derived_from"]
    record = json.loads((product / "stac/items" / link["href"]).read_text())
    assert {scene["id"] for one in record["partitions"] for scene in one["scenes"]} == {"S2A_2022-02"}


def test_dcat_names_the_files_with_their_sums(product: Path) -> None:
    from sco.products.seal import fingerprint

    told = json.loads((product / "catalog/dcat.jsonld").read_text())
    assert told["@type"] == "dcat:Dataset"
    assert {one["@language"]: one["@value"] for one in told["dct:title"]}["fr"] == "SIMULÉ : The delta"
    by_place = {one["dcat:accessURL"]["@id"]: one for one in told["dcat:distribution"]}
    assert all((product / "catalog" / place).exists() for place in by_place)
    series = by_place["../series.csv"]
    assert series["spdx:checksum"]["spdx:checksumValue"]["@value"] == fingerprint(product / "series.csv").sha256
    assert series["dct:license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    prefixes = {key.partition(":")[0] for key in _keys(told) if not key.startswith("@")}
    assert prefixes <= set(told["@context"])


def _keys(node: object) -> set[str]:
    if isinstance(node, dict):
        return {key for key in node if ":" in key} | {key for value in node.values() for key in _keys(value)}
    return {key for value in node for key in _keys(value)} if isinstance(node, list) else set()


def test_iso_is_read_by_another_reader(product: Path) -> None:
    iso = pytest.importorskip("owslib.iso")
    etree = pytest.importorskip("lxml.etree")
    record = iso.MD_Metadata(etree.parse(str(product / "catalog/iso19115.xml")).getroot())
    assert record.identifier == f"delta/{product.name}"
    (identification,) = record.identification
    assert identification.title == "SIMULATED: The delta"
    assert identification.topiccategory == ["environment"]
    box = identification.extent.boundingBox
    assert float(box.minx) < float(box.maxx)
    assert float(box.miny) == pytest.approx(43.4, abs=0.1)
    assert identification.temporalextent_start == "2022-01-01T00:00:00Z"
    assert record.referencesystem.code == "EPSG:32631"
    assert [one.url for one in record.distribution.online][:2] == ["../index.html", "../stac/collection.json"]
    assert "ndvi version" in record.dataquality.lineage


def test_the_citation_is_yaml_with_what_the_format_asks_for(product: Path) -> None:
    told = yaml.safe_load((product / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= told.keys()
    assert told["authors"] == [{"name": "Parc de la Delta"}]
    assert (told["license"], told["doi"], told["type"]) == ("CC-BY-4.0", "10.1234/delta", "dataset")
    assert told["date-released"] == "2022-02-11"


def test_hostile_words_stay_words_in_every_record(hostile: Path) -> None:
    tree = ElementTree.parse(hostile / "catalog/iso19115.xml")
    title = tree.find(f".//{GMD}title/{GCO}CharacterString")
    assert title is not None
    assert title.text == "SIMULATED: " + HOSTILE.replace("\x00", "").replace("\x0b", "")
    told = yaml.safe_load((hostile / "CITATION.cff").read_text())
    assert told["title"] == "SIMULATED: " + HOSTILE
    assert "pwned" not in told
    assert json.loads((hostile / "stac/collection.json").read_text())["title"].startswith("SIMULATED: " + HOSTILE)
    assert list((hostile / "stac/items").iterdir())
    assert not (hostile.parent.parent / "pwned").exists()


def test_credits_are_carried_from_the_scenes(tmp_path: Path) -> None:
    made = publication_in(tmp_path, months=1)
    real = {
        one: {**manifest, "scenes": [{**scene, "catalog": "earth_search"} for scene in manifest["scenes"]]}
        for one, manifest in made.manifests.items()
    }
    product = publish(replace(made, manifests=real))
    credit = "Contains modified Copernicus Sentinel data 2022"
    for name in ("stac/collection.json", "stac/items/ndvi_2022-01.json", "catalog/dcat.jsonld", "catalog/iso19115.xml",
                 "CITATION.cff", "ro-crate-metadata.json", "zarr/zarr.json", "index.html"):  # fmt: skip
        assert credit in (product / name).read_text("utf-8"), name
    import rasterio

    with rasterio.open(product / "cog/ndvi/ndvi_2022-01.tif") as raster:
        assert credit in raster.tags()["TIFFTAG_COPYRIGHT"]
