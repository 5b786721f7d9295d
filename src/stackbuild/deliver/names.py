"""What images are called in registries: templates filled in, outside of every key."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ..declare.address import Address
from ..declare.package import Declaration
from ..declare.workspace import Workspace
from ..errors import Position, RequestError, StackbuildError, nearest
from ..frozen import frozen
from ..git import Repository as Checkout
from ..registry.reference import Repository, check_tag

_PLACE = re.compile(r"\{([^{}]*)\}")
_KNOWN = ("path", "name", "git.commit", "git.branch")
DEFAULT_TAG = "latest"
T = TypeVar("T")


@frozen
class Names:
    """Where an image goes: every tag in every repository."""

    repositories: tuple[Repository, ...]
    tags: tuple[str, ...]


@frozen
class Template:
    """A text with {places}; where: it was written."""

    text: str
    where: Position | None = None


class Naming:
    """Fills templates in for the targets of one workspace; git is asked once, and only if need be.

    Methods raise RequestError.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._git: dict[str, str] = {}

    def names(self, declaration: Declaration, repositories: Sequence[str], tags: Sequence[str]) -> Names:
        """The names of a target; repositories, tags: templates, where given, instead of its own."""
        found = _templates(declaration, "repository", repositories)
        if not found and (text := self._workspace.settings.repository):
            where = self._workspace.document.position(("workspace", "repository"))
            found = [Template(text, where)]
        if not found:
            raise RequestError(
                f"nothing says to which repository {declaration.address} goes",
                where=declaration.position(),
                hint="give it repository = …, or [workspace] a template, or use --repository",
            )
        return self._filled_in(declaration.address, found, _templates(declaration, "tags", tags))

    def local(self, declaration: Declaration) -> list[str]:
        """The names that an image is pushed under, else one made of its address."""
        try:
            names = self.names(declaration, (), ())
        except RequestError:
            path = "/".join(filter(None, (declaration.address.folder, declaration.address.name)))
            names = self._filled_in(declaration.address, [Template(f"localhost/{path.lower()}")], [])
        return [f"{repository}:{tag}" for repository in names.repositories for tag in names.tags]

    def _filled_in(
        self, address: Address, repositories: Sequence[Template], tags: Sequence[Template]
    ) -> Names:
        found = [self._checked(address, template, Repository.parse) for template in repositories]
        named = [self._checked(address, template, check_tag) for template in tags]
        return Names(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(named)) or (DEFAULT_TAG,))

    def _checked(self, address: Address, template: Template, check: Callable[[str], T]) -> T:
        text = self._filled(address, template)
        try:
            return check(text)
        except ValueError as error:
            raise RequestError(f"{address}: {error}", where=template.where) from error

    def _filled(self, address: Address, template: Template) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("env."):
                if (text := os.environ.get(name[4:])) is not None:
                    return text
                raise RequestError(
                    f"${name[4:]} is not set, but '{template.text}' needs it", where=template.where
                )
            if name in ("path", "name"):
                return address.folder if name == "path" else address.name
            if name in ("git.commit", "git.branch"):
                return self._ask_git(name, template)
            raise RequestError(
                f"'{template.text}' has the unknown place {{{name}}}",
                where=template.where,
                hint=nearest(name, [*_KNOWN, "env.NAME"]),
            )

        # A target at the root has no path: "team/{path}/{name}" is team/name then.
        return re.sub(r"(?<!:)//+", "/", _PLACE.sub(value, template.text)).strip("/")

    def _ask_git(self, name: str, template: Template) -> str:
        if name not in self._git:
            try:
                checkout = Checkout(self._workspace.root)
                found = checkout.commit("HEAD") if name == "git.commit" else checkout.branch()
            except StackbuildError as error:
                raise RequestError(
                    f"'{template.text}' needs git, which knows no commit of {self._workspace.root}",
                    where=template.where,
                ) from error
            self._git[name] = found
        # What a branch may be called and a tag may not: feature/x.
        return re.sub(r"[^A-Za-z0-9_.-]", "-", self._git[name])


def _templates(declaration: Declaration, field: str, given: Sequence[str]) -> list[Template]:
    own = given or getattr(declaration.fields, field, ())
    where = None if given else declaration.position((field,))
    return [Template(text, where) for text in ([own] if isinstance(own, str) else own)]


def check_distinct(names: Iterable[tuple[Address, Names]]) -> None:
    """Raise RequestError when two images would get one name."""
    taken: dict[tuple[Repository, str], Address] = {}
    for address, found in names:
        for repository in found.repositories:
            for tag in found.tags:
                other = taken.setdefault((repository, tag), address)
                if other != address:
                    raise RequestError(
                        f"{other} and {address} would both be {repository}:{tag}",
                        hint="have {path} and {name} in the repository",
                    )
