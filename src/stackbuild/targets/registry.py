"""Finds the target types: everything in the entry-point group `stackbuild.targets`."""

from __future__ import annotations

from typing import Any

from ..plugins import Plugins
from .target import TargetType

GROUP = "stackbuild.targets"


def load_types() -> Plugins[TargetType[Any]]:
    """Every installed target type by name; asking for one raises StackbuildError when it cannot be used."""
    return Plugins(GROUP, TargetType, "target type")
