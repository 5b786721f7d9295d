"""stackbuild.lock: what the things outside of the tree were resolved to, so that they stay the same.

TOML, one table an entry, sorted, so that a change of one entry is a change of a few lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import Position, RequestError
from ..store.files import alone, write_atomically
from .toml import Document

LOCK_FILE = "stackbuild.lock"
VERSION = 1
_HEAD = "# Written by `stackbuild lock`. Commit it; do not edit it.\n"

Entry = Mapping[str, str]
Name = tuple[str, str]
"""(section, name), as ("base", "docker.io/library/python:3.12-slim")."""


class Lock:
    """The entries of one lock file. Raises RequestError, with a position, when it cannot be read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._entries = dict(_read(root))
        self._changed: dict[Name, Entry | None] = {}

    def __contains__(self, name: Name) -> bool:
        return name in self._entries

    def get(self, name: Name) -> Entry | None:
        """The entry with a name, or None."""
        return self._entries.get(name)

    def names(self) -> list[Name]:
        """The names of all entries."""
        return sorted(self._entries)

    def put(self, name: Name, entry: Entry) -> None:
        """Add or replace an entry."""
        if self._entries.get(name) != entry:
            self._entries[name] = self._changed[name] = entry

    def remove(self, name: Name) -> None:
        """Take an entry away."""
        if self._entries.pop(name, None) is not None:
            self._changed[name] = None

    def save(self) -> None:
        """Write what changed, whole or not at all, on top of what others wrote meanwhile."""
        if not self._changed:
            return
        with alone(self._root):
            entries = dict(_read(self._root))
            for name, entry in self._changed.items():
                if entry is None:
                    entries.pop(name, None)
                else:
                    entries[name] = entry
            write_atomically(self._root / LOCK_FILE, _text(entries).encode())
        self._changed.clear()


def _text(entries: Mapping[Name, Entry]) -> str:
    import tomli_w

    document: dict[str, Any] = {"version": VERSION}
    for (section, name), entry in sorted(entries.items()):
        document.setdefault(section, {})[name] = dict(sorted(entry.items()))
    return _HEAD + tomli_w.dumps(document)


def _read(root: Path) -> Iterator[tuple[Name, Entry]]:
    file = root / LOCK_FILE
    if not file.is_file():
        return
    advice = "restore it, or remove it and run 'stackbuild lock'"
    try:
        document = Document.read(file, LOCK_FILE)
    except RequestError as error:  # most often the marks of a merge
        raise RequestError(error.what, where=error.where, hint=advice) from error
    if document.data.get("version") != VERSION:
        where = document.position(("version",)) if "version" in document.data else Position(LOCK_FILE)
        raise RequestError("the lock file is of another version", where=where, hint=advice)
    for section, tables in document.data.items():
        if section == "version":
            continue
        for name, entry in tables.items() if isinstance(tables, dict) else [("", None)]:
            if (
                not isinstance(entry, dict)
                or not entry
                or not all(isinstance(value, str) for value in entry.values())
            ):
                where = document.position((section, name), of_key=True)
                raise RequestError("this is no entry of a lock file", where=where, hint=advice)
            yield (section, name), entry
