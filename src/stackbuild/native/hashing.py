"""SHA-256 by the native core: hashlib's cannot tell its state, so that a hash could go on from there."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

from .library import Core

_Hasher = ctypes.c_uint64 * 13  # sha256.rs: eight 32-bit words, a count, 64 bytes that wait
_COUNT = 4  # its place


class _View(ctypes.Structure):
    """Py_buffer of Python's stable ABI."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        *((name, ctypes.c_void_p) for name in ("format", "shape", "strides", "suboffsets", "internal")),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes, _release_buffer.restype = [ctypes.POINTER(_View)], None


class NativeSha256:
    """See Sha256 in the package."""

    __slots__ = ("_core", "_hasher")

    def __init__(self, core: Core) -> None:
        self._core, self._hasher = core, _Hasher()
        self._core.sha256_new(self._hasher)

    @classmethod
    def resume(cls, core: Core, state: bytes) -> NativeSha256:
        """The hash that had this state."""
        resumed = cls(core)
        plain = struct.pack("=8IQ", *struct.unpack(">8IQ", state))
        ctypes.memmove(resumed._hasher, plain, len(plain))
        return resumed

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Hash more bytes, where they lie."""
        if type(data) is bytes:
            self._core.sha256_update(self._hasher, data, len(data))
            return
        view: Any = _View()
        _get_buffer(data, view, 0)
        try:
            self._core.sha256_update(self._hasher, view.buf, view.len)
        finally:
            _release_buffer(view)

    def digest(self) -> bytes:
        """The hash of all bytes so far."""
        digest = ctypes.create_string_buffer(32)
        self._core.sha256_digest(self._hasher, digest)
        return digest.raw

    def hexdigest(self) -> str:
        """The same, as 64 hexadecimal digits."""
        return self.digest().hex()

    def copy(self) -> NativeSha256:
        """Another hash of the same bytes so far."""
        copy = NativeSha256(self._core)
        ctypes.memmove(copy._hasher, self._hasher, ctypes.sizeof(_Hasher))
        return copy

    def state(self) -> bytes:
        """What `resume` goes on from."""
        if self._hasher[_COUNT] % 64:
            raise ValueError(f"{self._hasher[_COUNT]} bytes are no multiple of 64")
        return struct.pack(">8IQ", *struct.unpack_from("=8IQ", self._hasher))
