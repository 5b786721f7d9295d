"""Python projects: pyproject.toml, requirements files, uv.lock, pylock.toml."""

from __future__ import annotations

import re
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ...declare.glob import is_wild
from ..draft import Draft, Table
from .folder import UNWANTED, Folder, table

_VERSIONS = ("3.13", "3.12", "3.14", "3.11", "3.10", "3.9", "3.15")
_NOT_SOURCES = ("setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py")
_NOT_PACKAGES = ("tests", "test", "docs", "examples", "build", "dist", "venv")
_TEMPLATES = ("templates", "static")
_OBJECT = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*:\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\Z", re.ASCII)


def python(folder: Folder) -> list[Table | str] | None:
    """Targets for a Python project, or None when it is none."""
    pyproject = folder.toml("pyproject.toml")
    is_project = isinstance(pyproject.get("project"), dict) or bool(table(pyproject, "tool", "poetry"))
    requirements = None if folder.inside else _requirements(folder)
    if not (is_project or requirements or folder.has("uv.lock")):
        return None
    draft, version = Draft(), _version(folder, pyproject)
    base = folder.names.take("python")
    draft.add("base", base, image=f"docker.io/library/python:{version}-slim")
    layers = []
    if fields := _packages(folder, pyproject, requirements):
        layers.append(folder.names.take("deps"))
        draft.add("packages", layers[-1], ecosystem="wheel", **fields, python=version)
    root, modules = _modules(folder)
    if sources := _sources(folder, root, modules):
        layers.append(folder.names.take("src"))
        draft.add("files", layers[-1], **sources)
    entrypoint, remark = _entrypoint(folder, pyproject, root, modules)
    remarks = [remark] if remark else []
    if table(pyproject, "tool", "poetry", "dependencies") and layers[:1] != ["deps"]:
        remarks.append(
            "poetry.lock is not read: 'poetry export' makes a requirements.txt, for a packages target."
        )
    fields = {"base": f":{base}", **({"layers": [f":{name}" for name in layers]} if layers else {})}
    draft.add("image", folder.names.take("img"), remarks=remarks, **fields, **entrypoint, workdir="/app")
    return draft.tables


def _requirements(folder: Folder) -> str | None:
    """The requirements file of the program itself."""
    found = [
        name
        for name in folder.files("requirements*.txt")
        if re.search(r"^\s*[A-Za-z0-9-]", folder.text(name), re.M)
    ]
    if "requirements.txt" in found:
        return "requirements.txt"
    other = [name for name in found if not re.search("dev|test|doc|lint", name)]
    return other[0] if len(other) == 1 else None


def _packages(folder: Folder, pyproject: dict[str, Any], requirements: str | None) -> dict[str, Any]:
    """What says which packages there are: the most exact file."""
    if folder.has("uv.lock"):
        members = [item for item in folder.toml("uv.lock").get("package", ()) if _is_own(item)]
        name = table(pyproject, "project", "name")
        return {"uv_lock": "uv.lock", **({"package": name} if len(members) > 1 and name else {})}
    if folder.has("pylock.toml"):
        return {"pylock": "pylock.toml"}
    if requirements:
        return {"requirements": [requirements]}
    return {"pyproject": "pyproject.toml"} if table(pyproject, "project", "dependencies") else {}


def _is_own(item: Any) -> bool:
    source = table(item, "source")
    return isinstance(source, dict) and bool({"editable", "virtual", "directory"} & set(source))


def _version(folder: Folder, pyproject: dict[str, Any]) -> str:
    """The Python that the project wants, else a current one."""
    if found := re.match(r"3\.\d+", folder.text(".python-version").strip()):
        return found[0]
    try:
        allowed = SpecifierSet(table(pyproject, "project", "requires-python") or "")
    except (InvalidSpecifier, AttributeError, TypeError):
        return _VERSIONS[0]
    return next((version for version in _VERSIONS if f"{version}.9" in allowed), _VERSIONS[0])


def _modules(folder: Folder) -> tuple[str, list[str]]:
    """Where the import root is ("src" or ""), and the packages in it."""
    root = "src" if (folder.at / "src").is_dir() and not (folder.at / "src" / "__init__.py").exists() else ""
    below = folder.at / root
    found = [
        entry.name
        for entry in below.iterdir()
        if (entry / "__init__.py").is_file() and not entry.is_symlink()
    ]
    return root, sorted(
        name for name in found if name not in _NOT_PACKAGES and not is_wild(name) and name.isprintable()
    )


def _sources(folder: Folder, root: str, modules: list[str]) -> dict[str, Any]:
    away = UNWANTED[:2]
    if root:
        return (
            {"srcs": ["src/**", *away], "strip_prefix": "src", "to": "/app"}
            if any((folder.at / "src").rglob("*.py"))
            else {}
        )
    scripts = [name for name in folder.files("*.py") if name not in _NOT_SOURCES]
    globs = [f"{name}/**" for name in modules] + (["*.py"] if scripts else [])
    globs += [f"{name}/**" for name in _TEMPLATES if globs and any((folder.at / name).rglob("*"))]
    away += [f"!{name}" for name in folder.files("*.py") if name in _NOT_SOURCES and scripts]
    return {"srcs": [*globs, *away], "to": "/app"} if globs else {}


def _entrypoint(
    folder: Folder, pyproject: dict[str, Any], root: str, modules: list[str]
) -> tuple[dict[str, Any], str]:
    """The fields that say what runs, and a remark where nobody knows."""
    runnable = [name for name in modules if (folder.at / root / name / "__main__.py").is_file()]
    scripts = table(pyproject, "project", "scripts")
    found = list(scripts.values()) if isinstance(scripts, dict) else []
    if len(runnable) == 1:
        return {"entrypoint": ["python", "-m", runnable[0]]}, ""
    if found and isinstance(found[0], str) and (hit := _OBJECT.match(found[0].strip())):
        code = f"import sys; from {hit[1]} import {hit[2].partition('.')[0]}; sys.exit({hit[2]}())"
        return {"entrypoint": ["python", "-c", code]}, ""
    for name in ("main.py", "app.py", "__main__.py"):
        if not root and folder.has(name):
            return {"entrypoint": ["python", name]}, ""
    module = modules[0] if modules else "module"
    return {}, f'What it runs is not known here: add entrypoint, as ["python", "-m", "{module}"].'
