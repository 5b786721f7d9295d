"""Beginnings of layers: a layer that begins as an earlier one did goes on from where they part.

After each chunk of a layer the states of both its hashes are kept, under a name that all chunks so far
decide. A state is eight words and a count (FIPS 180-4, section 6.2.2), known where a multiple of 64 bytes
was hashed: tar's blocks always are; of the compressed bytes, those after the last multiple are hashed again.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

from .. import native
from ..frozen import frozen
from ..keys import Algorithm, digest
from ..store import Store

_INSERT = "INSERT OR REPLACE INTO prefix VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT blob, size, raw_state, blob_state, checksum FROM prefix WHERE key = ?"


@frozen(slots=True)
class Prefix:
    """How a layer begins. size: in bytes, in the blob; raw_state, blob_state: of the hashes of the tar and of
    the blob."""

    blob: str
    size: int
    raw_state: bytes
    blob_state: bytes


def _name(before: str, key: str, algorithm: Algorithm) -> str:
    """The name of a beginning that ends with a chunk; before: that of all before it, "" for none."""
    return digest(["prefix", before, key], algorithm)


class Beginnings:
    """Follows a row of chunks as long as some layer begins like it."""

    def __init__(self, store: Store) -> None:
        self._store, self._name = store, ""

    def after(self, key: str) -> Prefix | None:
        """The beginning that ends with a chunk, after those asked for before; None where none can be gone on
        from."""
        self._name = _name(self._name, key, self._store.fingerprints.algorithm)
        found = _load(self._store, self._name)
        if found is None or native.resume_sha256(found.raw_state) is None:
            return None
        return found


def _load(store: Store, name: str) -> Prefix | None:
    for blob, size, raw_state, blob_state, checksum in store.index.rows(_SELECT, (name,)):
        if checksum == _checksum(store, name, blob, size, raw_state, blob_state):
            return Prefix(blob, size, raw_state, blob_state)
    return None


def keep(
    store: Store, keys: Sequence[str], blob: str, ends: Sequence[tuple[int, bytes | None, bytes | None]]
) -> None:
    """Remember the beginnings of a layer. ends: of the last chunks, each (size so far, both states)."""
    step = functools.partial(_name, algorithm=store.fingerprints.algorithm)
    names = list(itertools.accumulate(keys, step, initial=""))[len(keys) - len(ends) + 1 :]
    rows = [
        (name, blob, size, raw, packed, _checksum(store, name, blob, size, raw, packed))
        for name, (size, raw, packed) in zip(names, ends, strict=True)
        if raw is not None and packed is not None
    ]
    store.index.write(_INSERT, rows)


def _checksum(store: Store, name: str, blob: str, size: int, raw_state: bytes, blob_state: bytes) -> str:
    return digest([name, blob, size, raw_state, blob_state], store.fingerprints.algorithm)
