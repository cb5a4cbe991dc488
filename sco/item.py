"""A STAC item, which is text from a stranger, read as a Scene or refused with a reason.

Both spellings are read: STAC 1.0 (`proj:epsg`, `raster:bands`) and 1.1 (`proj:code`, `bands`, `raster:scale`).
https://github.com/radiantearth/stac-spec/blob/master/item-spec/item-spec.md
"""

import math
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sco.errors import SceneError
from sco.model import Asset, BBox, Catalog, Collection, Scene, Sensor

LONGEST_TEXT = 65_536
MOST_VERTICES = 100_000
FEW_VERTICES = 100
POLYGON = struct.Struct("<BIII")
"""How well-known binary begins: its byte order, its kind, how many rings, and how many vertices the first has."""
ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
CRS_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}:[A-Za-z0-9_.]{1,64}")
PLAIN = (float, bool, type(None))
"""Types whose values are short, whatever they are."""
SAFE = 2**53
"""Integers below are floats without loss."""
SLACK = 1e-6  # degrees; reprojected corners overshoot the antimeridian by rounding

PROJECTION = (("crs", "proj:epsg"), ("crs", "proj:code"), ("shape", "proj:shape"), ("transform", "proj:transform"))
PIXELS = (
    ("scale", "raster:scale"),
    ("offset", "raster:offset"),
    ("nodata", "nodata"),
    ("dtype", "data_type"),
    ("checksum", "file:checksum"),
    ("size", "file:size"),
)
ALL = PROJECTION + PIXELS
RASTER_BANDS = (("scale", "scale"), ("offset", "offset"), ("nodata", "nodata"), ("dtype", "data_type"))
"""Our field names and how they are spelled; of two spellings of one the later counts."""


def read_item(item: Mapping[str, Any], sensor: Sensor, catalog: Catalog, collection: Collection) -> Scene:
    """The scene that this item describes; bands that the item does not offer are not among its assets.

    Raises SceneError, with the reason in one line, for anything that a scene cannot be made from.
    """
    properties = _properties(item)
    scene_id = _id(item)
    return Scene(
        id=scene_id,
        sensor=sensor.id,
        catalog=catalog.id,
        collection=collection.id,
        identity=sensor.identify(scene_id, properties),
        time=_time(properties),
        footprint=shapely.to_wkt(_footprint(item), rounding_precision=-1),
        bbox=_bbox(item),
        assets=_assets(item, properties, collection),
        cloud_percent=_cloud_percent(properties),
        baseline=_baseline(properties, collection),
        offset_applied=_offset_applied(properties, collection),
        updated=_text(properties, "updated"),
        orbit=_orbit(properties),
    )


def told_time(item: object) -> datetime | None:
    """When this item was acquired, if it tells; for items that are no scene."""
    properties = item.get("properties") if isinstance(item, Mapping) else None
    try:
        return _time(properties) if isinstance(properties, Mapping) else None
    except SceneError:
        return None


def shown(value: object) -> str:
    """A stranger's value as it may stand in a message: one line of ASCII, at most 80 characters."""
    text = ascii(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _properties(item: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = item.get("properties")
    if not isinstance(properties, Mapping):
        raise SceneError("it has no properties")
    for name, value in properties.items():
        if type(value) in PLAIN:
            continue
        length = len(value if isinstance(value, str) else str(value))
        if length > LONGEST_TEXT:
            raise SceneError(f"its property {shown(name)} is {length:,} characters long, over {LONGEST_TEXT:,}")
    return properties


def _id(item: Mapping[str, Any]) -> str:
    scene_id = item.get("id")
    if not isinstance(scene_id, str) or not ID.fullmatch(scene_id) or ".." in scene_id:
        raise SceneError(f"its id {shown(scene_id)} is not 1 to 128 letters, digits, dots, dashes and underscores")
    return scene_id


def _time(properties: Mapping[str, Any]) -> datetime:
    name = "datetime" if properties.get("datetime") is not None else "start_datetime"
    text = _text(properties, name)
    if text is None:
        raise SceneError("it has no datetime")
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise SceneError(f"its {name} {shown(text)} is not a time as RFC 3339 writes it") from error


def _footprint(item: Mapping[str, Any]) -> shapely.Geometry:
    geometry = item.get("geometry")
    if not isinstance(geometry, Mapping):
        raise SceneError("it has no geometry")
    if geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise SceneError(f"its geometry is {shown(geometry.get('type'))}, not a Polygon or MultiPolygon")
    plain = _one_ring(geometry)
    if plain is not None:
        return plain if plain.is_valid else _mended(plain)
    try:
        with np.errstate(invalid="ignore"):  # NaN is refused below
            footprint = shapely.force_2d(shape(dict(geometry)))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise SceneError(f"its geometry cannot be read: {shown(str(error))}") from error
    _check_vertices(footprint)
    return footprint if footprint.is_valid else _mended(footprint)


def _one_ring(geometry: Mapping[str, Any]) -> BaseGeometry | None:
    """The polygon of one closed ring of a few places on Earth, which most are; None for all others, good or bad."""
    rings = geometry.get("coordinates")
    if geometry["type"] != "Polygon" or type(rings) is not list or len(rings) != 1:
        return None
    ring = rings[0]
    if type(ring) is not list or not 3 < len(ring) <= FEW_VERTICES or ring[0] != ring[-1]:
        return None
    if not all(type(place) is list and len(place) == 2 for place in ring):
        return None
    numbers = [number for place in ring for number in place]
    if not all(type(number) is float or type(number) is int for number in numbers):
        return None
    if not (max(map(abs, numbers[::2])) <= 180 and max(map(abs, numbers[1::2])) <= 90 and sum(numbers) < math.inf):
        return None
    told = POLYGON.pack(1, 3, 1, len(ring)) + struct.pack(f"<{len(numbers)}d", *numbers)
    polygon: BaseGeometry = shapely.from_wkb(told)
    return polygon


def _check_vertices(footprint: shapely.Geometry) -> None:
    vertices = shapely.get_coordinates(footprint)
    if not 3 < len(vertices) <= MOST_VERTICES:
        raise SceneError(f"its geometry has {len(vertices):,} vertices, not 4 to {MOST_VERTICES:,}")
    if not np.isfinite(vertices).all():
        raise SceneError("its geometry has coordinates that are not numbers")
    if not (np.abs(vertices) <= (180 + SLACK, 90 + SLACK)).all():
        raise SceneError("its geometry is outside the world: longitude and latitude in degrees")


def _mended(footprint: shapely.Geometry) -> shapely.Geometry:
    mended = shapely.make_valid(footprint, method="structure", keep_collapsed=False)
    if mended.is_empty:
        raise SceneError("its geometry covers no ground")
    return mended


def _bbox(item: Mapping[str, Any]) -> BBox:
    given = item.get("bbox")
    if not isinstance(given, list) or len(given) not in (4, 6):
        raise SceneError(f"its bbox is {shown(given)}, not 4 or 6 numbers")
    numbers = [_finite(number, "bbox") for number in given]
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    if not (max(abs(west), abs(east)) <= 180 + SLACK and -90 - SLACK <= south <= north <= 90 + SLACK):
        raise SceneError(f"its bbox {shown(given)} is outside the world: west, south, east, north in degrees")
    return west, south, east, north


def _cloud_percent(properties: Mapping[str, Any]) -> float | None:
    """Cloud cover; archives write -1 or NaN where they did not compute it, which is None."""
    cover = properties.get("eo:cloud_cover")
    if cover is None:
        return None
    percent = _number(cover, "eo:cloud_cover")
    return percent if 0 <= percent <= 100 else None


def _baseline(properties: Mapping[str, Any], collection: Collection) -> str | None:
    baseline = properties.get(collection.baseline) if collection.baseline else None
    if isinstance(baseline, float):
        return f"{baseline:05.2f}"  # 5.09, from a catalog that dropped the quotes
    if baseline is not None and not isinstance(baseline, str):
        raise SceneError(f"its {collection.baseline} is {shown(baseline)}, not text")
    return baseline


def _offset_applied(properties: Mapping[str, Any], collection: Collection) -> bool | None:
    applied = properties.get(collection.offset_applied) if collection.offset_applied else None
    if applied is not None and not isinstance(applied, bool):
        raise SceneError(f"its {collection.offset_applied} is {shown(applied)}, not true or false")
    return applied


def _orbit(properties: Mapping[str, Any]) -> Literal["ascending", "descending"] | None:
    match properties.get("sat:orbit_state"):
        case "ascending":
            return "ascending"
        case "descending":
            return "descending"
        case _:
            return None


def _assets(item: Mapping[str, Any], properties: Mapping[str, Any], collection: Collection) -> dict[str, Asset]:
    offered = item.get("assets")
    if not isinstance(offered, Mapping):
        raise SceneError("it has no assets")
    spelled = {band: (keys,) if isinstance(keys, str) else keys for band, keys in collection.assets.items()}
    present = {band: key for band, keys in spelled.items() for key in keys[::-1] if key in offered}
    if not present:
        expected = ", ".join(sorted(key for keys in spelled.values() for key in keys))
        raise SceneError(f"it offers none of {expected}; its assets are {shown(sorted(map(str, offered)))}")
    common = _said(properties, PROJECTION)
    return {band: _asset(key, offered[key], common, band, collection) for band, key in present.items()}


def _asset(key: str, record: object, common: Mapping[str, Any], band: str, collection: Collection) -> Asset:
    """The asset without words that its collection is known not to mean, and with the variable that holds the band."""
    if not isinstance(record, Mapping):
        raise SceneError(f"its asset {key!r} is {shown(record)}, not an object")
    href = _text(record, "href")
    if not href:
        raise SceneError(f"its asset {key!r} has no href")
    said = {
        **common,
        **_said(_first(record.get("raster:bands")), RASTER_BANDS),
        **_said(record, ALL),
        **_said(_first(record.get("bands")), ALL),
    }
    return Asset(
        href=href,
        crs=_crs(said.get("crs")),
        shape=_shape(said.get("shape")),
        transform=_transform(said.get("transform")),
        dtype=_text(said, "dtype"),
        nodata=_nodata(said.get("nodata")),
        scale=_announced(said, "scale", collection),
        offset=_announced(said, "offset", collection),
        variable=collection.variables.get(band),
        checksum=_text(said, "checksum"),
        size=_size(said.get("size")),
    )


def _announced(said: Mapping[str, Any], name: str, collection: Collection) -> float | None:
    number = _finite_or_none(said.get(name), name)
    return number if collection.announces else None


def _said(place: Mapping[str, Any], spellings: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What one place of the item says, under our own field names; nothing for what it leaves out or null."""
    if not place:
        return {}
    return {field: value for field, name in spellings if (value := place.get(name)) is not None}


def _first(bands: object) -> Mapping[str, Any]:
    return bands[0] if isinstance(bands, list) and bands and isinstance(bands[0], Mapping) else {}


def _crs(code: object) -> str | None:
    if isinstance(code, int) and not isinstance(code, bool):
        return f"EPSG:{code}"
    if code is not None and not (isinstance(code, str) and CRS_CODE.fullmatch(code)):
        raise SceneError(f"its CRS is {shown(code)}, not a code as in EPSG:32631")
    return code


def _shape(given: object) -> tuple[int, int] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2 or not all(type(side) is int and side > 0 for side in given):
        raise SceneError(f"its proj:shape is {shown(given)}, not rows and columns")
    return given[0], given[1]


def _transform(given: object) -> tuple[float, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) not in (6, 9):
        raise SceneError(f"its proj:transform is {shown(given)}, not 6 or 9 numbers")
    return tuple(_finite(number, "proj:transform") for number in given[:6])


def _size(given: object) -> int | None:
    if given is not None and (type(given) is not int or given < 0):
        raise SceneError(f"its file:size is {shown(given)}, not a number of bytes")
    return given


def _nodata(given: object) -> float | None:
    if given in ("nan", "inf", "-inf"):  # as the raster extension writes what JSON cannot
        given = float(str(given))
    number = None if given is None else _number(given, "nodata")
    return math.nan if number is not None and math.isnan(number) else number  # one NaN, so that scenes compare equal


def _finite_or_none(given: object, name: str) -> float | None:
    return None if given is None else _finite(given, name)


def _finite(given: object, name: str) -> float:
    if type(given) is float and math.isfinite(given):
        return given
    if type(given) is int and abs(given) < SAFE:
        return float(given)
    number = _number(given, name)
    if not math.isfinite(number):
        raise SceneError(f"its {name} has {number}, not a number")
    return number


def _number(given: object, name: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise SceneError(f"its {name} has {shown(given)}, not a number")
    try:
        return float(given)
    except OverflowError as error:
        raise SceneError(f"its {name} has a number that is too large") from error


def _text(place: Mapping[str, Any], name: str) -> str | None:
    text = place.get(name)
    if text is not None and not isinstance(text, str):
        raise SceneError(f"its {name} is {shown(text)}, not text")
    if text is not None and len(text) > LONGEST_TEXT:
        raise SceneError(f"its {name} is {len(text):,} characters long, over {LONGEST_TEXT:,}")
    return text
