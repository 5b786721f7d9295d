"""A wheel's files, each found to be what its RECORD says.

Sources: "Binary distribution format" and "Recording installed projects" of packaging.python.org. Paths of the
entries begin with where they belong: lib/, scripts/, headers/ or data/.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ...errors import BuildFailed
from ...layer.entry import BytesContent, Entry, FileContent
from ...layer.unpack import Member, Spool, members
from ..ecosystem import Package, Tree
from ..trees import read
from .archive import check
from .metadata import checked_wheel, described, entry_points

SCHEMES = {"purelib": "lib", "platlib": "lib", "scripts": "scripts", "headers": "headers", "data": "data"}
SIGNATURES = ("RECORD.jws", "RECORD.p7s")
"""Signatures of a RECORD, that hold no longer once it is installed."""
_STRONG = ("sha256", "sha384", "sha512")
_SHEBANG = b"#!python"
Rows = dict[str, tuple[str, str]]
"""Path -> (hash as "sha256=…", size), as a RECORD states them."""


class _Hashing:
    """A stream that remembers the SHA-256 of what was read."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner, self.hash = inner, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._inner.read(size)
        self.hash.update(piece)
        return piece


def unpack(package: Package, archive: Path, spool: Spool) -> Tree:
    """What a wheel holds. Raises BuildFailed when it is not sound, or not the package that it should be."""
    names = check(archive)
    info = _dist_info(names)
    files: dict[str, Entry] = {}
    hashes: dict[str, str] = {}
    for member in members(archive):
        if member.stream is None:
            continue
        stream = _Hashing(member.stream)
        content = spool.add(stream)  # type: ignore[arg-type]
        files[member.name] = Entry(member.name, "file", _mode(member), content=content)
        hashes[member.name] = _row_hash(stream.hash.digest(), "sha256")
    spool.flush()
    record, wheel, metadata = (_text(files, f"{info}/{name}") for name in ("RECORD", "WHEEL", "METADATA"))
    _check_record(files, hashes, record_rows(record), f"{info}/RECORD")
    checked_wheel(wheel)
    facts = described(package, info, metadata)
    points = entry_points(_text(files, f"{info}/entry_points.txt", b""))
    return Tree(_by_scheme(files, info, record), {**facts, "dist_info": info, "scripts": points})


def _text(files: Mapping[str, Entry], name: str, default: bytes | None = None) -> bytes:
    if name in files:
        return read(files[name])
    if default is None:
        raise BuildFailed(f"it has no {name}")
    return default


def _mode(member: Member) -> int:
    return 0o755 if member.mode & 0o111 else 0o644


def _dist_info(names: list[str]) -> str:
    found = sorted(
        {name.partition("/")[0] for name in names if name.partition("/")[0].endswith(".dist-info")}
    )
    if len(found) != 1:
        shown = f": {', '.join(found)}" if found else ""
        raise BuildFailed(f"it should have one .dist-info folder, and has {len(found)}{shown}")
    return found[0]


def record_rows(data: bytes) -> Rows:
    """The rows of a RECORD. Raises BuildFailed."""
    rows: Rows = {}
    try:
        for row in csv.reader(data.decode().splitlines()):
            if not row:
                continue
            path, hash_, size = row
            if rows.setdefault(path, (hash_, size)) != (hash_, size):
                raise BuildFailed(f"its RECORD lists '{path}' twice")
    except (ValueError, csv.Error) as error:
        raise BuildFailed(f"its RECORD cannot be read: {error}") from error
    return rows


def _check_record(files: Mapping[str, Entry], hashes: Mapping[str, str], rows: Rows, record: str) -> None:
    """Raise BuildFailed unless the RECORD lists every file, each with its hash and size, and no other."""
    unlisted = {record, *(f"{record.rpartition('/')[0]}/{name}" for name in SIGNATURES)}
    if extra := sorted(rows.keys() - files.keys() - unlisted):
        raise BuildFailed(f"its RECORD lists '{extra[0]}', which it does not hold")
    for name, entry in files.items():
        if name in unlisted:
            continue
        if name not in rows:
            raise BuildFailed(f"it holds '{name}', which its RECORD does not list")
        hash_, size = rows[name]
        kind = hash_.partition("=")[0]
        if kind not in _STRONG:
            raise BuildFailed(f"its RECORD states no hash for '{name}' that counts")
        assert isinstance(entry.content, FileContent)
        found = hashes[name] if kind == "sha256" else _row_hash(hashlib.new(kind, read(entry)).digest(), kind)
        if hash_.rstrip("=") != found or size not in ("", str(entry.content.size)):
            raise BuildFailed(f"'{name}' is not what its RECORD says")


def _row_hash(data: bytes, kind: str) -> str:
    return f"{kind}={base64.urlsafe_b64encode(data).rstrip(b'=').decode()}"


def record_hash(data: bytes) -> str:
    """Bytes' hash as a RECORD has it."""
    return _row_hash(hashlib.sha256(data).digest(), "sha256")


def _by_scheme(files: Mapping[str, Entry], info: str, record: bytes) -> list[Entry]:
    """The files where they belong; what is rewritten when installed is kept in memory."""
    found: dict[str, Entry] = {}
    for name, entry in files.items():
        path, mode, content = placed(name, info), entry.mode, entry.content
        if path.startswith("scripts/"):
            mode, content = 0o755, _script(entry)
        if name == f"{info}/RECORD":
            content = BytesContent(record)
        if path in found:
            raise BuildFailed(f"'{name}' would be written twice")
        found[path] = Entry(path, "file", mode, content=content)
    return list(found.values())


def placed(name: str, info: str) -> str:
    """The path of an entry for a file of a wheel, by its scheme. Raises BuildFailed."""
    data = info.removesuffix(".dist-info") + ".data/"
    if not name.startswith(data):
        return f"lib/{name}"
    scheme, _, rest = name.removeprefix(data).partition("/")
    if scheme not in SCHEMES or not rest:
        raise BuildFailed(f"'{name}' belongs to no scheme that wheels have")
    return f"{SCHEMES[scheme]}/{rest}"


def _script(entry: Entry) -> Any:
    """A script's content; in memory if its first line stands for an interpreter."""
    assert entry.content
    with entry.content.open() as file:
        first = file.read(len(_SHEBANG))
    return BytesContent(read(entry)) if first == _SHEBANG else entry.content
