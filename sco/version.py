"""One version of a store, as it is read: its axes, and the place of each partition on them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import zarr
from icechunk import Session
from numpy.typing import NDArray

from sco import chunks, layout, ledger, uncertainty
from sco.errors import ConfigurationError
from sco.grid import Tiling
from sco.layout import LEDGER
from sco.partition import Partition, Record
from sco.period import Slice
from sco.roll import Row
from sco.tile import Tile

Place = tuple[int, int, int]
"""Where a partition is: step of time, row and column of its tile."""


class Version:
    """What a session sees. Opening arrays takes longer than reading a text, so they are opened once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._arrays: dict[str, Any] = {}
        self._written: dict[str, set[chunks.Index]] = {}
        self._paths: dict[str, tuple[str, ...]] = {}

    @cached_property
    def root(self) -> zarr.Group:
        """Everything, as zarr sees it."""
        return zarr.open_group(self.session.store, mode="r" if self.session.read_only else "r+", zarr_format=3)

    @cached_property
    def tiling(self) -> Tiling:
        """The grid and the tiles that the store is cut into."""
        return layout.tiling_of(self.session)

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """The periods that there is room for, oldest first."""
        return layout.slices_of(self.session)

    @cached_property
    def indicators(self) -> tuple[str, ...]:
        """The indicators that there is room for."""
        return layout.indicators_of(self.session)

    @cached_property
    def _steps(self) -> dict[Slice, int]:
        return {period: step for step, period in enumerate(self.slices)}

    def array(self, path: str) -> Any:
        """The zarr array at this path."""
        if path not in self._arrays:
            self._arrays[path] = layout.array_in(self.root, path)
        return self._arrays[path]

    def written(self, path: str) -> set[chunks.Index]:
        """The chunks of an array that were written when this was first asked."""
        if path not in self._written:
            self._written[path] = chunks.present(self.session, path)
        return self._written[path]

    def paths(self, indicator: str) -> tuple[str, ...]:
        """The pixel arrays that the version has for an indicator: values, counts, and standard errors if any."""
        if indicator not in self._paths:
            error = chunks.document_of(uncertainty.name_of(indicator))
            self._paths[indicator] = layout.planes(indicator, has_error=chunks.has(self.session, error))
        return self._paths[indicator]

    def step_of(self, period: Slice) -> int | None:
        """The step of time of a period; None where the store has no room for it."""
        return self._steps.get(period)

    def place_of(self, partition: Partition) -> Place:
        """Where a partition is. Raises ConfigurationError where the store has no room for it."""
        rows, columns = self.tiling.shape
        tile = partition.tile
        known = partition.indicator in self.indicators and partition.period in self._steps
        if not (known and 0 <= tile.row < rows and 0 <= tile.column < columns):
            raise ConfigurationError(
                f"the store has no room for {partition}: it has {', '.join(self.indicators)} from "
                f"{self.slices[0].label} to {self.slices[-1].label} in {rows} x {columns} tiles; lay it out first"
            )
        return self._steps[partition.period], tile.row, tile.column

    def partition_at(self, indicator: str, place: Place) -> Partition:
        """The partition that is at this place."""
        step, row, column = place
        return Partition(self.slices[step], Tile(row, column), indicator)

    def region_of(self, place: Place) -> tuple[int, slice, slice]:
        """The step of time, rows and columns that a partition has in the pixel arrays."""
        step, row, column = place
        return (step, *self.tiling.window_of(Tile(row, column)))

    def planes(self, partition: Partition) -> list[NDArray[Any]]:
        """The packed values of a partition, its three counts, and its standard errors if there is room for them."""
        region = self.region_of(self.place_of(partition))
        return [self.array(path)[region] for path in self.paths(partition.indicator)]

    def seal(self, partition: Partition, manifest: str, planes: Sequence[NDArray[Any]]) -> str:
        """The seal of a partition that holds these `planes`.

        Standard errors are left out where there are none at all, as before there was room for them.
        """
        path = self.paths(partition.indicator)[-1]
        has_error = path == uncertainty.name_of(partition.indicator)
        is_empty = has_error and bool((planes[-1] == self.array(path).fill_value).all())
        return ledger.seal(partition, manifest, planes[:-1] if is_empty else planes)

    def text(self, partition: Partition, kind: str) -> str:
        """The record or manifest of a partition as it is written; empty where it was never committed."""
        array = self.array(f"{LEDGER}/{partition.indicator}/{kind}")
        return str(array[self.place_of(partition)])

    def texts_of(self, partitions: Iterable[Partition], kind: str) -> Iterator[tuple[Partition, str]]:
        """The records or manifests of these partitions, of those that were committed."""
        placed = ((one, f"{LEDGER}/{one.indicator}/{kind}", self.place_of(one)) for one in partitions)
        asked = {chunks.key_of(path, place): one for one, path, place in placed if place in self.written(path)}
        for partition, content in zip(asked.values(), chunks.raw(self.session, list(asked)), strict=True):
            yield partition, chunks.text_in(content)

    def texts(self, kind: str) -> Iterator[tuple[Partition, str]]:
        """Every record or manifest that is written."""
        return ((self.partition_at(indicator, place), text) for indicator, place, text in self.rows(kind))

    def rows(self, kind: str) -> Iterator[Row]:
        """Every record or manifest that is written, by indicator and place."""
        for indicator in self.indicators:
            for (step, row, column), text in chunks.texts(self.session, f"{LEDGER}/{indicator}/{kind}").items():
                yield indicator, (step, row, column), text

    def records(self, indicators: Iterable[str]) -> Iterator[tuple[Partition, Record]]:
        """The record of every partition of these indicators that was committed."""
        for name in set(self.indicators).intersection(indicators):
            for place, text in chunks.texts(self.session, f"{LEDGER}/{name}/record").items():
                step, row, column = place
                yield self.partition_at(name, (step, row, column)), ledger.parse_record(text)
