"""Unpacks npm's tarballs as npm does, but refuses what npm passes over in silence.

A package is whatever lies below the tarball's one folder ("package" as a rule). Folders, owners and times
of the tarball count for nothing; a file is 0644, or 0755 when it is executable or a command.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from ...errors import BuildFailed
from ...layer.entry import BytesContent, Entry, clean_path
from ...layer.read import decompressed
from ...layer.unpack import Member, Spool, tar_members
from ..ecosystem import Package
from ..trees import read

MOST_BYTES = 4 << 30
"""Bytes that the files of one package may have; the largest on npm's registry have a tenth of it."""
MOST_FILES = 250_000
_LARGEST_JSON = 16 << 20
_HEAD = 2048
_WINDOWS_FIRST_LINE = re.compile(rb"(#![^\n]+)\r\n")


class _Metered:
    """The stream of one file; its bytes count towards those of its package."""

    def __init__(self, meter: _Meter, stream: IO[bytes]) -> None:
        self._meter, self._stream = meter, stream

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._meter.add(len(piece))
        return piece


class _Meter:
    """How much of a package was unpacked so far."""

    def __init__(self) -> None:
        self._bytes = self._files = 0

    def stream(self, stream: IO[bytes]) -> Any:
        self._files += 1
        if self._files > MOST_FILES:
            raise BuildFailed(f"it has more than {MOST_FILES} files; no package has so many")
        return _Metered(self, stream)

    def add(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise BuildFailed(f"it unpacks to more than {MOST_BYTES} bytes; no package is so large")


def unpack(archive: Path, spool: Spool, commands: Collection[str]) -> list[Entry]:
    """The files of a tarball, with the folders that they need. commands: paths of files that are run.

    Raises BuildFailed.
    """
    found: dict[str, Entry] = {}
    meter = _Meter()
    with decompressed(archive) as stream:
        for member in tar_members(stream):
            path = _path(member)
            if path is None or member.stream is None:
                continue
            mode = 0o755 if member.mode & 0o111 or path in commands else 0o644
            content = spool.add(meter.stream(member.stream))
            entry = Entry(path, "file", mode, content=content, origin=member.name)
            other = found.setdefault(path, entry)
            if not other.same(entry):
                raise BuildFailed(f"'{member.name}' is in it twice, with different content")
    spool.flush()
    for path in sorted(set(commands) & set(found)):
        found[path] = _runnable(found[path])
    files = _ignore_files(found)
    folders = _folders(files)
    if both := sorted(files.keys() & {entry.path for entry in folders}):
        raise BuildFailed(f"'{both[0]}' is a file in it and a folder, too")
    return [*folders, *files.values()]


def _path(member: Member) -> str | None:
    """A member's path in its package; None for what is beside it, and for folders."""
    if member.kind not in ("file", "folder"):
        kind = "a symlink" if member.kind == "symlink" else "a hard link"
        raise BuildFailed(f"'{member.name}' is {kind}, which no package of npm has")
    if member.name.startswith("/"):
        raise BuildFailed(f"'{member.name}' is an absolute path")
    try:
        path = clean_path(member.name)
    except ValueError as error:
        raise BuildFailed(str(error)) from error
    return path.partition("/")[2] or None if member.kind == "file" else None


def _runnable(entry: Entry) -> Entry:
    """A command whose first line ends as on Windows, which no kernel understands, with that mended."""
    assert entry.content is not None
    with entry.content.open() as file:
        head = file.read(min(_HEAD, entry.content.size))
    if not _WINDOWS_FIRST_LINE.match(head):
        return entry
    return replace(entry, content=BytesContent(_WINDOWS_FIRST_LINE.sub(rb"\1\n", read(entry), count=1)))


def _ignore_files(found: dict[str, Entry]) -> dict[str, Entry]:
    """The files, .gitignore under the name that npm gives it: .npmignore, unless there is one."""
    files: dict[str, Entry] = {}
    for path, entry in found.items():
        folder, _, name = path.rpartition("/")
        if name == ".gitignore":
            path = posixpath.join(folder, ".npmignore")
            if path in found:
                continue
        files[path] = replace(entry, path=path)
    return files


def _folders(files: Collection[str]) -> list[Entry]:
    paths = {""}
    for path in files:
        while (path := path.rpartition("/")[0]) not in paths:
            paths.add(path)
    return [Entry(path, "folder", 0o755) for path in sorted(paths - {""})]


def check_manifest(package: Package, entries: Collection[Entry]) -> None:
    """Raise BuildFailed unless package.json says the name and version that the lock does."""
    found = _manifest(entries)
    for what, expected in (("name", package.name), ("version", package.version)):
        if _bare(found.get(what)) != _bare(expected):
            shown = str(found.get(what))[:100]
            raise BuildFailed(
                f"the lock says that its {what} is {expected}, its package.json says {shown}",
                hint="somebody may have tampered with the lock; write it anew",
            )


def _bare(text: Any) -> str:
    """A name, or a version as registries compare them: "v1.0.0+build" is 1.0.0 (https://semver.org, 10)."""
    return re.sub(r"^[v=\s]+(?=\d)", "", str(text)).partition("+")[0].strip()


def _manifest(entries: Collection[Entry]) -> dict[str, Any]:
    """The package.json of a package. Raises BuildFailed."""
    entry = next((entry for entry in entries if entry.path == "package.json"), None)
    if entry is None or entry.content is None:
        raise BuildFailed("it has no package.json")
    if entry.content.size > _LARGEST_JSON:
        raise BuildFailed(f"its package.json has more than {_LARGEST_JSON} bytes")
    try:
        found = json.loads(read(entry).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BuildFailed("its package.json is not JSON") from error
    if not isinstance(found, dict):
        raise BuildFailed("its package.json is no object")
    return found
