"""Locks of others to packages: pylock.toml (PEP 751) as it stands, uv.lock by way of uv, offline."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...digests import digest_of
from ...errors import RequestError, nearest
from ...keys import digest
from ...store.records import Record
from ..ecosystem import Ask, Package
from .environment import Environment
from .fields import WheelFields, checked_url
from .uv import Unresolvable, run

if TYPE_CHECKING:
    from packaging.pylock import PackageArchive, PackageWheel

REQUESTED = "requested"
"""In `Package.more`: "yes" for what was asked for by name, and not only by other packages."""
READING = 1
"""Raised whenever the same lock gives other packages."""
Refuse = Callable[[str, str], RequestError]


def locked(ask: Ask, environment: Environment) -> list[Package] | None:
    """The packages of a target's uv.lock or pylock.toml; None where it has none. Raises RequestError.

    Locks are long, so the answer is kept in the store.
    """
    fields = ask.declaration.fields
    assert isinstance(fields, WheelFields)
    path, read = (fields.uv_lock, _exported) if fields.uv_lock else (fields.pylock, _pylock)
    if path is None:
        return None
    key = ("uv_lock",) if fields.uv_lock else ("pylock",)
    data = ask.file(path, key)
    asked = [
        str(environment),
        fields.extras,
        fields.groups,
        fields.package,
        path,
        ask.declaration.address.folder,
    ]
    recipe = {"locked": [READING, *key, digest_of(data), digest(asked, "sha256")]}
    name = digest(recipe, ask.store.fingerprints.algorithm)
    if known := ask.store.records.result(name):
        return [Package.of(item) for item in json.loads(known["packages"])]
    found = read(ask, data, environment)
    text = json.dumps([package.data() for package in found])
    ask.store.records.save(Record(name, f"locked {path}", recipe, {"packages": text}))
    return found


def _pylock(ask: Ask, data: bytes, environment: Environment) -> list[Package]:
    fields = ask.declaration.fields
    assert isinstance(fields, WheelFields)
    assert fields.pylock
    document = _toml(ask, data, ("pylock",))
    for field, known in (("extras", "extras"), ("groups", "dependency-groups")):
        for number, name in enumerate(getattr(fields, field)):
            names = document.get(known, ())
            if name not in names:
                what = f"the lock has no {known} '{name}'".replace("dependency-groups", "group").replace(
                    "extras", "extra"
                )
                raise ask.refused(what, (field, number), nearest(name, names))

    def refuse(what: str, hint: str) -> RequestError:
        return ask.refused(what, ("pylock",), hint)

    home = ask.folder / Path(fields.pylock).parent
    return packages(document, environment, ask.workspace.root, refuse, home, fields.extras, fields.groups)


def _exported(ask: Ask, data: bytes, environment: Environment) -> list[Package]:
    """The packages of a uv.lock. uv sees the lock alone, so that nothing beside it counts."""
    fields = ask.declaration.fields
    assert isinstance(fields, WheelFields)
    assert fields.uv_lock
    document = _toml(ask, data, ("uv_lock",))
    arguments = [
        *("export", "--frozen", "--offline", "--no-default-groups", "--no-emit-workspace"),
        "--preview-features=frozen-lockfile",
        *(f"--extra={name}" for name in fields.extras),
        *(f"--group={name}" for name in fields.groups),
        *([f"--package={fields.package}"] if fields.package else []),
    ]
    try:
        with tempfile.TemporaryDirectory(dir=ask.store.temp) as temp:
            (Path(temp) / "uv.lock").write_bytes(data)
            found = run(arguments, Path(temp))
    except Unresolvable as error:
        raise ask.refused(error.what, ("uv_lock",), "correct the fields, or run 'uv lock'") from None

    def refuse(what: str, hint: str) -> RequestError:
        return ask.refused(what, ("uv_lock",), hint)

    home = ask.folder / Path(fields.uv_lock).parent
    asked = _direct(document, fields)
    return [
        replace(package, more={REQUESTED: "yes"}) if package.name in asked else package
        for package in packages(found, environment, ask.workspace.root, refuse, home)
    ]


def _direct(document: Mapping[str, Any], fields: WheelFields) -> set[str]:
    """Names that the projects of a uv.lock ask for themselves."""
    found: set[str] = set()
    for item in document.get("package", ()):
        if not {"virtual", "editable"} & set(item.get("source", {})) or fields.package not in (
            None,
            item["name"],
        ):
            continue
        optional, groups = item.get("optional-dependencies", {}), item.get("dev-dependencies", {})
        tables = [optional.get(name, ()) for name in fields.extras] + [
            groups.get(name, ()) for name in fields.groups
        ]
        for table in [item.get("dependencies", ()), *tables]:
            found |= {dependency["name"] for dependency in table}
    return found


def _toml(ask: Ask, data: bytes, key: tuple[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise ask.refused(f"it is not TOML: {error}", key, "restore the file") from None


def packages(
    document: Mapping[str, Any],
    environment: Environment,
    root: Path,
    refuse: Refuse,
    home: Path | None = None,
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> list[Package]:
    """The packages that a pylock document gives an environment.

    root: of the workspace; home: the folder that paths in it start from. Raises what `refuse` makes.
    """
    from packaging.pylock import (
        PackageArchive,
        PackageWheel,
        Pylock,
        PylockSelectError,
        PylockValidationError,
    )

    found: list[Package] = []
    try:
        lock = Pylock.from_dict(document)
        if lock.requires_python and not lock.requires_python.contains(environment.full_version):
            raise refuse(f"it is for Python {lock.requires_python}", f"python is {environment.version}")
        chosen = lock.select(
            environment=environment.markers(),
            tags=environment.tags(),
            extras=extras,
            dependency_groups=[*(lock.default_groups or ()), *groups],
        )
        for package, source in chosen:
            if not isinstance(source, PackageWheel | PackageArchive):
                raise _unbuilt(package.name, str(package.version or ""), source, environment, refuse)
            found.append(_package(package.name, source, environment, root, home or root, refuse))
    except PylockValidationError as error:
        raise refuse(f"it is not a sound pylock.toml: {error}", "make it anew") from None
    except PylockSelectError as error:
        name = re.search(r"No wheel found .* for package '([^']+)'", str(error))
        what = f"{name[1]} has no wheel for {environment}" if name else str(error)
        raise refuse(what, "choose another version, python or libc") from None
    return sorted(found, key=lambda package: package.name)


def _unbuilt(name: str, version: str, source: Any, environment: Environment, refuse: Refuse) -> RequestError:
    what = f"{name} {version}".strip()
    if type(source).__name__ == "PackageSdist":
        hint = "nothing is built: choose a version with wheels, or build one and name it"
        return refuse(f"{what} has no wheel for {environment}, only its source", hint)
    return refuse(f"{what} would have to be built from source", "build a wheel of it, and name that")


def _package(
    name: str,
    source: PackageArchive | PackageWheel,
    environment: Environment,
    root: Path,
    home: Path,
    refuse: Refuse,
) -> Package:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    place = _place(source, root, home, lambda what: refuse(f"{name}: {what}", "correct the lock"))
    file = urllib.parse.unquote(place.rpartition("/")[2])
    try:
        _, version, _, tags = parse_wheel_filename(file)
    except InvalidWheelFilename:
        raise refuse(f"{name}: '{file}' is not a wheel", "build a wheel of it, and name that") from None
    if not tags & set(environment.tags()):
        raise refuse(
            f"{name}: '{file}' does not run on {environment}", "choose another wheel, python or libc"
        )
    hashes = {kind: value.lower() for kind, value in source.hashes.items()}
    kind = next((kind for kind in ("sha256", "sha512") if kind in hashes), "")
    if not re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{128}", hashes.get(kind, "")):
        raise refuse(f"{name}: its lock states no SHA-256", "make the lock anew")
    return Package(name, str(version), place, f"{kind}:{hashes[kind]}", source.size or 0)


def _place(source: Any, root: Path, home: Path, refuse: Callable[[str], RequestError]) -> str:
    """A wheel's URL without credentials, or its "//path" in the workspace."""
    url: str = source.url or ""
    path: str = source.path or ""
    if url.startswith("file://"):
        url, path = "", urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    if path:
        found = (home / path).resolve()
        if not found.is_relative_to(root):
            raise refuse(f"'{path}' is outside the workspace")
        return "//" + found.relative_to(root).as_posix()
    parts = urllib.parse.urlsplit(url)
    clean = urllib.parse.urlunsplit((*parts[:1], parts.netloc.rpartition("@")[2], *parts[2:4], ""))
    try:
        return checked_url(clean)
    except ValueError as error:
        raise refuse(str(error)) from None
