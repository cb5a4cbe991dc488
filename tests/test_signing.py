"""Tokens of the Planetary Computer, from a stand-in for its token service."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from affine import Affine
from observatory import Play, Request, Said, playing, ranged, say
from observatory.tls import before_a_server, certificate  # noqa: F401 - fixtures
from odc.geo.geobox import GeoBox

from catalogs import planetary_computer
from sco import landing, mirrors
from sco.errors import UpstreamError
from sco.handles import HANDLES
from sco.library import sensors
from sco.model import Asset, Identity, Scene
from sco.preflight import Rules
from sco.read import environment, read_scene


class Tokens(BaseHTTPRequestHandler):
    """A stand-in for the token service: counts what it is asked, and issues tokens that last so many seconds."""

    lasts = 3600.0
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Ocp-Apim-Subscription-Key")))
        expiry = datetime.now(UTC) + timedelta(seconds=self.lasts)
        body = {"msft:expiry": expiry.isoformat().replace("+00:00", "Z"), "token": f"se=x&sig=secret{len(self.asked)}"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Tokens]]:
    handler = type("Handler", (Tokens,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(planetary_computer, "TOKENS", f"http://127.0.0.1:{server.server_port}/token")
    monkeypatch.setattr(planetary_computer, "_tokens", {})
    monkeypatch.delenv("PC_SDK_SUBSCRIPTION_KEY", raising=False)
    yield handler
    server.shutdown()
    server.server_close()


RED = "https://landsateuwest.blob.core.windows.net/landsat-c2/level-2/x_SR_B4.TIF"


def test_signing_asks_once_for_a_container_and_replaces_an_old_signature(tokens: type[Tokens]) -> None:
    assert planetary_computer.sign(RED) == f"{RED}?se=x&sig=secret1"
    assert planetary_computer.sign(f"{RED}?se=2020&sig=old") == f"{RED}?se=x&sig=secret1"
    other = RED.replace("landsateuwest", "hls2euwest").replace("landsat-c2", "hls2")
    assert planetary_computer.sign(other).endswith("sig=secret2")
    assert tokens.asked == [("/token/landsateuwest/landsat-c2", None), ("/token/hls2euwest/hls2", None)]


def test_a_token_is_renewed_after_most_of_its_life(tokens: type[Tokens], monkeypatch: pytest.MonkeyPatch) -> None:
    planetary_computer.sign(RED)
    now = planetary_computer.time.time()
    monkeypatch.setattr(planetary_computer.time, "time", lambda: now + 0.79 * 3600)
    assert planetary_computer.sign(RED).endswith("sig=secret1")
    monkeypatch.setattr(planetary_computer.time, "time", lambda: now + 0.81 * 3600)
    assert planetary_computer.sign(RED).endswith("sig=secret2")


def test_an_account_key_goes_with_the_question_for_a_token(
    tokens: type[Tokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PC_SDK_SUBSCRIPTION_KEY", "of-this-account")
    planetary_computer.sign(RED)
    assert tokens.asked[0][1] == "of-this-account"


def test_tokens_that_are_over_when_they_come_are_an_error_that_tells_no_token(tokens: type[Tokens]) -> None:
    tokens.lasts = -5.0
    with pytest.raises(OSError, match="over already") as caught:
        planetary_computer.sign(RED)
    assert "secret" not in str(caught.value)
    assert len(tokens.asked) == 3


@pytest.mark.parametrize(
    "href",
    [
        "https://example.org/landsat-c2/x.TIF",
        "https://stranger.blob.core.windows.net/landsat-c2/x.TIF",
        "http://landsateuwest.blob.core.windows.net/landsat-c2/x.TIF",
        "https://landsateuwest.blob.core.windows.net/../x.TIF",
        "https://landsateuwest.blob.core.windows.net/",
        "s3://bucket/x.TIF",
        "/a/file.tif",
    ],
)
def test_nothing_is_asked_for_addresses_of_others(tokens: type[Tokens], href: str) -> None:
    assert planetary_computer.sign(href) == href
    assert tokens.asked == []


def test_a_token_that_was_refused_is_asked_for_anew_once_whoever_else_was_refused(tokens: type[Tokens]) -> None:
    refused = planetary_computer.sign(RED)
    with ThreadPoolExecutor(8) as pool:
        renewed = set(pool.map(planetary_computer.renew, [refused] * 40))
    assert renewed == {f"{RED}?se=x&sig=secret2"}
    assert len(tokens.asked) == 2
    assert planetary_computer.renew("https://example.org/x.TIF?sig=1") == "https://example.org/x.TIF?sig=1"


TRANSFORM = Affine(10, 0, 600_000, 0, -10, 4_850_000)
GRID = GeoBox((512, 512), TRANSFORM, "EPSG:32631")
NUMBERS = np.random.default_rng(8).integers(7300, 40_000, (512, 512)).astype(np.uint16)


class Storage:
    """An archive behind TLS that knows which tokens it accepts, and how often each; the rest it refuses."""

    def __init__(self, folder: Path, **accepted: int) -> None:
        self.folder = folder
        self.left = dict(accepted)
        self.refused: list[str] = []
        self.status = 403

    def answer(self, play: Play, request: Request) -> Said:
        token = request.path.rpartition("sig=")[2]
        if self.left.get(token, 0) < 1:
            self.refused.append(token)
            return say(b"", self.status)
        self.left[token] -= 1
        return ranged(self.folder / "red.tif", request.headers.get("Range", ""))


@pytest.fixture
def storage(tokens, write_raster, over_tls, monkeypatch) -> Iterator[Callable[..., tuple[Storage, Callable[[], Any]]]]:
    """Puts a file into a container, and reads it: storage(secret1=2, secret2=99)."""
    write_raster("red.tif", NUMBERS, TRANSFORM, "EPSG:32631")
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    landing.LANDINGS.clear()
    with ExitStack() as open_:

        def put(folder: Path, **accepted: int) -> tuple[Storage, Callable[[], np.ndarray]]:
            kept = Storage(folder, **accepted)
            host = open_.enter_context(over_tls(open_.enter_context(playing(kept.answer))))
            monkeypatch.setattr(planetary_computer, "STORES", (host,))
            scene = a_scene(f"https://{host}/landsat-c2/level-2/red.tif")
            band, sensor = sensors["landsat"].band("red"), sensors["landsat"]

            def look() -> np.ndarray:
                with environment():
                    return read_scene(scene, band, sensor, GRID, Rules(hosts=(host,))).numbers

            return kept, look

        yield put
    HANDLES.close()


def a_scene(href: str) -> Scene:
    return Scene(
        id="LC09_L2SP_090091_20250310_02_T1",
        sensor="landsat",
        catalog="planetary_computer",
        collection="landsat-c2-l2",
        identity=Identity("landsat-9", "20250310", "090091", ""),
        time=datetime(2025, 3, 10, tzinfo=UTC),
        footprint="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        bbox=(0, 0, 1, 1),
        assets={"red": Asset(href)},
    )


@pytest.mark.parametrize("accepted", [0, 1], ids=["from the start", "after the head"])
def test_a_token_that_is_refused_half_way_is_renewed_and_the_read_goes_on(
    storage, tokens: type[Tokens], tmp_path: Path, accepted: int
) -> None:
    kept, look = storage(tmp_path, secret1=accepted, secret2=99)
    np.testing.assert_array_equal(look(), NUMBERS)
    assert len(tokens.asked) == 2
    assert set(kept.refused) == {"secret1"}
    np.testing.assert_array_equal(look(), NUMBERS)
    assert len(tokens.asked) == 2


def test_a_token_that_is_refused_between_two_readings_is_renewed(storage, tokens: type[Tokens], tmp_path: Path) -> None:
    kept, look = storage(tmp_path, secret1=2, secret2=99)
    np.testing.assert_array_equal(look(), NUMBERS)
    assert len(tokens.asked) == 1
    HANDLES.close()
    landing.LANDINGS.clear()
    np.testing.assert_array_equal(look(), NUMBERS)
    assert len(tokens.asked) == 2
    assert set(kept.refused) == {"secret1"}


def test_a_token_is_renewed_once_and_then_the_refusal_is_told_without_it(
    storage, tokens: type[Tokens], tmp_path: Path
) -> None:
    kept, look = storage(tmp_path)
    with pytest.raises(UpstreamError, match=r"red\.tif cannot be read") as caught:
        look()
    assert "secret" not in str(caught.value)
    assert len(tokens.asked) == 2
    assert set(kept.refused) == {"secret1", "secret2"}


@pytest.mark.parametrize("status", [404, 500])
def test_a_failure_that_is_no_refusal_costs_no_token(
    storage, tokens: type[Tokens], tmp_path: Path, monkeypatch, status: int
) -> None:
    monkeypatch.setattr(landing, "PATIENCE", landing.PATIENCE.new(total=0, backoff_factor=0))
    landing._session.cache_clear()
    kept, look = storage(tmp_path)
    kept.status = status
    with pytest.raises(UpstreamError, match=r"red\.tif cannot be read"):
        look()
    assert len(tokens.asked) == 1


def test_mirrors_are_compared_with_a_renewed_token(storage, tokens: type[Tokens], tmp_path: Path) -> None:
    storage(tmp_path, secret2=99)
    scene = a_scene(f"https://{planetary_computer.STORES[0]}/landsat-c2/level-2/red.tif")
    here = replace(scene, catalog="local", collection="x", assets={"red": Asset(str(tmp_path / "red.tif"))})
    mirrors._compared.cache_clear()
    rules = Rules((tmp_path,), hosts=planetary_computer.STORES)
    found = mirrors.agreement(here, scene, sensors["landsat"], rules)
    assert found.equal, found.evidence
    assert len(tokens.asked) == 2
