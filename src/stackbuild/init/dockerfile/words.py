"""Words of an instruction: split, unquoted, and with variables put in, as Docker does outside of RUN.

Source: Docker's Dockerfile reference, "Environment replacement".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+|[@*#]")


class BadWord(ValueError):
    """A word that Docker would refuse, with the reason."""


_LONGEST = 1 << 20  # characters of a word


def split(text: str, escape: str = "\\") -> list[str]:
    """The words of a line, still quoted."""
    found: list[str] = []
    word, quote, at = "", "", 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'" and at + 1 < len(text):
            word, at = word + text[at : at + 2], at + 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char.isspace():
            found += [word] if word else []
            word, at = "", at + 1
            continue
        word, at = word + char, at + 1
    return [*found, word] if word else found


def pairs(text: str, escape: str = "\\") -> list[tuple[str, str]]:
    """`a=b c="d e"`, or the old form `a everything else`, as (name, value), still quoted. Raises BadWord."""
    words = split(text, escape)
    if words and "=" not in words[0]:
        value = text.strip()[len(words[0]) :].strip()
        if not value:
            raise BadWord(f"'{words[0]}' has no value")
        return [(words[0], value)]
    if bad := next((word for word in words if "=" not in word), ""):
        raise BadWord(f"'{bad}' is no NAME=VALUE")
    return [(word.partition("=")[0], word.partition("=")[2]) for word in words]


def expand(text: str, lookup: Lookup, escape: str = "\\", unset: set[str] | None = None) -> str:
    """A word without its quotes, with its variables put in; unset gets the names of those that have no value.

    Raises BadWord.
    """
    out, quote, at = [], "", 0
    while at < len(text):
        char = text[at]
        if quote == "'":
            quote = "" if char == "'" else quote
            out += [] if char == "'" else [char]
        elif char in "\"'" and (not quote or char == quote):
            quote = "" if quote else char
        elif char == escape and at + 1 < len(text):
            following = text[at + 1]
            kept = quote and following not in f'"$\\{escape}'
            out.append(char + following if kept else following)
            at += 1
        elif char == "$":
            value, at = _variable(text, at + 1, lookup, escape, unset)
            out.append(value)
            continue
        else:
            out.append(char)
        at += 1
    if quote:
        raise BadWord(f"a {quote} is not closed")
    if sum(map(len, out)) > _LONGEST:  # variables that double each other grow beyond all memory
        raise BadWord(f"it has more than {_LONGEST:,} characters")
    return "".join(out)


def _variable(text: str, at: int, lookup: Lookup, escape: str, unset: set[str] | None) -> tuple[str, int]:
    """The value of the variable whose name begins at `at`, and where the text goes on."""
    if text[at : at + 1] != "{":
        found = _NAME.match(text, at)
        if not found:
            return "$", at
        value = lookup(found[0])
        if value is None and unset is not None:
            unset.add(found[0])
        return value or "", found.end()
    found, end = _NAME.match(text, at + 1), _closing(text, at)
    if not found:
        raise BadWord(f"'{text[at - 1 : end + 1]}' names no variable")
    value, rest = lookup(found[0]), text[found.end() : end]
    if value is None and unset is not None and not rest.lstrip(":").startswith(("-", "+", "?")):
        unset.add(found[0])
    return _modified(found[0], value, rest, lambda word: expand(word, lookup, escape)), end + 1


def _closing(text: str, at: int) -> int:
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    raise BadWord(f"'{text[at - 1 :]}' lacks a }}")


def _modified(name: str, value: str | None, rest: str, inner: Callable[[str], str]) -> str:
    """A variable's value under what follows its name, as ":-word"."""
    if not rest:
        return value or ""
    colon = rest.startswith(":")
    sign, word = rest[colon : colon + 1], rest[colon + 1 :]
    is_set = bool(value) if colon else value is not None
    if sign == "-":
        return (value or "") if is_set else inner(word)
    if sign == "+":
        return inner(word) if is_set else ""
    if sign == "?":
        if not is_set:
            raise BadWord(f"{name}: {inner(word) or 'it is not set'}")
        return value or ""
    if not colon and sign in ("#", "%", "/"):
        return _cut(value or "", sign, word, inner)
    raise BadWord(f"'${{{name}{rest}}}' is not understood")


def _cut(value: str, sign: str, word: str, inner: Callable[[str], str]) -> str:
    """`#` and `%` take the pattern away at the front or the end, `/` replaces it; doubled: the most of it."""
    greedy, word = word.startswith(sign), word.removeprefix(sign)
    if sign == "/":
        pattern, _, new = word.partition("/")
        core = _pattern(inner(pattern))
        return re.sub(core, lambda _: inner(new), value, count=0 if greedy else 1, flags=re.DOTALL)
    core, lengths = _pattern(inner(word)), range(len(value) + 1)
    cuts = (
        [(value[:n], value[n:]) for n in lengths]
        if sign == "#"
        else [(value[n:], value[:n]) for n in lengths]
    )
    hits = sorted((len(gone), kept) for gone, kept in cuts if re.fullmatch(core, gone, re.DOTALL))
    return (hits[-1] if greedy else hits[0])[1] if hits else value


def _pattern(glob: str) -> str:
    return fnmatch.translate(glob).removesuffix(r"\Z").removesuffix(r"\z")
