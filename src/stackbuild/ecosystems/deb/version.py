"""Debian's order of versions (Debian Policy Manual, section 5.6.12)."""

from __future__ import annotations

import functools
import re
from typing import Any

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_END = ((0,), 0)


@functools.lru_cache(maxsize=100_000)
def version_key(version: str) -> Any:
    """What a version sorts by: [epoch:]upstream[-revision]."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch) if epoch.isdigit() else 0, _part(upstream), _part(revision)


def _part(text: str) -> tuple[Any, ...]:
    found = [((*map(_order, letters), 0), int(digits or 0)) for letters, digits in _PARTS.findall(text)]
    while found and found[-1] == _END:
        found.pop()
    return (*found, _END, _END)  # "0" is all end, and "0~" comes before it all the same


def _order(letter: str) -> int:
    """A tilde sorts before the end, letters before everything else."""
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256
