"""The product as an ISO 19115-3 record, English and French: the newer XML, which GeoNetwork has read since 3.8.

INSPIRE asks for the older one, ISO/TS 19139 (https://inspire.ec.europa.eu/id/document/tg/metadata-iso19139/2.1.1), so
that a product has both. Namespaces and the order of elements: https://schemas.isotc211.org/19115/-3/
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from sco.products import citation
from sco.products.contents import Publication
from sco.products.elements import Elements
from sco.products.iso19115 import (
    FORMATS,
    FREQUENCY,
    PLACES,
    abstract,
    constraints,
    identity,
    keywords,
    statement,
    title,
)
from sco.products.stac_item import first_instant, instant_before

NAME = "catalog/iso19115-3.xml"
ISO = "http://standards.iso.org/iso/19115/-3"
SPACES = {
    **{one: f"{ISO}/{one}/1.0" for one in ("gco", "gex", "lan", "mcc", "mco", "mmi", "mrd", "mri", "mrs")},
    **{one: f"{ISO}/{one}/2.0" for one in ("cit", "mdb", "mrl")},
    "gml": "http://www.opengis.net/gml/3.2",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
XML = Elements(SPACES, "http://standards.iso.org/iso/19115/resources/Codelists/cat/codelists.xml", "lan")


def write(publication: Publication, folder: Path) -> None:
    """Write the record, dated by the newest scene so that it stays the same."""
    XML.write(_metadata(publication), folder / NAME)


def _metadata(publication: Publication) -> ET.Element:
    scope = XML.code("mdb:resourceScope", "mcc:MD_ScopeCode", "dataset")
    return XML.node(
        "mdb:MD_Metadata",
        XML.node("mdb:metadataIdentifier", _identifier(identity(publication))),
        XML.node("mdb:defaultLocale", _locale("eng", "EN")),
        XML.node("mdb:metadataScope", XML.node("mdb:MD_MetadataScope", scope)),
        XML.node("mdb:contact", _publisher(publication)),
        XML.node("mdb:dateInfo", _date(publication, "creation")),
        XML.node("mdb:metadataStandard", _titled("ISO 19115-3")),
        XML.node("mdb:otherLocale", _locale("fre", "FR")),
        XML.node("mdb:referenceSystemInfo", _reference_system(publication)),
        XML.node("mdb:identificationInfo", _identification(publication)),
        XML.node("mdb:distributionInfo", _distribution()),
        XML.node("mdb:resourceLineage", _lineage(publication)),
    )


def _identification(publication: Publication) -> ET.Element:
    period = publication.project.period
    frequency = XML.code(
        "mmi:maintenanceAndUpdateFrequency", "mmi:MD_MaintenanceFrequencyCode", FREQUENCY[period.every]
    )
    return XML.node(
        "mri:MD_DataIdentification",
        XML.node("mri:citation", _citation(publication)),
        XML.both("mri:abstract", abstract(publication)),
        *(XML.words("mri:credit", credit) for credit in publication.credits),
        XML.code("mri:status", "mri:MD_ProgressCode", "onGoing" if period.end == "now" else "completed"),
        XML.node("mri:pointOfContact", _publisher(publication)),
        XML.code("mri:spatialRepresentationType", "mri:MD_SpatialRepresentationTypeCode", "grid"),
        XML.node("mri:spatialResolution", _resolution(publication)),
        XML.node("mri:topicCategory", XML.text("mri:MD_TopicCategoryCode", "environment")),
        XML.node("mri:extent", _extent(publication)),
        XML.node("mri:resourceMaintenance", XML.node("mmi:MD_MaintenanceInformation", frequency)),
        XML.node("mri:descriptiveKeywords", _keywords(publication)),
        XML.node("mri:resourceConstraints", _constraints(publication)),
        XML.node("mri:defaultLocale", _locale("eng", "data-EN")),
    )


def _citation(publication: Publication) -> ET.Element:
    return XML.node(
        "cit:CI_Citation",
        XML.both("cit:title", title(publication)),
        XML.node("cit:date", _date(publication, "publication")),
        XML.words("cit:edition", publication.version),
        XML.node("cit:identifier", _identifier(identity(publication))),
    )


def _titled(words: str, edition: str = "") -> ET.Element:
    told = [XML.words("cit:edition", edition)] if edition else []
    return XML.node("cit:CI_Citation", XML.words("cit:title", words), *told)


def _date(publication: Publication, kind: str) -> ET.Element:
    instant = XML.node("cit:date", XML.text("gco:DateTime", f"{publication.newest}T00:00:00Z"))
    return XML.node("cit:CI_Date", instant, XML.code("cit:dateType", "cit:CI_DateTypeCode", kind))


def _identifier(code: str) -> ET.Element:
    return XML.node("mcc:MD_Identifier", XML.words("mcc:code", code))


def _publisher(publication: Publication) -> ET.Element:
    organisation = XML.node("cit:CI_Organisation", XML.words("cit:name", citation.author(publication)))
    role = XML.code("cit:role", "cit:CI_RoleCode", "publisher")
    return XML.node("cit:CI_Responsibility", role, XML.node("cit:party", organisation))


def _locale(language: str, mark: str) -> ET.Element:
    spoken = XML.code("lan:language", "lan:LanguageCode", language)
    found = XML.node("lan:PT_Locale", spoken, XML.code("lan:characterEncoding", "lan:MD_CharacterSetCode", "utf8"))
    found.set("id", mark)
    return found


def _reference_system(publication: Publication) -> ET.Element:
    identifier = XML.node("mrs:referenceSystemIdentifier", _identifier(str(publication.geobox.crs)))
    return XML.node("mrs:MD_ReferenceSystem", identifier)


def _resolution(publication: Publication) -> ET.Element:
    box = publication.geobox
    unit = "deg" if box.crs and box.crs.geographic else "m"
    distance = XML.text("gco:Distance", f"{abs(box.resolution.x):g}", uom=unit)
    return XML.node("mri:MD_Resolution", XML.node("mri:distance", distance))


def _extent(publication: Publication) -> ET.Element:
    west, south, east, north = publication.footprint.bounds
    edges = {"westBoundLongitude": west, "eastBoundLongitude": east, "southBoundLatitude": south}
    box = XML.node(
        "gex:EX_GeographicBoundingBox",
        *(
            XML.node(f"gex:{name}", XML.text("gco:Decimal", f"{value:.6f}"))
            for name, value in (edges | {"northBoundLatitude": north}).items()
        ),
    )
    period = XML.node(
        "gml:TimePeriod",
        XML.text("gml:beginPosition", first_instant(publication.periods[0].start)),
        XML.text("gml:endPosition", instant_before(publication.periods[-1].end)),
    )
    period.set(XML.tag("gml:id"), "period")
    time = XML.node("gex:EX_TemporalExtent", XML.node("gex:extent", period))
    return XML.node("gex:EX_Extent", XML.node("gex:geographicElement", box), XML.node("gex:temporalElement", time))


def _keywords(publication: Publication) -> ET.Element:
    words = (XML.words("mri:keyword", word) for word in keywords(publication))
    return XML.node("mri:MD_Keywords", *words, XML.code("mri:type", "mri:MD_KeywordTypeCode", "theme"))


def _constraints(publication: Publication) -> ET.Element:
    kinds = (f"mco:{kind}Constraints" for kind in ("access", "use"))
    codes = (XML.code(kind, "mco:MD_RestrictionCode", "otherRestrictions") for kind in kinds)
    told = (XML.words("mco:otherConstraints", words) for words in constraints(publication))
    return XML.node("mco:MD_LegalConstraints", *codes, *told)


def _distribution() -> ET.Element:
    formats = (XML.node("mrd:MD_Format", XML.node("mrd:formatSpecificationCitation", _titled(*one))) for one in FORMATS)
    return XML.node(
        "mrd:MD_Distribution",
        *(XML.node("mrd:distributionFormat", one) for one in formats),
        XML.node("mrd:transferOptions", XML.node("mrd:MD_DigitalTransferOptions", *_online())),
    )


def _online() -> Iterator[ET.Element]:
    for href, name in PLACES:
        told = XML.words("cit:linkage", href), XML.words("cit:name", name)
        yield XML.node("mrd:onLine", XML.node("cit:CI_OnlineResource", *told))


def _lineage(publication: Publication) -> ET.Element:
    scope = XML.node("mcc:MD_Scope", XML.code("mcc:level", "mcc:MD_ScopeCode", "dataset"))
    said = XML.words("mrl:statement", statement(publication))
    return XML.node("mrl:LI_Lineage", said, XML.node("mrl:scope", scope))
