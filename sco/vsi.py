"""GDAL's door to our own files: what it opens under PREFIX it reads from a `sco.webfile.WebFile`, by call-backs.

Rasterio has such a door too, which files go through only in the thread that opened them.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from itertools import count
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from sco.preflight import gdal
from sco.webfile import Cursor, WebFile

PREFIX = b"/vsisco/"
"""Held for good: GDAL keeps no copy of it."""
PIECE = 2**14
"""Bytes that GDAL itself reads at least at once and keeps: a header is read in dozens of pieces, and each call-back
waits until Python has a turn. What is asked for by ranges passes this by."""
KEPT = 2**16
_files: WeakValueDictionary[str, WebFile] = WeakValueDictionary()
_cursors: dict[int, Cursor] = {}
_numbers = count(1)
_lock = Lock()

_Pointer, _Text, _Int, _Size, _Offset = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.c_uint64,
)


def name_of(file: WebFile) -> str:
    """A name that GDAL can open it by, as often as it likes, for as long as the file object is held."""
    with _lock:
        _install()
        name = str(next(_numbers))
        _files[name] = file
    return PREFIX.decode() + name


def _open(_: int, name: bytes, access: bytes) -> int | None:
    file = _files.get(name.decode())
    if file is None or access not in (b"r", b"rb"):
        return None
    with _lock:
        number = next(_numbers)
        _cursors[number] = Cursor(file)
    return number


def _tell(number: int) -> int:
    return _cursors[number].place


def _seek(number: int, offset: int, whence: int) -> int:
    cursor = _cursors[number]
    starts = {os.SEEK_SET: 0, os.SEEK_CUR: cursor.place, os.SEEK_END: cursor.file.size}
    cursor.place, cursor.at_end = (starts[whence] + offset) % 2**64, False  # GDAL's steps back are unsigned, too
    return 0


def _read(number: int, into: int, size: int, times: int) -> int:
    content = _cursors[number].read(size * times)
    ctypes.memmove(into, content, len(content))
    return len(content) // size if size else 0


def _read_ranges(number: int, ranges: int, into: Any, offsets: Any, sizes: Any) -> int:
    spans = [(offsets[one], sizes[one]) for one in range(ranges)]
    for target, content in zip(into[:ranges], _cursors[number].file.ranges(spans), strict=True):
        ctypes.memmove(target, content, len(content))
    return 0


def _eof(number: int) -> int:
    return int(_cursors[number].at_end)


def _close(number: int) -> int:
    with _lock:
        del _cursors[number]
    return 0


def _heeded(call: Callable[..., int], otherwise: int) -> Callable[..., int]:
    """The call, whose failure is kept by its file: nothing may be raised through GDAL."""

    def heeded(number: int, *rest: Any) -> int:
        try:
            return call(number, *rest)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again behind GDAL
            _cursors[number].file.failure = error
            return otherwise

    return heeded


_Open = ctypes.CFUNCTYPE(_Pointer, _Pointer, _Text, _Text)
_Tell = ctypes.CFUNCTYPE(_Offset, _Pointer)
_Seek = ctypes.CFUNCTYPE(_Int, _Pointer, _Offset, _Int)
_Read = ctypes.CFUNCTYPE(_Size, _Pointer, _Pointer, _Size, _Size)
_ReadRanges = ctypes.CFUNCTYPE(
    _Int, _Pointer, _Int, ctypes.POINTER(_Pointer), ctypes.POINTER(_Offset), ctypes.POINTER(_Size)
)
_Ask = ctypes.CFUNCTYPE(_Int, _Pointer)


class _CallBacks(ctypes.Structure):
    """VSIFilesystemPluginCallbacksStruct, https://gdal.org/api/cpl.html; GDAL makes it and only adds at its end."""

    _fields_ = (
        ("user_data", _Pointer),
        *((name, _Pointer) for name in ("stat", "unlink", "rename", "mkdir", "rmdir", "read_dir")),
        ("open", _Open),
        ("tell", _Tell),
        ("seek", _Seek),
        ("read", _Read),
        ("read_ranges", _ReadRanges),
        ("range_status", _Pointer),
        ("eof", _Ask),
        *((name, _Pointer) for name in ("write", "flush", "truncate")),
        ("close", _Ask),
        ("buffer_bytes", _Size),
        ("cache_bytes", _Size),
    )


@cache
def _install() -> Any:
    """Tell GDAL of the door, once; the answer keeps the calls alive."""
    library = gdal()
    library.VSIAllocFilesystemPluginCallbacksStruct.restype = ctypes.POINTER(_CallBacks)
    library.VSIInstallPluginHandler.argtypes = [_Text, ctypes.POINTER(_CallBacks)]
    calls = library.VSIAllocFilesystemPluginCallbacksStruct()
    kept = calls.contents
    kept.open = _Open(_open)
    kept.tell = _Tell(_heeded(_tell, 0))
    kept.seek = _Seek(_heeded(_seek, -1))
    kept.read = _Read(_heeded(_read, 0))
    kept.read_ranges = _ReadRanges(_heeded(_read_ranges, -1))
    kept.eof = _Ask(_heeded(_eof, 1))
    kept.close = _Ask(_close)
    kept.buffer_bytes, kept.cache_bytes = PIECE, KEPT
    library.VSIInstallPluginHandler(PREFIX, calls)
    return kept
