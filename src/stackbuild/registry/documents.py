"""Manifests and indexes as bytes from outside: which of the two they are, beyond doubt."""

from __future__ import annotations

import json
from typing import Any

from ..errors import RegistryError

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
TYPES = INDEX_TYPES + IMAGE_TYPES


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises RegistryError when it is none."""
    try:
        document = json.loads(data)
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate cannot be written again
    except (ValueError, RecursionError):
        raise RegistryError("the document is not JSON") from None
    if not isinstance(document, dict):
        raise RegistryError("the document is not a JSON object")
    return document


def media_type_of(data: bytes, said: str) -> str:
    """The media type of a manifest or index; said: what its descriptor or its Content-Type says, if anything.

    Raises RegistryError when it cannot be told for sure: a document that one reads as an index and another as
    a manifest is refused (CVE-2021-41190; image spec, manifest.md, "mediaType").
    """
    document = parse(data)
    is_index, is_image = "manifests" in document, "layers" in document or "config" in document
    if is_index and is_image:
        raise RegistryError("the manifest is ambiguous: it has both 'manifests' and 'layers'")
    if document.get("schemaVersion") != 2 or not (is_index or is_image):
        raise RegistryError("it is neither an image manifest nor an index of schema version 2")
    inner = document.get("mediaType") or said
    if said in TYPES and inner != said:
        raise RegistryError(f"the media type is said to be {said}, but the document has {inner}")
    fitting = INDEX_TYPES if is_index else IMAGE_TYPES
    if inner in TYPES and inner not in fitting:
        raise RegistryError(f"the media type {inner} contradicts the document")
    return str(inner) if inner in TYPES else fitting[0]
