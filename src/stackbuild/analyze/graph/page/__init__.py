"""The page to look around in: an overview, a map that folds, tables, each target with its surroundings."""

from __future__ import annotations

from typing import Any

from ....pages import page as write
from ....pages import part

_SCRIPTS = ("model", "words", "layout", "folding", "steer", "map", "overview", "table", "focus", "main")


def page(document: dict[str, Any]) -> str:
    """The page for a graph's document."""
    title = f"{document['workspace']} – target graph"
    return write(__name__, title, part(__name__, "body.html"), document, _SCRIPTS)
