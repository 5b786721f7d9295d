"""The entries of one layer, put in order and found free of contradictions before a byte is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import BuildFailed
from .entry import Entry

_MOST_LINKS = 40  # hard links to hard links; as the kernel follows symlinks


def arrange(entries: Iterable[Entry], layer: str) -> list[Entry]:
    """The entries of a layer in writing order: deletions, then group by group, in each parents before
    children and hard links last.

    Each path comes once; a hard link repeats its target's attributes, as whoever unpacks it applies the
    last ones. Raises BuildFailed, naming both sources, when a path is written twice with different content
    or when something lies below a path that is not a folder.
    """
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
        for entry in sorted(kept.values(), key=_path_order)
    ]
    if any(entry.group or entry.kind == "hardlink" for entry in result):
        # Each group by itself, and in it a hard link after its target.
        result.sort(key=lambda entry: (entry.group, entry.kind == "hardlink"))
    # Deletions come first: they apply to the layers below.
    return [*sorted(gone.values(), key=lambda entry: (entry.group, _path_order(entry))), *result]


def _path_order(entry: Entry) -> str:
    return entry.path.replace("/", "\0")


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
