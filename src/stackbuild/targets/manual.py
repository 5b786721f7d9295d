"""The manual of BUILD.toml as sections, one a table: what `help` shows and the reference page is made of."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from ..declare.describe import FieldText, described
from ..declare.fields import Choice, Fields
from ..ecosystems.registry import load_ecosystems
from ..ecosystems.settings import load_settings
from ..frozen import frozen
from .registry import load_types

EVERY = "target"
"""The topic of the fields that every target has."""


@frozen
class Section:
    """topic: its name for `help`; under: topics of sections whose fields the table has too, nearest first."""

    topic: str
    title: str
    doc: str
    fields: tuple[FieldText, ...]
    under: tuple[str, ...] = ()

    def field(self, name: str) -> FieldText | None:
        """The field of this name, if it has one."""
        return next((field for field in self.fields if field.name == name), None)


def sections() -> Iterator[Section]:
    """[workspace] and its tables, what every target has, then each type. Raises StackbuildError."""
    yield _section("workspace", "[workspace]", load_settings())
    for name, ecosystem in sorted(load_ecosystems().items()):
        if ecosystem.settings is not None:
            yield _section(f"workspace.{name}", f"[workspace.{name}.NAME]", ecosystem.settings)
    yield _section(EVERY, "Every target", Fields)
    for name, kind in sorted(load_types().items()):
        title = f"[{name}.NAME]"
        if not isinstance(kind.fields, Choice):
            yield _section(name, title, kind.fields, (EVERY, Fields))
            continue
        common = kind.fields.common
        yield _section(name, title, common, (EVERY, Fields))
        for value, model in sorted(kind.fields.models.items()):
            chosen = f'{title} with {kind.fields.field} = "{value}"'
            yield _section(value, chosen, model, (name, common), (EVERY, Fields))


def _section(topic: str, title: str, model: type[BaseModel], *under: tuple[str, type[BaseModel]]) -> Section:
    """The section of a model. under: what it inherits, and is not told again unless it says otherwise."""
    told = {(field.name, field.doc) for _, inherited in under for field in described(inherited)}
    fields = tuple(field for field in described(model) if (field.name, field.doc) not in told)
    return Section(topic, title, (model.__doc__ or "").strip(), fields, tuple(name for name, _ in under))
