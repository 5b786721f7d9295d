"""The [workspace] table with the tables of every ecosystem that has some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from ..declare.workspace import Settings

if TYPE_CHECKING:
    from .ecosystem import Ecosystem


def load_settings() -> type[Settings]:
    """The whole model of [workspace]. Raises StackbuildError when a plugin cannot be used."""
    from .registry import load_ecosystems

    return _model(load_ecosystems())


def settings_of(table: Iterable[str]) -> type[Settings]:
    """The model of a [workspace] table with these names in it: the whole one if some name is strange to it.

    Raises StackbuildError when a plugin cannot be used.
    """
    named = [name for name in table if name not in Settings.model_fields]
    if not named:
        return Settings
    from .registry import load_ecosystems

    known = load_ecosystems()
    return _model({name: known[name] for name in named} if all(name in known for name in named) else known)


def _model(ecosystems: Mapping[str, Ecosystem[Any]]) -> type[Settings]:
    """The model with the tables of some ecosystems."""
    tables: dict[str, Any] = {}
    for name, ecosystem in sorted(ecosystems.items()):
        if (model := ecosystem.settings) is not None:
            doc = (model.__doc__ or "").partition("\n\n")[0]
            tables[name] = (Mapping[str, model], Field(default_factory=dict, description=doc))  # type: ignore[valid-type]
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **tables)
