"""The native core's functions in Python: for where there is no compiler, and to test the others against."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .library import FLAGS
from .signatures import (
    ABSENT,
    Entry,
    Listing,
    blob_signature,
    entry_letter,
    folder_signature,
    link_signature,
    listing,
    passed_signature,
    place_signature,
    stat_signature,
)
from .stats import NO_INODE, SIZE, apart, row, size
from .ustar import BLOCK, file_block

if TYPE_CHECKING:
    from hashlib import _Hash

    from . import Buffer
    from .runs import Run

_SIGNATURE = re.compile(rb"[0-9a-f]{32}\Z")


class PureSha256:
    """hashlib's, whose state cannot be told."""

    __slots__ = ("_hash", "digest", "hexdigest", "update")

    def __init__(self, of: _Hash | None = None) -> None:
        self._hash = of or hashlib.sha256()
        self.update, self.digest, self.hexdigest = self._hash.update, self._hash.digest, self._hash.hexdigest

    def copy(self) -> PureSha256:
        """Another hash of the same bytes so far."""
        return PureSha256(self._hash.copy())

    def state(self) -> None:
        """Not to be told."""


def list_folders(folders: Sequence[str]) -> list[Listing | int]:
    """See the package."""
    return [_listed(folder) for folder in folders]


def _listed(folder: str) -> Listing | int:
    try:
        with os.scandir(folder) as entries:
            return listing(entries)
    except OSError as error:
        return error.errno or errno.EIO


def lstat_rows(folders: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """See the package."""
    return b"".join([row(os.lstat(f"{folder}/{name}")) for folder, names in folders for name in names])


def sign_folders(folders: Sequence[tuple[Sequence[str], bytes]]) -> list[str]:
    """See the package."""
    return [
        folder_signature(zip(map(os.fsencode, names), "f" * len(names), apart(rows), strict=True))
        for names, rows in folders
    ]


def write_headers(paths: Sequence[str], table: array[int], out: Buffer) -> None:
    """See the package."""
    out[:] = bytes(len(out))
    for number, path in enumerate(paths):
        place, *fields = table[6 * number : 6 * number + 6]
        if "\0" in path or not 0 <= place <= len(out) - BLOCK:
            raise ValueError("it does not fit into the buffer")
        out[place : place + BLOCK] = file_block(os.fsencode(path), *fields)


def read_files(paths: Sequence[str], table: array[int], rows: bytes, out: Buffer) -> array[int]:
    """See the package."""
    wanted = [table[start : start + 3] for start in range(0, len(table), 3)]
    if any("\0" in path for path in paths) or not all(_fits(item, len(out)) for item in wanted):
        raise ValueError("the table does not fit the paths or the buffer")
    with memoryview(out) as place:
        return array(
            "i", [_read(None, *file, place) for file in zip(paths, wanted, apart(rows), strict=True)]
        )


def lay_out(runs: Sequence[Run], out: Buffer) -> array[int]:
    """See the package."""
    results = array("i")
    with memoryview(out) as place:
        for run in runs:
            names, joined = run.names.split("/"), "".join([run.prefix, run.folder, run.names])
            if not len(names) == len(run.modes) == len(run.rows) // SIZE:
                raise ValueError("a run has other rows, modes and names")
            if "\0" in joined or "" in names:
                raise ValueError("a file has no name, or a path holds NUL")
        for run in runs:
            try:
                home = os.open(run.folder, os.O_RDONLY | os.O_CLOEXEC | FLAGS)
            except OSError as error:
                number = error.errno or errno.EIO
                results.extend(_lay_out(run, place, lambda *_, number=number: number))
                continue
            try:
                results.extend(_lay_out(run, place, functools.partial(_read, home)))
            finally:
                os.close(home)
    return results


def _lay_out(run: Run, out: memoryview, read: Callable[..., int]) -> Iterator[int]:
    at = run.place
    for name, own, mode in zip(run.names.split("/"), apart(run.rows), run.modes, strict=True):
        start, length = at + BLOCK, size(own)
        at = start + length + -length % BLOCK
        if not 0 <= start - BLOCK <= at <= len(out):
            raise ValueError("it does not fit into the buffer")
        path = os.fsencode(run.prefix + name)
        out[start - BLOCK : start] = file_block(path, length, mode, run.uid, run.gid, run.mtime)
        yield read(name, array("q", (start, length, 0)), own, out)
        out[start + length : at] = bytes(at - start - length)


def _fits(wanted: array[int], size: int) -> bool:
    start, length, offset = wanted
    return start >= 0 and length >= 0 and start + length <= size and 0 <= offset <= 2**63 - 1 - length


def _read(folder: int | None, path: str, wanted: array[int], expected: bytes, out: memoryview) -> int:
    """What `read_files` says of a file. folder: an open one, that the path is from."""
    start, length, offset = wanted
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | FLAGS, dir_fd=folder)
    except OSError as error:
        return error.errno or -1
    failed = 0
    try:
        try:
            done = _read_at(handle, out[start : start + length], offset)
        except OSError as error:
            done, failed = 0, error.errno or -1
        if expected[8:16] != NO_INODE and row(os.fstat(handle)) != expected:
            return -1  # which tells more than why a folder, say, cannot be read
        return failed or (0 if done == length else -1)
    finally:
        os.close(handle)


def _read_at(handle: int, out: memoryview, offset: int) -> int:
    """How many bytes were read: fewer than there is room for only at the file's end."""
    done = 0
    while done < len(out):
        got = os.preadv(handle, [out[done:]], offset + done)
        if not got:
            break
        done += got
    return done


def unchanged(records: bytes) -> int:
    """See the package."""
    for index, (kind, path, ignored, signature) in enumerate(list(_parse(records))):
        try:
            found = _look(kind, path, ignored)
        except (FileNotFoundError, NotADirectoryError):
            found = ABSENT
        except OSError:
            return index
        if found != signature:
            return index
    return -1


def _parse(records: bytes) -> Iterator[tuple[bytes, bytes, bytes, str]]:
    """Kind, path, ignored names, signature of each record. Raises ValueError when they are malformed."""
    fields = iter(records.split(b"\0"))
    for first in fields:
        kind, path = first[:1], first[1:]
        if not kind:
            if next(fields, None) is None:
                return  # what follows the last NUL
            break
        ignored = next(fields, b"") if kind in (b"L", b"F") else b""
        signature = next(fields, b"")
        if kind not in b"SBLFRPI" or not _SIGNATURE.match(signature):
            break
        yield kind, path, ignored, signature.decode()
    raise ValueError("malformed records")


def _look(kind: bytes, path: bytes, ignored: bytes) -> str:
    if kind == b"S":
        return stat_signature(row(os.lstat(path)))
    if kind == b"B":
        return blob_signature(row(os.lstat(path)))
    if kind == b"R":
        return link_signature(path)
    if kind == b"P":
        return place_signature(path)
    if kind == b"I":
        return passed_signature(path)
    return folder_signature(_entries(path, ignored.split(b"/"), kind == b"F"))


def _entries(path: bytes, ignored: Sequence[bytes], stats: bool) -> Iterator[Entry]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name in ignored:
                continue
            what = entry_letter(entry)
            yield entry.name, what, row(entry.stat(follow_symlinks=False)) if stats and what == "f" else None
