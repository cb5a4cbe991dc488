"""Wide: 64 scenes of one day side by side to one NDVI, against odc-stac and stackstac: one JSON line."""

from contest import Contest, hold
from scenes import Recipe

if __name__ == "__main__":
    hold(Contest("wide", Recipe(days=1, size=640, tiles=(8, 8)), {"tile": 1024}, ("--chunk", "1024")))
