"""The dependencies of a project, out of its pyproject.toml (PEP 621, PEP 735), without building it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ... import witness
from ...declare.package import Declaration
from ...declare.toml import Document
from ...declare.workspace import Workspace
from ...errors import Position, RequestError, nearest
from .fields import WheelFields


def dependencies(
    declaration: Declaration, workspace: Workspace, fields: WheelFields
) -> Iterator[tuple[str, Position]]:
    """The requirements of a project, of the extras and of the groups that a target names, each with a place.

    Raises RequestError.
    """
    assert fields.pyproject
    where = declaration.position(("pyproject",))
    document = _read(workspace.root, declaration.address.folder, fields.pyproject, where)
    project = _table(document.data.get("project", {}), "project", where)
    if "dependencies" in project.get("dynamic", ()):
        hint = "write requirements, or a lock, instead"
        raise RequestError("the project's dependencies are dynamic", where=where, hint=hint)
    at = document.position(("project", "dependencies")) if "dependencies" in project else where
    for text in _strings(project.get("dependencies", []), "project.dependencies", at):
        yield text, at
    extras = {_normal(name): value for name, value in project.get("optional-dependencies", {}).items()}
    own = _normal(str(project.get("name", "")))
    for number, name in enumerate(fields.extras):
        place = declaration.position(("extras", number))
        for text in _extra(own, extras, name, place, ()):
            yield text, place
    groups = _table(document.data.get("dependency-groups", {}), "dependency-groups", where)
    for number, name in enumerate(fields.groups):
        place = declaration.position(("groups", number))
        for text in _group(groups, name, place):
            yield text, place


def _read(root: Path, folder: str, path: str, where: Position) -> Document:
    file = root / folder / path
    if not witness.resolve(file).is_relative_to(root):
        raise RequestError(f"'{path}' is outside the workspace", where=where, hint="correct the path")
    if not witness.is_file(file):
        raise RequestError(f"'{path}' is not there", where=where, hint="correct the path")
    return Document.read(file, file.resolve().relative_to(root).as_posix())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(value: Any, name: str, where: Position) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(f"'{name}' of the project should be a table", where=where)
    return value


def _strings(value: Any, name: str, where: Position) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RequestError(f"'{name}' should be a list of requirements", where=where)
    return value


def _extra(
    own: str, extras: dict[str, Any], name: str, where: Position, above: tuple[str, ...]
) -> Iterator[str]:
    """The requirements of an extra; one that names extras of its own project stands for theirs."""
    wanted = _normal(name)
    if wanted not in extras:
        raise RequestError(f"the project has no extra '{name}'", where=where, hint=nearest(wanted, extras))
    if wanted in above:
        raise RequestError(f"the extra '{name}' includes itself", where=where, hint="break the circle")
    for text in _strings(extras[wanted], f"project.optional-dependencies.{name}", where):
        found = re.fullmatch(r"\s*([\w.-]+)\s*\[([^\]]*)\]\s*", text)
        if own and found and _normal(found[1]) == own:
            for inner in found[2].split(","):
                yield from _extra(own, extras, inner.strip(), where, (*above, wanted))
        else:
            yield text


def _group(groups: dict[str, Any], name: str, where: Position) -> tuple[str, ...]:
    from packaging.dependency_groups import resolve_dependency_groups

    if _normal(name) not in map(_normal, groups):
        raise RequestError(f"the project has no group '{name}'", where=where, hint=nearest(name, groups))
    try:
        return resolve_dependency_groups(groups, name)
    except Exception as error:  # an ExceptionGroup of several kinds, whose sentences are for people
        found = getattr(error, "exceptions", [error])[0]
        raise RequestError(f"the group '{name}' is wrong: {found}", where=where) from error
