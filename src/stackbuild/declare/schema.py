"""The JSON Schema of BUILD.toml, made from the same models that check it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .fields import Choice
from .package import Models


def build_schema(models: Models, settings: type[BaseModel]) -> dict[str, Any]:
    """A draft 2020-12 schema; models: target type -> model of its fields; settings: of [workspace]."""
    definitions: dict[str, Any] = {}

    def define(name: str, model: Any) -> dict[str, str]:
        schema = model.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    workspace = define("workspace", settings)
    types, defaults = {}, {}
    for name, model in sorted(models.items()):
        doc = ((model.common if isinstance(model, Choice) else model).__doc__ or "").strip()
        if isinstance(model, Choice):
            chosen = {value: define(f"{name}_{value}", item) for value, item in model.models.items()}
            for value in chosen:
                definitions[f"{name}_{value}"]["properties"][model.field] = {"const": value}
            properties = {
                key: text
                for value in chosen
                for key, text in definitions[f"{name}_{value}"]["properties"].items()
            } | {model.field: {"enum": sorted(chosen)}}
            partial: dict[str, Any] = {
                "type": "object",
                "properties": {key: properties[key] for key in model.known()},
                "additionalProperties": False,
            }
            definitions[name] = {"oneOf": [chosen[value] for value in sorted(chosen)]}
            reference = {"$ref": f"#/$defs/{name}"}
        else:
            reference = define(name, model)
            partial = {key: value for key, value in definitions[name].items() if key != "required"}
        types[name] = {"type": "object", "description": doc, "additionalProperties": reference}
        definitions[f"{name}_defaults"] = partial
        defaults[name] = {"$ref": f"#/$defs/{name}_defaults"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "BUILD.toml",
        "type": "object",
        "properties": {
            "workspace": workspace,
            "defaults": {"type": "object", "properties": defaults, "additionalProperties": False},
            **types,
        },
        "additionalProperties": False,
        "$defs": definitions,
    }
