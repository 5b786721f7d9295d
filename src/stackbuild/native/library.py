"""The native core, loaded when first asked for: its functions, with Python's types."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    import ctypes
    from array import array
    from collections.abc import Sequence
    from typing import Any

    from . import Buffer
    from .runs import Run
    from .signatures import Listing

_ABI = 5  # lib.rs has the same: a library of another time is not used
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
        rows = (c_void_p, c_void_p, c_void_p, c_size_t)
        self._read_files = function("read_files", *buffer, *rows, *buffer, c_int)
        self._lay_out = function("lay_out", *buffer, c_void_p, c_size_t, *rows, *buffer, c_int)
        self._write_headers = function("write_headers", *buffer, c_void_p, c_size_t, *buffer)
        self._stat = function("stat", *buffer, c_void_p, c_size_t)
        self._sign_folders = function("sign_folders", *buffer, c_void_p, c_size_t, c_void_p, c_size_t)
        self._list = function("list", *buffer, c_void_p)
        self._free = function("free", *buffer)
        self._unchanged = function("unchanged", *buffer, c_int)
        self._look_ahead = function("look_ahead", *buffer, c_int)

    def list_folders(self, folders: Sequence[str]) -> list[Listing | int]:
        """See the package."""
        from ctypes import c_size_t, string_at

        names, owned = _joined(folders), (c_size_t * 2)()
        if names.count(0) != len(folders):
            raise ValueError("a path holds NUL")
        _check(self._list(names, len(names), owned), "")
        try:
            fields = os.fsdecode(string_at(*owned)).split("\0")
        finally:
            self._free(*owned)
        listed: list[Listing | int] = []
        at = 0
        for _ in folders:
            letters = fields[at]
            at += 1
            if letters.isdecimal():
                listed.append(int(letters))
                continue
            listed.append((letters, fields[at : at + len(letters)]))
            at += len(letters)
        return listed

    def lstat_rows(self, folders: Sequence[tuple[str, Sequence[str]]]) -> bytes:
        """See the package."""
        from ctypes import create_string_buffer

        from .stats import NO_INODE, SIZE, apart

        names = _joined(["\0".join([folder, *files, ""]) for folder, files in folders])
        count = sum([len(files) for _, files in folders])
        if names.count(0) != count + 2 * len(folders):
            raise ValueError("a path holds NUL")
        found = create_string_buffer(SIZE * count)
        _check(self._stat(names, len(names), found, count), "a file has no name")
        data: bytes = found.raw
        if NO_INODE in data:  # for once it may be a part of something else
            paths = [f"{folder}/{name}" for folder, files in folders for name in files]
            for path, row in zip(paths, apart(data), strict=True):
                if row[8:16] == NO_INODE:
                    number = int.from_bytes(row[:8], "little")
                    raise OSError(number, os.strerror(number), path)
        return data

    def sign_folders(self, folders: Sequence[tuple[Sequence[str], bytes]]) -> list[str]:
        """See the package."""
        from ctypes import create_string_buffer

        from .stats import SIZE

        names = _joined(["\0".join([*files, ""]) for files, _ in folders])
        rows, found = b"".join([rows for _, rows in folders]), create_string_buffer(16 * len(folders))
        status = self._sign_folders(names, len(names), rows, len(rows) // SIZE, found, len(folders))
        _check(status, "rows that belong to no file")
        signatures = found.raw.hex()
        return [signatures[start : start + 32] for start in range(0, len(signatures), 32)]

    def read_files(self, paths: Sequence[str], table: array[int], rows: bytes, out: Buffer) -> array[int]:
        """See the package."""
        from array import array

        names = _joined(paths)
        results = array("i", bytes(4 * len(paths)))
        with memoryview(table):
            status = self._read_files(
                names,
                len(names),
                table.buffer_info()[0],
                rows,
                results.buffer_info()[0],
                len(results),
                _held(out),
                len(out),
                FLAGS,
            )
        _check(status, "the table does not fit the paths or the buffer")
        return results

    def lay_out(self, runs: Sequence[Run], out: Buffer) -> array[int]:
        """See the package."""
        from array import array

        from .stats import SIZE

        texts = [(run.prefix, run.folder, run.names.replace("/", "\0"), "") for run in runs]
        names = _joined(["\0".join(some) for some in texts])
        table, modes = array("q"), array("q")
        for run in runs:
            table.extend((run.place, len(run.modes), run.uid, run.gid, run.mtime))
            modes.extend(array("q", run.modes))
        rows, results = b"".join([run.rows for run in runs]), array("i", bytes(4 * len(modes)))
        if names.count(0) != len(modes) + 3 * len(runs) or len(rows) != SIZE * len(modes):
            raise ValueError("a run has other rows, modes and names, or one of these holds NUL")
        status = self._lay_out(
            names,
            len(names),
            table.buffer_info()[0],
            len(runs),
            rows,
            modes.buffer_info()[0],
            results.buffer_info()[0],
            len(results),
            _held(out),
            len(out),
            FLAGS | os.O_CLOEXEC,
        )
        _check(status, "something does not fit into a header, or the buffer")
        return results

    def write_headers(self, paths: Sequence[str], table: array[int], out: Buffer) -> None:
        """See the package."""
        names = _joined(paths)
        with memoryview(table):
            rows = table.buffer_info()[0]
            status = self._write_headers(names, len(names), rows, len(paths), _held(out), len(out))
        _check(status, "something does not fit into a header, or the buffer")

    def unchanged(self, records: bytes, ahead: bool) -> int:
        """See the package."""
        status: int = self._unchanged(records, len(records), ahead)
        _check(status, "malformed records")
        return status

    def look_ahead(self, folders: Sequence[str], deep: bool) -> None:
        """See the package."""
        names = _joined(folders)
        _check(self._look_ahead(names, len(names), deep), "")


def _joined(paths: Sequence[str]) -> bytes:
    """Each path ended by NUL."""
    return os.fsencode("\0".join([*paths, ""]))


def _held(out: Buffer) -> Any:
    """The place of a buffer's bytes; while it is held like this, no other thread can make them move."""
    from ctypes import c_char

    return (c_char * 1).from_buffer(out) if out else None


def _check(status: int, malformed: str) -> None:
    if status == _MALFORMED:
        raise ValueError(malformed)
    if status < _MALFORMED:
        raise RuntimeError("the native core failed; STACKBUILD_PURE=1 does without it")
