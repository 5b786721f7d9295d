"""A Debian package as a tree: an ar archive of two tars, read as streams and never unpacked on disk.

Source: deb(5) and deb-control(5).
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

from ...errors import BuildFailed
from ...layer.entry import BytesContent, Content, Entry, clean_path
from ...layer.read import decompressed_stream
from ...layer.unpack import Member, Spool, tar_members
from ..ecosystem import Package, Tree
from . import elf, known
from .control import NAME, paragraph

_AR = b"!<arch>\n"
_HEADER = re.compile(rb"(.{16})(\d+) *\s*(\d+) *\s*(\d+) *\s*([0-7]+) *\s*(\d+) *`\n", re.DOTALL)
_PARTS = re.compile(r"(control|data)\.tar(\.gz|\.xz|\.zst|\.bz2)?")
_CONTROL_LIMIT = 64 << 20  # bytes of all control files
_EXPANSION = 500  # times its archive that a package may unpack to
_SLACK = 256 << 20  # and bytes beside
_LIBRARY = re.compile(r"(?:usr/)?lib(?:64)?/(?:[^/]+/)?lib[^/]*\.so[^/]*")
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_LOOKED = re.compile(f"{_LIBRARY.pattern}|{_COPYRIGHT.pattern}")
_LICENSE = re.compile(r"^License: *([A-Za-z0-9][\w.+-]*(?: (?:and|or|with) [\w.+-]+)*)[ \t]*$", re.M)
_MOST_HEAD = 1 << 20
_MOST_KEPT = 4 << 20  # bytes of one package that lie beside its listing


class _Slice(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Bounded:
    """A stream that may not give more than a number of bytes."""

    def __init__(self, inner: BinaryIO, limit: int) -> None:
        self._inner, self._left = inner, limit

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise BuildFailed("it unpacks to far more than a package does")
        return data


def unpack(package: Package, archive: Path, spool: Spool) -> Tree:
    """The files of a package, and of its control files what installing needs. Raises BuildFailed."""
    with open(archive, "rb") as file:
        size = archive.stat().st_size
        parts = dict(_members(file, size))
        names = list(parts)
        if len(names) != 3 or names[0] != "debian-binary" or parts[names[0]].read().split(b".")[0] != b"2":
            raise BuildFailed("it is no Debian package of format 2", hint="deb(5) describes the format")
        control, data = (_PARTS.fullmatch(name) for name in names[1:])
        if not control or control[1] != "control" or not data or data[1] != "data":
            raise BuildFailed(f"it holds {names[1]} and {names[2]} instead of control.tar and data.tar")
        facts = _control(package, parts[names[1]])
        with decompressed_stream(parts[names[2]]) as stream:
            bounded = _Bounded(stream, size * _EXPANSION + _SLACK)
            return _Unpacking(spool, facts["info"].get("conffiles", "")).tree(tar_members(bounded), facts)


def _members(file: BinaryIO, total: int) -> Iterator[tuple[str, _Slice]]:
    if file.read(len(_AR)) != _AR:
        raise BuildFailed("it is no Debian package")
    at, seen = len(_AR), set()
    while at < total:
        file.seek(at)
        match = _HEADER.fullmatch(file.read(60))
        if not match:
            raise BuildFailed("its ar archive is damaged")
        name, size = match[1].decode("ascii", "replace").strip().rstrip("/"), int(match[6])
        if at + 60 + size > total:
            raise BuildFailed("its ar archive is cut short")
        if name in seen:
            raise BuildFailed(f"it holds {name} twice")
        seen.add(name)
        if not name.startswith("_"):  # those are for the future, and to be passed over
            yield name, _Slice(file, at + 60, size)
        at += 60 + size + size % 2


def _control(package: Package, part: _Slice) -> dict[str, Any]:
    found: dict[str, str] = {}
    with decompressed_stream(part) as stream:
        for member in tar_members(_Bounded(stream, _CONTROL_LIMIT)):
            name = member.name.removeprefix("./").rstrip("/")
            if member.kind == "folder" and name in ("", "."):
                continue
            if not member.stream or "/" in name or not re.fullmatch(r"[a-z0-9][a-z0-9.+_-]*", name):
                raise BuildFailed(f"its control archive holds '{member.name}', which is no control file")
            if name in found:
                raise BuildFailed(f"its control archive holds {name} twice")
            found[name] = member.stream.read().decode("utf-8", "surrogateescape")
    try:
        fields = paragraph(found.pop("control", ""))
    except ValueError as error:
        raise BuildFailed(f"its control file is malformed: {error}") from error
    if not re.fullmatch(NAME, fields.get("Package", "")):
        raise BuildFailed(f"its control file names the package {fields.get('Package', '')!r}")
    if (fields["Package"], fields.get("Version")) != (package.name, package.version):
        raise BuildFailed(f"it is {fields['Package']} {fields.get('Version')}, not what was asked for")
    fields.pop("Status", None), fields.pop("Conffiles", None)
    return {"control": fields, "info": found}


class _Unpacking:
    """The members of a data.tar, on their way to entries."""

    def __init__(self, spool: Spool, conffiles: str) -> None:
        self._spool = spool
        self._conffiles = {line.strip().lstrip("/") for line in conffiles.split("\n")}
        self._entries: dict[str, Entry] = {}
        self._sonames: dict[str, str] = {}
        self._license = ""
        self._keepable = _MOST_KEPT
        self._marks: dict[str, str] = {}  # MD5 by path, as dpkg's database has it of configuration files

    def tree(self, found: Iterator[Member], facts: dict[str, Any]) -> Tree:
        for member in found:
            try:
                path = clean_path(member.name)
                link = clean_path(member.link) if member.kind == "hardlink" else member.link
            except ValueError as error:
                raise BuildFailed(str(error)) from error
            if path in self._entries:
                raise BuildFailed(f"it holds /{path} twice")
            if member.kind == "hardlink" and link not in self._entries:
                raise BuildFailed(f"the hard link /{path} points at /{link}, which is not in it before")
            if path:
                self._add(member, path, link)
        return Tree(
            list(self._entries.values()),
            {**facts, "sonames": self._sonames, "license": self._license, "conffiles": self._marks},
        )

    def _add(self, member: Member, path: str, link: str) -> None:
        content: Content | None = None
        if member.stream:
            content = self._content(path, member.stream)
        mode = 0o777 if member.kind == "symlink" else member.mode
        self._entries[path] = Entry(
            path, member.kind, mode, member.uid, member.gid, 0, link, member.xattrs, content
        )

    def _content(self, path: str, stream: IO[bytes]) -> Content:
        if not (path in self._conffiles or known.is_read(path) or _LOOKED.fullmatch(path)):
            return self._spool.add(stream)
        head = stream.read(_MOST_HEAD)
        self._look(path, head)
        if len(head) < _MOST_HEAD:
            if path in self._conffiles:
                self._marks[path] = hashlib.md5(head, usedforsecurity=False).hexdigest()
            if known.is_read(path) and len(head) <= self._keepable:
                self._keepable -= len(head)
                return BytesContent(head)
        return self._spool.add(_Joined(head, stream))  # type: ignore[arg-type]

    def _look(self, path: str, head: bytes) -> None:
        """Notice what a file's beginning tells: a library's SONAME, a package's licences."""
        if _COPYRIGHT.fullmatch(path):
            found = _LICENSE.findall(head.decode("utf-8", "replace"))
            names = {re.sub(r" (and|or|with) ", lambda word: word[0].upper(), name) for name in found}
            self._license = " AND ".join(f"({name})" if " OR " in name else name for name in sorted(names))
        elif _LIBRARY.fullmatch(path) and (soname := elf.soname(head)):
            self._sonames[path] = soname


class _Joined:
    """What was read of a stream already, and then the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._rest.read(size)
