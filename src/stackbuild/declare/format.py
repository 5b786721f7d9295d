"""One style for every BUILD.toml, so that nobody has to think of it; what a file means never changes.

Arrays stand on one line, or one item a line where they do not fit; a blank line goes before each table.
Comments, the order of everything, and the writer's blank lines between fields stay.
"""

from __future__ import annotations

import difflib
import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Position, RequestError
from .toml import KEYS, Document, parse

if TYPE_CHECKING:
    from tree_sitter import Node

WIDTH = 100
_INDENT = "    "
_TABLES = ("table", "table_array_element")


def formatted(path: str, source: bytes) -> bytes:
    """The text of a BUILD.toml in our style, with line feeds only. path: for messages.

    Raises RequestError when it is no TOML.
    """
    data = Document(path, source).data
    text = source.replace(b"\r\n", b"\n")
    try:
        tree = parse(text)
        out = _document(tree).encode()
        # Whatever goes wrong here must not reach the file. NaN equals nothing, but its text does.
        same = not tree.has_error and repr(tomllib.loads(out.decode())) == repr(data)
        same = same and list(_comments(tree)) == list(_comments(parse(out)))
    except RecursionError:
        same = False
    if not same:
        raise RequestError(
            "cannot be formatted without changing it", where=Position(path), hint="leave it, and report it"
        )
    return out


def rewrite(file: Path, data: bytes) -> None:
    """Give a file other contents at once, with the mode it has; a link stays one. Raises StoreError."""
    from ..store.files import publish, temporary

    file = file.resolve()
    with temporary(file.parent) as (handle, temp):
        handle.write(data)
        publish(handle, temp, file, file.stat().st_mode & 0o7777)


@dataclass
class _Line:
    """A header, a field or a comment. first, last: rows of the source."""

    kind: str
    text: str
    first: int
    last: int
    comment: str = ""
    starts: bool = False
    """Whether a blank line goes before it: a header, or the comments that stand on one."""


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _comments(node: Node) -> Iterator[str]:
    if node.type == "comment":
        yield _text(node).rstrip()
    for child in node.children:
        yield from _comments(child)


def _document(root: Node) -> str:
    lines: list[_Line] = []
    for node in _flat(root):
        row = node.start_point.row
        if node.type == "comment":
            if lines and lines[-1].last == row:
                lines[-1].comment = f" {_text(node).rstrip()}"
            else:
                lines.append(_Line("comment", _text(node).rstrip(), row, row))
        elif node.type == "pair":
            lines.append(_Line("pair", _pair(node, "", WIDTH), row, _value_of(node).end_point.row))
        else:
            mark = "[[{}]]" if node.type == "table_array_element" else "[{}]"
            key = next(child for child in node.children if child.type in KEYS)
            lines.append(_Line("header", mark.format(_key(key)), row, row))
    _find_starts(lines)
    out = []
    for before, line in zip([None, *lines], lines, strict=False):
        apart = before is not None and line.first - before.last > 1 and before.kind != "header"
        if before is not None and (apart or line.starts):
            out.append("")
        out.append(line.text + line.comment)
    return "".join(f"{line}\n" for line in out)


def _flat(root: Node) -> Iterator[Node]:
    """Tables (for their headers), fields and comments, as they follow each other."""
    for node in root.children:
        for child in (node, *(node.children if node.type in _TABLES else ())):
            if child.type in (*_TABLES, "pair", "comment"):
                yield child
            if child.type == "pair":
                yield from (part for part in child.children if part.type == "comment")


def _find_starts(lines: list[_Line]) -> None:
    for number, line in enumerate(lines):
        if line.kind == "header":
            while (
                number
                and lines[number - 1].kind == "comment"
                and lines[number].first - lines[number - 1].last == 1
            ):
                number -= 1
            lines[number].starts = True


def _value_of(pair: Node) -> Node:
    return pair.children[2]  # key, "=", value, and perhaps a comment


def _pair(node: Node, indent: str, room: int) -> str:
    key = f"{_key(node.children[0])} = "
    return key + _value(_value_of(node), indent, room - len(key))


def _key(node: Node) -> str:
    if node.type == "dotted_key":
        return ".".join(_key(child) for child in node.children if child.type in KEYS)
    return _string(_text(node))


def _string(text: str) -> str:
    """A string or key, in basic quotes unless it needs literal ones."""
    literal = text.startswith("'") and not text.startswith("'''")
    return f'"{text[1:-1]}"' if literal and not {'"', "\\"} & set(text) else text


def _value(node: Node, indent: str, room: int) -> str:
    """A value that begins with `room` columns left on its line; its own lines begin with `indent`."""
    if node.type == "array":
        short = "" if any(_comments(node)) else _on_one_line(node)
        return short if short and len(short) <= room and "\n" not in short else _array(node, indent)
    if node.type == "inline_table":
        # Only arrays inside of it may have several lines, and do where comments force them.
        pairs = [_pair(child, indent, 10**9) for child in node.children if child.type == "pair"]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return _string(_text(node)) if node.type == "string" else _text(node)


def _on_one_line(node: Node) -> str:
    items = (child for child in node.children if child.is_named)
    return f"[{', '.join(_value(item, '', 10**9) for item in items)}]"


def _array(node: Node, indent: str) -> str:
    """One item a line, each with its comments."""
    inner = indent + _INDENT
    lines: list[str] = []
    last = -1  # the row on which an item ended
    for child in node.children:
        if child.type == "comment":
            text = _text(child).rstrip()
            if child.start_point.row == last:
                lines[-1] += f" {text}"
            else:
                lines.append(inner + text)
        elif child.is_named:
            lines.append(f"{inner}{_value(child, inner, WIDTH - len(inner) - 1)},")
            last = child.end_point.row
    return "\n".join(["[", *lines, f"{indent}]"]) if lines else "[]"


def diff(path: str, before: bytes, after: bytes) -> str:
    """A unified diff, as `patch -p1` takes it."""
    old, new = (io.StringIO(data.decode(), newline="\n").readlines() for data in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
