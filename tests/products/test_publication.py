"""A small record of known numbers, published and read back by independent readers."""

import csv
import dataclasses
import filecmp
import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import rioxarray  # noqa: F401 - gives datasets their .rio
import xarray as xr
from delta import FEW, HEIGHT, INDICATORS, LEFT, PERIODS, TOP, WIDTH, ndvi_at, publication_in, record_of
from PIL import Image
from rio_cogeo import cog_validate

from sco.errors import IntegrityError, LockedError
from sco.partition import Record
from sco.products import publication as press
from sco.products.publication import Publication, publish, refusals, verify


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    return publication_in(tmp_path_factory.mktemp("first"), months=len(PERIODS))


@pytest.fixture(scope="module")
def product(made: Publication) -> Path:
    return publish(made)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    publish(publication_in(folder))
    return folder


@pytest.fixture
def copied(small: Path, tmp_path: Path) -> Publication:
    """A publication that is published already, in a folder of its own."""
    shutil.copytree(small, tmp_path / "copy", symlinks=True)
    return publication_in(tmp_path / "copy")


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_version_is_the_last_period_and_a_digest(made: Publication, product: Path) -> None:
    assert re.fullmatch(r"2023-02-[0-9a-f]{10}", product.name)
    latest = product.parent / "latest"
    assert latest.is_symlink()
    assert os.readlink(latest) == product.name
    changed = dict(made.records)
    first = min(changed)
    changed[first] = Record("f" * 64, "run-2")
    assert dataclasses.replace(made, records=changed).version != made.version
    assert dataclasses.replace(made, accuracy=()).version != made.version


def test_the_same_content_gives_the_same_bytes_from_any_snapshot(small: Path, tmp_path: Path) -> None:
    other = replace(publication_in(tmp_path), snapshot="SNAP2")
    product, again = (small / "products/latest").resolve(), publish(other)
    assert again.name == product.name
    assert tree(again) == tree(product)
    same, different, wrong = filecmp.cmpfiles(product, again, tree(product), shallow=False)
    assert (different, wrong) == ([], [])
    assert len(same) > 60


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_changes_no_byte(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    again = publish(publication_in(tmp_path))
    assert (again / "MANIFEST.json").read_bytes() == (small / "products/latest/MANIFEST.json").read_bytes()


def test_cogs_are_valid_and_hold_the_values(product: Path) -> None:
    path = product / "cog/ndvi/ndvi_2022-07.tif"
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as raster:
        assert raster.dtypes == ("int16",)
        assert raster.nodata == -32768
        assert raster.crs.to_epsg() == 32631
        assert raster.transform[:6] == (100, 0, LEFT, 0, -100, TOP)
        assert raster.scales == (1e-4,)
        assert raster.offsets == (0,)
        assert raster.units == ("1",)
        assert raster.descriptions == ("Vegetation index (NDVI)",)
        assert raster.overviews(1) == [2]
        assert raster.tags()["SIMULATED"] == "true"
        values = raster.read(1, masked=True)
    assert np.array_equal(values.mask, np.isnan(ndvi_at(6)))
    assert np.allclose(values.filled(0) * 1e-4, np.nan_to_num(ndvi_at(6)), atol=1e-7)


def test_counts_are_a_cog_of_three_bands(product: Path) -> None:
    path = product / "cog/ndvi/ndvi_2022-07_counts.tif"
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as raster:
        assert raster.dtypes == ("uint16",) * 3
        assert [int(band.max()) for band in raster.read()] == [4, 2, 0]
        assert raster.descriptions[0].startswith("n_seen")


def test_zarr_is_plain_checksummed_and_equal_to_the_store(made: Publication, product: Path) -> None:
    with xr.open_zarr(product / "zarr", consolidated=True) as copy:
        assert copy.sizes["time"] == len(PERIODS)
        for name in (*INDICATORS, "ndvi_n_seen", "water_extent_n_failed", "time_bnds"):
            assert np.array_equal(copy[name].values, made.dataset[name].values, equal_nan=name in INDICATORS)
        assert copy["ndvi"].encoding["dtype"] == np.dtype("int16")
        assert copy["ndvi"].attrs["units"] == "1"
        assert copy.attrs["simulated"] == "true"
        assert copy.rio.crs.to_epsg() == 32631
    metadata = json.loads((product / "zarr/zarr.json").read_text())["consolidated_metadata"]["metadata"]
    codecs = metadata["ndvi"]["codecs"]
    assert [codec["name"] for codec in codecs] == ["bytes", "zstd"]
    assert codecs[1]["configuration"]["checksum"] is True
    assert metadata["ndvi"]["chunk_grid"]["configuration"]["chunk_shape"] == [1, 128, 128]


def test_the_series_are_the_numbers_of_the_zones(product: Path) -> None:
    with (product / "series.csv").open(newline="") as file:
        rows = {(row["zone"], row["indicator"], row["period"], row["statistic"]): row for row in csv.DictReader(file)}
    assert len(rows) == 2 * 14 * (2 + 3)
    water = rows["West", "water_extent", "2022-01", "mean"]
    assert float(water["value"]) == pytest.approx(60 / 150)
    assert water["unit"] == "1"
    assert water["n"] == str(90 * 150)
    assert float(rows["West", "water_extent", "2022-01", "area"]["value"]) == pytest.approx(90 * 60 * 0.01)
    seen = 1 - 20 * 30 / (90 * 150)
    assert float(rows["West", "ndvi", "2022-01", "coverage"]["value"]) == pytest.approx(seen, rel=1e-5)
    weights = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
    expected = float((ndvi_at(0)[:3, :3] * weights).sum() / weights.sum())
    assert float(rows["'=Corner", "ndvi", "2022-01", "mean"]["value"]) == pytest.approx(expected, rel=1e-5)


def test_every_scene_is_named(product: Path) -> None:
    with (product / "scenes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 14 * 4
    april = next(row for row in rows if row["period"] == "2022-04")
    assert (april["scene"], april["failed_bands"], april["updated"]) == ("S2A_2022-04", "nir", "")


def test_stac_is_valid_and_leads_to_the_files(product: Path) -> None:
    collection = pystac.Collection.from_file(str(product / "stac/collection.json"))
    items = list(collection.get_items())
    assert len(items) == 28
    assert collection.id == "delta"
    for one in (collection, *items):
        pystac.validation.validate_dict(one.to_dict(include_self_link=False), extensions=[])
    july = next(one for one in items if one.id == "ndvi_2022-07")
    assert july.ext.proj.code == "EPSG:32631"
    assert july.ext.proj.shape == [HEIGHT, WIDTH]
    assert july.ext.proj.transform == [100, 0, LEFT, 0, -100, TOP]
    assert (july.properties["start_datetime"], july.properties["end_datetime"]) == (
        "2022-07-01T00:00:00Z", "2022-07-31T23:59:59Z",
    )  # fmt: skip
    data = july.assets["data"]
    path = product / "cog/ndvi/ndvi_2022-07.tif"
    assert Path(data.get_absolute_href() or "").resolve() == path.resolve()
    assert data.ext.file.size == path.stat().st_size
    assert data.extra_fields["file:checksum"] == "1220" + sha256(path)
    band = data.to_dict()["bands"][0]
    assert (band["raster:scale"], band["nodata"], band["data_type"]) == (1e-4, -32768, "int16")
    assert band["statistics"]["maximum"] == pytest.approx(float(np.nanmax(ndvi_at(6))))
    assert band["statistics"]["valid_percent"] == pytest.approx(100 * (1 - 600 / (HEIGHT * WIDTH)), abs=1e-3)


def sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_stac_names_only_fields_of_its_extensions(product: Path) -> None:
    known = {
        "proj": {"code", "shape", "transform"},
        "raster": {"scale", "offset", "sampling"},
        "file": {"size", "checksum"},
        "processing": {"software", "lineage"},
        "sci": {"publications"},
    }
    document = json.loads((product / "stac/items/ndvi_2022-07.json").read_text())
    prefixed = {key for key in keys(document) if ":" in key and not key.startswith(("sco:", "sco "))}
    assert prefixed <= {f"{prefix}:{name}" for prefix, names in known.items() for name in names}
    assert all(re.fullmatch(r"1220[a-f0-9]{64}", asset["file:checksum"]) for asset in document["assets"].values())
    assert "v2.0.0" in next(uri for uri in document["stac_extensions"] if "/projection/" in uri)
    assert not [link for link in document["links"] if "://" in link["href"]]


def keys(node: object) -> set[str]:
    if isinstance(node, dict):
        return set(node) | {key for value in node.values() for key in keys(value)}
    return {key for value in node for key in keys(value)} if isinstance(node, list) else set()


def test_the_crate_describes_the_folder(product: Path) -> None:
    graph = {entity["@id"]: entity for entity in json.loads((product / "ro-crate-metadata.json").read_text())["@graph"]}
    root = graph["./"]
    assert root["name"].startswith("SIMULATED: The delta")
    assert root["datePublished"] == "2023-02-11"
    assert {part["@id"] for part in root["hasPart"]} >= {"index.html", "series.csv", "cog/", "zarr/"}


def test_figures_are_pictures(product: Path) -> None:
    for name in ("ndvi_map", "ndvi_chart", "water_extent_map", "water_extent_chart"):
        with Image.open(product / f"figures/{name}.png") as picture:
            assert picture.width > 600
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
    with Image.open(product / "figures/overlays/ndvi_2022-07.png") as picture:
        assert picture.size == (WIDTH, HEIGHT)
        pixels = np.asarray(picture.convert("RGBA"))
    hole = pixels[np.isnan(ndvi_at(6))]
    assert {bytes(colour).hex() for colour in hole} == {"ffffffff", "33424bff"}, "seen, and without a value: dotted"
    assert (pixels[:, :, 3] == 255).all()


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.addresses += [given[key] or "" for key in ("href", "src") if key in given]
        self.inline += [key for key in given if key.startswith("on") or key == "style"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.tags and self.tags[-1] == "script":
            self.scripts.append(data.strip())


def read_page(folder: Path) -> Page:
    page = Page()
    page.feed((folder / "index.html").read_text("utf-8"))
    return page


def test_the_page_asks_no_other_host_and_runs_nothing_inline(product: Path) -> None:
    page, source = read_page(product), (product / "index.html").read_text("utf-8")
    own = [address for address in page.addresses if "://" not in address and not address.startswith("#")]
    assert own
    assert all((product / address.partition("#")[0]).exists() for address in own)
    assert page.inline == []
    assert source.count("<script src=") == page.tags.count("script")
    assert "default-src 'none'" in source
    assert "unsafe" not in source


def test_the_page_says_what_it_shows(product: Path) -> None:
    said = " ".join(" ".join(read_page(product).words).split())
    for words in ("SIMULATED / SIMULÉ", "The delta", "Indice de végétation (NDVI)", "février 2023", "February 2023"):
        assert words in said
    assert "0.0134" in said
    assert f"product-{product.name}" in said
    assert "0.1.0+abc" in said


def test_hostile_words_come_out_inert(tmp_path: Path) -> None:
    title = "</title><script>alert(1)</script>$x_{$<img src=x onerror=alert(2)>"
    folder = publish(publication_in(tmp_path, title=title, zone_name="</script><b onclick=1>$\\frac"))
    page = read_page(folder)
    assert page.inline == []
    assert not any("alert" in script for script in page.scripts)
    assert "img" not in page.tags[: page.tags.index("main")]
    assert title.replace("\n", "") in "".join(page.words)
    assert "</script>" not in (folder / "index.html").read_text().replace('.js"></script>', "")


def test_a_project_without_zones_is_one_zone(tmp_path: Path) -> None:
    folder = publish(publication_in(tmp_path, zones=False))
    with (folder / "series.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["zone"] for row in rows} == {"delta"}
    assert float(rows[-1]["value"]) == 1.0


def test_a_published_version_is_not_built_again(made: Publication, product: Path) -> None:
    said: list[str] = []
    before = (product / "MANIFEST.json").stat().st_mtime_ns
    assert publish(made, said.append) == product
    assert said == [f"{product.name} is published already"]
    assert (product / "MANIFEST.json").stat().st_mtime_ns == before


def test_a_damaged_version_is_replaced_and_leftovers_go(copied: Publication) -> None:
    folder = copied.project.product_root / copied.version
    (folder / "series.csv").write_text("zone\n")
    left = folder.parent / ".staging-2020-01-0000000000-1"
    (left / "cog").mkdir(parents=True)
    publish(copied)
    assert verify(folder) == []
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        ".publish.lock",
        ".sightings.json",
        folder.name,
        "latest",
    ]


def test_a_failing_build_leaves_what_was_there(copied: Publication, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copied.project.product_root / copied.version
    newer = dataclasses.replace(copied, accuracy=())
    monkeypatch.setattr(
        press.tables, "write_series", lambda *_: (_ for _ in ()).throw(OSError("No space left on device"))
    )
    with pytest.raises(OSError, match="No space"):
        publish(newer)
    assert os.readlink(folder.parent / "latest") == folder.name
    assert verify(folder) == []
    assert not list(folder.parent.glob(".staging-*"))


def test_what_must_not_be_published_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    failed = publication_in(tmp_path / "failed", data=record_of(failed=1, months=FEW))
    empty = record_of(months=FEW)
    empty["ndvi"] = empty["ndvi"] * np.nan
    impossible = record_of(months=FEW)
    impossible["water_extent"] = impossible["water_extent"] * 2
    with pytest.raises(IntegrityError, match=r"ndvi: 14\.29% of the reads failed and the budget is 1\.00%"):
        publish(failed)
    assert not (tmp_path / "failed/products").exists()
    assert refusals(publication_in(tmp_path / "empty", data=empty)) == [
        "ndvi: there is no value in any period: look at its plan for scenes and clouds"
    ]
    assert refusals(publication_in(tmp_path / "impossible", data=impossible)) == [
        "water_extent: values run from 0 to 2, and 0 to 1 is possible"
    ]
    nothing = dataclasses.replace(failed, records={})
    assert refusals(nothing) == ["the store holds no period of the project: run an update first"]


def test_two_publishers_do_not_mix(tmp_path: Path) -> None:
    from filelock import FileLock

    made = publication_in(tmp_path)
    (tmp_path / "products").mkdir()
    with FileLock(tmp_path / "products/.publish.lock"), pytest.raises(LockedError, match="another run is publishing"):
        publish(made)
