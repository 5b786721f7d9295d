"""Images on disk as a source: an OCI layout folder, an OCI archive, or a docker archive.

Everything in them is outside data: each blob is checked against its digest on its way into the store, no
member's name becomes a path, and documents have a size limit.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from ..digests import check_digest, digest_of
from ..errors import BuildFailed, DigestMismatch, RegistryError
from ..layer.read import compression_of, decompressed
from ..layer.write import Layer
from ..registry.documents import media_type_of
from ..store import Store
from .documents import adopt, layers_of, put
from .model import (
    CONFIG,
    INDEX,
    LAYER,
    MANIFEST,
    Descriptor,
    Image,
    ImageLayer,
    canonical_json,
    oci_type,
    platform_text,
)

DOCUMENT_LIMIT = 4 << 20  # bytes; as registries limit manifests
_PIECE = 1 << 20


class Files(Protocol):
    """Named byte streams: a folder or a tar, seen alike."""

    name: str

    def open(self, path: str) -> IO[bytes] | None: ...


class FolderFiles:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.name, self._folder = folder.name, folder

    def open(self, path: str) -> IO[bytes] | None:
        try:
            return open(self._folder / path, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None


class TarFiles:
    """The members of a tar; a compressed one is unpacked into the folder `temp` first."""

    def __init__(self, path: Path, temp: Path) -> None:
        self.name = path.name
        try:
            self._tar = tarfile.open(fileobj=_seekable(path, temp), mode="r:")  # noqa: SIM115  as long as the build
            members = self._tar.getmembers()
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BuildFailed(f"{path.name} is no OCI layout, OCI archive or docker archive") from error
        self._members = {member.name.removeprefix("./"): member for member in members}

    def open(self, path: str) -> IO[bytes] | None:
        member = self._members.get(path)
        try:
            return self._tar.extractfile(member) if member else None
        except (KeyError, RecursionError, tarfile.TarError):
            return None


def _seekable(path: Path, temp: Path) -> IO[bytes]:
    file: IO[bytes] = open(path, "rb")  # noqa: SIM115  lives as long as the build
    compressed = compression_of(file.read(6))
    file.seek(0)
    if not compressed:
        return file
    file.close()
    unpacked: IO[bytes] = tempfile.TemporaryFile(dir=temp)  # noqa: SIM115
    with decompressed(path) as stream:
        for piece in _pieces(stream):
            unpacked.write(piece)
    unpacked.seek(0)
    return unpacked


def _pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def may_be_image(path: Path) -> bool:
    """Whether a path is a file, or a folder that says of itself that it is a layout."""
    return path.is_file() or (path / "index.json").is_file()


class ImageSource:
    """Images in an OCI layout (folder or archive) or a docker archive at `path`; temp: a folder to work in.

    Raises BuildFailed when it is none of them.
    """

    def __init__(self, path: Path, temp: Path) -> None:
        self.files: Files = FolderFiles(path) if path.is_dir() else TarFiles(path, temp)
        self.is_docker = self.files.open("index.json") is None
        if self.is_docker and self.files.open("manifest.json") is None:
            raise BuildFailed(
                f"{self.files.name} holds neither an OCI index.json nor a docker manifest.json",
                hint="give an OCI layout folder, an OCI archive or a docker archive",
            )

    def _bytes(self, name: str, digest: str | None = None, size: int | None = None) -> bytes:
        """A document as it is."""
        stream = self.files.open(name)
        if stream is None:
            raise BuildFailed(f"{self.files.name} lacks {name}")
        with stream:
            data = stream.read(DOCUMENT_LIMIT + 1)
        if len(data) > DOCUMENT_LIMIT:
            raise BuildFailed(f"{self.files.name}: {name} is larger than {DOCUMENT_LIMIT} bytes")
        if digest is not None and (digest_of(data) != digest or size not in (None, len(data))):
            raise DigestMismatch(f"{self.files.name}: {name} is not what its descriptor says")
        return data

    def _document(self, name: str, digest: str | None = None, size: int | None = None) -> Any:
        data = self._bytes(name, digest, size)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BuildFailed(f"{self.files.name}: {name} is not JSON") from error
        if not isinstance(value, (dict, list)):
            raise BuildFailed(f"{self.files.name}: {name} is not a JSON object")
        return value

    def _blob_document(self, descriptor: Descriptor) -> dict[str, Any]:
        return dict(self._document(_blob_name(descriptor), descriptor["digest"], descriptor.get("size")))

    def image(self, platform: str, store: Store) -> Image:
        """The image for a platform, its blobs brought into the store.

        Raises BuildFailed when there is none, or several; DigestMismatch when bytes are not what they claim.
        """
        try:
            found = self._docker_images(store) if self.is_docker else self._oci_images(store, platform)
        except RegistryError as error:
            raise BuildFailed(f"{self.files.name} is malformed: {error.what}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise BuildFailed(f"{self.files.name} is malformed: {type(error).__name__} {error}") from error
        fitting = [image for image in found if image.platform == platform]
        if not fitting:
            have = ", ".join(sorted({image.platform for image in found})) or "no image"
            raise BuildFailed(f"{self.files.name} has no image for {platform}", hint=f"it has {have}")
        if len({image.manifest["digest"] for image in fitting}) > 1:
            raise BuildFailed(
                f"{self.files.name} holds {len(fitting)} images for {platform}",
                hint="keep one image in a layout",
            )
        return fitting[0]

    def platforms(self) -> list[str]:
        """The platforms that there are images for. Raises BuildFailed."""
        try:
            if self.is_docker:
                return [
                    platform_text(self._document(item["Config"])) for item in self._document("manifest.json")
                ]
            found = []
            for descriptor in self._manifests(self._document("index.json"), depth=0):
                said = descriptor.get("platform")
                if not said:
                    said = self._blob_document(self._blob_document(descriptor)["config"])
                found.append(platform_text(said))
            return found
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise BuildFailed(f"{self.files.name} is malformed: {type(error).__name__} {error}") from error

    def _oci_images(self, store: Store, platform: str) -> list[Image]:
        images = []
        for descriptor in self._manifests(self._document("index.json"), depth=0):
            said = descriptor.get("platform")
            if said and platform_text(said) != platform:
                images.append(Image(platform_text(said), descriptor, {}, ()))  # named in messages, not read
                continue
            images.append(self._oci_image(descriptor, store, platform))
        return images

    def _manifests(self, index: dict[str, Any], depth: int) -> Iterator[Descriptor]:
        if depth > 3:
            raise BuildFailed(f"{self.files.name}: indexes are nested too deeply")
        for descriptor in index["manifests"]:
            if (descriptor.get("platform") or {}).get("os") == "unknown":
                continue  # an attestation, not an image
            kind = oci_type(descriptor["mediaType"])
            if kind == INDEX:
                yield from self._manifests(self._blob_document(descriptor), depth + 1)
            elif kind == MANIFEST:
                yield descriptor

    def _oci_image(self, of: Descriptor, store: Store, platform: str) -> Image:
        manifest = self._blob_document(of)
        media_type_of(canonical_json(manifest), of["mediaType"])
        config = self._blob_document(manifest["config"])
        layers, found = layers_of(manifest, config), platform_text(config)
        if found == platform:
            for descriptor, item in zip(manifest["layers"], layers, strict=True):
                self._receive(descriptor, item.layer.diff_id, store)
        return self._kept(of, manifest["config"], found, layers, store) or adopt(store, found, config, layers)

    def _kept(
        self,
        manifest: Descriptor,
        config: Descriptor,
        platform: str,
        layers: tuple[ImageLayer, ...],
        store: Store,
    ) -> Image | None:
        """An image with its own documents, as a registry's has, when they are in OCI's form."""
        if manifest["mediaType"] != MANIFEST or config.get("mediaType") != CONFIG:
            return None
        stored = [
            put(store, kind, self._bytes(_blob_name(item), item["digest"], item.get("size")))
            for kind, item in ((MANIFEST, manifest), (CONFIG, config))
        ]
        return Image(platform, stored[0], stored[1], layers)

    def _receive(self, descriptor: Descriptor, diff_id: str, store: Store) -> None:
        digest = check_digest(descriptor["digest"])
        if not store.blobs.has(digest, descriptor["size"]):
            stream = self.files.open(_blob_name(descriptor))
            if stream is None:
                raise BuildFailed(f"{self.files.name} lacks the blob {digest}")
            with stream:
                _, size = store.blobs.receive(_pieces(stream), digest)
            if size != descriptor["size"]:
                raise DigestMismatch(
                    f"{self.files.name}: the size of {digest} is not what its descriptor says"
                )
        _check_diff_id(store, digest, diff_id)

    def _docker_images(self, store: Store) -> list[Image]:
        return [self._docker_image(item, store) for item in self._document("manifest.json")]

    def _docker_image(self, item: dict[str, Any], store: Store) -> Image:
        config = dict(self._document(item["Config"]))
        diff_ids = [check_digest(diff_id) for diff_id in config["rootfs"]["diff_ids"]]
        if len(diff_ids) != len(item["Layers"]):
            raise BuildFailed(f"{self.files.name}: the configuration and the manifest disagree on layers")
        layers = []
        for name, diff_id in zip(item["Layers"], diff_ids, strict=True):
            stream = self.files.open(name)
            if stream is None:
                raise BuildFailed(f"{self.files.name} lacks the layer {name}")
            with stream:
                compression = compression_of(stream.read(6))
                stream.seek(0)
                if compression not in ("", "gzip", "zstd"):
                    raise BuildFailed(f"{self.files.name}: the layer {name} is compressed with {compression}")
                suffix = f"+{compression}" if compression else ""
                digest, size = store.blobs.receive(_pieces(stream), None if suffix else diff_id)
            if suffix:
                _check_diff_id(store, digest, diff_id)
            layers.append(ImageLayer(Layer(LAYER + suffix, digest, size, diff_id)))
        return adopt(store, platform_text(config), config, tuple(layers))


def _blob_name(descriptor: Descriptor) -> str:
    return "blobs/" + check_digest(descriptor["digest"]).replace(":", "/")


def _check_diff_id(store: Store, digest: str, diff_id: str) -> None:
    with decompressed(store.blobs.path(digest)) as stream:
        hasher = hashlib.sha256()
        for piece in _pieces(stream):
            hasher.update(piece)
    if "sha256:" + hasher.hexdigest() != diff_id:
        raise DigestMismatch(f"layer {digest} unpacks to something else than its diff_id {diff_id}")
