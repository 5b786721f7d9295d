"""Beginnings of layers: a layer that begins as an earlier one did goes on from where they part.

After each chunk of a layer the states of both its hashes are kept, under a name that all chunks so far
decide. A state is eight words and a count (FIPS 180-4, section 6.2.2), known where a multiple of 64 bytes
was hashed: tar's blocks always are; of the compressed bytes, those after the last multiple are hashed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..keys import Algorithm, digest
from ..store import Store

_INSERT = "INSERT OR REPLACE INTO prefix VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT blob, size, raw_state, blob_state, checksum FROM prefix WHERE key = ?"


@dataclass(frozen=True, slots=True)
class Prefix:
    """How a layer begins. count: chunks; size: bytes of them in the blob; raw_state, blob_state: of the
    hashes of the tar and of the blob."""

    count: int
    blob: str
    size: int
    raw_state: bytes
    blob_state: bytes


def _names(keys: Iterable[str], algorithm: Algorithm) -> Iterator[str]:
    """The name of each beginning of a row of chunks."""
    name = ""
    for key in keys:
        name = digest(["prefix", name, key], algorithm)
        yield name


def longest(store: Store, keys: Sequence[str]) -> Prefix | None:
    """The longest beginning that some layer shares with one of these chunks."""
    names = list(_names(keys, store.fingerprints.algorithm))
    low, high, found = 0, len(names), None
    while low < high:  # whoever has a beginning has had all shorter ones
        middle = (low + high) // 2
        if prefix := _load(store, names[middle], middle + 1):
            low, found = middle + 1, prefix
        else:
            high = middle
    return found


def _load(store: Store, name: str, count: int) -> Prefix | None:
    for blob, size, raw_state, blob_state, checksum in store.index.rows(_SELECT, (name,)):
        if checksum == _checksum(store, name, blob, size, raw_state, blob_state):
            return Prefix(count, blob, size, raw_state, blob_state)
    return None


def keep(
    store: Store, keys: Sequence[str], blob: str, ends: Sequence[tuple[int, bytes | None, bytes | None]]
) -> None:
    """Remember the beginnings of a layer. ends: of the last chunks, each (size so far, both states)."""
    names = list(_names(keys, store.fingerprints.algorithm))[len(keys) - len(ends) :]
    rows = [
        (name, blob, size, raw, packed, _checksum(store, name, blob, size, raw, packed))
        for name, (size, raw, packed) in zip(names, ends, strict=True)
        if raw is not None and packed is not None
    ]
    store.index.write(_INSERT, rows)


def _checksum(store: Store, name: str, blob: str, size: int, raw_state: bytes, blob_state: bytes) -> str:
    return digest([name, blob, size, raw_state, blob_state], store.fingerprints.algorithm)
