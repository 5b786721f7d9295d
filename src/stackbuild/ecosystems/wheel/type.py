"""`wheel`: Python packages from wheels, of an index, of a lock, or of the tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...declare.package import Declaration
from ...declare.reads import Reads
from ...declare.workspace import Workspace
from ...errors import RequestError
from ...layer.entry import Entry
from ...layer.unpack import Spool
from ..ecosystem import Ask, Ecosystem, Package, Tree
from .environment import Environment
from .fields import WheelFields


class Wheel(Ecosystem[WheelFields]):
    """Python packages."""

    name = "wheel"
    version = 1
    witnessed = True
    fields = WheelFields

    def listed(self, ask: Ask) -> Sequence[Package] | None:
        from .locks import locked

        return locked(ask, _environment(ask.declaration, ask.platform))

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        from .requirements import sources

        return [Reads(path) for path in sources(declaration, workspace)]

    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        from .requirements import wanted

        fields, environment = _fields(declaration), _environment(declaration, platform)
        if fields.uv_lock or fields.pylock:
            return None
        return [str(environment), wanted(declaration, workspace).data()]

    def resolve(self, ask: Ask) -> Sequence[Package]:
        from .requirements import wanted
        from .resolve import resolve

        environment = _environment(ask.declaration, ask.platform)
        return resolve(ask, wanted(ask.declaration, ask.workspace), environment)

    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        from .unpack import unpack

        return unpack(package, archive, spool)

    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        from .install import Layout, install

        layout = Layout.of(_fields(ask.declaration), _environment(ask.declaration, ask.platform))
        return install(layout, trees, ask.epoch)

    def described(self, package: Package, tree: Tree, ask: Ask, names: Collection[str]) -> Package:
        from .metadata import required

        environment = _environment(ask.declaration, ask.platform)
        depends = required(tree.facts["requires"], environment.markers())
        return replace(
            package,
            license=tree.facts["license"],
            depends=tuple(sorted(depends & set(names) - {package.name})),
        )

    def purl(self, package: Package, ask: Ask) -> str:
        return f"pkg:pypi/{package.name}@{package.version.replace('+', '%2B').replace('!', '%21')}"


def _fields(declaration: Declaration) -> WheelFields:
    assert isinstance(declaration.fields, WheelFields)
    return declaration.fields


def _environment(declaration: Declaration, platform: str) -> Environment:
    try:
        return Environment.of(_fields(declaration), platform)
    except ValueError as error:
        where = declaration.position()
        raise RequestError(str(error), where=where, hint="build it for another platform") from None
