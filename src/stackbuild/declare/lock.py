"""stackbuild.lock: what the things outside of the tree were resolved to, so that they stay the same.

TOML, one table an entry, sorted, so that a change of one entry is a change of a few lines. Packages that
entries list stand in a table of their own each, once for all who list them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from .. import witness
from ..errors import Position, RequestError
from ..keys import digest
from ..store.files import alone, write_atomically
from .toml import Document

LOCK_FILE = "stackbuild.lock"
VERSION = 1
_HEAD = "# Written by `stackbuild lock`. Commit it; do not edit it.\n"
_PACKAGE = "package"  # the section of what lists of packages name
_LIST = "packages"  # the value of an entry that is such a list
_ADVICE = "restore it, or remove it and run 'stackbuild lock'"

Entry = Mapping[str, Any]
"""Strings by name, and under "packages" a list of packages: tables with at least a name and a version."""
Name = tuple[str, str]
"""(section, name), as ("base", "docker.io/library/python:3.12-slim")."""


class Lock:
    """The entries of one lock file. Raises RequestError, with a position, when it cannot be read."""

    def __init__(self, root: Path, source: bytes | None = None) -> None:
        """source: what to read in place of the file as it is now."""
        self._root = root
        self._entries = dict(_read(root) if source is None else _parsed(Document(LOCK_FILE, source)))
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
        witness.refuse(f"{LOCK_FILE} was written")
        with alone(self._root):
            entries = dict(_read(self._root))
            for name, entry in self._changed.items():
                if entry is None:
                    entries.pop(name, None)
                else:
                    entries[name] = entry
            write_atomically(self._root / LOCK_FILE, _text(entries).encode())
        self._changed.clear()


def _label(package: Mapping[str, Any]) -> str:
    """What a package is called in the file: the same for the same package, and for no other."""
    mark = digest(dict(package), "sha256").partition(":")[2][:8]
    return f"{package['name']} {package['version']} {mark}"


def _text(entries: Mapping[Name, Entry]) -> str:
    import tomli_w

    document: dict[str, Any] = {"version": VERSION}
    pool: dict[str, Any] = {}
    for (section, name), entry in sorted(entries.items()):
        table = dict(sorted(entry.items()))
        if _LIST in table:
            named = [(_label(package), package) for package in table[_LIST]]
            pool |= {label: dict(sorted(package.items())) for label, package in named}
            table[_LIST] = [label for label, _ in named]
        document.setdefault(section, {})[name] = table
    if pool:
        document[_PACKAGE] = dict(sorted(pool.items()))
    return _HEAD + tomli_w.dumps(document)


def _read(root: Path) -> Iterator[tuple[Name, Entry]]:
    file = root / LOCK_FILE
    if not witness.is_file(file):
        return
    try:
        document = Document.read(file, LOCK_FILE)
    except RequestError as error:  # most often the marks of a merge
        raise RequestError(error.what, where=error.where, hint=_ADVICE) from error
    yield from _parsed(document)


def _parsed(document: Document) -> Iterator[tuple[Name, Entry]]:
    if document.data.get("version") != VERSION:
        where = document.position(("version",)) if "version" in document.data else Position(LOCK_FILE)
        raise RequestError("the lock file is of another version", where=where, hint=_ADVICE)
    pool = _Pool(document.data.get(_PACKAGE, {}))
    for section, tables in document.data.items():
        if section in ("version", _PACKAGE):
            continue
        for name, entry in tables.items() if isinstance(tables, dict) else [("", None)]:
            if not _is_entry(entry):
                where = document.position((section, name), of_key=True)
                raise RequestError("this is no entry of a lock file", where=where, hint=_ADVICE)
            yield (section, name), _filled(entry, pool, document, (section, name))


def _is_entry(entry: Any) -> TypeGuard[Entry]:
    return (
        isinstance(entry, dict)
        and bool(entry)
        and all(isinstance(value, str) or name == _LIST for name, value in entry.items())
    )


class _Pool:
    """The packages that stand in a table of their own each, judged once however many lists name them."""

    def __init__(self, tables: Any) -> None:
        self._tables = tables if isinstance(tables, dict) else {}
        self._sound: dict[str, Mapping[str, Any]] = {}

    def find(self, label: Any) -> Mapping[str, Any] | None:
        """The package with a label; None where there is none, or one that is not what the label says."""
        if not isinstance(label, str):
            return None
        if label not in self._sound and _is_package(package := self._tables.get(label), label):
            self._sound[label] = package
        return self._sound.get(label)


def _filled(entry: Entry, pool: _Pool, document: Document, key: Name) -> Entry:
    """An entry with the packages that it names in their place. Raises RequestError."""
    if _LIST not in entry:
        return entry
    packages = []
    for label in entry[_LIST] if isinstance(entry[_LIST], list) else [None]:
        if (package := pool.find(label)) is None:
            where = document.position((*key, _LIST))
            raise RequestError(f"'{label}' is no package of this file", where=where, hint=_ADVICE)
        packages.append(package)
    return {**entry, _LIST: packages}


def _is_package(package: Any, label: str) -> TypeGuard[Mapping[str, Any]]:
    return (
        isinstance(package, dict)
        and all(isinstance(package.get(name), str) for name in ("name", "version", "url"))
        and re.fullmatch(r"sha(256|512):[0-9a-f]+", str(package.get("digest"))) is not None
        and all(isinstance(value, str | int) or _is_words(value) for value in package.values())
        and _label(package) == label  # one that was edited, or put together by a merge, is not believed
    )


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
