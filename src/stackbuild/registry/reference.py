"""References: which registry, which repository, which tag or digest.

Source: distribution's reference grammar, as `docker pull` reads it; OCI distribution spec, "Pulling
manifests", for the limits of names and tags.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse

from ..digests import is_digest
from ..frozen import frozen

HUB = "docker.io"
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\Z"
)
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_LONGEST = 255


def check_tag(tag: str) -> str:
    """`tag`, if a manifest may be called so. Raises ValueError."""
    if not _TAG.match(tag):
        raise ValueError(f"'{tag}' is not a tag; write letters, digits, _ . and -, at most 128")
    return tag


def _has_port(host: str) -> bool:
    """Whether what follows a host's name, if anything, is a port; and an address in brackets an address."""
    try:
        parts = urllib.parse.urlsplit(f"//{host}")
        if host.startswith("["):
            ipaddress.IPv6Address(parts.hostname or "")
        return parts.port != 0
    except ValueError:
        return False


@frozen(order=True)
class Repository:
    """host: a registry, as "registry.example.com:5000"; path: a repository of it, as "team/app"."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    @classmethod
    def parse(cls, text: str) -> Repository:
        """A repository as `docker push` takes it; Docker Hub's short names included. Raises ValueError."""
        first, slash, rest = text.partition("/")
        is_host = slash and ("." in first or ":" in first or first == "localhost")
        host, path = (first, rest) if is_host else (HUB, text)
        if host in ("index.docker.io", "registry-1.docker.io"):
            host = HUB
        if host == HUB and "/" not in path:
            path = f"library/{path}"
        if not _HOST.match(host) or not _has_port(host):
            raise ValueError(f"'{text}' is not a repository: '{host}' is not a host")
        if len(path) > _LONGEST or not all(map(_PART.match, path.split("/"))):
            hint = " (names are lower-case)" if path != path.lower() else ""
            raise ValueError(f"'{text}' is not a repository: '{path}' is not a repository's name{hint}")
        return cls(host.lower(), path)


@frozen(order=True)
class Reference:
    """A manifest of a repository: by digest if there is one, else by tag."""

    repository: Repository
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def name(self) -> str:
        """What a registry is asked for."""
        return self.digest or self.tag

    @classmethod
    def parse(cls, text: str) -> Reference:
        """`[host/]path[:tag][@digest]`, with Docker's defaults: docker.io, library/, latest.

        Raises ValueError.
        """
        rest, at, digest = text.partition("@")
        if at and not is_digest(digest):
            raise ValueError(f"'{text}' is not an image: '{digest}' is not sha256: and 64 hexadecimal digits")
        start = rest.rfind("/") + 1
        name, colon, tag = rest[start:].partition(":")
        if colon:
            check_tag(tag)
        try:
            repository = Repository.parse(rest[:start] + name)
        except ValueError as error:
            raise ValueError(str(error).replace("is not a repository:", "is not an image:", 1)) from None
        return cls(repository, tag or ("" if digest else "latest"), digest)
