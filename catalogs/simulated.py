"""The simulated observatory: scenes of a made-up territory, served on this machine by `sco demo`.

It spells its scenes as Earth Search does, and gives them raw pixels, from which the offset is still to be taken.
"""

from sco.model import Catalog, Collection

CATALOG = Catalog(
    id="simulated",
    title="Simulated observatory",
    url="http://127.0.0.1:7822",
    collections={
        "sentinel2": (
            Collection(
                id="sentinel-2-l2a",
                assets={
                    "blue": "blue",
                    "green": "green",
                    "red": "red",
                    "nir": "nir",
                    "swir16": "swir16",
                    "swir22": "swir22",
                    "scl": "scl",
                },
                baseline="s2:processing_baseline",
                offset_applied="earthsearch:boa_offset_applied",
                votes=True,
            ),
        ),
    },
    requests_per_second=1000.0,
    simulated=True,
)
