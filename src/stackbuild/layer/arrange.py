"""The entries of one layer, put in order and found free of contradictions before a byte is read."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..errors import BuildFailed
from .batch import Batch
from .entry import Entry

_MOST_LINKS = 40  # hard links to hard links; as the kernel follows symlinks


def arrange(items: Iterable[Entry | Batch], layer: str) -> Sequence[Entry | Batch]:
    """The entries of a layer in writing order: deletions, then group by group, in each parents before
    children and hard links last.

    Each path comes once; a hard link repeats its target's attributes, as whoever unpacks it applies the
    last ones. Raises BuildFailed, naming both sources, when a path is written twice with different content
    or when something lies below a path that is not a folder.
    """
    items = list(items)
    batches = [item for item in items if isinstance(item, Batch)]
    others = [item for item in items if not isinstance(item, Batch)]
    if not batches:
        return _arranged(others, layer)
    if not any(entry.group or entry.kind == "hardlink" for entry in others):
        gone = [entry for entry in others if entry.kind == "whiteout"]
        kept = [entry for entry in others if entry.kind != "whiteout"]
        if (found := _merged(batches, kept)) is not None:
            for entry in kept:
                _check(entry, layer)
            return [*_arranged(gone, layer), *found]
    apart = [item.entries() if isinstance(item, Batch) else [item] for item in items]
    return _arranged([entry for some in apart for entry in some], layer)


def _merged(batches: Sequence[Batch], entries: Sequence[Entry]) -> list[Entry | Batch] | None:
    """Batches and entries in order, batches cut where something else lies between their files.

    None where a path comes twice, or lies below what is no folder: seen one by one, it may be legal, or can
    be told.
    """
    own = {batch.common.prefix[:-1]: batch for batch in batches}
    paths = {entry.path for entry in entries}
    inside: dict[str, set[str]] = {}  # names in folders, of what is no file of a batch
    for path in [*paths, *own]:
        while path:
            folder, _, name = path.rpartition("/")
            names = inside.setdefault(folder, set())
            if name in names:
                break  # and so were all folders above
            names.add(name)
            path = folder
    if len(own) < len(batches) or len(paths) < len(entries):
        return None
    if any(entry.kind != "folder" and (entry.path in inside or entry.path in own) for entry in entries):
        return None
    pieces: list[tuple[str, Entry | Batch]] = [(_path_order(entry.path), entry) for entry in entries]
    for folder, batch in own.items():
        names = inside.get(folder, set())
        if names and not names.isdisjoint(batch.names):
            return None
        pieces += [(_path_order(piece.first), piece) for piece in _cut(batch, names)]
    return [item for _, item in sorted(pieces, key=lambda piece: piece[0])]


def _cut(batch: Batch, names: Collection[str]) -> Iterator[Batch]:
    """A batch in pieces, between which the names come."""
    if not names:
        yield batch
        return
    own = batch.names
    places = sorted({0, len(own), *(bisect_left(own, name) for name in names)})
    for start, stop in itertools.pairwise(places):
        yield batch.cut(start, stop)


def _arranged(entries: Iterable[Entry], layer: str) -> list[Entry]:
    gone: dict[str, Entry] = {}
    kept: dict[str, Entry] = {}
    for entry in entries:
        if entry.link or not entry.path:
            _check(entry, layer)
        table = gone if entry.kind == "whiteout" else kept
        other = table.setdefault(entry.path, entry)
        if other is not entry and not other.same(entry):
            raise BuildFailed(
                f"{layer}: /{entry.path} is written twice, by {other.origin} and by {entry.origin}",
                hint="rename one of them, or put them in two layers",
            )
    _check_nesting(kept, layer)
    result = [
        _linked(entry, kept, layer) if entry.kind == "hardlink" else entry
        for entry in sorted(kept.values(), key=lambda entry: _path_order(entry.path))
    ]
    if any(entry.group or entry.kind == "hardlink" for entry in result):
        # Each group by itself, and in it a hard link after its target.
        result.sort(key=lambda entry: (entry.group, entry.kind == "hardlink"))
    # Deletions come first: they apply to the layers below.
    return [*sorted(gone.values(), key=lambda entry: (entry.group, _path_order(entry.path))), *result]


def _path_order(path: str) -> str:
    return path.replace("/", "\0")


def _linked(entry: Entry, kept: Mapping[str, Entry], layer: str) -> Entry:
    """A hard link as a link to the file itself, with its attributes."""
    target: Entry | None = entry
    for _ in range(_MOST_LINKS):
        if target is None or target.kind != "hardlink":
            break
        target = kept.get(target.link)
    if target is None or target.kind not in ("file", "symlink"):
        raise BuildFailed(
            f"{layer}: the hard link /{entry.path} ({entry.origin}) points at /{entry.link}, "
            "which is no file of the layer"
        )
    if target.kind == "symlink":
        return replace(target, path=entry.path, origin=entry.origin, group=entry.group)
    return replace(
        target,
        path=entry.path,
        kind="hardlink",
        link=target.path,
        content=None,
        origin=entry.origin,
        group=entry.group,
    )


def _check(entry: Entry, layer: str) -> None:
    if not entry.path:
        raise BuildFailed(f"{layer}: {entry.origin} would write the image's root itself")
    if "\0" in entry.link or re.search(r"[\ud800-\udfff]", entry.link):
        raise BuildFailed(
            f"{layer}: the link /{entry.path} has a target that is not valid UTF-8 ({entry.origin})"
        )


def _check_nesting(entries: Mapping[str, Entry], layer: str) -> None:
    """Nothing lies below what is no folder."""
    above = {path.rpartition("/")[0] for path in entries}
    for parent in [*above]:
        while (parent := parent.rpartition("/")[0]) and parent not in above:
            above.add(parent)
    for parent in sorted(above & entries.keys()):
        other = entries[parent]
        if other.kind == "folder":
            continue
        below = min(path for path in entries if path.startswith(f"{parent}/"))
        raise BuildFailed(
            f"{layer}: /{below} ({entries[below].origin}) lies below /{parent}, a {other.kind} "
            f"({other.origin})",
            hint="change 'to' or 'rename' of one of them",
        )
