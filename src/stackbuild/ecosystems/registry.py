"""Finds the ecosystems: everything in the entry-point group `stackbuild.ecosystems`."""

from __future__ import annotations

import functools
from typing import Any

from ..plugins import load_plugins
from .ecosystem import Ecosystem


@functools.cache
def load_ecosystems() -> dict[str, Ecosystem[Any]]:
    """Every installed ecosystem by name. Raises StackbuildError when a plugin cannot be used."""
    return load_plugins("stackbuild.ecosystems", Ecosystem, "ecosystem")
