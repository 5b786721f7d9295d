"""The workspace: the tree below the nearest BUILD.toml that has a [workspace] table."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .. import native, witness
from ..errors import RequestError
from ..frozen import frozen
from ..native.signatures import Listing
from ..oci.model import parse_platform, platform_text
from ..registry.reference import Repository
from .address import check_folder
from .shapes import PLATFORM, shaped
from .toml import Document
from .validate import checked

BUILD_FILE = "BUILD.toml"
_TABLE = re.compile(rb"^[ \t]*\[[ \t]*workspace[ \t]*\]", re.MULTILINE)


def _platform(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('should be a string: a platform, as "linux/amd64"')
    return platform_text(parse_platform(value))


Platform = Annotated[str, BeforeValidator(_platform), shaped(PLATFORM)]


def _host(value: str) -> str:
    if _host_of(value) != value.lower():
        raise ValueError(f"'{value}' is not a registry; write host or host:port")
    return value.lower()


def _mirror(value: str) -> str:
    if _host_of(value) != value.partition("/")[0].lower():
        raise ValueError(f"'{value}' is not a mirror; write host, host:port or host/prefix")
    return value


def _host_of(value: str) -> str | None:
    """The registry that `value` begins with, if it does."""
    try:
        return Repository.parse(f"{value}/x").host
    except ValueError:
        return None


Host = Annotated[str, AfterValidator(_host), shaped(r"[A-Za-z0-9.:\[\]-]+")]
Mirror = Annotated[str, AfterValidator(_mirror), shaped(r"[A-Za-z0-9.:\[\]-]+(?:/[a-z0-9._/-]+)?")]


class Settings(BaseModel):
    """The [workspace] table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    platforms: list[Platform] = Field(default_factory=lambda: ["linux/amd64"], min_length=1)
    """Platforms of every image that does not state its own."""
    fingerprint: Literal["xxh3_128", "sha256"] = "xxh3_128"
    """The hash of files and keys; "sha256" for a store shared by people who do not trust each other."""
    repository: str | None = None
    """Repository of images that state none, with {path} and {name} of the target, {git.commit}, {git.branch}
    and {env.NAME}: "registry.example.com/team/{path}/{name}"."""
    insecure_registries: list[Host] = Field(default_factory=list)
    """Registries, as "host" or "host:port", that may be spoken to without TLS; this machine always may."""
    token_realms: list[Host] = Field(default_factory=list)
    """Hosts of token servers that credentials may be sent to, though their registry is elsewhere."""
    mirrors: dict[Host, list[Mirror]] = Field(default_factory=dict)
    """Registry -> mirrors, as "host" or "host/prefix", to ask first when pulling."""


SettingsOf = Callable[[Iterable[str]], type[Settings]]
"""The model of a [workspace] table that has these names in it."""


@frozen
class Workspace:
    """An opened workspace. root: its folder, resolved; document: its root BUILD.toml; model: of settings."""

    root: Path
    settings: Settings
    document: Document
    model: SettingsOf = field(compare=False)

    @property
    def dist(self) -> Path:
        """Where outputs go."""
        return self.root / "dist"

    def relative(self, folder: Path) -> str:
        """A folder of the workspace as an address has it. Raises RequestError outside."""
        try:
            path = folder.resolve().relative_to(self.root).as_posix()
            return "" if path == "." else path
        except ValueError:
            raise RequestError(f"{folder} is outside the workspace {self.root}") from None

    def folders(self) -> list[str]:
        """Every folder with a BUILD.toml, sorted; hidden folders, dist/ and symlinks are not entered.

        A workspace below this one (an example, a submodule) keeps its targets to itself. Raises RequestError
        when a folder cannot be read, or has a name that no address can hold.
        """
        found = []
        stack = [""]
        for some in native.walk(str(self.root), stack):
            for folder, place, listed in some:
                if isinstance(listed, int):
                    raise _unreadable(folder, listed)
                if present := witness.present():
                    ignored = witness.UNSEEN if folder else {*witness.UNSEEN, "dist"}
                    present.listed(place, listed, ignored=ignored)
                try:
                    below, has_file = _look_into(place, listed)
                except OSError as error:
                    raise _unreadable(folder, error.errno) from error
                if has_file:
                    if folder and is_workspace_root(place):
                        continue
                    found.append(_addressable(folder))
                stack += [f"{folder}/{name}" for name in below] if folder else (set(below) - {"dist"})
        return sorted(found)


def _unreadable(folder: str, number: int | None) -> RequestError:
    what = f"the folder //{folder} cannot be read: {os.strerror(number or errno.EIO)}"
    return RequestError(what, hint="make it readable")


def _look_into(place: str, listed: Listing) -> tuple[list[str], bool]:
    """The folders in a folder that may have targets, and whether there is a BUILD.toml. Raises OSError."""
    letters, names = listed
    has_file = False
    if BUILD_FILE in names:
        what = letters[names.index(BUILD_FILE)]
        if what == "l":
            witness.refuse(f"{place}/{BUILD_FILE} is a symlink")
            with contextlib.suppress(FileNotFoundError):
                has_file = stat.S_ISREG(os.stat(f"{place}/{BUILD_FILE}").st_mode)  # noqa: PTH116
        has_file = has_file or what == "f"
    if "d" not in letters:
        return [], has_file
    both = zip(letters, names, strict=True)
    return [name for letter, name in both if letter == "d" and not name.startswith(".")], has_file


def _addressable(folder: str) -> str:
    try:
        return check_folder(folder)
    except ValueError:
        raise RequestError(
            f"the folder {os.fsencode(folder)!r} has a BUILD.toml, but no address can name it",
            hint="rename it: printable UTF-8, without : and \\",
        ) from None


def is_workspace_root(folder: str | Path) -> bool:
    """Whether a folder's BUILD.toml has a [workspace] table."""
    file = f"{os.fspath(folder)}/{BUILD_FILE}"
    try:
        if not witness.is_file(file):  # nobody may ever write to a pipe
            return False
        source = witness.read(file)
        return b"workspace" in source and "workspace" in Document("", source).data
    except (OSError, RequestError):
        return False


def _opened(root: Path, document: Document, model: SettingsOf) -> Workspace:
    table = document.data.get("workspace", {})
    chosen = model(table if isinstance(table, dict) else ())
    return Workspace(root, checked(chosen, table, document, ("workspace",), "[workspace]"), document, model)


def reopened(workspace: Workspace, document: Document) -> Workspace:
    """The workspace, had its root BUILD.toml said what `document` does. Raises DeclarationErrors."""
    return _opened(workspace.root, document, workspace.model)


def open_workspace(start: Path, model: SettingsOf = lambda names: Settings) -> Workspace:
    """The workspace that holds the folder `start`. model: of its [workspace] table, by the names in it.

    Raises RequestError when there is none, DeclarationErrors when its [workspace] table is wrong.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        file = folder / BUILD_FILE
        if not witness.is_file(file):
            continue
        try:
            document = Document.read(file, BUILD_FILE)
        except RequestError:
            if _TABLE.search(file.read_bytes()):
                raise
            continue  # some package's broken file; it is reported when it is loaded
        if "workspace" in document.data:
            return _opened(folder, document, model)
    raise RequestError(
        f"no workspace here: no BUILD.toml with a [workspace] table in {start} or above",
        hint="write [workspace] into the BUILD.toml at the root of your tree",
    )
