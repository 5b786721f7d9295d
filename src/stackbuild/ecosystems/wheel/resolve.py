"""Requirements to packages: uv chooses the versions, for the Python of the image."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import RequestError
from ..ecosystem import Ask, Package
from .environment import Environment
from .fields import WheelFields
from .locks import REQUESTED
from .pylock import packages
from .requirements import Line, Wanted
from .uv import Unresolvable, run


def resolve(ask: Ask, wanted: Wanted, environment: Environment) -> list[Package]:
    """The packages that meet what is wanted, as the indexes are now. Raises StackbuildError."""
    if not wanted.lines:
        return []
    key = _field(ask)
    try:
        with tempfile.TemporaryDirectory(dir=ask.store.temp) as temp:
            home = Path(temp)
            document = run(_arguments(ask, wanted, environment, home), home)
    except Unresolvable as error:
        raise ask.refused(error.what, key, _advice(error.what)) from None

    def refuse(what: str, hint: str) -> RequestError:
        return ask.refused(what, key, hint)

    found = packages(document, environment, ask.workspace.root, refuse, home)
    asked = _by_name(wanted.lines, environment)
    chosen = [_requested(package) if package.name in asked else package for package in found]
    for package in chosen:
        _check_hashes(package, asked.get(package.name, ()), wanted.files)
    return chosen


def _field(ask: Ask) -> tuple[str]:
    fields = ask.declaration.fields
    assert isinstance(fields, WheelFields)
    return (next(name for name in ("requirements", "install", "pyproject") if getattr(fields, name)),)


def _advice(what: str) -> str:
    if "no usable wheels" in what:
        return "nothing is built: choose a version with wheels, or build one and name it"
    return "loosen a requirement"


def _arguments(ask: Ask, wanted: Wanted, environment: Environment, temp: Path) -> list[str]:
    root = ask.workspace.root
    files = {"requirements.in": wanted.lines, "constraints.in": wanted.constraints}
    for name, lines in files.items():
        (temp / name).write_text("".join(f"{_text(line, root)}\n" for line in lines))
    platform = environment.uv_platform()
    links = [str(root / place[2:]) if place.startswith("//") else place for place in wanted.find_links]
    return [
        *("pip", "compile", "requirements.in", "--constraints=constraints.in"),
        *("--no-sources", "--no-annotate", "--generate-hashes"),
        f"--python-version={environment.version}",
        f"--python-platform={platform}" if platform else "--universal",
        *([f"--default-index={wanted.index}"] if wanted.index else []),
        *(f"--index={url}" for url in wanted.extra_index),
        *(f"--find-links={place}" for place in links),
        *(["--no-index"] if wanted.no_index else []),
        *(["--prerelease=allow"] if wanted.pre else []),
    ]


def _text(line: Line, root: Path) -> str:
    """A line as uv reads it; wheels of the tree by their URL."""
    if not line.text.startswith("//"):
        return line.text
    path = root / line.text[2:]
    return f"{path.name.partition('-')[0]} @ {path.as_uri()}"


def _by_name(lines: Sequence[Line], environment: Environment) -> dict[str, list[Line]]:
    """The lines whose markers hold, by normalised name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.text.startswith("//"):
            name = line.text.rpartition("/")[2].partition("-")[0]
        else:
            requirement = Requirement(line.text)
            if requirement.marker and not requirement.marker.evaluate(environment.markers()):
                continue
            name = requirement.name
        found.setdefault(canonicalize_name(name), []).append(line)
    return found


def _requested(package: Package) -> Package:
    return replace(package, more={**package.more, REQUESTED: "yes"})


def _check_hashes(package: Package, lines: Sequence[Line], files: Mapping[str, str]) -> None:
    """Raise RequestError when a line allows other archives only."""
    for line in lines:
        if line.hashes and package.digest not in line.hashes:
            found = f"{package.name} {package.version}, {package.digest}"
            what = f"none of the hashes is that of the wheel of {found}"
            raise RequestError(what, where=line.where, hint="correct the hashes, or remove them")
    if package.url.startswith("//") and files.get(package.url, package.digest) != package.digest:
        raise RequestError(f"{package.url} changed meanwhile", hint="run the command again")
