"""Commits at the same instant, to a local path and to an S3 stand-in: all that was acknowledged is there."""

from pathlib import Path

import pytest

from benchmarks import races


def test_racing_writers_of_a_local_store_lose_nothing(tmp_path: Path) -> None:
    told = races.run(str(tmp_path / "store"), 4, 6, tmp_path, {})
    assert (told["acknowledged"], told["lost"], told["refused"], told["faults"]) == (24, 0, 0, 0)


def test_racing_writers_of_an_object_store_lose_nothing_because_it_refuses_stale_writes(tmp_path: Path) -> None:
    pytest.importorskip("moto", reason="the S3 stand-in comes with the dev extra")
    with races.stand_in(tmp_path) as cloud:
        conditions = races.answers_to_conditions(cloud["AWS_ENDPOINT_URL"])
        assert conditions == {"put_new": 200, "put_new_again": 412, "put_over_another": 412}
        told = races.run(f"s3://{races.BUCKET}/store", 4, 4, tmp_path, cloud)
    assert (told["acknowledged"], told["lost"], told["refused"], told["faults"]) == (16, 0, 0, 0)
