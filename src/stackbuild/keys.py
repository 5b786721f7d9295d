"""Recipe -> canonical encoding -> key.

A recipe is plain data: None, bool, int, str, bytes, lists, dicts with str keys, and tables of files. `encode`
gives it one injective byte string: every value carries its type and its length, so no value can pose as
another. The same recipe is read by `digest`, which hashes it, and by `differences`, which explains it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import xxhash

from .filetable import FileTable

ENCODING_VERSION = 1

Data = bytes | bytearray | memoryview
Recipe = Mapping[str, Any]
Algorithm = Literal["xxh3_128", "sha256"]
_AT_ONCE = 1 << 20
"""Characters of one text that are encoded at once."""


class Text(NamedTuple):
    """A text that nobody need have in memory at once. size: in bytes; pieces: gives all of it, in order."""

    size: int
    pieces: Callable[[], Iterable[str]]


class Hash(Protocol):
    """What hashlib and xxhash have in common."""

    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def new_hash(algorithm: Algorithm) -> Hash:
    """A fresh hash: xxh3_128 inside one user's own store, sha256 for what crosses a trust boundary."""
    return hashlib.sha256() if algorithm == "sha256" else xxhash.xxh3_128()


def hash_function(algorithm: Algorithm) -> Callable[[Data], bytes]:
    """What gives the hash of bytes as bytes."""
    return _sha256 if algorithm == "sha256" else xxhash.xxh3_128_digest


def _sha256(data: Data) -> bytes:
    return hashlib.sha256(data).digest()


def hash_bytes(data: Data, algorithm: Algorithm) -> str:
    """The hash of `data` as lower-case hexadecimal."""
    return hash_function(algorithm)(data).hex()


def _text(value: str) -> str:
    """A string with its length in bytes."""
    return f"s{len(value) if value.isascii() else len(_bytes(value))}:{value}"


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


class _Pieces(list[str]):
    """An encoding as text; bytes stand in it as the surrogates that they are turned back from. take: is given
    some of it as bytes whenever that is much."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        super().__init__()
        self._take = take

    def flush(self) -> None:
        """Let go of what there is."""
        self._take(_bytes("".join(self)))
        self.clear()

    def long(self, value: str) -> None:
        """A text of some megabytes, as `_text` has it, without a copy of all."""
        size = len(value) if value.isascii() else len(_bytes(value))
        starts = range(0, len(value), _AT_ONCE)
        self.pieces(Text(size, lambda: (value[start : start + _AT_ONCE] for start in starts)))

    def pieces(self, value: Text) -> None:
        """A text that comes in pieces, none of which is small."""
        self.append(f"s{value.size}:")
        for piece in value.pieces():
            self.append(piece)
            self.flush()

    def table(self, value: FileTable) -> None:
        """A table of files: how many folders it has, and the columns of each."""
        self.append(f"c{len(value.folders)}:")
        for prefix, names, modes, marks, links in value.columns():
            self.append(_text(prefix) + _text(names) + _text(modes) + _text(marks))
            _encode(links, self)
            if len(self) > 100:
                self.flush()


def _encode(value: Any, out: _Pieces) -> None:
    kind = type(value)
    if kind is str:  # most of a recipe: the quick way to what the general one below would say
        if len(value) > _AT_ONCE:
            out.long(value)
        else:
            out.append(_text(value))
    elif kind is dict:
        out.append(f"d{len(value)}:")
        for name in sorted(value):
            if type(name) is not str:
                raise TypeError(f"a recipe's names are strings, not {type(name).__name__}")
            item = value[name]
            if type(item) is not str:
                out.append(_text(name))
                _encode(item, out)
            elif name.isascii() and item.isascii():
                out.append(f"s{len(name)}:{name}s{len(item)}:{item}")
            else:
                out.append(_text(name) + _text(item))
    elif value is None:
        out.append("n")
    elif value is True or value is False:
        out.append("t" if value else "f")
    elif kind is list:
        out.append(f"l{len(value)}:")
        for item in value:
            _encode(item, out)
    elif isinstance(value, int):
        text = f"{int(value)}"
        out.append(f"i{len(text)}:{text}")
    elif isinstance(value, str):
        out.append(_text(str(value)))
    elif isinstance(value, bytes):
        out.append(f"b{len(value)}:{value.decode('utf-8', 'surrogateescape')}")
    elif kind is FileTable:
        out.table(value)
    elif kind is Text:
        out.pieces(value)
    elif isinstance(value, Mapping):
        out.append(f"d{len(value)}:")
        for name in sorted(value):
            if not isinstance(name, str):
                raise TypeError(f"a recipe's names are strings, not {type(name).__name__}")
            _encode(name, out)
            _encode(value[name], out)
    elif isinstance(value, Sequence):
        out.append(f"l{len(value)}:")
        for item in value:
            _encode(item, out)
    else:
        raise TypeError(f"a recipe cannot hold {type(value).__name__}")


def encode(value: Any) -> bytes:
    """The canonical, injective encoding of a recipe.

    Raises TypeError for anything but None, bool, int, str, bytes, sequences and str-keyed mappings.
    """
    found: list[bytes] = []
    _encode_into(value, found.append)
    return b"".join(found)


def _encode_into(value: Any, take: Callable[[bytes], object]) -> None:
    out = _Pieces(take)
    out.append(f"stackbuild-recipe-{ENCODING_VERSION}\n")
    _encode(value, out)
    out.flush()


def digest(recipe: Any, algorithm: Algorithm = "xxh3_128") -> str:
    """The key of a recipe, as "algorithm:hex"."""
    hasher = new_hash(algorithm)
    _encode_into(recipe, hasher.update)
    return f"{algorithm}:{hasher.hexdigest()}"


def differences(
    before: Any, after: Any, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Where two recipes differ: (path of names, value before, value after); None stands for absent."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), (*path, name))
    elif before != after:
        yield path, before, after
