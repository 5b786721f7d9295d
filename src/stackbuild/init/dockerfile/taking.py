"""COPY --from: what another stage holds that this one can have without running it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from .context import literal
from .parse import Instruction
from .pieces import Archive, Files, Packages, Remark, is_below
from .stage import Stage
from .trouble import ADVICE


def take(
    stage: Stage, item: Instruction, origin: str, stages: Mapping[str, Stage], sources: list[str], to: str,
    is_folder: bool, owner: tuple[int, int],
) -> None:  # fmt: skip
    """Copy from a stage, or tell why not; from an image, tell."""
    other = stages.get(origin.lower())
    if other is None:
        stage.lose(
            item.line, item.shown, f"files of another image ({origin}) have no translation",
            "add them as files or as an archive", opaque=False,
        )  # fmt: skip
        return
    for source in sources:
        path = posixpath.normpath("/" + source.lstrip("/"))
        place = (
            posixpath.join(to, posixpath.basename(path)) if is_folder and not _is_folder(other, path) else to
        )
        if not _packages(stage, other, path, place) and not _files(
            stage, other, path, place, item.line, owner
        ):
            _tell(stage, item, other, path, place, is_folder)
    stage.make_folder(to if is_folder else posixpath.dirname(to), owner)


def _is_folder(other: Stage, path: str) -> bool:
    """Whether a path of a stage is a folder, as far as one can tell."""
    if other.source_of(path):
        return False
    held = [place for piece in other.of(Packages) for place in piece.holds]
    return other.is_folder(path) or path in held or not posixpath.splitext(path)[1]


def _packages(stage: Stage, other: Stage, path: str, place: str) -> bool:
    """Take the packages that lie there or below; whether it is just theirs."""
    found = False
    for piece in list(other.of(Packages)):
        for held in piece.holds:
            if is_below(held, path) and path != "/":
                inner = held[len(path) :].lstrip("/")
                _add(stage, piece, held, posixpath.join(place, inner) if inner else place)
                found = found or held == path
    return found


def _add(stage: Stage, piece: Packages, held: str, place: str) -> None:
    new = piece.copy()
    new.holds, new.links = [place], {}
    if held in piece.links:
        new.links = {place: piece.links[held]}
    elif piece.ecosystem == "npm":
        new.fields["to"] = posixpath.dirname(place)
    elif "to" in piece.fields:
        new.fields["to"] = place
    if all(old.fields != new.fields for old in stage.of(Packages)):
        stage.pieces.append(new)
    for link, target in new.links.items():
        stage.made(piece.line, "links").symlinks[link] = target


def _files(stage: Stage, other: Stage, path: str, place: str, line: int, owner: tuple[int, int]) -> bool:
    """Take files that came from the context; whether nothing else can be there."""
    found = False
    for piece in other.of(Files):
        inside = {name: source for name, source in piece.placed.items() if is_below(name, path)}
        if not inside:
            continue
        new = Files(line, piece.wish, owner=owner, mode=piece.mode)
        new.placed = {
            posixpath.normpath(place + name[len(path) :]): source for name, source in inside.items()
        }
        if piece.lies_below(path) and not piece.rename and is_below(piece.to, path):
            new.srcs, new.strip = list(piece.srcs), piece.strip
            new.to = posixpath.normpath(place + piece.to[len(path) :])
        else:
            new.srcs = [literal(source) for source in inside.values()]
            new.rename = {source: name for name, source in new.placed.items()}
        stage.pieces.append(new)
        found = True
    for archive in other.of(Archive):
        if is_below(archive.fields["to"], path):
            new_archive = archive.copy()
            new_archive.fields["to"] = posixpath.normpath(place + archive.fields["to"][len(path) :])
            stage.pieces.append(new_archive)
            found = True
    return found and (other.source_of(path) is not None or not other.files_unknown)


def _tell(stage: Stage, item: Instruction, other: Stage, path: str, place: str, is_folder: bool) -> None:
    makers = [piece for piece in other.of(Remark) if piece.opaque and piece.note]
    for maker in makers:
        assert maker.note
        if maker.note not in stage.notes:
            stage.notes.append(maker.note)
    lines = ", ".join(str(line) for line in dict.fromkeys(maker.line for maker in makers))
    why = (
        f"what line {lines} makes has no translation" if lines else f"the stage has no '{path}' that is known"
    )
    stage.lose(item.line, item.shown, why, ADVICE, likely=_likely(other, path, place), opaque=False)


def _likely(other: Stage, path: str, place: str) -> dict[str, Any]:
    """The `files` target that would stand for it, if it is made where the Dockerfile makes it."""
    home = other.workdir if is_below(path, other.workdir) else "/"
    inner = path[len(home) :].strip("/") or posixpath.basename(path)
    name = posixpath.basename(inner)
    if posixpath.splitext(name)[1] or (
        posixpath.basename(place) == name and not other.is_folder(path) and "bin" in place
    ):
        return {
            "srcs": [inner],
            **({"strip_prefix": posixpath.dirname(inner)} if "/" in inner else {}),
            "to": posixpath.dirname(place),
        }
    return {"srcs": [f"{inner}/**"], "strip_prefix": inner, "to": place}
