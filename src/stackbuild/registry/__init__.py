"""A client of registries: references, credentials, transport, the flow of the OCI distribution spec.

It knows nothing of the rest and could serve another program:

    with Registry() as registry:
        manifest = registry.manifest(Reference.parse("registry.example.com/team/app:1.2"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reference import Reference, Repository, check_tag

if TYPE_CHECKING:
    from .client import Manifest, Registry

__all__ = ["Manifest", "Reference", "Registry", "Repository", "check_tag"]


def __getattr__(name: str) -> Any:
    if name in ("Manifest", "Registry"):  # imports TLS and HTTP, which most builds do without
        from . import client

        return getattr(client, name)
    raise AttributeError(name)
