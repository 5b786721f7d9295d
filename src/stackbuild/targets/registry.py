"""Finds the target types: everything in the entry-point group `stackbuild.targets`."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from ..errors import StackbuildError
from .target import TargetType

GROUP = "stackbuild.targets"


def load_types() -> dict[str, TargetType[Any]]:
    """Every installed target type by name. Raises StackbuildError when a plugin cannot be used."""
    types: dict[str, TargetType[Any]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            found = point.load()()
        except Exception as error:  # a plugin may fail in any way
            raise StackbuildError(f"the plugin {point.value} cannot be loaded: {error}") from error
        if not isinstance(found, TargetType) or found.name != point.name:
            raise StackbuildError(f"the plugin {point.value} is no target type called '{point.name}'")
        if point.name in types and type(types[point.name]) is not type(found):
            raise StackbuildError(f"two plugins give the target type '{point.name}'")
        types[point.name] = found
    return types
