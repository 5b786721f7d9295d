"""What a target type is: a pydantic model of its fields, and the code that turns them into a result.

This is the face that plugins see (entry-point group `stackbuild.targets`); the built-in types use no other.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

from ..declare.address import Address, Spec
from ..declare.fields import Choice, Fields
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.toml import Key
from ..declare.workspace import Workspace
from ..errors import BuildFailed
from ..frozen import frozen
from ..layer.arrange import arrange
from ..layer.batch import Batch
from ..layer.codec import Codec, Compression
from ..layer.entry import Changed, Entry
from ..layer.split import LAYER_VERSION
from ..layer.write import Layer, write_ahead, write_layer
from ..oci.remote import Remote
from ..store import Store
from ..trace import span

if TYPE_CHECKING:
    from ..ecosystems.ecosystem import Package

F = TypeVar("F", bound=Fields)
T = TypeVar("T")
Product = Literal["layers", "files", "image", "images"]
"""What a result can be used as: layers of an image, sources of another target, a base, an output."""


@frozen
class Variant:
    """What a target is built for, besides its fields: the same target may be needed in several variants."""

    platform: str | None = None
    compression: Compression | None = None
    base: Address | None = None
    """The image below, for types whose layers depend on what lies under them."""

    def __str__(self) -> str:
        words = [word for word in (self.platform, self.compression) if word]
        return " ".join([*words, *([f"on {self.base}"] if self.base else [])])


@frozen
class Need:
    """A result that a target needs. wants: how it is used; key: the field that asks for it."""

    address: Address
    variant: Variant
    wants: Product
    key: Key = ()


@frozen
class Pin:
    """Something outside of the tree that a target stands on, and that stackbuild.lock fixes.

    name: (section, name) of its entry; resolve: asks outside for the entry, with the results of the needs at
    hand; key: the field that asks for it. facts: what the entry must say of itself to be of use still; one
    that says otherwise is out of date.
    """

    name: tuple[str, str]
    resolve: Callable[[Task], Mapping[str, Any]]
    key: Key
    facts: Mapping[str, str] = field(default_factory=dict)
    part: Callable[[Mapping[str, Any]], Any] = dict
    """What of an entry decides the result."""

    def is_met_by(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is still what the target needs."""
        return all(entry.get(name) == value for name, value in self.facts.items())


@frozen
class Task:
    """A target about to be built, with everything that its type may look at.

    results: of its needs; epoch: seconds, the time of whatever states none; pool: for work in parallel;
    remote: registries; pinned: the locked entry for a pin.
    """

    declaration: Declaration
    variant: Variant
    workspace: Workspace
    store: Store
    pool: Executor
    epoch: int
    results: Mapping[tuple[Address, Variant], Any]
    remote: Remote
    pinned: Callable[[Task, Pin], Mapping[str, Any]]

    @functools.cached_property
    def folder(self) -> str:
        """The target's folder on disk."""
        return os.path.join(self.workspace.root, self.declaration.address.folder).rstrip("/")  # noqa: PTH118

    def files_of(self, need: Need, stack: contextlib.ExitStack) -> list[Entry]:
        """The files and links of a target that was needed, as they are in its result.

        They are read out of its layer, not found anew in the tree: what the key stands for is what is taken.
        """
        from ..layer.unpack import Spool, layer_files

        spool = stack.enter_context(Spool(self.store.temp, self.store.fingerprints.algorithm))
        found: list[Entry] = []
        (result,) = [result for (address, _), result in self.results.items() if address == need.address]
        for layer in result["layers"]:
            found += layer_files(self.store.blobs.path(layer["digest"]), spool, str(need.address))
        return found


class Action:
    """What is to be done for a task. inputs: plain data that decides the result, beside fields and needs;
    run: makes it."""

    def __init__(self, inputs: Any, run: Callable[[], Any]) -> None:
        self._inputs, self.run = inputs, run

    @property
    def inputs(self) -> Any:
        """Plain data that decides the result."""
        return self._inputs

    def ahead(self) -> bool:
        """Asked by who is about to build, before `inputs` are: a chance to do both in one reading.

        Returns whether that made something which was not there: then `run` must be called, to say what.
        """
        return False


class TargetType(ABC, Generic[F]):
    """A type of targets.

    name: the table in BUILD.toml; version: raised whenever the same recipe gives another result;
    fields: the model; unkeyed: fields that do not decide the result; ordered: fields that are tables whose
    order decides; products: what results can serve as; lists_packages: whether targets install packages;
    finding: fields that say which files are read, so that files come and go with them; witnessed: whether
    targets look at the tree, from `variant` to `prepare`, by the functions of `stackbuild.witness` alone (or
    not at all), so that the answer of a build may be saved; it is not inherited.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    fields: type[F] | Choice
    products: ClassVar[frozenset[Product]]
    unkeyed: ClassVar[frozenset[str]] = frozenset()
    ordered: ClassVar[frozenset[str]] = frozenset()
    lists_packages: ClassVar[bool] = False
    finding: ClassVar[frozenset[str]] = frozenset()
    witnessed: ClassVar[bool] = False

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        """The part of `wanted` that makes a difference to this target."""
        return Variant()

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        """The results that must be there first. Raises RequestError when the fields rule the variant out."""
        return ()

    def pins(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Pin]:
        """What the target stands on outside of the tree."""
        return ()

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        """What of the tree decides the result, beside BUILD.toml; all below the target's folder unless a type
        knows better."""
        return (Reads(declaration.address.folder),)

    def packages(self, task: Task) -> Sequence[Package]:
        """The packages that the target installs, where `lists_packages` says so."""
        return ()

    @abstractmethod
    def prepare(self, task: Task) -> Action:
        """Look at what decides the result, without making it."""

    def recipe_fields(self, fields: F) -> dict[str, Any]:
        """The fields that decide the result, as plain data."""
        skipped = {*Fields.model_fields, *self.unkeyed}
        found: dict[str, Any] = {}
        for name in type(fields).model_fields:
            if name not in skipped:
                value = getattr(fields, name)
                found[name] = plain(list(value.items()) if name in self.ordered else value)
        return found


def plain(value: Any) -> Any:
    """A field's value as the plain data that a recipe holds."""
    if isinstance(value, Address | Spec):
        return str(value)
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else value


@frozen
class Contribution:
    """What a layer target puts in. inputs: plain data that decides the entries, or what gives it; entries:
    makes them, with temporary files on the given stack; called only when the layer must be written; unread:
    whether most of it are files whose fingerprints would have to be read first."""

    inputs: Any
    entries: Callable[[contextlib.ExitStack], Sequence[Entry | Batch]]
    unread: bool = False


class _LayerAction(Action):
    """Writes a layer; before its key is known, when its files must be read for the key anyway."""

    def __init__(self, task: Task, contribution: Contribution) -> None:
        super().__init__(None, self._written)
        self._task, self._contribution = task, contribution
        self._codec = Codec(task.variant.compression or "gzip")
        self._layer: Layer | None = None

    @property
    def inputs(self) -> Any:
        found = self._contribution.inputs
        inputs = found() if callable(found) else found
        return {"from": inputs, "codec": self._codec.version, "writer": LAYER_VERSION}

    def ahead(self) -> bool:
        if not self._contribution.unread:
            return False
        try:
            self._layer, is_new = self._write(write_ahead) or (None, False)
        except Changed:
            raise
        except BuildFailed:
            return False  # who looks at the inputs, or runs, says it with all that is known then
        return is_new

    def _written(self) -> Any:
        layer = self._layer or self._write(write_layer)
        return {"layers": [layer.recipe()]}

    def _entries(self, stack: contextlib.ExitStack) -> Sequence[Entry | Batch]:
        try:
            return arrange(self._contribution.entries(stack), str(self._task.declaration.address))
        except OSError as error:  # of two files for one path, bytes are compared
            raise BuildFailed(f"cannot read {error.filename}: {error.strerror}") from error

    def _write(self, writer: Callable[..., T]) -> T:
        task = self._task
        try:
            with contextlib.ExitStack() as stack:
                with span("make entries"):
                    entries = self._entries(stack)
                return writer(task.store, entries, self._codec, task.pool)
        except BuildFailed as error:
            error.where = error.where or task.declaration.position()
            raise


class LayerType(TargetType[F]):
    """A type whose targets are one layer, and files for other targets."""

    products = frozenset({"layers", "files"})

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        return Variant(None, wanted.compression or "gzip")

    @abstractmethod
    def contribute(self, task: Task) -> Contribution:
        """What the layer will hold."""

    def prepare(self, task: Task) -> Action:
        return _LayerAction(task, self.contribute(task))
