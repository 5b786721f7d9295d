"""Plugins: classes that installed distributions offer under an entry-point group."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from .errors import StackbuildError


def load_plugins(group: str, kind: type[Any], what: str) -> dict[str, Any]:
    """An instance of every class of a group, by name; each is a `kind`, called `what` in messages.

    Raises StackbuildError when a plugin cannot be used.
    """
    found: dict[str, Any] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        try:
            plugin = point.load()()
        except Exception as error:  # a plugin may fail in any way
            raise StackbuildError(f"the plugin {point.value} cannot be loaded: {error}") from error
        if not isinstance(plugin, kind) or plugin.name != point.name:
            raise StackbuildError(f"the plugin {point.value} is no {what} called '{point.name}'")
        if point.name in found and type(found[point.name]) is not type(plugin):
            raise StackbuildError(f"two plugins give the {what} '{point.name}'")
        found[point.name] = plugin
    return found
