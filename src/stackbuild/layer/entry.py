"""Entries: what a layer holds, as data, before a byte is compressed.

Everything that makes layers only produces entries; one writer turns them into chunks and blobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol

from ..errors import BuildFailed
from ..frozen import frozen
from ..keys import Algorithm, hash_bytes
from ..native import stats
from ..store.fingerprints import Fingerprints

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


@frozen(slots=True)
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


class TreeFile:
    """A file of the tree. Its fingerprint is learnt whenever its bytes are first read, for a layer or for it.

    row: of its lstat, from before anything of it was read (see `stackbuild.native.stats`); size: in bytes;
    known: its fingerprint, if any reading told it; fingerprints: where it is remembered.
    """

    __slots__ = ("fingerprints", "known", "path", "row", "size")

    def __init__(self, path: str, row: bytes, fingerprints: Fingerprints, known: str | None = None) -> None:
        self.path, self.row, self.fingerprints, self.known = path, row, fingerprints, known
        self.size = stats.size(row)

    @property
    def origin(self) -> str:
        return self.path

    @property
    def fingerprint(self) -> str:
        """Raises OSError, and BuildFailed when the file keeps changing while it is read."""
        if self.known is None:
            self.known = self.fingerprints.of(self.path, self.row)
        return self.known

    def open(self) -> BinaryIO:
        return open(self.path, "rb", buffering=0)


class Changed(BuildFailed):
    """A file is not what it was when its fingerprint was taken. content: the file."""

    def __init__(self, content: Content) -> None:
        super().__init__(f"{content.origin} changed while it was read", hint="build again when it is at rest")
        self.content = content


def is_unread(content: Content | None) -> bool:
    """Whether the content's fingerprint would have to be read first."""
    return type(content) is TreeFile and content.known is None


def algorithm_of(content: Content, otherwise: Algorithm) -> Algorithm:
    """By which algorithm a content's bytes are judged; otherwise: where nothing is known of them yet."""
    if is_unread(content):
        return otherwise
    return "sha256" if content.fingerprint.startswith("sha256:") else "xxh3_128"


def judge(content: Content, found: str, algorithm: Algorithm, seen: int) -> None:
    """Check what all bytes of a content hash to by `algorithm_of` it, or learn from that what they are.

    seen: ns since 1970, before the first of them was read; a file's row was looked at again after the last.
    Raises Changed.
    """
    if isinstance(content, TreeFile) and content.known is None:
        mark, (folder, _, name) = f"{algorithm}:{found}", content.path.rpartition("/")
        content.fingerprints.learn(folder, name, content.row, bytes.fromhex(found), seen)
        content.known = mark  # when all that is to be said against it has been
    elif found != content.fingerprint.partition(":")[2]:
        raise Changed(content)


@frozen(slots=True)
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


@dataclass(slots=True)  # not frozen, which would make the making of one take five times as long
class Entry:
    """One change to a filesystem; never changed once it is made.

    path: relative, "/"-separated, normalised; for a whiteout, the path that it deletes.
    link: the target of a symlink, or the path of the entry that a hard link repeats.
    mtime: seconds since the epoch. xattrs: sorted (name, value) pairs. group: entries of one group stay
    together in the layer, groups in the order of their names, and share chunks with no other.
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
    group: str = field(default="", compare=False)

    @property
    def is_unread(self) -> bool:
        """Whether its content's fingerprint would have to be read first."""
        return is_unread(self.content)

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


def are_clean(paths: str) -> bool:
    """Whether `clean_path` is known to leave all of these paths, with "/" between them, as they are."""
    text = f"/{paths}/"
    return text.isascii() and not any(odd in text for odd in ("//", "/.", "\0"))


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
