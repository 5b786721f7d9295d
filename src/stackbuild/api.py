"""The public Python API: what the command line does, in one class."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .build.explain import Reason, explain_outcome, explain_plan
from .build.pins import Locking, Pins, relock, resolved, stale
from .build.plan import Node, Plan, make_plan
from .build.run import Builder, Outcome, layer_statuses
from .declare.address import Address
from .declare.lock import Lock
from .declare.package import Packages
from .declare.workspace import Workspace as Opened
from .declare.workspace import open_workspace
from .deliver.archive import check_format, write_archive
from .deliver.layout import write_layout
from .deliver.outputs import Format, check_tag, places
from .deliver.progress import Quiet
from .deliver.report import Built
from .ecosystems.settings import load_settings
from .errors import Failures, RequestError, StackbuildError
from .graph.load import TargetGraph, parse_specs
from .oci.model import Image, parse_platform, platform_text
from .oci.remote import Remote
from .store import Store, default_path, is_damage
from .targets.registry import load_types
from .targets.target import Pin

if TYPE_CHECKING:
    from .analyze.check.run import Report as CheckReport
    from .analyze.sbom.document import Format as BillFormat
    from .deliver.push import Pushed
    from .ecosystems.ecosystem import Package


@dataclass(frozen=True)
class Request:
    """How a build is to be done and delivered.

    output: a path, None for the workspace's dist/, or "none" for no output; tag: NAME:TAG of the outputs;
    locked: refuse what stackbuild.lock does not hold.
    """

    platform: str | None = None
    format: Format = "oci"
    output: str | None = None
    tag: str | None = None
    jobs: int = 0
    explain: bool = False
    locked: bool = False


@dataclass(frozen=True)
class Loaded:
    """An image in an engine: its id there, and its names."""

    address: Address
    engine: str
    identity: str
    names: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The image as an element of `load --json`'s "images"."""
        return {
            "address": str(self.address),
            "engine": self.engine,
            "id": self.identity,
            "names": list(self.names),
        }


def source_date_epoch() -> int:
    """$SOURCE_DATE_EPOCH (reproducible-builds.org), else 0. Raises RequestError when it is no time."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "").strip() or "0"
    if not text.isascii() or not text.isdigit() or int(text) > 253402300799:
        raise RequestError(f"SOURCE_DATE_EPOCH is '{text}', which is not a number of seconds since 1970")
    return int(text)


class Workspace:
    """A workspace and a store, opened together. Use it as a context manager, or call `close`."""

    def __init__(self, opened: Opened, store: Store, here: str = "") -> None:
        self._opened, self.store, self._here = opened, store, here
        self.root = opened.root
        self.types = load_types()
        models = {name: kind.fields for name, kind in self.types.items()}
        self.graph = TargetGraph(Packages(opened, models))
        settings = opened.settings
        self.remote = Remote(settings.insecure_registries, settings.token_realms, settings.mirrors)

    @classmethod
    def open(cls, path: str | Path = ".", store: str | Path | None = None) -> Workspace:
        """The workspace that holds `path`, with a store (by default the user's).

        Raises RequestError, DeclarationErrors and StoreError.
        """
        opened = open_workspace(Path(path), load_settings())
        at = Path(store).resolve() if store else default_path()
        return cls(opened, Store(at, opened.settings.fingerprint), opened.relative(Path(path)))

    def select(self, *specs: str) -> list[Address]:
        """The targets that specs mean, loaded with all they depend on. Raises DeclarationErrors."""
        return self.graph.select(parse_specs(specs, self._here))

    def build(
        self, *specs: str, request: Request | None = None, listener: Quiet | None = None
    ) -> list[Built]:
        """Build targets and write their outputs. Raises StackbuildError."""
        return [built for built, _ in self.build_explained(*specs, request=request, listener=listener)]

    def build_explained(
        self, *specs: str, request: Request | None = None, listener: Quiet | None = None
    ) -> list[tuple[Built, list[tuple[Outcome, list[str]]]]]:
        """`build`, with each target's nodes and, when the request says `explain`, why they were built."""
        request, listener = request or Request(), listener or Quiet()
        self.remote.watch = listener.transfer
        wanted = self._wanted(specs)
        plan = make_plan(self.graph, self.types, wanted, _platform(request.platform))
        outputs = self._outputs(wanted, request)
        try:
            return self._build(plan, outputs, request, listener, thorough=False)
        except StackbuildError as error:
            if not is_damage(error):
                raise
        return self._build(plan, outputs, request, listener, thorough=True)  # there may be more of it

    def _build(
        self,
        plan: Plan,
        outputs: dict[Address, Path],
        request: Request,
        listener: Quiet,
        *,
        thorough: bool,
    ) -> list[tuple[Built, list[tuple[Outcome, list[str]]]]]:
        start = time.monotonic()
        with self.store.shared(), self._builder(request, listener, thorough=thorough) as builder:
            try:
                outcomes = builder.run(plan)
            finally:
                builder.pins.save()
            statuses = layer_statuses(
                outcome for node, outcome in outcomes.items() if "layers" in self._products(node.address)
            )
            found = {root: _output_result(outcomes[root].result) for root in plan.roots}
            for root, result in found.items():
                if root.address in outputs:
                    check_format(result, request.format, str(root.address))
            results = []
            for root, result in found.items():
                output = outputs.get(root.address)
                if output:
                    self._deliver(result, output, request)
                built = Built(root.address, result, statuses, time.monotonic() - start, output)
                results.append((built, _reasons(builder, plan, root, outcomes) if request.explain else []))
        return results

    def explain(self, *specs: str, locked: bool = False) -> Iterator[Reason]:
        """For each target that the specs need: what a build would do now, and why. Builds nothing."""
        plan = make_plan(self.graph, self.types, self._wanted(specs))
        with self._builder(Request(locked=locked), Quiet()) as builder:
            yield from explain_plan(builder, plan)

    def _wanted(self, specs: Sequence[str]) -> list[Address]:
        if not specs:
            raise RequestError("no target is named", hint="name one, as //app:img, or //... for all")
        wanted = self.select(*specs)
        if not wanted:
            raise RequestError("the specs mean no target", hint="see 'stackbuild list //...'")
        return wanted

    def _images(self, specs: Sequence[str]) -> list[Address]:
        """The images among the targets that specs mean. Raises RequestError when there is none."""
        images = [address for address in self._wanted(specs) if self._is_image(address)]
        if not images:
            raise RequestError("the specs mean no image", hint="see 'stackbuild list --type image //...'")
        return images

    def _builder(
        self, request: Request, listener: Quiet, *, thorough: bool = False, lock: Lock | None = None
    ) -> Builder:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        pins = Pins(lock or Lock(self.root), locked=request.locked, note=listener.note)
        jobs, epoch = request.jobs or cores, source_date_epoch()
        return Builder(self.graph, self.types, self.store, self.remote, pins, epoch, jobs, listener, thorough)

    def _outputs(self, wanted: Sequence[Address], request: Request) -> dict[Address, Path]:
        images = [address for address in wanted if self._is_image(address)]
        if request.tag is not None:
            check_tag(request.tag, images)
        return places(images, request.output, request.format, self._opened.dist)

    def _is_image(self, address: Address) -> bool:
        return "images" in self._products(address)

    def _products(self, address: Address) -> frozenset[str]:
        return self.types[self.graph.declarations[address].type_name].products

    def _deliver(self, result: Any, output: Path, request: Request) -> None:
        self.fetch(result)
        if request.format == "oci":
            write_layout(self.store, result, output, request.tag)
        else:
            write_archive(self.store, result, output, request.format, request.tag)

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
        from .deliver.names import Naming, check_distinct
        from .deliver.push import Pushing, push

        naming = Naming(self._opened)
        named = {
            address: naming.names(self.graph.declarations[address], repositories, tags)
            for address in self._images(specs)
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
        from .deliver.load import find_engine, load
        from .deliver.names import Naming

        engine, naming, loaded = find_engine(engine), Naming(self._opened), []
        images = self._images(specs)
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
                all_known=not specs,
            )
        lock.save()
        return done

    def check_lock(self, *specs: str) -> None:
        """Raise Failures unless stackbuild.lock holds just what the targets need. Asks nobody outside."""
        pins = [
            (pin, self.graph.declarations[node.address]) for pin, node in self._pins(self._whole_plan(specs))
        ]
        if faults := stale(Lock(self.root), pins, all_known=not specs):
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

    def inspect(
        self, spec: str, *, platform: str | None = None, files: bool = False, locked: bool = False
    ) -> list[dict[str, Any]]:
        """Build targets, and describe them: platforms, layers, sizes, files. Raises StackbuildError."""
        from .analyze.inspect import describe

        found: list[dict[str, Any]] = []
        with self.store.shared():
            for built in self.build(spec, request=Request(platform, output="none", locked=locked)):
                if files:
                    self.fetch(built.result)
                found += describe(self.store, built.result, files=files)
        return found

    def sbom(
        self,
        spec: str,
        *,
        format: BillFormat = "spdx",
        request: Request | None = None,
        listener: Quiet | None = None,
    ) -> dict[str, Any]:
        """Build an image, and give its bill of materials for one platform. Raises StackbuildError."""
        from .analyze.sbom.document import bill, document

        addresses = self._images([spec])
        if len(addresses) > 1:
            raise RequestError("a bill of materials is of one image", hint="name one")
        with self.store.shared():
            request = replace(request or Request(), output="none")
            (built,) = self.build(str(addresses[0]), request=request, listener=listener)
            images = [Image.of(data) for data in built.result["images"]]
            if len(images) > 1:
                known = ", ".join(image.platform for image in images)
                raise RequestError(f"{addresses[0]} is for {known}", hint="choose one with --platform")
            return document(bill(str(addresses[0]), images[0], self.store, self.remote), format)

    def packages(self, *specs: str, locked: bool = False) -> list[tuple[Node, Package]]:
        """The packages that targets install or need, with the target that installs each, without building
        their layers. Raises StackbuildError."""
        plan = make_plan(self.graph, self.types, self._wanted(specs))
        found: list[tuple[Node, Package]] = []
        with self._builder(Request(locked=locked), Quiet()) as builder:
            try:
                for node in plan.order():
                    kind = self.types[self.graph.declarations[node.address].type_name]
                    if kind.lists_packages:
                        task = builder.task_after_needs(node, plan)
                        found += [(node, package) for package in kind.packages(task)]
            finally:
                builder.pins.save()
        return found

    def check(
        self, *specs: str, request: Request | None = None, listener: Quiet | None = None
    ) -> CheckReport:
        """Build images, and look for what is wrong with them; runs nothing. Raises StackbuildError."""
        from .analyze.check.allow import check_names
        from .analyze.check.run import Checker

        images, request, listener = self._images(specs), request or Request(), listener or Quiet()
        check_names(self.graph.declarations.values())
        plan = make_plan(self.graph, self.types, images, _platform(request.platform))
        with self.store.shared():
            outcomes = self._run(plan, request, listener)
            declarations = self.graph.declarations
            return Checker(self.store, self.remote, self.types, declarations, plan, outcomes).check()

    def _run(self, plan: Plan, request: Request, listener: Quiet) -> dict[Node, Outcome]:
        """Build every node of a plan; once more when nothing but damage of the store went wrong."""
        self.remote.watch = listener.transfer
        for thorough in (False, True):
            with self._builder(request, listener, thorough=thorough) as builder:
                try:
                    return builder.run(plan)
                except StackbuildError as error:
                    if thorough or not is_damage(error):
                        raise
                finally:
                    builder.pins.save()
        raise AssertionError

    def fetch(self, result: Any) -> None:
        """Bring the bytes of a result's layers into the store, those of bases too. Raises RegistryError."""
        images = [Image.of(data) for data in result.get("images", ())]
        self.remote.fetch([layer for image in images for layer in image.layers], self.store)

    def close(self) -> None:
        """Let go of the store, and of registries."""
        self.remote.close()
        self.store.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _platform(text: str | None) -> str | None:
    try:
        return platform_text(parse_platform(text)) if text else None
    except ValueError as error:
        raise RequestError(str(error)) from error


def _output_result(result: Any) -> Any:
    """A node's result as an output: one platform's image counts as an image of one platform."""
    if "images" in result or ("layers" in result and "manifest" not in result):
        return result
    return {"images": [Image.of(result).data()], "index": None}


def _reasons(
    builder: Builder, plan: Plan, root: Node, outcomes: dict[Node, Outcome]
) -> list[tuple[Outcome, list[str]]]:
    import networkx as nx

    nodes = {root, *nx.descendants(plan.edges, root)}
    return [
        (outcomes[node], explain_outcome(builder, outcomes[node])) for node in plan.order() if node in nodes
    ]
