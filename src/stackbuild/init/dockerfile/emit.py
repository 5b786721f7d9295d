"""A stage's pieces and configuration as tables of a BUILD.toml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...declare.glob import is_wild
from ..draft import Names, Table
from .pieces import Archive, Files, Folder, Packages, Piece, Remark, wish_of
from .stage import STANDARD, Stage, check
from .trouble import Untranslated

_ORDER = (
    "entrypoint",
    "cmd",
    "workdir",
    "user",
    "env",
    "ports",
    "volumes",
    "labels",
    "stop_signal",
    "healthcheck",
)


def tables(stage: Stage, name: str) -> tuple[list[Table | str], str]:
    """The tables, lowest layer first and the image last, and the image's name."""
    names = Names()
    image = names.take(name)
    found: list[Table | str] = []
    head: dict[str, Any] = {}
    if stage.base.reference:
        base = names.take(stage.base.name)
        found.append(Table(("base", base), {"image": stage.base.reference}))
        head["base"] = f":{base}"
    layers: list[str] = []
    pending: list[str] = []
    for piece in _pieces(stage):
        if isinstance(piece, Remark):
            assert piece.note
            remark = str(piece.note)
            table = _likely(stage, piece, names)
            if table is None:
                pending.append(remark)
                continue
            table.remarks = [*pending, remark]
        else:
            kind, fields = _kind(piece), _fields(piece)
            try:
                check(kind, fields)
            except Untranslated as error:
                shown = next(item.shown for item in stage.file.instructions if item.line == piece.line)
                pending.append(str(stage.note(piece.line, shown, error.why, error.advice)))
                continue
            table = Table((kind, names.take(piece.wish, piece.spare)), fields, pending)
        pending = []
        found.append(table)
        if not table.asleep:
            layers.append(f":{table.header[1]}")
    if layers:
        head["layers"] = layers
    if stage.platform:
        head["platforms"] = [stage.platform]
    config = {field: stage.config[field] for field in _ORDER if field in stage.config}
    remarks = [*pending, *map(str, stage.remarks)]
    found.append(Table(("image", image), {**head, **config}, remarks))
    return found, image


def _kind(piece: Piece) -> str:
    return {Files: "files", Archive: "archive", Packages: "packages"}[type(piece)]


def _pieces(stage: Stage) -> Iterator[Piece]:
    """What is left to write: folders first, and nothing that a later piece writes again."""
    if folders := _folders(stage):
        yield folders
    pieces = [piece for piece in stage.pieces if not _is_empty(piece)]
    for number, piece in enumerate(pieces):
        if not (isinstance(piece, Files) and _is_shadowed(piece, pieces[number + 1 :])):
            yield piece


def _is_empty(piece: Piece) -> bool:
    if isinstance(piece, Packages):
        return piece.fields.get("install") == []
    return isinstance(piece, Files) and not (piece.srcs or piece.symlinks or piece.whiteouts or piece.dirs)


def _is_shadowed(piece: Files, later: Iterable[Piece]) -> bool:
    """Whether one later copy of the same files to the same places leaves nothing of a piece to be seen."""
    if not piece.placed or piece.symlinks or piece.whiteouts or piece.modes or piece.owners:
        return False
    return any(isinstance(other, Files) and other.placed.items() >= piece.placed.items() for other in later)


def _folders(stage: Stage) -> Files | None:
    """Folders that no file brings along as they are to be: asked for and empty, or with a mode or owner."""
    held = [path for piece in stage.of(Files) for path in (*piece.placed, *piece.symlinks)]
    held += [path for piece in stage.of(Packages) for path in piece.holds]
    wanted = {
        path: folder for path, folder in sorted(stage.folders.items()) if _must_be_written(path, folder, held)
    }
    for path, folder in list(wanted.items()):
        if carrier := _carrier(stage, path):
            del wanted[path]
            if folder.mode != 0o755:
                carrier.modes[path] = f"{folder.mode:04o}"
            if folder.owner != carrier.owner:
                carrier.owners[path] = folder.owner
    if not wanted:
        return None
    piece = Files(stage.line, "folders", dirs=list(wanted))
    usual = (Folder().mode, Folder().owner)
    owners = {folder.owner for folder in wanted.values()}
    if len(owners) == 1:
        piece.owner = owners.pop()
    piece.owners = {path: folder.owner for path, folder in wanted.items() if folder.owner != piece.owner}
    piece.modes = {path: f"{folder.mode:04o}" for path, folder in wanted.items() if folder.mode != usual[0]}
    return piece


def _carrier(stage: Stage, path: str) -> Files | None:
    """The last piece that writes a folder itself: beneath it an entry of the lowest layer would not count."""
    found = [
        piece
        for piece in stage.of(Files)
        if piece.dirs == ["**"]
        and path.startswith(f"{piece.to.rstrip('/')}/")
        and any(name.startswith(f"{path}/") for name in piece.placed)
    ]
    return found[-1] if found else None


def _must_be_written(path: str, folder: Folder, held: list[str]) -> bool:
    if (folder.mode, folder.owner) != (0o755, (0, 0)):
        return True
    return folder.asked and path not in STANDARD and not any(name.startswith(f"{path}/") for name in held)


def _fields(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, Archive | Packages):
        return piece.fields
    assert isinstance(piece, Files)
    found: dict[str, Any] = {}
    if piece.srcs:
        found["srcs"] = list(dict.fromkeys(piece.srcs))
    if _uses_to(piece):
        found |= {"strip_prefix": piece.strip} if piece.strip else {}
        found |= {"to": piece.to} if piece.to != "/" else {}
    for name in ("rename", "symlinks", "dirs", "whiteouts"):
        if value := getattr(piece, name):
            found[name] = value
    if piece.mode is not None:
        found["mode"] = f"{piece.mode:04o}"
    if piece.owner != (0, 0):
        found["owner"] = _owner(piece.owner)
    if piece.modes:
        found["modes"] = piece.modes
    if piece.owners:
        found["owners"] = {path: _owner(owner) for path, owner in piece.owners.items()}
    return found


def _uses_to(piece: Files) -> bool:
    return bool(set(piece.placed.values()) - set(piece.rename)) or any(is_wild(glob) for glob in piece.srcs)


def _owner(owner: tuple[int, int]) -> str:
    return f"{owner[0]}:{owner[1]}"


def _likely(stage: Stage, piece: Remark, names: Names) -> Table | None:
    """The target that would stand for something, awake when its files are there already."""
    if piece.likely is None:
        return None
    globs = piece.likely["srcs"]
    there = any(stage.context.has(glob.removesuffix("/**")) for glob in globs)
    wish = wish_of(globs[0].removesuffix("/**"))
    header = ("files", names.take(wish))
    return Table(header, piece.likely, asleep=not there)
