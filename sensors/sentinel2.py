"""Sentinel-2 MSI, level 2A: surface reflectance with the scene classification (SCL).

Bands, classes and the offset: https://sentiwiki.copernicus.eu/web/s2-products
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sco.model import Band, Classes, Identity, Offset, Quality, Revisit, Sensor

PRODUCT = re.compile(r"(S2[A-D])_MSIL2A_(\d{8}T\d{6})_(?:N\d{4}_)?R\d{3}_T(\d{2}[C-X][A-Z]{2})")
DATATAKE = re.compile(r"GS2[A-D]_(\d{8}T\d{6})_\d{6}")
DATASTRIP = re.compile(r"_S(\d{8}T\d{6})")
TILE = re.compile(r"(\d{1,2}[C-X][A-Z]{2})")


def reflectance(name: str, resolution_m: float) -> Band:
    """A band of surface reflectance, stored as reflectance x 10,000 with 0 for no data."""
    return Band(name, resolution_m, scale=1e-4, nodata=0, positive=True)


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Platform, start of the datatake, MGRS tile and start of the datastrip, from whichever spelling is there."""
    product = PRODUCT.search(str(properties.get("s2:product_uri", item_id)))
    datatake = DATATAKE.search(_told(properties, "datatake_id"))
    datastrip = DATASTRIP.search(_told(properties, "datastrip_id"))
    tile = TILE.search(str(properties.get("grid:code", "")) or (product[3] if product else item_id))
    return Identity(
        platform=str(properties.get("platform", product[1] if product else "")).lower().replace("sentinel-", "s"),
        datatake=datatake[1] if datatake else product[2] if product else str(properties.get("datetime", "")),
        tile=tile[1].zfill(5) if tile else "",
        datastrip=datastrip[1] if datastrip else "",
    )


def _told(properties: Mapping[str, Any], name: str) -> str:
    return str(properties.get(f"s2:{name}", properties.get(f"eopf:{name}", "")))


SENSOR = Sensor(
    id="sentinel2",
    version=1,
    title="Sentinel-2 MSI level 2A",
    bands=(
        reflectance("coastal", 60),
        reflectance("blue", 10),
        reflectance("green", 10),
        reflectance("red", 10),
        reflectance("rededge071", 20),
        reflectance("rededge075", 20),
        reflectance("rededge078", 20),
        reflectance("nir", 10),
        reflectance("nir08", 20),
        reflectance("nir09", 60),
        reflectance("swir16", 20),
        reflectance("swir22", 20),
        Band("scl", 20, nodata=0, resampling="nearest"),
    ),
    qualities=(
        Quality(
            band="scl",
            not_acquired=Classes((0,)),
            flags={
                "defective": Classes((1,)),
                "dark": Classes((2,)),
                "shadow": Classes((3,)),
                "vegetation": Classes((4,)),
                "bare": Classes((5,)),
                "water": Classes((6,)),
                "unclassified": Classes((7,)),
                "cloud": Classes((8, 9)),
                "cirrus": Classes((10,)),
                "snow": Classes((11,)),
                "undefined": Classes(tuple(range(12, 256))),
            },
            masked=frozenset({"defective", "shadow", "cloud", "cirrus", "undefined"}),
        ),
    ),
    identify=identify,
    offset=Offset(-0.1, from_baseline="04.00", witness="red", dark=("dark", "vegetation", "water"), dark_below=0.1),
    credit="Contains modified Copernicus Sentinel data {year}",
    licence="https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice",
    revisit=Revisit(days=5, since=date(2018, 1, 1)),  # of two satellites, over all land from 56 S to 84 N
)
