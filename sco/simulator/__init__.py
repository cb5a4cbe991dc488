"""A small world with known truth, written as real COGs and STAC items, in the manner of the archives.

Everything that comes out of it says that it is simulated.
"""

from sco.simulator.observatory import Simulation, simulate
from sco.simulator.truth import Accuracy, compare, monthly, surface, with_derived
from sco.simulator.world import World

__all__ = ["Accuracy", "Simulation", "World", "compare", "monthly", "simulate", "surface", "with_derived"]
