"""What people write of a `files` target."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from ...declare.fields import Fields, Glob, ImagePath, Mode, Owner, Source
from ...declare.glob import normal
from ...declare.shapes import rules, shaped, some_of
from ...layer import capabilities

_LATEST = 253402300799  # 9999-12-31, in seconds
_CLAUSE = "[a-z_,]+[+=][eip]+"


def _mtime(value: Any) -> int:
    if isinstance(value, datetime.datetime) and value.tzinfo:
        value = int(value.timestamp())
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return value
    raise ValueError("should be seconds since 1970, or a date and time with its offset")


def _link_target(value: str) -> str:
    if not value or "\0" in value:
        raise ValueError("should be what the symlink points at, and not empty")
    return value


def _capability(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('should be a capability, as "cap_net_bind_service+ep"')
    capabilities.encode(value)
    return value


Mtime = Annotated[
    int,
    BeforeValidator(_mtime),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": _LATEST},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]
Capability = Annotated[str, BeforeValidator(_capability), shaped(rf"\s*{_CLAUSE}(?:\s+{_CLAUSE})*\s*")]
LinkTarget = Annotated[str, AfterValidator(_link_target), shaped(r"[^\x00]+")]


class FilesFields(Fields):
    """A layer of files from the tree."""

    model_config = ConfigDict(json_schema_extra=rules(some_of("srcs", "symlinks", "dirs", "whiteouts")))

    srcs: list[Source] = Field(default_factory=list)
    """Globs below this folder (`!glob` takes away), or addresses of targets whose outputs are files."""
    to: ImagePath = "/"
    """Folder of the image below which the sources go."""
    strip_prefix: str = ""
    """Leading folders to drop from the sources' paths."""
    rename: dict[str, ImagePath] = Field(default_factory=dict)
    """Source path -> path below `to`, or from the image's root when it begins with "/"."""
    mode: Mode | None = None
    """Mode of files; by default 0755 for executable ones, else 0644. Other targets' files keep theirs."""
    dir_mode: Mode = Field(0o755, json_schema_extra={"default": "0755"})
    """Mode of the folders in `dirs`."""
    owner: Owner = Field((0, 0), json_schema_extra={"default": "0:0"})
    """Owner of everything, "uid:gid"."""
    modes: dict[Glob, Mode] = Field(default_factory=dict)
    """Glob -> mode; the last that matches wins. A glob means source paths, or image paths when it begins
    with "/"; files, or folders when it ends with "/" or has no wildcard."""
    owners: dict[Glob, Owner] = Field(default_factory=dict)
    """Glob -> owner of files and folders; as in `modes`."""
    symlinks: dict[str, LinkTarget] = Field(default_factory=dict)
    """Path below `to` (or from the root) -> the target of a symlink to make there."""
    dirs: list[ImagePath] = Field(default_factory=list)
    """Folders to write: new ones, or by glob those of the sources; `["**"]` for all below `to`. No other
    folder is written, so that none of the base's changes its owner or mode."""
    whiteouts: list[ImagePath] = Field(default_factory=list)
    """Paths to delete from the layers below."""
    capabilities: dict[Glob, Capability] = Field(default_factory=dict)
    """Glob -> file capabilities, as "cap_net_bind_service+ep"."""
    mtime: Mtime | None = None
    """Time of everything; by default SOURCE_DATE_EPOCH, else 0, or what another target gave its files."""

    @model_validator(mode="after")
    def _says_something(self) -> FilesFields:
        if not (self.srcs or self.symlinks or self.dirs or self.whiteouts):
            raise ValueError("the layer would be empty; give srcs, symlinks, dirs or whiteouts")
        if self.srcs and all(isinstance(source, str) and source.startswith("!") for source in self.srcs):
            raise ValueError("srcs only take away; name what to take them from")
        return self

    @field_validator("strip_prefix")
    @classmethod
    def _is_clean(cls, value: str) -> str:
        if ".." in value.split("/"):
            raise ValueError("should be a path without '..'")
        return normal(value)
