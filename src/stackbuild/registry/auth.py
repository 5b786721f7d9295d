"""Authorization: answers a registry's challenge with a password or a token.

Sources: OCI distribution spec; distribution's "Token Authentication Specification" and "OAuth2 Token
Authentication"; RFC 7235 for the form of challenges.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection
from dataclasses import field

from ..errors import RegistryError
from ..frozen import frozen
from .credentials import Credential
from .reference import HUB, Repository
from .transport import Answer, Transport

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s*(?:,|$)|\s+[^\s=,])")
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_LIMIT = 1 << 16  # bytes of a token answer
_SHORTEST = 60  # seconds that a token lasts when its server does not say (token spec, "expires_in")
_MARGIN = 10  # seconds before its end at which a token is no longer used

_KNOWN_REALMS = {HUB: "auth.docker.io", "registry.gitlab.com": "gitlab.com"}

Scopes = frozenset[tuple[str, str]]
"""(repository's path, actions), as ("team/app", "pull,push")."""


@frozen
class _Token:
    value: str = field(repr=False)
    until: float


def parse_challenge(header: str) -> tuple[str, dict[str, str]] | None:
    """(scheme, parameters) of the first challenge in WWW-Authenticate that can be answered, or None.

    A header may hold several challenges, apart by commas like their parameters (RFC 9110, section 11.6.1).
    """
    starts = list(_SCHEME.finditer(_QUOTED.sub(lambda text: "_" * len(text[0]), header)))
    for number, start in enumerate(starts):
        if start[1].lower() in ("basic", "bearer"):
            end = starts[number + 1].start() if number + 1 < len(starts) else len(header)
            values = _PARAMETER.findall(header[start.end() : end])
            return start[1].lower(), {name.lower(): quoted or plain for name, quoted, plain in values}
    return None


class Authorizer:
    """Authorization headers for the registries of one transport, kept and renewed; shared by threads.

    find: (host, path) -> the credential; realms: hosts that credentials of registries elsewhere may go to.
    """

    def __init__(
        self,
        transport: Transport,
        find: Callable[[str, str], Credential | None],
        realms: Collection[str] = (),
    ) -> None:
        self._transport, self._find, self._realms = transport, find, frozenset(realms)
        self._tokens: dict[tuple[str, Scopes], _Token] = {}
        self._basic: dict[str, str] = {}
        self._secrets: set[str] = set()
        self._lock = threading.RLock()

    def header(self, repository: Repository, scopes: Scopes) -> str | None:
        """What is known to be wanted, or None when nothing was asked for yet."""
        with self._lock:
            if token := self._tokens.get((repository.host, scopes)):
                if time.monotonic() < token.until:
                    return f"Bearer {token.value}"
                del self._tokens[repository.host, scopes]
            return self._basic.get(repository.host)

    def answer(self, repository: Repository, scopes: Scopes, refused: Answer, used: str | None) -> str | None:
        """The header that a refused request (401) should be sent again with, or None when there is none.

        used: the header that was refused. Raises RegistryError when no token is to be had.
        """
        challenge = parse_challenge(refused.headers.get("WWW-Authenticate", ""))
        if challenge is None:
            return None
        with self._lock:
            if (known := self.header(repository, scopes)) and known != used:
                return known  # another thread was quicker
            credential = self._find(repository.host, repository.path)
            if credential:
                self._secrets.update(credential.secrets())
            scheme, values = challenge
            if scheme == "basic":
                if credential is None or not credential.username or credential.basic() == used:
                    return None
                self._basic[repository.host] = credential.basic()
                return credential.basic()
            token = self._fetch(repository, scopes, values, credential, refused.url)
            self._tokens[repository.host, scopes] = token
            self._secrets.add(token.value)
            return f"Bearer {token.value}"

    def redact(self, text: str) -> str:
        """`text` without any secret that was used, for whatever a server sends back."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def _fetch(
        self,
        repository: Repository,
        scopes: Scopes,
        values: dict[str, str],
        credential: Credential | None,
        asked: str,
    ) -> _Token:
        realm = self._realm(repository, asked, values.get("realm", ""), credential)
        query = [("service", values["service"])] if values.get("service") else []
        wanted = [("scope", f"repository:{path}:{actions}") for path, actions in sorted(scopes)]
        headers: dict[str, str] = {}
        if credential and credential.identity_token:
            form = [
                *query,
                ("scope", " ".join(value for _, value in wanted)),
                ("grant_type", "refresh_token"),
                ("client_id", "stackbuild"),
                ("refresh_token", credential.identity_token),
            ]
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            data = urllib.parse.urlencode(form).encode()
            answer = self._transport.exchange("POST", realm, headers, data, limit=_LIMIT)
        else:
            if credential:
                headers["Authorization"] = credential.basic()
            joint = "&" if "?" in realm else "?"
            url = f"{realm}{joint}{urllib.parse.urlencode([*query, *wanted])}"
            answer = self._transport.exchange("GET", url, headers, limit=_LIMIT)
        return self._token(repository, realm, answer, credential)

    def _token(
        self, repository: Repository, realm: str, answer: Answer, credential: Credential | None
    ) -> _Token:
        server = urllib.parse.urlsplit(realm).netloc
        if answer.status != 200:
            login = login_hint(repository.host, credential)
            raise RegistryError(f"the token server {server} answered {answer.status}", hint=login)
        try:
            document = json.loads(answer.body)
            value = document.get("token") or document["access_token"]
            lasts = max(int(document.get("expires_in") or 0), _SHORTEST)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            raise RegistryError(f"the token server {server} gave no token") from None
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise RegistryError(f"the token server {server} gave a malformed token")
        return _Token(value, time.monotonic() + lasts - _MARGIN)

    def _realm(self, repository: Repository, asked: str, realm: str, credential: Credential | None) -> str:
        """The token server's URL, if it is one that the credential may go to. Raises RegistryError."""
        if not realm:
            raise RegistryError("its challenge names no token server")
        url = self._transport.joined(asked, realm)
        server = urllib.parse.urlsplit(url)
        if credential and not self._may_see(repository.host, server.hostname or "", server.netloc):
            raise RegistryError(
                f"it asks for its credentials to be sent to {server.netloc}",
                hint=f'if that is right, add "{server.netloc}" to token_realms in [workspace]',
            )
        return url

    def _may_see(self, registry: str, hostname: str, server: str) -> bool:
        own = urllib.parse.urlsplit(f"//{registry}").hostname or registry
        # A shared parent proves nothing: it may be a hoster's, or a country's.
        return hostname in (own, _KNOWN_REALMS.get(own)) or bool({hostname, server} & self._realms)


def login_hint(host: str, credential: Credential | None) -> str:
    """What to do about a refusal."""
    if credential is None:
        return f"log in with 'docker login {host}' or 'podman login {host}'"
    return f"see whether the credentials for {host} are right and have the rights"
