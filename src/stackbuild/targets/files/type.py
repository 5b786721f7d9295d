"""`files`: a layer of files from the tree."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...declare.address import Address
from ...declare.package import Declaration
from ...declare.reads import Reads
from ...declare.workspace import Workspace
from ...errors import RequestError
from ...filetable import FileTable
from ...layer.batch import Batch
from ...layer.entry import Entry
from ...trace import span
from ..target import Contribution, LayerType, Need, Task, Variant
from .fields import FilesFields
from .globs import Globs
from .placing import Placing
from .sources import find_sources, fingerprints, open_sources


class FilesType(LayerType[FilesFields]):
    """Files of the tree, as one layer."""

    name = "files"
    version = 2
    witnessed = True
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

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        patterns = [source for source in declaration.fields.srcs if isinstance(source, str)]  # type: ignore[attr-defined]
        folder = declaration.address.folder
        globs = Globs(patterns)
        hidden = frozenset({str(workspace.dist)})
        return (
            [Reads(folder, lambda path: globs.means(f"{workspace.root}/{folder}", path, hidden))]
            if patterns
            else []
        )

    def contribute(self, task: Task) -> Contribution:
        fields = task.declaration.fields
        assert isinstance(fields, FilesFields)
        with span("walk"):
            found = find_sources(task, fields.srcs)
        sources = open_sources(task, found)
        mtime = fields.mtime if fields.mtime is not None else task.epoch

        def inputs() -> dict[str, Any]:
            with span("fingerprint"):
                files = FileTable([source.recipe(fingerprints(task, source)) for source in sources])
            return {"mtime": mtime, "files": files}

        def entries(stack: contextlib.ExitStack) -> Sequence[Entry | Batch]:
            placing = Placing(task, fields, mtime)
            for source in sources:
                placing.files(source)
            for need in self.needs(task.declaration, task.variant, task.workspace):
                theirs = task.files_of(need, stack)
                if not theirs:
                    raise RequestError(
                        f"{need.address} gives no files", where=task.declaration.position(need.key)
                    )
                for entry in theirs:
                    placing.foreign(entry)
            return placing.finished()

        weights = [source.files.weigh() for source in sources]
        size, unread = map(sum, zip((0, 0), *weights, strict=True))
        return Contribution(inputs, entries, 2 * unread > size)
