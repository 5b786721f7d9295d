"""Where outputs go on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..declare.address import Address
from ..errors import RequestError
from ..registry.reference import Reference
from .layout import SUFFIXES

Format = Literal["oci", "oci-archive", "docker-archive"]


def places(images: Sequence[Address], output: str | None, format: Format, dist: Path) -> dict[Address, Path]:
    """Where each image's output goes; output: a path, None for `dist`, or "none" for no output.

    Raises RequestError when that is no place for it.
    """
    if output == "none":
        return {}
    if output in ("-", ""):
        raise RequestError("an output is a path", hint='write a path, or "none"')
    if output and len(images) == 1:
        return {images[0]: _absolute(output)}
    top = _absolute(output) if output else dist
    outputs = {address: top / address.folder / (address.name + SUFFIXES[format]) for address in images}
    folded: dict[str, Address] = {}
    for address, path in outputs.items():
        other = folded.setdefault(str(path).casefold(), address)
        if other != address and _ignores_case(dist.parent):
            raise RequestError(
                f"{other} and {address} have one output, as this disk ignores case",
                hint="rename one of them",
            )
    return outputs


def check_tag(tag: str, images: Sequence[Address]) -> None:
    """Raise RequestError unless `tag` is a NAME:TAG that one image can have."""
    if len(images) > 1:
        raise RequestError(f"--tag names one image, but {len(images)} are asked for", hint="build them apart")
    try:
        if Reference.parse(tag).digest:
            raise ValueError(f"'{tag}' is not a tag")
    except ValueError as error:
        raise RequestError(
            f"--tag: {error}", hint="write NAME:TAG, as registry.example.com/app:1.0"
        ) from error


def _absolute(output: str) -> Path:
    return Path(os.path.abspath(output))  # noqa: PTH100  resolves "..", and leaves symlinks alone


def _ignores_case(folder: Path) -> bool:
    swapped = folder.with_name(folder.name.swapcase())
    return swapped != folder and swapped.exists() and swapped.samefile(folder)
