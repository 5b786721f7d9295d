"""Layers as entries: each is read once, as a stream, and of most files only the size is kept.

Source: OCI image spec, layer.md.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Literal

from ...errors import BuildFailed
from ...layer.entry import WHITEOUT
from ...layer.read import Checked, decompressed
from ...layer.unpack import StrictInfo
from .elf import MAGIC, Elf, read_elf

Kind = Literal["file", "folder", "symlink", "hardlink", "device"]
_OPAQUE = f"{WHITEOUT}{WHITEOUT}.opq"
_KINDS: dict[bytes, Kind] = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "device",
}
_PIECE = 1 << 18
_HEAD = 256  # bytes that the kernel looks at to find an interpreter (BINPRM_BUF_SIZE)
_LONGEST = 4096  # PATH_MAX
_KEPT = 1 << 20  # bytes of a file whose text matters
_IN_MEMORY = 16 << 20
HASHED = 64 << 10
"""Files of this many bytes have a digest."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True)
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
    try:
        with (
            decompressed(blob) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE, tarinfo=StrictInfo) as tar,  # type: ignore[call-overload]
        ):
            for member in tar:
                tar.members = []  # else tarfile remembers every one
                _add(view, tar, member, texts, temp)
    except (tarfile.TarError, ValueError) as error:
        raise BuildFailed(f"{blob.name}: the archive is damaged: {error}") from error
    return view


def _add(
    view: LayerView, tar: tarfile.TarFile, member: tarfile.TarInfo, texts: re.Pattern[str], temp: Path
) -> None:
    path = clean(member.name)
    if len(path) > _LONGEST:
        raise BuildFailed(f"a layer has a path of {len(path)} characters, which no kernel takes")
    parent, _, name = path.rpartition("/")
    if name == _OPAQUE:
        view.opaque.append(parent)
    elif name.startswith(WHITEOUT):
        view.gone.append(f"{parent}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
    elif path and ".." not in path.split("/"):
        kind = "file" if member.isreg() else _KINDS.get(member.type, "device")
        entry = Entry(kind, member.mode & 0o7777, member.uid, member.gid, 0, member.linkname)
        if kind == "file":
            entry = _with_content(entry, tar, member, texts.fullmatch(path) is not None, temp)
        elif kind == "hardlink":
            entry = replace(entry, link=clean(member.linkname))
        view.entries.pop(path, None)  # the last one counts, in its own place
        view.entries[path] = entry


def _with_content(
    entry: Entry, tar: tarfile.TarFile, member: tarfile.TarInfo, text: bool, temp: Path
) -> Entry:
    stream = Checked(tar.extractfile(member))
    head = stream.read(_KEPT if text else _HEAD)
    digest, elf = "", None
    if head.startswith(MAGIC):
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(temp)) as file:
            digest = _digest(_copied(head, stream, file))
            file.seek(0)
            elf = read_elf(file)
    elif member.size >= HASHED:
        digest = _digest(_pieces(head, stream))
    kept = head if text or head.startswith(b"#!") else head[:1]
    return replace(entry, size=member.size, head=kept, digest=digest, elf=elf)


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


def clean(name: str) -> str:
    """A path without a leading "/", "." and empty parts."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))
