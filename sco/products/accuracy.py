"""How far a product's numbers are from a truth that is known, where one is."""

from typing import Protocol


class Accuracy(Protocol):
    """How far an indicator is from a truth that is known."""

    @property
    def indicator(self) -> str:
        """The indicator's id."""

    @property
    def bias(self) -> float:
        """Mean difference from the truth."""

    @property
    def rmse(self) -> float:
        """Root of the mean squared difference."""

    @property
    def n(self) -> int:
        """Number of values compared."""

    @property
    def unit(self) -> str:
        """Unit of bias and rmse."""
