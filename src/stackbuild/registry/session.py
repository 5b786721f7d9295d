"""Requests to registries, with the authorization that they need and errors in one line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from ..errors import DigestMismatch, RegistryError, StackbuildError
from .auth import Authorizer, Scopes, login_hint
from .credentials import Credential
from .reference import HUB, Repository
from .transport import Answer, Body, Cancelled, Transport, origin

_ERROR_LIMIT = 1 << 16
_SHOWN = 200  # characters of what a registry says of a refusal
_HUB_API = "registry-1.docker.io"


class Session:
    """What all requests of a client share; may be shared by threads. Methods raise RegistryError."""

    def __init__(
        self,
        transport: Transport,
        find: Callable[[str, str], Credential | None],
        realms: Collection[str],
    ) -> None:
        self.transport, self._find = transport, find
        self._auth = Authorizer(transport, find, realms)

    def url(self, repository: Repository, rest: str) -> str:
        """The URL of something of a repository."""
        host = _HUB_API if repository.host == HUB else repository.host
        return f"{self.transport.scheme(host)}://{host}/v2/{repository.path}/{rest}"

    def request(
        self,
        method: str,
        url: str,
        repository: Repository,
        scopes: Scopes,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        *,
        tries: int | None = None,
        limit: int | None = None,
    ) -> Answer:
        """One request with the authorization it needs, obtained anew when it is refused.

        Authorization goes to the registry's own origin alone.
        """
        own = self._is_own(url, repository)
        used = self._auth.header(repository, scopes) if own else None
        for _ in range(3):  # nothing, a token that just ended, a fresh one
            sent = {**(headers or {}), **({"Authorization": used} if used else {})}
            answer = self.transport.exchange(method, url, sent, body, tries=tries, limit=limit)
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
        said = self._auth.redact(_said(answer))[:_SHOWN]
        hint = ""
        if answer.status in (401, 403):
            hint = login_hint(repository.host, self._find(repository.host, repository.path))
        elif answer.status == 404:
            hint = "see that it exists, and that you may read it"
        raise RegistryError(f"{answer.status}{said and ' '}{said}", hint=hint)

    @contextmanager
    def doing(self, repository: Repository, what: str) -> Iterator[None]:
        """Puts the registry, the repository and what was tried before whatever goes wrong."""
        try:
            yield
        except Cancelled:
            raise
        except (RegistryError, DigestMismatch) as error:
            if error.what.startswith(f"{repository}: "):
                raise
            text = self._auth.redact(f"{repository}: {what}: {error.what}")
            kind = DigestMismatch if isinstance(error, DigestMismatch) else RegistryError
            raise kind(text, hint=error.hint) from error


def pull(repository: Repository) -> Scopes:
    """The right to read a repository."""
    return frozenset({(repository.path, "pull")})


def push(repository: Repository) -> Scopes:
    """The right to read and write a repository."""
    return frozenset({(repository.path, "pull,push")})


def _said(answer: Answer) -> str:
    """What a registry says of a refusal, in few words (distribution spec, "Error Codes")."""
    try:
        errors = json.loads(answer.body or answer.read(_ERROR_LIMIT))["errors"]
        found = [f"{error.get('code', '')}: {error.get('message', '')}".strip(": ") for error in errors]
    except (StackbuildError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return "; ".join(found)
