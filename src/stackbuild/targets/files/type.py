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
from ...layer.entry import Entry, TreeFile
from ...trace import span
from ..target import Contribution, LayerType, Need, Task, Variant
from .fields import FilesFields
from .globs import Globs
from .placing import Placing
from .sources import find_sources, fingerprint, mode_of, open_sources


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
        with span("recall fingerprints", files=len(found)):
            sources = open_sources(task, found)
        mtime = fields.mtime if fields.mtime is not None else task.epoch

        def inputs() -> dict[str, Any]:
            with span("fingerprint", files=len(found)):
                prints = [fingerprint(task, file) for file in sources]
            modes = ["link " if item.letter == "l" else f"{mode_of(item):04o} " for item in found]
            marks = [mode + mark for mode, mark in zip(modes, prints, strict=True)]
            return {"mtime": mtime, "files": dict(zip([item.path for item in found], marks, strict=True))}

        def entries(stack: contextlib.ExitStack) -> list[Entry]:
            placing = Placing(task, fields, mtime)
            placing.files(found, sources)
            for need in self.needs(task.declaration, task.variant, task.workspace):
                theirs = task.files_of(need, stack)
                if not theirs:
                    raise RequestError(
                        f"{need.address} gives no files", where=task.declaration.position(need.key)
                    )
                for entry in theirs:
                    placing.foreign(entry)
            return placing.finished()

        files = [file for file in sources if isinstance(file, TreeFile)]
        unread = sum([file.size for file in files if file.known is None])
        return Contribution(inputs, entries, unread=2 * unread > sum([file.size for file in files]))
