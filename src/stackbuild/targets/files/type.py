"""`files`: a layer of files from the tree."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ...declare.address import Address
from ...declare.package import Declaration
from ...declare.workspace import Workspace
from ...errors import RequestError
from ...layer.entry import Entry
from ..target import Contribution, LayerType, Need, Task, Variant
from .fields import FilesFields
from .placing import Placing
from .sources import find_sources, fingerprint, mode_of


class FilesType(LayerType[FilesFields]):
    """Files of the tree, as one layer."""

    name = "files"
    version = 2
    fields = FilesFields
    ordered = frozenset({"modes", "owners", "capabilities"})
    finding = frozenset({"srcs"})

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        """Files of the tree are the same for all; those of other targets may not be."""
        found = super().variant(declaration, wanted)
        foreign = any(isinstance(source, Address) for source in declaration.fields.srcs)  # type: ignore[attr-defined]
        return replace(found, platform=wanted.platform, base=wanted.base) if foreign else found

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        srcs = declaration.fields.srcs  # type: ignore[attr-defined]
        return [
            Need(source, Variant(variant.platform, "gzip", variant.base), "files", ("srcs", number))
            for number, source in enumerate(srcs)
            if isinstance(source, Address)
        ]

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, FilesFields)
        found = find_sources(task, fields.srcs)
        prints = {item.path: fingerprint(task, item) for item in found}
        mtime = fields.mtime if fields.mtime is not None else task.epoch
        inputs = {
            "mtime": mtime,
            "files": {
                item.path: f"link {prints[item.path]}"
                if item.is_link
                else f"{mode_of(item):04o} {prints[item.path]}"
                for item in found
            },
        }

        def entries(stack: contextlib.ExitStack) -> list[Entry]:
            placing = Placing(task, fields, mtime)
            for item in found:
                placing.file(item, prints[item.path])
            for need in self.needs(task.declaration, task.variant, task.workspace):
                theirs = task.files_of(need, stack)
                if not theirs:
                    raise RequestError(
                        f"{need.address} gives no files", where=task.declaration.position(need.key)
                    )
                for entry in theirs:
                    placing.foreign(entry)
            return placing.finished()

        return Contribution(inputs, entries)
