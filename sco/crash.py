"""Named places at which a run can be made to die, so that tests can show that nothing is lost there.

Inert unless the environment variable SCO_CRASH_AT names a point, as in SCO_CRASH_AT="before commit": then the process
kills itself with SIGKILL when it gets there, or the third time in SCO_CRASH_AT="before commit:3".
"""

import os
import signal

SWITCH = "SCO_CRASH_AT"
POINTS = (
    "before search",
    "after search",
    "mid-read",
    "mid-write",
    "before commit",
    "mid-commit",
    "after commit",
    "before journal",
    "after journal",
    "mid-publish",
    "after rename",
    "mid-gc",
)
_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Nothing; or the end of this process, where the environment says so."""
    asked = os.environ.get(SWITCH)
    if asked is None:
        return
    wanted, _, times = asked.partition(":")
    if wanted == name:
        _passed[name] = _passed.get(name, 0) + 1
        if _passed[name] >= int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
