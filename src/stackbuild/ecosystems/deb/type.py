"""`deb`: packages of Debian and of those that descend from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from ...declare.fields import AddressField, Glob
from ...declare.package import Declaration
from ...declare.reads import Reads
from ...declare.workspace import Workspace
from ...digests import is_digest
from ...errors import BuildFailed, Position, RequestError, nearest
from ...keys import digest
from ...layer.entry import Entry
from ...layer.unpack import Spool
from ..ecosystem import Ask, Ecosystem, Package, PackagesFields, Tree
from ..system import System
from .control import relation
from .settings import ARCHITECTURES, STABLE, DebArchive, debian


class DebFields(PackagesFields):
    """Debian packages, with all that they depend on, on top of what the base has."""

    install: list[str] = Field(min_length=1)
    """The packages, as "libpq5" or "ca-certificates (>= 2023)"."""
    base: AddressField | None = None
    """The base or image that they go on top of: what it has is not installed again. By default that of the
    image which lists this target."""
    archives: list[str] | None = None
    """The tables [workspace.deb.NAME] to take packages from; by default all, and where there are none
    Debian's own for the release of the base."""
    recommends: bool = False
    """Whether to install what packages recommend, too."""
    exclude: list[Glob] = Field(default_factory=list)
    """Paths to leave out, as "usr/share/doc/**"."""

    @field_validator("install")
    @classmethod
    def _are_relations(cls, value: list[str]) -> list[str]:
        found = [relation(text) for text in value]
        for item, text in zip(found, value, strict=True):
            if item.arch:
                raise ValueError(
                    f"'{text}' names an architecture; write '{item.name}', and say it as platforms"
                )
        names = [item.name for item in found]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"'{twice[0]}' is named twice; remove one of the two")
        return value


class Deb(Ecosystem[DebFields]):
    """Debian packages."""

    name = "deb"
    version = 1
    witnessed = True
    fields = DebFields
    settings = DebArchive
    stacks = True

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        return ()

    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        fields = _fields(declaration)
        return {
            "install": sorted(fields.install),
            "recommends": fields.recommends,
            "archives": [vars(archive) for archive in _archives(declaration, workspace)] or STABLE,
            "architecture": _architecture(declaration, platform),
        }

    def under(self, ask: Ask) -> str:
        if not ask.base:
            return ""
        from .dpkg import installed

        system = ask.system
        held = sorted(f"{item.name} {item.version} {item.architecture}" for item in installed(system))
        return digest([held, _codename(system)], "sha256")

    def inputs(self, ask: Ask) -> Any:
        if not ask.base:
            return None
        system = ask.system
        marks = [[path, digest(data, "sha256")] for path, data in sorted(system.files.items())]
        return digest([marks, sorted(system.links.items()), sorted(system.folders)], "sha256")

    def resolve(self, ask: Ask) -> Sequence[Package]:
        from .dpkg import installed
        from .repository import indexes
        from .solve import solve
        from .universe import Universe

        fields = _fields(ask.declaration)
        architecture = _architecture(ask.declaration, ask.platform)
        system = ask.system
        archives = _archives(ask.declaration, ask.workspace) or list(debian(_codename(system)).values())
        found = indexes(ask, archives, architecture)
        universe = Universe(found, installed(system), architecture)
        wanted = [relation(text) for text in fields.install]
        for number, item in enumerate(wanted):
            if not universe.named(item.name) and item.name not in universe.installed:
                raise _unknown(ask, universe, item.name, ("install", number))
        try:
            chosen = solve(universe, wanted, recommends=fields.recommends)
        except BuildFailed as error:
            where = ask.declaration.position(("install",))
            raise BuildFailed(error.what, where=error.where or where, hint=error.hint) from error
        names = {candidate.name for candidate in chosen}
        return [_package(candidate, names) for candidate in chosen]

    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        from .unpack import unpack

        return unpack(package, archive, spool)

    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        from .dpkg import vanished, write_database
        from .root import Root, excluder
        from .scripted import perform

        root = Root(ask.system, ask.epoch, excluder(_fields(ask.declaration).exclude))
        for package, tree in trees.values():
            root.add(package, tree)
        perform(root, trees)
        write_database(root, trees)
        vanished(root, trees)
        root.merge()
        return list(root.entries.values())

    def warnings(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[str]:
        from .scripted import warnings

        return list(warnings(trees))

    def described(self, package: Package, tree: Tree, ask: Ask, names: Collection[str]) -> Package:
        return replace(package, license=tree.facts["license"])

    def purl(self, package: Package, ask: Ask) -> str:
        from urllib.parse import quote

        vendor = "ubuntu" if "ubuntu" in package.url else "debian"
        version, arch = quote(package.version, safe=".-_~"), package.more["arch"]
        return f"pkg:deb/{vendor}/{quote(package.name)}@{version}?arch={arch}"


def _fields(declaration: Declaration) -> DebFields:
    assert isinstance(declaration.fields, DebFields)
    return declaration.fields


def _architecture(declaration: Declaration, platform: str) -> str:
    if platform not in ARCHITECTURES:
        raise RequestError(
            f"Debian has no packages for {platform}",
            where=declaration.position(("ecosystem",)),
            hint=f"it has them for {', '.join(ARCHITECTURES)}",
        )
    return ARCHITECTURES[platform]


def _archives(declaration: Declaration, workspace: Workspace) -> list[DebArchive]:
    known: Mapping[str, DebArchive] = getattr(workspace.settings, "deb", {})
    names = _fields(declaration).archives
    for number, name in enumerate(names or ()):
        if name not in known:
            where = declaration.position(("archives", number))
            raise RequestError(
                f"the workspace has no [workspace.deb.{name}]", where=where, hint=nearest(name, known)
            )
    return [known[name] for name in (sorted(known) if names is None else names)]


def _codename(system: System) -> str:
    """The release of the base, as its os-release(5) says. Raises BuildFailed when it is none of Debian."""
    said = system.release
    if not said:
        return STABLE
    name, codename = said.get("ID", ""), said.get("VERSION_CODENAME", "")
    if name != "debian" or not codename:
        hint = "say where its packages come from, as [workspace.deb.NAME] with suite, url and keyring"
        raise BuildFailed(f"the base is of {name or 'an unknown distribution'} {codename}", hint=hint)
    return codename


def _unknown(ask: Ask, universe: Any, name: str, key: tuple[str | int, ...]) -> RequestError:
    if providers := sorted({item.name for item in universe.providers(name)}):
        what, hint = f"'{name}' is provided by several packages", f"name one: {', '.join(providers[:8])}"
    else:
        what, hint = f"no archive has the package '{name}'", nearest(name, universe.names())
        hint = hint if hint.startswith("did") else "correct it"
    where: Position = ask.declaration.position(key)
    return RequestError(what, where=where, hint=hint)


def _package(candidate: Any, chosen: set[str]) -> Package:
    fields = candidate.fields
    digits, size = fields["SHA256"].lower(), fields["Size"]
    path = fields["Filename"]
    if (
        not is_digest(f"sha256:{digits}")
        or not size.isdigit()
        or ".." in path.split("/")
        or path.startswith("/")
    ):
        raise BuildFailed(f"the index is malformed at {candidate}")
    named = {item.name for group in candidate.groups("Pre-Depends", "Depends") for item in group}
    source = fields.get("Source", candidate.name).partition(" ")[0]
    return Package(
        candidate.name,
        candidate.version,
        f"{candidate.place}/{path}",
        f"sha256:{digits}",
        int(size),
        depends=tuple(sorted(named & chosen - {candidate.name})),
        source=source,
        more={"arch": candidate.architecture},
    )
