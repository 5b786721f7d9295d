"""One family of errors: where, what, hint, exit status.

StackbuildError            exit 1
├── BuildFailed            exit 1   a target could not be built
├── StoreError             exit 1   the store cannot be used
├── DigestMismatch         exit 1   bytes are not what their digest says
├── RegistryError          exit 1   a registry, or the way to it, failed
├── RequestError           exit 2   the request or a BUILD.toml is wrong
└── Failures                        several of the above, with the gravest exit status
    └── DeclarationErrors  exit 2   every fault found in the loaded BUILD.toml files
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .frozen import frozen


@frozen(order=True)
class Position:
    """A place in a file: path relative to the workspace, 1-based line and column."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def one_line(text: str) -> str:
    """`text` with control characters escaped, so that no input breaks an error's single line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class StackbuildError(Exception):
    """Anything that went wrong and has a sentence for it.

    what: what is wrong; where: the position of the fault, if a file is to blame; hint: what to do.
    """

    exit_status = 1

    def __init__(self, what: str, *, where: Position | None = None, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def lines(self) -> list[str]:
        """The message as printed: one line per fault."""
        place = f"{self.where}: " if self.where else ""
        hint = f"; {self.hint}" if self.hint else ""
        return [one_line(f"{place}{self.what}{hint}")]

    def __str__(self) -> str:
        return "\n".join(self.lines())


class BuildFailed(StackbuildError):
    """A target could not be built."""


class StoreError(StackbuildError):
    """The store cannot be used."""


class DigestMismatch(StackbuildError):
    """Bytes are not what their digest says."""


class RegistryError(StackbuildError):
    """A registry, or the way to it, failed."""


class RequestError(StackbuildError):
    """The request or a BUILD.toml is wrong."""

    exit_status = 2


class Failures(StackbuildError):
    """Several faults at once, sorted by position; the exit status is the gravest of theirs."""

    def __init__(self, faults: Iterable[StackbuildError]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.where or Position("", 0, 0), fault.what))
        super().__init__(f"{len(self.faults)} faults")
        self.exit_status = max(fault.exit_status for fault in self.faults)

    def lines(self) -> list[str]:
        return list(dict.fromkeys(line for fault in self.faults for line in fault.lines()))


class DeclarationErrors(Failures, RequestError):
    """Every fault found in the loaded BUILD.toml files."""


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """A hint naming the known name closest to `name`, or listing the known ones; "" if there are none.

    prefix: shown before each name, but not compared.
    """
    names = sorted(known)
    if same := next((known for known in names if known.casefold() == name.casefold()), ""):
        return f"did you mean '{prefix}{same}'?"
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.55)
    if close:
        return f"did you mean '{prefix}{close[0]}'?"
    if not names:
        return ""
    shown = ", ".join(prefix + known for known in names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}"
