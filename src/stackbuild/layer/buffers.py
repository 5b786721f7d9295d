"""Memory for chunks on their way, used again and again: the kernel gives fresh memory page by page, while the
interpreter waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..keys import Data

_GRAIN = 512 << 10  # bytes: chunks are of all sizes, and one a little larger shall fit, too


class Buffers:
    """Buffers that are not in use now. Threads may share it."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> memoryview:
        """`size` bytes to write to, whatever is in them."""
        with self._lock:
            fitting = [buffer for buffer in self._free if len(buffer) >= size]
            buffer = min(fitting or self._free, key=len, default=bytearray())
            self._free = [other for other in self._free if other is not buffer]
        if len(buffer) < size:
            buffer = bytearray(-(-size // _GRAIN) * _GRAIN)
        return memoryview(buffer)[:size]

    def giving(self, data: Data) -> Callable[[object], None]:
        """What, called when something is done, takes back what `take` gave and nobody uses any more; anything
        else is left alone."""

        def give(_: object) -> None:
            if isinstance(data, memoryview) and isinstance(data.obj, bytearray):
                with self._lock:
                    self._free.append(data.obj)

        return give
