"""Files that tell of a build: written at its end, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import RequestError, StackbuildError
from ..store.files import write_atomically

Make = Callable[[BaseException | None], bytes]


@contextlib.contextmanager
def afterwards(flag: str, path: str, make: Make, note: Callable[[str], None]) -> Iterator[None]:
    """Write what `make` says of a block, told the error that ended it, to the file that a flag names.

    Raises RequestError before the block when that is no place for a file, StoreError after it when it cannot
    be written; when the block failed, its own error counts, and `note` is told of that one.
    """
    final = Path(path).absolute()
    # A link is replaced by what is written, and so would be /dev/stdout, which may lead to a file.
    if path in ("", "-") or final.is_symlink() or (final.exists() and not final.is_file()):
        raise RequestError(f"{flag}: '{path}' is no file", hint="write the path of a file")
    try:
        yield
    except BaseException as error:
        try:
            _write(final, make(error))
        except StackbuildError as fault:
            note(f"warning: {flag}: {fault}")
        raise
    _write(final, make(None))


def _write(final: Path, data: bytes) -> None:
    try:
        write_atomically(final, data)
    except OSError as error:
        raise StackbuildError(
            f"cannot write {final}: {error.strerror}", hint="choose another path"
        ) from error
