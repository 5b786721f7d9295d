"""Wheels installed: files where their scheme puts them, commands, and a RECORD of what is there.

Sources: "Binary distribution format" (Installing a wheel) and "Recording installed projects" of
packaging.python.org. No byte code is compiled: it would hold times and paths of a machine.
"""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Mapping
from dataclasses import replace

from ...errors import BuildFailed
from ...frozen import frozen
from ...layer.entry import BytesContent, Entry, clean_path
from ..ecosystem import Package, Tree
from ..trees import read
from .environment import Environment
from .fields import WheelFields
from .locks import REQUESTED
from .unpack import SIGNATURES, placed, record_hash, record_rows

_COMMAND = """\
#!{interpreter}
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({target}())
"""
_REPLACED = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", *SIGNATURES)


@frozen
class Layout:
    """Where the schemes of a wheel are in the image, by the first folder of an entry's path."""

    folders: Mapping[str, str]
    interpreter: str

    @classmethod
    def of(cls, fields: WheelFields, environment: Environment) -> Layout:
        """The layout of a prefix, or of one folder for all."""
        python = "python{}.{}".format(*environment.minor)
        prefix = clean_path(fields.prefix)
        root = clean_path(fields.to) if fields.to is not None else prefix
        lib = root if fields.to is not None else _joined(prefix, "lib", python, "site-packages")
        headers = _joined(root, "include") if fields.to is not None else _joined(root, "include", python)
        folders = {"lib": lib, "scripts": _joined(root, "bin"), "headers": headers, "data": root}
        return cls(folders, fields.interpreter or "/" + _joined(prefix, "bin", "python"))

    def place(self, path: str, package: Package) -> str:
        """The path in the image of an entry of a wheel."""
        scheme, _, rest = path.partition("/")
        named = (package.name,) if scheme == "headers" else ()
        return _joined(self.folders[scheme], *named, rest)


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def install(layout: Layout, trees: Mapping[str, tuple[Package, Tree]], epoch: int) -> list[Entry]:
    """The entries of all packages. Raises BuildFailed when two write a file, not the same."""
    found: dict[str, Entry] = {}
    entries = []
    for key, (package, tree) in trees.items():
        for made in _installed(layout, package, tree):
            origin = f"{package.name} {package.version}"
            entry = replace(made, mtime=epoch, origin=origin, group=key)
            other = found.setdefault(entry.path, entry)
            if not other.same(entry):
                raise BuildFailed(
                    f"/{entry.path} is written twice, by {other.origin} and by {origin}",
                    hint="install one of them in a target of its own, with 'to'",
                )
            entries.append(entry)
    return entries


def _installed(layout: Layout, package: Package, tree: Tree) -> list[Entry]:
    """One package's entries, with its RECORD."""
    info = f"lib/{tree.facts['dist_info']}"
    wheel = {entry.path: entry for entry in tree.entries}
    hashes = _hashes(wheel, tree)
    files: dict[str, Entry] = {}
    rows: dict[str, tuple[str, int]] = {}

    def add(entry: Entry, stated: str) -> None:
        files[entry.path] = entry
        assert entry.content
        rows[entry.path] = (stated, entry.content.size)

    def add_new(path: str, data: bytes, mode: int = 0o644) -> None:
        add(Entry(path, "file", mode, content=BytesContent(data)), record_hash(data))

    for path, entry in wheel.items():
        if path in {f"{info}/{name}" for name in _REPLACED}:
            continue
        place = layout.place(path, package)
        if path.startswith("scripts/") and isinstance(entry.content, BytesContent):
            add_new(place, _started(entry.content.data, layout.interpreter), entry.mode)
        else:
            add(replace(entry, path=place), hashes[path])
    for name, module, target in tree.facts["scripts"]:
        text = _COMMAND.format(
            interpreter=layout.interpreter, module=module, first=target.partition(".")[0], target=target
        )
        add_new(layout.place(f"scripts/{name}", package), text.encode(), 0o755)
    add_new(layout.place(f"{info}/INSTALLER", package), b"stackbuild\n")
    if package.more.get(REQUESTED):
        add_new(layout.place(f"{info}/REQUESTED", package), b"")
    record = layout.place(f"{info}/RECORD", package)
    data = _record(rows, record, layout.folders["lib"])
    files[record] = Entry(record, "file", content=BytesContent(data))
    return list(files.values())


def _hashes(wheel: Mapping[str, Entry], tree: Tree) -> dict[str, str]:
    """The hash that the wheel's RECORD states for each entry."""
    info = tree.facts["dist_info"]
    rows = record_rows(read(wheel[f"lib/{info}/RECORD"]))
    return {placed(path, info): stated for path, (stated, _) in rows.items()}


def _started(data: bytes, interpreter: str) -> bytes:
    """A script with its first line replaced."""
    first, _, rest = data.partition(b"\n")
    return f"#!{interpreter}".encode() + (b"\r\n" if first.endswith(b"\r") else b"\n") + rest


def _record(rows: Mapping[str, tuple[str, int]], record: str, lib: str) -> bytes:
    """A RECORD; its paths are relative to the folder that holds the .dist-info."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    table = {posixpath.relpath(f"/{path}", f"/{lib}"): row for path, row in rows.items()}
    table[posixpath.relpath(f"/{record}", f"/{lib}")] = ("", 0)
    for path, (stated, size) in sorted(table.items()):
        writer.writerow([path, stated, size if stated else ""])
    return text.getvalue().encode()
