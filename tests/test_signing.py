"""Tokens of the Planetary Computer, from a stand-in for its token service."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from catalogs import planetary_computer


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
