"""A file's lstat in 48 bytes, a row: what tells it from any other, and from itself after a change.

Six 64-bit numbers, little-endian: st_dev, st_ino, st_size, st_mtime_ns, st_ctime_ns, st_mode. What needs
more bits or a sign wraps. signature.rs makes the same.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array

SIZE = 48
NO_INODE = b"\xff" * 8
"""Stands in bytes 8 to 16 of a row that is none."""
UNKNOWN = bytes(8) + NO_INODE + bytes(32)
"""The row of a file of which no lstat is known."""
_FINE_GRAIN = 50_000_000  # ns; kernels stamp files by a tick of 1 to 10 ms
_COARSE_GRAIN = 2_000_000_000  # ns; FAT's grain, assumed where stamps are whole seconds
_MASK = (1 << 64) - 1
_pack = struct.Struct("<6Q").pack
_times = struct.Struct("<2q").unpack_from


def row(stat: os.stat_result) -> bytes:
    """The row of an lstat."""
    mtime, ctime = stat.st_mtime_ns & _MASK, stat.st_ctime_ns & _MASK
    return _pack(stat.st_dev & _MASK, stat.st_ino & _MASK, stat.st_size, mtime, ctime, stat.st_mode)


def apart(rows: bytes) -> list[bytes]:
    """Rows that lie one after another, each by itself."""
    return [rows[start : start + SIZE] for start in range(0, len(rows), SIZE)]


def sizes(rows: bytes) -> array[int]:
    """The sizes of files in bytes, by their rows, one after another."""
    return _numbers(rows)[2::6]


def modes(rows: bytes) -> array[int]:
    """Their types and permissions."""
    return _numbers(rows)[5::6]


def _numbers(rows: bytes) -> array[int]:
    numbers = array("q")
    numbers.frombytes(rows)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def size(row: bytes) -> int:
    """A file's size in bytes."""
    return int.from_bytes(row[16:24], "little")


def blob_part(row: bytes) -> bytes:
    """Inode, size and mtime: what hard links to a file do not change."""
    return row[8:32]


def all_settled(rows: bytes, seen: int) -> bool:
    """Whether files are `settled`, by their rows, one after another; not of all that are can it be told."""
    numbers = _numbers(rows)
    newest = max([*numbers[3::6], *numbers[4::6]], default=0)
    return newest + _COARSE_GRAIN < seen


def settled(row: bytes, seen: int) -> bool:
    """Whether a file is older than the moment `seen` (ns since 1970) by more than the clock's grain; else it
    may be written to in the same tick, and look as before."""
    mtime, ctime = _times(row, 24)
    newest: int = mtime if mtime > ctime else ctime
    return newest + (_FINE_GRAIN if ctime % 1_000_000_000 else _COARSE_GRAIN) < seen
