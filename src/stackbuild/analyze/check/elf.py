"""What a loader must know of a program or library in the Executable and Linkable Format.

Source: System V ABI, "Object Files" and "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

from typing import IO, Any

from ...frozen import frozen

MAGIC = b"\x7fELF"
_TAGS = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
_LOADABLE = ("ET_EXEC", "ET_DYN")
_MACHINES = {
    "386": ("EM_386",),
    "amd64": ("EM_X86_64", "EM_386"),  # its kernels run both
    "arm": ("EM_ARM",),
    "arm64": ("EM_AARCH64",),
    "loong64": ("EM_LOONGARCH",),
    "mips64le": ("EM_MIPS",),
    "ppc64le": ("EM_PPC64",),
    "riscv64": ("EM_RISCV",),
    "s390x": ("EM_S390",),
}
"""GOARCH, as platforms name it -> e_machine."""


@frozen(slots=True)
class Elf:
    """machine: e_machine's name; bits: 32 or 64; interpreter: PT_INTERP, "" without; needed: DT_NEEDED."""

    machine: str
    bits: int
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: str = ""
    runpath: str = ""

    def fits(self, platform: str) -> bool:
        """Whether a platform's machine runs it; true for machines that nobody here knows."""
        known = _MACHINES.get(platform.split("/")[1])
        return known is None or self.machine in known

    @property
    def name(self) -> str:
        """Its machine as platforms name it."""
        return next((arch for arch, names in _MACHINES.items() if self.machine == names[0]), self.machine)


def read_elf(file: IO[bytes]) -> Elf | None:
    """The facts of a program or library; None for objects, and for what is damaged."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.elffile import ELFFile
    from elftools.elf.segments import InterpSegment

    try:
        elf = ELFFile(file)
        if elf["e_type"] not in _LOADABLE:
            return None
        found: dict[str, Any] = {"needed": []}
        for segment in elf.iter_segments():
            if isinstance(segment, InterpSegment):
                found["interpreter"] = segment.get_interp_name()
            elif isinstance(segment, DynamicSegment):
                _dynamic(segment, found)
        found["needed"] = tuple(found["needed"])
        return Elf(str(elf["e_machine"]), elf.elfclass, **found)
    except (ELFError, ValueError, KeyError, AttributeError, TypeError, OverflowError, AssertionError):
        return None  # pyelftools raises whatever its parsing stumbles over


def _dynamic(segment: Any, found: dict[str, Any]) -> None:
    for tag in segment.iter_tags():
        name = _TAGS.get(tag.entry.d_tag)
        if name:
            value = getattr(tag, name)
            if name == "needed":
                found[name].append(value)
            else:
                found[name] = value
