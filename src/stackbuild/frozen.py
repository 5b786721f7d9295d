"""Classes of named fields that compare by them, and are not changed.

What `dataclass(frozen=True)` makes, in a third of the time: dataclasses compile each method that they write
whenever the program starts, and there are dozens of such classes. Here that is `__init__` alone. That nobody
sets a field is seen to by the type checker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import total_ordering
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, slots: bool = ..., order: bool = ...) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, slots: bool = False, order: bool = False
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make such a class of one that has annotations. slots, order: as `dataclass` has them."""

    def make(cls: type[T]) -> type[T]:
        own = set(vars(cls))
        made = dataclass(repr=False, eq=False, slots=slots)(cls)
        for method in _methods(made, order):
            if method.__name__ not in own:
                setattr(made, method.__name__, method)
        if order:
            total_ordering(made)
        return made

    return make if cls is None else make(cls)


def _methods(cls: type[Any], order: bool) -> list[Callable[..., Any]]:
    shown = [one.name for one in fields(cls) if one.repr]
    compared = [one.name for one in fields(cls) if one.compare]
    facts: Callable[[object], Any] = attrgetter(*compared) if compared else type

    def __eq__(self: object, other: object) -> bool:
        return facts(self) == facts(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:
        return hash(facts(self))

    def __repr__(self: object) -> str:
        said = [f"{name}={getattr(self, name)!r}" for name in shown]
        return f"{self.__class__.__qualname__}({', '.join(said)})"

    def __lt__(self: object, other: object) -> bool:
        return facts(self) < facts(other) if other.__class__ is self.__class__ else NotImplemented

    return [__eq__, __hash__, __repr__, *([__lt__] if order else [])]
