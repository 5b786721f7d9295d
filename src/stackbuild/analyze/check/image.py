"""The image that rules look at: its configuration, its layers, and whose they are."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from ...declare.package import Declaration
from ...declare.toml import Key
from ...frozen import frozen
from ...oci.model import Image
from .filesystem import Node, Tree
from .layers import Entry, LayerView

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What runtimes set where an image sets no PATH."""


@frozen
class CheckedImage:
    """An image for one platform.

    config: its configuration document; base: what it stands on, None for scratch; views: of its layers,
    lowest first; ours: of each layer, the target that made it in this workspace, None for those of a base.
    """

    declaration: Declaration
    image: Image
    config: dict[str, Any]
    base: CheckedImage | None
    views: Sequence[LayerView] = field(repr=False)
    ours: Sequence[Declaration | None] = field(repr=False)

    @functools.cached_property
    def tree(self) -> Tree:
        """All layers together; what lies below the image's own layers is put together once."""
        below = self.base.tree if self.base else Tree()
        return below.on(self.views[below.height :])

    @property
    def run(self) -> dict[str, Any]:
        """The part of the configuration that says how it is run (image spec, config.md, "config")."""
        return self.config.get("config") or {}

    @functools.cached_property
    def env(self) -> dict[str, str]:
        """Its variables."""
        return dict(item.partition("=")[::2] for item in self.run.get("Env") or ())

    @property
    def workdir(self) -> str:
        """Where the command starts."""
        return str(self.run.get("WorkingDir") or "/")

    def is_ours(self, layer: int) -> bool:
        """Whether a layer was made in this workspace."""
        return self.ours[layer] is not None

    @functools.cached_property
    def our_nodes(self) -> list[tuple[str, Node]]:
        """What layers of this workspace put into the image, but for plain files that no rule asks about: of
        20,000 few are left."""
        return [
            (path, node)
            for path, node in self.tree.nodes.items()
            if self.ours[node.layer] is not None and _is_notable(path, node.entry)
        ]

    def layer_name(self, layer: int) -> str:
        """The target of a layer, for messages."""
        return self.image.layers[layer].target or f"layer {layer + 1}"

    def layer_of(self, path: str) -> int | None:
        """The layer that a path is from."""
        node = self.tree.nodes.get(path)
        return node.layer if node else None

    def command_field(self) -> Key:
        """The field that says what is run."""
        return ("entrypoint",) if self.run.get("Entrypoint") else ("cmd",)


def _is_notable(path: str, entry: Entry) -> bool:
    """Whether an entry is a link or a program, has unusual mode bits or a text that was kept, or is HEAD."""
    return (
        entry.kind == "symlink"
        or bool(entry.mode & 0o6002)
        or len(entry.head) > 1
        or entry.elf is not None
        or path.endswith("/HEAD")
    )
