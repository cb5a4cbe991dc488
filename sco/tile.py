"""The blocks that a grid is cut into, by name alone: what knows no grid imports no geometry."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Tile:
    """One block of the grid, by its row and column among the blocks."""

    row: int
    column: int

    def __str__(self) -> str:
        return f"r{self.row:03d}c{self.column:03d}"


def tiles_of(rows: int, columns: int) -> Iterator[Tile]:
    """Every block of a grid of so many, row by row."""
    return (Tile(row, column) for row in range(rows) for column in range(columns))
