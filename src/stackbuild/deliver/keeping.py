"""Keeps a build's answer, for when the same is asked again and nothing has changed: see `again`."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import witness
from ..again import ask
from ..again.answer import Answer, packed, path_of, thin
from ..build.plan import Plan
from ..build.run import Builder, Outcome, blobs
from ..errors import StackbuildError, one_line
from ..native.signatures import listing
from ..native.stats import row, settled
from ..plugins import loaded
from ..store.builds import Build, Step, document, name_of
from ..store.files import temporary
from ..store.store import Store
from .layout import LAYOUT, blobs_of, index_json
from .progress import Quiet
from .report import Built

_MOST_LINKS = 40  # as the kernel follows
_HOLE = '"\\u0000"'  # "\0" in JSON, which no name or path can hold


class Keeping(Quiet):
    """Follows a build. places: how its answer writes seconds, as `Answer` has it; tag: of the outputs."""

    def __init__(self, places: str, tag: str | None) -> None:
        self._places, self._tag, self._noted = places, tag, False
        self._builder: Builder | None = None

    def began(self, builder: Builder, plan: Plan) -> None:
        self._builder, self._outcomes, self._built = builder, list[Outcome](), list[Built]()

    def finished(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)

    def delivered(self, built: Built) -> None:
        self._built.append(built)

    def note(self, text: str) -> None:
        self._noted = True  # it would not be said again

    def save(self, seen: witness.Witness, request: bytes) -> None:
        """Keep the answer, if it can be told whether it still is one. Raises OSError and StackbuildError."""
        if self._builder is None or self._noted or seen.refused:
            return
        store, root = self._builder.store, self._builder.graph.packages.workspace.root
        _see_program(seen, loaded)
        needed = {digest for outcome in self._outcomes for digest, _ in blobs(outcome.result)}
        for built in self._built:
            if built.output is not None:
                needed.update(blobs_of(built.result))
                _see_output(seen, store, built.result, built.output, self._tag)
        for digest in needed:
            _see_blob(seen, store, digest)
        steps = {str(outcome.node): Step("reused") for outcome in self._outcomes}
        last = document(Build(str(root), 0, 0, True, steps), started="\0", seconds="\0").replace(_HOLE, "\0")
        printed = self._printed(root)
        if seen.refused or printed.count("\0") != len(self._built) or last.count("\0") != 2:
            return
        parts = printed.encode(), last.encode(), seen.records()
        answer = packed(Answer(name_of(str(root)), self._places, *parts), request)
        with temporary(store.temp) as (file, temp):
            file.write(answer)
            file.flush()
            temp.replace(path_of(str(store.path), request))  # one that a power cut damages is none
        thin(str(store.path))

    def _printed(self, root: Path) -> str:
        """What is printed when nothing is built, NUL for the seconds."""
        statuses = self._built[0].statuses if self._built else ()  # of all, and of each
        reused = dict.fromkeys(statuses, "reused")
        again = [replace(built, statuses=reused) for built in self._built]
        if self._places == "2":
            rows = [map(one_line, built.around_seconds(root)) for built in again]
            return "".join(f"{before}\0 s{after}\n" for before, after in rows)
        images = [built.as_json(root) | {"seconds": "\0"} for built in again]
        return json.dumps({"images": images}, indent=2).replace(_HOLE, "\0") + "\n"


@contextlib.contextmanager
def keeping(places: str, tag: str | None) -> Iterator[Quiet]:
    """A listener to a build that keeps its answer, if this process was asked for one and all goes well."""
    if ask.asked is None:
        yield Quiet()
        return
    with witness.recording() as seen:
        keep = Keeping(places, tag)
        yield keep
    with contextlib.suppress(OSError, StackbuildError):  # a build is not undone by what is kept of it
        keep.save(seen, ask.asked)


def _see_blob(seen: witness.Witness, store: Store, digest: str) -> None:
    path = f"{store.blobs.folder}/{digest.removeprefix('sha256:')}"
    about = os.lstat(path)
    if store.blobs.found(digest) not in (None, (about.st_size, about.st_ino, about.st_mtime_ns)):
        seen.refuse(f"{path} was changed")
    seen.blob(path, about)


def _see_output(seen: witness.Witness, store: Store, result: Any, folder: Path, tag: str | None) -> None:
    """A layout, which must be as it was written; of what else is written, nothing is known."""
    names, inner = blobs_of(result), folder / "blobs" / "sha256"
    for file, data in ((folder / "oci-layout", LAYOUT), (folder / "index.json", index_json(result, tag))):
        about = file.lstat()
        if file.read_bytes() != data:
            seen.refuse(f"{file} was changed")
        seen.single(str(file), about)
    with os.scandir(inner) as entries:
        seen.contents(str(inner), listing(entries), {})
    for digest in names:
        path = f"{inner}/{digest.removeprefix('sha256:')}"
        about = os.lstat(path)
        if not os.path.samestat(about, store.blobs.path(digest).lstat()):
            seen.refuse(f"{path} is a copy, of which nobody knows that it is sound")
        seen.blob(path, about)


def _see_program(seen: witness.Witness, plugins: Iterable[object]) -> None:
    """What runs: our own files, those of the plugins, and which version of what else is installed."""
    names = {type(plugin).__module__.partition(".")[0] for plugin in plugins} | {__name__.partition(".")[0]}
    for module in map(sys.modules.get, names):
        folders = [*getattr(module, "__path__", ())]
        if not folders:
            _see_file(seen, str(getattr(module, "__file__", None)))
        while folders:
            folders += _see_code(seen, folders.pop(), files=True)
    for folder in sys.path:
        if os.path.isdir(folder) and folder not in ("", ".", os.getcwd()):  # noqa: PTH109, PTH112
            _see_code(seen, folder, files=False)


def _see_code(seen: witness.Witness, folder: str, *, files: bool) -> list[str]:
    """A folder of code, with its files or their names alone; returns the folders in it."""
    _old(seen, folder)
    with os.scandir(folder) as scanned:
        entries = [entry for entry in scanned if entry.name != "__pycache__"]
    names = [entry.name for entry in entries if files and entry.is_file(follow_symlinks=False)]
    rows = {name: row(_old(seen, f"{folder}/{name}")) for name in names}
    for entry in entries:
        if files and entry.is_symlink():
            _see_file(seen, entry.path)
        if entry.name.endswith(".dist-info"):  # installed once more, it is another folder
            seen.single(entry.path, _old(seen, entry.path))
    seen.contents(folder, listing(entries), rows, ("__pycache__",))
    return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _see_file(seen: witness.Witness, path: str) -> None:
    """A file of code; as some installers make symlinks of them, also where it leads."""
    for _ in range(_MOST_LINKS):
        try:
            about = _old(seen, path)
        except FileNotFoundError:  # an editor's lock, say
            seen.single(path, None)
            return
        seen.single(path, about)
        if stat.S_ISREG(about.st_mode):
            return
        if not stat.S_ISLNK(about.st_mode):
            break
        path = os.path.join(os.path.dirname(path), os.readlink(path))  # noqa: PTH115, PTH118, PTH120
    seen.refuse(f"{path} is no file, and symlinks in the program lead to it")


def _old(seen: witness.Witness, path: str) -> os.stat_result:
    """The lstat of a part of the program, which must be older than this process."""
    about = os.lstat(path)
    if not settled(row(about), ask.began):
        seen.refuse(f"{path} has only just been written")
    return about
