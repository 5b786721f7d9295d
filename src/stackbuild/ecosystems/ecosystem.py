"""What an ecosystem is: the fields of its targets, and how names become packages and packages entries.

This is the face that plugins see (entry-point group `stackbuild.ecosystems`); the built-in ones use no other.
"""

from __future__ import annotations

import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from .. import witness
from ..declare.fields import Fields
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.toml import Key
from ..declare.workspace import Workspace
from ..errors import BuildFailed, RequestError
from ..frozen import frozen
from ..layer.entry import Entry
from ..layer.unpack import Spool
from ..oci.model import ImageLayer
from ..oci.remote import Remote
from ..store import Store
from .system import System

MOST_LAYERS = 100  # of one target; images of more than 127 layers do not run everywhere


def _split(value: Any) -> Any:
    if value in ("one", "each") or (type(value) is int and 1 <= value <= MOST_LAYERS):
        return value
    raise ValueError(f'should be "one", "each" or a number from 1 to {MOST_LAYERS}')


Split = Annotated[
    Literal["one", "each"] | int,
    BeforeValidator(_split),
    WithJsonSchema(
        {"oneOf": [{"enum": ["one", "each"]}, {"type": "integer", "minimum": 1, "maximum": MOST_LAYERS}]}
    ),
]


class PackagesFields(Fields):
    """Packages of an ecosystem, as one layer or several."""

    ecosystem: str
    """Where the packages come from: "deb", "wheel", "npm", or what plugins add."""
    split: Split = "one"
    """How many layers to spread the packages over: "one", "each" (one a package), or the most there may
    be."""


F = TypeVar("F", bound=PackagesFields)


@frozen
class Package:
    """One package, exactly: what a lock holds.

    digest: of the archive, "sha256:…" or "sha512:…"; size: of it in bytes, 0 when nobody said; url: https,
    http, or "//path" of a file in the workspace; depends: keys of packages of the same list; license: an
    SPDX expression or free words; source: what it is built and changes together with; path: where it goes,
    for ecosystems that install a package in several places; more: what else its ecosystem must know.
    """

    name: str
    version: str
    url: str
    digest: str
    size: int = 0
    license: str = ""
    depends: tuple[str, ...] = ()
    source: str = ""
    path: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells it from the others of its list."""
        return self.path or self.name

    def data(self) -> dict[str, Any]:
        """The package as a lock holds it; what is empty is left out."""
        names = ("name", "version", "url", "digest", "size", "license", "source", "path")
        found = {name: getattr(self, name) for name in names if getattr(self, name)}
        found |= {"depends": list(self.depends)} if self.depends else {}
        return found | {f"{name}_": value for name, value in self.more.items()}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Package:
        """The package that `data` gave."""
        more = {name[:-1]: value for name, value in data.items() if name.endswith("_")}
        known = {name: value for name, value in data.items() if not name.endswith("_")}
        return cls(**{**known, "depends": tuple(known.get("depends", ()))}, more=more)


@frozen
class Ask:
    """What a `packages` target asks for, with everything that an ecosystem may look at.

    platform: "os/arch[/variant]"; base: layers that it goes on top of, lowest first; epoch: seconds, the
    time of whatever states none.
    """

    declaration: Declaration
    platform: str
    workspace: Workspace
    store: Store
    remote: Remote
    pool: Executor
    epoch: int
    base: Sequence[ImageLayer] = ()

    @functools.cached_property
    def folder(self) -> Path:
        """The target's folder on disk."""
        return self.workspace.root / self.declaration.address.folder

    @functools.cached_property
    def system(self) -> System:
        """What the base holds; nothing on scratch. Raises StackbuildError."""
        return System.of(self.base, self.store, self.remote)

    def file(self, path: str, key: Key) -> bytes:
        """The bytes of a file below the target's folder that a field names. Raises RequestError."""
        found = Path(os.path.normpath(self.folder / path))
        where = self.declaration.position(key)
        if not witness.resolve(found).is_relative_to(self.workspace.root):
            raise RequestError(f"'{path}' is outside the workspace", where=where, hint="correct the path")
        try:
            return witness.read(found)
        except OSError as error:
            raise RequestError(
                f"'{path}' cannot be read: {error.strerror}", where=where, hint="correct the path"
            ) from error

    def refused(self, what: str, key: Key = (), hint: str = "") -> RequestError:
        """An error at a field of the target."""
        return RequestError(what, where=self.declaration.position(key), hint=hint)


@frozen
class Tree:
    """What a package holds. entries: as it has them; facts: plain data that its ecosystem read beside
    them."""

    entries: Sequence[Entry]
    facts: Mapping[str, Any]


class Ecosystem(ABC, Generic[F]):
    """A kind of packages.

    name: what `ecosystem` says; version: raised whenever the same packages give other entries; fields: the
    model of its targets; settings: the model of a table [workspace.NAME.x], if it has such; stacks: whether
    what it installs depends on the image below; witnessed: as a target type has it.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    fields: type[F]
    settings: ClassVar[type[BaseModel] | None] = None
    stacks: ClassVar[bool] = False
    witnessed: ClassVar[bool] = False

    def listed(self, ask: Ask) -> Sequence[Package] | None:
        """The packages, where a file of the tree says exactly which; None where they must be resolved."""
        return None

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        """What of the tree decides the packages, beside BUILD.toml; all below the target's folder unless an
        ecosystem knows better."""
        return (Reads(declaration.address.folder),)

    @abstractmethod
    def request(self, declaration: Declaration, workspace: Workspace, platform: str) -> Any:
        """Plain data that decides what resolving gives, but for the world outside. Raises RequestError."""

    @abstractmethod
    def resolve(self, ask: Ask) -> Sequence[Package]:
        """The packages that a target asks for, as they are to be had now. Raises StackbuildError."""

    @abstractmethod
    def unpack(self, package: Package, archive: Path, spool: Spool) -> Tree:
        """What an archive, whose digest was checked, holds. Raises BuildFailed when that is no sound
        package."""

    @abstractmethod
    def install(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[Entry]:
        """The entries of the packages, which come by and in the order of `Package.key`, installed together.

        Each entry's group is the key of the package that it belongs to; "" for folders and links that lead to
        folders, which every layer gets as it needs them; JOINT for what several packages make together.
        """

    def under(self, ask: Ask) -> str:
        """What of the base decides the packages, as a digest; "" when nothing does."""
        return ""

    def inputs(self, ask: Ask) -> Any:
        """Plain data that decides the entries, beside fields and packages."""
        return None

    def warnings(self, ask: Ask, trees: Mapping[str, tuple[Package, Tree]]) -> list[str]:
        """What people should know of the packages that were installed, one line each."""
        return []

    def described(self, package: Package, tree: Tree, ask: Ask, names: Collection[str]) -> Package:
        """The package with what only its archive tells, as its license. names: of all packages listed."""
        return package

    @abstractmethod
    def purl(self, package: Package, ask: Ask) -> str:
        """The package URL (https://github.com/package-url/purl-spec)."""


JOINT = "\U0010ffff"
"""The group of entries that several packages make together; it comes last."""


def broken(package: Package, error: BuildFailed) -> BuildFailed:
    """The same error, naming the package."""
    return BuildFailed(f"{package.name} {package.version}: {error.what}", where=error.where, hint=error.hint)
