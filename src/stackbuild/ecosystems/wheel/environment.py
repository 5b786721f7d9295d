"""The Python that packages are chosen for: its wheel tags and the values of its markers, on any machine.

Sources: "Platform compatibility tags" and "Dependency specifiers" of packaging.python.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...frozen import frozen
from .fields import OLDEST_GLIBC, WheelFields, libc_of

if TYPE_CHECKING:
    from packaging.tags import Tag

_MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "arm/v7": "armv7l",
    "arm": "armv7l",
    "386": "i686",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loong64": "loongarch64",
}
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_UV_GLIBC = (*range(31, 41), 28, 17)  # the versions that `uv --python-platform` knows by name


@frozen
class Environment:
    """One Python. version: "3.12" or "3.12.4"; machine: as `uname -m` says; libc: (family, major, minor)."""

    version: str
    machine: str
    libc: tuple[str, int, int]

    @classmethod
    def of(cls, fields: WheelFields, platform: str) -> Environment:
        """The Python of a target for "os/arch[/variant]". Raises ValueError for platforms without wheels."""
        system, _, architecture = platform.partition("/")
        if architecture.startswith("arm64/"):
            architecture = "arm64"
        if system != "linux" or architecture not in _MACHINES:
            raise ValueError(f"no wheels are known for {platform}")
        return cls(fields.python, _MACHINES[architecture], libc_of(fields.libc))

    @property
    def minor(self) -> tuple[int, int]:
        """(major, minor) of Python."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    def __str__(self) -> str:
        family, major, minor = self.libc
        return f"Python {self.version} on {self.machine} with {family} {major}.{minor}"

    @property
    def full_version(self) -> str:
        """With three numbers; the third is 0 when nobody said, as for uv."""
        return self.version if self.version.count(".") == 2 else f"{self.version}.0"

    def markers(self) -> Any:
        """The value of every environment marker, so that none is taken from this machine."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full_version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.full_version,
            "python_version": ".".join(map(str, self.minor)),
            "sys_platform": "linux",
        }

    def tags(self) -> list[Tag]:
        """The tags of wheels that run, best first."""
        from packaging.tags import compatible_tags, cpython_tags

        interpreter = "cp{}{}".format(*self.minor)
        platforms = list(self._platforms())
        return [
            *cpython_tags(self.minor, [interpreter], platforms),
            *compatible_tags(self.minor, interpreter, platforms),
        ]

    def _platforms(self) -> Iterator[str]:
        family, major, minor = self.libc
        yield f"linux_{self.machine}"
        if family == "glibc":
            oldest = 5 if self.machine in ("x86_64", "i686") else OLDEST_GLIBC
            for number in range(minor, oldest - 1, -1):
                yield f"manylinux_{major}_{number}_{self.machine}"
                if number in _OLD_NAMES:
                    yield f"{_OLD_NAMES[number]}_{self.machine}"
        else:
            yield from (f"musllinux_{major}_{number}_{self.machine}" for number in range(minor, -1, -1))

    def uv_platform(self) -> str | None:
        """What `uv --python-platform` calls it, or the newest older one; None where it has no name."""
        if self.machine not in ("x86_64", "aarch64"):
            return None
        family, _, minor = self.libc
        if family == "musl":
            return f"{self.machine}-unknown-linux-musl"
        return f"{self.machine}-manylinux_2_{max(known for known in _UV_GLIBC if known <= minor)}"
