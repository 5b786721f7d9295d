"""What makes two recipes of one target differ, in pieces and in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...frozen import frozen
from ...keys import differences

_LONGEST = 60  # characters of a value that are shown


@frozen
class Cause:
    """One difference. kind: "file", "field", "package", … (docs/reference/records.md lists them); path: what
    differs, inside of its kind; old, new: None where there is none."""

    kind: str
    path: tuple[str, ...] = ()
    old: Any = None
    new: Any = None

    @property
    def name(self) -> str:
        """The path as people read it."""
        return ".".join(self.path)

    @property
    def change(self) -> str:
        """ "added", "removed" or "changed"."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"


def differing(before: Any, after: Any) -> list[Cause]:
    """What makes two recipes of one target differ."""
    found = list(differences(before, after))
    others = any(path[:3] == ("inputs", "from", "packages") for path, _, _ in found)
    causes = []
    for path, old, new in found:
        if others and path == ("inputs", "from", "said"):
            continue  # of other packages, other things are said
        if path == ("needs",) and sorted(old or ()) != sorted(new or ()):
            continue  # some field names others; that is the cause
        causes.append(_cause(path, old, new))
    return causes


def _cause(path: tuple[str, ...], old: Any, new: Any) -> Cause:
    match path:
        case ("inputs", "from", "files", name):
            return Cause("file", (name,), old, new)
        case ("inputs", "from", "packages", name):
            return Cause("package", (name,), old, new)
        case ("inputs", "from", "said"):
            return Cause("said", (), old, new)
        case ("inputs", "from", "base"):
            return Cause("under", (), old, new)
        case ("inputs", "from", "archive"):
            return Cause("archive", (), old, new)
        case ("inputs", "image"):
            return Cause("base", (), old, new)
        case ("inputs", "from", "mtime" as name) | ("inputs", "epoch" as name):
            return Cause("time", (name,), old, new)
        case ("inputs", "codec"):
            return Cause("compressor", (), old, new)
        case ("inputs", "writer"):
            return Cause("writer", (), old, new)
        case ("fields", *names):
            return Cause("field", tuple(names), old, new)
        case ("needs",):
            return Cause("order", (), old, new)
        case ("results", name, *inside):
            return Cause("dependency", (name,), 0 if inside else old, 0 if inside else new)
        case ("version" | "recipe" | "type", *_):
            return Cause("rule", path, old, new)
        case _:
            return Cause("other", path, old, new)


_FIXED = {
    "said": "what is said of its packages changed (licenses, URLs, dependencies)",
    "under": "the packages of the base changed",
    "archive": "the archive changed",
    "order": "the order of its dependencies changed",
    "rule": "the rule that builds it changed",
    "damaged": "its blob is missing or damaged",
    "new": "never built before",
    "gone": "the record of the build before is gone",
}


def sentence(cause: Cause) -> str:
    """A cause in the words of `explain`."""
    old, new = cause.old, cause.new
    match cause.kind:
        case "file":
            return f"file {cause.name} {_file_change(cause)}"
        case "package":
            return f"package {cause.name} {_version(old)} -> {_version(new)}"
        case "base":
            return f"the base image changed: {_short(old)} -> {_short(new)}"
        case "time":
            return f"the time of its entries changed: {old} -> {new}"
        case "compressor":
            return f"the compressor changed: {old} -> {new}"
        case "writer":
            return f"the layer writer changed: {old} -> {new}"
        case "field":
            return f"field {cause.name} changed: {_short(old)} -> {_short(new)}"
        case "dependency":
            return f"dependency {cause.name} {cause.change}"
        case kind:
            return _FIXED.get(kind) or f"{cause.name} {cause.change}"


def words(cause: Cause, folder: str) -> str:
    """A cause in the words of `why`, which names files from the root of the workspace.

    folder: of the target.
    """
    old, new = cause.old, cause.new
    match cause.kind:
        case "file":
            name = f"{folder}/{cause.name}" if folder else cause.name
            return f"file {name} {_whole_file_change(cause)}"
        case "package":
            return f"package {cause.name} {_package_change(cause)}"
        case "base":
            return f"base image {_digest(old)} -> {_digest(new)}"
        case "archive":
            return f"the archive changed: {_digest(old)} -> {_digest(new)}"
        case "field":
            return f"field {cause.name}: {_field_change(cause)}"
        case "rule":
            return f"the rule that builds it changed: {cause.name} {_shown('', old)} -> {_shown('', new)}"
        case "result":
            return f"the same recipe gave another result: {_digest(old)} -> {_digest(new)}"
        case "absent":
            return f"not there {cause.name}"
        case _:
            return sentence(cause)


def _file_change(cause: Cause) -> str:
    old, new = cause.old, cause.new
    if isinstance(old, str) and isinstance(new, str):
        old_mode, _, old_bytes = old.partition(" ")
        new_mode, _, new_bytes = new.partition(" ")
        if "link" in (old_mode, new_mode):
            return f"changed: {old} -> {new}" if old_mode == new_mode else "changed its kind"
        if old_bytes == new_bytes:
            return f"changed mode: {old_mode} -> {new_mode}"
    return cause.change


def _whole_file_change(cause: Cause) -> str:
    """The same, and what became of its mode or kind besides."""
    change = _file_change(cause)
    if cause.change != "changed" or change not in ("changed", "changed its kind"):
        return change
    (old, _, _), (new, _, target) = str(cause.old).partition(" "), str(cause.new).partition(" ")
    if new == "link":
        return f"became a link to {target}"
    if old == "link":
        return "became a file, and was a link"
    return change if old == new else f"changed, and its mode: {old} -> {new}"


def _version(value: Any) -> str:
    """The version in a package's mark, "version digest"."""
    return "none" if value is None else str(value).rpartition(" ")[0]


def _package_change(cause: Cause) -> str:
    old, new = _version(cause.old), _version(cause.new)
    if cause.change != "changed":
        return f"{new if cause.old is None else old} {cause.change}"
    if old != new:
        return f"{old} -> {new}"
    digests = [_digest(str(value).rpartition(" ")[2]) for value in (cause.old, cause.new)]
    return f"{new} is another file: {' -> '.join(digests)}"


def _field_change(cause: Cause) -> str:
    """Of a list only what came and went."""
    name, old, new = cause.path[0] if cause.path else "", cause.old, cause.new
    if not isinstance(old, list) or not isinstance(new, list) or (name.startswith("owner") and _is_pair(new)):
        return f"{_shown(name, old)} -> {_shown(name, new)}"
    changes = [("removed", _without(old, new)), ("added", _without(new, old))]
    shown = [
        f"{word} " + ", ".join(_shown(name, item) for item in items[:5]) + (", …" if items[5:] else "")
        for word, items in changes
        if items
    ]
    return ", ".join(shown) or "in another order"


def _without(items: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The items that are not among the others, each as often as it is missing there."""
    left = list(others)
    return [item for item in items if item not in left or left.remove(item)]  # type: ignore[func-returns-value]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(item, int) for item in value)


def _shown(name: str, value: Any) -> str:
    """A field's value as people write it: modes octal, owners as uid:gid."""
    if value is None:
        return "none"
    if name.endswith(("mode", "modes")) and isinstance(value, int):
        return f'"{value:04o}"'
    if name.startswith("owner") and _is_pair(value):
        return f'"{value[0]}:{value[1]}"'
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and name.endswith("s"):
        return f"{_shown('', value[0])} = {_shown(name, value[1])}"
    return _cut(json.dumps(value, ensure_ascii=False))


def _digest(value: Any) -> str:
    """A digest's beginning, which is enough to tell two apart."""
    algorithm, _, digits = str(value).partition(":")
    return "none" if value is None else f"{algorithm}:{digits[:12]}…" if digits[12:] else _cut(str(value))


def _short(value: Any) -> str:
    return "none" if value is None else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "…"
