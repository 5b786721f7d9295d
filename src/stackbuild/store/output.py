"""Files that people ask for by path, as `--report FILE`: checked before the work, written whole after it."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import RequestError, StackbuildError, StoreError
from ..frozen import frozen
from .files import write_atomically


@frozen
class OutputFile:
    """A file to be written. flag: what named it; path: as typed.

    Raises RequestError when that is no place for a file.
    """

    flag: str
    path: str

    def __post_init__(self) -> None:
        final = self._final
        try:
            # A link is replaced by what is written, and so would be /dev/stdout, which may lead to a file.
            strange = final.is_symlink() or (final.exists() and not final.is_file())
            above = next(folder for folder in final.parents if folder.exists())
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        if self.path in ("", "-") or strange:
            raise RequestError(f"{self.flag}: '{self.path}' is no file", hint="write the path of a file")
        if not above.is_dir():
            raise self._refused(f"{above.name} is no folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise self._refused("its folder is read-only")

    @property
    def _final(self) -> Path:
        return Path(self.path).absolute()

    def _refused(self, why: str) -> RequestError:
        return RequestError(f"{self.flag}: cannot write '{self.path}': {why}", hint="choose another path")

    def write(self, data: bytes) -> None:
        """Write it, with the folders that lead to it; raises StackbuildError."""
        try:
            write_atomically(self._final, data)
        except (OSError, StoreError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            why = getattr(cause, "strerror", None) or str(error)
            what = f"{self.flag}: cannot write '{self.path}': {why}"
            raise StackbuildError(what, hint="choose another path") from error
