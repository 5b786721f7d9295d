"""A RUN under way: what its commands share."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from .parse import Instruction
from .shell import Command
from .stage import Stage


@dataclass
class Run:
    """A RUN under way. folder: where its commands work; it begins in the stage's."""

    stage: Stage
    item: Instruction
    folder: str

    def absolute(self, path: str) -> str:
        """A path that a command names, from the image's root."""
        return "/" + posixpath.normpath(posixpath.join(self.folder, path)).lstrip("/")


Handler = Callable[[Run, Command, list[str]], None]
