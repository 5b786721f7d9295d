"""An image as one tar: an OCI archive (a layout, tarred) or a docker archive (as `docker save` writes)."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

from ..errors import BuildFailed, RequestError
from ..oci.model import Image, canonical_json
from ..store import Store
from ..store.files import publish, temporary
from .layout import LAYOUT, blobs_of, index_json


class _Archive:
    """A tar whose bytes depend on what is put in alone."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, data: bytes) -> None:
        self._tar.addfile(self._info(name, len(data)), io.BytesIO(data))

    def add_file(self, name: str, path: Path) -> None:
        with open(path, "rb") as file:
            self._tar.addfile(self._info(name, path.stat().st_size), file)

    @staticmethod
    def _info(name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o644
        return info


def write_archive(store: Store, result: Any, file: Path, kind: str, tag: str | None = None) -> None:
    """Write the result as `kind` ("oci-archive" or "docker-archive") to `file`, whole or not at all.

    Raises RequestError when a docker archive should hold several platforms, BuildFailed when it cannot be
    written.
    """
    if kind == "docker-archive" and len(result["images"]) > 1:
        raise RequestError("a docker archive holds one platform", hint="choose one with --platform")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary(file.parent) as (out, temp):
            with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
                if kind == "docker-archive":
                    _docker(store, Image.of(result["images"][0]), _Archive(tar), tag)
                else:
                    _oci(store, result, _Archive(tar), tag)
            publish(out, temp, file, 0o644)
    except OSError as error:
        raise BuildFailed(f"cannot write {file}: {error.strerror}") from error


def _oci(store: Store, result: Any, archive: _Archive, tag: str | None) -> None:
    archive.add("oci-layout", LAYOUT)
    archive.add("index.json", index_json(result, tag))
    for digest in sorted(blobs_of(result)):
        archive.add_file("blobs/" + digest.replace(":", "/"), store.blobs.path(digest))


def _docker(store: Store, image: Image, archive: _Archive, tag: str | None) -> None:
    """Layers stay compressed, as `docker load` accepts them; each is written once."""
    names = [f"{item.layer.digest.removeprefix('sha256:')}.tar" for item in image.layers]
    for name, item in dict(zip(names, image.layers, strict=True)).items():
        archive.add_file(name, store.blobs.path(item.layer.digest))
    config = image.config["digest"].removeprefix("sha256:") + ".json"
    archive.add_file(config, store.blobs.path(image.config["digest"]))
    manifest = {"Config": config, "RepoTags": [tag] if tag else None, "Layers": names}
    archive.add("manifest.json", canonical_json([manifest]))
