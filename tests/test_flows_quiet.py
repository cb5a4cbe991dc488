"""Nothing calls home: an update under Prefect and its temporary server connect to this machine alone.

Two watches look at every process of the run: an audit hook in each interpreter, and strace where it is installed,
which sees what compiled libraries do as well. Both are shown to see a connection that is planted.
"""

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import tiny

SCO = Path(sys.executable).parent / "sco"
HOOK = """
import os, sys

def _watch(event, found, told=os.environ["WATCHED_BY"]):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        where = found[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        where = found[0]
    else:
        return
    if isinstance(where, tuple):
        where = where[0]
    if isinstance(where, bytes):
        where = where.decode("ascii", "replace")
    line = f"{os.getpid()} {event} {where}\\n".encode()
    note = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(note, line)
    os.close(note)

sys.addaudithook(_watch)
with open(os.environ["WATCHED_BY"] + ".pids", "a") as pids:
    print(os.getpid(), *sys.orig_argv, file=pids)
"""
PLANTED = """
import socket
try:
    socket.getaddrinfo("planted.invalid", 9)
except OSError:
    pass
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    try:
        one.connect(("192.0.2.1", 9))
    except OSError:
        pass
"""
HERE = ("localhost", "", "None", "INADDR_LOOPBACK", "INADDR_ANY", "0.0.0.0", "::")
FOREIGN = re.compile(r'sin6?_addr=(?:htonl\((\w+)\)|inet_addr\("([^"]+)"\))|inet_pton\(AF_INET6, "([^"]+)"')


def can_trace() -> bool:
    """Whether strace is there and may look into processes, which some containers forbid."""
    found = shutil.which("strace")
    return found is not None and subprocess.run([found, "-o", os.devnull, "true"], capture_output=True).returncode == 0


class Watch:
    """Runs commands and knows where their processes went, and those of their children."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK, "utf-8")
        self._told = folder / "asked.txt"
        self._traces = folder / "traces"
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self._environment.pop("DO_NOT_TRACK", None)
        self._environment |= {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
            "WATCHED_BY": str(self._told),
            "PREFECT_HOME": str(folder / "home"),
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        tracing: list[str] = []
        if can_trace():
            self._traces.mkdir(exist_ok=True)
            calls = "trace=connect,sendto,sendmsg,sendmmsg"
            tracing = [
                "strace",
                "-f",
                "-ff",
                "--seccomp-bpf",
                "-qq",
                "-e",
                calls,
                "-e",
                "signal=none",
                "-o",
                str(self._traces / "of"),
            ]
        return subprocess.run([*tracing, *words], capture_output=True, text=True, env=self._environment, timeout=300)

    def processes(self) -> list[str]:
        """The command lines that were watched by the hook."""
        return self._told.with_name("asked.txt.pids").read_text("utf-8").splitlines()

    def hooked(self) -> set[str]:
        """Every name and address outside this machine that an interpreter asked for."""
        lines = self._told.read_text("utf-8").splitlines() if self._told.exists() else []
        return {where for where in (line.split(" ", 2)[2] for line in lines) if not _is_here(where)}

    def all_hooked(self) -> int:
        """How many times anything was asked for at all."""
        return len(self._told.read_text("utf-8").splitlines())

    def traced(self) -> set[str]:
        """Every address outside this machine that any process went to."""
        text = "\n".join(one.read_text("utf-8", "replace") for one in self._traces.iterdir())
        found = {next(filter(None, one)) for one in FOREIGN.findall(text)}
        return {where for where in found if not _is_here(where)}


def _is_here(where: str) -> bool:
    if where in HERE or where.startswith(("/", "\0")):
        return True
    try:
        return ipaddress.ip_address(where).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """After an update under Prefect, with its temporary server and a database that is not there yet."""
    folder = tmp_path_factory.mktemp("quiet")
    project = tiny.make(folder / "world").project(folder / "project")
    watch = Watch(folder / "watch")
    told = watch.run(str(SCO), "update", str(project), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["computed"] == 8
    return watch


def test_the_watch_sees_what_is_planted(tmp_path: Path):
    watch = Watch(tmp_path / "watch")
    watch.run(sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PLANTED!r}])")
    assert watch.hooked() == {"planted.invalid", "192.0.2.1"}
    if can_trace():
        assert "192.0.2.1" in watch.traced()


def test_an_update_under_prefect_connects_to_this_machine_alone(watched: Watch):
    assert any("uvicorn" in one for one in watched.processes())  # the server was watched, too
    assert watched.all_hooked() > 10  # and it was talked to
    assert watched.hooked() == set()


@pytest.mark.skipif(not can_trace(), reason="no strace that may trace")
def test_nor_does_anything_compiled(watched: Watch):
    assert watched.traced() == set()
