"""Where a layer is cut into chunks.

A cut falls before an entry when a hash of its path says so, with a chance in proportion to its size: cuts
depend on the entries beside them alone, so that an insertion moves no other cut. Where entries are grouped
(a package's are), cuts fall between groups instead. A big file is cut by offset, so that no chunk, and with
it the memory of a build, grows with a file.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import xxhash

from ..native.ustar import BLOCK
from .batch import Batch
from .chunk import Chunk
from .entry import Entry
from .part import Laid, Part
from .tar import WRITER_VERSION

AVERAGE = 2 << 20  # bytes of tar between two cuts
LARGEST = 4 << 20  # bytes of tar in a chunk, at most (but for one entry's headers)
CHUNKER_VERSION = 1
LAYER_VERSION = f"{WRITER_VERSION}.{CHUNKER_VERSION}"
"""What decides a layer's bytes beside its entries and codec; part of every key that they stand behind."""


def _is_cut(path: bytes, size: int, group: str, before: str) -> bool:
    """Whether a cut falls before an entry; before: the group of the one before it."""
    if group or before:
        return group != before
    return xxhash.xxh3_64_intdigest(path) * AVERAGE < (size << 64)


def _cuts(batch: Batch, held: int, group: str) -> Iterator[int]:
    """The places in a batch before which cuts fall, as `_is_cut` and `LARGEST` say, after `held` bytes of a
    chunk, the last of them in a group."""
    lengths, paths = batch.lengths, batch.paths
    ends, hash_of = list(itertools.accumulate(lengths)), xxhash.xxh3_64_intdigest
    limit = (max(lengths) << 64) // AVERAGE + 1  # what is beyond it is no cut for any of these sizes
    likely = [at for at, path in enumerate(paths) if hash_of(path) < limit]
    hashed = [at for at in likely if _is_cut(paths[at], lengths[at], "", "")]
    if group:
        hashed.insert(0, 0)
    at = 0 if held else 1
    while True:
        full, place = bisect_right(ends, LARGEST - held, at), bisect_left(hashed, at)
        cut = min([full, *hashed[place : place + 1]])
        if cut == len(ends):
            return
        yield cut
        at, held = cut + 1, -ends[cut - 1] if cut else 0


def _pieces(entry: Entry, size: int) -> Iterator[Chunk]:
    """A big file, cut by offset; the header goes with the first piece."""
    step = LARGEST - LARGEST % BLOCK
    for offset in range(0, size, step):
        yield Chunk((Part(entry, offset, min(step, size - offset)),))


def split(entries: Sequence[Entry | Batch]) -> Iterator[Chunk]:
    """The chunks of a layer's arranged entries, in order, the end-of-archive blocks last."""
    group: list[Laid] = []
    held, name = 0, ""
    for entry in entries:
        if isinstance(entry, Batch):
            start = 0
            for number in _cuts(entry, held, name):
                if number > start:
                    group.append(entry.cut(start, number))
                yield Chunk(tuple(group))
                group, held, start = [], 0, number
            group.append(entry.cut(start, entry.count))
            held, name = held + group[-1].size, ""
            continue
        part = Part(entry)
        length = part.size
        if group and (held + length > LARGEST or _is_cut(entry.path.encode(), length, entry.group, name)):
            yield Chunk(tuple(group))
            group, held = [], 0
        name = entry.group
        if length > LARGEST:
            yield from _pieces(entry, part.length)
            continue
        group.append(part)
        held += length
    if group:
        yield Chunk(tuple(group))
    yield Chunk((Part(None),))
