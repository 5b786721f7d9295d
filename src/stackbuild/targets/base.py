"""`base`: an image to build on, from a registry or from an OCI layout or an archive on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator, model_validator

from .. import witness
from ..declare.fields import Fields
from ..declare.lock import LOCK_FILE
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.shapes import one_of, rules, shaped
from ..declare.workspace import Platform, Workspace
from ..digests import is_digest
from ..errors import BuildFailed, DigestMismatch, RegistryError, RequestError
from ..oci.source import ImageSource
from ..registry.reference import Reference
from .target import Action, Pin, TargetType, Task, Variant
from .tracked import check_unchanged, file_mark

_IMAGE = r"(?:[A-Za-z0-9.:\[\]-]+/)?[a-z0-9._/-]+(?::[A-Za-z0-9_.-]+)?(?:@[a-z0-9]+:[0-9a-f]+)?"


class BaseFields(Fields):
    """An image to build on."""

    model_config = ConfigDict(json_schema_extra=rules(one_of("image", "path")))

    image: Annotated[str, shaped(_IMAGE)] | None = None
    """A registry's image, as "docker.io/library/python:3.12-slim"; a tag is pinned in stackbuild.lock, a
    digest needs no pin."""
    path: Annotated[str, shaped(r"[^/][\s\S]*")] | None = None
    """An OCI layout folder, an OCI archive or a docker archive, relative to this folder."""
    platforms: list[Platform] = Field(default_factory=list)
    """The platforms that images may use it for; by default all it has."""

    @model_validator(mode="after")
    def _has_one_source(self) -> BaseFields:
        if self.image is None and self.path is None:
            raise ValueError("nothing says where the image is; add image or path")
        if self.image is not None and self.path is not None:
            raise ValueError("image and path exclude each other; remove one of the two")
        return self

    @field_validator("path")
    @classmethod
    def _is_relative(cls, value: str) -> str:
        if not value or value.startswith("/"):
            raise ValueError("should be a path relative to this folder")
        return value

    @field_validator("image")
    @classmethod
    def _is_reference(cls, value: str) -> str:
        return str(Reference.parse(value))


class BaseType(TargetType[BaseFields]):
    """An image from outside, brought into the store and checked; a registry's layers only when needed."""

    name = "base"
    version = 2
    witnessed = True
    fields = BaseFields
    products = frozenset({"image"})

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        return Variant(platform=wanted.platform)

    def pins(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Pin]:
        image = declaration.fields.image  # type: ignore[attr-defined]
        if image is None or (reference := Reference.parse(image)).digest:
            return ()
        platform = variant.platform or workspace.settings.platforms[0]
        return [
            Pin(
                ("base", image),
                lambda task: task.remote.resolve(reference),
                ("image",),
                part=lambda entry: entry.get(platform),
            )
        ]

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        """Of a layout, its index alone: that names all else by digest."""
        path = declaration.fields.path  # type: ignore[attr-defined]
        index = ("", "index.json")
        return [Reads.path(declaration.address.folder, path, lambda at: at in index)] if path else []

    def prepare(self, task: Task) -> Action:
        fields = task.declaration.fields
        assert isinstance(fields, BaseFields)
        platform = task.variant.platform or task.workspace.settings.platforms[0]
        if fields.platforms and platform not in fields.platforms:
            raise RequestError(
                f"{task.declaration.address} is not for {platform}",
                where=task.declaration.position(("platforms",)),
                hint=f'add "{platform}"',
            )
        if fields.image is not None:
            return self._from_registry(task, Reference.parse(fields.image), platform)
        return _from_disk(task, str(fields.path), platform)

    def _from_registry(self, task: Task, reference: Reference, platform: str) -> Action:
        where = task.declaration.position(("image",))
        entry: Mapping[str, str] | None = None
        for pin in self.pins(task.declaration, task.variant, task.workspace):
            entry = task.pinned(task, pin)
        known = reference.digest if entry is None else _chosen(task, entry, platform)

        def run() -> object:
            try:
                digest = (
                    known if entry is not None else _chosen(task, task.remote.resolve(reference), platform)
                )
                return task.remote.image(
                    Reference(reference.repository, "", digest), platform, task.store
                ).data()
            except (RegistryError, DigestMismatch) as error:
                raise type(error)(error.what, where=error.where or where, hint=error.hint) from error

        inputs = {"image": known, "repository": str(reference.repository), "platform": platform}
        return Action(inputs, run)


def _chosen(task: Task, entry: Mapping[str, str], platform: str) -> str:
    """The digest of a platform's manifest. Raises RequestError when there is none."""
    if platform not in entry:
        have = ", ".join(sorted(name for name in entry if name != "digest"))
        raise RequestError(
            f"the image has nothing for {platform}",
            where=task.declaration.position(("image",)),
            hint=f"it has {have}",
        )
    if not is_digest(entry[platform]):
        raise RequestError(
            f"{LOCK_FILE} has '{entry[platform]}' for {platform}, which is no digest",
            where=task.declaration.position(("image",)),
            hint="restore the file, or run 'stackbuild lock --upgrade'",
        )
    return entry[platform]


def _from_disk(task: Task, shown: str, platform: str) -> Action:
    where = task.declaration.position(("path",))
    path = witness.resolve(Path(task.folder) / shown)
    marker = witness.resolve(path / "index.json") if path.is_dir() else path
    if not path.is_relative_to(task.workspace.root):
        raise RequestError(f"'{shown}' is outside the workspace", where=where)
    if not marker.is_file():
        raise RequestError(
            f"'{shown}' is no OCI layout, OCI archive or docker archive",
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

    return Action({"image": mark, "platform": platform}, run)


def read_config(task: Task, digest: str) -> dict[str, object]:
    """The configuration document of an image in the store."""
    return dict(json.loads(task.store.blobs.read(digest)))
