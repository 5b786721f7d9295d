"""Writing what was proposed: whole files, all of them or none, and never over one that is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import RequestError
from ..store.files import cannot_write, temporary, umask


def write_all(root: Path, files: Mapping[str, str]) -> None:
    """Write files below `root`, path -> text. Raises RequestError when one is there, StoreError when one
    cannot be written; nothing is left behind then."""
    for path in files:
        if os.path.lexists(root / path):
            raise RequestError(f"{path} is there already, and is left alone", hint="move it away first")
    written: list[Path] = []
    try:
        for path, text in files.items():
            _write(root, path, text, written)
    except BaseException:
        for made in reversed(written):
            with contextlib.suppress(OSError):
                made.rmdir() if made.is_dir() and not made.is_symlink() else made.unlink()
        raise


def _write(root: Path, path: str, text: str, written: list[Path]) -> None:
    file = root / path
    try:
        for folder in reversed(file.relative_to(root).parents):
            if not (root / folder).is_dir():
                (root / folder).mkdir()
                written.append(root / folder)
        with temporary(file.parent) as (stream, unfinished):
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
            unfinished.chmod(0o666 & ~umask())
            os.link(unfinished, file)  # fails where a rename would replace
        written.append(file)
    except FileExistsError as error:
        raise RequestError(f"{path} appeared meanwhile, and is left alone", hint="run it again") from error
    except OSError as error:
        raise cannot_write(file.parent, error) from error
