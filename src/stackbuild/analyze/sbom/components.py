"""The packages of an image: those that targets installed, and those that the databases of other layers
name."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ...ecosystems.deb.dpkg import is_database, registered
from ...ecosystems.ecosystem import Package
from ...ecosystems.system import System
from ...errors import BuildFailed
from ...frozen import frozen
from ...oci.model import Image, ImageLayer
from ...oci.remote import Remote
from ...store import Store


@frozen
class Component:
    """One package in an image. digest: of its archive, "" when nobody knows; layer: digest of the one that it
    is in; depends: the `key` of others."""

    key: str
    name: str
    version: str
    purl: str
    license: str = ""
    digest: str = ""
    url: str = ""
    layer: str = ""
    depends: tuple[str, ...] = ()


def components(image: Image, store: Store, remote: Remote) -> list[Component]:
    """Every package of an image, sorted. Raises StackbuildError when a database is malformed."""
    found = list(_locked(image.layers, store))
    others = [layer for layer in image.layers if not layer.packages]
    known = {_identity(component) for component in found}
    for component in _registered(System.of(others, store, remote)):
        if _identity(component) not in known:
            found.append(component)
    return sorted(found, key=lambda item: (item.purl, item.key, item.layer))


def _identity(component: Component) -> str:
    """What two components have in common that are one package: dpkg has a name once, others a version too."""
    name = component.purl.partition("?")[0].rpartition("@")[0]
    return name if name.startswith("pkg:deb/") else f"{name}@{component.version}"


def _locked(layers: Sequence[ImageLayer], store: Store) -> Iterator[Component]:
    """The packages of layers that list them."""
    here = {layer.layer.digest for layer in layers}
    for document in dict.fromkeys(layer.packages for layer in layers if layer.packages):
        for data in json.loads(store.blobs.read(document)):
            purl, layer, _ = (data.pop(name) for name in ("purl", "layer", "ecosystem"))
            package = Package.of(data)
            if layer in here:
                key = f"{document} {package.key}"
                depends = tuple(f"{document} {other}" for other in package.depends)
                yield Component(
                    key,
                    package.name,
                    package.version,
                    purl,
                    package.license,
                    package.digest,
                    package.url,
                    layer,
                    depends,
                )


def _registered(system: System) -> Iterator[Component]:
    """The packages that databases name: dpkg's, apk's, and the metadata of Python distributions."""
    distribution = system.release
    for path, data in sorted(system.files.items()):
        text, layer = data.decode("utf-8", "replace"), system.owner[path]
        try:
            if path.endswith(".dist-info/METADATA"):
                yield _python(path, text, layer)
            elif is_database(path):
                yield from _dpkg(data, layer, distribution)
            elif path.endswith("lib/apk/db/installed"):
                yield from _apk(text, layer, distribution)
        except (KeyError, ValueError) as error:
            raise BuildFailed(f"/{path} is malformed: {error}") from error


def _qualified(kind: str, name: str, version: str, arch: str, distribution: dict[str, str]) -> str:
    vendor = distribution.get("ID", {"deb": "debian", "apk": "alpine"}[kind])
    release = distribution.get("VERSION_ID")
    distro = f"&distro={quote(f'{vendor}-{release}')}" if release else ""
    return f"pkg:{kind}/{quote(vendor)}/{quote(name)}@{quote(version)}?arch={quote(arch)}{distro}"


def _dpkg(data: bytes, layer: str, distribution: dict[str, str]) -> Iterator[Component]:
    for item in registered(data):
        purl = _qualified("deb", item.name, item.version, item.architecture, distribution)
        yield Component(f"{layer} deb {item.name}", item.name, item.version, purl, layer=layer)


def _apk(text: str, layer: str, distribution: dict[str, str]) -> Iterator[Component]:
    for block in re.split(r"\n\s*\n", text.strip()):
        fields = {line[:1]: line[2:].strip() for line in block.splitlines() if line[1:2] == ":"}
        if fields:
            name, version = fields["P"], fields["V"]
            purl = _qualified("apk", name, version, fields.get("A", "noarch"), distribution)
            yield Component(f"{layer} apk {name}", name, version, purl, fields.get("L", ""), layer=layer)


def _python(path: str, text: str, layer: str) -> Component:
    """A distribution by its core metadata (https://packaging.python.org/specifications/core-metadata)."""
    from packaging.utils import canonicalize_name

    fields: Any = email.parser.Parser(policy=email.policy.compat32).parsestr(text, headersonly=True)
    name, version = str(fields["Name"] or ""), str(fields["Version"] or "")
    if not name or not version:
        raise ValueError("it has no name or no version")
    said = fields["License-Expression"] or fields["License"] or ""
    license = str(said).splitlines()[0] if said else ""
    purl = f"pkg:pypi/{quote(canonicalize_name(name))}@{quote(version)}"
    return Component(f"{layer} {path}", name, version, purl, license, layer=layer)
