"""A client of the OCI distribution spec: manifests and blobs of any number of registries.

It stands alone: it knows digests and references, and nothing of stores, layers or targets.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from ..digests import check_digest, digest_of
from ..errors import DigestMismatch, RegistryError, StackbuildError
from .auth import Authorizer, Scopes, login_hint
from .credentials import Credential, find
from .documents import TYPES, media_type_of
from .reference import HUB, Reference, Repository
from .transport import BACKOFF, TRIES, Answer, Body, Broken, Cancelled, Transport, origin
from .upload import Upload

MANIFEST_LIMIT = 4 << 20  # bytes; what registries take at most (distribution spec, "Pushing Manifests")
_ERROR_LIMIT = 1 << 16
_HUB_API = "registry-1.docker.io"
Progress = Callable[[int], None]
"""Told how many more bytes have gone through."""


@dataclass(frozen=True)
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
        self.tries, self._find = tries, find
        self._auth = Authorizer(self.transport, find, realms)

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
        with self._doing(reference.repository, f"cannot read {reference.name}"):
            answer = self._manifest("GET", reference)
            data = answer.read(MANIFEST_LIMIT)
            found = digest_of(data)
            claimed = reference.digest or answer.headers.get("Docker-Content-Digest") or found
            if check_digest(claimed) != found:
                raise DigestMismatch(f"{reference}: expected {claimed}, the registry sent {found}")
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            return Manifest(media_type_of(data, media_type), found, data)

    def manifest_digest(self, reference: Reference) -> str | None:
        """The digest of what a reference means now, or None when there is no such manifest."""
        with self._doing(reference.repository, f"cannot look up {reference.name}"):
            answer = self._manifest("HEAD", reference, missing=True)
            answer.close()
            if answer.status == 404:
                return None
            claimed = answer.headers.get("Docker-Content-Digest") or reference.digest
            return check_digest(claimed) if claimed else self.manifest(reference).digest

    def _manifest(self, method: str, reference: Reference, *, missing: bool = False) -> Answer:
        url = self.url(reference.repository, f"manifests/{reference.name}")
        answer = self._request(
            method, url, reference.repository, _pull(reference.repository), {"Accept": ", ".join(TYPES)}
        )
        return self.expect(answer, reference.repository, 200, *((404,) if missing else ()))

    def put_manifest(self, repository: Repository, name: str, media_type: str, data: bytes) -> None:
        """Give a manifest or index a tag, or put it under its digest."""
        with self._doing(repository, f"cannot push {name}"):
            answer = self._request(
                "PUT",
                self.url(repository, f"manifests/{name}"),
                repository,
                _push(repository),
                {"Content-Type": media_type},
                data,
            )
            self.expect(answer, repository, 201, 200, 202).close()
            stored = answer.headers.get("Docker-Content-Digest")
            if stored and stored != digest_of(data):
                raise DigestMismatch(f"{repository}: pushed {digest_of(data)}, the registry stored {stored}")

    # -- blobs, down

    def has_blob(self, repository: Repository, digest: str) -> bool:
        """Whether the repository has a blob."""
        with self._doing(repository, f"cannot look up {digest}"):
            url = self.url(repository, f"blobs/{check_digest(digest)}")
            answer = self._request("HEAD", url, repository, _pull(repository))
            self.expect(answer, repository, 200, 404).close()
            return answer.status == 200

    def blob(self, repository: Repository, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a blob from `offset` on; a connection that breaks is taken up where it broke.

        Never more than `size` bytes in all. The caller checks the digest.
        """
        url = self.url(repository, f"blobs/{check_digest(digest)}")

        def request(start: int) -> Answer:
            wanted = {"Range": f"bytes={start}-"} if start else {}
            answer = self._request("GET", url, repository, _pull(repository), wanted)
            return self.expect(answer, repository, 200, 206)

        with self._doing(repository, f"cannot read {digest}"):
            yield from self._resumed(request, digest, size, offset)

    def foreign_blob(self, url: str, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a blob that lies outside of registries (image spec, descriptor.md, "urls").

        No credential is ever sent along.
        """

        def request(start: int) -> Answer:
            wanted = {"Range": f"bytes={start}-"} if start else {}
            answer = self.transport.exchange(
                "GET", self.transport.joined("https://urls.invalid/", url), wanted
            )
            if answer.status not in (200, 206):
                answer.close()
                raise RegistryError(f"{url} answered {answer.status}")
            return answer

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
                if failures >= self.tries or not self.transport.pause(failures):
                    raise
                before = offset

    # -- blobs, up

    def mount(self, repository: Repository, digest: str, origin: Repository) -> str | None:
        """Have a registry take a blob over from another of its repositories.

        Returns None when it did; else where to upload the blob ("" when that must be asked for anew).
        """
        check_digest(digest)
        query = urllib.parse.urlencode({"mount": digest, "from": origin.path})
        url = self.url(repository, f"blobs/uploads/?{query}")
        scopes = _push(repository) | _pull(origin)
        try:
            answer = self._request("POST", url, repository, scopes)
        except Cancelled:
            raise
        except RegistryError:
            return ""  # not every registry, nor every credential, allows it; an upload may still do
        answer.close()
        if answer.status == 201:
            return None
        return self.location(answer) if answer.status == 202 else ""

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
        with self._doing(repository, f"cannot push {digest}"):
            Upload(self, repository, digest, size, open_blob, progress).run(location)

    # -- requests

    def url(self, repository: Repository, rest: str) -> str:
        """The URL of something of a repository."""
        host = _HUB_API if repository.host == HUB else repository.host
        return f"{self.transport.scheme(host)}://{host}/v2/{repository.path}/{rest}"

    def push_request(
        self,
        method: str,
        url: str,
        repository: Repository,
        headers: dict[str, str],
        body: Body | None,
        tries: int | None,
    ) -> Answer:
        """A request of an upload, with the right to push."""
        return self._request(method, url, repository, _push(repository), headers, body, tries=tries)

    def _request(
        self,
        method: str,
        url: str,
        repository: Repository,
        scopes: Scopes,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        *,
        tries: int | None = None,
    ) -> Answer:
        """One request with the authorization it needs, obtained anew when it is refused.

        Authorization goes to the registry's own origin alone.
        """
        own = self._is_own(url, repository)
        used = self._auth.header(repository, scopes) if own else None
        for _ in range(3):  # nothing, a token that just ended, a fresh one
            sent = {**(headers or {}), **({"Authorization": used} if used else {})}
            answer = self.transport.exchange(method, url, sent, body, tries=tries)
            if answer.status != 401 or not own:
                return answer
            used = self._auth.answer(repository, scopes, answer, used)
            if used is None:
                return answer
            answer.close()
        return answer

    def _is_own(self, url: str, repository: Repository) -> bool:
        return origin(url) == origin(self.url(repository, ""))

    def location(self, answer: Answer) -> str:
        """Where an answer says to go on. Raises RegistryError when it does not, or to nowhere sound."""
        location = answer.headers.get("Location", "")
        if not location:
            raise RegistryError("the registry does not say where to upload")
        return self.transport.joined(answer.url, location)

    def expect(self, answer: Answer, repository: Repository, *statuses: int) -> Answer:
        """The answer, if it has one of the statuses. Raises RegistryError."""
        if answer.status in statuses:
            return answer
        said = self._auth.redact(_said(answer))
        hint = ""
        if answer.status in (401, 403):
            hint = login_hint(repository.host, self._find(repository.host, repository.path))
        elif answer.status == 404:
            hint = "see that it exists, and that you may read it"
        raise RegistryError(f"{answer.status}{said and ' '}{said}", hint=hint)

    @contextmanager
    def _doing(self, repository: Repository, what: str) -> Iterator[None]:
        """Puts the registry, the repository and what was tried before whatever goes wrong."""
        try:
            yield
        except Cancelled:
            raise
        except RegistryError as error:
            if error.what.startswith(f"{repository}: "):
                raise
            text = self._auth.redact(f"{repository}: {what}: {error.what}")
            raise RegistryError(text, hint=error.hint) from error


def _pull(repository: Repository) -> Scopes:
    return frozenset({(repository.path, "pull")})


def _push(repository: Repository) -> Scopes:
    return frozenset({(repository.path, "pull,push")})


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


def _said(answer: Answer) -> str:
    """What a registry says of a refusal, in few words (distribution spec, "Error Codes")."""
    try:
        data = answer.read(_ERROR_LIMIT)
        errors = json.loads(data)["errors"]
        found = [f"{error.get('code', '')}: {error.get('message', '')}".strip(": ") for error in errors]
    except (StackbuildError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "; ".join(found)[:200]
