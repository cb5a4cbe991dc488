"""The product as an ISO 19115 record in its 19139 XML, English and French: what INSPIRE asks for.

https://www.isotc211.org/2005/gmd; INSPIRE's smallest set: identifier, lineage, party, constraints, topic, keywords.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from sco.model import Words
from sco.products import citation
from sco.products.contents import Publication
from sco.products.elements import Elements
from sco.products.stac_item import first_instant, instant_before, lineage

NAME = "catalog/iso19115.xml"
SPACES = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gml": "http://www.opengis.net/gml/3.2",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
XML = Elements(SPACES, "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml", "gmd")
_node, _text, _words, _both = XML.node, XML.text, XML.words, XML.both
FREQUENCY = {"day": "daily", "dekad": "irregular", "month": "monthly", "season": "quarterly", "year": "annually"}


def write(publication: Publication, folder: Path) -> None:
    """Write the record, dated by the newest scene so that it stays the same."""
    XML.write(_metadata(publication), folder / NAME)


def _metadata(publication: Publication) -> ET.Element:
    return _node(
        "gmd:MD_Metadata",
        _words("gmd:fileIdentifier", identity(publication)),
        XML.code("gmd:language", "gmd:LanguageCode", "eng"),
        XML.code("gmd:characterSet", "gmd:MD_CharacterSetCode", "utf8"),
        XML.code("gmd:hierarchyLevel", "gmd:MD_ScopeCode", "dataset"),
        _party("gmd:contact", publication),
        _node("gmd:dateStamp", _text("gco:Date", publication.newest)),
        _words("gmd:metadataStandardName", "ISO 19115:2003/19139"),
        _words("gmd:metadataStandardVersion", "1.0"),
        _node("gmd:locale", _french()),
        _node("gmd:referenceSystemInfo", _reference_system(publication)),
        _node("gmd:identificationInfo", _identification(publication)),
        _node("gmd:distributionInfo", _distribution()),
        _node("gmd:dataQualityInfo", _quality(publication)),
    )


def identity(publication: Publication) -> str:
    """What the record and the product are known by."""
    return f"{publication.project.id}/{publication.version}"


def title(publication: Publication) -> Words:
    """The product's name; it says that it is simulated."""
    words, marks = (
        publication.project.title,
        ("SIMULATED: ", "SIMULÉ : ") if publication.project.simulated else ("", ""),
    )
    return Words(marks[0] + words.en, marks[1] + words.fr)


def abstract(publication: Publication) -> Words:
    """What the product is, in a sentence or two."""
    project = publication.project
    words, marks = project.summary or project.title, ("SIMULATED. ", "SIMULÉ. ") if project.simulated else ("", "")
    return Words(marks[0] + words.en, marks[1] + words.fr)


def keywords(publication: Publication) -> list[str]:
    """Indicators, and the climate variables that they stand for, each once."""
    indicators = publication.project.resolved_indicators
    named = [one.ecv for one in indicators if one.ecv]
    marks = ["simulated"] if publication.project.simulated else []
    return list(dict.fromkeys(["climate", *(one.title.en for one in indicators), *named, *marks]))


def constraints(publication: Publication) -> list[str]:
    """Licences and the credit lines that are owed."""
    own = publication.project.publish.licence if publication.project.publish else None
    licences = [f"{sensor.title}: {sensor.licence}" for sensor in publication.sensors]
    return [*([f"Licence of the product: {own}"] if own else []), *licences, *publication.credits]


def statement(publication: Publication) -> str:
    """How the product was made."""
    told = [lineage(publication, one) for one in publication.project.resolved_indicators]
    made = f"Computed by sco {', '.join(publication.codes)}; snapshot {publication.tag}; see provenance/ and scenes.csv"
    return ". ".join([*told, made])


def _identification(publication: Publication) -> ET.Element:
    project = publication.project
    return _node(
        "gmd:MD_DataIdentification",
        _node("gmd:citation", _citation(publication)),
        _both("gmd:abstract", abstract(publication)),
        *(_words("gmd:credit", credit) for credit in publication.credits),
        XML.code("gmd:status", "gmd:MD_ProgressCode", "onGoing" if project.period.end == "now" else "completed"),
        _party("gmd:pointOfContact", publication),
        _node("gmd:resourceMaintenance", _maintenance(FREQUENCY[project.period.every])),
        _node("gmd:descriptiveKeywords", _keywords(publication)),
        _node("gmd:resourceConstraints", _constraints(publication)),
        XML.code("gmd:spatialRepresentationType", "gmd:MD_SpatialRepresentationTypeCode", "grid"),
        _node("gmd:spatialResolution", _resolution(publication)),
        XML.code("gmd:language", "gmd:LanguageCode", "eng"),
        XML.code("gmd:characterSet", "gmd:MD_CharacterSetCode", "utf8"),
        _node("gmd:topicCategory", _text("gmd:MD_TopicCategoryCode", "environment")),
        _node("gmd:extent", _extent(publication)),
    )


def _citation(publication: Publication) -> ET.Element:
    identifier = _node("gmd:MD_Identifier", _words("gmd:code", identity(publication)))
    date = _node(
        "gmd:CI_Date",
        _node("gmd:date", _text("gco:Date", publication.newest)),
        XML.code("gmd:dateType", "gmd:CI_DateTypeCode", "publication"),
    )
    return _node(
        "gmd:CI_Citation",
        _both("gmd:title", title(publication)),
        _node("gmd:date", date),
        _words("gmd:edition", publication.version),
        _node("gmd:identifier", identifier),
    )


def _party(name: str, publication: Publication) -> ET.Element:
    party = _node(
        "gmd:CI_ResponsibleParty",
        _words("gmd:organisationName", citation.author(publication)),
        XML.code("gmd:role", "gmd:CI_RoleCode", "publisher"),
    )
    return _node(name, party)


def _keywords(publication: Publication) -> ET.Element:
    return _node(
        "gmd:MD_Keywords",
        *(_words("gmd:keyword", word) for word in keywords(publication)),
        XML.code("gmd:type", "gmd:MD_KeywordTypeCode", "theme"),
    )


def _constraints(publication: Publication) -> ET.Element:
    return _node(
        "gmd:MD_LegalConstraints",
        XML.code("gmd:accessConstraints", "gmd:MD_RestrictionCode", "otherRestrictions"),
        XML.code("gmd:useConstraints", "gmd:MD_RestrictionCode", "otherRestrictions"),
        *(_words("gmd:otherConstraints", words) for words in constraints(publication)),
    )


def _resolution(publication: Publication) -> ET.Element:
    box = publication.geobox
    unit = "deg" if box.crs and box.crs.geographic else "m"
    distance = _text("gco:Distance", f"{abs(box.resolution.x):g}", uom=unit)
    return _node("gmd:MD_Resolution", _node("gmd:distance", distance))


def _extent(publication: Publication) -> ET.Element:
    west, south, east, north = publication.footprint.bounds
    edges = (("west", west), ("east", east), ("south", south), ("north", north))
    names = {"west": "Longitude", "east": "Longitude", "south": "Latitude", "north": "Latitude"}
    box = _node(
        "gmd:EX_GeographicBoundingBox",
        *(_node(f"gmd:{edge}Bound{names[edge]}", _text("gco:Decimal", f"{value:.6f}")) for edge, value in edges),
    )
    period = _node(
        "gml:TimePeriod",
        _text("gml:beginPosition", first_instant(publication.periods[0].start)),
        _text("gml:endPosition", instant_before(publication.periods[-1].end)),
    )
    period.set(XML.tag("gml:id"), "period")
    time = _node("gmd:EX_TemporalExtent", _node("gmd:extent", period))
    return _node("gmd:EX_Extent", _node("gmd:geographicElement", box), _node("gmd:temporalElement", time))


def _distribution() -> ET.Element:
    return _node(
        "gmd:MD_Distribution",
        *(_node("gmd:distributionFormat", _format(*one)) for one in FORMATS),
        _node("gmd:transferOptions", _node("gmd:MD_DigitalTransferOptions", *_online())),
    )


FORMATS = (("GeoTIFF (COG)", "1.1"), ("Zarr", "3"), ("CSV", "RFC 4180"), ("GeoParquet", "1.1"))
PLACES = (
    ("../index.html", "Page"),
    ("../stac/collection.json", "STAC 1.1 collection"),
    ("../zarr", "All as Zarr"),
    ("../series.csv", "Series per zone"),
    ("../series.parquet", "Series per zone, with outlines"),
)


def _format(name: str, version: str) -> ET.Element:
    return _node("gmd:MD_Format", _words("gmd:name", name), _words("gmd:version", version))


def _online() -> Iterator[ET.Element]:
    for href, name in PLACES:
        linkage = _node("gmd:linkage", _text("gmd:URL", href))
        yield _node("gmd:onLine", _node("gmd:CI_OnlineResource", linkage, _words("gmd:name", name)))


def _quality(publication: Publication) -> ET.Element:
    scope = _node("gmd:DQ_Scope", XML.code("gmd:level", "gmd:MD_ScopeCode", "dataset"))
    return _node(
        "gmd:DQ_DataQuality",
        _node("gmd:scope", scope),
        _node("gmd:lineage", _node("gmd:LI_Lineage", _words("gmd:statement", statement(publication)))),
    )


def _reference_system(publication: Publication) -> ET.Element:
    code = _words("gmd:code", str(publication.geobox.crs))
    identifier = _node("gmd:RS_Identifier", code)
    return _node("gmd:MD_ReferenceSystem", _node("gmd:referenceSystemIdentifier", identifier))


def _maintenance(frequency: str) -> ET.Element:
    code = XML.code("gmd:maintenanceAndUpdateFrequency", "gmd:MD_MaintenanceFrequencyCode", frequency)
    return _node("gmd:MD_MaintenanceInformation", code)


def _french() -> ET.Element:
    locale = _node(
        "gmd:PT_Locale",
        XML.code("gmd:languageCode", "gmd:LanguageCode", "fre"),
        XML.code("gmd:characterEncoding", "gmd:MD_CharacterSetCode", "utf8"),
    )
    locale.set("id", "FR")
    return locale
