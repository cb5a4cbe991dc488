"""The product as an ISO 19115 record in its 19139 XML, English and French, for GeoNetwork and its like.

https://www.isotc211.org/2005/gmd; INSPIRE's smallest set: identifier, lineage, party, constraints, topic, keywords.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from sco.model import Words
from sco.products import citation
from sco.products.contents import Publication
from sco.products.stac_item import first_instant, instant_before, lineage

NAME = "catalog/iso19115.xml"
SPACES = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gml": "http://www.opengis.net/gml/3.2",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
FREQUENCY = {"day": "daily", "dekad": "irregular", "month": "monthly", "season": "quarterly", "year": "annually"}
NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(publication: Publication, folder: Path) -> None:
    """Write the record, dated by the newest scene so that it stays the same."""
    for prefix, address in SPACES.items():
        ET.register_namespace(prefix, address)
    tree = ET.ElementTree(_metadata(publication))
    ET.indent(tree, " ")
    tree.write(folder / NAME, encoding="utf-8", xml_declaration=True)


def _metadata(publication: Publication) -> ET.Element:
    project = publication.project
    return _node(
        "gmd:MD_Metadata",
        _words("gmd:fileIdentifier", f"{project.id}/{publication.version}"),
        _code("gmd:language", "LanguageCode", "eng"),
        _code("gmd:characterSet", "MD_CharacterSetCode", "utf8"),
        _code("gmd:hierarchyLevel", "MD_ScopeCode", "dataset"),
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


def _identification(publication: Publication) -> ET.Element:
    project = publication.project
    summary = project.summary
    marks = ("SIMULATED. ", "SIMULÉ. ") if project.simulated else ("", "")
    abstract = Words(summary.en, summary.fr) if summary else Words(project.title.en, project.title.fr)
    return _node(
        "gmd:MD_DataIdentification",
        _node("gmd:citation", _citation(publication)),
        _both("gmd:abstract", Words(marks[0] + abstract.en, marks[1] + abstract.fr)),
        *(_words("gmd:credit", credit) for credit in publication.credits),
        _code("gmd:status", "MD_ProgressCode", "onGoing" if project.period.end == "now" else "completed"),
        _party("gmd:pointOfContact", publication),
        _node("gmd:resourceMaintenance", _maintenance(FREQUENCY[project.period.every])),
        _node("gmd:descriptiveKeywords", _keywords(publication)),
        _node("gmd:resourceConstraints", _constraints(publication)),
        _code("gmd:spatialRepresentationType", "MD_SpatialRepresentationTypeCode", "grid"),
        _node("gmd:spatialResolution", _resolution(publication)),
        _code("gmd:language", "LanguageCode", "eng"),
        _code("gmd:characterSet", "MD_CharacterSetCode", "utf8"),
        _node("gmd:topicCategory", _text("gmd:MD_TopicCategoryCode", "environment")),
        _node("gmd:extent", _extent(publication)),
    )


def _citation(publication: Publication) -> ET.Element:
    project = publication.project
    marks = ("SIMULATED: ", "SIMULÉ : ") if project.simulated else ("", "")
    identifier = _node("gmd:MD_Identifier", _words("gmd:code", f"{project.id}/{publication.version}"))
    date = _node(
        "gmd:CI_Date",
        _node("gmd:date", _text("gco:Date", publication.newest)),
        _code("gmd:dateType", "CI_DateTypeCode", "publication"),
    )
    return _node(
        "gmd:CI_Citation",
        _both("gmd:title", Words(marks[0] + project.title.en, marks[1] + project.title.fr)),
        _node("gmd:date", date),
        _words("gmd:edition", publication.version),
        _node("gmd:identifier", identifier),
    )


def _party(name: str, publication: Publication) -> ET.Element:
    party = _node(
        "gmd:CI_ResponsibleParty",
        _words("gmd:organisationName", citation.author(publication)),
        _code("gmd:role", "CI_RoleCode", "publisher"),
    )
    return _node(name, party)


def _keywords(publication: Publication) -> ET.Element:
    found = [one.title.en for one in publication.project.resolved_indicators]
    named = [one.ecv for one in publication.project.resolved_indicators if one.ecv]
    words = dict.fromkeys(["climate", *found, *named, *(["simulated"] if publication.project.simulated else [])])
    return _node(
        "gmd:MD_Keywords",
        *(_words("gmd:keyword", word) for word in words),
        _code("gmd:type", "MD_KeywordTypeCode", "theme"),
    )


def _constraints(publication: Publication) -> ET.Element:
    own = publication.project.publish.licence if publication.project.publish else None
    licences = [f"{sensor.title}: {sensor.licence}" for sensor in publication.sensors]
    told = [*([f"Licence of the product: {own}"] if own else []), *licences, *publication.credits]
    return _node(
        "gmd:MD_LegalConstraints",
        _code("gmd:accessConstraints", "MD_RestrictionCode", "otherRestrictions"),
        _code("gmd:useConstraints", "MD_RestrictionCode", "otherRestrictions"),
        *(_words("gmd:otherConstraints", words) for words in told),
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
    period.set(_tag("gml:id"), "period")
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
    told = [lineage(publication, one) for one in publication.project.resolved_indicators]
    code = ", ".join(publication.codes)
    statement = ". ".join(
        [*told, f"Computed by sco {code}; snapshot {publication.tag}; see provenance/ and scenes.csv"]
    )
    scope = _node("gmd:DQ_Scope", _code("gmd:level", "MD_ScopeCode", "dataset"))
    return _node(
        "gmd:DQ_DataQuality",
        _node("gmd:scope", scope),
        _node("gmd:lineage", _node("gmd:LI_Lineage", _words("gmd:statement", statement))),
    )


def _reference_system(publication: Publication) -> ET.Element:
    code = _words("gmd:code", str(publication.geobox.crs))
    identifier = _node("gmd:RS_Identifier", code)
    return _node("gmd:MD_ReferenceSystem", _node("gmd:referenceSystemIdentifier", identifier))


def _maintenance(frequency: str) -> ET.Element:
    code = _code("gmd:maintenanceAndUpdateFrequency", "MD_MaintenanceFrequencyCode", frequency)
    return _node("gmd:MD_MaintenanceInformation", code)


def _french() -> ET.Element:
    locale = _node(
        "gmd:PT_Locale",
        _code("gmd:languageCode", "LanguageCode", "fre"),
        _code("gmd:characterEncoding", "MD_CharacterSetCode", "utf8"),
    )
    locale.set("id", "FR")
    return locale


def _both(name: str, words: Words) -> ET.Element:
    """The English words, and the French ones beside them."""
    french = _text("gmd:LocalisedCharacterString", words.fr, locale="#FR")
    told = _node("gmd:PT_FreeText", _node("gmd:textGroup", french))
    node = _node(name, _text("gco:CharacterString", words.en), told)
    node.set(_tag("xsi:type"), "gmd:PT_FreeText_PropertyType")
    return node


def _words(name: str, words: str) -> ET.Element:
    return _node(name, _text("gco:CharacterString", words))


def _code(name: str, kind: str, value: str) -> ET.Element:
    return _node(name, _text(f"gmd:{kind}", value, codeList=f"{CODES}#{kind}", codeListValue=value))


def _text(name: str, words: str, **attrs: str) -> ET.Element:
    node = ET.Element(_tag(name), attrs)
    node.text = NOT_XML.sub("", words)
    return node


def _node(name: str, *children: ET.Element) -> ET.Element:
    node = ET.Element(_tag(name))
    node.extend(children)
    return node


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{SPACES[prefix]}}}{local}"
