"""A comparison for people: the summary first, then what differs, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import one_line
from ...oci.model import Image
from ...sizes import size_text
from ..contents import Node
from .compare import Comparison, Files, Pair
from .documents import FieldChange, PackageChange
from .files import BELOW, TIME, Change
from .layers import LayerPair

SIGNS = {"same": "=", "recompressed": "=", "moved": ">", "changed": "~", "added": "+", "removed": "-"}
_SHORT = 19  # characters of a digest


def text(compared: Comparison, most: int | None) -> Iterator[str]:
    """The lines of a comparison, with at most `most` files of each platform."""
    yield f"a  {one_line(compared.a)}"
    yield f"b  {one_line(compared.b)}"
    for sign, names in (("-", compared.removed), ("+", compared.added)):
        yield from (f"{sign}  {name}" for name in names)
    for pair in compared.pairs:
        yield ""
        yield f"{pair.platform}  {summary(pair)}"
        if pair.same:
            continue
        yield f"  a {_image(pair.a)}"
        yield f"  b {_image(pair.b)}"
        yield from _section("layers", map(_layer, pair.layers))
        yield from _section("configuration", [_field(item) for item in pair.config])
        yield from _section("annotations", [_field(item) for item in pair.annotations])
        yield from _section("packages", [_package(item) for item in pair.packages or ()])
        if pair.files and pair.files.changes:
            yield from _files(pair.files, pair.layers, most)


def summary(pair: Pair) -> str:
    """How much differs, in one line."""
    if pair.same:
        return "the same"
    differing = sum(layer.status != "same" for layer in pair.layers)
    parts = [f"{differing} of {len(pair.layers)} layers differ{'s' if differing == 1 else ''}"]
    if pair.files:
        parts.append("files " + count_text(pair.files.counts()))
    if pair.config:
        parts.append(f"configuration {len(pair.config)}")
    if pair.annotations:
        parts.append(f"annotations {len(pair.annotations)}")
    if pair.packages:
        parts.append(f"packages {len(pair.packages)}")
    parts.append(f"to pull {size_text(pair.pull[0])}")
    return ", ".join(parts)


def count_text(counts: Mapping[str, int]) -> str:
    """Numbers of files by status, as "+1 -2 ~3"; those that differ in time alone are named."""
    found = [
        f"{SIGNS[status]}{counts[status]}" for status in ("added", "removed", "changed") if counts.get(status)
    ]
    if counts.get("time_only"):
        found.append(f"({counts['time_only']} in time only)")
    return " ".join(found) or "none"


def _image(image: Image) -> str:
    size = sum(item.layer.size for item in image.layers)
    number = len(image.layers)
    return f"{image.manifest['digest']}  {number} layer{'' if number == 1 else 's'}  {size_text(size)}"


def _section(title: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A title and rows of cells, aligned; nothing without rows."""
    table = [[one_line(cell) for cell in row] for row in rows]
    if not table:
        return
    widths = [min(max(map(len, column)), 60) for column in zip(*table, strict=True)]
    yield f"  {title}"
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"    {line.rstrip()}"


def _layer(pair: LayerPair) -> tuple[str, ...]:
    ours, theirs = (item.layer.digest[:_SHORT] if item else "" for item in (pair.a, pair.b))
    sizes = [size_text(item.layer.size) if item else "" for item in (pair.a, pair.b)]
    files = count_text(pair.files) if pair.files else ""
    name = shortened(pair.name or "(unnamed)", 60)
    note = pair.status if pair.status in ("recompressed", "moved") else ""
    return SIGNS[pair.status], name, arrow(ours, theirs), arrow(*sizes), files or note


def arrow(a: str, b: str) -> str:
    """ "a -> b", or the one that there is."""
    return a or b if a == b or not a or not b else f"{a} -> {b}"


def shortened(text: str, most: int) -> str:
    """A text of at most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def sign_of(a: Any, b: Any) -> str:
    """The sign of a change by what there is before and after."""
    return "+" if a in (None, ()) else "-" if b in (None, ()) else "~"


def _field(change: FieldChange) -> tuple[str, ...]:
    name = " ".join(
        part for part in (change.field if change.field != "annotations" else "", change.name) if part
    )
    return sign_of(change.a, change.b), name, arrow(value_text(change.a), value_text(change.b))


def value_text(value: Any) -> str:
    """A field's value as JSON, short where it is text; "" for none."""
    if value is None or value == {}:
        return ""
    return shortened(json.dumps(value, ensure_ascii=False), 200)


def _package(change: PackageChange) -> tuple[str, ...]:
    versions = arrow(", ".join(change.a), ", ".join(change.b))
    return sign_of(change.a, change.b), change.ecosystem, change.name, versions


def _files(files: Files, layers: Sequence[LayerPair], most: int | None) -> Iterator[str]:
    """The files under the layers that hold them, those that differ in time alone last to be shown."""
    chosen = sorted(files.changes, key=lambda change: change.differs == TIME)[:most]
    by_layer: dict[str, list[Change]] = {}
    for change in sorted(chosen, key=lambda change: change.path):
        by_layer.setdefault(change.layer, []).append(change)
    yield "  files"
    for pair in [*layers, None]:
        if held := _held(pair, by_layer):
            yield f"    {one_line(shortened(pair.name or '(unnamed)', 100)) if pair else '(layers not read)'}"
            yield from (f"      {file_text(change)}" for change in held)
    if (hidden := len(files.changes) - len(chosen)) > 0:
        yield f"    and {hidden} more; --all shows them"
    if not files.complete:
        yield "    ? shared layers, which are not on this machine, may hold it too; --fetch gets them"


def _held(pair: LayerPair | None, by_layer: dict[str, list[Change]]) -> list[Change]:
    """The changes that belong to a pair of layers, taken out; to None, those that are left."""
    items = [item for item in (pair.b, pair.a) if item] if pair else []
    names = [item.layer.diff_id for item in items] if pair else list(by_layer)
    found = [change for name in names for change in by_layer.pop(name, ())]
    return sorted(found, key=lambda change: change.path)


def file_text(change: Change) -> str:
    """One file and in what it differs."""
    sign = SIGNS[change.status] + (" " if change.certain else "?")
    return f"{sign} {path_text(change)}  {detail_text(change)}".rstrip()


def path_text(change: Change) -> str:
    """The path as people write it: a folder ends with a slash."""
    node = change.b or change.a
    end = "/…" if change.differs == BELOW else "/" if change.path and node and node.kind == "folder" else ""
    return one_line(f"/{change.path}{end}")


def detail_text(change: Change) -> str:
    """In what a file differs; of one that was not there, or is no more, what it is."""
    a, b = change.a, change.b
    if a and b and change.differs:
        return ", ".join(difference_text(name, a, b) for name in change.differs)
    node = b or a
    return node_text(node) if node else ""


def node_text(node: Node) -> str:
    """What is at a path, short."""
    facts: list[str] = [] if node.kind in ("file", "folder") else [node.kind]
    if node.kind == "symlink":
        facts = [f"-> {one_line(node.link)}"]
    elif not node.implied:
        facts += [f"{node.mode:04o}", f"{node.uid}:{node.gid}"]
    if node.kind == "file":
        facts.append(size_text(node.size))
    return " ".join(facts)


def difference_text(name: str, a: Node, b: Node) -> str:
    """One thing in which two nodes differ, before and after."""
    match name:
        case "kind":
            return f"{a.kind} -> {b.kind}"
        case "mode":
            return f"mode {a.mode:04o} -> {b.mode:04o}"
        case "owner":
            return f"owner {a.uid}:{a.gid} -> {b.uid}:{b.gid}"
        case "content" if a.size != b.size:
            return f"content {arrow(size_text(a.size), size_text(b.size))}"
        case "link":
            return one_line(f"link {a.link} -> {b.link}")
        case "mtime":
            return "time"
    return name
