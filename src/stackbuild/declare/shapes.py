"""What a JSON Schema can say of texts and tables, so that editors find mistakes; validators stay the judges.

A shape is a regular expression for a whole text, which ECMAScript (ECMA-262), Python and Rust read alike. It
may let through what a validator refuses, never the other way round.
"""

from __future__ import annotations

from typing import Any

from pydantic import WithJsonSchema
from pydantic.config import JsonDict

_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
NAME = rf"(?!all$){_WORD}"
_CLEAN = r"(?!.*/\.\.?(?:[/:]|$)|.+//|//.*/:)"
"""What follows has no part that is empty, "." or ".."."""
ADDRESS = rf"{_CLEAN}(?:(?://[^:\\]*)?:|//(?:[^:\\]*/)?){NAME}"
SPEC = rf"-?{_CLEAN}(?:(?://[^:\\]*)?:{_WORD}|//(?:[^:\\]*/)?(?:\.\.\.|{NAME}))"
_INSIDE = r"(?!(?:[^\x00]*/)?\.\.(?![^/]))"
PATH = rf"{_INSIDE}[^\x00]+"
BELOW = rf"(?!/){PATH}"
SOURCE = rf"{ADDRESS}|!{BELOW}|(?![!:]){BELOW}"
MODE = r"[0-7]{3,4}"
OWNER = r"([0-9]{1,10})(?::([0-9]{1,10}))?"
PLATFORM = r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?"
WEB = r"https?://[!-~]+"


def pattern(shape: str) -> str:
    """A shape as a schema's `pattern`, which by itself is content with a part."""
    return f"^(?:{shape})$"


def shaped(shape: str) -> WithJsonSchema:
    """For `Annotated[str, …]`: a text of this shape."""
    return WithJsonSchema({"type": "string", "pattern": pattern(shape)})


def _has(name: str) -> JsonDict:
    """The field is there, and not empty."""
    return {"required": [name], "properties": {name: {"minItems": 1, "minProperties": 1}}}


def _any(names: tuple[str, ...]) -> JsonDict:
    return {"anyOf": [_has(name) for name in names]}


def some_of(*names: str) -> JsonDict:
    """A rule: at least one of the fields."""
    return _any(names)


def one_of(*names: str) -> JsonDict:
    """A rule: exactly one of the fields."""
    return {"oneOf": [_has(name) for name in names]}


def not_both(first: str, second: str) -> JsonDict:
    """A rule: the fields exclude each other."""
    return {"not": {"allOf": [_has(first), _has(second)]}}


def belongs(name: str, *owners: str) -> JsonDict:
    """A rule: the field means something only beside one of `owners`."""
    return {"if": _has(name), "then": _any(owners)}


def excludes(name: str, *others: str) -> JsonDict:
    """A rule: the field rules the others out."""
    return {"if": _has(name), "then": {"not": _any(others)}}


def rules(*found: JsonDict) -> dict[str, Any]:
    """For a model's `json_schema_extra`: what its validators ask of several fields together."""
    return {"allOf": [*found]}
