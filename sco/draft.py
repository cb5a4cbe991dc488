"""Files that are whole or not there: written beside their place, then put into it by one rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """The path to write instead of `file`, which it becomes at the end; after an error nothing is left of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
