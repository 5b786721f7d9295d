"""What the command line does, in one class: builds, questions, and what reaches outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..build.pins import Locking, relock, resolved, stale
from ..build.plan import Node, Plan, make_plan
from ..declare.address import Address
from ..declare.lock import Lock
from ..deliver.outputs import check_tag
from ..deliver.progress import Quiet
from ..errors import Failures
from ..frozen import frozen
from ..targets.target import Pin
from .asking import Asking
from .request import Request

if TYPE_CHECKING:
    from ..deliver.push import Pushed


@frozen
class Loaded:
    """An image in an engine: its id there, and its names."""

    address: Address
    engine: str
    identity: str
    names: tuple[str, ...]

    def row(self) -> str:
        """The closing line."""
        return f"{self.address}  {self.identity}  {' '.join(self.names)}"

    def as_json(self) -> dict[str, Any]:
        """The image as an element of `load --json`'s "images"."""
        return {
            "address": str(self.address),
            "engine": self.engine,
            "id": self.identity,
            "names": list(self.names),
        }


class Workspace(Asking):
    """A workspace and a store, opened together: see `Building` for how, and `Asking` for questions."""

    def push(
        self,
        *specs: str,
        request: Request | None = None,
        repositories: Sequence[str] = (),
        tags: Sequence[str] = (),
        listener: Quiet | None = None,
    ) -> list[Pushed]:
        """Build images and push them; repositories, tags: templates, instead of the targets' own.

        Raises StackbuildError.
        """
        from ..deliver.names import Naming, check_distinct
        from ..deliver.push import Pushing, push

        naming = Naming(self._opened)
        if not (images := self._images(specs)):
            return []
        named = {
            address: naming.names(self.graph.declarations[address], repositories, tags) for address in images
        }
        check_distinct(named.items())
        request = replace(request or Request(), output="none")
        with self.store.shared():
            built = {item.address: item for item in self.build(*specs, request=request, listener=listener)}
            return push(
                self.store,
                self.remote,
                [Pushing(address, built[address].result, names) for address, names in named.items()],
            )

    def load(
        self,
        *specs: str,
        request: Request | None = None,
        engine: str | None = None,
        tags: Sequence[str] = (),
        listener: Quiet | None = None,
    ) -> list[Loaded]:
        """Build images and load them into podman or docker. Raises StackbuildError."""
        from ..deliver.load import find_engine, load
        from ..deliver.names import Naming

        engine, naming, loaded = find_engine(engine), Naming(self._opened), []
        if not (images := self._images(specs)):
            return []
        for tag in tags:
            check_tag(tag, images)
        request = replace(request or Request(), output="none")
        with self.store.shared():
            for built in self.build(*map(str, images), request=request, listener=listener):
                names = list(tags) or naming.local(self.graph.declarations[built.address])
                identity = load(self.store, self.remote, engine, built.result, str(built.address), names)
                loaded.append(Loaded(built.address, engine, identity, tuple(names)))
        return loaded

    def lock(self, *specs: str, upgrade: bool = False, listener: Quiet | None = None) -> Locking:
        """Pin what targets stand on outside of the tree, in stackbuild.lock; upgrade: move the pins.

        Raises StackbuildError; nothing is written then.
        """
        lock, plan = Lock(self.root), self._whole_plan(specs)
        pins = self._pins(plan)
        nodes = {pin.name: node for pin, node in pins}
        with self.store.shared(), self._builder(Request(), listener or Quiet(), lock=lock) as builder:
            done = relock(
                lock,
                [pin for pin, _ in pins],
                lambda pin: resolved(pin, builder.task_after_needs(nodes[pin.name], plan)),
                upgrade=upgrade,
                all_known=not specs and not self._since,
            )
        lock.save()
        return done

    def check_lock(self, *specs: str) -> None:
        """Raise Failures unless stackbuild.lock holds just what the targets need. Asks nobody outside."""
        pins = [
            (pin, self.graph.declarations[node.address]) for pin, node in self._pins(self._whole_plan(specs))
        ]
        if faults := stale(Lock(self.root), pins, all_known=not specs and not self._since):
            raise Failures(faults)

    def _whole_plan(self, specs: Sequence[str]) -> Plan:
        """The plan for the targets, by default all of them."""
        return make_plan(self.graph, self.types, self.select(*(specs or ("//...",))))

    def _pins(self, plan: Plan) -> list[tuple[Pin, Node]]:
        """Every pin that a plan stands on, those of needs first."""
        found: dict[tuple[str, str], tuple[Pin, Node]] = {}
        for node in plan.order():
            declaration = self.graph.declarations[node.address]
            kind = self.types[declaration.type_name]
            for pin in kind.pins(declaration, node.variant, self._opened):
                found.setdefault(pin.name, (pin, node))
        return list(found.values())
