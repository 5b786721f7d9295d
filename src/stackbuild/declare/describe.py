"""A model's fields in words, for the manual and for `help`, from the docstrings and types that check them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pydantic import BaseModel

from ..frozen import frozen
from .schema import Schema, model_schema


@frozen
class FieldText:
    """kind: what may be written, as "list of strings"; default: as TOML, "" when there is none to write;
    fields: of a table whose fields are fixed."""

    name: str
    doc: str
    kind: str
    required: bool
    default: str = ""
    fields: tuple[FieldText, ...] = ()


def described(model: type[BaseModel]) -> list[FieldText]:
    """The fields of a model, in the order of the manual."""
    definitions: Schema = {}
    return _fields(model_schema(model, definitions), definitions)


def _fields(schema: Schema, definitions: Mapping[str, Schema]) -> list[FieldText]:
    found = []
    for name, field in schema["properties"].items():
        inner = _resolved(field, definitions)
        if "properties" not in inner and isinstance(values := inner.get("additionalProperties"), dict):
            inner = _resolved(values, definitions)
        more = tuple(_fields(inner, definitions)) if "properties" in inner else ()
        doc = " ".join(field.get("description", "").split())
        default = field.get("default")
        shown = "" if default in (None, "", [], {}) else json.dumps(default, ensure_ascii=False)
        kind = _kind(field, definitions)
        found.append(FieldText(name, doc, kind, name in schema.get("required", ()), shown, more))
    return found


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            return definitions[part["$ref"].rpartition("/")[2]]
    return schema


def _kind(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    inner = _resolved(schema, definitions)
    if choices := inner.get("anyOf") or inner.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(item, definitions) for item in choices))
    if "enum" in inner:
        return " or ".join(json.dumps(value) for value in inner["enum"])
    match inner.get("type"):
        case "array":
            return f"list of {_several(inner.get('items', {}), definitions)}"
        case "object" if isinstance(values := inner.get("additionalProperties"), dict):
            return f"table of {_several(values, definitions)}"
        case "object":
            return "table"
        case "string" if inner.get("format") == "date-time":
            return "date and time"
        case "boolean":
            return "true or false"
        case "integer":
            return "whole number"
        case found:
            return found or "value"


def _several(item: Schema, definitions: Mapping[str, Schema]) -> str:
    kind, each = _kind(item, definitions), item.get("description")
    if " or " in kind:
        return kind
    plural = re.sub(r"^\w+", r"\g<0>s", kind)
    return f"{plural}, each {each}" if each and kind == "string" else plural
