"""An image as an OCI layout folder, sharing its blobs with the store by hard link where possible.

Source: OCI image spec, image-layout.md. Blobs come first, index.json last and in one rename, so that
whenever a build is killed the folder holds a whole image, the old one or the new.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import BuildFailed
from ..oci.model import REF_NAME, Descriptor, Image, canonical_json
from ..store import Store
from ..store.files import TEMPORARY, alone, sync_folder, write_atomically

SUFFIXES = {"oci": "", "oci-archive": ".oci.tar", "docker-archive": ".docker.tar"}
"""Output format -> how the names of its outputs end."""
LAYOUT = canonical_json({"imageLayoutVersion": "1.0.0"})


def root_of(result: Any) -> Descriptor:
    """The descriptor of a result's index, or of its only manifest with its platform."""
    from ..oci.model import parse_platform

    if result["index"]:
        return dict(result["index"])
    image = Image.of(result["images"][0])
    return {**image.manifest, "platform": parse_platform(image.platform)}


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


def write_layout(store: Store, result: Any, folder: Path, tag: str | None = None) -> None:
    """Write the result's images to `folder`, replacing what an earlier build left there.

    Raises BuildFailed when the folder holds something else, or cannot be written.
    """
    index = index_json(result, tag)
    wanted = blobs_of(result)
    blobs = folder / "blobs" / "sha256"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            _check_ours(folder)
            _same_file_or_write(folder / "oci-layout", LAYOUT)  # first: it says whose the folder is
            blobs.mkdir(parents=True, exist_ok=True)
            new = [share(store.blobs.path(digest), blobs / _name(digest)) for digest in wanted]
            if any(new):
                sync_folder(blobs)
            _same_file_or_write(folder / "index.json", index)
            _remove_others(blobs, wanted)
    except OSError as error:
        raise BuildFailed(f"cannot write {error.filename or folder}: {error.strerror}") from error


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _check_ours(folder: Path) -> None:
    """Raise BuildFailed when the folder holds what no build put there: it would be mixed up with ours."""
    if (folder / "oci-layout").exists():
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


def share(source: Path, target: Path) -> bool:
    """Make `target` the same file as `source`, or a copy where the file systems do not allow that.

    Returns whether anything had to be done.
    """
    with contextlib.suppress(FileNotFoundError):
        ours, theirs = source.stat(), target.stat()
        copied = ours.st_dev != theirs.st_dev and (ours.st_size, ours.st_mtime_ns) == (
            theirs.st_size,
            theirs.st_mtime_ns,
        )
        if copied or os.path.samestat(ours, theirs):
            return False
    temp = target.with_name(f"{TEMPORARY}{target.name}")  # one writer: the folder is held
    temp.unlink(missing_ok=True)
    try:
        try:
            temp.hardlink_to(source)
        except OSError:
            shutil.copy2(
                source, temp
            )  # by reference where the system can; its time tells it was copied whole
            with open(temp, "rb") as file:
                os.fsync(file.fileno())
        temp.replace(target)
    finally:
        temp.unlink(missing_ok=True)  # a rename leaves both names when they are one file already
    return True
