"""The state of one stage while its instructions are read: configuration, variables, files so far."""

from __future__ import annotations

import copy
import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ...errors import RequestError
from ...targets.registry import load_types
from .accounts import Accounts
from .bases import PATH, Base
from .context import Context
from .parse import Dockerfile, Instruction
from .pieces import Files, Folder, Packages, Piece, Remark, is_below
from .trouble import Note, Untranslated
from .words import BadWord, expand

P = TypeVar("P", bound=Piece)
STANDARD = frozenset(
    ["/", "/usr/local/bin", "/usr/local/lib", "/usr/local/share", "/var/cache", "/var/lib", "/var/log"]
    + [
        f"/{name}"
        for name in [
            "bin",
            "dev",
            "etc",
            "home",
            "lib",
            "media",
            "mnt",
            "opt",
            "proc",
            "root",
            "run",
            "sbin",
            "srv",
            "sys",
            "tmp",
            "usr",
            "var",
        ]
    ]
    + [f"/usr/{name}" for name in ["bin", "lib", "local", "sbin", "share", "src"]]
    + ["/var/run", "/var/tmp"]
)
"""Folders that every base has."""


@dataclass
class Stage:
    """One FROM and what follows. config: fields of the image."""

    name: str
    line: int
    base: Base
    file: Dockerfile
    context: Context
    platform: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    accounts: Accounts = field(default_factory=Accounts)
    pieces: list[Piece] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    shell: list[str] = field(default_factory=lambda: ["/bin/sh", "-c"])
    notes: list[Note] = field(default_factory=list)
    remarks: list[Note] = field(default_factory=list)
    """Of the configuration, for above the image."""
    generated: dict[str, str] = field(default_factory=dict)
    """Files to write beside the BUILD.toml: path -> text, of here-documents."""
    unset: set[str] = field(default_factory=set)
    """Variables that the instruction at hand uses, and nobody sets."""
    environments: list[str] = field(default_factory=list)
    """Virtual environments of Python that were made."""
    cmd_is_own: bool = False
    """Whether this stage itself states CMD."""
    files_unknown: bool = False
    """Whether something without a translation may have changed any file."""
    mounts: dict[str, str] = field(default_factory=dict)
    """Of the RUN that is being read: image path -> path in the context."""

    def child(self, name: str, line: int) -> Stage:
        """A stage that goes on where this one ends; ARGs and notes are not handed on."""
        return Stage(
            name, line, self.base, self.file, self.context, self.platform, copy.deepcopy(self.config),
            dict(self.env), {},
            self.accounts.copy(), [piece.copy() for piece in self.pieces],
            {path: Folder(**vars(folder)) for path, folder in self.folders.items()}, list(self.shell),
            list(self.notes), list(self.remarks), dict(self.generated), environments=list(self.environments),
            files_unknown=self.files_unknown,
        )  # fmt: skip

    # Variables and paths

    def variables(self) -> dict[str, str]:
        """What a RUN sees: ARG, and ENV over it."""
        return {**self.args, **self.env}

    def expand(self, text: str) -> str:
        """A word of an instruction. Raises Untranslated."""
        try:
            return expand(text, self.lookup, self.file.escape, self.unset)
        except BadWord as error:
            raise Untranslated(str(error), "correct it") from None

    def lookup(self, name: str) -> str | None:
        """A variable's value; PATH that no ENV sets is the usual one."""
        value = self.variables().get(name, self.base.env.get(name))
        return PATH if value is None and name == "PATH" else value

    @property
    def workdir(self) -> str:
        """The folder in which instructions work."""
        return str(self.config.get("workdir") or self.base.workdir or "/")

    def absolute(self, path: str) -> str:
        """A path of the image, from its root. Raises Untranslated when it leaves it."""
        found = posixpath.normpath(posixpath.join(self.workdir, path))
        return "/" + found.lstrip("/")

    def owner(self, text: str | None) -> tuple[int, int]:
        """The numbers of a --chown or USER; a remark where they were chosen here. Raises Untranslated."""
        return self.accounts.owner(text) if text else (0, 0)

    # What is told

    def note(self, line: int, shown: str, why: str, advice: str = "", path: str = "") -> Note:
        """Tell about a line, without any place among the targets."""
        found = Note(path or self.file.path, line, shown, why, advice)
        self.notes.append(found)
        return found

    def remark(self, item: Instruction, why: str, advice: str = "") -> None:
        """Tell about the configuration: above the image."""
        self.remarks.append(self.note(item.line, item.shown, why, advice))

    def lose(
        self,
        line: int,
        shown: str,
        why: str,
        advice: str,
        *,
        likely: dict[str, Any] | None = None,
        opaque: bool = True,
    ) -> None:
        """Tell about files: at this place among the targets."""
        self.pieces.append(Remark(line, "", self.note(line, shown, why, advice), likely, opaque))
        self.files_unknown = self.files_unknown or opaque

    def set(self, item: Instruction, name: str, value: Any) -> None:
        """Set a field of the image, or tell why it cannot be."""
        try:
            check("image", {name: value})
        except Untranslated as error:
            self.remark(item, error.why, "correct it")
        else:
            self.config[name] = value

    # Pieces

    def of(self, kind: type[P]) -> Iterator[P]:
        """The pieces of a kind, lowest first."""
        return (piece for piece in self.pieces if isinstance(piece, kind))

    def packages(self, ecosystem: str) -> Iterator[Packages]:
        """The packages of an ecosystem."""
        return (piece for piece in self.of(Packages) if piece.ecosystem == ecosystem)

    def source_of(self, path: str) -> str | None:
        """The path in the context of a file of the image, or of a mount."""
        for folder, source in self.mounts.items():
            if is_below(path, folder):
                return posixpath.normpath(f"{source}/{path[len(folder) :]}").lstrip("/")
        found = [piece.placed[path] for piece in self.of(Files) if path in piece.placed]
        return found[-1] if found else None

    def text(self, path: str) -> str:
        """The text of a file of the context; "" when there is none to be read."""
        file = self.context.root / path
        try:
            return file.read_text(errors="replace") if path in self.context.modes and file.is_file() else ""
        except OSError:
            return ""

    def is_folder(self, path: str) -> bool:
        """Whether a path is known to be a folder of the image by now."""
        return (
            path in STANDARD
            or is_below(self.base.workdir or "/", path)
            or path in self.folders
            or any(name.startswith(f"{path}/") for piece in self.of(Files) for name in piece.placed)
        )

    def make_folder(
        self, path: str, owner: tuple[int, int] = (0, 0), *, mode: int = 0o755, asked: bool = False
    ) -> None:
        """A folder, and those above it that are not there yet, as `mkdir -p`."""
        parts = path.strip("/").split("/")
        for length in range(1, len(parts) + 1):
            above = "/" + "/".join(parts[:length])
            if above == "/" or above in self.folders or (above != path and self.is_folder(above)):
                continue
            if above != path or not self.is_folder(path):
                self.folders[above] = Folder(mode if above == path else 0o755, owner, asked and above == path)

    def adopt(self, path: str, *, deep: bool) -> None:
        """Take a folder that came with copied files among those whose mode and owner are known."""
        for piece in self.of(Files):
            for name in piece.placed:
                parent = posixpath.dirname(name)
                while is_below(parent, path):
                    if (deep or parent == path) and parent not in self.folders:
                        self.folders[parent] = Folder(owner=piece.owner)
                    if parent == path:
                        break
                    parent = posixpath.dirname(parent)

    def made(self, line: int, wish: str) -> Files:
        """The last piece, if it is of that kind, or a new one: for links and deletions."""
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, Files) and not last.srcs and last.wish == wish:
            return last
        found = Files(line, wish)
        self.pieces.append(found)
        return found

    def mode_of(self, piece: Files, path: str) -> int:
        """The mode that a file has now."""
        if path in piece.modes:
            return int(piece.modes[path], 8)
        if piece.mode is not None:
            return piece.mode
        return 0o755 if self.context.modes.get(piece.placed[path], 0) & stat.S_IXUSR else 0o644


def check(kind: str, fields: Mapping[str, Any], model: type[BaseModel] | None = None) -> None:
    """Raise Untranslated unless a target of a type may have these fields: its own model is the judge."""
    model = model or _model(kind, fields)
    try:
        model.model_validate(dict(fields), context={"folder": ""})
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise Untranslated(message, "correct it") from None
    except RequestError as error:
        raise Untranslated(error.what, error.hint) from None


def _model(kind: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    found = load_types()[kind].fields
    return found if isinstance(found, type) else found.models[fields[found.field]]
