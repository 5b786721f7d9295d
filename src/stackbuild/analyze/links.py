"""Where a path of an image leads: symbolic links on it are followed inside the image, as the kernel does it.

Source: path_resolution(7), with the image's root as the root.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import BuildFailed

Place = TypeVar("Place")
_MOST_LINKS = 40  # as the kernel follows


class Link(str):
    """Where a symbolic link leads, as it stands there."""

    __slots__ = ()


def follow(
    path: str, root: Place, enter: Callable[[list[Place], str], Place | Link | None]
) -> list[Place] | None:
    """The places from the root to where a path leads; None when there is no way on.

    enter: what a name is, in the last of the places so far: another place, a link, or None for no way on.
    Raises BuildFailed when links lead around in circles.
    """
    places, waiting, followed = [root], path.split("/")[::-1], 0
    while waiting:
        name = waiting.pop()
        if name in ("", "."):
            continue
        if name == "..":
            del places[max(1, len(places) - 1) :]
            continue
        found = enter(places, name)
        if found is None:
            return None
        if not isinstance(found, Link):
            places.append(found)
            continue
        followed += 1
        if followed > _MOST_LINKS:
            raise BuildFailed(f"the links of the image lead /{path} around in circles")
        if found.startswith("/"):
            del places[1:]
        waiting += found.split("/")[::-1]
    return places
