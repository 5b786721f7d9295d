"""A single file of the tree that a field names: its fingerprint, and whether it still has it once read."""

from __future__ import annotations

from pathlib import Path

from .. import witness
from ..declare.toml import Key
from ..errors import BuildFailed
from ..layer.entry import Changed, FileContent
from ..native.stats import row
from .target import Task


def file_mark(task: Task, path: Path, key: Key) -> str:
    """The fingerprint of a file of the workspace that a field names. Raises BuildFailed."""
    try:
        return task.store.fingerprints.of(str(path), row(witness.lstat(path)))
    except OSError as error:
        where = task.declaration.position(key)
        raise BuildFailed(f"cannot read {path.name}: {error.strerror}", where=where) from error


def check_unchanged(task: Task, path: Path, fingerprint: str) -> None:
    """Raise Changed when the file that was just read is no longer what `fingerprint` says."""
    if path.parent == task.store.blobs.folder:
        return  # a blob, which nobody changes
    if file_mark(task, path, ()) != fingerprint:
        raise Changed(FileContent(str(path), path.lstat().st_size, fingerprint))
