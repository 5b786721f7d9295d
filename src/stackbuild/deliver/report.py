"""What `stackbuild image` says at the end: one row an image, or one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from ..declare.address import Address
from ..frozen import frozen
from .layout import root_of


@frozen
class Built:
    """One target of a request, done.

    result: images with their index, or layers; statuses: (target, digest) of layers -> built or reused, all
    others come with a base; output: where it is.
    """

    address: Address
    result: Any
    statuses: Mapping[tuple[str, str], str]
    seconds: float
    output: Path | None = None

    def layers(self) -> list[dict[str, Any]]:
        """Every layer, lowest first, platform by platform."""
        if "layers" in self.result:
            groups = [(None, self.result["layers"])]
        else:
            images = self.result["images"]
            groups = [(image["platform"] if len(images) > 1 else None, image["layers"]) for image in images]
        return [
            {
                "target": (target := layer.get("target") or str(self.address)),
                "digest": layer["digest"],
                "diff_id": layer["diff_id"],
                "size": layer["size"],
                "media_type": layer["media_type"],
                "status": self.statuses.get((target, layer["digest"]), "base"),
                **({"platform": platform} if platform else {}),
            }
            for platform, layers in groups
            for layer in layers
        ]

    def as_json(self, workspace: Path) -> dict[str, Any]:
        """The image as an element of `--json`'s "images"."""
        if "layers" in self.result:
            first = self.result["layers"][0]
            digest, media_type, platforms = first["digest"], first["media_type"], []
        else:
            root = root_of(self.result)
            digest, media_type = root["digest"], root["mediaType"]
            platforms = [image["platform"] for image in self.result["images"]]
        return {
            "address": str(self.address),
            "digest": digest,
            "media_type": media_type,
            "platforms": platforms,
            "layers": self.layers(),
            "output": shown_path(self.output, workspace),
            "seconds": round(self.seconds, 3),
        }

    def row(self, workspace: Path) -> str:
        """The closing line."""
        return f"{self.seconds:.2f} s".join(self.around_seconds(workspace))

    def around_seconds(self, workspace: Path) -> tuple[str, str]:
        """What of the closing line stands before and after how long it took."""
        data = self.as_json(workspace)
        platforms: dict[str, Counter[tuple[str, str, str]]] = {}
        for layer in data["layers"]:
            found = platforms.setdefault(layer.get("platform", ""), Counter())
            found[layer["target"], layer["digest"], layer["status"]] += 1
        # A layer that several platforms share is one layer; one that an image lists twice is two.
        none: Counter[tuple[str, str, str]] = Counter()
        distinct = reduce(or_, platforms.values(), none)
        counts: Counter[str] = Counter()
        for (_, _, status), times in distinct.items():
            counts[status] += times
        parts = [f"{counts[status]} {status}" for status in ("base", "reused", "built") if counts[status]]
        number = counts.total()
        layers = f"{number} layer{'' if number == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")
        output = f"  {data['output']}" if data["output"] else ""
        return f"{data['address']}  {data['digest']}  {layers}  ", output


def shown_path(path: Path | None, workspace: Path) -> str | None:
    """A path relative to the workspace when it lies inside."""
    if path is None:
        return None
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else str(path)
