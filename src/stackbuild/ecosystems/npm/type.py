"""`npm`: packages of npm, as package-lock.json has them. Nothing is resolved here, and no script is run."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from ...declare.fields import ImagePath
from ...declare.package import Declaration
from ...declare.reads import Reads
from ...declare.shapes import pattern
from ...declare.workspace import Workspace
from ...layer.entry import Entry, clean_path
from ...layer.unpack import Spool
from ..ecosystem import Ask, Ecosystem, Package, PackagesFields, Tree
from .choose import Machine, chosen
from .install import install
from .links import Link, links
from .lock import REGISTRY, WEB, Lock, read_lock
from .lock import Entry as Locked
from .packages import packages


class NpmFields(PackagesFields):
    """Packages of npm, as package-lock.json has them, in a node_modules folder. Their scripts are not run."""

    package_lock: str
    """The package-lock.json (or npm-shrinkwrap.json) of npm 7 or newer, below this folder."""
    to: ImagePath = "/"
    """The folder of the image that gets node_modules; what runs there or below it finds the packages."""
    omit: list[Literal["dev", "optional", "peer"]] = Field(default_factory=list)
    """Kinds of dependencies to leave out, as npm's option has it: "dev", "optional", "peer"."""
    libc: Literal["glibc", "musl"] = "glibc"
    """The C library of the image, for packages that are built for one: "glibc", or "musl" as on Alpine."""
    registry: str = Field(
        REGISTRY, json_schema_extra={"pattern": pattern(rf"{WEB.pattern}|https?://[A-Za-z0-9.:-]+")}
    )
    """The registry in place of npm's own; ~/.netrc may have a password for it."""

    @field_validator("registry")
    @classmethod
    def _is_web(cls, value: str) -> str:
        value = value.rstrip("/") + "/"
        if not WEB.fullmatch(value) or "?" in value or "#" in value:  # not shown: it may hold a password
            raise ValueError(f"should be a URL as {REGISTRY}, without a user; ~/.netrc may have a password")
        return value


class Npm(Ecosystem[NpmFields]):
    """Packages of npm."""

    name = "npm"
    version = 1
    witnessed = True
    fields = NpmFields

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        lock: str = declaration.fields.package_lock  # type: ignore[attr-defined]
        return [Reads.path(declaration.address.folder, lock)]

    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        return None

    def resolve(self, ask: Ask) -> Sequence[Package]:
        return self.listed(ask)

    def listed(self, ask: Ask) -> Sequence[Package]:
        return packages(ask, *_chosen(ask), _fields(ask).registry)

    def inputs(self, ask: Ask) -> Any:
        return {place: link.target for place, link in _links(ask).items()}

    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        from .tarball import check_manifest, unpack

        entries = unpack(archive, spool, json.loads(package.more.get("commands", "[]")))
        check_manifest(package, entries)
        return Tree(entries, {})

    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        found = {place: tree.entries for place, (_, tree) in trees.items()}
        return install(found, _links(ask), clean_path(_fields(ask).to), ask.epoch)

    def warnings(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[str]:
        scripted = [package for package, _ in trees.values() if "script" in package.more]
        names = sorted({f"{package.name} {package.version}" for package in scripted})
        return [f"install scripts are not run: {', '.join(names)}"] if names else []

    def purl(self, package: Package, ask: Ask) -> str:
        scope, _, name = package.name.rpartition("/")
        parts = [urllib.parse.quote(part, safe="") for part in (scope, name) if part]
        return f"pkg:npm/{'/'.join(parts)}@{urllib.parse.quote(package.version, safe='')}"


def _fields(ask: Ask) -> NpmFields:
    fields = ask.declaration.fields
    assert isinstance(fields, NpmFields)
    return fields


def _chosen(ask: Ask) -> tuple[Lock, dict[str, Locked]]:
    """The lock, and what of it is installed."""
    fields = _fields(ask)
    lock = read_lock(ask, fields.package_lock)
    return lock, chosen(ask, lock, Machine.of(ask.platform, fields.libc), fields.omit)


def _links(ask: Ask) -> dict[str, Link]:
    return links(ask, *_chosen(ask))
