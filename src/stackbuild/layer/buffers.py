"""Memory for chunks on their way, used again and again: the kernel gives fresh memory page by page, while the
interpreter waits."""

from __future__ import annotations

from collections.abc import Callable

from ..keys import Data


class Buffers:
    """Buffers that are not in use now. Threads may share it."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self, size: int) -> memoryview:
        """`size` bytes to write to, whatever is in them."""
        try:
            buffer = self._free.pop()
        except IndexError:
            buffer = bytearray()
        if len(buffer) < size:
            buffer = bytearray(size)
        return memoryview(buffer)[:size]

    def giving(self, data: Data) -> Callable[[object], None]:
        """What, called when something is done, takes back what `take` gave and nobody uses any more; anything
        else is left alone."""

        def give(_: object) -> None:
            if isinstance(data, memoryview) and isinstance(data.obj, bytearray):
                self._free.append(data.obj)

        return give
