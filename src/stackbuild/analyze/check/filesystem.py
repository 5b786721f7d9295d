"""The tree that an image's layers make together. Source: OCI image spec, layer.md."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ...errors import BuildFailed
from ..links import Link, follow
from .layers import Entry, LayerView


def parents(path: str) -> Iterator[str]:
    """Every folder that a path lies in, the nearest first; not the root."""
    while path := path.rpartition("/")[0]:
        yield path


class Node(NamedTuple):
    """An entry in an image, and the number of the layer that it is from."""

    entry: Entry
    layer: int


class Lost(NamedTuple):
    """A file that an upper layer deletes or writes over; it is still in the image's bytes."""

    path: str
    node: Node
    layer: int


class Clobbered(NamedTuple):
    """A folder, or a link to one, of a lower layer that `layer` replaces, or writes below as if it were a
    folder. target: of the link."""

    path: str
    how: Literal["folder", "link", "through"]
    target: str
    layer: int


FOLDER = Entry("folder", 0o755)
"""What a runtime makes of a folder that no layer declares."""


@dataclass
class Tree:
    """What the layers make together: path -> node; folders that no layer declares are in `folders` only.

    nothing: whiteouts that delete nothing, with their layers.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    lost: list[Lost] = field(default_factory=list)
    clobbered: list[Clobbered] = field(default_factory=list)
    nothing: list[tuple[str, int]] = field(default_factory=list)
    height: int = 0

    def on(self, views: Iterable[LayerView]) -> Tree:
        """The tree with more layers on top; this one stays as it is."""
        found = Tree(
            dict(self.nodes),
            set(self.folders),
            list(self.lost),
            list(self.clobbered),
            list(self.nothing),
            self.height,
        )
        for view in views:
            found._delete(view)
            found._write(view)
            found.height += 1
        return found

    def _delete(self, view: LayerView) -> None:
        itself = set()
        for path in view.gone:
            real = self.resolve(path, last=False)
            if real in self.nodes or real in self.folders:
                itself.add(real)
            else:
                self.nothing.append((path, self.height))
        self._remove(itself, {real for path in view.opaque if (real := self.resolve(path)) is not None})

    def _remove(self, itself: set[str], inside: set[str]) -> None:
        """Take paths and all below them away, and what is inside of others."""
        if not itself and not inside:
            return
        roots = itself | inside

        def is_gone(path: str) -> bool:
            return path in itself or "" in inside or any(parent in roots for parent in parents(path))

        for path in [path for path in self.nodes if is_gone(path)]:
            self._lose(path)
            del self.nodes[path]
        self.folders = {path for path in self.folders if not is_gone(path)}

    def _lose(self, path: str) -> None:
        node = self.nodes[path]
        if node.entry.kind == "file" and node.layer < self.height:
            self.lost.append(Lost(path, node, self.height))

    def _write(self, view: LayerView) -> None:
        where: dict[str, str] = {"": ""}
        for path, entry in view.entries.items():
            parent, _, name = path.rpartition("/")
            if parent not in where:
                where[parent] = self._parent(parent)
            real = f"{where[parent]}/{name}".lstrip("/")
            before = self.nodes.get(real)
            was_link = before is not None and before.entry.kind == "symlink"
            if was_link or (real in self.folders and entry.kind != "folder"):
                where = {"": ""}  # paths may lead elsewhere now
            self._put(real, entry)

    def _parent(self, path: str) -> str:
        """The folder that a layer writes into, made when it is not there; links on the way are followed."""
        for prefix in [*list(parents(path))[::-1], path]:
            node = self.nodes.get(prefix)
            if node and node.entry.kind == "symlink" and node.layer < self.height:
                self.clobbered.append(Clobbered(prefix, "through", node.entry.link, self.height))
        real = self.resolve(path)
        if real is None:  # links in circles: nobody can say where
            real = path
        for prefix in [real, *parents(real)]:
            node = self.nodes.get(prefix)
            if node and node.entry.kind != "folder":
                self._replace(prefix, node, FOLDER)
            self.folders.add(prefix)
        return real

    def _put(self, path: str, entry: Entry) -> None:
        if entry.kind == "hardlink":
            target = self.nodes.get(self.resolve(entry.link, last=False) or "")
            entry = replace(target.entry, size=0) if target and target.entry.kind != "folder" else entry
        node = self.nodes.get(path)
        if entry.kind == "folder":
            if node and node.entry.kind != "folder":
                self._replace(path, node, entry)
            self.folders.add(path)
        elif path in self.folders:
            self._replace(path, node, entry)
        elif node:
            self._lose(path)
        self.nodes[path] = Node(entry, self.height)

    def _replace(self, path: str, node: Node | None, entry: Entry) -> None:
        """A folder gives way to something else, or something else to a folder."""
        if path in self.folders:
            self.clobbered.append(Clobbered(path, "folder", entry.link, self.height))
            self._remove({path}, set())
        elif node:
            if node.entry.kind == "symlink" and self.resolve(path) in self.folders:
                self.clobbered.append(Clobbered(path, "link", node.entry.link, self.height))
            self._lose(path)
            del self.nodes[path]

    def resolve(self, path: str, *, last: bool = True, passed: list[str] | None = None) -> str | None:
        """Where a path leads when links are followed; last: also that at its end. None when they lead around
        in circles. passed: gets every folder on the way."""
        if not last:
            parent, _, name = path.rpartition("/")
            folder = self.resolve(parent)
            return None if folder is None else f"{folder}/{name}".lstrip("/")

        def enter(places: list[str], name: str) -> str | Link:
            above = places[-1]
            if passed is not None and above:
                passed.append(above)
            here = f"{above}/{name}" if above else name
            node = self.nodes.get(here)
            return Link(node.entry.link) if node and node.entry.kind == "symlink" else here

        try:
            places = follow(path, "", enter)
        except BuildFailed:
            return None
        return places[-1] if places else None

    def entry(self, path: str | None) -> Entry | None:
        """What is at a path that was resolved."""
        if path is None:
            return None
        node = self.nodes.get(path)
        if node:
            return node.entry
        return FOLDER if path in self.folders or path == "" else None

    def text(self, path: str) -> str:
        """The text of a file whose text matters, "" when it is not there."""
        entry = self.entry(self.resolve(path))
        return entry.head.decode("utf-8", "replace") if entry and entry.kind == "file" else ""

    @functools.cached_property
    def names(self) -> set[str]:
        """The last part of every path."""
        return {path.rpartition("/")[2] for path in self.nodes}
