"""Questions that a workspace answers: why, what is in an image, what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..build.plan import Node, make_plan
from ..declare.workspace import is_workspace_root
from ..deliver.progress import Quiet
from ..errors import Failures, RequestError, StackbuildError
from ..oci.model import Image
from .building import Building
from .request import Request

if TYPE_CHECKING:
    from ..analyze.check.run import Report as Checked
    from ..analyze.diff.compare import Comparison
    from ..analyze.diff.sides import Side
    from ..analyze.graph.facts import Facts
    from ..analyze.sbom.document import Format as BillFormat
    from ..build.explain import Reason
    from ..build.why.compare import Comparison as Causes
    from ..ecosystems.ecosystem import Package


class Asking(Building):
    """What can be asked of targets and images."""

    def explain(self, *specs: str, locked: bool = False) -> Iterator[Reason]:
        """For each target that the specs need: what a build would do now, and why. Builds nothing."""
        from ..build.explain import explain_plan

        plan = make_plan(self.graph, self.types, self._wanted(specs))
        with self._builder(Request(locked=locked), Quiet()) as builder:
            yield from explain_plan(builder, plan)

    def why(self, *specs: str, against: str | None = None, locked: bool = False) -> Causes:
        """The causes of what is to be built, or was built last; with `against`, of what differs from a git
        revision or from a record FILE.json. Builds nothing. Raises StackbuildError."""
        from ..build.why.compare import compare

        plan = make_plan(self.graph, self.types, self._wanted(specs))
        with self._builder(Request(locked=locked), Quiet()) as builder:
            return compare(builder, plan, against)

    def export(
        self, *specs: str, file: str | Path, locked: bool = False, listener: Quiet | None = None
    ) -> int:
        """Build targets, and write a record of them to FILE.json; returns how many it holds.

        Raises StackbuildError.
        """
        from ..build.why.record import record_file, write_record
        from ..build.why.survey import survey

        output, request = record_file(file), Request(output="none", locked=locked)
        with self.store.shared():
            plan, _ = self._outcomes(self._wanted(specs), request, listener or Quiet())
            with self._builder(request, Quiet()) as builder:
                states = survey(builder, plan, lambda node: None)
                write_record(output, builder, plan.roots, states)
        return len({node.address for node in states})

    def facts(self, *specs: str) -> Facts:
        """What is known of targets and of all they need, from their declarations and the latest builds.

        Builds nothing. Raises DeclarationErrors and RequestError.
        """
        from ..analyze.graph.facts import survey

        wanted = self._wanted(specs)
        plan = make_plan(self.graph, self.types, wanted)
        with self.store.shared(), self._builder(Request(), Quiet()) as builder:
            return survey(builder, plan, wanted)

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

    def inspect(
        self, spec: str, *, platform: str | None = None, files: bool = False, locked: bool = False
    ) -> list[dict[str, Any]]:
        """Build targets, and describe them: platforms, layers, sizes, files. Raises StackbuildError."""
        from ..analyze.inspect import describe

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
        from ..analyze.sbom.document import bill, document

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

    def check(self, *specs: str, request: Request | None = None, listener: Quiet | None = None) -> Checked:
        """Build images, and look for what is wrong with them; runs nothing. Raises StackbuildError."""
        from ..analyze.check.allow import check_names
        from ..analyze.check.run import Checker

        images, request = self._images(specs), replace(request or Request(), output="none")
        check_names(self.graph.declarations.values())
        with self.store.shared():
            plan, outcomes = self._outcomes(images, request, listener or Quiet())
            declarations = self.graph.declarations
            return Checker(self.store, self.remote, self.types, declarations, plan, outcomes).check()

    def diff(
        self,
        one: str,
        other: str | None = None,
        *,
        against: str | None = None,
        files: bool = True,
        fetch: bool = False,
        request: Request | None = None,
        listener: Quiet | None = None,
    ) -> Comparison:
        """Compare two images, each a target, an image on disk, or one in a registry; or one target with what
        it was at a revision of git. files, fetch: as `compare` has them. Raises StackbuildError."""
        from ..analyze.diff.compare import compare

        request, listener = replace(request or Request(), output="none"), listener or Quiet()
        self.remote.watch = listener.transfer
        with self.store.shared():
            a = (
                self._side_at(against, one, request, listener)
                if against
                else self._side(one, request, listener)
            )
            b = self._side(one if other is None else other, request, listener)
            return compare(a, b, self.store, self.remote, files=files, fetch=fetch)

    def _side(self, text: str, request: Request, listener: Quiet) -> Side:
        """An image to compare, built if it is a target."""
        from ..analyze.diff.sides import built_side, kind_of, outside_side

        if kind_of(text) != "target":
            return outside_side(text, self.store, self.remote, request.platform)
        (built,) = self.build(str(self._one_image(text)), request=request, listener=listener)
        return built_side(str(built.address), built.result)

    def _side_at(self, revision: str, text: str, request: Request, listener: Quiet) -> Side:
        """A target as it was at a revision, built from a checkout of its own into the same store."""
        from ..analyze.diff.sides import kind_of
        from ..git import Repository

        if kind_of(text) != "target":
            raise RequestError(f"'{text}' is no target, and only those have revisions")
        repository, address = Repository(self.root), str(self._one_image(text))
        commit = repository.commit(revision)
        with repository.checkout(commit) as folder:
            if not is_workspace_root(folder):
                raise RequestError(f"at {revision} there is no workspace here")
            try:
                with type(self).open(folder, self.store.path) as workspace:
                    side = workspace._side(address, request, listener)
            except StackbuildError as error:
                fault = Failures(StackbuildError(f"at {revision}: {line}") for line in error.lines())
                fault.exit_status = error.exit_status
                raise fault from error
        return replace(side, name=f"{address} at {revision} ({commit[:12]})")
