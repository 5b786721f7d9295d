"""`deb`: Debian packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...declare.package import Declaration
from ...declare.workspace import Workspace
from ...layer.entry import Entry
from ...layer.unpack import Spool
from ..ecosystem import Ask, Ecosystem, Package, PackagesFields, Tree


class DebFields(PackagesFields):
    """Debian packages."""


class Deb(Ecosystem[DebFields]):
    """Debian packages."""

    name = "deb"
    version = 1
    fields = DebFields

    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        raise NotImplementedError

    def resolve(self, ask: Ask) -> Sequence[Package]:
        raise NotImplementedError

    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        raise NotImplementedError

    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        raise NotImplementedError

    def purl(self, package: Package, ask: Ask) -> str:
        raise NotImplementedError
