"""One file that declares several indicators: each found by its id, and no file imported for nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sco import library
from sco.errors import ConfigurationError
from sco.library import Library
from sco.model import Catalog

ONE = "from sco.model import Catalog\nCATALOG = Catalog(id={!r}, title='', url='', collections={{}})\n"
SEVERAL = (
    "from sco.model import Catalog\n"
    "CATALOGS = tuple(Catalog(id=name, title='', url='', collections={{}}) for name in {!r})\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = tmp_path / "made_up_services"
    made.mkdir()
    (made / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield made
    for name in [name for name in sys.modules if name.split(".")[0] == made.name]:
        del sys.modules[name]


def services(folder: Path) -> Library[Catalog]:
    return Library(folder.name, Catalog)


def test_a_file_may_declare_several(folder: Path) -> None:
    (folder / "north.py").write_text(ONE.format("north"))
    (folder / "sea.py").write_text(SEVERAL.format(("sea_cold", "sea_warm", "sea")))
    found = services(folder)
    assert "sea_warm" in found
    assert "sea_hot" not in found
    assert "west" not in found
    assert list(found) == ["north", "sea", "sea_cold", "sea_warm"]
    assert len(found) == 4
    assert found["sea_warm"].id == "sea_warm"
    assert found["sea"].id == "sea"
    assert "sea_hot" not in [*found]
    with pytest.raises(ConfigurationError, match="no catalog 'sea_hot'; did you mean 'sea_"):
        found["sea_hot"]


def test_a_file_of_its_own_goes_before_a_file_of_several(folder: Path) -> None:
    (folder / "sea.py").write_text(SEVERAL.format(("sea_cold",)))
    (folder / "sea_warm.py").write_text(ONE.format("sea_warm"))
    assert list(services(folder)) == ["sea_cold", "sea_warm"]
    assert services(folder)["sea_warm"].id == "sea_warm"


@pytest.mark.parametrize(
    "content",
    [
        "",
        ONE.format("south"),
        ONE.format("sea_one"),
        SEVERAL.format(("sea_cold", "south")),
        SEVERAL.format(()),
        ONE.format("sea_one") + SEVERAL.format(("sea_cold",)),
    ],
)
def test_another_id_than_the_file_s_is_refused(folder: Path, content: str) -> None:
    (folder / "sea.py").write_text(content)
    with pytest.raises(ConfigurationError, match=r"sea.py must declare CATALOG = Catalog\(id='sea'"):
        services(folder)["sea"]


def test_to_list_the_names_imports_no_file_that_declares_one(folder: Path) -> None:
    (folder / "north.py").write_text("raise ImportError('nobody asked for it')")
    (folder / "sea.py").write_text(SEVERAL.format(("sea_cold",)))
    assert list(services(folder)) == ["north", "sea_cold"]


def test_an_indicator_of_several_is_found_without_the_others() -> None:
    code = (
        "import sys; from sco import library; print(library.indicators['spi_3'].id, 'indicators.ndvi' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["spi_3", "False"]
    assert {"spi_1", "spi_3", "spi_6", "spi_12"} <= set(library.indicators)
    assert "spi" not in set(library.indicators)
