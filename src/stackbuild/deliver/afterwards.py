"""Files that tell of a build: written at its end, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from ..errors import StackbuildError
from ..store.output import OutputFile

Make = Callable[[BaseException | None], bytes]


@contextlib.contextmanager
def afterwards(flag: str, path: str, make: Make, note: Callable[[str], None]) -> Iterator[None]:
    """Write what `make` says of a block, told the error that ended it, to the file that a flag names.

    Raises RequestError before the block when that is no place for a file, StackbuildError after it when it
    cannot be written; when the block failed, its own error counts, and `note` is told of that one.
    """
    file = OutputFile(flag, path)
    try:
        yield
    except BaseException as error:
        try:
            file.write(make(error))
        except StackbuildError as fault:
            note(f"warning: {fault}")
        raise
    file.write(make(None))
