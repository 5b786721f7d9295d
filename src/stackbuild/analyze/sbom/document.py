"""What both formats of a bill of materials are made from."""

from __future__ import annotations

import json
import uuid
from importlib.metadata import version
from typing import Any, Literal

from ...errors import BuildFailed
from ...frozen import frozen
from ...oci.model import Image
from ...oci.remote import Remote
from ...store import Store
from .components import Component, components

Format = Literal["spdx", "cyclonedx"]


@frozen
class Bill:
    """An image and its packages. name: its address; created: RFC 3339, the image's own; tool: who wrote
    it."""

    name: str
    image: Image
    created: str
    components: list[Component]
    tool: tuple[str, str]

    @property
    def identity(self) -> uuid.UUID:
        """The same for the same image, and for no other."""
        return uuid.uuid5(uuid.NAMESPACE_OID, str(self.image.manifest["digest"]))

    @property
    def purl(self) -> str:
        """The image's package URL, of type oci."""
        word = self.name.rpartition(":")[2].lower()
        return f"pkg:oci/{word}@{str(self.image.manifest['digest']).replace(':', '%3A')}"


def bill(name: str, image: Image, store: Store, remote: Remote) -> Bill:
    """The bill of an image. Raises StackbuildError."""
    config = json.loads(store.blobs.read(image.config["digest"]))
    created = config.get("created")
    if not isinstance(created, str):
        raise BuildFailed(f"the configuration of {name} has no time")
    return Bill(name, image, created, components(image, store, remote), ("stackbuild", version("stackbuild")))


def document(found: Bill, format: Format) -> dict[str, Any]:
    """The bill in a format: SPDX 2.3 or CycloneDX 1.6, as JSON."""
    if format == "spdx":
        from .spdx import spdx

        return spdx(found)
    from .cyclonedx import cyclonedx

    return cyclonedx(found)


def text(found: dict[str, Any]) -> str:
    """A document as it is printed."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
