"""The workspace: the tree below the nearest BUILD.toml that has a [workspace] table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ..errors import RequestError
from ..oci.model import parse_platform, platform_text
from .toml import Document
from .validate import checked

BUILD_FILE = "BUILD.toml"


def _platform(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError('should be a string: a platform, as "linux/amd64"')
    return platform_text(parse_platform(value))


Platform = Annotated[str, BeforeValidator(_platform), WithJsonSchema({"type": "string"})]


class Settings(BaseModel):
    """The [workspace] table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    platforms: list[Platform] = Field(default_factory=lambda: ["linux/amd64"], min_length=1)
    """Platforms of every image that does not state its own."""
    fingerprint: Literal["xxh3_128", "sha256"] = "xxh3_128"
    """The hash of files and keys; "sha256" for a store shared by people who do not trust each other."""


@dataclass(frozen=True)
class Workspace:
    """An opened workspace. root: its folder, resolved; document: its root BUILD.toml."""

    root: Path
    settings: Settings
    document: Document

    @property
    def dist(self) -> Path:
        """Where outputs go."""
        return self.root / "dist"

    def relative(self, folder: Path) -> str:
        """A folder of the workspace as an address has it. Raises RequestError outside."""
        try:
            return folder.resolve().relative_to(self.root).as_posix().removeprefix(".")
        except ValueError:
            raise RequestError(f"{folder} is outside the workspace {self.root}") from None

    def folders(self) -> list[str]:
        """Every folder with a BUILD.toml, sorted; hidden folders, dist/ and symlinks are not entered."""
        found = []
        stack = [""]
        while stack:
            folder = stack.pop()
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    if entry.name == BUILD_FILE and entry.is_file():
                        found.append(folder)
                    elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                        path = f"{folder}/{entry.name}" if folder else entry.name
                        if path != "dist" and not self._is_inner_workspace(path):
                            stack.append(path)
        return sorted(found)

    def _is_inner_workspace(self, folder: str) -> bool:
        """A workspace below this one (an example, a submodule) keeps its targets to itself."""
        file = self.root / folder / BUILD_FILE
        try:
            return b"[workspace]" in file.read_bytes() and "workspace" in Document.read(file, "").data
        except (OSError, RequestError):
            return False


def open_workspace(start: Path) -> Workspace:
    """The workspace that holds the folder `start`.

    Raises RequestError when there is none, DeclarationErrors when its [workspace] table is wrong.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        file = folder / BUILD_FILE
        if not file.is_file():
            continue
        try:
            document = Document.read(file, BUILD_FILE)
        except RequestError:
            if b"[workspace]" in file.read_bytes():
                raise
            continue  # some package's broken file; it is reported when it is loaded
        if "workspace" in document.data:
            settings = checked(Settings, document.data["workspace"], document, ("workspace",), "[workspace]")
            return Workspace(folder, settings, document)
    raise RequestError(
        f"no workspace here: no BUILD.toml with a [workspace] table in {start} or above",
        hint="write [workspace] into the BUILD.toml at the root of your tree",
    )
