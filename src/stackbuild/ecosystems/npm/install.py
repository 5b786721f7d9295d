"""Puts the files of packages, their commands and links into one node_modules.

The file node_modules/.package-lock.json is not written: it only lets npm skip reading node_modules, npm
distrusts it when anything there is newer, and it would change with every package.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ...layer.entry import Entry
from .links import Link
from .lock import FOLDER, is_installed


def install(
    trees: Mapping[str, Sequence[Entry]], links: Mapping[str, Link], top: str, epoch: int
) -> list[Entry]:
    """The entries of everything, by place; top: the folder above node_modules; epoch: their time, seconds.

    A command whose file is not there is left out: an install script would have made it.
    """
    found = [
        replace(entry, path=posixpath.join(place, entry.path), group=place)
        for place, entries in trees.items()
        for entry in entries
    ]
    files = {entry.path for entry in found if entry.kind == "file"}
    made = [
        Entry(place, "symlink", 0o777, link=link.target, origin=link.package or link.leads, group=link.group)
        for place, link in links.items()
        if not link.package or link.leads in files
    ]
    above = [posixpath.dirname(entry.path) for entry in made]
    return [
        replace(entry, path=posixpath.join(top, entry.path), mtime=epoch)
        for entry in (*_folders([*trees, *above]), *found, *made)
    ]


def _folders(places: Iterable[str]) -> list[Entry]:
    """The folders from each node_modules down to the places. What is above is not ours."""
    found: set[str] = set()
    for place in places:
        while is_installed(place) or posixpath.basename(place) == FOLDER:
            found.add(place)
            place = posixpath.dirname(place)
    return [Entry(path, "folder", 0o755) for path in sorted(found)]
