"""Everything that we raise on purpose.

ScoError                      1  something is wrong, and this is what
├── ConfigurationError        3  a project, or a word in it, is not what it should be
├── UpstreamError             6  a catalog or an archive does not answer; asking later may help
├── SceneError                5  one scene cannot be used as it is
├── PartitionError            5  the run is over and some of its partitions failed
├── CubeError                 1  a cube does not keep the cube contract
├── IntegrityError            7  stored or published bytes are not what they should be
├── LockedError               8  another run holds the project
└── OverdueError              9  a project is older than it may be

The number is the exit code of the `sco` command.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ScoError(Exception):
    """Something is wrong; the message says what was asked, what there is and what to do."""

    exit_code = 1


class ConfigurationError(ScoError):
    """A project, or a word in it, is not what it should be."""

    exit_code = 3


class UpstreamError(ScoError):
    """A catalog or an archive does not answer; asking later may help."""

    exit_code = 6


class SceneError(ScoError):
    """One scene cannot be used as it is."""

    exit_code = 5


class PartitionError(ScoError):
    """The run is over and some of its partitions failed."""

    exit_code = 5


class CubeError(ScoError):
    """A cube does not keep the cube contract."""


class IntegrityError(ScoError):
    """Stored or published bytes are not what they should be."""

    exit_code = 7


class LockedError(ScoError):
    """Another run holds the project."""

    exit_code = 8


class OverdueError(ScoError):
    """A project is older than it may be."""

    exit_code = 9


def unknown(kind: str, name: str, known: Iterable[str], where: str) -> str:
    """Say that `where` has no `kind` called `name`, and name the nearest one that it has."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {kind} {name!r}{hint} {where} has: {', '.join(known) or 'nothing'}"
