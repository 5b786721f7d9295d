"""Finds the target types: everything in the entry-point group `stackbuild.targets`."""

from __future__ import annotations

from typing import Any

from ..plugins import load_plugins
from .target import TargetType

GROUP = "stackbuild.targets"


def load_types() -> dict[str, TargetType[Any]]:
    """Every installed target type by name. Raises StackbuildError when a plugin cannot be used."""
    return load_plugins(GROUP, TargetType, "target type")
