"""What must not go out is refused with a reason, and exit code 7."""

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from delta import PERIODS, publication_in, record_of

from sco.choices import Explained, Publish
from sco.errors import IntegrityError
from sco.products.contents import Publication
from sco.products.gate import refusals
from sco.products.publication import publish

MONTHS = len(PERIODS)


def ruled(publication: Publication, **rules: Any) -> Publication:
    publish = Publish(to="products", **rules)
    return replace(publication, project=publication.project.model_copy(update={"publish": publish}))


def jumping(month: int, indicator: str = "water_extent", value: float = 1.0) -> xr.Dataset:
    """The record with one month in which an indicator has one value everywhere."""
    data = record_of(months=MONTHS)
    stack = data[indicator].values.copy()
    stack[month] = value
    data[indicator] = (data[indicator].dims, stack, data[indicator].attrs)
    return data


def test_the_made_up_record_may_go_out(tmp_path: Path) -> None:
    assert refusals(publication_in(tmp_path, months=MONTHS)) == []


def test_too_few_values_are_refused(tmp_path: Path) -> None:
    made = publication_in(tmp_path)
    assert refusals(ruled(made, least_coverage=0.98)) == [
        "ndvi: 97.78% of the pixels have a value over 2 periods and 98.00% must: look at its plan for scenes and "
        "clouds, or lower publish.least_coverage"
    ]
    assert refusals(ruled(made, least_coverage=0.97)) == []


def test_a_project_may_allow_less_than_is_possible(tmp_path: Path) -> None:
    made = ruled(publication_in(tmp_path), ranges={"ndvi": (0.2, 0.9)})
    assert refusals(made) == ["ndvi: values run from 0.1 to 0.4311, and 0.2 to 0.9 is allowed by publish.ranges"]


def test_a_zone_that_jumps_is_refused_with_exit_code_7(tmp_path: Path) -> None:
    made = publication_in(tmp_path, months=MONTHS, data=jumping(6))
    into, out = (reason for reason in refusals(made) if "'West'" in reason)
    assert into.startswith("water_extent: 'West' changes in 2022-07 by ")
    assert out.startswith("water_extent: 'West' changes in 2022-08 by ")
    with pytest.raises(IntegrityError, match="say why under") as told:
        publish(made)
    assert told.value.exit_code == 7
    assert not (tmp_path / "products").exists()


def test_a_jump_with_a_reason_may_go_out(tmp_path: Path) -> None:
    made = publication_in(tmp_path, months=MONTHS, data=jumping(6))
    flood = Explained(indicator="water_extent", period="2022-07", reason="The flood of July.")
    assert refusals(ruled(made, explained=(flood,))) == []
    assert refusals(ruled(made, explained=(flood.model_copy(update={"zone": "West"}),))) == []
    for other in ({"zone": "East"}, {"indicator": "ndvi"}, {"period": "2022-09"}):
        assert len(refusals(ruled(made, explained=(flood.model_copy(update=other),)))) == 2
    assert refusals(ruled(made, jump=1000)) == []


def test_a_short_or_badly_seen_series_has_no_usual_change(tmp_path: Path) -> None:
    short = publication_in(tmp_path / "short", months=5, data=jumping(2).isel(time=slice(0, 6)))
    assert refusals(short) == []
    data = jumping(6)
    hidden = data["water_extent"].values.copy()
    hidden[6, :, : hidden.shape[2] * 3 // 4] = np.nan
    data["water_extent"] = (data["water_extent"].dims, hidden, data["water_extent"].attrs)
    reasons = refusals(publication_in(tmp_path / "hidden", months=MONTHS, data=data))
    assert not any("'West'" in reason for reason in reasons)


def test_a_file_that_is_written_wrong_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sco.products import cog, stac

    made = publication_in(tmp_path, months=1)
    with monkeypatch.context() as patch:
        patch.setattr(cog, "_save", lambda memory, path, **_: write_plain(memory, path))
        with pytest.raises(IntegrityError, match=r"cog/ndvi/ndvi_2022-01.tif: .*") as told:
            publish(made)
    assert told.value.exit_code == 7
    item = stac.item

    def without_place(*args: Any) -> dict[str, Any]:
        return {name: value for name, value in item(*args).items() if name != "geometry"}

    with monkeypatch.context() as patch:
        patch.setattr(stac, "item", without_place)
        with pytest.raises(IntegrityError, match="'geometry' is a required property"):
            publish(made)
    assert [path.name for path in (tmp_path / "products").iterdir()] == [".publish.lock"]


def write_plain(memory: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(memory.read())


def test_a_derived_indicator_without_a_layer_is_refused(tmp_path: Path) -> None:
    made = publication_in(tmp_path)
    records = {one: record for one, record in made.records.items() if one.indicator == "ndvi"}
    assert refusals(dataclasses.replace(made, records=records)) == [
        "water_extent: the store holds no period of it: run an update first"
    ]
