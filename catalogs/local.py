"""STAC items on this machine, or any STAC service by its address, whose bands are told by their STAC common names.

A project says where: `{ id = "local", file = "items.json" }` for a file (item, item collection, lines of JSON or
GeoParquet) or a folder of them, `{ id = "local", url = "https://..." }` for a service. A band is the asset with its
common name as key, or whose one band has that `eo:common_name`:
https://github.com/stac-extensions/eo#common-band-names. The collection that an item names says what sensor it is of.
"""

from collections.abc import Mapping
from typing import Any

from sco.model import Catalog, Collection

SENTINEL2_ASSETS: Mapping[str, str | tuple[str, ...]] = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "red": "red",
    "rededge071": ("rededge071", "rededge1"),
    "rededge075": ("rededge075", "rededge2"),
    "rededge078": ("rededge078", "rededge3"),
    "nir": "nir",
    "nir08": "nir08",
    "nir09": "nir09",
    "swir16": "swir16",
    "swir22": "swir22",
    "scl": ("scl", "SCL", "SCL_20m"),
}

MODIS_ASSETS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "modis_vi": {
        "ndvi": ("ndvi", "250m_16_days_NDVI", "500m_16_days_NDVI"),
        "evi": ("evi", "250m_16_days_EVI", "500m_16_days_EVI"),
        "pixel_reliability": (
            "pixel_reliability",
            "250m_16_days_pixel_reliability",
            "500m_16_days_pixel_reliability",
        ),
    },
    "modis_lst": {
        "lst": ("lst", "lst_day", "LST_Day_1km"),
        "lst_night": ("lst_night", "LST_Night_1km"),
        "qc_day": ("qc_day", "QC_Day"),
        "qc_night": ("qc_night", "QC_Night"),
    },
    "modis_snow": {"ndsi_snow_cover": ("ndsi_snow_cover", "NDSI_Snow_Cover")},
    "modis_snow_8day": {"snow_extent": ("snow_extent", "Maximum_Snow_Extent")},
}
MODIS_COLLECTIONS = {
    "modis_vi": ("modis-13Q1-061", "modis-13A1-061"),
    "modis_lst": ("modis-11A1-061", "modis-11A2-061"),
    "modis_snow": ("modis-10A1-061",),
    "modis_snow_8day": ("modis-10A2-061",),
}
OISST_ASSETS = {"sst": "sst", "anom": "anom", "err": "err", "ice": "ice"}
SEA_LEVEL_ASSETS: Mapping[str, str | tuple[str, ...]] = {
    "adt": ("adt", "data", "netcdf", "zarr"),
    "sla": ("sla", "data", "netcdf", "zarr"),
}
CHIRPS_ASSETS: Mapping[str, str | tuple[str, ...]] = {"precipitation": ("precipitation", "data", "netcdf", "zarr")}


def by_common_name(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item with each asset of one named band under that name too; of several with the same name the finest."""
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return item
    named: dict[str, Any] = {}
    for asset in sorted(assets.values(), key=_step, reverse=True):
        name = _common_name(asset)
        if name is not None:
            named[name] = asset
    return {**item, "assets": {**named, **assets}}


def _common_name(asset: Any) -> str | None:
    for place, word in (("bands", "eo:common_name"), ("eo:bands", "common_name")):
        bands = asset.get(place) if isinstance(asset, Mapping) else None
        if isinstance(bands, list) and len(bands) == 1 and isinstance(bands[0], Mapping):
            name = bands[0].get(word)
            if isinstance(name, str):
                return name
    return None


def _step(asset: Any) -> float:
    """Metres a pixel as far as the asset tells, else as if it were the coarsest."""
    words = ("gsd", "raster:spatial_resolution")
    told = [asset.get(word) for word in words] if isinstance(asset, Mapping) else []
    return min((float(step) for step in told if isinstance(step, int | float)), default=float("inf"))


CATALOG = Catalog(
    id="local",
    title="Items of your own",
    url="file:",  # nowhere, until a project says where
    collections={
        "sentinel2": tuple(
            Collection(
                id=name,
                assets=SENTINEL2_ASSETS,
                baseline="s2:processing_baseline",
                offset_applied="earthsearch:boa_offset_applied",
                votes=True,
            )
            for name in ("sentinel-2-l2a", "sentinel-2-c1-l2a")
        ),
        **{
            sensor: tuple(Collection(id=name, assets=MODIS_ASSETS[sensor]) for name in names)
            for sensor, names in MODIS_COLLECTIONS.items()
        },
        "oisst": (Collection(id="noaa-cdr-sea-surface-temperature-optimum-interpolation", assets=OISST_ASSETS),),
        "sea_level": (
            Collection(
                id="sea-level",  # as Copernicus Marine names its variables; the files unpack themselves
                assets=SEA_LEVEL_ASSETS,
                variables={"adt": "adt", "sla": "sla"},
                announces=False,
            ),
            Collection(
                id="nasa-ssh", assets={"sla": SEA_LEVEL_ASSETS["sla"]}, variables={"sla": "SSHA"}, announces=False
            ),
        ),
        "chirps": (
            Collection(
                id="chirps-daily",
                assets=CHIRPS_ASSETS,
                variables={"precipitation": "precip"},
                announces=False,  # the files unpack themselves
            ),
        ),
    },
    normalise=by_common_name,
)
