"""Reads package-lock.json: which packages are where in node_modules, and from what tarballs.

Format: https://docs.npmjs.com/cli/configuring-npm/package-lock-json, lockfileVersion 2 and 3, whose table
`packages` says everything. Integrity: https://www.w3.org/TR/SRI/.
"""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import Position, RequestError
from ...frozen import frozen
from ..ecosystem import Ask

FOLDER = "node_modules"
REGISTRY = "https://registry.npmjs.org/"
_NAME = re.compile(r"(?:@[\w.~!'()*-]+/)?(?!\.)[\w.~!'()*-]+", re.ASCII)  # of old packages, too
_VERSION = re.compile(r"[0-9A-Za-z.+-]+", re.ASCII)
WEB = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[!-\[\]-~]*")  # no user, no backslash
_STRONG = ("sha512", "sha384", "sha256")
_LOCK_AGAIN = "run 'npm install --package-lock-only' with npm 7 or newer"


class Entry(BaseModel):
    """One entry of the table `packages`, as far as installing needs it."""

    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True)

    name: str | None = None
    version: str = ""
    resolved: str | None = None
    integrity: str | None = None
    link: bool = False
    dev: bool = False
    optional: bool = False
    dev_optional: bool = Field(default=False, alias="devOptional")
    peer: bool = False
    in_bundle: bool = Field(default=False, alias="inBundle")
    extraneous: bool = False
    install_script: bool = Field(default=False, alias="hasInstallScript")
    os: list[str] | str = Field(default_factory=list)
    cpu: list[str] | str = Field(default_factory=list)
    libc: list[str] | str = Field(default_factory=list)
    bin: dict[str, str] = Field(default_factory=dict)
    license: Any = None
    dependencies: dict[str, str] = Field(default_factory=dict)
    dev_dependencies: dict[str, str] = Field(default_factory=dict, alias="devDependencies")
    optional_dependencies: dict[str, str] = Field(default_factory=dict, alias="optionalDependencies")
    peer_dependencies: dict[str, str] = Field(default_factory=dict, alias="peerDependencies")
    peer_meta: dict[str, Any] = Field(default_factory=dict, alias="peerDependenciesMeta")

    def needs(self) -> Mapping[str, bool]:
        """The names that it depends on -> whether it can do without."""
        peers = {name: bool(_optional_peer(self.peer_meta.get(name))) for name in self.peer_dependencies}
        firm = dict.fromkeys([*self.dev_dependencies, *self.dependencies], False)
        return {**peers, **firm, **dict.fromkeys(self.optional_dependencies, True)}


def _optional_peer(meta: Any) -> bool:
    return isinstance(meta, Mapping) and meta.get("optional") is True


@frozen
class Lock:
    """A package-lock.json. path: as the target names it; entries: the table `packages`, by place."""

    path: str
    entries: Mapping[str, Entry]

    def find(self, place: str, name: str) -> str | None:
        """Where a package at `place` finds another by name: in the nearest node_modules upwards, as Node
        does."""
        while True:
            found = posixpath.join(place, FOLDER, name)
            if found in self.entries and posixpath.basename(place) != FOLDER:
                return found
            if not place:
                return None
            place = posixpath.dirname(place)

    def needs(self, place: str) -> dict[str, bool]:
        """The places of what a package depends on -> whether it can do without."""
        entry = self.entries[place]
        if entry.link:
            return {entry.resolved: False} if entry.resolved and entry.resolved in self.entries else {}
        found = ((self.find(place, name), optional) for name, optional in entry.needs().items())
        return {at: optional for at, optional in found if at is not None}


def installed_name(place: str) -> str:
    """The name under which a package is imported, from its place."""
    return place.rpartition(f"{FOLDER}/")[2]


def is_installed(place: str) -> bool:
    """Whether a place is one in a node_modules, and not a folder of the tree."""
    return place.startswith(f"{FOLDER}/") or f"/{FOLDER}/" in place


def read_lock(ask: Ask, path: str) -> Lock:
    """The package-lock.json that a target names. Raises RequestError."""
    data = ask.file(path, ("package_lock",))
    folder = ask.declaration.address.folder
    shown = posixpath.normpath(posixpath.join(folder, path))
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        where = Position(shown, error.lineno, error.colno)
        raise RequestError(f"not JSON: {error.msg}", where=where, hint=_LOCK_AGAIN) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise RequestError("not JSON", where=Position(shown), hint=_LOCK_AGAIN) from error
    if not isinstance(document, dict) or not isinstance(document.get("packages"), dict):
        what = f"'{path}' has no table 'packages', as those of npm 6 and older"
        raise ask.refused(what, ("package_lock",), _LOCK_AGAIN)
    entries = {place: _entry(ask, place, row) for place, row in document["packages"].items()}
    return Lock(path, entries)


def _entry(ask: Ask, place: str, row: Any) -> Entry:
    if not place and isinstance(row, dict):
        row = {**row, "bin": {}}  # of the project itself, in whatever form package.json has it
    try:
        entry = Entry.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        inner = ".".join(map(str, first["loc"]))
        raise refused(ask, place, f"{inner or 'it'} is not as npm writes it") from error
    if is_installed(place):
        _check_place(ask, place, entry)
    return entry


def _check_place(ask: Ask, place: str, entry: Entry) -> None:
    """Refuse names that are no names: they become paths in the image and parts of URLs."""
    parts = place.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in place:
        raise refused(ask, place, "it is not a path below the project")
    before, _, _ = place.partition(f"{FOLDER}/")
    names = place.removeprefix(before).split(f"{FOLDER}/")[1:]
    for name in [*(name.removesuffix("/") for name in names), *([entry.name] if entry.name else [])]:
        if not _NAME.fullmatch(name) or name == FOLDER:
            raise refused(ask, place, f"{name!r} is not a package's name")


def refused(ask: Ask, place: str, what: str, hint: str = _LOCK_AGAIN) -> RequestError:
    """An error about one entry of the lock."""
    path = ask.declaration.fields.package_lock  # type: ignore[attr-defined]
    return ask.refused(f"{path}: {place or 'the project'}: {what}", ("package_lock",), hint)


def digest(ask: Ask, place: str, integrity: str | None) -> str:
    """The strongest digest of an entry's integrity, "sha512:HEX". Raises RequestError."""
    found: dict[str, str] = {}
    for word in (integrity or "").split():
        algorithm, _, value = word.partition("?")[0].partition("-")
        found.setdefault(algorithm, value)
    strongest = next((name for name in _STRONG if name in found), None)
    if strongest is None:
        only = f"its integrity is {', '.join(found)} only, which proves nothing"
        what = only if found else "it has no integrity"
        raise refused(ask, place, what, f"remove its entry, and {_LOCK_AGAIN}")
    sizes = {"sha512": 64, "sha384": 48, "sha256": 32}
    try:
        raw = base64.b64decode(found[strongest], validate=True)
        if len(raw) != sizes[strongest]:
            raise ValueError
    except (binascii.Error, ValueError):
        raise refused(ask, place, f"its integrity is no {strongest} in base64") from None
    return f"{strongest}:{raw.hex()}"


def url(ask: Ask, place: str, entry: Entry, registry: str) -> str:
    """Where an entry's tarball is: as the lock says, or else the place that registries have for it.

    registry: stands in for npm's own. Raises RequestError.
    """
    if entry.resolved is None:
        name = entry.name or installed_name(place)
        base = name.rpartition("/")[2]
        return f"{registry}{name}/-/{base}-{urllib.parse.quote(entry.version)}.tgz"
    scheme, _, rest = entry.resolved.partition(":")
    if scheme == "file":
        return _in_tree(ask, place, rest)
    if scheme not in ("http", "https"):
        raise refused(
            ask,
            place,
            f"it comes from {entry.resolved}, which no digest can pin",
            "pack it with 'npm pack' into the tree, and depend on file:NAME.tgz",
        )
    if not WEB.fullmatch(entry.resolved):
        hint = "write no password into it; those of ~/.netrc are used"
        raise refused(ask, place, "its URL ('resolved') is malformed", hint)
    if entry.resolved.startswith(REGISTRY):
        return registry + entry.resolved.removeprefix(REGISTRY)
    return entry.resolved


def _in_tree(ask: Ask, place: str, path: str) -> str:
    """The "//path" of a tarball that the lock names relative to itself."""
    folder = posixpath.join(ask.declaration.address.folder, posixpath.dirname(_lock_path(ask)))
    found = posixpath.normpath(posixpath.join(folder, path))
    if found.startswith(("/", "..")):
        raise refused(ask, place, f"file:{path} is outside the workspace", "move it into the workspace")
    return f"//{found}"


def _lock_path(ask: Ask) -> str:
    return str(ask.declaration.fields.package_lock)  # type: ignore[attr-defined]


def check_version(ask: Ask, place: str, entry: Entry) -> None:
    """Refuse what is no version: it becomes part of URLs."""
    if not _VERSION.fullmatch(entry.version):
        raise refused(ask, place, f"{entry.version!r} is not a version")


def license_of(entry: Entry) -> str:
    """The license as the lock has it: an SPDX expression as a rule, in old packages an object or a list."""
    found = entry.license
    if isinstance(found, list):
        return " OR ".join(filter(None, map(_license_word, found)))
    return _license_word(found)


def _license_word(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("type")
    return value if isinstance(value, str) else ""
