"""A fresh store for each test of this folder."""

from pathlib import Path

import pytest
from samples import NDVI, TILING, YEAR, attrs

from sco.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(url: str) -> Store:
    return Store.lay_out(url, TILING, YEAR, [NDVI], attrs())
