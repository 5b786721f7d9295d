"""Which files of two images differ, from the layers above those that both share.

Shared layers are read only when the answer depends on them, and are never downloaded unasked: without them
some changes are not certain, and say so. A path that both images write through a link of a layer that was not
read is called as they call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ...frozen import frozen
from ...oci.model import Image, ImageLayer
from ...oci.remote import Remote
from ...store import Store
from ..contents import Contents, Entries, Node, read_layer

Status = Literal["added", "removed", "changed"]
TIME = ("mtime",)
BELOW = ("below",)


@frozen(slots=True)
class Change:
    """A path that differs. a, b: what is there, None where nothing is; differs: in what, of "kind", "mode",
    "owner", "content", "link", "xattrs" and "mtime".

    certain: False when layers that were not read may hold the path too. BELOW: of a folder, whatever of those
    layers is in it.
    """

    path: str
    status: Status
    a: Node | None = None
    b: Node | None = None
    differs: tuple[str, ...] = ()
    certain: bool = True

    @property
    def layer(self) -> str:
        """The diff_id of the layer that wrote it in B, or, when B lacks it, in A."""
        node = self.b or self.a
        return node.layer if node else ""

    def data(self) -> dict[str, Any]:
        """The change as plain data."""
        return {
            "path": f"/{self.path}",
            "status": self.status,
            "certain": self.certain,
            "differs": list(self.differs),
            "a": _data(self.a),
            "b": _data(self.b),
        }


def _data(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "kind": node.kind,
        "mode": f"{node.mode:04o}",
        "owner": f"{node.uid}:{node.gid}",
        "size": node.size,
        "mtime": None if node.implied else node.mtime,
        "digest": node.digest or None,
        "link": node.link or None,
        "xattrs": {name: value.hex() for name, value in node.xattrs},
        "layer": node.layer or None,
    }


def changed_files(
    a: Image, b: Image, store: Store, remote: Remote, *, fetch: bool
) -> tuple[bool, list[Change]]:
    """Whether every change is certain, and the changes, by path. fetch: download shared layers if needed.

    Raises StackbuildError.
    """
    shared = _shared(a.layers, b.layers)
    layers = _nearest([*a.layers, *b.layers], store)
    above = [[item.layer.diff_id for item in image.layers[shared:]] for image in (a, b)]
    remote.fetch([layers[diff_id] for diff_id in {*above[0], *above[1]}], store)
    read: dict[str, Entries] = {
        diff_id: list(read_layer(store.blobs.path(layers[diff_id].layer.digest), diff_id))
        for diff_id in {*above[0], *above[1]}
    }
    trees = _trees(Contents(complete=not shared), above, read)
    found = list(compare(*trees))
    if all(change.certain for change in found) and (not shared or not any(tree.unresolved for tree in trees)):
        return True, found
    below = [layers[item.layer.diff_id] for item in a.layers[:shared]]
    if fetch:
        remote.fetch(below, store)
    while below and not all(store.blobs.has(item.layer.digest, item.layer.size) for item in below):
        below.pop(0)
    under = Contents(complete=len(below) == shared)
    for item in below:
        under.apply(read_layer(store.blobs.path(item.layer.digest), item.layer.diff_id))
    found = list(compare(*_trees(under, above, read)))
    complete = all(change.certain for change in found)
    return complete, [change for change in found if not _is_guess(change)]


def _trees(
    under: Contents, above: Sequence[Sequence[str]], read: Mapping[str, Entries]
) -> tuple[Contents, Contents]:
    """Those of A and of B: a tree with the layers above it."""
    trees = under.copy(), under
    for tree, names in zip(trees, above, strict=True):
        for name in names:
            tree.apply(read[name])
    return trees


def _shared(a: Sequence[ImageLayer], b: Sequence[ImageLayer]) -> int:
    """How many layers, from the lowest on, both have."""
    pairs = zip(a, b, strict=False)
    return next(
        (at for at, (one, other) in enumerate(pairs) if one.layer.diff_id != other.layer.diff_id),
        min(len(a), len(b)),
    )


def _nearest(layers: Iterable[ImageLayer], store: Store) -> dict[str, ImageLayer]:
    """diff_id -> a layer with those contents, one that is in the store if there is any."""
    found: dict[str, ImageLayer] = {}
    for item in layers:
        if item.layer.diff_id not in found or store.blobs.has(item.layer.digest, item.layer.size):
            found[item.layer.diff_id] = item
    return found


def _is_guess(change: Change) -> bool:
    """Whether it is about a folder that no layer wrote, and that most likely is there anyway."""
    node = change.b or change.a
    return not change.certain and change.status != "changed" and node is not None and node.implied


_Visit = tuple[str, Node | None, Node | None, bool, bool]  # path, nodes, whether what is above them hides


def compare(a: Contents, b: Contents) -> Iterator[Change]:
    """The differences of two trees by path, a folder before what is in it."""
    waiting: list[_Visit] = [("", a.root, b.root, a.complete, b.complete)]
    while waiting:
        path, one, other, one_hides, other_hides = waiting.pop()
        if one is other:  # written by a layer that both have
            continue
        one_hides = one_hides or (one is not None and one.hides)
        other_hides = other_hides or (other is not None and other.hides)
        yield from _changes(path, _real(one), _real(other), one_hides, other_hides)
        left, right = _children(one), _children(other)
        below = f"{path}/" if path else ""
        for name in sorted({*left, *right}, reverse=True):
            waiting.append((below + name, left.get(name), right.get(name), one_hides, other_hides))


def _real(node: Node | None) -> Node | None:
    return None if node is None or node.kind == "whiteout" else node


def _children(node: Node | None) -> dict[str, Node]:
    return (node and node.children) or {}


def _changes(path: str, a: Node | None, b: Node | None, a_hides: bool, b_hides: bool) -> Iterator[Change]:
    """What differs at one path; `hides`: whether nothing of the layers that were not read shows there."""
    if a and b:
        alike = (a.guess, a.unsure) == (b.guess, b.unsure)
        differs = _differences(a, b, facts=not a.guess and not b.guess)
        if differs or not alike:  # one of them may lead through a link, be another folder, or not be there
            yield Change(path, "changed", a, b, differs, certain=alike)
    elif b:
        yield Change(path, "added", None, b, certain=a_hides and not b.unsure)
    elif a:
        yield Change(path, "removed", a, None, certain=b_hides and not a.unsure)
    if a_hides == b_hides:
        return
    status: Status = "removed" if b_hides else "added"
    if _is_folder(a) or _is_folder(b):
        yield Change(path, status, differs=BELOW, certain=False)
    elif not a and not b:
        yield Change(path, status, certain=False)


def _is_folder(node: Node | None) -> bool:
    return node is not None and node.children is not None


def _differences(a: Node, b: Node, *, facts: bool) -> tuple[str, ...]:
    """In what two nodes differ. facts: whether those of a folder are known of both."""
    if a.kind != b.kind:
        return ("kind",)
    if not facts:
        return ()
    found = {
        "mode": a.mode != b.mode and a.kind != "symlink",
        "owner": (a.uid, a.gid) != (b.uid, b.gid),
        "content": a.digest != b.digest,
        "link": a.link != b.link,
        "xattrs": a.xattrs != b.xattrs,
        "mtime": a.mtime != b.mtime and not a.implied and not b.implied,
    }
    return tuple(name for name, differs in found.items() if differs)
