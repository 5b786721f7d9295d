"""`npm`: packages of npm, as package-lock.json has them. Nothing is resolved here, and no script is run."""

from __future__ import annotations

import json
import posixpath
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from ...declare.fields import ImagePath
from ...declare.package import Declaration
from ...declare.workspace import Workspace
from ...errors import BuildFailed
from ...layer.entry import Entry, clean_path
from ...layer.unpack import Spool
from ..ecosystem import JOINT, Ask, Ecosystem, Package, PackagesFields, Tree
from .choose import Machine, bundler, chosen
from .links import executables, links
from .lock import (
    FOLDER,
    REGISTRY,
    Lock,
    check_version,
    digest,
    installed_name,
    is_installed,
    license_of,
    read_lock,
    url,
)
from .lock import Entry as Locked


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
    registry: str = REGISTRY
    """The registry in place of npm's own; ~/.netrc may have a password for it."""

    @field_validator("registry")
    @classmethod
    def _is_web(cls, value: str) -> str:
        parts = urllib.parse.urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"'{value}' is not a registry's URL; write one as {REGISTRY}")
        return value.rstrip("/") + "/"


class Npm(Ecosystem[NpmFields]):
    """Packages of npm."""

    name = "npm"
    version = 1
    fields = NpmFields

    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        return None

    def resolve(self, ask: Ask) -> Sequence[Package]:
        return self.listed(ask)

    def listed(self, ask: Ask) -> Sequence[Package]:
        fields, (lock, entries) = _fields(ask), _chosen(ask)
        commands: dict[str, set[str]] = {}
        for place, path in executables(ask, entries):
            commands.setdefault(place, set()).add(path)
        return [
            _package(ask, lock, place, entry, fields.registry, sorted(commands.get(place, ())), entries)
            for place, entry in entries.items()
            if not entry.link and bundler(entries, place) == place
        ]

    def inputs(self, ask: Ask) -> Any:
        lock, entries = _chosen(ask)
        return {place: link.target for place, link in links(ask, lock, entries).items()}

    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        from .tarball import manifest, unpack

        entries = unpack(archive, spool, json.loads(package.more.get("commands", "[]")))
        found = manifest(entries)
        for what, expected in (("name", package.name), ("version", package.version)):
            if _bare(found.get(what)) != _bare(expected):
                raise BuildFailed(
                    f"the lock calls its {what} {expected}, its package.json {str(found.get(what))[:100]!r}",
                    hint="somebody may have tampered with the lock; write it anew",
                )
        return Tree(entries, {})

    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        top = clean_path(_fields(ask).to)
        lock, chosen_ = _chosen(ask)
        found = [
            replace(entry, path=posixpath.join(top, key, entry.path), mtime=ask.epoch, group=key)
            for key, (_, tree) in trees.items()
            for entry in tree.entries
        ]
        files = {entry.path for entry in found if entry.kind == "file"}
        made: list[Entry] = []
        for place, link in links(ask, lock, chosen_).items():
            if link.package and posixpath.join(top, link.leads) not in files:
                continue  # an install script would have made it
            group = link.package or ("" if chosen_.get(place) else JOINT)
            path, origin = posixpath.join(top, place), f"{link.package or link.leads}"
            made.append(
                Entry(path, "symlink", 0o777, mtime=ask.epoch, link=link.target, origin=origin, group=group)
            )
        above = [posixpath.dirname(entry.path.removeprefix(f"{top}/")) for entry in made]
        return [*_folders(top, [*trees, *above], ask.epoch), *found, *made]

    def warnings(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[str]:
        scripts = {
            f"{package.name} {package.version}" for package, _ in trees.values() if "script" in package.more
        }
        if not scripts:
            return []
        return [f"install scripts are not run: {', '.join(sorted(scripts))}"]

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


def _package(
    ask: Ask,
    lock: Lock,
    place: str,
    entry: Locked,
    registry: str,
    commands: Sequence[str],
    entries: Mapping[str, Locked],
) -> Package:
    check_version(ask, place, entry)
    needs = [at for at in lock.needs(place) if at in entries and not entries[at].link]
    depends = {bundler(entries, at) for at in needs}
    more = {"commands": json.dumps(commands)} if commands else {}
    return Package(
        entry.name or installed_name(place),
        entry.version,
        url(ask, place, entry, registry),
        digest(ask, place, entry.integrity),
        license=license_of(entry),
        depends=tuple(sorted(depends - {place})),
        path=place,
        more=more | ({"script": "yes"} if entry.install_script else {}),
    )


def _bare(version: Any) -> str:
    """A name or version as registries compare them: "v1.0.0+build" is 1.0.0 (https://semver.org, 10)."""
    return re.sub(r"^[v=\s]+(?=\d)", "", str(version)).partition("+")[0].strip()


def _folders(top: str, places: Iterable[str], epoch: int) -> list[Entry]:
    """The folders from each node_modules down to the places. What is above is not ours."""
    found: set[str] = set()
    for place in places:
        while is_installed(place) or place.rpartition("/")[2] == FOLDER:
            found.add(place)
            place = place.rpartition("/")[0]
    return [Entry(posixpath.join(top, path), "folder", 0o755, mtime=epoch) for path in sorted(found)]
