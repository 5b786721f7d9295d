"""`base`: an image to build on, from an OCI layout or an archive on disk."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, field_validator

from ..declare.fields import Fields
from ..declare.workspace import Platform
from ..errors import BuildFailed, DigestMismatch, RequestError
from ..oci.source import ImageSource
from .target import Action, TargetType, Task, Variant
from .tracked import check_unchanged, file_mark


class BaseFields(Fields):
    """An image to build on."""

    path: str
    """An OCI layout folder, an OCI archive or a docker archive, relative to this folder."""
    platforms: list[Platform] = Field(default_factory=list)
    """The platforms that images may use it for; by default all it has."""

    @field_validator("path")
    @classmethod
    def _is_relative(cls, value: str) -> str:
        if not value or value.startswith("/"):
            raise ValueError("should be a path relative to this folder")
        return value


class BaseType(TargetType[BaseFields]):
    """An image from outside, brought into the store and checked."""

    name = "base"
    version = 1
    fields = BaseFields
    products = frozenset({"image"})

    def variant(self, wanted: Variant) -> Variant:
        return Variant(platform=wanted.platform)

    def prepare(self, task: Task) -> Action:
        fields = task.declaration.fields
        assert isinstance(fields, BaseFields)
        where = task.declaration.position(("path",))
        platform = task.variant.platform or task.workspace.settings.platforms[0]
        if fields.platforms and platform not in fields.platforms:
            raise RequestError(
                f"{task.declaration.address} is not for {platform}",
                where=task.declaration.position(("platforms",)),
                hint=f'add "{platform}"',
            )
        path = (Path(task.folder) / fields.path).resolve()
        marker = (path / "index.json").resolve() if path.is_dir() else path
        if not path.is_relative_to(task.workspace.root):
            raise RequestError(f"'{fields.path}' is outside the workspace", where=where)
        if not marker.is_file():
            raise RequestError(
                f"'{fields.path}' is no OCI layout, OCI archive or docker archive",
                where=where,
                hint="correct the path, or make the image first",
            )
        mark = file_mark(task, marker, ("path",))

        def run() -> object:
            try:
                image = ImageSource(path, task.store.temp).image(platform, task.store)
            except (BuildFailed, DigestMismatch) as error:
                raise type(error)(error.what, where=error.where or where, hint=error.hint) from error
            check_unchanged(task, marker, mark)
            return image.data()

        return Action({"image": mark}, run)


def read_config(task: Task, digest: str) -> dict[str, object]:
    """The configuration document of an image in the store."""
    return dict(json.loads(task.store.blobs.read(digest)))
