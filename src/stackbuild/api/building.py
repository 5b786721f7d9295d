"""A workspace that is open: which targets specs mean, and building them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from ..build.pins import Pins
from ..build.plan import Node, Plan, make_plan
from ..build.remember import remembering
from ..build.run import Builder, Outcome, layer_statuses
from ..declare.address import Address
from ..declare.lock import Lock
from ..declare.package import Packages
from ..declare.workspace import Workspace as Opened
from ..declare.workspace import open_workspace
from ..deliver.layout import write_layout
from ..deliver.outputs import check_tag, places
from ..deliver.progress import Quiet
from ..deliver.report import Built
from ..ecosystems.settings import settings_of
from ..errors import RequestError, StackbuildError, nearest
from ..graph.load import TargetGraph, parse_specs
from ..graph.query import reached
from ..oci.model import Image, asked_platform
from ..oci.remote import Remote
from ..store import Store, default_path, is_damage
from ..targets.registry import load_types
from ..trace import traced
from .request import Request, source_date_epoch

if TYPE_CHECKING:
    from ..build.changed import Since

T = TypeVar("T")


class Building:
    """A workspace and a store, opened together. Use it as a context manager, or call `close`.

    since: of what specs mean, only what changed; optional: that may be nothing; note: told in words what a
    person should know.
    """

    def __init__(
        self,
        opened: Opened,
        store: Store,
        here: str = "",
        *,
        since: Since | None = None,
        optional: bool = False,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._opened, self.store, self._here = opened, store, here
        self._since, self._optional, self._note = since, optional or since is not None, note
        self._chosen: dict[tuple[Address, ...], list[Address]] = {}
        self.root = opened.root
        self.types = load_types()
        self.graph = TargetGraph(Packages(opened, self.types.each(lambda kind: kind.fields)))
        settings = opened.settings
        self.remote = Remote(settings.insecure_registries, settings.token_realms, settings.mirrors)

    @classmethod
    @traced("open the workspace")
    def open(cls, path: str | Path = ".", store: str | Path | None = None, **how: Any) -> Self:
        """The workspace that holds `path`, with a store (by default the user's). how: as the class says.

        Raises RequestError, DeclarationErrors and StoreError.
        """
        opened = open_workspace(Path(path), settings_of)
        at = Path(store).resolve() if store else default_path()
        return cls(opened, Store(at, opened.settings.fingerprint), opened.relative(Path(path)), **how)

    def select(self, *specs: str) -> list[Address]:
        """The targets that specs mean, loaded with all they depend on. Raises DeclarationErrors, and
        RequestError when git does not know what changed."""
        found = self.graph.select(parse_specs(specs, self._here))
        if self._since is None:
            return found
        if (known := tuple(found)) not in self._chosen:
            from ..build.changed import changed

            self._chosen[known] = changed(self.graph, self.types, found, self._since, self._note)
        return list(self._chosen[known])

    def filter(
        self, addresses: Sequence[Address], types: Sequence[str] = (), tags: Sequence[str] = ()
    ) -> list[Address]:
        """Those of loaded targets that are of one of the types, and have one of the tags and none of those
        with "-" before it. Raises RequestError for an unknown type."""
        for name in types:
            if name not in self.types:
                raise RequestError(f"unknown target type '{name}'", hint=nearest(name, self.types))
        asked = {tag for tag in tags if not tag.startswith("-")}
        refused = {tag[1:] for tag in tags if tag.startswith("-")}
        found = []
        for address in addresses:
            declaration = self.graph.declarations[address]
            words = set(declaration.fields.tags)
            if types and declaration.type_name not in types:
                continue
            if (not asked or words & asked) and not words & refused:
                found.append(address)
        return found

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
        wanted = self._wanted(specs)
        plan = make_plan(self.graph, self.types, wanted, _platform(request.platform))
        outputs = self._outputs(wanted, request)
        return _mended(lambda thorough: self._build(plan, outputs, request, listener, thorough))

    @contextlib.contextmanager
    def _ran(
        self, plan: Plan, request: Request, listener: Quiet, thorough: bool
    ) -> Iterator[tuple[Builder, dict[Node, Outcome]]]:
        """What became of every node of a plan; the store keeps it for as long as the block lasts."""
        self.remote.watch = listener.transfer
        with self.store.shared(), self._builder(request, listener, thorough=thorough) as builder:
            listener.began(builder, plan)
            try:
                with remembering(builder):
                    outcomes = builder.run(plan)
            finally:
                builder.pins.save()
            yield builder, outcomes

    def _outcomes(
        self, wanted: Sequence[Address], request: Request, listener: Quiet
    ) -> tuple[Plan, dict[Node, Outcome]]:
        """The plan for targets, and what became of every node of it."""
        plan = make_plan(self.graph, self.types, wanted, _platform(request.platform))

        def run(thorough: bool) -> dict[Node, Outcome]:
            with self._ran(plan, request, listener, thorough) as (_, outcomes):
                return outcomes

        return plan, _mended(run)

    def _build(
        self, plan: Plan, outputs: dict[Address, Path], request: Request, listener: Quiet, thorough: bool
    ) -> list[tuple[Built, list[tuple[Outcome, list[str]]]]]:
        start = time.monotonic()
        with self._ran(plan, request, listener, thorough) as (builder, outcomes):
            statuses = layer_statuses(
                outcome for node, outcome in outcomes.items() if "layers" in self._products(node.address)
            )
            found = {root: _output_result(outcomes[root].result) for root in plan.roots}
            for root, result in found.items():
                if root.address in outputs and request.format != "oci":
                    from ..deliver.archive import check_format

                    check_format(result, request.format, str(root.address))
            results = []
            for root, result in found.items():
                output = outputs.get(root.address)
                if output:
                    self._deliver(result, output, request)
                built = Built(root.address, result, statuses, time.monotonic() - start, output)
                listener.delivered(built)
                results.append((built, _reasons(builder, plan, root, outcomes) if request.explain else []))
        return results

    def _wanted(self, specs: Sequence[str]) -> list[Address]:
        wanted = self.select(*specs)
        if wanted:
            return wanted
        if not self._optional:
            if not specs:
                raise RequestError("no target is named", hint="name one, as //app:img, or //... for all")
            raise RequestError("the specs mean no target", hint="see 'stackbuild list //...'")
        self._nothing("target", specs)
        return []

    def _nothing(self, what: str, specs: Sequence[str]) -> None:
        since = f" that changed since {self._since.revision}" if self._since and specs else ""
        self._note(f"nothing to do: the specs mean no {what}{since}")

    def _images(self, specs: Sequence[str]) -> list[Address]:
        """The images among the targets that specs mean. Raises RequestError when there is none."""
        wanted = self._wanted(specs)
        images = [address for address in wanted if self._is_image(address)]
        if wanted and not images:
            if not self._optional:
                raise RequestError("the specs mean no image", hint="see 'stackbuild list --type image //...'")
            self._nothing("image", specs)
        return images

    def _one_image(self, text: str) -> Address:
        addresses = self._images([text])
        if len(addresses) > 1:
            raise RequestError(f"'{text}' means {len(addresses)} images", hint="name one")
        return addresses[0]

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
            from ..deliver.archive import write_archive

            write_archive(self.store, result, output, request.format, request.tag)

    def fetch(self, result: Any) -> None:
        """Bring the bytes of a result's layers into the store, those of bases too. Raises RegistryError."""
        images = [Image.of(data) for data in result.get("images", ())]
        self.remote.fetch([layer for image in images for layer in image.layers], self.store)

    def close(self) -> None:
        """Let go of the store, and of registries."""
        self.remote.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mended(work: Callable[[bool], T]) -> T:
    """What `work` gives; once more and thoroughly, as there may be more of it, when nothing but damage of the
    store went wrong."""
    try:
        return work(False)
    except StackbuildError as error:
        if not is_damage(error):
            raise
    return work(True)


def _platform(text: str | None) -> str | None:
    return asked_platform(text) if text else None


def _output_result(result: Any) -> Any:
    """A node's result as an output: one platform's image counts as an image of one platform."""
    if "images" in result or ("layers" in result and "manifest" not in result):
        return result
    return {"images": [Image.of(result).data()], "index": None}


def _reasons(
    builder: Builder, plan: Plan, root: Node, outcomes: dict[Node, Outcome]
) -> list[tuple[Outcome, list[str]]]:
    from ..build.explain import explain_outcome

    nodes = reached(plan.needs, [root])
    return [
        (outcomes[node], explain_outcome(builder, outcomes[node])) for node in plan.order() if node in nodes
    ]
