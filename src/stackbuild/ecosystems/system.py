"""What an image holds, as far as packages must know it: databases of installed packages, links, folders.

Each layer is read once; what was found is kept in the store. Upper layers win, and their whiteouts delete
(OCI image spec, layer.md, "Whiteouts").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import BuildFailed
from ..keys import digest
from ..layer.entry import WHITEOUT
from ..layer.unpack import Member, members
from ..oci.model import ImageLayer
from ..oci.remote import Remote
from ..store import Store
from ..store.records import Record

VERSION = 1
_OPAQUE = f"{WHITEOUT}{WHITEOUT}.opq"
_LARGEST = 64 << 20  # bytes of one database
_MOST_LINKS = 40  # as the kernel follows
_DATABASES = re.compile(
    r"var/lib/dpkg/(status|status\.d/[^/]+|info/[^/]+\.list|alternatives/[^/]+)"
    r"|(usr/)?lib/apk/db/installed"
    r"|(etc|usr/lib)/os-release"
    r"|etc/(passwd|group|shadow|gshadow)"
    r"|(.*/)?[^/]+\.dist-info/METADATA"
)


@dataclass
class System:
    """files: path -> bytes of the databases; owner: path -> digest of the layer that a database is in;
    links: path -> target of each symlink; folders: every path that is a folder."""

    files: dict[str, bytes] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, layers: Sequence[ImageLayer], store: Store, remote: Remote) -> System:
        """What an image with these layers, lowest first, holds. Raises StackbuildError."""
        found = cls()
        for layer in layers:
            found._apply(_facts(layer, store, remote), layer.layer.digest)
        return found

    def _apply(self, facts: Any, owner: str) -> None:
        for path in facts["opaque"]:
            self._remove(path, itself=False)
        for path in facts["gone"]:
            self._remove(path, itself=True)
        for path, text in facts["files"].items():
            self.links.pop(path, None)
            self.files[path], self.owner[path] = text.encode("latin-1"), owner
        above = {parent for table in (self.files, self.links, self.folders) for parent in _parents(table)}
        for path, target in facts["links"].items():
            if path in above or path in self.files or path in self.folders:
                self._remove(path, itself=True)
            self.links[path] = target
        for path in facts["folders"]:
            self.links.pop(path, None)
            self.folders.add(path)

    def _remove(self, path: str, *, itself: bool) -> None:
        below = f"{path}/" if path else ""
        for table in (self.files, self.owner, self.links):
            for name in [name for name in table if name.startswith(below) or (itself and name == path)]:
                del table[name]
        self.folders -= {name for name in self.folders if name.startswith(below) or (itself and name == path)}

    @property
    def release(self) -> dict[str, str]:
        """What os-release(5) says of the distribution."""
        data = self.files.get("etc/os-release") or self.files.get("usr/lib/os-release") or b""
        pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
        return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}

    def resolve(self, path: str, *, last: bool) -> str:
        """Where a path leads when links of the image are followed; last: also that at its end.

        Raises BuildFailed when they lead around in circles.
        """
        done: list[str] = []
        waiting = path.split("/")[::-1]
        followed = 0
        while waiting:
            step = waiting.pop()
            if step in ("", "."):
                continue
            if step == "..":
                done = done[:-1]
                continue
            here = "/".join([*done, step])
            target = self.links.get(here)
            if target is None or (not waiting and not last):
                done.append(step)
                continue
            followed += 1
            if followed > _MOST_LINKS:
                raise BuildFailed(f"the links of the base lead /{path} around in circles")
            if target.startswith("/"):
                done = []
            waiting += target.split("/")[::-1]
        return "/".join(done)


def _parents(paths: Iterable[str]) -> Iterator[str]:
    """Every folder that a path lies in."""
    for path in paths:
        while path := path.rpartition("/")[0]:
            yield path


def _facts(layer: ImageLayer, store: Store, remote: Remote) -> Any:
    """What one layer says, read now or before."""
    recipe = {"system": VERSION, "layer": layer.layer.diff_id}
    key = digest(recipe, store.fingerprints.algorithm)
    known = store.records.result(key)
    if known and store.blobs.has(known["facts"]["digest"]):
        return json.loads(store.blobs.read(known["facts"]["digest"]))
    remote.fetch([layer], store)
    found = _read(members(store.blobs.path(layer.layer.digest)))
    data = json.dumps(found, sort_keys=True).encode()
    result = {"facts": {"digest": store.blobs.put(data), "size": len(data)}}
    store.records.save(Record(key, f"system {layer.layer.diff_id}", recipe, result))
    return found


def _read(found: Iterable[Member]) -> dict[str, Any]:
    facts: dict[str, Any] = {"files": {}, "links": {}, "folders": [], "gone": [], "opaque": []}
    for member in found:
        path = _clean(member.name)
        parent, _, name = path.rpartition("/")
        if name == _OPAQUE:
            facts["opaque"].append(parent)
        elif name.startswith(WHITEOUT):
            facts["gone"].append(f"{parent}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
        elif member.kind == "folder":
            facts["folders"].append(path)
        elif member.kind == "symlink":
            facts["links"][path] = member.link
        elif member.stream and _DATABASES.fullmatch(path):
            data = member.stream.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise BuildFailed(f"/{path} of the base is larger than {_LARGEST} bytes")
            facts["files"][path] = data.decode("latin-1")
    return facts


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))
