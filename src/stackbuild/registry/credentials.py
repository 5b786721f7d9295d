"""Credentials, found where `docker login` and `podman login` keep them; nothing is ever written.

Sources: docker-config(5) and docker-credential-helpers' protocol; containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from ..errors import RegistryError
from ..frozen import frozen
from .reference import HUB

_HUB_NAMES = ("https://index.docker.io/v1/", "index.docker.io", HUB, "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9_.-]+\Z")
_HELPER_SECONDS = 60


@frozen
class Credential:
    """A user's name and password, or an identity token for the token server. Never shown."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def secrets(self) -> list[str]:
        """Whatever must never be shown."""
        found = [self.password, self.identity_token]
        if self.password:
            found.append(self.basic().removeprefix("Basic "))
        return [secret for secret in found if secret]


def find(host: str, path: str, environment: Mapping[str, str] = os.environ) -> Credential | None:
    """The credential for a repository of a registry, or None for an anonymous user.

    Looked for in STACKBUILD_REGISTRY_HOST, _USERNAME and _PASSWORD, then in Docker's configuration, then in
    podman's. Raises RegistryError when a file or a helper cannot be used.
    """
    if environment.get("STACKBUILD_REGISTRY_HOST", "").lower() == host:
        return Credential(
            environment.get("STACKBUILD_REGISTRY_USERNAME", ""),
            environment.get("STACKBUILD_REGISTRY_PASSWORD", ""),
        )
    for file in _files(environment):
        document = _read(file)
        if found := _from_helper(document, host, file) or _from_auths(document, host, path, file):
            return found
    return None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or "~").expanduser()
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if chosen := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise RegistryError(f"{file} cannot be read: {error}", hint="correct it, or log in again") from error
    return document if isinstance(document, dict) else {}


def _names(host: str) -> tuple[str, ...]:
    return _HUB_NAMES if host == HUB else (host, f"https://{host}", f"http://{host}")


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _from_helper(document: Mapping[str, Any], host: str, file: Path) -> Credential | None:
    helpers = _table(document, "credHelpers")
    helper = next((helpers[name] for name in _names(host) if name in helpers), document.get("credsStore"))
    if not helper:
        return None
    if not isinstance(helper, str) or not _HELPER.match(helper):
        raise RegistryError(f"{file}: '{helper}' is not the name of a credential helper")
    for name in _names(host)[:1] if host == HUB else (host,):
        if found := _ask(helper, name):
            return found
    return None


def _ask(helper: str, name: str) -> Credential | None:
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=name.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
        said = json.loads(done.stdout) if done.returncode == 0 else None
    except FileNotFoundError:
        raise RegistryError(
            f"the credential helper {program} for {name} is not installed",
            hint="install it, or log in without it",
        ) from None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        raise RegistryError(f"the credential helper {program} gave no credential for {name}") from None
    if not isinstance(said, dict):
        return None  # it has none for this host
    username, secret = str(said.get("Username", "")), str(said.get("Secret", ""))
    return Credential(identity_token=secret) if username == "<token>" else Credential(username, secret)


def _from_auths(document: Mapping[str, Any], host: str, path: str, file: Path) -> Credential | None:
    """The entry for the longest part of host/path; Docker's entries name hosts, podman's repositories too."""
    auths = {
        _normal(name): value for name, value in _table(document, "auths").items() if isinstance(value, dict)
    }
    parts = [host, *path.split("/")]
    for length in range(len(parts), 0, -1):
        entry = auths.get("/".join(parts[:length]))
        if entry and (found := _decode(entry, file, host)):
            return found
    return None


def _normal(name: str) -> str:
    """An entry's name without the scheme and version that old clients wrote."""
    if name in _HUB_NAMES:
        return HUB
    name = name.removeprefix("https://").removeprefix("http://").rstrip("/")
    return re.sub(r"/v[12]\Z", "", name)


def _decode(entry: Mapping[str, Any], file: Path, host: str) -> Credential | None:
    if token := entry.get("identitytoken"):
        return Credential(identity_token=str(token))
    if entry.get("username"):
        return Credential(str(entry["username"]), str(entry.get("password", "")))
    try:
        text = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise RegistryError(f"{file}: the entry of {host} is damaged", hint="log in again") from None
    username, colon, password = text.partition(":")
    return Credential(username, password.rstrip("\0")) if colon else None
