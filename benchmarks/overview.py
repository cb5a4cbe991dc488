"""Overview: scenes of 10 m to a map of 100 m, against odc-stac and stackstac: one JSON line.

The scenes' overviews are averages, and every reader averages down. Where a pixel of the map lies on a cloud's edge the
readers may take the class of another of its source pixels, as "nearest" does not say which: the line says how far.
"""

from contest import Contest, hold
from scenes import Recipe

if __name__ == "__main__":
    asked = ("--resolution", "100", "--chunk", "512")
    hold(Contest("overview", Recipe(size=5120, patch=160, distinct=4), {"resolution": 100, "tile": 512}, asked))
