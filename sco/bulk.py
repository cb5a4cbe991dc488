"""Making a great many objects, and when Python looks for rubbish among them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = (100_000, 50, 50)
"""As Python would have it, a tenth of a command that makes many objects goes into looking for rubbish."""


@contextmanager
def staying() -> Iterator[None]:
    """While the block lasts, no rubbish is looked for: among 100,000 items that takes longer than to read them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def ending_soon() -> Iterator[None]:
    """For a process that ends with the block: it looks for rubbish rarely, and no more when it ends.

    What all our libraries made took 1.2 s to look through, when nothing was left to do.
    """
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.freeze()
