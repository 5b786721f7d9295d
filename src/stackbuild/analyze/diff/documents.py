"""What two images say of themselves: configuration, annotations, lists of packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...frozen import frozen
from ...oci.model import Image
from ...store import Store

_NAMES = {
    "Env": "env",
    "Entrypoint": "entrypoint",
    "Cmd": "cmd",
    "WorkingDir": "workdir",
    "User": "user",
    "ExposedPorts": "ports",
    "Volumes": "volumes",
    "Labels": "labels",
    "StopSignal": "stop_signal",
    "Healthcheck": "healthcheck",
}
"""The image spec's fields (config.md) by the names that a BUILD.toml has for them."""
_LAYERS = ("rootfs", "history", "config")  # compared elsewhere


@frozen
class FieldChange:
    """A field that differs. name: of a variable, label or the like, else ""; a, b: None where it is not."""

    field: str
    name: str
    a: Any
    b: Any

    def data(self) -> dict[str, Any]:
        """The change as plain data."""
        return dict(vars(self))


@frozen
class PackageChange:
    """A package that differs. a, b: its versions, none where it is not there."""

    ecosystem: str
    name: str
    a: tuple[str, ...]
    b: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """The change as plain data."""
        return {"ecosystem": self.ecosystem, "name": self.name, "a": list(self.a), "b": list(self.b)}


def read_document(store: Store, digest: str) -> dict[str, Any]:
    """A manifest or configuration in the store."""
    return dict(json.loads(store.blobs.read(digest)))


def config_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[FieldChange]:
    """The fields of two configuration documents that differ, in the order of their names."""
    return _changes(_config_fields(a), _config_fields(b))


def _config_fields(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {
        (name, ""): value for name, value in document.items() if name not in _LAYERS
    }
    for field, value in (document.get("config") or {}).items():
        name = _NAMES.get(field, field)
        if field == "Env" and value:
            found |= {(name, variable): text for variable, _, text in (item.partition("=") for item in value)}
        elif isinstance(value, dict):
            found |= {(name, key): item for key, item in value.items()}
        else:
            found[name, ""] = value
    return {key: value for key, value in found.items() if key[1] or value not in (None, "", [], {})}


def annotation_changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[FieldChange]:
    """The annotations of two manifests that differ."""
    return _changes(_annotations(a), _annotations(b))


def _annotations(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    said = document.get("annotations")
    return {("annotations", name): value for name, value in said.items()} if isinstance(said, dict) else {}


def _changes(a: Mapping[tuple[str, str], Any], b: Mapping[tuple[str, str], Any]) -> list[FieldChange]:
    return [
        FieldChange(*key, a.get(key), b.get(key))
        for key in sorted({*a, *b})
        if (key in a, a.get(key)) != (key in b, b.get(key))
    ]


def package_changes(a: Image, b: Image, store: Store) -> list[PackageChange]:
    """The packages that the targets of two images put in, where their versions differ."""
    ours, theirs = _packages(a, store), _packages(b, store)
    return [
        PackageChange(*key, ours.get(key, ()), theirs.get(key, ()))
        for key in sorted({*ours, *theirs})
        if ours.get(key) != theirs.get(key)
    ]


def _packages(image: Image, store: Store) -> dict[tuple[str, str], tuple[str, ...]]:
    """(ecosystem, name) -> versions."""
    here = {item.layer.digest for item in image.layers}
    found: dict[tuple[str, str], set[str]] = {}
    for document in {item.packages for item in image.layers if item.packages}:
        for package in json.loads(store.blobs.read(document)):
            if package["layer"] in here:
                versions = found.setdefault((package["ecosystem"], package["name"]), set())
                versions.add(package["version"])
    return {key: tuple(sorted(versions)) for key, versions in found.items()}
