"""CycloneDX 1.6 (ECMA-424), as JSON."""

from __future__ import annotations

from typing import Any

from .components import Component
from .document import Bill
from .licenses import expression

_ALGORITHMS = {"sha256": "SHA-256", "sha512": "SHA-512"}


def cyclonedx(bill: Bill) -> dict[str, Any]:
    """The image as the subject, its packages as components, each with the layer that it is in."""
    refs = {item.key: f"package-{number}" for number, item in enumerate(bill.components)}
    name, version = bill.tool
    depends = [{"ref": "image", "dependsOn": list(refs.values())}]
    depends += [
        {"ref": refs[item.key], "dependsOn": sorted(refs[other] for other in item.depends if other in refs)}
        for item in bill.components
    ]
    digest = str(bill.image.manifest["digest"])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{bill.identity}",
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "tools": {"components": [{"type": "application", "name": name, "version": version}]},
            "component": {
                "bom-ref": "image",
                "type": "container",
                "name": bill.name,
                "version": digest,
                "purl": bill.purl,
                "hashes": _hashes(digest),
            },
        },
        "components": [_component(item, refs[item.key]) for item in bill.components],
        "dependencies": depends,
    }


def _hashes(digest: str) -> list[dict[str, str]]:
    algorithm, _, value = digest.partition(":")
    return [{"alg": _ALGORITHMS[algorithm], "content": value}] if value else []


def _component(item: Component, ref: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bom-ref": ref,
        "type": "library",
        "name": item.name,
        "version": item.version,
        "purl": item.purl,
        "properties": [{"name": "stackbuild:layer", "value": item.layer}],
    }
    if item.digest:
        found["hashes"] = _hashes(item.digest)
    if item.url.startswith("http"):
        found["externalReferences"] = [{"type": "distribution", "url": item.url}]
    license, invented = expression(item.license)
    if license:
        named = {"license": {"name": item.license}} if license in invented else {"expression": license}
        found["licenses"] = [named]
    return found
