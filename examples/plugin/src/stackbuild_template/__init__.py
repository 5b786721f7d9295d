"""A target type of one's own: `template` writes a text with values filled in, as a layer."""

from __future__ import annotations

import string
from collections.abc import Sequence

from pydantic import Field

from stackbuild.declare.fields import Fields, ImagePath
from stackbuild.declare.package import Declaration
from stackbuild.declare.reads import Reads
from stackbuild.declare.workspace import Workspace
from stackbuild.layer.entry import BytesContent, Entry, clean_path
from stackbuild.targets.target import Contribution, LayerType, Task


class TemplateFields(Fields):
    """A text file with values filled in."""

    text: str
    """The text; $name stands for a value."""
    to: ImagePath
    """Path of the file in the image."""
    values: dict[str, str] = Field(default_factory=dict)
    """Name -> value."""


class TemplateType(LayerType[TemplateFields]):
    """Fills a template in."""

    name = "template"
    version = 1
    fields = TemplateFields

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        return ()  # all it stands on is in BUILD.toml

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, TemplateFields)
        data = string.Template(fields.text).safe_substitute(fields.values).encode()
        entry = Entry(clean_path(fields.to), "file", mtime=task.epoch, content=BytesContent(data))
        return Contribution({"mtime": task.epoch}, lambda stack: [entry])
