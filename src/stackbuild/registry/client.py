"""A client of the OCI distribution spec: manifests and blobs of any number of registries.

It stands alone: it knows digests and references, and nothing of stores, layers or targets.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO

from ..digests import check_digest, digest_of
from ..errors import DigestMismatch, RegistryError
from ..frozen import frozen
from .credentials import Credential, find
from .documents import TYPES, media_type_of
from .failures import Broken
from .reference import Reference, Repository
from .session import Session, pull, push
from .transport import BACKOFF, TRIES, Answer, Cancelled, Transport, shown
from .upload import Upload

MANIFEST_LIMIT = 4 << 20  # bytes; what registries take at most (distribution spec, "Pushing Manifests")
Progress = Callable[[int], None]
"""Told how many more bytes have gone through."""


@frozen
class Manifest:
    """A manifest or index as a registry has it; digest: of `data`."""

    media_type: str
    digest: str
    data: bytes


class Registry:
    """Registries, spoken to over one set of connections; may be shared by threads.

    insecure: hosts that may be spoken to in clear text; realms: hosts that credentials may be sent to beside
    their own; find: (host, path) -> credential. Every method raises RegistryError, in one line that names
    the registry and the repository, when the registry refuses or fails for good, and DigestMismatch when
    it sends something else than was asked for.
    """

    def __init__(
        self,
        insecure: Collection[str] = (),
        realms: Collection[str] = (),
        find: Callable[[str, str], Credential | None] = find,
        backoff: float = BACKOFF,
        tries: int = TRIES,
    ) -> None:
        self.transport = Transport(insecure, backoff, tries)
        self._session = Session(self.transport, find, realms)

    def close(self) -> None:
        """End everything, also what other threads have under way."""
        self.transport.close()

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- manifests

    def manifest(self, reference: Reference) -> Manifest:
        """The manifest or index that a reference means, checked against its digest when it states one."""
        with self._session.doing(reference.repository, f"cannot read {reference.name}"):
            answer = self._manifest("GET", reference)
            data = answer.body
            found = digest_of(data)
            claimed = reference.digest or answer.headers.get("Docker-Content-Digest") or found
            if check_digest(claimed) != found:
                raise DigestMismatch(f"expected {claimed}, the registry sent {found}")
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            return Manifest(media_type_of(data, media_type), found, data)

    def manifest_digest(self, reference: Reference) -> str | None:
        """The digest of what a reference means now, or None when there is no such manifest."""
        with self._session.doing(reference.repository, f"cannot look up {reference.name}"):
            answer = self._manifest("HEAD", reference, missing=True)
            answer.close()
            if answer.status == 404:
                return None
            claimed = answer.headers.get("Docker-Content-Digest") or reference.digest
            return check_digest(claimed) if claimed else self.manifest(reference).digest

    def _manifest(self, method: str, reference: Reference, *, missing: bool = False) -> Answer:
        name = check_digest(reference.digest) if reference.digest else reference.tag
        url = self._session.url(reference.repository, f"manifests/{name}")
        answer = self._session.request(
            method,
            url,
            reference.repository,
            pull(reference.repository),
            {"Accept": ", ".join(TYPES)},
            limit=MANIFEST_LIMIT,
        )
        return self._session.expect(answer, reference.repository, 200, *((404,) if missing else ()))

    def put_manifest(self, repository: Repository, name: str, media_type: str, data: bytes) -> None:
        """Give a manifest or index a tag, or put it under its digest."""
        with self._session.doing(repository, f"cannot push {name}"):
            answer = self._session.request(
                "PUT",
                self._session.url(repository, f"manifests/{name}"),
                repository,
                push(repository),
                {"Content-Type": media_type},
                data,
            )
            self._session.expect(answer, repository, 201, 200, 202).close()
            stored = answer.headers.get("Docker-Content-Digest")
            if stored and stored != digest_of(data):
                raise DigestMismatch(f"pushed {digest_of(data)}, the registry stored {stored}")

    # -- blobs, down

    def has_blob(self, repository: Repository, digest: str) -> bool:
        """Whether the repository has a blob."""
        with self._session.doing(repository, f"cannot look up {digest}"):
            url = self._session.url(repository, f"blobs/{check_digest(digest)}")
            answer = self._session.request("HEAD", url, repository, pull(repository))
            self._session.expect(answer, repository, 200, 404).close()
            return answer.status == 200

    def blob(self, repository: Repository, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a blob from `offset` on; a connection that breaks is taken up where it broke.

        Never more than `size` bytes in all. The caller checks the digest.
        """
        url = self._session.url(repository, f"blobs/{check_digest(digest)}")

        def request(start: int) -> Answer:
            wanted = {"Range": f"bytes={start}-"} if start else {}
            answer = self._session.request("GET", url, repository, pull(repository), wanted)
            return self._session.expect(answer, repository, 200, 206)

        with self._session.doing(repository, f"cannot read {digest}"):
            yield from self._resumed(request, digest, size, offset)

    def foreign_blob(
        self, repository: Repository, url: str, digest: str, size: int, offset: int = 0
    ) -> Iterator[bytes]:
        """The bytes of a blob that a repository's manifest says lies elsewhere (image spec, descriptor.md,
        "urls"). No credential is ever sent along.
        """

        def request(start: int) -> Answer:
            wanted = {"Range": f"bytes={start}-"} if start else {}
            target = self.transport.joined(self._session.url(repository, ""), url)
            answer = self.transport.exchange("GET", target, wanted)
            if answer.status not in (200, 206):
                answer.close()
                raise RegistryError(f"{shown(url)} answered {answer.status}")
            return answer

        with self._session.doing(repository, f"cannot read {digest}"):
            yield from self._resumed(request, digest, size, offset)

    def _resumed(
        self, request: Callable[[int], Answer], digest: str, size: int, offset: int
    ) -> Iterator[bytes]:
        failures, before = 0, offset
        while offset < size:
            try:
                for piece in _from(request(offset), offset):
                    offset += len(piece)
                    if offset > size:
                        raise DigestMismatch(f"{digest} should have {size} bytes, the server sends more")
                    yield piece
                if offset < size:
                    raise Broken(f"{size - offset} bytes of {size} are missing")
            except Broken:
                failures = 1 if offset > before else failures + 1
                if failures >= self.transport.tries or not self.transport.pause(failures):
                    raise
                before = offset

    # -- blobs, up

    def mount(self, repository: Repository, digest: str, origin: Repository) -> str | None:
        """Have a registry take a blob over from another of its repositories.

        Returns None when it did; else where to upload the blob ("" when that must be asked for anew).
        """
        check_digest(digest)
        query = urllib.parse.urlencode({"mount": digest, "from": origin.path})
        url = self._session.url(repository, f"blobs/uploads/?{query}")
        scopes = push(repository) | pull(origin)
        try:
            answer = self._session.request("POST", url, repository, scopes)
        except Cancelled:
            raise
        except RegistryError:
            return ""  # not every registry, nor every credential, allows it; an upload may still do
        answer.close()
        if answer.status == 201:
            return None
        if answer.status != 202 or not answer.headers.get("Location"):
            return ""
        with self._session.doing(repository, f"cannot push {digest}"):
            return self._session.location(answer)

    def upload(
        self,
        repository: Repository,
        digest: str,
        size: int,
        open_blob: Callable[[], BinaryIO],
        location: str = "",
        progress: Progress = lambda size: None,
    ) -> None:
        """Send a blob; what breaks off is taken up where the registry says it stands.

        location: from `mount`; open_blob: gives the bytes, as often as need be.
        """
        with self._session.doing(repository, f"cannot push {digest}"):
            Upload(self._session, repository, digest, size, open_blob, progress).run(location)


def _from(answer: Answer, offset: int) -> Iterator[bytes]:
    """The pieces of an answer from `offset` on; a server that ignores Range sends everything again."""
    skip = 0
    if answer.status == 206:
        start = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
        if start != str(offset):
            answer.close()
            raise RegistryError(f"asked for bytes from {offset}, the server sends them from {start or '?'}")
    else:
        skip = offset
    for piece in answer.pieces():
        if skip >= len(piece):
            skip -= len(piece)
            continue
        yield piece[skip:] if skip else piece
        skip = 0
