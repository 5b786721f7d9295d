"""What an image says of its own checks: a budget, and rules that it may break for a reason."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ..declare.glob import compiled
from ..declare.shapes import pattern, shaped
from ..sizes import parse_size

_RULE = re.compile(r"[a-z]+(-[a-z]+)*")


def _size(value: Any) -> int:
    if isinstance(value, str):
        return parse_size(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError('should be a number of bytes, or a size as "120 MB" or "64 MiB"')
    return value


_SIZE = pattern(r"\s*[0-9]{1,12}(?:\.[0-9]{1,6})? ?[A-Za-z]*\s*")
Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SIZE}]}),
]


class Budget(BaseModel):
    """What an image may weigh; `stackbuild check` fails above it. Sizes: bytes, or "120 MB" or "64 MiB"."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    size: Size | None = None
    """Compressed bytes of all layers."""
    layers: Annotated[int, Field(ge=0)] | None = None
    """Number of layers."""
    new_bytes: Size | None = None
    """Compressed bytes of the layers that its base does not bring."""


def _allowed(value: str) -> str:
    rule, colon, glob = value.partition(":")
    if not _RULE.fullmatch(rule) or (colon and not glob.strip("/")):
        raise ValueError(f"'{value}' should be a rule, or a rule and a path, as \"setuid:/usr/bin/sudo\"")
    compiled(glob.lstrip("/"))
    return value


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("the reason is empty; say why, for those who come after")
    return value


Allowed = Annotated[str, AfterValidator(_allowed), shaped(r"[a-z]+(?:-[a-z]+)*(?::[\s\S]+)?")]
Reason = Annotated[str, AfterValidator(_reason), shaped(r"[\s\S]*\S[\s\S]*")]
