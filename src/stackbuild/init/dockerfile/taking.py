"""COPY --from: what another stage holds that this one can have without running it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from .context import literal
from .parse import Instruction
from .pieces import Archive, Files, Owner, Packages, Remark, is_below, wish_of
from .stage import Stage
from .trouble import ADVICE


def take(
    stage: Stage, item: Instruction, origin: str, stages: Mapping[str, Stage], sources: list[str], to: str,
    is_folder: bool, owner: Owner,
) -> None:  # fmt: skip
    """Copy from a stage, or tell why not; from an image, tell."""
    other = stages.get(origin.lower())
    if other is None:
        stage.lose(
            item.line, item.shown, f"files of another image ({origin}) have no translation",
            "add them as files or as an archive", opaque=False,
        )  # fmt: skip
        return
    stage.make_folder(to if is_folder else posixpath.dirname(to), owner)
    for source in sources:
        path = posixpath.normpath("/" + source.lstrip("/"))
        place = (
            posixpath.join(to, posixpath.basename(path)) if is_folder and not _is_folder(other, path) else to
        )
        packages = _packages(stage, item, other, path, place, owner)
        files = not packages and _files(stage, other, path, place, item.line, owner)
        exact = packages or other.source_of(path) is not None
        if not exact and (other.files_unknown or not files):
            _tell(stage, item, other, path, place, owner, known=files)


def _is_folder(other: Stage, path: str) -> bool:
    """Whether a path of a stage is a folder, as far as one can tell."""
    if other.source_of(path):
        return False
    held = [place for piece in other.of(Packages) for place in piece.holds]
    return other.is_folder(path) or path in held or not posixpath.splitext(path)[1]


def _packages(stage: Stage, item: Instruction, other: Stage, path: str, place: str, owner: Owner) -> bool:
    """Take the packages that lie there or below; whether it is just theirs."""
    found = False
    for piece in list(other.of(Packages)):
        for held in piece.holds:
            if is_below(held, path) and path != "/":
                inner = held[len(path) :].lstrip("/")
                _add(stage, piece, held, posixpath.join(place, inner) if inner else place)
                found = found or held == path
                if owner != (0, 0) and not piece.links:
                    why = "packages stay root's, for everybody to read"
                    advice = "leave it so unless the program writes there"
                    stage.lose(item.line, item.shown, why, advice, opaque=False)
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


def _files(stage: Stage, other: Stage, path: str, place: str, line: int, owner: Owner) -> bool:
    """Take files that came from the context; whether there are any."""
    found = False
    for piece in list(other.of(Files)):
        inside = {name: source for name, source in piece.placed.items() if is_below(name, path)}
        if inside:
            stage.pieces.append(_moved(stage, piece, inside, path, place, line, owner))
            found = True
        if links := {name: link for name, link in piece.symlinks.items() if is_below(name, path)}:
            new_links = stage.made(line, "links").symlinks
            new_links |= {
                posixpath.normpath(place + name[len(path.rstrip("/")) :]): link
                for name, link in links.items()
            }
            found = True
    for archive in list(other.of(Archive)):
        if is_below(archive.fields["to"], path):
            new = archive.copy()
            new.fields["to"] = posixpath.normpath(place + archive.fields["to"][len(path.rstrip("/")) :])
            stage.pieces.append(new)
            found = True
    return found


def _moved(
    stage: Stage,
    piece: Files,
    inside: dict[str, str],
    path: str,
    place: str,
    line: int,
    owner: Owner,
) -> Files:
    """The part of a piece that lies at or below a path, for another place."""
    owner = piece.owner if owner == (0, 0) else owner  # without --chown a stage's owners are kept
    new = Files(line, wish_of(place), owner=owner, mode=piece.mode)
    cut = len(path.rstrip("/"))
    new.placed = {posixpath.normpath(place + name[cut:]): source for name, source in inside.items()}
    if owner != (0, 0) and any("/" in name[len(place) :].lstrip("/") for name in new.placed):
        new.dirs = ["**"]
    new.modes = {
        posixpath.normpath(place + name[cut:]): piece.modes[name] for name in inside if name in piece.modes
    }
    folder = _whole_folder(stage, inside, path)
    if folder is not None:
        new.srcs = [*stage.context.globs(folder)[0], *([] if folder else ["!stackbuild.lock"])]
        new.strip, new.to = folder, place
    else:
        new.srcs = [literal(source) for source in inside.values()]
        new.rename = {source: name for name, source in new.placed.items()}
    return new


def _whole_folder(stage: Stage, inside: dict[str, str], path: str) -> str | None:
    """The folder of the context whose files are just what lies below a path; None when there is none."""
    cut = len(path.rstrip("/"))
    name, source = next(iter(inside.items()))
    if name == path or not f"/{source}".endswith(name[cut:]):
        return None
    folder = f"/{source}".removesuffix(name[cut:]).strip("/")
    below = {
        item: f"{path.rstrip('/')}/{item[len(folder) :].lstrip('/')}" for item in stage.context.below(folder)
    }
    same = {place: item for item, place in below.items()} == inside
    return folder if same and not stage.context.globs(folder)[1] else None


_FOLDERS = frozenset(
    [
        ".next",
        ".output",
        ".venv",
        "app",
        "assets",
        "build",
        "bundle",
        "dist",
        "html",
        "lib",
        "node_modules",
        "out",
        "public",
        "release",
        "site",
        "src",
        "static",
        "target",
        "vendor",
        "venv",
        "www",
    ]
)


def _tell(
    stage: Stage, item: Instruction, other: Stage, path: str, place: str, owner: Owner, *, known: bool
) -> None:
    """Say what is not known of a path, with the target that would stand for it unless some of it is known."""
    makers = [piece for piece in other.of(Remark) if piece.opaque and piece.note]
    stage.notes += [piece.note for piece in makers if piece.note and piece.note not in stage.notes]
    lines = list(dict.fromkeys(str(maker.line) for maker in makers))
    which = f"line {lines[0]} leaves" if len(lines) == 1 else f"lines {', '.join(lines)} leave"
    if known:
        why = f"what {which} there besides is not known"
        stage.lose(item.line, item.shown, why, ADVICE, opaque=False)
        return
    why = f"what {which} there is not known" if lines else "what the base has there is not known"
    stage.lose(item.line, item.shown, why, ADVICE, likely=_likely(other, path, place, owner), opaque=False)


def _likely(other: Stage, path: str, place: str, owner: Owner) -> dict[str, Any] | None:
    """The `files` target that would stand for it, if it is made where the Dockerfile makes it."""
    home = other.workdir if is_below(path, other.workdir) and path != other.workdir else "/"
    inner = path[len(home) :].strip("/") or posixpath.basename(path)
    if not inner:
        return None
    name, folder = posixpath.basename(inner), posixpath.dirname(inner)
    owned = {} if owner == (0, 0) else {"owner": f"{owner[0]}:{owner[1]}"}
    if name in _FOLDERS or other.is_folder(path) or (other.context.root / inner).is_dir():
        return {"srcs": [f"{inner}/**"], "strip_prefix": inner, "to": place, **owned}
    if posixpath.basename(place) not in (name, ""):
        return {"srcs": [inner], "rename": {inner: place}, **owned}
    strip = {"strip_prefix": folder} if folder else {}
    return {"srcs": [inner], **strip, "to": posixpath.dirname(place), **owned}
