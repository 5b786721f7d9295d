"""The SONAME of a shared library, for the links that ldconfig makes.

Source: System V ABI, "Object Files" and "Dynamic Linking".
"""

from __future__ import annotations

import io


def soname(data: bytes) -> str:
    """The name that a library is looked up by; "" for what is no ELF file, has none, or has it beyond
    `data`."""
    if not data.startswith(b"\x7fELF"):
        return ""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile

    try:
        for segment in ELFFile(io.BytesIO(data)).iter_segments("PT_DYNAMIC"):
            assert isinstance(segment, DynamicSegment)
            for tag in segment.iter_tags("DT_SONAME"):
                return str(tag.soname)  # type: ignore[attr-defined]
    except (ELFError, ValueError, KeyError, AttributeError, TypeError, OverflowError, UnicodeDecodeError):
        pass  # cut short or damaged: whoever loads it will say so
    return ""
