"""Manifests and configurations of others, checked, and made our own."""

from __future__ import annotations

from typing import Any

from ..digests import check_digest
from ..layer.write import Layer
from ..store import Store
from .model import (
    CONFIG,
    LAYERS,
    MANIFEST,
    Descriptor,
    Image,
    ImageLayer,
    canonical_json,
    make_manifest,
    oci_type,
)


def put_document(store: Store, media_type: str, document: Any) -> Descriptor:
    """Keep a JSON document as a blob; returns its descriptor."""
    return put(store, media_type, canonical_json(document))


def put(store: Store, media_type: str, data: bytes) -> Descriptor:
    """Keep a document's bytes, as they are, as a blob; returns its descriptor."""
    return {"mediaType": media_type, "digest": store.blobs.put(data), "size": len(data)}


def layers_of(manifest: dict[str, Any], config: dict[str, Any], origin: str = "") -> tuple[ImageLayer, ...]:
    """The layers that a manifest and its configuration name, lowest first; origin: where their bytes are.

    Raises ValueError, TypeError, KeyError and DigestMismatch for documents that are not as the image spec
    has them.
    """
    check_config(config)
    diff_ids = [check_digest(item) for item in config["rootfs"]["diff_ids"]]
    descriptors = manifest["layers"]
    if len(diff_ids) != len(descriptors):
        raise ValueError("the configuration and the manifest disagree on layers")
    return tuple(_layer(item, diff_id, origin) for item, diff_id in zip(descriptors, diff_ids, strict=True))


def _layer(descriptor: Descriptor, diff_id: str, origin: str) -> ImageLayer:
    media_type, size = oci_type(descriptor["mediaType"]), descriptor["size"]
    if media_type not in LAYERS:
        raise ValueError(f"a layer has the media type {media_type}, which is none of a layer")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError("a layer's size is no number of bytes")
    urls = descriptor.get("urls") or ()
    if not all(isinstance(url, str) for url in urls):
        raise TypeError("a layer's urls are no strings")
    return ImageLayer(
        Layer(media_type, check_digest(descriptor["digest"]), size, diff_id), origin=origin, urls=tuple(urls)
    )


def check_config(config: dict[str, Any]) -> None:
    """Raise TypeError unless a configuration has the types that the spec gives what images inherit."""
    inner = config.get("config") or {}
    for document, names, kind in (
        (inner, ("Env", "Entrypoint", "Cmd"), list),
        (inner, ("ExposedPorts", "Volumes", "Labels"), dict),
        (config, ("history",), list),
    ):
        for name in names:
            if not isinstance(document.get(name), kind | None):
                raise TypeError(f"its configuration's {name} is no {kind.__name__}")
    if not all(isinstance(item, str) for item in inner.get("Env") or ()):
        raise TypeError("its configuration's Env holds something that is no string")


def adopt(store: Store, platform: str, config: dict[str, Any], layers: tuple[ImageLayer, ...]) -> Image:
    """An image with documents of our own form: whatever format it came in, one comes out."""
    check_config(config)
    described = put_document(store, CONFIG, config)
    return Image(
        platform, put_document(store, MANIFEST, make_manifest(described, layers, {})), described, layers
    )
