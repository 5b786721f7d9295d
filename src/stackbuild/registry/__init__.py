"""A client of registries: references, credentials, transport, the flow of the OCI distribution spec.

It knows nothing of the rest and could serve another program:

    with Registry() as registry:
        manifest = registry.manifest(Reference.parse("registry.example.com/team/app:1.2"))
"""

from .client import Manifest, Registry
from .reference import Reference, Repository, check_tag

__all__ = ["Manifest", "Reference", "Registry", "Repository", "check_tag"]
