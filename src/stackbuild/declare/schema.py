"""The JSON Schema of BUILD.toml, made from the same models that check it, in the words that editors know.

Draft 7, because Taplo, which most editors use for TOML, reads no newer keywords.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from ..errors import StackbuildError
from . import shapes
from .docstrings import document
from .fields import Choice
from .package import Models
from .workspace import BUILD_FILE, Workspace

Schema = dict[str, Any]
Given = Mapping[str, Collection[str]]
"""Target type -> fields that some [defaults] gives, and that no table therefore needs."""
_RULES = "allOf"  # where `shapes.rules` puts what is asked of several fields together


def build_schema(models: Models, settings: type[BaseModel], given: Given | None = None) -> Schema:
    """A draft 7 schema; models: target type -> model of its fields; settings: of [workspace]."""
    definitions: Schema = {}
    types: Schema = {}
    defaults: Schema = {}
    for name, model in sorted(models.items()):
        found = (given or {}).get(name, ())
        if isinstance(model, Choice):
            whole, partial, doc = _chosen(name, model, definitions, found)
        else:
            whole = _unneeded(model_schema(model, definitions, name), found)
            partial, doc = _partial(whole), _doc(model)
        definitions |= {name: whole, f"{name}_defaults": partial}
        types[name] = {
            "type": "object",
            "description": doc,
            "minProperties": 1,
            "propertyNames": {"pattern": shapes.pattern(shapes.NAME)},
            "additionalProperties": _reference(name),
        }
        defaults[name] = _reference(f"{name}_defaults")
    definitions["workspace"] = model_schema(settings, definitions, "workspace")
    what = "Defaults for this folder and all below; the nearest wins, field by field."
    closed = {"type": "object", "additionalProperties": False}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "BUILD.toml",
        **closed,
        "properties": {
            "workspace": _reference("workspace"),
            "defaults": {**closed, "description": what, "properties": defaults},
            **types,
        },
        "definitions": definitions,
    }


def model_schema(model: type[BaseModel], definitions: Schema, name: str = "") -> Schema:
    """The schema of one model; the models inside of it go to `definitions`, after `name`, as plugins may call
    theirs alike. Raises StackbuildError for a plugin's field that says nothing of what it is."""
    document(model)
    try:
        schema = model.model_json_schema(mode="validation", ref_template=f"#/definitions/{name}.{{model}}")
    except PydanticInvalidForJsonSchema as error:
        hint = "annotate the field with pydantic's WithJsonSchema"
        raise StackbuildError(f"{model.__name__} has no JSON Schema: {error.message}", hint=hint) from error
    definitions |= {f"{name}.{inner}": _plain(found) for inner, found in schema.pop("$defs", {}).items()}
    plain: Schema = _plain(schema)
    return plain


def given_fields(workspace: Workspace) -> Given:
    """The fields that the [defaults] of a workspace give. Raises RequestError.

    Files that are no TOML are passed over: whoever edits one wants the schema all the more.
    """
    found: dict[str, set[str]] = {}
    for folder in workspace.folders():
        try:
            tables = tomllib.loads((workspace.root / folder / BUILD_FILE).read_text("utf-8")).get("defaults")
        except (OSError, ValueError, RecursionError):
            continue
        for name, fields in (tables if isinstance(tables, dict) else {}).items():
            found.setdefault(name, set()).update(fields if isinstance(fields, dict) else ())
    return found


def _doc(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _reference(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _chosen(
    name: str, choice: Choice, definitions: Schema, given: Collection[str]
) -> tuple[Schema, Schema, str]:
    """(schema, schema of its defaults, what it is) of a type whose fields depend on one of them."""
    inner = {
        value: model_schema(model, definitions, f"{name}_{value}")
        for value, model in sorted(choice.models.items())
    }
    properties: Schema = {}
    for key in choice.known():
        said = {
            value: schema["properties"][key] for value, schema in inner.items() if key in schema["properties"]
        }
        properties[key] = _either(said)
    choosing = properties[choice.field]
    properties[choice.field] = {"enum": sorted(inner), "description": choosing.get("description", "")}
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    cases = []
    for value, schema in inner.items():
        schema["properties"][choice.field] = {"const": value}
        definitions[f"{name}_{value}"] = _unneeded(schema, given)
        condition = {"properties": {choice.field: {"const": value}}, "required": [choice.field]}
        cases.append({"if": condition, "then": _reference(f"{name}_{value}")})
    whole = _unneeded({**closed, "required": [choice.field]}, given)
    return {**whole, "allOf": cases}, closed, _doc(choice.common)


def _either(said: Mapping[str, Schema]) -> Schema:
    """One schema for a field that several models have: what fits any of them."""
    if len({json.dumps(schema, sort_keys=True) for schema in said.values()}) == 1:
        return next(iter(said.values()))
    docs = "\n\n".join(f"{value}: {schema.get('description', '')}" for value, schema in said.items())
    return {"anyOf": list(said.values()), "description": docs}


def _partial(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in ("required", _RULES)}


def _unneeded(schema: Schema, given: Collection[str]) -> Schema:
    """A schema that asks for no field of `given`, and has no rule about one."""
    kept = [rule for rule in schema.get(_RULES, ()) if not _named(rule).intersection(given)]
    needed = [name for name in schema.get("required", ()) if name not in given]
    return _partial(schema) | ({"required": needed} if needed else {}) | ({_RULES: kept} if kept else {})


def _named(rule: Any) -> set[str]:
    """The fields that a rule asks for."""
    if isinstance(rule, list):
        return {name for item in rule for name in _named(item)}
    if not isinstance(rule, dict):
        return set()
    return set(rule.get("required", ())) | _named([*rule.values()])


def _plain(schema: Any) -> Any:
    """pydantic's schema without what says nothing in TOML: null, titles, defaults that nobody can write.

    What stands beside a `$ref` counts for nothing in draft 7, so the `$ref` moves down into an `allOf`.
    """
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if isinstance(choices := found.get("anyOf"), list):
        choices = [item for item in choices if item != {"type": "null"}]
        if len(choices) == 1:
            found = {**choices[0], **{key: value for key, value in found.items() if key != "anyOf"}}
        else:
            found["anyOf"] = choices
    patterns = found.get("patternProperties")
    if isinstance(patterns, dict) and len(patterns) == 1 and "additionalProperties" not in found:
        [(shape, value)] = found.pop("patternProperties").items()  # pydantic's way to say the shape of keys
        found |= {"propertyNames": {"pattern": shape}, "additionalProperties": value}
    if isinstance(found.get("$ref"), str) and len(found) > 1:
        found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found
