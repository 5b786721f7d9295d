"""The [workspace] table with the tables of every ecosystem that has some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, create_model

from ..declare.workspace import Settings
from .registry import load_ecosystems


def load_settings() -> type[Settings]:
    """The whole model of [workspace]. Raises StackbuildError when a plugin cannot be used."""
    return _model(load_ecosystems())


def settings_of(table: Iterable[str]) -> type[Settings]:
    """The model of a [workspace] table with these names in it: the whole one if some name is strange to it.

    Raises StackbuildError when a plugin cannot be used.
    """
    named = [name for name in table if name not in Settings.model_fields]
    known = load_ecosystems()
    return _model(named if all(name in known for name in named) else known)


def _model(ecosystems: Iterable[str]) -> type[Settings]:
    """The model with the tables of some ecosystems."""
    tables: dict[str, Any] = {}
    for name in sorted(ecosystems):
        if (model := load_ecosystems()[name].settings) is not None:
            doc = (model.__doc__ or "").partition("\n\n")[0]
            tables[name] = (Mapping[str, model], Field(default_factory=dict, description=doc))  # type: ignore[valid-type]
    if not tables:
        return Settings
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **tables)
