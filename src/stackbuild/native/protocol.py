"""What both kinds of SHA-256 are: hashlib's, and more where it can be."""

from __future__ import annotations

from typing import Protocol


class Sha256(Protocol):
    """Like hashlib.sha256; one thread at a time may use it. `update` holds no lock."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Sha256: ...

    def state(self) -> bytes | None:
        """What `resume_sha256` goes on from: eight 32-bit words and the 64-bit count of bytes, big-endian.

        None where it cannot be told. Raises ValueError when the count is no multiple of 64.
        """
