"""pip and uv in a RUN: Python packages as a `packages` target of wheels."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from .options import Options
from .pieces import Packages
from .shell import Command
from .stage import Stage, check
from .trouble import Untranslated
from .work import Run

_TOOLS = frozenset({"pip", "setuptools", "wheel", "uv", "build", "virtualenv"})
_PIP_VALUES = (
    *("requirement", "constraint", "editable", "target", "prefix", "python", "python-version"),
    *("index-url", "extra-index-url", "index", "find-links", "trusted-host", "only-binary", "no-binary"),
    *("timeout", "retries", "cache-dir", "progress-bar", "root-user-action"),
)


def pip(run: Run, command: Command, words: list[str]) -> None:
    """pip install, as the program or as `python -m pip`."""
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if verb in ("cache", "check", "list", "freeze", "config", "--version"):
        return
    if verb != "install":
        raise Untranslated
    _wheels(run, words[0], words[words.index("install") + 1 :])


def python(run: Run, command: Command, words: list[str]) -> None:
    """python -m pip, python -m venv."""
    if words[1:3] == ["-m", "pip"]:
        pip(run, command, [words[0], *words[3:]])
    elif words[1:3] == ["-m", "venv"] and (paths := Options(words[3:]).rest):
        run.stage.environments.append(run.absolute(paths[0]))
    elif words[1:3] != ["-m", "compileall"]:
        raise Untranslated


def virtualenv(run: Run, command: Command, words: list[str]) -> None:
    """virtualenv FOLDER."""
    run.stage.environments.append(run.absolute(Options(words[1:], "p", ("python",)).only("a folder")))


def uv(run: Run, command: Command, words: list[str]) -> None:
    """uv pip install, uv venv, uv sync."""
    if words[1:3] == ["pip", "install"]:
        _wheels(run, words[0], words[3:])
    elif words[1:2] == ["venv"]:
        run.stage.environments.append(
            run.absolute((Options(words[2:], "p", ("python",)).rest or [".venv"])[0])
        )
    elif words[1:2] == ["sync"]:
        _sync(run, command, words[2:])
    elif words[1:2] != ["cache"]:
        raise Untranslated


def _sync(run: Run, command: Command, words: list[str]) -> None:
    found = Options(
        words,
        "p",
        (
            "extra",
            "group",
            "only-group",
            "no-group",
            "package",
            "python",
            "link-mode",
            "directory",
            "project",
        ),
    )
    lock = run.stage.source_of(run.absolute("uv.lock"))
    if lock is None or lock not in run.stage.context.modes:
        raise Untranslated("the context has no uv.lock for it", "run uv lock, and this again")
    fields: dict[str, Any] = {"ecosystem": "wheel", "uv_lock": lock}
    groups = found.values("group", "only-group")
    text = run.stage.text(posixpath.join(posixpath.dirname(lock), "pyproject.toml"))
    if (
        not found.has("no-dev", "no-default-groups")
        and re.search(r"^\[dependency-groups\]", text, re.M)
        and re.search(r"^dev\s*=", text, re.M)
    ):
        groups = ["dev", *groups]
    if groups:
        fields["groups"] = list(dict.fromkeys(groups))
    if extras := found.values("extra"):
        fields["extras"] = extras
    if package := found.value("package"):
        fields["package"] = package
    if found.has("all-extras"):
        raise Untranslated("--all-extras has no translation", "name them as extras of the packages target")
    if not found.has("no-install-project", "no-install-workspace") and re.search(
        r"^\[build-system\]", text, re.M
    ):
        run.stage.lose(
            run.item.line + command.line, f"RUN {command.text}", "the project itself is not installed",
            "its sources run from their folder; or build its wheel, and install that", opaque=False,
        )  # fmt: skip
    place = run.stage.variables().get("UV_PROJECT_ENVIRONMENT") or ".venv"
    _add_wheels(run, fields, run.absolute(place))


def _wheels(run: Run, program: str, words: list[str]) -> None:
    found = Options(words, "rcieft", _PIP_VALUES)
    fields: dict[str, Any] = {"ecosystem": "wheel"}
    requirements = [_of_context(run, path) for path in found.values("r", "requirement")]
    constraints = [_of_context(run, path) for path in found.values("c", "constraint")]
    names, projects = [], list(found.values("e", "editable"))
    for word in found.rest:
        if re.match(r"[./]|[A-Za-z0-9_-]+/", word) and not word.endswith(".whl"):
            projects.append(word)
        elif word.endswith(".whl"):
            names.append(_of_context(run, word))
        else:
            names.append(word)
    if not requirements and names and {re.split(r"[=<>~!\[ ]", name)[0].lower() for name in names} <= _TOOLS:
        return  # the installers themselves; nothing is installed by them here
    if any("://" in name for name in names):
        raise Untranslated("a package from a URL has no translation", "add its wheel to the tree")
    if requirements:
        fields["requirements"] = requirements
    if names:
        fields["install"] = names
    if constraints:
        fields["constraints"] = constraints
    if index := found.value("i", "index-url"):
        fields["index"] = index
    if extra := found.values("extra-index-url", "index"):
        fields["extra_index"] = extra
    if target := found.value("t", "target"):
        fields["to"] = run.absolute(target)
    if prefix := found.value("prefix"):
        fields["prefix"] = run.absolute(prefix)
    if projects:
        _project(run, fields, projects)
    environment = next((path for path in run.stage.environments if program.startswith(f"{path}/")), None)
    if environment is None and run.stage.environments and (program == "uv" or _first_in_path(run.stage)):
        environment = run.stage.environments[-1]
    _add_wheels(run, fields, environment)


def _first_in_path(stage: Stage) -> bool:
    """Whether the last virtual environment is what `pip` means."""
    path = stage.variables().get("PATH", "")
    return (
        path.startswith(f"{stage.environments[-1]}/bin:")
        or stage.variables().get("VIRTUAL_ENV") == stage.environments[-1]
    )


def _of_context(run: Run, path: str) -> str:
    """Where a file that a command names lies in the context. Raises Untranslated."""
    found = run.stage.source_of(run.absolute(path))
    if found is None or found not in run.stage.context.modes:
        raise Untranslated(f"'{path}' does not come from the context", "add it to the tree")
    return found


def _project(run: Run, fields: dict[str, Any], projects: list[str]) -> None:
    """`pip install .`: the dependencies of a project; the project itself is built by no one here."""
    folder = re.sub(r"\[.*\]\Z", "", projects[0])
    if len(projects) > 1 or "requirements" in fields or "install" in fields:
        raise Untranslated("several projects at once have no translation")
    fields["pyproject"] = _of_context(run, posixpath.join(folder, "pyproject.toml"))
    if extras := re.search(r"\[(.*)\]\Z", projects[0]):
        fields["extras"] = [name.strip() for name in extras[1].split(",")]
    if not re.search(r"^\s*dependencies\s*=", run.stage.text(fields["pyproject"]), re.M):
        raise Untranslated(
            "the project has no dependencies, and is itself not installed",
            "build its wheel, and install that",
        )
    run.stage.lose(
        run.item.line, run.item.shown, "the project's dependencies are installed, but not the project",
        "build its wheel, and add it to install in place of pyproject", opaque=False,
    )  # fmt: skip


def _add_wheels(run: Run, fields: dict[str, Any], environment: str | None) -> None:
    """A target of wheels; environment: a virtual environment, for which a link to /usr/local stands."""
    stage, base = run.stage, run.stage.base
    if base.python:
        fields["python"] = base.python
    if base.musl:
        fields["libc"] = "musl-1.2"
    if not base.has_python and "to" not in fields and "prefix" not in fields:
        fields |= {"to": "/opt/python", "interpreter": "/usr/bin/python3"}
        stage.config.setdefault("env", {}).setdefault("PYTHONPATH", "/opt/python")
        stage.remark(
            run.item,
            "which Python the base has is not known",
            "check python, to and interpreter of its packages",
        )
    check("packages", fields)
    own = fields.get("to") or fields.get("prefix") or "/usr/local"
    piece = Packages(run.item.line, "deps", fields, [environment] if environment else [own])
    if not environment:
        piece.holds += (
            [f"{own}/lib/python{base.python}/site-packages", f"{own}/bin", f"{own}/lib"]
            if own == "/usr/local"
            else []
        )
    elif base.has_python:
        piece.links = {environment: "/usr/local"}
        stage.made(run.item.line, "links").symlinks[environment] = "/usr/local"
    same = [
        old for old in stage.packages("wheel") if old.links == piece.links and _joinable(old.fields, fields)
    ]
    if same:
        for name in ("requirements", "install"):
            if name in fields:
                same[-1].fields[name] = list(dict.fromkeys([*same[-1].fields.get(name, ()), *fields[name]]))
    elif all(old.fields != fields for old in stage.packages("wheel")):
        stage.pieces.append(piece)


def _joinable(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two targets of wheels differ in nothing but what they install: one resolution fits both."""
    own = ("requirements", "install")
    rest = [{name: value for name, value in fields.items() if name not in own} for fields in (one, other)]
    return rest[0] == rest[1] and any(name in one for name in own) and any(name in other for name in own)
