"""The [workspace] table with the tables of every ecosystem that has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, create_model

from ..declare.workspace import Settings
from .registry import load_ecosystems


def load_settings() -> type[Settings]:
    """The model of [workspace]. Raises StackbuildError when a plugin cannot be used."""
    tables: dict[str, Any] = {}
    for name, ecosystem in sorted(load_ecosystems().items()):
        if (model := ecosystem.settings) is not None:
            doc = (model.__doc__ or "").partition("\n\n")[0]
            tables[name] = (Mapping[str, model], Field(default_factory=dict, description=doc))  # type: ignore[valid-type]
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **tables)
