"""Digests: the SHA-256 names of bytes that cross a trust boundary (OCI image spec, descriptor.md)."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from .errors import DigestMismatch

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


def is_digest(text: object) -> bool:
    """Whether `text` is a well-formed sha256 digest."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def check_digest(digest: str) -> str:
    """`digest` itself, if it is a well-formed sha256 digest.

    Raises DigestMismatch otherwise: nothing else may become part of a path or of a URL.
    """
    if not is_digest(digest):
        shown = str(digest)[:100]
        raise DigestMismatch(
            f"'{shown}' is not a digest", hint="a digest is sha256: and 64 hexadecimal digits"
        )
    return digest


def digest_of(data: bytes) -> str:
    """The digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of_file(path: Path) -> str:
    """The digest of a file's bytes. Raises OSError."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
