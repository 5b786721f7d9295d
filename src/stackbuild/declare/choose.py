"""Which BUILD.toml files people mean who name files, folders or targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import RequestError, nearest
from .address import Address, Spec
from .workspace import BUILD_FILE, Workspace, open_workspace


def chosen_files(texts: Sequence[str], here: Path) -> dict[str, Path]:
    """The files by the path that messages show: those named, those below folders, those of the targets that
    specs mean; all of the workspace when nothing is named. Raises RequestError."""
    found: dict[str, Path] = {}
    specs: list[tuple[str, Spec]] = []
    workspace: Workspace | None = None
    for text in texts or ["//..."]:
        file = here / text
        if not text.startswith(("//", ":", "-")) and file.is_file():
            if file.name != BUILD_FILE:
                raise RequestError(f"'{text}' is no {BUILD_FILE}", hint=f"name a {BUILD_FILE}, or a folder")
            found[text] = file
            continue
        workspace = workspace or open_workspace(here)
        if not text.startswith(("//", ":", "-")) and file.is_dir():
            specs.append((text, Spec("below", workspace.relative(file))))
            continue
        try:
            specs.append((text, Spec.parse(text, workspace.relative(here))))
        except ValueError as error:
            raise RequestError(str(error)) from None
    if workspace is not None:
        for folder in _folders(workspace, specs):
            path = f"{folder}/{BUILD_FILE}" if folder else BUILD_FILE
            found[path] = workspace.root / path
    return found


def _folders(workspace: Workspace, specs: Sequence[tuple[str, Spec]]) -> list[str]:
    known = workspace.folders()
    chosen: set[str] = set()
    for text, spec in specs:
        matched = {folder for folder in known if _means(spec, folder)}
        if not matched:
            hint = nearest(f"//{spec.folder}", [f"//{folder}" for folder in known])
            raise RequestError(f"'{text}': no {BUILD_FILE} in //{spec.folder}", hint=hint)
        chosen |= set() if spec.negative else matched
    taken = [spec for _, spec in specs if spec.negative]
    return sorted(folder for folder in chosen if not any(_means(spec, folder) for spec in taken))


def _means(spec: Spec, folder: str) -> bool:
    return spec.matches(Address(folder, "x")) if spec.kind == "below" else spec.folder == folder
