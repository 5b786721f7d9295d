"""Plugins: classes that installed distributions offer under an entry-point group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from .errors import StackbuildError

T = TypeVar("T")
V = TypeVar("V")
loaded: list[object] = []
"""Every plugin that this process has loaded, of whatever group."""


class Lazy(Mapping[str, T]):
    """A mapping whose names are known, and whose values are made when they are first asked for."""

    def __init__(self, names: Iterator[str], make: Callable[[str], T]) -> None:
        self._made: dict[str, T | None] = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> T:
        found = self._made[name]
        if found is None:
            found = self._made[name] = self._make(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def each(self, give: Callable[[T], V]) -> Lazy[V]:
        """What `give` makes of each value, as lazily."""
        return Lazy(iter(self), lambda name: give(self[name]))


class Plugins(Lazy[T]):
    """An instance of every class of a group, by name; each is a `kind`, called `what` in messages.

    One that cannot be used raises StackbuildError when it is asked for, and is in nobody's way before.
    """

    def __init__(self, group: str, kind: type[Any], what: str) -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
            self._points.setdefault(point.name, []).append(point)
        self._kind, self._what = kind, what
        super().__init__(iter(self._points), self._load)

    def _load(self, name: str) -> T:
        first, *others = [self._instance(point) for point in self._points[name]]
        if any(type(other) is not type(first) for other in others):
            raise StackbuildError(f"two plugins give the {self._what} '{name}'")
        return first

    def _instance(self, point: EntryPoint) -> T:
        try:
            plugin: Any = point.load()()
        except Exception as error:  # a plugin may fail in any way
            raise StackbuildError(f"the plugin {point.value} cannot be loaded: {error}") from error
        if not isinstance(plugin, self._kind) or plugin.name != point.name:
            raise StackbuildError(f"the plugin {point.value} is no {self._what} called '{point.name}'")
        loaded.append(plugin)
        return plugin  # type: ignore[no-any-return]
