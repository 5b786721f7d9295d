"""Archives of Debian packages: a signed Release, and the indexes that it vouches for.

Source: Debian wiki, DebianRepository/Format. Nothing is believed that the signature does not reach: the
keyring vouches for InRelease, InRelease for the indexes, they for the packages.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import functools
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from ...digests import digest_of
from ...errors import BuildFailed, DigestMismatch, RegistryError, RequestError, StoreError
from ...frozen import frozen
from ...layer.read import decompressed
from ...store import Store
from ..ecosystem import Ask
from ..fetch import bounded
from .control import paragraph
from .settings import DebArchive

_RELEASE_LIMIT = 16 << 20
_INDEX_LIMIT = 1 << 30
_SUM = re.compile(r" ([0-9a-f]{64}) +(\d+) +(\S+)")
_COMPRESSIONS = (".xz", ".gz", ".bz2", "")
_MOST_SKEW = datetime.timedelta(days=1)  # that an archive's clock may be ahead of ours


@frozen
class Index:
    """A Packages file. place: the URL that the files it names lie below."""

    place: str
    data: bytes


@frozen
class Release:
    """A verified Release. sums: path below the suite -> (digest, size)."""

    fields: dict[str, str]
    sums: dict[str, tuple[str, int]]


def indexes(ask: Ask, archives: Sequence[DebArchive], architecture: str) -> list[Index]:
    """The Packages files of archives. Raises RegistryError, DigestMismatch, BuildFailed and RequestError."""
    found = []
    for archive in archives:
        release = _release(ask, archive)
        for component in archive.components:
            found += _component(ask, archive, release, component, architecture)
    return found


def _component(
    ask: Ask, archive: DebArchive, release: Release, component: str, architecture: str
) -> list[Index]:
    names = [f"{component}/binary-{architecture}/Packages"]
    apart = "all" in release.fields.get("Architectures", "").split()
    if apart and "Packages" not in release.fields.get("No-Support-for-Architecture-all", "").split():
        names.append(f"{component}/binary-all/Packages")
    found = [
        Index(archive.place, _index(ask, archive, release, name))
        for name in names
        if any(name + suffix in release.sums for suffix in _COMPRESSIONS)
    ]
    if not found:
        known = release.fields.get("Architectures", ""), release.fields.get("Components", "")
        raise BuildFailed(
            f"{archive.place} {archive.suite} has no {component} for {architecture}",
            hint=f"it has {' '.join(known[1].split())} for {' '.join(known[0].split())}",
        )
    return found


def _index(ask: Ask, archive: DebArchive, release: Release, name: str) -> bytes:
    whole = release.sums.get(name)  # unpacked; few archives serve it so, but all say its digest
    if whole and ask.store.blobs.has(*whole):
        return _read_once(ask.store.blobs.path(whole[0]))
    suffix = next(suffix for suffix in _COMPRESSIONS if name + suffix in release.sums)
    digest, size = release.sums[name + suffix]
    if not ask.store.blobs.has(digest, size):
        folder = f"{archive.place}/dists/{archive.suite}"
        places = [f"{folder}/{name}{suffix}"]
        if release.fields.get("Acquire-By-Hash") == "yes":
            hashed = f"{name.rpartition('/')[0]}/by-hash/SHA256/{digest.removeprefix('sha256:')}"
            places.insert(0, f"{folder}/{hashed}")
        for url in places:
            try:
                _receive_index(ask, url, digest, size, f"{archive.suite} {name}")
                break
            except (RegistryError, DigestMismatch):
                if url == places[-1]:
                    raise
    path = ask.store.blobs.path(digest)
    if whole and _keep_unpacked(ask.store, path, whole[0]):
        return _read_once(ask.store.blobs.path(whole[0]))
    return _unpacked(path)


def _keep_unpacked(store: Store, path: Path, digest: str) -> bool:
    """Keep an index as the blob that it is once unpacked, as that takes longer than all else of resolving;
    returns whether there was room, and it is what the release says."""
    data = _unpack(path)
    with contextlib.suppress(StoreError):
        return digest_of(data) == digest and bool(store.blobs.put(data))
    return False


def _receive_index(ask: Ask, url: str, digest: str, size: int, shown: str) -> None:
    try:
        with ask.remote.watch("fetch", shown, size) as progress:
            ask.store.blobs.receive(bounded(ask.remote.download(url), size, progress), digest)
    except DigestMismatch as error:
        raise DigestMismatch(
            f"{url}: {error.what}", hint="the mirror may be in the midst of an update"
        ) from error
    except RegistryError as error:
        raise RegistryError(
            f"cannot fetch {url}: {error.what}", hint="look whether the mirror has it"
        ) from error


@functools.lru_cache(maxsize=8)
def _read_once(path: Path) -> bytes:
    return path.read_bytes()


def _unpack(path: Path) -> bytes:
    with decompressed(path) as stream:
        data = stream.read(_INDEX_LIMIT + 1)
    if len(data) > _INDEX_LIMIT:
        raise BuildFailed(f"an index is larger than {_INDEX_LIMIT} bytes")
    return data


_unpacked = functools.lru_cache(maxsize=8)(_unpack)


def _release(ask: Ask, archive: DebArchive) -> Release:
    url = f"{archive.place}/dists/{archive.suite}/InRelease"
    try:
        signed = ask.remote.document(url, _RELEASE_LIMIT)
    except RegistryError as error:
        raise RegistryError(f"cannot fetch {url}: {error.what}") from error
    release = _read(signed, _keyring(ask, archive), url)
    fields = release.fields
    names = fields.get("Suite"), fields.get("Codename")
    if archive.suite not in names:
        raise BuildFailed(f"{url} is of the suite {names[0]} ({names[1]}), not of {archive.suite}")
    if archive.snapshot is None:
        check_fresh(fields, url)
    return release


@functools.lru_cache(maxsize=16)  # all targets of a run see one release
def _read(signed: bytes, keyring: bytes, url: str) -> Release:
    """A release, its signature verified. Raises BuildFailed."""
    try:
        fields = paragraph(verified(signed, keyring, url).decode())
    except ValueError as error:
        raise BuildFailed(f"{url} is malformed: {error}") from error
    sums = {
        match[3]: (f"sha256:{match[1]}", int(match[2]))
        for line in fields.get("SHA256", "").split("\n")
        if (match := _SUM.fullmatch(line))
    }
    return Release(fields, sums)


def _keyring(ask: Ask, archive: DebArchive) -> bytes:
    if archive.keyring is None:
        return files(__package__).joinpath("debian-archive.asc").read_bytes()
    path = (ask.workspace.root / archive.keyring).resolve()
    try:
        if not path.is_relative_to(ask.workspace.root):
            raise RequestError(f"the keyring '{archive.keyring}' is outside the workspace")
        return path.read_bytes()
    except OSError as error:
        what = f"the keyring '{archive.keyring}' cannot be read: {error.strerror}"
        raise RequestError(what, hint="it is a path below the workspace") from error


def verified(signed: bytes, keyring: bytes, url: str) -> bytes:
    """The text that a cleartext signature covers (RFC 9580, section 7), if a key of the keyring made it.

    Raises BuildFailed.
    """
    import pysequoia

    try:
        certificates = pysequoia.Cert.split_bytes(keyring)
    except Exception as error:  # pysequoia has no family of errors
        raise BuildFailed(f"the keyring for {url} holds no OpenPGP keys: {error}") from error
    if not signed.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----"):
        raise BuildFailed(f"{url} is not signed")
    try:
        return pysequoia.verify(signed, store=lambda _: certificates).bytes or b""
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else "it cannot be read"
        hint = "name the keys that may sign it as `keyring`, or distrust the mirror"
        raise BuildFailed(f"{url} has no good signature: {reason}", hint=hint) from error


def check_fresh(fields: Mapping[str, str], url: str) -> None:
    """Raise BuildFailed when a Release is outdated by its own word, or comes from the future: an old
    one that is served again would bring old holes back."""
    now = datetime.datetime.now(datetime.UTC)
    for name, what in (("Valid-Until", "is out of date since"), ("Date", "is of the future:")):
        if (text := fields.get(name)) is None:
            continue
        try:
            when: datetime.datetime = email.utils.parsedate_to_datetime(text)
            when = when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
        except (ValueError, TypeError) as error:
            raise BuildFailed(f"{url} is malformed: its {name} is {text!r}") from error
        if when < now if name == "Valid-Until" else when > now + _MOST_SKEW:
            raise BuildFailed(
                f"{url} {what} {text}", hint="the mirror is stale, or this machine's clock wrong"
            )
