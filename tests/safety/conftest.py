"""A tiny simulated territory that the safety tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import tiny


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tiny.Tiny:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "world")


@pytest.fixture
def project(world: tiny.Tiny, tmp_path: Path) -> Callable[..., Path]:
    """Writes a project of its own over the tiny territory: project("one")."""

    def write(name: str = "project", **choices: object) -> Path:
        return world.project(tmp_path / name, **choices)  # type: ignore[arg-type]

    return write
