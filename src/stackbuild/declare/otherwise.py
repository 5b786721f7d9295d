"""Packages of targets as they would be if some BUILD.toml files said something else: as they once did."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import RequestError
from .package import Package, Packages
from .toml import Document
from .workspace import BUILD_FILE, reopened


class Otherwise(Packages):
    """The packages of `others`, but for files that say otherwise; what those do not reach is shared.

    sources: folder -> what its BUILD.toml says, None when it has none. Raises RequestError and
    DeclarationErrors when the workspace's own does not do.
    """

    def __init__(self, others: Packages, sources: Mapping[str, bytes | None]) -> None:
        workspace = others.workspace
        if "" in sources:
            workspace = reopened(workspace, Document(BUILD_FILE, sources[""] or b""))
        super().__init__(workspace, others.models)
        self._others, self._sources = others, sources

    def load(self, folder: str) -> Package | None:
        parts = folder.split("/") if folder else []
        if any("/".join(parts[:depth]) in self._sources for depth in range(len(parts) + 1)):
            return super().load(folder)
        return self._others.load(folder)

    def is_folder(self, folder: str) -> bool:
        """It may have been one."""
        return True

    def document(self, folder: str) -> Document | RequestError | None:
        if folder not in self._sources:
            return self._others.document(folder)
        if folder not in self._documents:
            source = self._sources[folder]
            try:
                document = None if source is None else Document(f"{folder}/{BUILD_FILE}", source)
                self._documents[folder] = document
            except RequestError as error:
                self._documents[folder] = error
        return self._documents[folder]
