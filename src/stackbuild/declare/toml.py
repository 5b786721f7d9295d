"""A BUILD.toml with the position of every key and value.

tomllib is the judge of what is valid and what it means; tree-sitter's TOML grammar, which keeps places,
is asked only when an error must say where.
"""

from __future__ import annotations

import codecs
import functools
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import witness
from ..errors import Position, RequestError

if TYPE_CHECKING:
    from tree_sitter import Node

Key = tuple[str | int, ...]
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_QUOTED = r"'([^']*)'"
_TUPLE = re.compile(r"\((?:'[^']*',? ?)+\)")
KEYS = ("bare_key", "quoted_key", "dotted_key")


class Document:
    """A parsed TOML file. path: relative to the workspace, for messages; data: its tables.

    Raises RequestError, with a position, when it is not TOML.
    """

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self._source = path, source
        if source.startswith(codecs.BOM_UTF8):
            raise RequestError(
                "the file begins with a byte-order mark", where=Position(path), hint="save it without"
            )
        try:
            self.data: dict[str, Any] = tomllib.loads(source.decode())
        except UnicodeDecodeError as error:
            raise RequestError(
                "the file is not UTF-8", where=self._at(error.start), hint="save it as UTF-8"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise self._syntax_error(str(error)) from error
        except ValueError as error:  # Python reads no number of more than 4300 digits
            raise RequestError("not TOML: a number is too long", where=Position(path)) from error
        except RecursionError as error:
            raise RequestError("values are nested too deeply", where=Position(path)) from error

    @classmethod
    def read(cls, file: str | Path, path: str) -> Document:
        """The document in `file`. Raises RequestError."""
        try:
            return cls(path, witness.read(file))
        except OSError as error:
            raise RequestError(f"cannot be read: {error.strerror}", where=Position(path)) from error

    def _syntax_error(self, message: str) -> RequestError:
        found = _AT.search(message)
        if found and found[1]:
            where = Position(self.path, int(found[1]), int(found[2]))
        else:
            where = self._at(len(self._source))
        # tomllib shows tables as Python tuples.
        plain = _TUPLE.sub(lambda found: f"[{'.'.join(re.findall(_QUOTED, found[0]))}]", _AT.sub("", message))
        return RequestError(f"not TOML: {plain}", where=where)

    def _at(self, offset: int) -> Position:
        before = self._source[:offset]
        start = before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8", "replace")) + 1
        return Position(self.path, before.count(b"\n") + 1, column)

    def position(self, key: Sequence[str | int], *, of_key: bool = False) -> Position:
        """Where the value at `key` stands (of_key: its key); else the nearest enclosing place."""
        wanted = tuple(key)
        while wanted:
            if places := self._places.get(wanted):
                return self._at(places[0] if of_key else places[1])
            wanted = wanted[:-1]
        return Position(self.path)

    @functools.cached_property
    def _places(self) -> dict[Key, tuple[int, int]]:
        """key path -> byte offsets of its key and of its value."""
        places: dict[Key, tuple[int, int]] = {}
        counts: dict[Key, int] = {}
        for node in parse(self._source).children:
            if node.type == "pair":
                _pair(node, (), places)
            elif node.type in ("table", "table_array_element"):
                _table(node, places, counts)
        return places


def parse(source: bytes) -> Node:
    """The root of tree-sitter's tree of a TOML file."""
    import tree_sitter
    import tree_sitter_toml

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language())).parse(source).root_node


def _names(node: Node) -> list[tuple[str, int]]:
    """The parts of a key, with their offsets."""
    if node.type == "dotted_key":
        return [part for child in node.children if child.type in KEYS for part in _names(child)]
    text = (node.text or b"").decode("utf-8", "replace")
    if node.type == "quoted_key":
        text = next(iter(tomllib.loads(f"{text} = 0")))
    return [(text, node.start_byte)]


def _table(node: Node, places: dict[Key, tuple[int, int]], counts: dict[Key, int]) -> None:
    header = next((child for child in node.children if child.type in KEYS), None)
    if header is None:
        return
    path: Key = ()
    names = _names(header)
    for number, (name, start) in enumerate(names):
        path = (*path, name)
        places.setdefault(path, (start, start))
        if number == len(names) - 1 and node.type == "table_array_element":
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
            places.setdefault(path, (start, start))
    for child in node.children:
        if child.type == "pair":
            _pair(child, path, places)


def _pair(node: Node, prefix: Key, places: dict[Key, tuple[int, int]]) -> None:
    key, _, value = node.children[:3]  # a comment may follow
    path = prefix
    for name, start in _names(key):
        path = (*path, name)
        places.setdefault(path, (start, value.start_byte))
    _value(value, path, places)


def _value(node: Node, path: Key, places: dict[Key, tuple[int, int]]) -> None:
    if node.type == "inline_table":
        for child in node.children:
            if child.type == "pair":
                _pair(child, path, places)
    elif node.type == "array":
        items = [child for child in node.children if child.is_named and child.type != "comment"]
        for number, child in enumerate(items):
            places[(*path, number)] = (child.start_byte, child.start_byte)
            _value(child, (*path, number), places)
