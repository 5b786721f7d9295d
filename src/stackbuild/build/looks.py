"""What nodes looked at in the tree when their keys were last made, so that they need not look again while
nothing of it changed.

These are verifying traces ("Build systems à la carte", section 4.2): beside a node's key lie records of all
that was seen for it, which `stackbuild.native` compares with what is there now.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from .. import native, witness
from ..again import ask
from ..keys import digest, hash_bytes
from ..native.signatures import record
from ..native.stats import row, settled
from ..store import Store
from ..trace import traced

_IMPORTED = time.time_ns()
_SELECT = "SELECT name, stamp, key, records, checksum FROM look WHERE name IN"
_INSERT = "INSERT OR REPLACE INTO look VALUES (?, ?, ?, ?, ?)"
_BATCH = 64  # nodes whose records a thread compares at once


class Looks:
    """The looks that a store remembers of nodes, by their names. stamp: names all that decides a node's key,
    but for the tree."""

    def __init__(self, store: Store, pool: Executor) -> None:
        self._store, self._pool = store, pool
        self._algorithm = store.fingerprints.algorithm
        self._known: dict[str, tuple[str, str, bytes]] = {}  # name -> stamp, key and records, if they hold
        self._new: list[tuple[str, str, str, bytes, str]] = []

    def stamp(self, looking: object, decided_by: Any) -> str | None:
        """The name of plain data that decides the key together with what somebody finds; None of who is no
        part of this program, whose code nobody watches."""
        if type(looking).__module__.partition(".")[0] != __name__.partition(".")[0] or not _program():
            return None
        return digest([_program(), str(self._store.path), decided_by], self._algorithm)

    @traced("compare looks")
    def recall(self, names: Sequence[str]) -> None:
        """Find out which of these nodes would see all as they did."""
        sound = [found for found in self._store.index.rows_among(_SELECT, names) if self._is_sound(*found)]
        if ask.stale:  # who has seen this sees something else by now
            stale = record(*ask.stale)
            sound = [found for found in sound if stale not in found[3]]
        batches = [sound[start : start + _BATCH] for start in range(0, len(sound), _BATCH)]
        held = [found for some in self._pool.map(_that_hold, batches) for found in some]
        self._known = {name: (stamp, key, records) for name, stamp, key, records, _ in held}

    def key(self, name: str, stamp: str) -> str | None:
        """The key that a node had, if by what was found it has it still; who records hears of its looks."""
        known = self._known.get(name)
        if known is None or known[0] != stamp:
            return None
        if present := witness.present():
            present.told(known[2])
        return known[1]

    def keep(self, name: str, stamp: str | None, key: str, seen: witness.Witness) -> None:
        """Remember what a node looked at, if all of it can be told."""
        if stamp is None or seen.refused or not seen.alone:
            return
        with contextlib.suppress(OSError):  # where a folder is none any more, it is looked at again
            if records := seen.records():
                self._new.append((name, stamp, key, records, self._checksum(name, stamp, key, records)))

    def save(self) -> None:
        """Write down what was kept. Raises StoreError."""
        self._store.index.write(_INSERT, self._new)
        self._new.clear()

    def _is_sound(self, name: str, stamp: Any, key: Any, records: Any, checksum: Any) -> bool:
        if not (isinstance(stamp, str) and isinstance(key, str) and isinstance(records, bytes)):
            return False
        return bool(checksum == self._checksum(name, stamp, key, records))

    def _checksum(self, name: str, stamp: str, key: str, records: bytes) -> str:
        return digest([name, stamp, key, records], self._algorithm)


def _that_hold(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row for row in rows if native.unchanged(row[3], ahead=True) == -1]


@functools.cache
def _program() -> str:
    """Names the code that runs, as it lies on disk; "" where that is newer, or lies in no folder."""
    seen = [sys.version]
    folders = [str(Path(__file__).parents[1])]
    try:
        while folders:
            folder = folders.pop()
            with os.scandir(folder) as scanned:
                entries = sorted(
                    (entry.name, entry.is_dir()) for entry in scanned if entry.name != "__pycache__"
                )
            folders += [f"{folder}/{name}" for name, is_folder in entries if is_folder]
            paths = [f"{folder}/{name}" for name, is_folder in entries if not is_folder]
            rows = [row(os.stat(path)) for path in paths]  # noqa: PTH116  some installers make symlinks
            if not all(settled(found, ask.began or _IMPORTED) for found in rows):
                return ""
            seen += [*paths, *(found.hex() for found in rows)]
    except OSError:
        return ""
    return hash_bytes(os.fsencode("\0".join(seen)), "sha256")
