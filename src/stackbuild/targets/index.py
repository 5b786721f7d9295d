"""`index`: images built apart, joined as one multi-platform image."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ..declare.fields import AddressField, Fields
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.workspace import Workspace
from ..errors import BuildFailed, RequestError
from ..oci.model import Image
from .image import join
from .target import Action, Need, TargetType, Task, Variant


class IndexFields(Fields):
    """An index of images built apart."""

    images: list[AddressField] = Field(min_length=1)
    """The images, each for platforms of its own."""


class IndexType(TargetType[IndexFields]):
    """The images of several targets under one index."""

    name = "index"
    version = 1
    witnessed = True
    fields = IndexFields
    products = frozenset({"images"})

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        return Variant(platform=wanted.platform)

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        images = declaration.fields.images  # type: ignore[attr-defined]
        return [Need(address, Variant(), "images", ("images", at)) for at, address in enumerate(images)]

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        return ()

    def prepare(self, task: Task) -> Action:
        images = [Image.of(data) for result in task.results.values() for data in result["images"]]
        if platform := task.variant.platform:
            fitting = [image for image in images if image.platform == platform]
            if not fitting:
                raise RequestError(
                    f"{task.declaration.address} is not for {platform}",
                    where=task.declaration.position(("images",)),
                    hint=f"it is for {', '.join(image.platform for image in images)}",
                )
            images = fitting

        def run() -> object:
            try:
                return join(task.store, images, {})
            except BuildFailed as error:
                raise BuildFailed(
                    error.what, where=task.declaration.position(("images",)), hint=error.hint
                ) from error

        return Action({}, run)
