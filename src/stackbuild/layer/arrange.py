"""The entries of one layer, put in order and found free of contradictions before a byte is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
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
        _check(entry, layer)
        table = gone if entry.kind == "whiteout" else kept
        other = table.setdefault(entry.path, entry)
        if other is not entry and not other.same(entry):
            raise BuildFailed(
                f"{layer}: /{entry.path} is written twice, by {other.origin} and by {entry.origin}",
                hint="rename one of them, or put them in two layers",
            )
    linked = [_linked(entry, kept, layer) for entry in kept.values()]
    result = sorted([*gone.values(), *linked], key=_order)
    _check_nesting(result, layer)
    return result


def _order(entry: Entry) -> tuple[bool, str, bool, str]:
    # Deletions apply to the layers below, so they come first; a hard link needs its target before it.
    return entry.kind != "whiteout", entry.group, entry.kind == "hardlink", entry.path.replace("/", "\0")


def _linked(entry: Entry, kept: Mapping[str, Entry], layer: str) -> Entry:
    """A hard link as a link to the file itself, with its attributes; anything else as it is."""
    if entry.kind != "hardlink":
        return entry
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


def _check_nesting(entries: Sequence[Entry], layer: str) -> None:
    solid = {entry.path: entry for entry in entries if entry.kind not in ("folder", "whiteout")}
    sound: set[str] = set()
    for entry in entries:
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in sound:
            if parent in solid and entry.kind != "whiteout":
                other = solid[parent]
                raise BuildFailed(
                    f"{layer}: /{entry.path} ({entry.origin}) lies below /{parent}, a {other.kind} "
                    f"({other.origin})",
                    hint="change 'to' or 'rename' of one of them",
                )
            if entry.kind != "whiteout":
                sound.add(parent)
            parent = parent.rpartition("/")[0]
