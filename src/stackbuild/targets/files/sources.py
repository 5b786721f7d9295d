"""Files of the tree as sources: found by globs, judged, fingerprinted."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from stat import S_ISREG, S_IXUSR

from ... import witness
from ...declare.address import Address
from ...declare.glob import is_wild
from ...errors import BuildFailed, Failures, RequestError
from ...filetable import Folder
from ...frozen import frozen
from ...layer.batch import TreeFiles
from ...marks import Marks
from ...native import stats
from ..target import Task
from .globs import Found, Globs


@frozen(slots=True)
class Sources:
    """What was found in one folder, ready to be read. prefix: what paths in it begin with; modes: of the
    files, 0755 for an executable one, else 0644; links: what its symlinks say, by their names."""

    prefix: str
    files: TreeFiles
    modes: Sequence[int]
    links: dict[str, str]

    def recipe(self, marks: Marks) -> Folder:
        """What of them decides a layer. marks: the files' fingerprints."""
        return Folder(self.prefix, self.files.joined(), self.modes, marks, self.links)


def find_sources(task: Task, srcs: Sequence[str | Address]) -> list[Found]:
    """The files that the globs mean. Raises Failures, one for each glob that means nothing."""
    patterns = [source for source in srcs if isinstance(source, str)]
    if not patterns:
        return []
    hidden = frozenset({str(task.workspace.dist), str(task.store.path)})
    fingerprints = task.store.fingerprints
    fingerprints.preload_once(task.folder)
    try:
        found, unused = Globs(patterns).find(task.folder, hidden, fingerprints.known)
    except OSError as error:
        raise _unreadable(task, error) from error
    if unused:
        raise Failures(_unmatched(task, srcs, pattern) for pattern in unused)
    if not found:
        raise _refused(task, "everything that srcs name is taken away again", "remove a '!' glob")
    return found


def _unmatched(task: Task, srcs: Sequence[str | Address], pattern: str) -> RequestError:
    path = os.path.join(task.folder, pattern)  # noqa: PTH118
    if is_wild(pattern) and os.path.lexists(path):
        hint = 'a file of that very name is there; write "[[]" for a "["'
    elif link := _linked_parent(task.folder, pattern):
        hint = f"'{link}' is a symlink to a folder, which globs do not enter"
    elif os.path.islink(path) and os.path.isdir(path):  # noqa: PTH112, PTH114
        hint = "it is a symlink to a folder, which globs do not enter"
    elif os.path.isdir(path):  # noqa: PTH112
        hint = f'it is a folder; write "{pattern.rstrip("/")}/**"'
    else:
        hint = "correct it, or remove it"
    where = task.declaration.position(("srcs", srcs.index(pattern)))
    return RequestError(f"the glob '{pattern}' matches no file", where=where, hint=hint)


def _linked_parent(folder: str, pattern: str) -> str:
    """The first folder of a pattern that is a symlink, or ""."""
    parts = pattern.split("/")[:-1]
    shown = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return next((path for path in shown if os.path.islink(f"{folder}/{path}")), "")  # noqa: PTH114


def _unreadable(task: Task, error: OSError) -> BuildFailed:
    path = str(error.filename).removeprefix(f"{task.workspace.root}/")
    where = task.declaration.position(("srcs",))
    hint = "make it readable, or take it away with a '!' glob"
    return BuildFailed(f"cannot read {path}: {error.strerror}", where=where, hint=hint)


def open_sources(task: Task, found: Sequence[Found]) -> list[Sources]:
    """What was found, ready to be read. Raises RequestError."""
    return [_opened(task, item) for item in found]


def _opened(task: Task, item: Found) -> Sources:
    prefix, others = item.prefix, [name for name, letter in item.others if letter != "l"]
    links_names = [name for name, _ in item.others]
    if not "".join([prefix, item.names.joined(), *links_names]).isascii():
        for path in [prefix + name for name in [*item.names.listed(), *links_names]]:
            if not _is_utf8(path):
                raise _refused(task, f"the file name {os.fsencode(path)!r} is not UTF-8", "rename it")
    modes = stats.modes(item.rows)
    if not all(map(S_ISREG, set(modes))):
        others += [name for name, mode in zip(item.names.listed(), modes, strict=True) if not S_ISREG(mode)]
    if others:
        what = f"'{prefix}{others[0]}' is neither a file, a folder nor a symlink"
        raise _refused(task, what, f'take it away with "!{prefix}{others[0]}"')
    links = {name: _safe_link(task, f"{item.place}/{name}", prefix + name) for name, _ in item.others}
    files = TreeFiles(item.place, item.names, item.rows, task.store.fingerprints, item.known)
    # Only the owner's executable bit is the tree's; the rest is the umask of whoever checked it out.
    plain = {mode: 0o755 if mode & S_IXUSR else 0o644 for mode in set(modes)}
    return Sources(prefix, files, array("H", [plain[mode] for mode in modes]), links)


def fingerprints(task: Task, sources: Sources) -> Marks:
    """The fingerprints of the files' bytes. Raises BuildFailed."""
    try:
        return sources.files.marks()
    except OSError as error:
        raise _unreadable(task, error) from error


def _safe_link(task: Task, path: str, shown: str) -> str:
    if present := witness.present():
        present.link(path)
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
