"""Doing something again whenever a file of the tree changes that it stands on."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .api import Workspace
from .declare.lock import LOCK_FILE
from .declare.reads import Readers, Reads, walk
from .declare.workspace import BUILD_FILE
from .errors import StackbuildError

QUIET = 80
"""Milliseconds without a change after which a save counts as finished."""
LONGEST = 2000
"""Milliseconds after which changes that never end are acted on all the same."""

Matters = Callable[[str], bool]


class Changes:
    """The files below a folder that change, seen from the moment the block is entered.

    Raises StackbuildError when the system cannot watch.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._stop = root, threading.Event()
        self._seen: queue.SimpleQueue[set[str] | OSError | signal.Signals] = queue.SimpleQueue()
        self._handlers: dict[signal.Signals, Any] = {}
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> Changes:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._interrupted)
        self._thread.start()
        self._next()  # the first of all says that watching has begun
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _interrupted(self, number: int, frame: Any) -> None:
        """Note that it is over before saying so: an exception that comes while Python cleans up is swallowed,
        and nobody would ask again."""
        self._seen.put(signal.Signals(number))
        self._end(signal.Signals(number), frame)

    def _end(self, number: signal.Signals, frame: Any = None) -> None:
        if callable(handler := self._handlers[number]):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            raise KeyboardInterrupt

    def wait(self, matters: Matters) -> list[str]:
        """The next changes that matter, by path relative to the folder; what came meanwhile counts."""
        while True:
            paths = self._next()
            while not self._seen.empty():
                paths |= self._next()
            if found := sorted(path for path in paths if matters(path)):
                return found

    def _next(self) -> set[str]:
        found = self._get()
        while isinstance(found, signal.Signals):
            self._end(found)
            found = self._get()
        if isinstance(found, OSError):
            hint = "raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1"
            raise StackbuildError(f"{self._root} cannot be watched: {found.strerror or found}", hint=hint)
        return found

    def _get(self) -> set[str] | OSError | signal.Signals:
        while True:
            with contextlib.suppress(queue.Empty):
                return self._seen.get(timeout=1)  # a signal that another thread took is seen between two

    def _watch(self) -> None:
        import watchfiles

        changes = watchfiles.watch(
            self._root,
            watch_filter=None,
            debounce=LONGEST,
            step=QUIET,
            stop_event=self._stop,
            rust_timeout=200,
            yield_on_timeout=True,  # so that the first answer does not wait for a change
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        begun = False
        try:
            for found in changes:
                if found or not begun:
                    self._seen.put({os.path.relpath(path, self._root) for _, path in found})
                begun = True
        except OSError as error:
            self._seen.put(error)


def watch(
    root: Path,
    opened: Callable[[], Workspace],
    specs: Sequence[str],
    act: Callable[[Workspace], None],
    failed: Callable[[StackbuildError], None],
) -> NoReturn:
    """Act on a freshly opened workspace, now and whenever something changes that the specs' targets read.

    failed: told of what went wrong; the next change brings another try. Ends by an exception of `act` that is
    no StackbuildError, by KeyboardInterrupt, or by StackbuildError when the folder itself is gone.
    """
    begun = root.stat()
    with Changes(root) as changes:
        while True:
            if not root.is_dir() or not os.path.samestat(begun, root.stat()):
                raise StackbuildError(f"{root} is gone, or another folder", hint="start watch again")
            matters: Matters = _Matters(root, _is_said, lambda path: True)
            try:
                with opened() as workspace:
                    workspace.select(*specs)
                    matters = _those_read(workspace)
                    act(workspace)
            except StackbuildError as error:
                failed(error)
            changes.wait(matters)


def _is_said(path: str) -> bool:
    """Whether a path says what targets there are."""
    return path == LOCK_FILE or path.rpartition("/")[2] == BUILD_FILE


class _Matters:
    """Whether a change of a path is one of a file that is read; of a folder, of any in it.

    near: whether a file that is read may have been in a folder that is gone.
    """

    def __init__(self, root: Path, is_read: Matters, near: Matters, hidden: Sequence[Path] = ()) -> None:
        self._root, self._is_read, self._near = root, is_read, near
        self._hidden = [os.path.relpath(folder, root) for folder in hidden]

    def __call__(self, path: str) -> bool:
        if any(path == folder or path.startswith(f"{folder}/") for folder in self._hidden):
            return False
        if ".git" in path.split("/"):
            return False
        if not os.path.lexists(self._root / path):
            return self._is_read(path) or self._near(path)
        return any(map(self._is_read, walk(self._root, path)))


def _those_read(workspace: Workspace) -> Matters:
    """Whether a change can change what the loaded targets are, or what they hold."""
    types, opened = workspace.types, workspace.graph.packages.workspace
    declarations = [workspace.graph.declarations[address] for address in workspace.graph.needs]
    reads = {str(item.address): types[item.type_name].reads(item, opened) for item in declarations}
    said = {path: [Reads(path)] for path in [*workspace.graph.packages.files(), LOCK_FILE]}
    readers = Readers(opened.root, {**reads, **said})

    def is_read(path: str) -> bool:
        return _is_said(path) or next(readers.of(path), None) is not None

    def near(path: str) -> bool:
        return bool(readers.near(path))

    return _Matters(opened.root, is_read, near, (opened.dist, workspace.store.path))
