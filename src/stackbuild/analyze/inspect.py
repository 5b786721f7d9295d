"""What an image holds: layers, sizes, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..layer.read import listing
from ..oci.model import Image, ImageLayer
from ..oci.source import ImageSource
from ..sizes import size_text
from ..store import Store


def describe(store: Store, result: Any, *, files: bool) -> list[dict[str, Any]]:
    """Per image of a result (or for its bare layers): platform, digest, and the layers with their files."""
    if "images" not in result:
        layers = [ImageLayer.of(data) for data in result["layers"]]
        return [{"platform": "", "digest": "", "layers": [_layer(store, item, files) for item in layers]}]
    images = [Image.of(data) for data in result["images"]]
    return [
        {
            "platform": image.platform,
            "digest": image.manifest["digest"],
            "layers": [_layer(store, item, files) for item in image.layers],
        }
        for image in images
    ]


def _layer(store: Store, item: ImageLayer, files: bool) -> dict[str, Any]:
    described = item.data()
    if files:
        described["files"] = list(listing(store.blobs.path(item.layer.digest)))
    return described


def inspect_path(path: Path, temp: Path, platform: str | None, *, files: bool) -> list[dict[str, Any]]:
    """Describe an image on disk, its blobs checked into a store in the folder `temp`.

    Raises RequestError when it has several platforms and none is chosen.
    """
    with Store(temp) as store:
        source = ImageSource(path, store.temp)
        platforms = [platform] if platform else source.platforms()
        if not platforms:
            raise RequestError(f"{path} holds no image")
        images = [source.image(name, store).data() for name in platforms]
        return describe(store, {"images": images}, files=files)


def text(described: list[dict[str, Any]]) -> list[str]:
    """The description for people."""
    lines = []
    for image in described:
        number = len(image["layers"])
        total = sum(layer["size"] for layer in image["layers"])
        head = [
            image["platform"],
            image["digest"],
            f"{number} layer{'' if number == 1 else 's'}",
            size_text(total),
        ]
        lines.append("  ".join(cell for cell in head if cell))
        for layer in image["layers"]:
            lines.append(f"  {layer['target']}  {layer['digest']}  {size_text(layer['size'])}")
            for file in layer.get("files", ()):
                name = f"/{file['path']}" + (f" -> {file['link']}" if file["link"] else "")
                lines.append(f"    {file['mode']} {file['owner']:>9} {file['size']:>10} {name}")
    return lines
