"""A BUILD.toml in the making: tables in the order that a person would write, with remarks between them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import one_line

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_WIDTH = 100


@dataclass
class Table:
    """[TYPE.NAME] with its fields. remarks: comment lines above it; asleep: written as a comment itself."""

    header: tuple[str, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    asleep: bool = False

    def text(self) -> str:
        """The table as TOML: short tables inline, long ones as tables of their own at the end."""
        lines, late = [f"[{_header(self.header)}]"], []
        for name, value in self.fields.items():
            line = f"{_key(name)} = {_value(value)}"
            if isinstance(value, Mapping) and len(line) > _WIDTH:
                late += ["", f"[{_header((*self.header, name))}]"]
                late += [f"{_key(key)} = {_value(item)}" for key, item in value.items()]
            elif isinstance(value, list) and len(line) > _WIDTH:
                lines += [f"{_key(name)} = [", *(f"    {_value(item)}," for item in value), "]"]
            else:
                lines.append(line)
        lines = late[1:] if late and len(lines) == 1 else lines + late
        if self.asleep:
            lines = [comment(line) for line in lines]
        return "\n".join([*map(remark, self.remarks), *lines])


@dataclass
class Draft:
    """Tables and lone remarks, in order."""

    tables: list[Table | str] = field(default_factory=list)

    def add(self, *header: str, remarks: Sequence[str] = (), **fields: Any) -> Table:
        """A new table at the end."""
        table = Table(header, fields, list(remarks))
        self.tables.append(table)
        return table

    def text(self) -> str:
        """The whole file."""
        blocks = [item.text() if isinstance(item, Table) else remark(item) for item in self.tables]
        return "\n\n".join(blocks) + "\n"


class Names:
    """Names of targets in one folder, each given once."""

    def __init__(self) -> None:
        self._taken = {"all"}

    def take(self, wish: str, spare: str = "") -> str:
        """A name as near to the wish as an address may have it; spare: another, if it is taken."""
        if wish in self._taken and spare:
            wish = spare
        clean = re.sub(r"[^A-Za-z0-9_.+-]+", "-", wish).strip("-.+")[:60] or "target"
        name, number = clean, 1
        while name in self._taken:
            number += 1
            name = f"{clean}-{number}"
        self._taken.add(name)
        return name


def comment(line: str) -> str:
    """A line as a comment, whatever it holds."""
    return f"# {one_line(line)}".rstrip()


def remark(text: str) -> str:
    """A sentence as a comment, on as many lines as it needs."""
    lines = textwrap.wrap(one_line(text), _WIDTH + 8, break_long_words=False, break_on_hyphens=False)
    return "\n".join(comment(line if line is lines[0] else f"  {line}") for line in lines)


def _header(parts: Sequence[str]) -> str:
    return ".".join(map(_key, parts))


def _key(name: str) -> str:
    return name if _BARE.match(name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return _string(str(value))


def _string(text: str) -> str:
    """A basic string; what cannot be seen is escaped."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    if char == "\n":
        return "\\n"
    if char == "\t":
        return "\\t"
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
