"""The OCI image spec's words: media types, descriptors, platforms, manifests, indexes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from ..errors import RequestError
from ..frozen import frozen
from ..layer.write import Layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"

DOCKER = {
    "application/vnd.docker.distribution.manifest.v2+json": MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json": INDEX,
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER + "+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": LAYER + "+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": LAYER + "+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar": LAYER,
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": LAYER + "+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": LAYER + "+zstd",
}
"""Media types and the OCI ones of the same meaning: Docker's, and those of layers that were not to be
distributed, which the image spec has given up (media-types.md, layer.md)."""
LAYERS = (LAYER, LAYER + "+gzip", LAYER + "+zstd")

Descriptor = dict[str, Any]
"""mediaType, digest, size, and optionally platform and annotations (image spec, descriptor.md)."""

_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?\Z")


def canonical_json(value: Any) -> bytes:
    """JSON whose bytes depend on the value alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def oci_type(media_type: str) -> str:
    """The OCI media type for a Docker one; others as they are."""
    return DOCKER.get(media_type, media_type)


def parse_platform(text: str) -> dict[str, str]:
    """{"os", "architecture"[, "variant"]} of "os/arch[/variant]". Raises ValueError."""
    if not _PLATFORM.match(text):
        raise ValueError(f"'{text}' is not a platform; write os/architecture, as linux/amd64")
    names = ("os", "architecture", "variant")
    return dict(zip(names, text.split("/"), strict=False))


def platform_text(platform: dict[str, Any]) -> str:
    """ "os/arch[/variant]"; arm64's only variant, v8, is left out, as everywhere."""
    parts = [str(platform.get(name, "")) for name in ("os", "architecture", "variant")]
    if parts[1:] == ["arm64", "v8"]:
        parts[2] = ""
    return "/".join(part for part in parts if part)


def asked_platform(text: str) -> str:
    """The platform that a person asked for, as it is written everywhere. Raises RequestError."""
    try:
        return platform_text(parse_platform(text))
    except ValueError as error:
        raise RequestError(str(error)) from error


@frozen
class ImageLayer:
    """A layer in its place in an image.

    target: what made it, or the base it came with; "" while unknown. origin: the repository, with its
    registry, that has its bytes, which need not be in the store then; urls: where else they are, for layers
    that registries do not keep (image spec, descriptor.md, "urls"). packages: digest of the document that
    lists the packages which a target of packages put in.
    """

    layer: Layer
    target: str = ""
    origin: str = ""
    urls: tuple[str, ...] = ()
    packages: str = ""

    def data(self) -> dict[str, Any]:
        found = {**self.layer.recipe(), "target": self.target}
        if self.origin:
            found |= {"origin": self.origin, "urls": list(self.urls)}
        return found | ({"packages": self.packages} if self.packages else {})

    @classmethod
    def of(cls, data: dict[str, Any]) -> ImageLayer:
        fields = dict(data)
        target, origin, urls, packages = (
            fields.pop(name, "") for name in ("target", "origin", "urls", "packages")
        )
        return cls(Layer(**fields), target, origin, tuple(urls), packages)

    def made_by(self, target: str) -> ImageLayer:
        """The same, made by `target` unless it is known who made it."""
        return self if self.target else replace(self, target=target)


@frozen
class Image:
    """An image for one platform. manifest, config: descriptors; layers: lowest first."""

    platform: str
    manifest: Descriptor
    config: Descriptor
    layers: tuple[ImageLayer, ...]

    def data(self) -> dict[str, Any]:
        layers = [layer.data() for layer in self.layers]
        return {"platform": self.platform, "manifest": self.manifest, "config": self.config, "layers": layers}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Image:
        layers = tuple(ImageLayer.of(layer) for layer in data["layers"])
        return cls(data["platform"], data["manifest"], data["config"], layers)


def make_manifest(
    config: Descriptor, layers: tuple[ImageLayer, ...], annotations: dict[str, str]
) -> dict[str, Any]:
    """An image manifest (image spec, manifest.md)."""
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [item.layer.descriptor() for item in layers],
    }
    return {**manifest, "annotations": annotations} if annotations else manifest


def make_index(manifests: list[Descriptor], annotations: dict[str, str]) -> dict[str, Any]:
    """An image index (image spec, image-index.md)."""
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    return {**index, "annotations": annotations} if annotations else index
