"""A Dockerfile as instructions, each with its line.

Source: Docker's Dockerfile reference, "Format", "Parser directives", "Here-documents". In the tests
BuildKit's own parser is the judge; no package has it for every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ...errors import Position, RequestError
from ...frozen import frozen
from .words import split

_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.*?)[ \t]*$")
_FLAG = re.compile(r"--([A-Za-z0-9-]+)(?:=((?:\\.|\"[^\"]*\"|[^\s\"])*))?(?:\s+|$)")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_TAKES_HEREDOCS = ("RUN", "COPY", "ADD")


@frozen
class Heredoc:
    """The lines that follow `<<NAME`. expand: whether variables in it count (the name is not quoted)."""

    name: str
    content: str
    expand: bool


@frozen
class Instruction:
    """One instruction. name: in capitals; line: 1-based; flags: (name, value) as written; rest: what follows
    them, its lines joined; shell: the same with its line breaks, for positions in a RUN."""

    name: str
    line: int
    flags: tuple[tuple[str, str], ...]
    rest: str
    shell: str
    heredocs: tuple[Heredoc, ...] = ()

    @property
    def shown(self) -> str:
        """The instruction as a message quotes it."""
        words = [self.name, *(f"--{name}={value}" if value else f"--{name}" for name, value in self.flags)]
        return shortened(" ".join([*words, self.rest]))

    def flag(self, name: str) -> str | None:
        """The last value of a flag."""
        found = [value for flag, value in self.flags if flag == name]
        return found[-1] if found else None

    def exec_form(self) -> list[str] | None:
        """The strings of the JSON form, or None when it is none."""
        try:
            found = json.loads(self.rest) if self.rest.startswith("[") else None
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


@frozen
class Dockerfile:
    """A parsed file. escape: the character that continues a line."""

    path: str
    instructions: tuple[Instruction, ...]
    escape: str


def shortened(text: str, length: int = 72) -> str:
    """A text on one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def parse(path: str, text: str) -> Dockerfile:
    """The instructions of a Dockerfile. Raises RequestError, with the line, when it is none."""
    lines = text.removeprefix("\ufeff").split("\n")
    escape = _escape(path, lines)
    found = tuple(_instructions(path, lines, escape))
    if not any(item.name == "FROM" for item in found):
        raise RequestError("the file has no FROM", where=Position(path), hint="is it a Dockerfile?")
    return Dockerfile(path, found, escape)


def _escape(path: str, lines: list[str]) -> str:
    """The escape character that the directives at the top state."""
    for number, line in enumerate(lines, 1):
        found = _DIRECTIVE.match(line.strip())
        if not found:
            break
        if found[1].lower() == "escape":
            if found[2] not in ("\\", "`"):
                where = Position(path, number)
                raise RequestError("escape is neither \\ nor `", where=where, hint="correct the directive")
            return found[2]
    return "\\"


def _instructions(path: str, lines: list[str], escape: str) -> Iterator[Instruction]:
    continued = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
    at = 0
    while at < len(lines):
        start = at
        text = lines[at].strip()
        at += 1
        if not text or text.startswith("#"):
            continue
        joined, shell, piece = "", [], text
        while continued.search(piece):
            joined += continued.sub("", piece)
            shell.append(continued.sub(lambda _: "\\", piece))
            while at < len(lines) and (not lines[at].strip() or lines[at].strip().startswith("#")):
                shell.append("\\")
                at += 1
            if at == len(lines):
                piece = ""
                break
            piece, at = lines[at].removesuffix("\r"), at + 1
        joined, shell = joined + piece, [*shell, piece]
        if not joined.strip():
            continue
        name = joined.split(maxsplit=1)[0].upper()
        heredocs: list[Heredoc] = []
        if name in _TAKES_HEREDOCS:
            at, heredocs = _heredocs(path, lines, start, at, joined)
        yield _made(name, start + 1, joined, "\n".join(shell), heredocs)


def _heredocs(path: str, lines: list[str], start: int, at: int, text: str) -> tuple[int, list[Heredoc]]:
    """The here-documents that a line announces, and where the file goes on after them."""
    found = []
    for dash, word in [hit.groups() for hit in map(_HEREDOC.fullmatch, split(text)) if hit]:
        name: str = re.sub("[\"']", "", word)
        body: list[str] = []
        while True:
            if at == len(lines):
                raise RequestError(
                    f"the here-document '{name}' has no end",
                    where=Position(path, start + 1),
                    hint=f"write {name} on a line of its own",
                )
            line, at = lines[at], at + 1
            line = line.lstrip("\t") if dash else line
            if line.removesuffix("\r") == name:
                break
            body.append(line + "\n")
        found.append(Heredoc(name, "".join(body), name == word))
    return at, found


def _made(name: str, line: int, joined: str, shell: str, heredocs: list[Heredoc]) -> Instruction:
    rest, flags = joined.strip()[len(name) :].strip(), []
    if name not in ("CMD", "ENTRYPOINT", "ENV", "LABEL"):
        while found := _FLAG.match(rest):
            flags.append((found[1].lower(), (found[2] or "").replace('"', "")))
            rest = rest[found.end() :]
    head = shell.find(rest[:1], len(name)) if rest else len(shell)
    return Instruction(name, line, tuple(flags), rest, _tail(shell, rest, head), tuple(heredocs))


def _tail(shell: str, rest: str, head: int) -> str:
    """The lines of `shell` with everything before `rest` begins blanked, so that line numbers stay."""
    first = re.split(r"\s", rest, maxsplit=1)[0]
    found = shell.find(first, head) if first else -1
    while found > 0 and not shell[found - 1].isspace():
        found = shell.find(first, found + 1)
    head = head if found < 0 else found
    return re.sub(r"[^\n]", " ", shell[:head]) + shell[head:]
