"""The native core, loaded when first asked for: its functions, with Python's types."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    import ctypes
    from array import array
    from collections.abc import Sequence
    from typing import Any

_ABI = 2  # lib.rs has the same: a library of another time is not used
FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY  # a pipe or a terminal in a file's place holds nobody up
_MALFORMED = -2


_loaded: list[Core | None] = []  # once it was asked for


def core() -> Core | None:
    """The native core; None where it was not built, is of another version, or STACKBUILD_PURE=1 says so."""
    if not _loaded:
        _loaded.append(_load())
    return _loaded[0]


def _load() -> Core | None:
    path = os.path.join(os.path.dirname(__file__), "libstackbuild.so")  # noqa: PTH118, PTH120  start-up counts
    if os.environ.get("STACKBUILD_PURE", "0") not in ("", "0") or not os.path.exists(path):  # noqa: PTH110
        return None
    import ctypes

    try:
        loaded = ctypes.CDLL(path)
        loaded.stackbuild_abi.restype = ctypes.c_uint32
        return Core(loaded) if loaded.stackbuild_abi() == _ABI else None
    except (OSError, AttributeError):  # of another machine, or not ours at all
        return None


class Core:
    """The functions of lib.rs; ctypes lets go of the interpreter's lock while they run."""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        from ctypes import c_int, c_int64, c_size_t, c_void_p

        def function(name: str, *arguments: Any) -> Any:
            found = loaded[f"stackbuild_{name}"]
            found.argtypes, found.restype = arguments, c_int64
            return found

        buffer = (c_void_p, c_size_t)
        self.hashes_quickly = function("sha256_is_quick")() == 1  # else hashlib does it better
        self.sha256_new = function("sha256_new", c_void_p)
        self.sha256_update = function("sha256_update", c_void_p, *buffer)
        self.sha256_digest = function("sha256_digest", c_void_p, c_void_p)
        self._read_files = function("read_files", *buffer, c_void_p, c_void_p, c_size_t, *buffer, c_int)
        self._unchanged = function("unchanged", *buffer)

    def read_files(self, paths: Sequence[bytes], table: array[int], out: bytearray) -> array[int]:
        """See the package."""
        from array import array
        from ctypes import c_char

        names = b"".join([path + b"\0" for path in paths])
        results = array("i", bytes(4 * len(paths)))
        # While it is held like this, no other thread can make it move.
        place = (c_char * 1).from_buffer(out) if out else None
        with memoryview(table):
            rows, files = table.buffer_info()[0], len(results)
            status = self._read_files(
                names, len(names), rows, results.buffer_info()[0], files, place, len(out), FLAGS
            )
        _check(status, "the table does not fit the paths or the buffer")
        return results

    def unchanged(self, records: bytes) -> int:
        """See the package."""
        status: int = self._unchanged(records, len(records))
        _check(status, "malformed records")
        return status


def _check(status: int, malformed: str) -> None:
    if status == _MALFORMED:
        raise ValueError(malformed)
    if status < _MALFORMED:
        raise RuntimeError("the native core failed; STACKBUILD_PURE=1 does without it")
