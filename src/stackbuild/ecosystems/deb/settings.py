"""Where Debian packages come from: the tables [workspace.deb.NAME], and what stands in for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ...declare.shapes import not_both, rules, shaped

STABLE = "trixie"
"""The suite of targets on scratch where the workspace has no [workspace.deb.NAME]."""
SNAPSHOT = "https://snapshot.debian.org/archive"
ARCHITECTURES = {
    "linux/amd64": "amd64",
    "linux/386": "i386",
    "linux/arm64": "arm64",
    "linux/arm/v7": "armhf",
    "linux/arm/v6": "armel",
    "linux/arm/v5": "armel",
    "linux/ppc64le": "ppc64el",
    "linux/riscv64": "riscv64",
    "linux/s390x": "s390x",
    "linux/mips64le": "mips64el",
    "linux/loong64": "loong64",
}
"""Platform -> Debian's name of the architecture."""

_WEB = r"https?://[!-.0-~][!-~]*"
_MOMENT = r"\d{8}T\d{6}Z"
_WORD = r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*"
Word = Annotated[str, shaped(_WORD)]


class DebArchive(BaseModel):
    """An archive of Debian packages: one suite at one place."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        json_schema_extra=rules(not_both("url", "snapshot")),
    )

    suite: Word
    """The suite or codename, as "trixie" or "trixie-security"."""
    url: Annotated[str, shaped(_WEB)] | None = None
    """Where the archive is, as "https://deb.debian.org/debian", which is the default."""
    snapshot: Annotated[str, shaped(_MOMENT)] | None = None
    """A moment of snapshot.debian.org instead, as "20260501T000000Z"; what is outdated there is accepted."""
    components: list[Word] = Field(default_factory=lambda: ["main"], min_length=1)
    """Parts of the suite, as "main" or "universe"."""
    keyring: str | None = None
    """OpenPGP keys that sign the archive, a file below the workspace; by default Debian's own."""

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        if not re.fullmatch(_WEB, value) or "@" in value:
            raise ValueError("should begin with https:// or http://, without a user")
        return value.rstrip("/")

    @field_validator("snapshot")
    @classmethod
    def _is_moment(cls, value: str) -> str:
        if not re.fullmatch(_MOMENT, value):
            raise ValueError('should be a moment, as "20260501T000000Z"')
        return value

    @field_validator("suite", "components")
    @classmethod
    def _is_word(cls, value: Any) -> Any:
        for word in [value] if isinstance(value, str) else value:
            if not re.fullmatch(_WORD, word) or ".." in word:
                raise ValueError(f"'{word}' is not a name of an archive's parts")
        return value

    @model_validator(mode="after")
    def _has_one_place(self) -> DebArchive:
        if self.url is not None and self.snapshot is not None:
            raise ValueError("url and snapshot exclude each other; remove one of the two")
        return self

    @property
    def place(self) -> str:
        """The URL that "dists/" and "pool/" lie below."""
        if self.url is not None:
            return self.url
        security = self.suite.endswith("-security")
        part = "debian-security" if security else "debian"
        if self.snapshot is not None:
            return f"{SNAPSHOT}/{part}/{self.snapshot}"
        return f"https://deb.debian.org/{part}"


def debian(codename: str) -> Mapping[str, DebArchive]:
    """The archives of a release of Debian: itself, its updates, its security fixes."""
    suites = (codename, f"{codename}-updates", f"{codename}-security")
    return {suite: DebArchive(suite=suite) for suite in suites}
