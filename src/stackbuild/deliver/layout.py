"""An image as an OCI layout folder, sharing its blobs with the store by hard link where possible.

Source: OCI image spec, image-layout.md. Blobs come first, index.json last and in one rename, so that
whenever a build is killed the folder holds a whole image, the old one or the new.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ..errors import BuildFailed
from ..oci.model import REF_NAME, Descriptor, Image, canonical_json
from ..store import Store
from ..store.files import TEMPORARY, alone, sync, write_atomically
from ..trace import traced

SUFFIXES = {"oci": "", "oci-archive": ".oci.tar", "docker-archive": ".docker.tar"}
"""Output format -> how the names of its outputs end."""
LAYOUT = canonical_json({"imageLayoutVersion": "1.0.0"})


def root_of(result: Any) -> Descriptor:
    """The descriptor of a result's index, or of its only manifest with its platform."""
    from ..oci.model import parse_platform

    if result["index"]:
        return dict(result["index"])
    image = result["images"][0]
    return {**image["manifest"], "platform": parse_platform(image["platform"])}


def blobs_of(result: Any) -> dict[str, int]:
    """digest -> size of every blob that the result's images consist of."""
    found: dict[str, int] = {}
    for data in result["images"]:
        image = Image.of(data)
        for descriptor in (image.manifest, image.config, *(item.layer.descriptor() for item in image.layers)):
            found[descriptor["digest"]] = descriptor["size"]
    if result["index"]:
        found[result["index"]["digest"]] = result["index"]["size"]
    return found


def index_json(result: Any, tag: str | None) -> bytes:
    """The index.json of a layout that holds the result, named `tag`."""
    entry = root_of(result)
    if tag:
        entry["annotations"] = {REF_NAME: tag}
    return canonical_json({"schemaVersion": 2, "manifests": [entry]})


@traced("write the output")
def write_layout(
    store: Store, result: Any, folder: Path, tag: str | None = None, without: Collection[str] = ()
) -> None:
    """Write the result's images to `folder`, replacing what an earlier build left there.

    without: digests of blobs to leave out, for a reader that has them.
    Raises BuildFailed when the folder holds something else, or cannot be written.
    """
    index = index_json(result, tag)
    wanted = blobs_of(result)
    blobs = folder / "blobs" / "sha256"
    if folder.exists() and not folder.is_dir():
        raise BuildFailed(f"{folder} is a file, and the output is a folder", hint="choose another --output")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            _check_ours(folder)
            _same_file_or_write(folder / "oci-layout", LAYOUT)  # first: it says whose the folder is
            blobs.mkdir(parents=True, exist_ok=True)
            new = [share(store, digest, blobs / _name(digest)) for digest in wanted if digest not in without]
            if any(new):
                sync(blobs)
            _same_file_or_write(folder / "index.json", index)
            _remove_others(blobs, wanted)
    except OSError as error:
        raise BuildFailed(f"cannot write {folder}: {error.strerror}") from error


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _check_ours(folder: Path) -> None:
    """Raise BuildFailed when the folder holds what no build put there: it would be mixed up, or lost."""
    if (folder / "oci-layout").exists():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            number = len(json.loads((folder / "index.json").read_bytes())["manifests"])
            if number > 1:
                raise BuildFailed(
                    f"{folder} holds {number} images, which would be lost", hint="choose another --output"
                )
        return
    for path in folder.iterdir():
        if not _is_output(path):
            raise BuildFailed(
                f"{folder} is no OCI layout and holds '{path.name}'", hint="choose another --output"
            )


def _is_output(path: Path) -> bool:
    """Whether a build made `path`: a layout, a folder of outputs, an archive, or what a kill left of one."""
    if path.is_dir() and not path.is_symlink():
        return (path / "oci-layout").exists() or all(_is_output(inner) for inner in path.iterdir())
    archives = tuple(suffix for suffix in SUFFIXES.values() if suffix)
    return path.name.endswith(archives) or path.name.startswith(TEMPORARY)


def _same_file_or_write(path: Path, data: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    write_atomically(path, data)


def _remove_others(blobs: Path, wanted: Iterable[str]) -> None:
    keep = {_name(digest) for digest in wanted}
    for entry in os.scandir(blobs):
        if entry.name not in keep:
            Path(entry.path).unlink(missing_ok=True)


def share(store: Store, digest: str, target: Path) -> bool:
    """Make `target` the same file as a blob, or a copy where the file systems do not allow that.

    Returns whether anything had to be done. Raises Damaged when a copied blob is not what it should be.
    """
    source = store.blobs.path(digest)
    with contextlib.suppress(FileNotFoundError):
        ours, theirs = source.stat(), target.stat()
        copied = (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)
        if os.path.samestat(ours, theirs) or (copied and ours.st_dev != theirs.st_dev):
            return False
    temp = target.with_name(f"{TEMPORARY}{target.name}")  # one writer: the folder is held
    temp.unlink(missing_ok=True)
    try:
        try:
            temp.hardlink_to(source)
        except OSError:
            _copy(store, digest, temp)
        temp.replace(target)
    finally:
        temp.unlink(missing_ok=True)  # a rename leaves both names when they are one file already
    return True


def _copy(store: Store, digest: str, target: Path) -> None:
    with open(target, "wb") as file:
        for piece in store.blobs.pieces(digest):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    stat = store.blobs.path(digest).stat()
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # by which a whole copy is known
