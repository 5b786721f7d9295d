"""Entries: what a layer holds, as data, before a byte is compressed.

Everything that makes layers only produces entries; one writer turns them into chunks and blobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol

from ..errors import BuildFailed
from ..keys import hash_bytes

Kind = Literal["file", "folder", "symlink", "hardlink", "whiteout"]
WHITEOUT = ".wh."
_UNUSUAL = re.compile(r"^/|/$|//|(?:^|/)\.|\0")  # what a clean path does not hold, and hidden names


class Content(Protocol):
    """Where the bytes of a file come from; nothing is read before `open` is called.

    size: in bytes; fingerprint: "algorithm:hex" of the bytes that are expected; origin: for messages.
    """

    @property
    def size(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def origin(self) -> str: ...
    def open(self) -> BinaryIO: ...


@dataclass(frozen=True, slots=True)
class FileContent:
    """The bytes of a file, or of a slice of it (an unpacked archive's member)."""

    path: str
    size: int
    fingerprint: str
    offset: int = 0

    @property
    def origin(self) -> str:
        return self.path

    def open(self) -> BinaryIO:
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115  the caller closes it
        if self.offset:
            file.seek(self.offset)
        return file


@dataclass(frozen=True, slots=True)
class BytesContent:
    """Bytes made in memory, for targets that generate small files."""

    data: bytes
    origin: str = "generated"

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def fingerprint(self) -> str:
        return "sha256:" + hash_bytes(self.data, "sha256")

    def open(self) -> BinaryIO:
        import io

        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change to a filesystem.

    path: relative, "/"-separated, normalised; for a whiteout, the path that it deletes.
    link: the target of a symlink, or the path of the entry that a hard link repeats.
    mtime: seconds since the epoch. xattrs: sorted (name, value) pairs.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    content: Content | None = field(default=None, compare=False)
    origin: str = field(default="", compare=False)

    def same(self, other: Entry) -> bool:
        """Whether both would write the same bytes."""
        ours = self.content.fingerprint if self.content else None
        theirs = other.content.fingerprint if other.content else None
        return self == other and ours == theirs

    def recipe(self) -> dict[str, Any]:
        """The entry as plain data, for a key."""
        return {
            "path": self.path,
            "kind": self.kind,
            "mode": self.mode,
            "owner": [self.uid, self.gid],
            "mtime": self.mtime,
            "link": self.link,
            "xattrs": [[name, value.hex()] for name, value in self.xattrs],
            "content": self.content.fingerprint if self.content else None,
        }


def clean_path(path: str) -> str:
    """A path inside an image as entries hold it: no leading "/", no "." and no empty part.

    Raises ValueError for "..", NUL, and for names that would act as whiteouts.
    """
    if path.isascii() and not _UNUSUAL.search(path):
        return path
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"'{path}' leaves the image's root")
    if "\0" in path or re.search(r"[\ud800-\udfff]", path):
        raise ValueError(f"{path!r} is not a valid UTF-8 path")
    if any(part.startswith(WHITEOUT) for part in parts):
        raise ValueError(f"'{path}' would act as a whiteout (its name begins with {WHITEOUT})")
    return "/".join(parts)


def _order(entry: Entry) -> tuple[int, str]:
    # Deletions apply to the layers below, so they come first; a hard link needs its target before it.
    rank = {"whiteout": 0, "hardlink": 2}.get(entry.kind, 1)
    return rank, entry.path.replace("/", "\0")


def arrange(entries: Iterable[Entry], layer: str) -> list[Entry]:
    """The entries of one layer in writing order: parents before children, each path once.

    Raises BuildFailed, naming both sources, when a path is written twice with different content or
    when something lies below a path that is not a folder.
    """
    ordered = sorted(entries, key=_order)
    result: list[Entry] = []
    for entry in ordered:
        last = result[-1] if result else None
        if last and last.path == entry.path and last.kind != "whiteout":
            if last.same(entry):
                continue
            raise BuildFailed(
                f"{layer}: /{entry.path} is written twice, by {last.origin} and by {entry.origin}",
                hint="rename one of them, or put them in two layers",
            )
        _check_link(entry, layer)
        result.append(entry)
    _check_nesting(result, layer)
    return result


def _check_link(entry: Entry, layer: str) -> None:
    if "\0" in entry.link or re.search(r"[\ud800-\udfff]", entry.link):
        raise BuildFailed(
            f"{layer}: the link /{entry.path} has a target that is not valid UTF-8 ({entry.origin})"
        )


def _check_nesting(entries: Sequence[Entry], layer: str) -> None:
    solid = {entry.path: entry for entry in entries if entry.kind not in ("folder", "whiteout")}
    sound: set[str] = set()
    for entry in entries:
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in sound:
            if parent in solid and entry.kind != "whiteout":
                other = solid[parent]
                raise BuildFailed(
                    f"{layer}: /{entry.path} ({entry.origin}) lies below /{parent}, a {other.kind} "
                    f"({other.origin})",
                    hint="change 'to' or 'rename' of one of them",
                )
            if entry.kind != "whiteout":
                sound.add(parent)
            parent = parent.rpartition("/")[0]
