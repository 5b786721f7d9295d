"""Turns pydantic's complaints into ours: one line each, at the key or value that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import DeclarationErrors, Position, RequestError, nearest
from .docstrings import arguments
from .toml import Document, Key

Model = TypeVar("Model", bound=BaseModel)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
Locate = Callable[[Key, bool], Position]


def _into(value: Any, loc: Sequence[str | int]) -> Key:
    """The part of a pydantic location that exists in the data (it also names union members and "[key]")."""
    path: list[str | int] = []
    for step in loc:
        if (isinstance(value, Mapping) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        ):
            value = value[step]  # type: ignore[index]
            path.append(step)
    return tuple(path)


def _shown(path: Key, what: str) -> str:
    """A key path as in `modes."*.sh"` or `srcs[1]`; the table itself when it is empty."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE.fullmatch(step) else f'"{step}"')
    return text or what


_KINDS = {
    "list": "a list",
    "dict": "a table",
    "model": "a table",
    "string": "a string",
    "bool": "true or false",
}
_KINDS |= {"int": "a whole number", "float": "a number"}


def _sentence(error: Any, path: Key, what: str, model: type[BaseModel]) -> tuple[str, str]:
    """(what is wrong, what to do) of one pydantic error."""
    kind, value, last = error["type"], error["input"], error["loc"][-1] if error["loc"] else ""
    owner = _shown(path[:-1] if kind == "extra_forbidden" else path, what)
    if kind == "extra_forbidden":
        known = model.model_fields if len(error["loc"]) == 1 else _inner_fields(model, error["loc"])
        return f"{owner} has no field '{last}'", nearest(str(last), known)
    if kind == "missing":
        return f"{owner} lacks the field '{last}'", f"add {last} = …"
    if kind == "too_short":
        return f"{owner}: the list is empty", "name at least one"
    if kind == "literal_error":
        expected = [word.strip("' ") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]
        shown = f"'{value}'" if isinstance(value, str) else "this"
        return f"{owner}: {shown} is not allowed", nearest(str(value), expected)
    needed = _KINDS.get(kind.partition("_")[0])
    if needed is None:
        message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
        return f"{owner}: {message}", ""
    return f"{owner}: should be {needed}", _rewritten(needed, value)


def _rewritten(needed: str, value: Any) -> str:
    """A hint that shows a value of the wrong kind as one of the right kind, where that is plain."""
    if needed == "a list" and isinstance(value, str):
        return f'write ["{value}"]'
    if needed == "a string" and isinstance(value, int | float):
        return f'write "{str(value).lower()}"'
    return ""


def _inner_fields(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The fields of the nested model that a location runs into."""
    for name in loc[:-1]:
        field = model.model_fields.get(str(name))
        found = [item for item in arguments(field.annotation) if isinstance(item, type)] if field else []
        models = [item for item in found if issubclass(item, BaseModel)]
        if models:
            return list(models[0].model_fields)
    return []


def validated(
    model: type[Model], data: Any, locate: Locate, what: str, context: Mapping[str, Any] | None = None
) -> tuple[Model | None, list[tuple[Key, RequestError]]]:
    """`data` as a `model`, or every fault in it with the key path that is wrong.

    locate: gives the position of a key path (or of its key).
    """
    if not isinstance(data, Mapping):
        fault = RequestError(f"{what} should be a table", where=locate((), False), hint=f"write {what}")
        return None, [((), fault)]
    try:
        return model.model_validate(dict(data), context=dict(context or {})), []
    except ValidationError as error:
        faults: dict[Key, RequestError] = {}
        for item in error.errors(include_url=False):
            path = _into(data, item["loc"])
            sentence, hint = _sentence(item, path, what, model)
            unknown = item["type"] == "extra_forbidden" or str(item["loc"][-1:]) == "('[key]',)"
            where = locate(path, unknown)
            marker = (*path, str(item["loc"][-1])) if item["type"] == "missing" else path
            faults.setdefault(marker, RequestError(sentence, where=where, hint=hint))
        return None, list(faults.items())


def checked(model: type[Model], data: Any, document: Document, prefix: Key, what: str) -> Model:
    """`data`, which stands at `prefix` of `document`, as a `model`. Raises DeclarationErrors."""
    value, faults = validated(
        model, data, lambda path, of_key: document.position((*prefix, *path), of_key=of_key), what
    )
    if value is None:
        raise DeclarationErrors(fault for _, fault in faults)
    return value
