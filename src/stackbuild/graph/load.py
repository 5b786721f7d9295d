"""Loads what a request needs, and what that depends on, into a graph of targets."""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..declare.address import Address, Spec, matches_any
from ..declare.package import Declaration, Package, Packages
from ..declare.toml import Key
from ..errors import DeclarationErrors, Position, RequestError, nearest
from ..trace import traced

if TYPE_CHECKING:
    import networkx as nx


class TargetGraph:
    """Targets and what they depend on.

    declarations: every loaded target by address; needs: what each names, once, in the order of its fields.
    """

    def __init__(self, packages: Packages) -> None:
        self.packages = packages
        self.declarations: dict[Address, Declaration] = {}
        self.needs: dict[Address, list[Address]] = {}
        self._edges: nx.DiGraph[Address] | None = None
        self._faults: list[RequestError] = []
        self._seen_folders: set[str] = set()

    @property
    def edges(self) -> nx.DiGraph[Address]:
        """The loaded targets as a networkx graph; an edge runs from a target to one it names."""
        if self._edges is None:
            import networkx as nx  # a quarter of the start-up, and most commands ask no such question

            self._edges = nx.DiGraph()
            self._edges.add_nodes_from(self.needs)
            self._edges.add_edges_from((user, need) for user, needs in self.needs.items() for need in needs)
        return self._edges

    @traced("select")
    def select(self, specs: Sequence[Spec]) -> list[Address]:
        """The targets that the specs mean, sorted, loaded together with all they depend on.

        Raises DeclarationErrors with every fault of every file that was loaded.
        """
        chosen: set[Address] = set()
        for spec in specs:
            if spec.negative:
                self._check_means_something(spec)
            else:
                chosen |= self._expand(spec)
        wanted = sorted(address for address in chosen if matches_any(specs, address))
        self.load(wanted)
        return wanted

    def known(self, addresses: Iterable[Address]) -> list[Address]:
        """Those of the addresses that are declared, loaded with all they depend on. Raises
        DeclarationErrors."""
        found = [
            address for address in addresses if self._package(address.folder) and address in self.declarations
        ]
        self.load(found)
        return found

    def load(self, wanted: Iterable[Address]) -> None:
        """Load targets that are known to be declared, with all they depend on. Raises DeclarationErrors."""
        self._close(wanted)
        self._check_cycles()
        if self._faults:
            raise DeclarationErrors(self._faults)

    def _check_means_something(self, spec: Spec) -> None:
        """A misspelt spec that should take away would let everything through."""
        if spec.kind == "one":
            self._exists(Address(spec.folder, spec.name), _typed)
        elif not self.packages.is_folder(spec.folder):
            self._faults.append(self._no_package(spec.folder, None))

    def load_all(self) -> None:
        """Load every target of the workspace."""
        self.select([Spec("below", "")])

    def _package(self, folder: str) -> Package | None:
        package = self.packages.load(folder)
        if package is not None and folder not in self._seen_folders:
            self._seen_folders.add(folder)
            self._faults += package.faults
            for declaration in package.declarations.values():
                self.declarations[declaration.address] = declaration
        return package

    def _expand(self, spec: Spec) -> set[Address]:
        if spec.kind == "one":
            address = Address(spec.folder, spec.name)
            return {address} if self._exists(address, _typed) else set()
        if spec.kind == "folder":
            folders = [spec.folder]
        else:
            folders = [
                folder for folder in self.packages.workspace.folders() if spec.matches(Address(folder, "x"))
            ]
        found: set[Address] = set()
        for folder in folders:
            package = self._package(folder)
            if package is None:
                self._faults.append(self._no_package(folder, None))
            found |= {item.address for item in package.declarations.values()} if package else set()
        if not folders:
            self._faults.append(
                RequestError(
                    f"no BUILD.toml in or below //{spec.folder}",
                    hint=self._nearest_folder(spec.folder),
                )
            )
        return found

    def _no_package(self, folder: str, where: Position | None) -> RequestError:
        return RequestError(
            f"no BUILD.toml in //{folder}",
            where=where,
            hint=self._nearest_folder(folder),
        )

    def _nearest_folder(self, folder: str) -> str:
        try:
            known = self.packages.workspace.folders()
        except RequestError:
            return ""  # a hint is not worth another error
        return nearest(f"//{folder}", [f"//{name}" for name in known])

    def _exists(self, address: Address, where: Callable[[], Position | None]) -> bool:
        """Whether a target is declared; where: it is named, for the fault when it is not."""
        package = self._package(address.folder)
        if package is None:
            self._faults.append(self._no_package(address.folder, where()))
        elif package.readable and address.name not in package.names:
            # Compared by name alone: a long common folder would make every name look near.
            hint = (
                nearest(address.name, package.names, f"//{address.folder}:")
                or f"//{address.folder} declares none; add it there"
            )
            self._faults.append(RequestError(f"no target {address}", where=where(), hint=hint))
        return address in self.declarations

    def _close(self, wanted: Iterable[Address]) -> None:
        """Load whatever the wanted targets depend on, and check each edge."""
        waiting = list(wanted)
        while waiting:
            address = waiting.pop()
            if address in self.needs:
                continue
            named: dict[Address, None] = {}
            declaration = self.declarations[address]
            self._check_visibility(declaration)
            for key, other in declaration.references():
                if not self._exists(other, functools.partial(declaration.position, key)):
                    continue
                self._check_visible(declaration, key, self.declarations[other])
                named[other] = None
            self.needs[address], self._edges = list(named), None
            waiting += named

    def _check_visibility(self, declaration: Declaration) -> None:
        """Visibility that means no folder at all hides a target from everybody, unseen."""
        for number, spec in enumerate(declaration.fields.visibility or ()):
            if not self.packages.is_folder(spec.folder):
                where = declaration.position(("visibility", number))
                what = f"'{spec}' means nothing: there is no folder //{spec.folder}"
                self._faults.append(
                    RequestError(what, where=where, hint="leave visibility out for everybody")
                )

    def _check_visible(self, user: Declaration, key: Key, used: Declaration) -> None:
        allowed = used.fields.visibility
        if (
            allowed is None
            or user.address.folder == used.address.folder
            or matches_any(allowed, user.address)
        ):
            return
        self._faults.append(
            RequestError(
                f"{used.address} is not visible to {user.address}",
                where=user.position(key),
                hint=f"add it to 'visibility' at {used.position(('visibility',))}",
            )
        )

    def _check_cycles(self) -> None:
        """One cycle of each knot of targets."""
        try:
            graphlib.TopologicalSorter(self.needs).prepare()
            return
        except graphlib.CycleError:
            import networkx as nx  # names them all
        for knot in nx.strongly_connected_components(self.edges):
            try:
                cycle = nx.find_cycle(self.edges.subgraph(knot), min(knot))
            except nx.NetworkXNoCycle:
                continue
            addresses = [edge[0] for edge in cycle]
            start = addresses.index(min(addresses))
            path = addresses[start:] + addresses[:start] + [addresses[start]]
            declaration = self.declarations[path[0]]
            where = next(
                declaration.position(key) for key, other in declaration.references() if other == path[1]
            )
            self._faults.append(
                RequestError(
                    "targets depend on each other: " + " -> ".join(map(str, path)),
                    where=where,
                    hint="remove one of these dependencies",
                )
            )


def _typed() -> None:
    """What a person typed stands in no file."""


def parse_specs(texts: Sequence[str], here: str) -> list[Spec]:
    """The specs that a person typed in the folder `here`. Raises DeclarationErrors."""
    specs, faults = [], []
    for text in texts:
        try:
            specs.append(Spec.parse(text, here))
        except ValueError as error:
            faults.append(RequestError(str(error)))
    if faults:
        raise DeclarationErrors(faults)
    return specs
