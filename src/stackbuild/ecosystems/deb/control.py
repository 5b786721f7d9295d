"""Debian's control data: paragraphs of fields, and relationships between packages.

Source: Debian Policy Manual, chapters 5 (control files) and 7 (relationships).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...frozen import frozen

NAME = r"[a-z0-9][a-z0-9+.-]*"
VERSION = r"[0-9][A-Za-z0-9.+:~-]*"
_RELATION = re.compile(
    rf"(?P<name>{NAME})(?::(?P<arch>[a-z0-9-]+))?"
    rf"(?:\s*\(\s*(?P<op><<|<=|=|>=|>>|<|>)\s*(?P<version>{VERSION})\s*\))?"
    r"(?:\s*\[[^\]]*\])?(?:\s*<[^>]*>)*"
)
_FIELD = re.compile(r"([!-9;-~]+):(.*)")

Paragraph = Mapping[str, str]
"""Fields by name; a folded value keeps its lines."""


@frozen
class Relation:
    """One package that is named, with its version if that matters. op: <<, <=, =, >= or >>, or ""."""

    name: str
    op: str = ""
    version: str = ""
    arch: str = ""

    def __str__(self) -> str:
        return self.name + (f" ({self.op} {self.version})" if self.op else "")


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file. Raises ValueError for a line that is none of a field."""
    found: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):
        if not line.strip():
            if found:
                yield found
            found, name = {}, ""
        elif line[0] in " \t":
            if not name:
                raise ValueError(f"a control file goes on with {line.strip()!r}, but nothing was begun")
            found[name] += "\n" + line
        elif line[0] != "#":
            match = _FIELD.fullmatch(line)
            if not match or match[1] in found:
                raise ValueError(f"a control file has the line {line!r}")
            name = match[1]
            found[name] = match[2].strip()
    if found:
        yield found


def paragraph(text: str) -> dict[str, str]:
    """The only paragraph of a control file. Raises ValueError."""
    found = list(paragraphs(text))
    if len(found) != 1:
        raise ValueError("a control file should hold one paragraph")
    return found[0]


def relation(text: str) -> Relation:
    """A relation, as "libc6 (>= 2.36)". Raises ValueError."""
    match = _RELATION.fullmatch(text.strip())
    if not match:
        name, equals, version = text.strip().partition("=")
        example = f"{name} (= {version})" if equals and name and version else "libpq5 (>= 15)"
        raise ValueError(f"'{text.strip()}' is not a package; write it as \"{example}\"")
    op = {"<": "<=", ">": ">="}.get(match["op"] or "", match["op"] or "")  # as dpkg reads the old ones
    return Relation(match["name"], op, match["version"] or "", match["arch"] or "")


def relations(text: str | None) -> list[list[Relation]]:
    """A field of relationships: all of the outer list are needed, one of each inner. Raises ValueError."""
    groups = [group.split("|") for group in (text or "").split(",") if group.strip()]
    return [[relation(item) for item in group] for group in groups]


def render(fields: Paragraph) -> str:
    """A paragraph as text."""
    return "".join(
        f"{name}: {value}\n" if value[:1] != "\n" else f"{name}:{value}\n" for name, value in fields.items()
    )
