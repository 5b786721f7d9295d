"""What is asked for, as lines for a resolver: out of requirements.txt files, pyproject.toml and fields.

The files of the person never reach uv as they are: a line such as `-e .` would run what it names. Each line
is either understood here, or refused at its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import witness
from ...declare.package import Declaration
from ...declare.workspace import Workspace
from ...digests import digest_of_file
from ...errors import Position, RequestError
from ...frozen import frozen
from ...native.signatures import listing
from .fields import WheelFields, checked_url, is_url
from .pyproject import dependencies

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_OPTION = re.compile(r"(--?[a-z][a-z-]*)(?:[ =]\s*(.*))?$")
_HASH = re.compile(r"\s--hash[ =](\S+)")
_SHA = re.compile(r"sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})\Z")
_DIRECT = re.compile(r"[\w.-]+\s*(?:\[[^\]]*\])?\s*@\s*(\S+)")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w.,\s-]+\])?\s*([<>=!~]=\s*\d[\d.]*\s*(,\s*|$))*", re.ASCII)
_ARCHIVE = re.compile(r"\.(tar(\.\w+)?|t[gbx]z2?|zip|egg)$", re.IGNORECASE)
_DEEPEST = 20  # files that include files


@frozen
class Line:
    """One requirement. text: as PEP 508 has it, or "//path" of a wheel in the workspace; hashes: of
    archives that may meet it, as "sha256:…"; any when there are none."""

    text: str
    where: Position
    hashes: tuple[str, ...] = ()


@dataclass
class Wanted:
    """All that decides a resolution. files: "//path" -> digest of each wheel of the tree; pre: whether
    versions may be pre-releases."""

    lines: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    index: str = ""
    extra_index: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    no_index: bool = False
    pre: bool = False
    texts: list[str] = field(default_factory=list)
    """The files of requirements that were read; what they say is in the rest."""

    def data(self) -> dict[str, Any]:
        """As plain data, for a key: without comments, and without where a line stands."""
        found = {name: value for name, value in vars(self).items() if name != "texts"}
        for name in ("lines", "constraints"):
            found[name] = [[line.text, sorted(line.hashes)] for line in found[name]]
        return found


def wanted(declaration: Declaration, workspace: Workspace) -> Wanted:
    """What a target's fields, and the files that they name, ask for. Raises RequestError."""
    fields = declaration.fields
    assert isinstance(fields, WheelFields)
    reader = _Reader(workspace.root, Wanted(index=fields.index or "", extra_index=list(fields.extra_index)))
    folder = declaration.address.folder
    for name, into in (("requirements", reader.found.lines), ("constraints", reader.found.constraints)):
        for number, path in enumerate(getattr(fields, name)):
            reader.file(_joined(folder, path), into, declaration.position((name, number)))
    for number, text in enumerate(fields.install):
        reader.requirement(
            text.strip(), folder, reader.found.lines, declaration.position(("install", number))
        )
    if fields.pyproject:
        for text, where in dependencies(declaration, workspace, fields):
            reader.requirement(text, folder, reader.found.lines, where)
    for number, place in enumerate(fields.find_links):
        reader.links(place, folder, declaration.position(("find_links", number)))
    return reader.found


def sources(declaration: Declaration, workspace: Workspace) -> list[str]:
    """The files and folders of the tree, relative to it, that decide a target's packages."""
    fields = declaration.fields
    assert isinstance(fields, WheelFields)
    folder = declaration.address.folder
    named = [path for path in (fields.pyproject, fields.uv_lock, fields.pylock) if path]
    found = [_joined(folder, path) for path in [*named, *fields.requirements, *fields.constraints]]
    try:
        known = wanted(declaration, workspace)
    except RequestError:  # which building it will say
        return [*found, folder]
    places = [*known.files, *(place for place in known.find_links if place.startswith("//"))]
    return [*found, *known.texts, *(place.removeprefix("//") for place in places)]


def _joined(folder: str, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118  relative to the workspace


class _Reader:
    """Reads lines into what is wanted. Paths are relative to the workspace; methods raise RequestError."""

    def __init__(self, root: Path, found: Wanted) -> None:
        self.found, self._root, self._depth = found, root, 0

    def file(self, path: str, into: list[Line], where: Position) -> None:
        """A requirements file, with the files that it includes."""
        self._depth += 1
        self.found.texts.append(path)
        if self._depth > _DEEPEST:
            raise RequestError(f"'{path}' is included again and again", where=where, hint="break the circle")
        try:
            text = witness.read(self._inside(path, where)).decode("utf-8-sig")
        except OSError as error:
            what = f"'{path}' cannot be read: {error.strerror}"
            raise RequestError(what, where=where, hint="correct the path") from error
        except UnicodeDecodeError as error:
            raise RequestError(f"'{path}' is not UTF-8", where=where, hint="save it as UTF-8") from error
        for number, line in _logical(text):
            here = Position(path, number)
            if line.startswith("-"):
                self._option(line, path, into, here)
            else:
                self.requirement(line, path.rpartition("/")[0], into, here)
        self._depth -= 1

    def _inside(self, path: str, where: Position) -> Path:
        found = self._root / path
        if not witness.resolve(found).is_relative_to(self._root):
            raise RequestError(f"'{path}' is outside the workspace", where=where, hint="correct the path")
        return found

    def _option(self, line: str, path: str, into: list[Line], where: Position) -> None:
        shortened = re.sub(r"^(-[rcife])(?=[^\s=-])", r"\1 ", line)
        option, value = m.groups() if (m := _OPTION.match(shortened)) else (line, None)
        folder, value = path.rpartition("/")[0], (value or "").strip()
        match option, bool(value):
            case "-r" | "--requirement", True:
                self.file(self._included(value, folder, where), into, where)
            case "-c" | "--constraint", True:
                self.file(self._included(value, folder, where), self.found.constraints, where)
            case "-i" | "--index-url", True:
                self.found.index = self.found.index or _url(value, where)
            case "--extra-index-url", True:
                self.found.extra_index.append(_url(value, where))
            case "-f" | "--find-links", True:
                self.links(value, folder, where)
            case "--no-index", False:
                self.found.no_index = True
            case "--pre", False:
                self.found.pre = True
            case (("--require-hashes" | "--prefer-binary"), False):
                pass
            case "--only-binary", True:
                pass
            case "-e" | "--editable", _:
                hint = "build a wheel of it, or add its files with a files target"
                raise RequestError("an editable requirement cannot be installed", where=where, hint=hint)
            case _:
                raise RequestError(f"the option {option} is not understood", where=where, hint="remove it")

    def _included(self, path: str, folder: str, where: Position) -> str:
        if is_url(path) or path.startswith("/"):
            raise RequestError(
                f"'{path}' is outside the workspace", where=where, hint="copy it into the tree"
            )
        return _joined(folder, path)

    def requirement(self, line: str, folder: str, into: list[Line], where: Position) -> None:
        """One requirement, or a wheel of the tree."""
        hashes = tuple(_HASH.findall(line))
        text = _HASH.sub("", line).strip()
        if bad := next((item for item in hashes if not _SHA.match(item)), ""):
            raise RequestError(f"'{bad}' is no hash that counts", where=where, hint="write sha256:…")
        if "${" in text or text.startswith("-") or re.search(r"\s--?[a-z]", text):
            raise RequestError(
                f"'{text}' is not understood", where=where, hint="write as flask>=3; python_version<'3.13'"
            )
        if direct := _DIRECT.match(text):
            _direct(direct[1], where)
        elif re.fullmatch(r"[^;@]*\.whl", text) and not is_url(text):
            text = self._wheel(_joined(folder, text), where)
        elif text.startswith(".") or "/" in text.partition(";")[0] or _ARCHIVE.search(text):
            hint = "name a wheel, or write NAME @ https://….whl"
            raise RequestError(f"'{text}' would have to be built", where=where, hint=hint)
        else:
            _check(text, where)
        into.append(Line(text, where, hashes))

    def _wheel(self, path: str, where: Position) -> str:
        try:
            with witness.steady(file := self._inside(path, where)):
                self.found.files[f"//{path}"] = digest_of_file(file)
        except OSError as error:
            what = f"'{path}' cannot be read: {error.strerror}"
            raise RequestError(what, where=where, hint="correct the path") from error
        return f"//{path}"

    def links(self, place: str, folder: str, where: Position) -> None:
        """A URL that links to wheels, or a folder of wheels."""
        if is_url(place):
            self.found.find_links.append(_url(place, where))
            return
        path = _joined(folder, place)
        if not witness.is_folder(found := self._inside(path, where)):
            raise RequestError(f"'{path}' is not a folder", where=where, hint="correct the path")
        self.found.find_links.append(f"//{path}")
        with os.scandir(found) as scanned:
            entries = list(scanned)
        if present := witness.present():
            present.listed(os.fspath(found), listing(entries))
        for name in sorted(entry.name for entry in entries if entry.name.endswith(".whl")):
            self._wheel(f"{path}/{name}", where)


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, line) of what is no comment, continued lines joined."""
    held, start = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start if held else number
        joined = held + _COMMENT.sub("", line)
        if line.endswith("\\") and not _COMMENT.search(line):
            held = joined[:-1] + " "
            continue
        held = ""
        if joined.strip():
            yield start, joined.strip()


def _url(text: str, where: Position) -> str:
    try:
        return checked_url(text)
    except ValueError as error:
        raise RequestError(str(error), where=where) from None


def _direct(url: str, where: Position) -> None:
    """Raise RequestError for a URL that is not a wheel's."""
    if url.startswith(("git+", "hg+", "svn+", "bzr+")) or not url.partition("#")[0].endswith(".whl"):
        hint = "name the URL of a wheel, or a version from an index"
        raise RequestError(f"'{_shown(url)}' would have to be built", where=where, hint=hint)
    _url(url, where)


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def _check(text: str, where: Position) -> None:
    """Raise RequestError for what is no requirement."""
    if _PLAIN.fullmatch(text):  # most are, and the parser takes time to load
        return
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement as error:
        what = str(error).splitlines()[0]
        raise RequestError(
            f"'{text}' is not a requirement: {what}", where=where, hint="write as flask>=3"
        ) from None
