"""An image as one tar: an OCI archive (a layout, tarred) or a docker archive (as `docker save` writes)."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import BuildFailed, RequestError
from ..oci.model import Image, canonical_json
from ..store import Store
from ..store.files import alone, publish, temporary
from ..trace import traced
from .layout import LAYOUT, blobs_of, index_json


class _Archive:
    """A tar whose bytes depend on what is put in alone."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, data: bytes) -> None:
        self._tar.addfile(self._info(name, len(data)), io.BytesIO(data))

    def add_blob(self, name: str, store: Store, digest: str) -> None:
        """Raises Damaged when the blob is not what its digest says."""
        pieces = store.blobs.pieces(digest)
        self._tar.addfile(self._info(name, store.blobs.path(digest).stat().st_size), _Pieces(pieces))  # type: ignore[arg-type]
        for _ in pieces:
            pass  # lets it come to its end, and so to its check

    @staticmethod
    def _info(name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o644
        return info


class _Pieces:
    """An iterator of bytes as the file that tarfile reads."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._held) < size and (more := next(self._pieces, b"")):
            self._held += more
        found, self._held = self._held[:size], self._held[size:]
        return found


def check_format(result: Any, kind: str, name: str) -> None:
    """Raise RequestError when the result of the target `name` cannot be written as `kind`."""
    if kind == "docker-archive" and len(result["images"]) > 1:
        platforms = ", ".join(image["platform"] for image in result["images"])
        raise RequestError(
            f"a docker archive holds one platform, {name} has {platforms}", hint="choose one with --platform"
        )


@traced("write the output")
def write_archive(store: Store, result: Any, file: Path, kind: str, tag: str | None = None) -> None:
    """Write the result as `kind` ("oci-archive" or "docker-archive") to `file`, whole or not at all.

    Raises BuildFailed when it cannot be written, Damaged when a blob is not what it should be.
    """
    file = file.resolve()
    if file.exists() and not file.is_file():
        raise BuildFailed(f"{file} is no regular file", hint="choose another --output")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with alone(file.parent), temporary(file.parent) as (out, temp):
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
        archive.add_blob("blobs/" + digest.replace(":", "/"), store, digest)


def _docker(store: Store, image: Image, archive: _Archive, tag: str | None) -> None:
    """Layers stay compressed, as `docker load` accepts them; each is written once."""
    names = [f"{item.layer.digest.removeprefix('sha256:')}.tar" for item in image.layers]
    for name, item in dict(zip(names, image.layers, strict=True)).items():
        archive.add_blob(name, store, item.layer.digest)
    config = image.config["digest"].removeprefix("sha256:") + ".json"
    archive.add_blob(config, store, image.config["digest"])
    manifest = {"Config": config, "RepoTags": [tag] if tag else None, "Layers": names}
    archive.add("manifest.json", canonical_json([manifest]))
