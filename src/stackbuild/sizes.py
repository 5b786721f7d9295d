"""Amounts as people read them."""

from __future__ import annotations

import re

_UNITS = {unit: 1000**number for number, unit in enumerate(("", "kb", "mb", "gb", "tb"))} | {
    unit: 1024**number for number, unit in enumerate(("b", "kib", "mib", "gib", "tib"))
}


def size_text(size: int) -> str:
    """Bytes as people read them."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError


def parse_size(text: str) -> int:
    """The bytes of "120 MB" (of 1000) or "64 MiB" (of 1024). Raises ValueError."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?) ?([a-z]*)", text.strip().lower(), re.ASCII)
    if not found or found[2] not in _UNITS:
        raise ValueError(f'\'{text}\' is not a size; write a number of bytes, or as "120 MB" or "64 MiB"')
    return int(float(found[1]) * _UNITS[found[2]])
