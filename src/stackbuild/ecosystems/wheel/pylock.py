"""A pylock document (PEP 751), of uv or of the tree, to packages for one environment."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import witness
from ...errors import RequestError
from ..ecosystem import Package
from .environment import Environment
from .fields import checked_url

if TYPE_CHECKING:
    from packaging.pylock import PackageArchive, PackageWheel

Refuse = Callable[[str, str], RequestError]
"""Makes an error at the field that named the document, of what is wrong and what to do."""


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
        found = witness.resolve(home / path)
        if not found.is_relative_to(root):
            raise refuse(f"'{path}' is outside the workspace")
        return "//" + found.relative_to(root).as_posix()
    parts = urllib.parse.urlsplit(url)
    clean = urllib.parse.urlunsplit((*parts[:1], parts.netloc.rpartition("@")[2], *parts[2:4], ""))
    try:
        return checked_url(clean)
    except ValueError as error:
        raise refuse(str(error)) from None
