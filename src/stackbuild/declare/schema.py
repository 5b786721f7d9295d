"""The JSON Schema of BUILD.toml, made from the same models that check it."""

from __future__ import annotations

from typing import Any

from .package import Models
from .workspace import Settings


def build_schema(models: Models) -> dict[str, Any]:
    """A draft 2020-12 schema; models: target type -> model of its fields."""
    definitions: dict[str, Any] = {}

    def define(name: str, model: Any) -> dict[str, str]:
        schema = model.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    workspace = define("workspace", Settings)
    types, defaults = {}, {}
    for name, model in sorted(models.items()):
        reference = define(name, model)
        doc = (model.__doc__ or "").strip()
        types[name] = {"type": "object", "description": doc, "additionalProperties": reference}
        partial = {key: value for key, value in definitions[name].items() if key != "required"}
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
