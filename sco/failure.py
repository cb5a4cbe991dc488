"""Why something failed, in four classes that say what helps: waiting, a key, a look at the data, a look at the code."""

import errno
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from sco.errors import SceneError, UpstreamError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""A full disk is nobody's failure: it stops the run, and not one partition of it."""
LIBRARIES = frozenset({"rasterio", "requests", "urllib3", "icechunk"})
"""Those whose own errors are about what they were to fetch."""
STATUS = re.compile(
    r"(?:response code|status code|http error|error code|status)[: ]+(\d{3})\b|\b(\d{3}) (?:client|server) error"
    r"|too many (\d{3}) error responses"
)


class Failure(StrEnum):
    """What kind of failure it is, the one that is most easily healed first."""

    TRANSIENT = "transient"
    """Trying again later may help by itself."""
    CREDENTIALS = "credentials"
    """A key, a token or a right is missing or over; trying again helps once it is there."""
    DATA = "data"
    """What is there is not what it should be, and stays so until somebody replaces it."""
    BUG = "bug"
    """Nobody expected this; the same code gives it again."""


WORDS: tuple[tuple[Failure, re.Pattern[str]], ...] = (
    (
        Failure.CREDENTIALS,
        re.compile(
            r"access ?denied|unauthori[sz]ed|forbidden|permission denied|(?:token|signature|credentials?)[^.]{0,30}"
            r"(?:expired|invalid|not valid|missing)|expired ?token|signaturedoesnotmatch|invalidaccesskey"
            r"|authentication ?(?:failed|required)|no (?:valid )?(?:aws )?credentials|invalidcredentials"
        ),
    ),
    (
        Failure.TRANSIENT,
        re.compile(
            r"timed? ?out|connection (?:reset|refused|aborted|closed|broken)|broken pipe|remote end closed"
            r"|could ?n[o']t (?:resolve|connect)|name resolution|curl error|slow ?down|too many requests"
            r"|temporar(?:y|ily)|unavailable|bad gateway|transfer closed|unreachable|does not connect to|try again"
        ),
    ),
    (
        Failure.DATA,
        re.compile(
            r"not recognized as|no such (?:file|key)|nosuchkey|does not exist|not found|tiff|jpeg|ireadblock"
            r"|decode|decompress|hdf error|checksum|truncated|corrupt|not a valid|offers no asset|has no variable"
            r"|item says|is not read|cannot be read safely|contradict"
        ),
    ),
)


def classify(failure: BaseException | str) -> Failure:
    """The class of an error, or of the words that a read left behind when it failed.

    Words that tell nothing are transient, so that they are tried again; an error that nobody raises on purpose, and no
    library raises over what it fetches, is a bug.
    """
    if isinstance(failure, str):
        return _told(failure) or Failure.TRANSIENT
    if isinstance(failure, SceneError):
        return Failure.DATA
    if not _is_of_fetching(failure):
        return Failure.BUG
    chain = list(_chain(failure))
    found = [_told(str(error)) or _typed(error) for error in chain]
    return next((one for one in found if one is not None), Failure.TRANSIENT)


def worst(failures: Iterable[Failure]) -> Failure:
    """The class of several failures together: the most easily healed, since that is reason enough to try again."""
    order = list(Failure)
    return min(failures, key=order.index)


def in_words(error: BaseException) -> str:
    """The error as one line that fits a table."""
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, SceneError | UpstreamError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _told(text: str) -> Failure | None:
    text = text.lower()
    codes = [int(next(filter(None, found))) for found in STATUS.findall(text)]
    if codes:
        return _of_status(codes[-1])
    return next((one for one, words in WORDS if words.search(text)), None)


def _of_status(code: int) -> Failure:
    if code in (401, 403, 407, 511):
        return Failure.CREDENTIALS
    return Failure.TRANSIENT if code >= 500 or code in (408, 421, 423, 425, 429) else Failure.DATA


def _typed(error: BaseException) -> Failure | None:
    match error:
        case FileNotFoundError() | IsADirectoryError() | NotADirectoryError():
            return Failure.DATA
        case PermissionError():
            return Failure.CREDENTIALS
        case ConnectionError() | TimeoutError():
            return Failure.TRANSIENT
        case _:
            return None


def _is_of_fetching(error: BaseException) -> bool:
    return isinstance(error, UpstreamError | OSError) or type(error).__module__.partition(".")[0] in LIBRARIES


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, outermost first."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
