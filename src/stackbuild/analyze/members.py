"""What a layer says, member by member: deletions told from files, and names as paths below the root.

Source: OCI image spec, layer.md, "Representing Changes".
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import BuildFailed
from ..layer.entry import WHITEOUT
from ..layer.read import Checked, decompressed
from ..layer.unpack import tar_headers

Kind = Literal["file", "folder", "symlink", "hardlink", "device", "pipe", "whiteout", "opaque"]
_KINDS: dict[bytes, Kind] = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}
_OPAQUE = f"{WHITEOUT}{WHITEOUT}.opq"
_LONGEST = 4096  # characters of a path, as systems limit it


class LayerMember(NamedTuple):
    """path: "" for the root; of a whiteout the path that it deletes, of an opaque one the folder. link: where
    a symlink leads, a hard link's path, or a device's type and numbers. content: of a file."""

    path: str
    kind: Kind
    header: tarfile.TarInfo
    link: str = ""
    content: Checked | None = None


def layer_members(blob: Path) -> Iterator[LayerMember]:
    """The members of a layer blob in order; a file's content is to be read before the next is asked for.

    Raises BuildFailed when it is damaged.
    """
    with decompressed(blob) as stream:
        for tar, header in tar_headers(stream):
            yield _member(tar, header)


def _member(tar: tarfile.TarFile, header: tarfile.TarInfo) -> LayerMember:
    for name in (header.name, header.linkname):
        if len(name) > _LONGEST:
            what = f"a layer has a path of {len(name)} characters"
            raise BuildFailed(f"{what}, and no system takes more than {_LONGEST} characters: {name[:80]}…")
    path = _clean(header.name)
    parent, _, name = path.rpartition("/")
    if name == _OPAQUE:
        return LayerMember(parent, "opaque", header)
    if name.startswith(WHITEOUT):
        return LayerMember(posixpath.join(parent, name.removeprefix(WHITEOUT)), "whiteout", header)
    kind = _KINDS.get(header.type, "file")
    if kind == "file":
        return LayerMember(path, kind, header, content=Checked(tar.extractfile(header)))
    return LayerMember(path, kind, header, _link(kind, header))


def _link(kind: Kind, header: tarfile.TarInfo) -> str:
    if kind == "device":
        return f"{'b' if header.isblk() else 'c'} {header.devmajor}:{header.devminor}"
    if kind == "hardlink":
        return _clean(header.linkname)
    return header.linkname if kind == "symlink" else ""


def _clean(name: str) -> str:
    """A member's name as a path from the root, which ".." does not leave."""
    return posixpath.normpath("/" + name.lstrip("/"))[1:]
