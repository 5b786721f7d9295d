"""The public Python API: what the command line does, in one class."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .build.explain import Reason, explain_outcome, explain_plan
from .build.plan import Node, Plan, make_plan
from .build.run import Builder, Outcome, layer_statuses
from .declare.address import Address
from .declare.package import Packages
from .declare.workspace import Workspace as Opened
from .declare.workspace import open_workspace
from .deliver.archive import check_format, write_archive
from .deliver.layout import SUFFIXES, write_layout
from .deliver.progress import Quiet
from .deliver.report import Built
from .errors import RequestError, StackbuildError
from .graph.load import TargetGraph, parse_specs
from .oci.model import Image, parse_platform, platform_text
from .store import Store, default_path, is_damage
from .targets.registry import load_types

Format = Literal["oci", "oci-archive", "docker-archive"]


@dataclass(frozen=True)
class Request:
    """How a build is to be done and delivered.

    output: a path, None for the workspace's dist/, or "none" for no output; tag: NAME:TAG of the outputs.
    """

    platform: str | None = None
    format: Format = "oci"
    output: str | None = None
    tag: str | None = None
    jobs: int = 0
    explain: bool = False


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

    @classmethod
    def open(cls, path: str | Path = ".", store: str | Path | None = None) -> Workspace:
        """The workspace that holds `path`, with a store (by default the user's).

        Raises RequestError, DeclarationErrors and StoreError.
        """
        opened = open_workspace(Path(path))
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
        request = request or Request()
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
        listener: Quiet | None,
        *,
        thorough: bool,
    ) -> list[tuple[Built, list[tuple[Outcome, list[str]]]]]:
        start = time.monotonic()
        with self.store.shared(), self._builder(request.jobs, listener, thorough=thorough) as builder:
            outcomes = builder.run(plan)
            statuses = layer_statuses(
                outcome for node, outcome in outcomes.items() if "layers" in self._products(node.address)
            )
            found = {root: _output_result(outcomes[root].result) for root in plan.roots}
            deliveries = [(root, found[root]) for root in plan.roots if root.address in outputs]
            for root, result in deliveries:
                check_format(result, request.format, str(root.address))
            results = []
            for root, result in found.items():
                output = outputs.get(root.address)
                if output:
                    self._deliver(result, output, request)
                built = Built(root.address, result, statuses, time.monotonic() - start, output)
                results.append((built, _reasons(builder, plan, root, outcomes) if request.explain else []))
        return results

    def explain(self, *specs: str) -> Iterator[Reason]:
        """For each target that the specs need: what a build would do now, and why. Builds nothing."""
        plan = make_plan(self.graph, self.types, self._wanted(specs))
        with self._builder(0, None) as builder:
            yield from explain_plan(builder, plan)

    def _wanted(self, specs: Sequence[str]) -> list[Address]:
        if not specs:
            raise RequestError("no target is named", hint="name one, as //app:img, or //... for all")
        wanted = self.select(*specs)
        if not wanted:
            raise RequestError("the specs mean no target", hint="see 'stackbuild list //...'")
        return wanted

    def _builder(self, jobs: int, listener: Quiet | None, *, thorough: bool = False) -> Builder:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        epoch, listener = source_date_epoch(), listener or Quiet()
        return Builder(self.graph, self.types, self.store, epoch, jobs or cores, listener, thorough)

    def _outputs(self, wanted: Sequence[Address], request: Request) -> dict[Address, Path]:
        """Where each image's output goes. Raises RequestError when that is no place for it."""
        images = [address for address in wanted if self._is_image(address)]
        if request.tag is not None:
            _check_tag(request.tag, images)
        if request.output == "none":
            return {}
        if request.output in ("-", ""):
            raise RequestError("an output is a path", hint='write a path, or "none"')
        suffix = SUFFIXES[request.format]
        if request.output and len(images) == 1:
            return {images[0]: _absolute(request.output)}
        top = _absolute(request.output) if request.output else self._opened.dist
        outputs = {address: top / address.folder / (address.name + suffix) for address in images}
        folded: dict[str, Address] = {}
        for address, path in outputs.items():
            other = folded.setdefault(str(path).casefold(), address)
            if other != address and _ignores_case(self.root):
                raise RequestError(
                    f"{other} and {address} have one output, as this disk ignores case",
                    hint="rename one of them",
                )
        return outputs

    def _is_image(self, address: Address) -> bool:
        return "images" in self._products(address)

    def _products(self, address: Address) -> frozenset[str]:
        return self.types[self.graph.declarations[address].type_name].products

    def _deliver(self, result: Any, output: Path, request: Request) -> None:
        if request.format == "oci":
            write_layout(self.store, result, output, request.tag)
        else:
            write_archive(self.store, result, output, request.format, request.tag)

    def close(self) -> None:
        """Let go of the store."""
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


def _absolute(output: str) -> Path:
    return Path(os.path.abspath(output))  # noqa: PTH100  resolves "..", and leaves symlinks alone


def _check_tag(tag: str, images: Sequence[Address]) -> None:
    from .registry import Reference

    if len(images) > 1:
        raise RequestError(f"--tag names one image, but {len(images)} are asked for", hint="build them apart")
    try:
        if Reference.parse(tag).digest:
            raise ValueError(f"'{tag}' is not a tag")
    except ValueError as error:
        raise RequestError(
            f"--tag: {error}", hint="write NAME:TAG, as registry.example.com/app:1.0"
        ) from error


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
        (outcomes[node], explain_outcome(builder, outcomes[node]) if outcomes[node].status == "built" else [])
        for node in plan.order()
        if node in nodes
    ]


def _ignores_case(folder: Path) -> bool:
    swapped = folder.with_name(folder.name.swapcase())
    return swapped != folder and swapped.exists() and swapped.samefile(folder)
