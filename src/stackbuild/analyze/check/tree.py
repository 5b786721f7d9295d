"""Rules of the tree: what layers do to those below them, and bytes that nobody sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...sizes import size_text
from .filesystem import Clobbered
from .finding import Finding, Rule, rule
from .image import CheckedImage

WASTE = 1 << 20
"""Bytes that are worth a word, of one layer."""
_MADE_AT_RUN = ("proc", "sys", "dev", "run", "var/run", "tmp")
_LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/info")  # what slim images delete

_DATABASES = ("var/lib/dpkg", "var/lib/rpm", "lib/apk/db")  # which only can be written anew

CLOBBERED = rule(
    "clobbered-folder",
    "error",
    "a layer replaces a folder of a lower one",
    """A layer writes a file or link where a lower layer has a folder, so that all in it is gone; or a
    folder where a lower layer has a link to one, so that what was reached through the link is gone. A
    folder `/lib` on a base whose `/lib` is a link to `usr/lib` leaves no program that starts. Delete
    the folder with `whiteouts` first where it is meant.""",
)
THROUGH = rule(
    "written-through-link",
    "error",
    "a layer writes below a link of a lower one",
    """A layer has a path below what is a link in a lower layer. containerd follows the link; Docker and
    Podman put a folder in its place, so that all that was reached through the link is gone. Write to
    where the link leads, as `/usr/lib` for `/lib`.""",
)
DANGLING = rule(
    "dangling-link",
    "warning",
    "a link leads nowhere",
    """A symbolic link of a layer of this workspace leads to a path that the image does not have. Targets
    below /proc, /sys, /dev, /run and /tmp, in volumes, and links in /usr/share/doc, man and info are
    let be.""",
)
SHADOWED = rule(
    "shadowed",
    "warning",
    "files are written over or deleted by an upper layer",
    f"""Files of lower layers that a layer of this workspace writes over or deletes are still fetched and
    kept wherever the image goes. Named from {size_text(WASTE)} a layer on, uncompressed.""",
)
NOTHING = rule(
    "whiteout-of-nothing",
    "warning",
    "a whiteout deletes nothing",
    """A layer deletes a path that no lower layer has: it is misspelt, or the base has changed.""",
)
DUPLICATE = rule(
    "duplicate",
    "warning",
    "the same contents are in several layers",
    f"""Files with the same contents are in several layers under several names, as a link would not be.
    Named from {size_text(WASTE)} a layer on, uncompressed.""",
)


def clobbered(image: CheckedImage) -> Iterator[Finding]:
    """Folders and links that stand no more, or stand for something else."""
    seen = set()
    for item in image.tree.clobbered:
        if image.is_ours(item.layer) and item not in seen:
            seen.add(item)
            yield _clobbered(item)


def _clobbered(item: Clobbered) -> Finding:
    if item.how == "through":
        what = f"is a link to {item.target} below, and this layer writes into it as if it were a folder"
        return Finding(THROUGH, what, "write to where it leads", item.path, item.layer)
    hint = "leave it as it is; or delete it with whiteouts first, where that is meant"
    if item.how == "link":
        what = f"is a link to {item.target} below, and this layer puts something else in its place"
    else:
        what = "is a folder below, and this layer puts something else in its place"
    return Finding(CLOBBERED, what, hint, item.path, item.layer)


def dangling(image: CheckedImage) -> Iterator[Finding]:
    """Links that lead nowhere."""
    volumes = tuple(str(path).strip("/") for path in image.run.get("Volumes") or ())
    outside = (*_MADE_AT_RUN, *(path for path in volumes if path))
    for path, node in image.our_nodes:
        if node.entry.kind != "symlink" or _is_in(path, _LEFT_OUT) or path == "etc/mtab":
            continue
        real = image.tree.resolve(path)
        if real is None:
            what = f"leads around in circles: its target is {node.entry.link}"
        elif image.tree.entry(real) is None and not _is_in(real, outside):
            what = f"leads to {node.entry.link}, which is not in the image"
        else:
            continue
        yield Finding(DANGLING, what, "add what it leads to, or leave it out", path, node.layer)


def _is_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def shadowed(image: CheckedImage) -> Iterator[Finding]:
    """Bytes below that nobody sees."""
    by_layer: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for item in image.tree.lost:
        if image.is_ours(item.layer) and not _is_in(item.path, _DATABASES):
            by_layer[item.layer].append((item.node.entry.size, item.path))
    yield from _wasted(SHADOWED, by_layer, "of layers below are hidden", "write them once, or not at all")


def duplicates(image: CheckedImage) -> Iterator[Finding]:
    """Bytes that are there twice."""
    first: dict[str, int] = {}
    by_layer: dict[int, list[tuple[int, str]]] = defaultdict(list)
    large = [(node.layer, path, node) for path, node in image.tree.nodes.items() if node.entry.digest]
    for _, path, node in sorted(large, key=lambda item: item[:2]):
        if node.entry.size and first.setdefault(node.entry.digest, node.layer) != node.layer:
            by_layer[node.layer].append((node.entry.size, path))
    ours = {layer: files for layer, files in by_layer.items() if image.is_ours(layer)}
    yield from _wasted(DUPLICATE, ours, "are in layers below already", "put what is shared into one layer")


def _wasted(of: Rule, by_layer: dict[int, list[tuple[int, str]]], what: str, hint: str) -> Iterator[Finding]:
    for layer, files in sorted(by_layer.items()):
        total = sum(size for size, _ in files)
        if total >= WASTE:
            largest = max(files)
            more = f" in {len(files)} files, the largest this one" if len(files) > 1 else ""
            yield Finding(of, f"{size_text(total)}{more} {what}", hint, largest[1], layer)


def nothing(image: CheckedImage) -> Iterator[Finding]:
    """Whiteouts without an object."""
    for path, layer in image.tree.nothing:
        if image.is_ours(layer):
            yield Finding(NOTHING, "no lower layer has it", "correct or remove the whiteout", path, layer)


CHECKS = (clobbered, dangling, shadowed, duplicates, nothing)
