"""Where a layer is cut into chunks.

A cut falls before an entry when a hash of its path says so, with a chance in proportion to its size: cuts
depend on the entries beside them alone, so that an insertion moves no other cut. Where entries are grouped
(a package's are), cuts fall between groups instead. A big file is cut by offset, so that no chunk, and with
it the memory of a build, grows with a file.
"""

from __future__ import annotations

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


def _is_cut(path: str, size: int, group: str, before: str) -> bool:
    """Whether a cut falls before an entry; before: the group of the one before it."""
    if group or before:
        return group != before
    return xxhash.xxh3_64_intdigest(path.encode()) * AVERAGE < (size << 64)


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
            for number, (path, length) in enumerate(zip(entry.paths, entry.lengths, strict=True)):
                if held and (held + length > LARGEST or _is_cut(path, length, "", name)):
                    if number > start:
                        group.append(entry.cut(start, number))
                    yield Chunk(tuple(group))
                    group, held, start = [], 0, number
                held, name = held + length, ""
            group.append(entry.cut(start, entry.count))
            continue
        part = Part(entry)
        length = part.size
        if group and (held + length > LARGEST or _is_cut(entry.path, length, entry.group, name)):
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
