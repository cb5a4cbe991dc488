"""`sco publish`, as a user types it, refuses a month in which a zone jumps, and leaves the product of before."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command import sco
from plain import SIDE, Plain, observed, project_in

from sco.library import indicators
from sco.packing import pack
from sco.partition import Outcome, Record
from sco.products.publication import verify
from sco.project import Project
from sco.store import Store

PLAIN = Plain(every="month", years=2, reference_years=1, zones_across=2)
WATER = -0.9


def prepared(folder: Path) -> tuple[Project, list[Outcome]]:
    """A project of vegetation alone, and what there is of each month, oldest first."""
    file = project_in(folder, PLAIN).file
    text = file.read_text("utf-8").split("[[publish.explained]]")[0]
    file.write_text(text.replace('"ndvi", "ndvi_anomaly", "ndvi_z"', '"ndvi"'), "utf-8")
    project = Project.load(file)
    return project, list(observed(PLAIN, project.period.slices()))


def jumped(outcome: Outcome) -> Outcome:
    """The same month, with the west under water."""
    assert outcome.pixels is not None
    values = outcome.pixels.values.copy()
    values[:, : SIDE // 2] = pack(np.full((SIDE, SIDE // 2), WATER, "float32"), indicators["ndvi"].packing)
    return replace(outcome, pixels=replace(outcome.pixels, values=values), record=Record("f" * 64, "run-2"))


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project that is published up to the month before the last, whose jump is in the store."""
    folder = tmp_path_factory.mktemp("jumping")
    project, months = prepared(folder)
    attrs = {"title": "Plain", "every": "month", "project": "plain"}
    store = Store.lay_out(
        project.store_url, project.tiling, project.period.slices(), project.resolved_indicators, attrs
    )
    store.commit(months[:-1], "run-1", "vegetation")
    made = sco("publish", project.file, "--engine", "local")
    assert made.returncode == 0, made.stderr
    store.commit([jumped(months[-1])], "run-2", "the last month")
    return folder


@pytest.fixture
def project(jumping: Path, tmp_path: Path) -> Project:
    """A copy of it, to be published."""
    shutil.copytree(jumping, tmp_path / "copy", symlinks=True)
    return Project.load(tmp_path / "copy" / "plain.toml")


def test_a_jump_is_refused_with_7_and_the_latest_product_stays(project: Project) -> None:
    latest = project.product_root / "latest"
    before, label = os.readlink(latest), project.period.slices()[-1].label
    held = {path: path.stat().st_mtime_ns for path in project.product_root.rglob("*")}
    refused = sco("publish", project.file, "--engine", "local")
    assert refused.returncode == 7
    assert "plain is not published" in refused.stderr
    assert f"'Commune 001' changes in {label} by" in refused.stderr
    assert "[[publish.explained]]" in refused.stderr
    assert "'Commune 002'" not in refused.stderr, "the east goes on as before"
    assert os.readlink(latest) == before
    assert {path: path.stat().st_mtime_ns for path in project.product_root.rglob("*")} == held
    assert verify(latest.resolve()) == []


def test_it_goes_out_once_it_is_explained(project: Project) -> None:
    label = project.period.slices()[-1].label
    reason = f'[[publish.explained]]\nindicator = "ndvi"\nperiod = "{label}"\nreason = "The river rose."\n'
    project.file.write_text(project.file.read_text("utf-8") + reason, "utf-8")
    told = sco("publish", project.file, "--engine", "local")
    assert told.returncode == 0, told.stderr
    assert os.readlink(project.product_root / "latest").startswith(label)
