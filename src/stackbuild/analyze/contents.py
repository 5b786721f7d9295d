"""What an image holds: the one tree that its layers, their whiteouts and links amount to.

Layers apply as unpackers apply them (OCI image spec, layer.md, "Applying Changesets"): a layer's whiteouts
delete what lower layers hold, a path leads through the links that are there, and what is no folder replaces a
folder with all below it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..layer.read import Checked
from ..layer.unpack import xattrs_of
from .links import Link, follow
from .members import Kind, layer_members

_PIECE = 1 << 20


@dataclass(slots=True, eq=False)
class Node:
    """What is at a path. digest: of a file's bytes; link: where a symlink leads, a hard link's path, or a
    device's type and numbers; layer: the diff_id of the layer that wrote it.

    children: of a folder. implied: no layer wrote this folder, but something in it; unpackers then make one.
    opaque: a folder that hides what lower layers hold at its path.

    Only in trees that are not complete stand whiteouts, hard links to what is not known, and folders of which
    lower layers may know more: one that is a guess is implied unless it is there, one that is unsure need not
    be there at all, for only a deletion in it speaks for it.
    """

    kind: Kind
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    digest: str = ""
    link: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    layer: str = ""
    children: dict[str, Node] | None = None
    implied: bool = False
    opaque: bool = False
    guess: bool = False
    unsure: bool = False

    @property
    def hides(self) -> bool:
        """Whether nothing of lower layers shows through."""
        return self.children is None or self.opaque


Entries = list[tuple[str, Node]]
"""A layer as it stands in its tar: (path, node); of a whiteout the path that it deletes, of an opaque one the
folder."""


def read_layer(blob: Path, diff_id: str) -> Iterator[tuple[str, Node]]:
    """The entries of a layer blob, with the digests of its files. Raises BuildFailed."""
    for path, kind, header, link, content in layer_members(blob):
        if kind in ("whiteout", "opaque"):
            yield path, Node(kind, layer=diff_id)
            continue
        node = Node(kind, header.mode & 0o7777, header.uid, header.gid, int(header.mtime), link=link)
        node.layer, node.xattrs = diff_id, xattrs_of(header)
        if content:
            node.size, node.digest = header.size, _digest(content)
        yield path, node


def _digest(stream: Checked) -> str:
    hasher = hashlib.sha256()
    while piece := stream.read(_PIECE):
        hasher.update(piece)
    return "sha256:" + hasher.hexdigest()


class Contents:
    """A tree that layers are applied to.

    complete: whether all layers from the lowest on are; else whiteouts stay, for what they would delete is
    not known, and what may show through from below is told by `Node.hides`. unresolved: whether a hard link
    is to what is not there.
    """

    def __init__(self, *, complete: bool = True) -> None:
        self.complete, self.unresolved = complete, False
        self.root = Node("folder", children={}, implied=True)

    def copy(self) -> Contents:
        """The same tree, to apply other layers to."""
        made = Contents(complete=self.complete)
        made.root = _own(self.root)
        waiting = [made.root]
        while waiting:
            children = waiting.pop().children or {}
            for name, node in children.items():
                if node.children is not None:
                    children[name] = _own(node)
                    waiting.append(children[name])
        return made

    def apply(self, entries: Iterable[tuple[str, Node]]) -> None:
        """Put a layer on top. Raises BuildFailed when links lead a path around in circles."""
        written = []
        for path, node in entries:  # what a layer deletes is what lower ones hold, wherever it says so
            if node.kind == "opaque":
                self._empty(path, node)
            elif node.kind == "whiteout":
                self._delete(path, node)
            else:
                written.append((path, node))
        for path, node in written:
            self._write(path, node)

    def find(self, path: str) -> Node | None:
        """What is at a path; links on the way are followed, one at its end is not. Raises BuildFailed."""
        parent, _, name = path.rpartition("/")
        folder = self._folder(parent)
        if folder is None or not name:
            return folder
        return (folder.children or {}).get(name)

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Every path below the root, folders before what is in them, names in order."""
        waiting = [("", self.root)]
        while waiting:
            path, node = waiting.pop()
            if path:
                yield path, node
            below = f"{path}/" if path else ""
            for name in sorted(node.children or (), reverse=True):
                waiting.append((below + name, (node.children or {})[name]))

    def _write(self, path: str, node: Node) -> None:
        parent, _, name = path.rpartition("/")
        if not name:
            self.root = _folder_over(self.root, node) if node.kind == "folder" else self.root
            return
        folder = self._folder(parent, node.layer)
        assert folder is not None and folder.children is not None
        there = folder.children.get(name)
        if node.kind == "folder":
            node = _folder_over(there, node)
        elif node.kind == "hardlink":
            same = self.find(node.link)
            if same is not None and same.children is None and same.kind != "whiteout":
                node = replace(same, layer=node.layer)
            else:
                self.unresolved = True
        folder.children[name] = node

    def _delete(self, path: str, whiteout: Node) -> None:
        parent, _, name = path.rpartition("/")
        folder = self._folder(parent, whiteout.layer, deleting=True)
        if folder is None or not name:
            return
        assert folder.children is not None
        if self.complete:
            folder.children.pop(name, None)
        else:
            folder.children[name] = whiteout

    def _empty(self, path: str, opaque: Node) -> None:
        folder = self._folder(path, opaque.layer, deleting=True)
        if folder is not None:
            folder.children, folder.opaque = {}, True

    def _folder(self, path: str, maker: str | None = None, *, deleting: bool = False) -> Node | None:
        """The folder that a path leads to; with a `maker`, a layer, one is made where there is none.

        deleting: only where there may be one all the same, in layers that are not known.
        """

        def enter(above: list[Node], name: str) -> Node | Link | None:
            children = above[-1].children
            assert children is not None
            found = children.get(name)
            if found is not None and found.kind == "symlink":
                return Link(found.link)
            if found is None or found.children is None:
                gone = found is not None or any(folder.opaque for folder in above)
                if maker is None or (deleting and (self.complete or gone)):
                    return None
                found = Node("folder", layer=maker, children={}, implied=True, opaque=found is not None)
                found.guess, found.unsure = not self.complete and not gone, deleting
                children[name] = found
            found.unsure = found.unsure and deleting
            return found

        passed = follow(path, self.root, enter)
        return passed[-1] if passed else None


def _own(folder: Node) -> Node:
    return replace(folder, children=dict(folder.children or {}))


def _folder_over(there: Node | None, folder: Node) -> Node:
    """A folder with what the one below it held; anything else below is gone."""
    if there is None:
        return replace(folder, children={})
    return replace(folder, children=there.children or {}, opaque=there.hides)
