"""Licences as SPDX expressions (SPDX specification 2.3, annex D); what is none becomes a LicenseRef."""

from __future__ import annotations

import hashlib
import re

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_SENTENCE = re.compile(rf"\(*{_WORD.pattern}\)*(?: (?:AND|OR|WITH) \(*{_WORD.pattern}\)*)*")
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(\+?)")


def expression(text: str) -> tuple[str, dict[str, str]]:
    """The SPDX expression for what a package says of its licence, and the names that it had to invent:
    LicenseRef -> text. ("", {}) when the package says nothing."""
    text = " ".join(text.split())
    if not text:
        return "", {}
    if _SENTENCE.fullmatch(text):
        invented: dict[str, str] = {}
        words = re.sub(_WORD, lambda match: _term(match[0], invented), text)
        if found := _canonical(words):
            return found, {name: said for name, said in invented.items() if name in found}
    if found := _canonical(text):
        return found, {}
    name = "LicenseRef-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    return name, {name: text}


def _canonical(text: str) -> str:
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return ""


def _term(word: str, invented: dict[str, str]) -> str:
    """One licence by its SPDX name; those of Debian's copyright files are near it (copyright-format 1.0)."""
    if word in ("AND", "OR", "WITH"):
        return word
    if match := _GNU.fullmatch(word):
        word = f"{match[1]}-{match[2]}.{match[3] or 0}-{'or-later' if match[4] else 'only'}"
    word = {"Expat": "MIT"}.get(word, word)
    if _canonical(word):
        return word
    name = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", word)
    invented[name] = word
    return name
