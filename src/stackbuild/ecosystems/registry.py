"""Finds the ecosystems: everything in the entry-point group `stackbuild.ecosystems`."""

from __future__ import annotations

import functools
from typing import Any

from ..plugins import Plugins
from .ecosystem import Ecosystem


@functools.cache
def load_ecosystems() -> Plugins[Ecosystem[Any]]:
    """Every installed ecosystem by name; asking for one raises StackbuildError when it cannot be used."""
    return Plugins("stackbuild.ecosystems", Ecosystem, "ecosystem")
