"""chmod(1): modes in octal digits and in letters."""

from __future__ import annotations

import re

from .trouble import Untranslated

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)\Z")
_BITS = {"r": 4, "w": 2, "x": 1}
_SHIFT = {"u": 6, "g": 3, "o": 0}


def changed(text: str, mode: int, *, is_folder: bool) -> int:
    """`mode` under a change, as "0755" or "u+x,go-w". Raises Untranslated."""
    if re.fullmatch(r"[0-7]{1,4}", text):
        return int(text, 8)
    for clause in text.split(","):
        found = _CLAUSE.match(clause)
        if not found:
            raise Untranslated(f"'{text}' is no mode", "correct it")
        who = "ugo" if not found[1] or "a" in found[1] else found[1]
        for sign, letters in re.findall(r"([-+=])([rwxXstugo]*)", found[2]):
            mode = _applied(mode, who, sign, letters, is_folder)
    return mode


def _applied(mode: int, who: str, sign: str, letters: str, is_folder: bool) -> int:
    special = (0o4000 if "s" in letters and "u" in who else 0) | (
        0o2000 if "s" in letters and "g" in who else 0
    )
    special |= 0o1000 if "t" in letters else 0
    may_run = is_folder or mode & 0o111
    for one in who:
        bits = sum(_BITS[letter] for letter in set(letters) & set("rwx"))
        bits |= 1 if "X" in letters and may_run else 0
        for other in set(letters) & set("ugo"):
            bits |= mode >> _SHIFT[other] & 7
        bits <<= _SHIFT[one]
        if sign == "=":
            mode &= ~(7 << _SHIFT[one])
        mode = mode & ~bits if sign == "-" else mode | bits
    return mode & ~special if sign == "-" else mode | special
