"""Files of the tree as sources: found by globs, judged, fingerprinted."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ..declare.address import Address
from ..errors import BuildFailed, Failures, RequestError
from ..layer.chunk import Changed
from ..layer.entry import FileContent
from .globs import Found, Globs
from .target import Task


def find_sources(task: Task, srcs: Sequence[str | Address]) -> list[Found]:
    """The files that the globs mean. Raises Failures, one for each glob that means nothing."""
    patterns = [source for source in srcs if isinstance(source, str)]
    if not patterns:
        return []
    hidden = frozenset({str(task.workspace.dist), str(task.store.path)})
    try:
        found, unused = Globs(patterns).find(task.folder, hidden)
    except OSError as error:
        raise BuildFailed(f"cannot read {error.filename}: {error.strerror}") from error
    if unused:
        raise Failures(_unmatched(task, srcs, pattern) for pattern in unused)
    task.store.fingerprints.preload_once(task.folder)
    return found


def _unmatched(task: Task, srcs: Sequence[str | Address], pattern: str) -> RequestError:
    path = os.path.join(task.folder, pattern)  # noqa: PTH118
    if os.path.islink(path) and os.path.isdir(path):  # noqa: PTH112, PTH114
        hint = "it is a symlink to a folder, which globs do not enter"
    elif os.path.isdir(path):  # noqa: PTH112
        hint = f'it is a folder; write "{pattern.rstrip("/")}/**"'
    else:
        hint = "correct it, or remove it"
    where = task.declaration.position(("srcs", srcs.index(pattern)))
    return RequestError(f"the glob '{pattern}' matches no file", where=where, hint=hint)


def mode_of(item: Found) -> int:
    """0755 for an executable file, else 0644."""
    # Only the owner's executable bit is the tree's; the rest is the umask of whoever checked it out.
    return 0o755 if item.stat.st_mode & stat.S_IXUSR else 0o644


def fingerprint(task: Task, item: Found) -> str:
    """The fingerprint of a file's bytes, or a link's target."""
    path = f"{task.folder}/{item.path}"
    if not item.path.isascii() and not _is_utf8(item.path):
        raise _refused(task, f"the file name {os.fsencode(item.path)!r} is not UTF-8", "rename it")
    if item.is_link:
        return _safe_link(task, path, item.path)
    if not stat.S_ISREG(item.stat.st_mode):
        what = f"'{item.path}' is neither a file, a folder nor a symlink"
        raise _refused(task, what, f'take it away with "!{item.path}"')
    return task.store.fingerprints.of(path, item.stat)


def _safe_link(task: Task, path: str, shown: str) -> str:
    link = os.readlink(path)  # noqa: PTH115
    root = str(task.workspace.root)
    lexical = os.path.normpath(os.path.join(os.path.dirname(path), link))  # noqa: PTH118, PTH120
    real = os.path.realpath(path)
    inside = all(place == root or place.startswith(root.rstrip("/") + "/") for place in (lexical, real))
    if os.path.isabs(link) or not inside:  # noqa: PTH117
        hint = f"take it away with \"!{shown}\", or make the link with 'symlinks'"
        raise _refused(task, f"the symlink '{shown}' -> '{link}' leaves the workspace", hint)
    return link


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(task: Task, what: str, hint: str) -> RequestError:
    return RequestError(what, where=task.declaration.position(("srcs",)), hint=hint)


def check_unchanged(task: Task, path: Path, fingerprint: str) -> None:
    """Raise Changed when the file that was just read is no longer what `fingerprint` says."""
    if path.parent == task.store.blobs.folder:
        return  # a blob, which nobody changes
    stat = path.lstat()
    if task.store.fingerprints.of(str(path), stat) != fingerprint:
        raise Changed(FileContent(str(path), stat.st_size, fingerprint))
