"""Archives of packages: brought into the store, several at once, each checked against its digest."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import netrc
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..digests import is_digest
from ..errors import BuildFailed, DigestMismatch, RegistryError
from ..keys import digest
from ..registry.transport import is_local
from ..store.records import Record
from ..threads import workers
from .ecosystem import Ask, Package

_AT_ONCE = 8
_PIECE = 1 << 20


def fetch(ask: Ask, packages: Iterable[Package]) -> dict[str, str]:
    """The blobs of packages' archives, fetched where the store lacks them: digest -> blob's digest.

    Raises RegistryError and DigestMismatch, naming the package.
    """
    wanted = {package.digest: package for package in packages}
    with workers(_AT_ONCE, "fetch") as pool:
        found = {digest: pool.submit(archive, ask, package) for digest, package in wanted.items()}
        return {digest: future.result() for digest, future in found.items()}


def archive(ask: Ask, package: Package) -> str:
    """The blob of one package's archive, by its SHA-256."""
    if is_digest(package.digest):
        if not ask.store.blobs.has(package.digest):
            _receive(ask, package)
        return package.digest
    key = digest({"archive": package.digest}, ask.store.fingerprints.algorithm)
    known = ask.store.records.result(key)
    if known and ask.store.blobs.has(known["digest"]):
        return str(known["digest"])
    found, size = _receive(ask, package)
    record = {"digest": found, "size": size}
    ask.store.records.save(Record(key, f"archive {package.digest}", {"archive": package.digest}, record))
    return found


def _receive(ask: Ask, package: Package) -> tuple[str, int]:
    algorithm, _, expected = package.digest.partition(":")
    checked = _Checked(_source(ask, package), algorithm, expected, package.size)
    try:
        with ask.remote.watch("fetch", f"{package.name} {package.version}", package.size) as progress:
            claimed = package.digest if algorithm == "sha256" else None
            return ask.store.blobs.receive(checked.pieces(progress), claimed)
    except (RegistryError, DigestMismatch) as error:
        what = f"{package.name} {package.version}: cannot fetch {package.url}: {error.what}"
        error.what = what
        raise


def _source(ask: Ask, package: Package) -> Iterator[bytes]:
    if package.url.startswith("//"):
        yield from _local(ask.workspace.root / package.url[2:], ask.workspace.root)
        return
    yield from ask.remote.download(package.url, authorization(package.url))


def _local(path: Path, root: Path) -> Iterator[bytes]:
    if not path.resolve().is_relative_to(root):
        raise RegistryError("it is outside the workspace")
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise RegistryError(f"it cannot be read: {error.strerror}") from error


class _Checked:
    """Bytes on their way in: never more than were said, and those that the digest says."""

    def __init__(self, source: Iterator[bytes], algorithm: str, expected: str, size: int) -> None:
        self._source, self._expected, self._size = source, expected, size
        self._hash: Any = hashlib.new(algorithm)

    def pieces(self, progress: Any) -> Iterator[bytes]:
        read = 0
        for piece in self._source:
            read += len(piece)
            if self._size and read > self._size:
                raise DigestMismatch(f"it is larger than the {self._size} bytes that it should have")
            self._hash.update(piece)
            progress(len(piece))
            yield piece
        if self._hash.hexdigest() != self._expected:
            raise DigestMismatch(
                f"expected {self._hash.name}:{self._expected}, the bytes have {self._hash.hexdigest()}"
            )


def authorization(url: str) -> str | None:
    """The Authorization header that the user's netrc file gives for a URL's host, if it does.

    Only over https, and to this machine. Raises BuildFailed when the file cannot be read.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not is_local(parts.hostname or ""):
        return None
    with contextlib.suppress(FileNotFoundError):
        try:
            found = netrc.netrc(netrc_file()).hosts.get(parts.hostname or "")  # not what is for all
        except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise BuildFailed(
                "the netrc file cannot be read", hint="correct it, or make it readable"
            ) from error
        if found and found[2]:
            return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()
    return None


def netrc_file() -> str:
    """$NETRC, else ~/.netrc."""
    import os

    return os.environ.get("NETRC") or str(Path.home() / ".netrc")
