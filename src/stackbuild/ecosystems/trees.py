"""The trees of packages: each archive unpacked once, its listing kept, its files read again only when needed.

A layer needs a package's bytes only when the store lacks the chunk that they make; until then the listing,
with the fingerprint of every file, says all.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO

from ..errors import BuildFailed
from ..frozen import frozen
from ..keys import digest
from ..layer.entry import BytesContent, Content, Entry
from ..layer.unpack import Spool
from ..store import Store
from ..store.records import Record
from ..trace import traced
from .ecosystem import Ask, Ecosystem, Package, Tree, broken
from .fetch import archive, fetch

LISTING_VERSION = 2


@frozen
class _Packed:
    """A file of a package that is not unpacked yet."""

    path: str
    size: int
    fingerprint: str
    shelf: _Shelf

    @property
    def origin(self) -> str:
        return f"{self.shelf.package.name}:{self.path}"

    def open(self) -> BinaryIO:
        return self.shelf.content(self.path).open()


class _Shelf:
    """Where one package is unpacked when the first of its files is asked for."""

    def __init__(
        self, ask: Ask, ecosystem: Ecosystem[Any], package: Package, stack: contextlib.ExitStack
    ) -> None:
        self.ask, self._ecosystem, self.package, self._stack = ask, ecosystem, package, stack
        self._lock = threading.Lock()
        self._contents: dict[str, Content] | None = None

    @traced("unpack a package")
    def unpack(self) -> Tree:
        """The package's tree, its contents in a temporary file."""
        blob = archive(self.ask, self.package)
        spool = self._stack.enter_context(Spool(self.ask.store.temp, self.ask.store.fingerprints.algorithm))
        try:
            tree = self._ecosystem.unpack(self.package, self.ask.store.blobs.path(blob), spool)
        except BuildFailed as error:
            raise broken(self.package, error) from error
        spool.flush()
        self._contents = {entry.path: entry.content for entry in tree.entries if entry.content}
        return tree

    def content(self, path: str) -> Content:
        with self._lock:
            if self._contents is None:
                self.unpack()
            assert self._contents is not None
            return self._contents[path]


def trees(
    ask: Ask, ecosystem: Ecosystem[Any], packages: Sequence[Package], stack: contextlib.ExitStack
) -> dict[str, tuple[Package, Tree]]:
    """The trees of packages, by `Package.key`; what must be fetched is, at once. Raises StackbuildError."""
    shelves = [_Shelf(ask, ecosystem, package, stack) for package in packages]
    found = {shelf.package.key: _known(ask.store, ecosystem, shelf) for shelf in shelves}
    missing = [shelf for shelf in shelves if found[shelf.package.key] is None]
    fetch(ask, [shelf.package for shelf in missing])
    made = [ask.pool.submit(_listed, ask.store, ecosystem, shelf) for shelf in missing]
    found |= {shelf.package.key: future.result() for shelf, future in zip(missing, made, strict=True)}
    return {package.key: (package, tree) for package in packages if (tree := found[package.key])}


def _recipe(ecosystem: Ecosystem[Any], package: Package) -> dict[str, Any]:
    return {
        "listing": [LISTING_VERSION, ecosystem.name, ecosystem.version],
        "package": [package.name, package.version, package.digest, dict(package.more)],
    }


def _known(store: Store, ecosystem: Ecosystem[Any], shelf: _Shelf) -> Tree | None:
    """The tree of a package that was unpacked before, from its listing."""
    recipe = _recipe(ecosystem, shelf.package)
    found = store.records.result(digest(recipe, store.fingerprints.algorithm))
    if not found or not store.blobs.has(found["listing"]["digest"]):
        return None
    listing = json.loads(store.blobs.read(found["listing"]["digest"]))
    return Tree([_entry(shelf, row) for row in listing["entries"]], listing["facts"])


def _listed(store: Store, ecosystem: Ecosystem[Any], shelf: _Shelf) -> Tree:
    """The tree of a package, unpacked now; its listing is kept."""
    tree = shelf.unpack()
    text = json.dumps({"facts": dict(tree.facts), "entries": [_row(entry) for entry in tree.entries]})
    data, recipe = text.encode(), _recipe(ecosystem, shelf.package)
    blob = archive(shelf.ask, shelf.package)
    result = {
        "listing": {"digest": store.blobs.put(data), "size": len(data)},
        "archive": {"digest": blob},  # kept with the listing, but not needed for it
    }
    key = digest(recipe, store.fingerprints.algorithm)
    store.records.save(Record(key, f"package {shelf.package.name} {shelf.package.digest}", recipe, result))
    return tree


def _row(entry: Entry) -> list[Any]:
    content = entry.content
    data = content.data.hex() if isinstance(content, BytesContent) else None
    return [
        entry.path,
        entry.kind,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        entry.link,
        [[name, value.hex()] for name, value in entry.xattrs],
        [content.size, content.fingerprint, data] if content else None,
    ]


def _entry(shelf: _Shelf, row: Sequence[Any]) -> Entry:
    path, kind, mode, uid, gid, mtime, link, xattrs, stored = row
    content: Content | None = None
    if stored is not None:
        size, fingerprint, data = stored
        content = _Packed(path, size, fingerprint, shelf)
        if data is not None:
            content = BytesContent(bytes.fromhex(data))
    pairs = tuple((name, bytes.fromhex(value)) for name, value in xattrs)
    return Entry(path, kind, mode, uid, gid, mtime, link, pairs, content, shelf.package.name)


def read(entry: Entry) -> bytes:
    """All bytes of a small file."""
    if entry.content is None:
        return b""
    with entry.content.open() as file:
        return file.read(entry.content.size)
