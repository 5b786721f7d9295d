"""Addresses name one target; specs name many."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from ..frozen import frozen

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\Z")
_FOLDER = re.compile(r"[^\0:\\\ud800-\udfff]*\Z")


def check_name(name: str) -> str:
    """`name`, if a target may be called so. Raises ValueError."""
    if not _NAME.match(name):
        raise ValueError(f"'{name}' is not a target name; use letters, digits, and _ . + - after the first")
    if name == "all":
        raise ValueError("'all' stands for every target of a folder; choose another target name")
    return name


def check_folder(folder: str, text: str = "") -> str:
    """`folder`, if an address may name it; text: what to show otherwise. Raises ValueError."""
    parts = folder.split("/") if folder else []
    strange = any(part in ("", ".", "..") for part in parts) or not all(map(str.isprintable, folder))
    if strange or not _FOLDER.match(folder):
        raise ValueError(
            f"'{text or folder}' is not an address; write //folder:name, or :name in the same folder"
        )
    return folder


@frozen(order=True)
class Address:
    """folder: "/"-separated, relative to the workspace, "" at its root; name: of the target."""

    folder: str
    name: str

    def __str__(self) -> str:
        return f"//{self.folder}:{self.name}"

    @classmethod
    def parse(cls, text: str, folder: str = "") -> Address:
        """An address as written in the BUILD.toml of `folder`. Raises ValueError."""
        if text.endswith(":all"):
            raise ValueError(f"'{text}' means several targets; name one")
        if text.startswith(":") and text != ":":
            return cls(folder, check_name(text[1:]))
        if not text.startswith("//"):
            raise ValueError(f"'{text}' is not an address; write //folder:name, or :name in the same folder")
        path, colon, name = text[2:].partition(":")
        check_folder(path, text)
        if not colon:
            name = path.rpartition("/")[2]
            if not name:
                raise ValueError("'//' names no target; write //:name")
        return cls(path, check_name(name))


@frozen
class Spec:
    """One term of a request: a target, all of a folder, all below it, or any of these taken away."""

    kind: Literal["one", "folder", "below"]
    folder: str
    name: str = ""
    negative: bool = False

    def __str__(self) -> str:
        sign, folder = "-" if self.negative else "", f"//{self.folder}"
        if self.kind == "below":
            return f"{sign}{folder.rstrip('/') + '/' if self.folder else folder}..."
        return f"{sign}{folder}:{'all' if self.kind == 'folder' else self.name}"

    @classmethod
    def parse(cls, text: str, folder: str = "") -> Spec:
        """A spec as typed by a person who stands in `folder`. Raises ValueError."""
        negative, body = text.startswith("-"), text.removeprefix("-")
        if not body.startswith(("//", ":")):
            body = _from_plain_path(body, folder, text)
        if body in ("//...", "...") or body.endswith("/..."):
            path = body.removeprefix("//").removesuffix("...").removesuffix("/")
            return cls("below", check_folder(path, text), "", negative)
        if body.endswith(":all") and (body == ":all" or body.startswith("//")):
            path = folder if body == ":all" else body[2:-4]
            return cls("folder", check_folder(path, text), "", negative)
        address = Address.parse(body, folder)
        return cls("one", address.folder, address.name, negative)

    def matches(self, address: Address) -> bool:
        """Whether the address is one of those meant."""
        if self.kind == "below":
            return not self.folder or f"{address.folder}/".startswith(f"{self.folder}/")
        return address.folder == self.folder and self.kind in (
            "folder",
            "one" if address.name == self.name else "",
        )


def _from_plain_path(body: str, folder: str, text: str) -> str:
    """ "app:img" typed in a folder as the "//folder/app:img" it means."""
    path, colon, name = body.partition(":")
    parts = folder.split("/") if folder else []
    for part in path.rstrip("/").split("/"):
        if part == "..":
            if not parts:
                raise ValueError(f"'{text}' leaves the workspace")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return f"//{'/'.join(parts)}{colon}{name}"


def matches_any(specs: Iterable[Spec], address: Address) -> bool:
    """Whether some spec means the address and none takes it away."""
    chosen = False
    for spec in specs:
        if spec.matches(address):
            if spec.negative:
                return False
            chosen = True
    return chosen
