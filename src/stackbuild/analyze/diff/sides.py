"""The two sides of a comparison, and how people name them: targets, images on disk, images in registries."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from ...errors import RequestError
from ...frozen import frozen
from ...oci.model import Image, asked_platform
from ...oci.remote import Remote
from ...oci.source import ImageSource, may_be_image
from ...registry.reference import Reference
from ...store import Store

Kind = Literal["target", "path", "registry"]
_PATH = re.compile(r"\.{0,2}/(?!/)")
_HOST = re.compile(r"(?!\.{1,2}/)(?:[^/]*[.:][^/]*|localhost)/.")


@frozen
class Side:
    """One of two images. platforms: those that it has; image: brings one of them into the store, layers of a
    registry left out; built: whether its targets, and so its packages, are known."""

    name: str
    platforms: Sequence[str]
    image: Callable[[str], Image]
    built: bool = False


def kind_of(text: str) -> Kind:
    """What an argument names, by its form: "//…" and ":…" are targets; "/…", "./…", "../…" and whatever image
    lies on disk are paths; "host/…", its host with a dot, a colon or the name localhost, is a registry's;
    everything else a target as typed from the present folder."""
    if text.startswith(("//", ":")):
        return "target"
    path = Path(text)
    if _PATH.match(text) or may_be_image(path):
        return "path"
    return "registry" if _HOST.match(text) else "target"


def built_side(name: str, result: Any) -> Side:
    """A target's result as a side."""
    images = {image.platform: image for image in map(Image.of, result["images"])}
    return Side(name, list(images), images.__getitem__, built=True)


def outside_side(text: str, store: Store, remote: Remote, platform: str | None) -> Side:
    """An image on disk or in a registry as a side, of one platform or all. Raises StackbuildError."""
    side = _on_disk(text, store) if kind_of(text) == "path" else _in_registry(text, store, remote)
    if platform is None:
        return side
    platform = asked_platform(platform)
    if platform not in side.platforms:
        have = ", ".join(side.platforms) or "no image"
        raise RequestError(f"{text} has nothing for {platform}", hint=f"it has {have}")
    return Side(side.name, [platform], side.image)


def _on_disk(text: str, store: Store) -> Side:
    path = Path(text)
    if not path.exists():
        raise RequestError(
            f"there is no {text}", hint="give an OCI layout folder, an OCI archive or a docker archive"
        )
    source = ImageSource(path, store.temp)
    platforms = list(dict.fromkeys(source.platforms()))
    if not platforms:
        raise RequestError(f"{text} holds no image")
    return Side(text, platforms, lambda platform: source.image(platform, store))


def _in_registry(text: str, store: Store, remote: Remote) -> Side:
    try:
        reference = Reference.parse(text)
    except ValueError as error:
        raise RequestError(str(error), hint="a target is //folder:name, an image on disk ./path") from error
    found = remote.resolve(reference)
    digests = {platform: digest for platform, digest in found.items() if platform != "digest"}

    def image(platform: str) -> Image:
        return remote.image(Reference(reference.repository, "", digests[platform]), platform, store)

    return Side(text, list(digests), image)
