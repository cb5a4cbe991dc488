"""A folder's files by ranges, every answer late by so many milliseconds: `server.py FOLDER MILLISECONDS`.

Prints its address and serves until it is ended. Connections are kept, as archives keep them.
"""

import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Archive(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of one folder."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Else a short answer waits until its head is acknowledged, another 40 ms: archives do not do that."""
    folder: Path
    delay_s: float

    def do_GET(self) -> None:
        """The file, or the range of it that is asked for."""
        time.sleep(self.delay_s)
        path = (self.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not path.is_relative_to(self.folder) or not path.is_file():
            self._answer(404, None, 0, 0)
            return
        length = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, path, 0, length)
            return
        first, last = int(asked[1]), min(int(asked[2] or length), length - 1)
        self._answer(206, path, first, last - first + 1, f"bytes {first}-{last}/{length}")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, status: int, path: Path | None, first: int, length: int, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()
        if self.command != "HEAD" and path is not None and length:
            with path.open("rb") as file:
                self.connection.sendfile(file, first, length)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Nothing: whoever asked ended and left its connections."""


def main(folder: Path, delay_ms: float) -> None:
    """Serve until this process is ended."""
    Archive.folder, Archive.delay_s = folder.resolve(), delay_ms / 1000
    server = _Server(("127.0.0.1", 0), Archive)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
