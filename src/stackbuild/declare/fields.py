"""The vocabulary that target types build their fields from; each name documents and checks itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from ..frozen import frozen
from . import shapes
from .address import Address, Spec
from .glob import compiled


def _text_field(
    parse: Callable[[str, ValidationInfo], Any], what: str, shape: str = ""
) -> tuple[BeforeValidator, WithJsonSchema]:
    def check(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"should be a string: {what}")
        return parse(value, info)

    schema = {"type": "string", "description": what}
    if shape:
        schema["pattern"] = shapes.pattern(shape)
    return BeforeValidator(check), WithJsonSchema(schema)


def _folder(info: ValidationInfo) -> str:
    context = info.context or {}
    return str(context.get("folders", {}).get(info.field_name, context.get("folder", "")))


def is_address(text: str) -> bool:
    """Whether a source names a target rather than files."""
    return text.startswith(("//", ":"))


def _glob(text: str) -> str:
    body = text.removeprefix("!")
    if not body or body.startswith("/") or ".." in body.split("/") or "\0" in body:
        raise ValueError(
            f"'{text}' is not a glob below this folder; write one without a leading / and without .."
        )
    compiled(body)
    return text


def _image_glob(text: str) -> str:
    compiled(text.lstrip("/"))
    return text


def _owner(text: str) -> tuple[int, int]:
    found = re.fullmatch(shapes.OWNER, text)
    if not found:
        raise ValueError(f"'{text}' is not an owner; write numbers, as \"1000:1000\"")
    uid = int(found[1])
    gid = int(found[2]) if found[2] else uid
    if max(uid, gid) >= 2**32 - 1:
        raise ValueError(f"'{text}' is not an owner; ids end at 4294967294")
    return uid, gid


def _mode(text: str) -> int:
    if not re.fullmatch(shapes.MODE, text):
        raise ValueError(f"'{text}' is not a mode; write octal digits, as \"0755\"")
    return int(text, 8)


def _image_path(text: str) -> str:
    if not text or "\0" in text or ".." in text.split("/"):
        raise ValueError(f"'{text}' is not a path inside the image; write one without ..")
    return text


def _glob_or_address(text: str, info: ValidationInfo) -> str | Address:
    return Address.parse(text, _folder(info)) if is_address(text) else _glob(text)


def _spec(text: str, info: ValidationInfo) -> Spec:
    if not text.removeprefix("-").startswith(("//", ":")):
        raise ValueError(f"'{text}' is not a spec; write //folder:name, //folder:all or //folder/...")
    return Spec.parse(text, _folder(info))


AddressField = Annotated[
    Address,
    *_text_field(
        lambda text, info: Address.parse(text, _folder(info)), "the address of a target", shapes.ADDRESS
    ),
]
SpecField = Annotated[
    Spec, *_text_field(lambda text, info: _spec(text, info), "a spec, as //libs/...", shapes.SPEC)
]
Source = Annotated[
    str | Address, *_text_field(_glob_or_address, "a glob below this folder, or an address", shapes.SOURCE)
]
Owner = Annotated[
    tuple[int, int], *_text_field(lambda text, _: _owner(text), 'an owner, as "1000:1000"', shapes.OWNER)
]
Mode = Annotated[int, *_text_field(lambda text, _: _mode(text), 'a mode, as "0755"', shapes.MODE)]
Glob = Annotated[str, *_text_field(lambda text, _: _image_glob(text), "a glob")]
ImagePath = Annotated[
    str, *_text_field(lambda text, _: _image_path(text), "a path inside the image", shapes.PATH)
]


class Fields(BaseModel):
    """What every target has."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, defer_build=True
    )

    description: str = ""
    """What the target is for, for people."""
    tags: list[str] = Field(default_factory=list)
    """Free words for selecting targets."""
    visibility: list[SpecField] | None = None
    """Specs of the targets that may depend on this one; everybody by default, its own folder always."""


@frozen
class Choice:
    """The models of a type whose fields depend on the value of one of them.

    field: the one that chooses; models: by its value; common: what all models have.
    """

    field: str
    models: Mapping[str, type[Fields]]
    common: type[Fields]

    def known(self) -> list[str]:
        """Every field of any model."""
        return sorted({name for model in self.models.values() for name in model.model_fields})


Model = type[Fields] | Choice
