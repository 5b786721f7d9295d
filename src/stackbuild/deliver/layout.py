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
from ..store.files import write_atomically

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
        _check_ours(folder)
        blobs.mkdir(parents=True, exist_ok=True)
        _same_file_or_write(folder / "oci-layout", LAYOUT)
        for digest in wanted:
            share(store.blobs.path(digest), blobs / digest.removeprefix("sha256:"))
        _same_file_or_write(folder / "index.json", index)
        _remove_others(blobs, wanted)
    except OSError as error:
        raise BuildFailed(f"cannot write {error.filename or folder}: {error.strerror}") from error


def _check_ours(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "oci-layout").exists():
        inner = [path for path in folder.iterdir() if path.name not in ("blobs", "index.json")]
        if any(not (path / "oci-layout").exists() for path in inner):
            raise BuildFailed(f"{folder} is not empty and no OCI layout", hint="choose another --output")


def _same_file_or_write(path: Path, data: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    write_atomically(path, data)


def _remove_others(blobs: Path, wanted: Iterable[str]) -> None:
    keep = {digest.removeprefix("sha256:") for digest in wanted}
    for entry in os.scandir(blobs):
        if entry.name not in keep:
            Path(entry.path).unlink(missing_ok=True)


def share(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, or a copy where the file systems do not allow that."""
    with contextlib.suppress(FileNotFoundError):
        if target.samefile(source):
            return
    temp = target.with_name(f".{target.name}.{os.getpid()}")
    temp.unlink(missing_ok=True)
    try:
        try:
            temp.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, temp)  # copies by reference where the system can
        temp.replace(target)
        temp.unlink(missing_ok=True)  # rename leaves both names when they are one file already
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
