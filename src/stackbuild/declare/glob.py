"""Globs as text: what a pattern means, whatever it is asked about.

`*` and `?` stay within a name, `**` spans folders, `[...]` is a set.
"""

from __future__ import annotations

import functools
import re

_MAGIC = re.compile(r"[*?\[]")


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression of one glob (without its `!`). Raises ValueError when it has none."""
    out: list[str] = []
    parts = normal(pattern).split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out.append(".+" if last else "(?:[^/]+/)*")
        else:
            out.append(_name(part) + ("" if last else "/"))
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:
        raise ValueError(f"'{pattern}' is not a glob; a set is written [a-z] or [!a-z]") from None


def _name(part: str) -> str:
    out, i = "", 0
    while i < len(part):
        char = part[i]
        i += 1
        if char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and (end := part.find("]", i + 1 + (part[i : i + 1] in ("!", "^")))) > 0:
            negative = part[i] in "!^"
            body = re.sub(r"([\\\[\]^&~|])", r"\\\1", part[i + negative : end])
            out += f"(?!/)[{'^' if negative else ''}{body}]"
            i = end + 1
        else:
            out += re.escape(char)
    return out


def matches(pattern: str, path: str) -> bool:
    """Whether one glob (without its `!`) means the path."""
    return compiled(pattern).match(path) is not None


def is_wild(pattern: str) -> bool:
    """Whether a pattern can mean more than one path."""
    return _MAGIC.search(pattern) is not None


def normal(pattern: str) -> str:
    """A pattern without empty and "." parts."""
    return "/".join(part for part in pattern.split("/") if part not in ("", "."))
