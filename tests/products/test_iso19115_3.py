"""The ISO 19115-3 record: in the order of its schemas, read by another reader, with the facts of the older one."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from delta import publication_in

from sco.products.iso19115_3 import SPACES
from sco.products.publication import publish

ORDER = {
    "mdb:MD_Metadata": "metadataIdentifier! defaultLocale parentMetadata metadataScope contact! dateInfo! "
    "metadataStandard metadataProfile alternativeMetadataReference otherLocale metadataLinkage "
    "spatialRepresentationInfo referenceSystemInfo metadataExtensionInfo identificationInfo! "
    "contentInfo distributionInfo dataQualityInfo resourceLineage",
    "mdb:MD_MetadataScope": "resourceScope! name",
    "mri:MD_DataIdentification": "citation! abstract! purpose credit status pointOfContact spatialRepresentationType "
    "spatialResolution temporalResolution topicCategory extent additionalDocumentation processingLevel "
    "resourceMaintenance graphicOverview resourceFormat descriptiveKeywords resourceSpecificUsage resourceConstraints "
    "associatedResource defaultLocale otherLocale environmentDescription supplementalInformation",
    "mri:MD_Keywords": "keyword! type thesaurusName keywordClass",
    "mri:MD_Resolution": "distance!",
    "cit:CI_Citation": "title! alternateTitle date edition editionDate identifier citedResponsibleParty",
    "cit:CI_Date": "date! dateType!",
    "cit:CI_Responsibility": "role! extent party!",
    "cit:CI_Organisation": "name! contactInfo partyIdentifier logo individual",
    "cit:CI_OnlineResource": "linkage! protocol applicationProfile name description function protocolRequest",
    "lan:PT_Locale": "language! country characterEncoding!",
    "mcc:MD_Identifier": "authority code! codeSpace version description",
    "mcc:MD_Scope": "level! extent levelDescription",
    "gex:EX_Extent": "description geographicElement temporalElement verticalElement",
    "gex:EX_GeographicBoundingBox": "extentTypeCode westBoundLongitude! eastBoundLongitude! southBoundLatitude! "
    "northBoundLatitude!",
    "gex:EX_TemporalExtent": "extent!",
    "mmi:MD_MaintenanceInformation": "maintenanceAndUpdateFrequency! maintenanceDate",
    "mco:MD_LegalConstraints": "constraintApplicationScope graphic reference releasability responsibleParty "
    "accessConstraints useConstraints otherConstraints",
    "mrd:MD_Distribution": "description distributionFormat distributor transferOptions",
    "mrd:MD_Format": "formatSpecificationCitation!",
    "mrd:MD_DigitalTransferOptions": "unitsOfDistribution transferSize onLine offLine",
    "mrl:LI_Lineage": "statement scope additionalDocumentation source processStep",
    "mrs:MD_ReferenceSystem": "referenceSystemIdentifier referenceSystemType",
}
"""Children as the schemas of ISO/TS 19115-3 have them, in order; those with ! are mandatory."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(publication_in(tmp_path_factory.mktemp("iso")))


@pytest.fixture(scope="module")
def record(product: Path) -> ET.Element:
    return ET.parse(product / "catalog/iso19115-3.xml").getroot()


def short(tag: str) -> str:
    address, _, name = tag[1:].partition("}")
    (prefix,) = (prefix for prefix, known in SPACES.items() if known == address)
    return f"{prefix}:{name}"


def test_elements_stand_in_the_order_of_the_schemas(record: ET.Element) -> None:
    found = [node for node in record.iter() if short(node.tag) in ORDER]
    assert {short(node.tag) for node in found} == ORDER.keys()
    for node in found:
        prefix, names = short(node.tag).partition(":")[0], ORDER[short(node.tag)].split()
        allowed = [f"{prefix}:{name.rstrip('!')}" for name in names]
        told = [short(child.tag) for child in node]
        assert [name for name in told if name not in allowed] == [], short(node.tag)
        assert told == sorted(told, key=allowed.index), short(node.tag)
        assert {f"{prefix}:{name[:-1]}" for name in names if name.endswith("!")} <= set(told), short(node.tag)


def test_codes_name_their_list_and_marks_are_used_once(record: ET.Element) -> None:
    coded = [node for node in record.iter() if "codeListValue" in node.attrib]
    assert len(coded) > 10
    assert all(node.attrib["codeList"].endswith("#" + short(node.tag).partition(":")[2]) for node in coded)
    assert all(node.attrib["codeListValue"] == node.text for node in coded)
    marks = [node.get("id") for node in record.iter() if node.get("id")]
    assert sorted(marks) == sorted(set(marks))
    assert {node.get("locale") for node in record.iter() if node.get("locale")} <= {f"#{mark}" for mark in marks}


def test_another_reader_finds_what_the_older_record_says(product: Path, record: ET.Element) -> None:
    iso, iso3 = pytest.importorskip("owslib.iso"), pytest.importorskip("owslib.iso3")
    etree = pytest.importorskip("lxml.etree")
    newer = iso3.MD_Metadata(etree.parse(str(product / "catalog/iso19115-3.xml")).getroot())
    older = iso.MD_Metadata(etree.parse(str(product / "catalog/iso19115.xml")).getroot())
    assert newer.identifier == older.identifier == f"delta/{product.name}"
    assert (newer.languagecode, newer.charset, newer.hierarchy) == ("eng", "utf8", "dataset")
    assert newer.datestamp == f"{older.datestamp}T00:00:00Z"
    (new,), (old,) = newer.identification, older.identification
    assert new.title == old.title == "SIMULATED: The delta"
    assert new.abstract == old.abstract
    assert new.topiccategory == old.topiccategory == ["environment"]
    assert [one.name for one in new.keywords[0].keywords] == [one.name for one in old.keywords[0].keywords]
    box, before = new.extent.boundingBox, old.extent.boundingBox
    assert (box.minx, box.miny, box.maxx, box.maxy) == (before.minx, before.miny, before.maxx, before.maxy)
    ends = [record.findtext(f".//gml:{name}Position", namespaces=SPACES) for name in ("begin", "end")]
    assert (
        ends == [old.temporalextent_start, old.temporalextent_end] == ["2022-01-01T00:00:00Z", "2022-02-28T23:59:59Z"]
    )
    assert newer.referencesystem.code == older.referencesystem.code == "EPSG:32631"
    assert [one.url for one in newer.distribution.online] == [one.url for one in older.distribution.online]
    assert new.contact[0].role == "publisher"


def test_french_stands_beside_english(record: ET.Element) -> None:
    title = record.find(".//mri:citation/cit:CI_Citation/cit:title", SPACES)
    assert title is not None
    assert title.findtext("gco:CharacterString", namespaces=SPACES) == "SIMULATED: The delta"
    french = title.find("lan:PT_FreeText/lan:textGroup/lan:LocalisedCharacterString", SPACES)
    assert french is not None
    assert (french.get("locale"), french.text) == ("#FR", "SIMULÉ : The delta")
    assert "ndvi version" in (record.findtext(".//mrl:statement/gco:CharacterString", namespaces=SPACES) or "")


def test_places_lead_to_files_of_the_product(product: Path, record: ET.Element) -> None:
    links = [node.text for node in record.iterfind(".//cit:linkage/gco:CharacterString", SPACES)]
    assert links
    assert [link for link in links if not (product / "catalog" / str(link)).exists()] == []
