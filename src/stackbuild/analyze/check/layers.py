"""Layers as entries: each is read once, as a stream, and of most files only the size is kept."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import IO

from ...frozen import frozen
from ...layer.read import Checked
from ..members import Kind, layer_members
from .elf import MAGIC, Elf, read_elf

_PIECE = 1 << 18
_HEAD = 256  # bytes that the kernel looks at to find an interpreter (BINPRM_BUF_SIZE)
_KEPT = 1 << 20  # bytes of a file whose text matters
_IN_MEMORY = 16 << 20
HASHED = 64 << 10
"""Files of this many bytes have a digest."""


@frozen(slots=True)
class Entry:
    """What a layer says of one path. size: bytes of content; link: target of a link; head: first bytes of a
    script, or of a file whose text matters; digest: of a large file, else ""; elf: of a program."""

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    link: str = ""
    head: bytes = b""
    digest: str = ""
    elf: Elf | None = None


@frozen
class LayerView:
    """One layer: path -> entry in the layer's order, and what it deletes from those below."""

    entries: dict[str, Entry] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)


def read_layer(blob: Path, texts: re.Pattern[str], temp: Path) -> LayerView:
    """Read a layer blob. texts: paths of the files whose text matters; temp: for large programs.

    Raises BuildFailed when it is damaged.
    """
    view = LayerView()
    for path, kind, header, link, content in layer_members(blob):
        if kind == "opaque":
            view.opaque.append(path)
        elif kind == "whiteout":
            view.gone.append(path)
        elif path:
            entry = Entry(
                kind, header.mode & 0o7777, header.uid, header.gid, header.size if content else 0, link
            )
            if content:
                entry = _with_content(entry, content, texts.fullmatch(path) is not None, temp)
            view.entries.pop(path, None)  # the last one counts, in its own place
            view.entries[path] = entry
    return view


def _with_content(entry: Entry, stream: Checked, text: bool, temp: Path) -> Entry:
    head = stream.read(_KEPT if text else _HEAD)
    digest, elf = "", None
    if head.startswith(MAGIC):
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(temp)) as file:
            digest = _digest(_copied(head, stream, file))
            file.seek(0)
            elf = read_elf(file)
    elif entry.size >= HASHED:
        digest = _digest(_pieces(head, stream))
    kept = head if text or head.startswith(b"#!") else head[:1]
    return replace(entry, head=kept, digest=digest, elf=elf)


def _pieces(head: bytes, stream: Checked) -> Iterator[bytes]:
    yield head
    while piece := stream.read(_PIECE):
        yield piece


def _copied(head: bytes, stream: Checked, file: IO[bytes]) -> Iterator[bytes]:
    for piece in _pieces(head, stream):
        file.write(piece)
        yield piece


def _digest(pieces: Iterable[bytes]) -> str:
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
    return hasher.hexdigest()
