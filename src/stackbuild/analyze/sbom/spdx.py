"""SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), as JSON."""

from __future__ import annotations

from typing import Any

from .components import Component
from .document import Bill
from .licenses import expression

_DOCUMENT, _IMAGE = "SPDXRef-DOCUMENT", "SPDXRef-Image"
_NONE = "NOASSERTION"


def spdx(bill: Bill) -> dict[str, Any]:
    """The image, its layers and their packages; each layer contains packages, and packages depend on
    others."""
    ids = {item.key: f"SPDXRef-Package-{number}" for number, item in enumerate(bill.components)}
    layers = {item.layer.digest: f"SPDXRef-Layer-{number}" for number, item in enumerate(bill.image.layers)}
    invented: dict[str, str] = {}
    relations = [(_DOCUMENT, "DESCRIBES", _IMAGE)]
    relations += [(_IMAGE, "CONTAINS", name) for name in layers.values()]
    for item in bill.components:
        relations.append((layers[item.layer], "CONTAINS", ids[item.key]))
        relations += [(ids[item.key], "DEPENDS_ON", ids[other]) for other in item.depends if other in ids]
    packages = [_image(bill), *(_layer(digest, name) for digest, name in layers.items())]
    packages += [_package(item, ids[item.key], invented) for item in bill.components]
    found: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": bill.name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{bill.tool[0]}-{bill.identity}",
        "creationInfo": {"created": bill.created, "creators": [f"Tool: {'-'.join(bill.tool)}"]},
        "packages": packages,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }
    if invented:
        found["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "extractedText": text, "name": text}
            for name, text in sorted(invented.items())
        ]
    return found


def _checksum(digest: str) -> list[dict[str, str]]:
    algorithm, _, value = digest.partition(":")
    return [{"algorithm": algorithm.upper(), "checksumValue": value}] if value else []


def _described(name: str, identity: str, purpose: str, digest: str) -> dict[str, Any]:
    return {
        "SPDXID": identity,
        "name": name,
        "versionInfo": digest,
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "primaryPackagePurpose": purpose,
        "checksums": _checksum(digest),
        "licenseConcluded": _NONE,
        "licenseDeclared": _NONE,
        "copyrightText": _NONE,
    }


def _image(bill: Bill) -> dict[str, Any]:
    digest = str(bill.image.manifest["digest"])
    return {**_described(bill.name, _IMAGE, "CONTAINER", digest), "externalRefs": [_purl(bill.purl)]}


def _layer(digest: str, identity: str) -> dict[str, Any]:
    return _described(digest, identity, "ARCHIVE", digest)


def _package(item: Component, identity: str, invented: dict[str, str]) -> dict[str, Any]:
    license, names = expression(item.license)
    invented |= names
    return {
        "SPDXID": identity,
        "name": item.name,
        "versionInfo": item.version,
        "downloadLocation": item.url if item.url.startswith("http") else _NONE,
        "filesAnalyzed": False,
        "checksums": _checksum(item.digest),
        "licenseConcluded": _NONE,
        "licenseDeclared": license or _NONE,
        "copyrightText": _NONE,
        "externalRefs": [_purl(item.purl)],
    }


def _purl(purl: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
