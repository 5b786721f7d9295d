"""COPY and ADD: what goes where, as Docker decides it, as `files` and `archive` targets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from ...declare.glob import is_wild, matches
from ...frozen import frozen
from .context import Context, literal
from .modes import changed
from .parse import Heredoc, Instruction
from .pieces import Archive, Files, wish_of
from .stage import Stage, check
from .taking import take
from .trouble import Untranslated
from .words import expand, split

_ARCHIVES = re.compile(r"\.(tar|tar\.gz|tgz|tar\.xz|txz|tar\.bz2|tbz2?|tar\.zst)\Z")
_URL = re.compile(r"https?://")
_GIT = re.compile(r"(git@|ssh://|git://)|\.git(#|\Z)")


@frozen
class Request:
    """One COPY or ADD, its words resolved. to: a path from the image's root; is_folder: whether it is one."""

    item: Instruction
    sources: list[str]
    to: str
    is_folder: bool
    owner: tuple[int, int]
    mode: int | None
    parents: bool = False
    exclude: tuple[str, ...] = ()


def copy(stage: Stage, item: Instruction, stages: Mapping[str, Stage]) -> None:
    """COPY, from the context or from another stage. Raises Untranslated."""
    wanted = _request(stage, item)
    origin = item.flag("from")
    if origin is not None:
        take(
            stage,
            item,
            stage.expand(origin),
            stages,
            wanted.sources,
            wanted.to,
            wanted.is_folder,
            wanted.owner,
        )
        return
    _heredocs(stage, wanted)
    _from_context(stage, wanted)


def add(stage: Stage, item: Instruction, stages: Mapping[str, Stage]) -> None:
    """ADD: archives are unpacked, URLs fetched. Raises Untranslated."""
    wanted = _request(stage, item)
    rest = []
    for source in wanted.sources:
        if _GIT.search(source):
            stage.lose(
                item.line,
                item.shown,
                "a Git repository has no translation",
                "add it as a submodule, and as files",
            )
        elif _URL.match(source):
            _fetched(stage, wanted, source)
        elif _is_archive(stage, item, source):
            fields = {"src": _clean(source), "to": wanted.to, **_owned(wanted.owner)}
            check("archive", fields)
            stage.pieces.append(Archive(item.line, wish_of(source), fields))
            stage.make_folder(wanted.to)
        else:
            rest.append(source)
    _heredocs(stage, wanted)
    if rest:
        _from_context(stage, Request(**{**vars(wanted), "sources": rest}))


def _is_archive(stage: Stage, item: Instruction, source: str) -> bool:
    """Whether ADD unpacks a file of the context. Docker looks at its bytes; its name says the same."""
    wanted = bool(_ARCHIVES.search(source)) and item.flag("unpack") != "false" and not is_wild(source)
    return wanted and _clean(source) in stage.context.modes


def _request(stage: Stage, item: Instruction) -> Request:
    words = item.exec_form() or split(item.rest, stage.file.escape)
    words = [stage.expand(word) if not word.startswith("<<") else word for word in words]
    if len(words) < 2:
        raise Untranslated("it names no source or no destination", "correct it")
    *sources, to = words
    if stage.base.workdir is None and "workdir" not in stage.config and not to.startswith("/"):
        stage.remark(
            item, "the base's own working folder is not known here; / is taken", "state it with WORKDIR"
        )
    place = stage.absolute(to)
    several = len(sources) > 1 or any(len(_matching(stage, item, source)) > 1 for source in sources)
    is_folder = to.endswith(("/", "/.")) or to in (".", "") or several or stage.is_folder(place)
    chown = item.flag("chown")
    return Request(
        item, [source for source in sources if not source.startswith("<<")], place, is_folder,
        stage.owner(stage.expand(chown)) if chown else (0, 0), _chmod(stage, item),
        item.flag("parents") is not None, tuple(value for name, value in item.flags if name == "exclude"),
    )  # fmt: skip


def _matching(stage: Stage, item: Instruction, source: str) -> list[str]:
    return stage.context.matching(source.strip("/")) if is_wild(source) and not item.flag("from") else []


def _chmod(stage: Stage, item: Instruction) -> int | None:
    text = item.flag("chmod")
    if text is None:
        return None
    return changed(stage.expand(text), 0o644, is_folder=False)


def _owned(owner: tuple[int, int]) -> dict[str, str]:
    return {} if owner == (0, 0) else {"owner": f"{owner[0]}:{owner[1]}"}


def _clean(source: str) -> str:
    """A source as the context knows it. Raises Untranslated when it leaves the context."""
    found = posixpath.normpath("/" + source.lstrip("/")).lstrip("/")
    if ".." in source.split("/") and posixpath.normpath(source).startswith(".."):
        raise Untranslated(f"'{source}' is outside the context", "Docker refuses it, too")
    return found


def _fetched(stage: Stage, wanted: Request, url: str) -> None:
    """ADD of a URL: stackbuild's archives are unpacked, and Docker's are not."""
    found = re.fullmatch(r"sha256:([0-9a-f]{64})", stage.expand(wanted.item.flag("checksum") or ""))
    if not found:
        stage.lose(
            wanted.item.line, wanted.item.shown, "what lies there has no checksum",
            "fetch it, and add it as files; or write --checksum=sha256:…",
        )  # fmt: skip
    elif not _ARCHIVES.search(url) or wanted.item.flag("unpack") not in ("", "true"):
        stage.lose(
            wanted.item.line, wanted.item.shown, "a file from a URL has no translation unless it is unpacked",
            "fetch it, and add it as files",
        )  # fmt: skip
    else:
        fields = {"url": url, "sha256": found[1], "to": wanted.to, **_owned(wanted.owner)}
        check("archive", fields)
        stage.pieces.append(Archive(wanted.item.line, wish_of(url), fields))


def _heredocs(stage: Stage, wanted: Request) -> None:
    for document in wanted.item.heredocs:
        target = wanted.to if not wanted.is_folder else posixpath.join(wanted.to, document.name)
        path = f"heredocs/{posixpath.basename(target)}"
        while path in stage.generated and stage.generated[path] != _content(stage, document):
            path += "_"
        stage.generated[path] = _content(stage, document)
        folder, name = posixpath.split(target)
        piece = Files(
            wanted.item.line,
            wish_of(name),
            {target: path},
            [literal(path)],
            folder,
            "heredocs",
            owner=wanted.owner,
        )
        piece.mode = wanted.mode
        if posixpath.basename(path) != name:
            piece.rename = {path: target}
        stage.pieces.append(piece)


def _content(stage: Stage, document: Heredoc) -> str:
    if not document.expand:
        return document.content
    kept = document.content.replace('"', '\\"').replace("'", "\\'")
    return expand(kept, stage.lookup, stage.file.escape)


def _from_context(stage: Stage, wanted: Request) -> None:
    groups: dict[str, Files] = {}
    for source in wanted.sources:
        path = _clean(source)
        try:
            if is_wild(path):
                _wild(stage, wanted, path, groups)
            elif stage.context.is_folder(path):
                _folder(stage, wanted, path, groups)
            elif path in stage.context.modes:
                _file(stage, wanted, path, groups)
            else:
                raise _missing(stage.context, path)
        except Untranslated as error:
            stage.lose(wanted.item.line, wanted.item.shown, error.why, error.advice, opaque=False)
    if groups:
        is_folder = wanted.is_folder or any(map(stage.context.is_folder, map(_clean, wanted.sources)))
        stage.make_folder(wanted.to if is_folder else posixpath.dirname(wanted.to), wanted.owner)
    for piece in groups.values():
        if wanted.owner != (0, 0):
            piece.owner = wanted.owner
            if any("/" in name.removeprefix(piece.to).lstrip("/") for name in piece.placed):
                piece.dirs = ["**"]
        piece.mode = wanted.mode
        stage.pieces.append(piece)


def _missing(context: Context, path: str) -> Untranslated:
    if any(path == folder or path.startswith(f"{folder}/") for folder in context.hidden):
        return Untranslated(
            "dist/ at the workspace's root is where stackbuild writes images", "give the folder another name"
        )
    if context.ignores(path):
        return Untranslated(f".dockerignore takes '{path}' away", "correct one of the two")
    return Untranslated(f"the context has no '{path}' now", "make it first, and run this again")


def _group(wanted: Request, groups: dict[str, Files], strip: str, to: str, wish: str) -> Files:
    if strip not in groups:
        groups[strip] = Files(wanted.item.line, wish, to=to, strip=strip)
    return groups[strip]


def _folder(stage: Stage, wanted: Request, path: str, groups: dict[str, Files]) -> None:
    """The contents of a folder; with --parents the folder itself."""
    strip = "" if wanted.parents else path
    away = [f"{path}/{pattern}".lstrip("/") for pattern in wanted.exclude]
    found = [name for name in stage.context.below(path) if not any(matches(glob, name) for glob in away)]
    if not found:
        raise Untranslated(f"'{path or '.'}' holds no files", "make them first, and run this again")
    globs, apart = stage.context.globs(path)
    globs = [
        literal(path) + glob[len(path) :] if path and glob.startswith(f"{path}/") else glob for glob in globs
    ]
    globs += [f"!{glob}" for glob in away]
    if not path and wanted.to:
        globs.append("!stackbuild.lock")
    piece = _group(wanted, groups, strip, wanted.to, posixpath.basename(path) or "app")
    piece.srcs += globs
    piece.placed |= {_placed(wanted.to, name, strip): name for name in found if name not in apart}
    if apart:
        again = _group(wanted, groups, strip + "/", wanted.to, f"{posixpath.basename(path) or 'app'}-kept")
        again.strip = strip
        again.srcs += [literal(name) for name in apart]
        again.placed |= {_placed(wanted.to, name, strip): name for name in apart}


def _file(stage: Stage, wanted: Request, path: str, groups: dict[str, Files]) -> None:
    strip = "" if wanted.parents else posixpath.dirname(path)
    name = posixpath.basename(path)
    if wanted.is_folder:
        piece = _group(wanted, groups, strip, wanted.to, wish_of(name))
        piece.spare = name.replace(".", "-")
        piece.placed[_placed(wanted.to, path, strip)] = path
    else:
        folder, new = posixpath.split(wanted.to)
        piece = _group(wanted, groups, strip, folder, wish_of(name))
        piece.spare = name.replace(".", "-")
        piece.placed[wanted.to] = path
        if new != name:
            piece.rename[path] = wanted.to
    piece.srcs.append(literal(path))


def _wild(stage: Stage, wanted: Request, pattern: str, groups: dict[str, Files]) -> None:
    found = stage.context.matching(pattern)
    if not found:
        raise Untranslated(
            f"nothing in the context matches '{pattern}' now", "make it first, and run this again"
        )
    strip, files = posixpath.dirname(pattern), [name for name in found if name in stage.context.modes]
    if len(found) == 1 and files and not wanted.is_folder:
        _file(stage, wanted, files[0], groups)
    elif not is_wild(strip) and files:
        piece = _group(
            wanted,
            groups,
            "" if wanted.parents else strip,
            wanted.to,
            posixpath.basename(strip) or wish_of(files[0]),
        )
        piece.srcs.append(pattern)
        piece.placed |= {_placed(wanted.to, name, "" if wanted.parents else strip): name for name in files}
    else:
        for name in files:
            _file(stage, wanted, name, groups)
    for name in found:
        if name not in stage.context.modes and stage.context.below(name):
            _folder(stage, wanted, name, groups)


def _placed(to: str, name: str, strip: str) -> str:
    inner = name[len(strip) + 1 :] if strip else name
    return posixpath.join(to, inner)
