"""Locks of others, used as they stand: pylock.toml (PEP 751), and uv.lock by way of uv, offline."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ...digests import digest_of
from ...errors import RequestError, nearest
from ...keys import digest
from ...store.records import Record
from ..ecosystem import Ask, Package
from .environment import Environment
from .fields import WheelFields
from .pylock import packages
from .uv import Unresolvable, run

REQUESTED = "requested"
"""In `Package.more`: "yes" for what was asked for by name, and not only by other packages."""
READING = 1
"""Raised whenever the same lock gives other packages."""
_ROOT = PurePosixPath(".")


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
    _check_known(ask, fields, document.get("extras", ()), document.get("dependency-groups", ()))

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
    projects = dict(_projects(document))
    chosen = _chosen(ask, fields, projects)
    arguments = [
        *("export", "--frozen", "--offline", "--no-default-groups", "--no-emit-workspace"),
        *(f"--extra={name}" for name in fields.extras),
        *(f"--group={name}" for name in fields.groups),
        *([f"--package={fields.package}"] if fields.package else []),
    ]
    try:
        with tempfile.TemporaryDirectory(dir=ask.store.temp) as temp:
            _write_workspace(Path(temp), data, document, projects)
            found = run(arguments, Path(temp))
    except Unresolvable as error:
        raise ask.refused(error.what, ("uv_lock",), "correct the fields, or run 'uv lock'") from None

    def refuse(what: str, hint: str) -> RequestError:
        return ask.refused(what, ("uv_lock",), hint)

    home = ask.folder / Path(fields.uv_lock).parent
    asked = _direct(chosen, fields)
    return [
        replace(package, more={REQUESTED: "yes"}) if package.name in asked else package
        for package in packages(found, environment, ask.workspace.root, refuse, home)
    ]


def _projects(document: Mapping[str, Any]) -> Iterator[tuple[PurePosixPath, Mapping[str, Any]]]:
    """The projects of the workspace that a uv.lock is for, by their folders."""
    members = document.get("manifest", {}).get("members")
    for item in document.get("package", ()):
        source = item.get("source", {})
        folder = PurePosixPath(source.get("virtual", source.get("editable", "/")))
        listed = item["name"] in members if members else folder == _ROOT
        if listed and not folder.is_absolute() and ".." not in folder.parts:
            yield folder, item


def _write_workspace(
    folder: Path,
    data: bytes,
    document: Mapping[str, Any],
    projects: Mapping[PurePosixPath, Mapping[str, Any]],
) -> None:
    """A uv.lock with projects around it that ask for nothing: uv wants some there, and takes what they ask
    for from the lock. So nothing of the tree beside the lock counts."""
    import tomli_w

    (folder / "uv.lock").write_bytes(data)
    for path in {_ROOT, *projects}:
        found: dict[str, Any] = {}
        if item := projects.get(path):
            extras, groups = _names(item)
            found["project"] = {
                "name": item["name"],
                "version": item.get("version", "0"),
                "requires-python": document.get("requires-python", ">=3.8"),
                "optional-dependencies": {name: [] for name in sorted(extras)},
            }
            found["dependency-groups"] = {name: [] for name in sorted(groups)}
        if path == _ROOT:
            found["tool"] = {"uv": {"workspace": {"members": sorted(map(str, {*projects} - {_ROOT}))}}}
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "pyproject.toml").write_text(tomli_w.dumps(found), "utf-8")


def _names(project: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """The extras and the groups that a project has; those that are empty stand in its metadata only."""
    metadata = project.get("metadata", {})
    extras = {*project.get("optional-dependencies", ()), *metadata.get("provides-extras", ())}
    return extras, {*project.get("dev-dependencies", ()), *metadata.get("requires-dev", ())}


def _chosen(
    ask: Ask, fields: WheelFields, projects: Mapping[PurePosixPath, Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The project to install, or each of a workspace without one at its root. Raises RequestError."""
    found = [projects[_ROOT]] if _ROOT in projects else list(projects.values())
    if fields.package:
        found = [item for item in projects.values() if item["name"] == fields.package]
        if not found:
            hint = nearest(fields.package, [item["name"] for item in projects.values()])
            raise ask.refused(f"the lock has no project '{fields.package}'", ("package",), hint)
    names = [_names(item) for item in found]
    extras, groups = ({name for both in names for name in both[index]} for index in (0, 1))
    _check_known(ask, fields, extras, groups)
    return found


def _check_known(ask: Ask, fields: WheelFields, extras: Collection[str], groups: Collection[str]) -> None:
    """Raise RequestError for an extra or a group that a lock does not have."""
    for field, known in (("extras", extras), ("groups", groups)):
        for number, name in enumerate(getattr(fields, field)):
            if name not in known:
                what = f"the lock has no {field[:-1]} '{name}'"
                raise ask.refused(what, (field, number), nearest(name, known))


def _direct(projects: Sequence[Mapping[str, Any]], fields: WheelFields) -> set[str]:
    """Names that projects ask for themselves."""
    found: set[str] = set()
    for item in projects:
        optional, groups = item.get("optional-dependencies", {}), item.get("dev-dependencies", {})
        tables = [item.get("dependencies", ()), *(optional.get(name, ()) for name in fields.extras)]
        tables += [groups.get(name, ()) for name in fields.groups]
        found |= {dependency["name"] for table in tables for dependency in table}
    return found


def _toml(ask: Ask, data: bytes, key: tuple[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise ask.refused(f"it is not TOML: {error}", key, "restore the file") from None
