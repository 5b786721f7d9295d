"""Archives of packages: brought into the store, several at once, each checked against its digest."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import netrc
import os
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..digests import is_digest
from ..errors import BuildFailed, DigestMismatch, RegistryError
from ..keys import digest
from ..registry.transport import is_local
from ..store.records import Record
from ..threads import workers
from ..trace import span, traced
from .ecosystem import Ask, Package

_AT_ONCE = 8
_PIECE = 1 << 20


@traced("fetch packages")
def fetch(ask: Ask, packages: Iterable[Package]) -> None:
    """Bring packages' archives into the store, where it lacks them.

    Raises RegistryError and DigestMismatch, naming the package.
    """
    wanted = {package.digest: package for package in packages}
    with workers(_AT_ONCE, "fetch") as pool:
        for done in [pool.submit(archive, ask, package) for package in wanted.values()]:
            done.result()


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
    try:
        name = f"{package.name} {package.version}"
        with (
            span("fetch", what=name, bytes=package.size),
            ask.remote.watch("fetch", name, package.size) as progress,
        ):
            pieces = bounded(_source(ask, package), package.size, progress)
            if is_digest(package.digest):
                return ask.store.blobs.receive(pieces, package.digest)
            return ask.store.blobs.receive(_checked(pieces, package.digest), None)
    except (RegistryError, DigestMismatch) as error:
        error.what = f"{package.name} {package.version}: cannot fetch {package.url}: {error.what}"
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


def bounded(pieces: Iterator[bytes], size: int, progress: Callable[[int], None]) -> Iterator[bytes]:
    """Bytes on their way in, never more than were said. size: 0 when nobody said; progress: told how many
    came.

    Raises DigestMismatch.
    """
    read = 0
    for piece in pieces:
        read += len(piece)
        if size and read > size:
            raise DigestMismatch(f"it is larger than the {size} bytes that it should have")
        progress(len(piece))
        yield piece


def _checked(pieces: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """Bytes that must have a digest of any kind. Raises DigestMismatch at their end."""
    algorithm, _, expected = digest.partition(":")
    hasher = hashlib.new(algorithm)
    for piece in pieces:
        hasher.update(piece)
        yield piece
    if hasher.hexdigest() != expected:
        raise DigestMismatch(f"expected {digest}, the bytes have {algorithm}:{hasher.hexdigest()}")


def authorization(url: str) -> str | None:
    """The Authorization header that the user's netrc file ($NETRC, else ~/.netrc) gives for a URL's host, if
    it does.

    Only over https, and to this machine. Raises BuildFailed when the file cannot be read.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not is_local(parts.hostname or ""):
        return None
    with contextlib.suppress(FileNotFoundError):
        try:
            found = netrc.netrc(os.environ.get("NETRC") or str(Path.home() / ".netrc")).hosts.get(
                parts.hostname or ""
            )  # not what is for all
        except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise BuildFailed(
                "the netrc file cannot be read", hint="correct it, or make it readable"
            ) from error
        if found and found[2]:
            return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()
    return None
