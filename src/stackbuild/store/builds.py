"""The last build of each workspace: what it built, reused and failed at, for people who look back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from ..frozen import frozen
from .files import publish, temporary

FORMAT = 1


@frozen
class Step:
    """What became of one name of a record. key, before: of a built one, its key and that of the build
    before; seconds: it took."""

    status: Literal["built", "reused", "failed"]
    seconds: float = 0
    key: str | None = None
    before: str | None = None

    def data(self) -> dict[str, Any]:
        """The step as plain data; a reused one has nothing to say, and there are many."""
        return {"status": self.status} if self.status == "reused" else asdict(self)


@frozen
class Build:
    """One run. started: seconds since 1970; finished: whether it came to its end, failures included; steps:
    by the names of records, without the workspace."""

    workspace: str
    started: float
    seconds: float
    finished: bool
    steps: Mapping[str, Step]


def name_of(workspace: str) -> str:
    """What a workspace is called in the store."""
    return hashlib.sha256(os.fsencode(workspace)).hexdigest()


def document(build: Build, **other: Any) -> str:
    """A build as it is kept; other: what to say in place of some of its fields."""
    steps = {name: step.data() for name, step in build.steps.items()}
    return json.dumps({"format": FORMAT, "build": vars(build) | {"steps": steps} | other})


class Builds:
    """A file for each workspace, replaced by each build. Nothing depends on it: a damaged one is none."""

    def __init__(self, folder: Path, temp: Path) -> None:
        self._folder, self._temp = folder, temp

    def _path(self, workspace: str) -> Path:
        return self._folder / f"{name_of(workspace)}.json"

    def save(self, build: Build) -> None:
        """Keep a build in place of the workspace's last. Raises StoreError."""
        with temporary(self._temp) as (file, temp):
            file.write(document(build).encode())
            publish(file, temp, self._path(build.workspace))

    def last(self, workspace: str) -> Build | None:
        """The workspace's last build, or None when none is known."""
        from pydantic import TypeAdapter  # only who looks back needs it

        try:
            document = json.loads(self._path(workspace).read_bytes())
            return (
                TypeAdapter(Build).validate_python(document["build"])
                if document["format"] == FORMAT
                else None
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget(self, oldest: float) -> None:
        """Drop the builds before a time, in seconds since 1970."""
        for path in self._folder.glob("*.json"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
