"""Microsoft Planetary Computer: Sentinel-1 and 2, Landsat, HLS, MODIS and OISST, open to search, signed to read.

Sentinel-2's offset is in the pixels from baseline 04.00 on, and no item announces it: the baseline decides
(https://github.com/microsoft/PlanetaryComputer/issues/134). Old scenes were made by the Planetary Computer itself with
an old baseline and never as Collection 1 (https://github.com/microsoft/PlanetaryComputer/issues/291). B8A is labelled
`rededge` there and S30's B08 `nir`, so bands are taken by their own names and never by their labels.

Files are read with a token of the storage container, which lasts less than an hour
(https://planetarycomputer.microsoft.com/docs/concepts/sas/). It is asked for when a file is to be read, kept for
most of its life, and written nowhere; one that is refused before its time is asked for anew. Sentinel-1 wants an
account: its key goes into PC_SDK_SUBSCRIPTION_KEY.

Footprints of MODIS tiles at the date line reach beyond 180 degrees by up to 0.2, where their projection has no ground.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from sco.model import Catalog, Collection

SENTINEL2 = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "rededge071": "B05",
    "rededge075": "B06",
    "rededge078": "B07",
    "nir": "B08",
    "nir08": "B8A",
    "nir09": "B09",
    "swir16": "B11",
    "swir22": "B12",
    "scl": "SCL",
}
LANDSAT: Mapping[str, str | tuple[str, ...]] = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "red": "red",
    "nir": "nir08",
    "swir16": "swir16",
    "swir22": "swir22",
    "lst": ("lwir11", "lwir"),
    "qa_pixel": "qa_pixel",
    "qa_radsat": "qa_radsat",
}
HLS_S30 = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "nir": "B8A",
    "swir16": "B11",
    "swir22": "B12",
    "fmask": "Fmask",
}
SENTINEL1_RTC = {"vv": "vv", "vh": "vh"}
# MODIS items announce scales and no nodata; a band's key holds the step of its product's grid
MODIS_13Q1 = {
    "ndvi": "250m_16_days_NDVI",
    "evi": "250m_16_days_EVI",
    "pixel_reliability": "250m_16_days_pixel_reliability",
}
MODIS_13A1 = {
    "ndvi": "500m_16_days_NDVI",
    "evi": "500m_16_days_EVI",
    "pixel_reliability": "500m_16_days_pixel_reliability",
}
MODIS_11 = {"lst": "LST_Day_1km", "lst_night": "LST_Night_1km", "qc_day": "QC_Day", "qc_night": "QC_Night"}
MODIS_10A1 = {"ndsi_snow_cover": "NDSI_Snow_Cover"}
MODIS_10A2 = {"snow_extent": "Maximum_Snow_Extent"}
OISST = {"sst": "sst", "anom": "anom", "err": "err", "ice": "ice"}

STORES = (
    "sentinel2l2a01.blob.core.windows.net",
    "landsateuwest.blob.core.windows.net",
    "hls2euwest.blob.core.windows.net",
    "sentinel1euwestrtc.blob.core.windows.net",
    "modiseuwest.blob.core.windows.net",
    "noaacdr.blob.core.windows.net",
)
TOKENS = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
CONTAINER = re.compile(r"[a-z0-9-]{3,63}")
KEPT = 0.8
"""Share of a token's life after which it is asked for anew."""
TRIES = 3
TIMEOUT_S = 30

_tokens: dict[str, tuple[str, float]] = {}
_asking = Lock()


def sign(href: str) -> str:
    """The address with a token that is valid now, instead of any that it came with; other hosts' as they are.

    Raises OSError when no valid token is to be had.
    """
    container = _container(href)
    return urlsplit(href)._replace(query=_token(container), fragment="").geturl() if container else href


def renew(href: str) -> str:
    """The address with another token than the one that was refused, which is asked for once, whoever else was refused.

    Raises OSError when no valid token is to be had.
    """
    container = _container(href)
    with _asking:
        if container in _tokens and _tokens[container][0] == urlsplit(href).query:
            del _tokens[container]
    return sign(href)


def _container(href: str) -> str:
    """Account and container of the storage that the address is in; empty for other addresses."""
    parts = urlsplit(href)
    container = parts.path.split("/")[1] if parts.path.count("/") > 1 else ""
    if parts.scheme != "https" or parts.netloc not in STORES or not CONTAINER.fullmatch(container):
        return ""
    return f"{parts.netloc.partition('.')[0]}/{container}"


def _token(container: str) -> str:
    with _asking:
        token, renew = _tokens.get(container, ("", 0.0))
        if time.time() >= renew:
            token, renew = _tokens[container] = _asked(container)
        return token


def _asked(container: str) -> tuple[str, float]:
    """A new token, and when to ask for the next. The service has been seen to issue tokens that are over already."""
    for _ in range(TRIES):
        token, expiry = _answer(f"{TOKENS}/{container}")
        left = expiry - time.time()
        if left > 0:
            return token, time.time() + KEPT * left
    raise OSError(f"{TOKENS}/{container} gives tokens that are over already: is this machine's clock right?")


def _answer(url: str) -> tuple[str, float]:
    key = os.environ.get("PC_SDK_SUBSCRIPTION_KEY")
    request = Request(url, headers={"Ocp-Apim-Subscription-Key": key} if key else {})  # noqa: S310
    with urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
        body = json.load(reply)
    try:
        return str(body["token"]), datetime.fromisoformat(body["msft:expiry"]).timestamp()
    except (TypeError, KeyError, ValueError):
        raise OSError(f"{url} answers with no token") from None  # the answer may hold a half of one


def within_the_world(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item with its footprint ending at the date line if it is of MODIS; any other item as it is."""
    geometry, bbox = item.get("geometry"), item.get("bbox")
    if not str(item.get("collection")).startswith("modis-") or not isinstance(geometry, Mapping):
        return item
    clipped = {**geometry, "coordinates": _clipped(geometry.get("coordinates"))}
    return {**item, "geometry": clipped, "bbox": _clipped(bbox)}


def _clipped(coordinates: Any) -> Any:
    """Coordinates of any depth with longitudes, which stand at every even place of a list of numbers, up to 180."""
    if not isinstance(coordinates, list):
        return coordinates
    if all(isinstance(number, int | float) for number in coordinates):
        return [max(-180, min(180, one)) if place % 2 == 0 else one for place, one in enumerate(coordinates)]
    return [_clipped(part) for part in coordinates]


CATALOG = Catalog(
    id="planetary_computer",
    title="Microsoft Planetary Computer",
    url="https://planetarycomputer.microsoft.com/api/stac/v1",
    collections={
        "sentinel2": (Collection(id="sentinel-2-l2a", assets=SENTINEL2, baseline="s2:processing_baseline"),),
        "landsat": (Collection(id="landsat-c2-l2", assets=LANDSAT, baseline="landsat:collection_number"),),
        "hls": (Collection(id="hls2-s30", assets=HLS_S30),),  # no item of hls2-l30 was ever at hand to prove it by
        "sentinel1_rtc": (Collection(id="sentinel-1-rtc", assets=SENTINEL1_RTC),),
        # the finer grid and the single day come first
        "modis_vi": (
            Collection(id="modis-13Q1-061", assets=MODIS_13Q1),
            Collection(id="modis-13A1-061", assets=MODIS_13A1),
        ),
        "modis_lst": (
            Collection(id="modis-11A1-061", assets=MODIS_11),
            Collection(id="modis-11A2-061", assets=MODIS_11),
        ),
        "modis_snow": (Collection(id="modis-10A1-061", assets=MODIS_10A1),),
        "modis_snow_8day": (Collection(id="modis-10A2-061", assets=MODIS_10A2),),
        "oisst": (Collection(id="noaa-cdr-sea-surface-temperature-optimum-interpolation", assets=OISST),),
    },
    page_limit=250,
    hosts=STORES,
    sign=sign,
    renew=renew,
    normalise=within_the_world,
)
