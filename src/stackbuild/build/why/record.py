"""RECORD.json: what targets were made of on one machine, to be compared on another.

The format is described in docs/reference/records.md. Nothing in a record is taken for granted: each recipe
must be the one that its key says, and no result from it ever stands in for one of this machine.
"""

from __future__ import annotations

import json
import platform
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import RequestError
from ...keys import digest
from ...layer.codec import Codec
from ...store.files import umask
from ...store.output import OutputFile
from ..plan import Node
from ..run import Builder
from .causes import Cause
from .past import Past
from .survey import State, Survey

VERSION = 1
SUFFIX = ".json"
"""How a record's name ends, so that it is told from a revision."""
MOST = 32 << 20
"""Bytes that a record may have."""
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")  # the user information of a URL (RFC 3986 section 3.2.1)

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Fact = Annotated[str, Field(max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Recipe(_Model):
    """A recipe without the results of its needs, which stand in the record already."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    type: str
    fields: dict[str, Any]
    needs: list[str]


class _Target(_Model):
    key: Sha256
    recipe: _Recipe
    result: dict[str, Any]


class _Document(_Model):
    record: Literal[1]
    asked: list[str]
    machine: dict[str, Fact]
    targets: dict[str, _Target]


def machine(builder: Builder) -> dict[str, str]:
    """What a machine may have otherwise, though it should make no difference. Holds no path and no name of a
    user."""
    from importlib.metadata import version

    import zstandard

    return {
        "stackbuild": version("stackbuild"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "umask": f"{umask():04o}",
        "SOURCE_DATE_EPOCH": str(builder.epoch),
        "fingerprint": builder.store.fingerprints.algorithm,
        "gzip": Codec("gzip").version,
        "gzip-fast": Codec("gzip-fast").version,
        "zstd": f"{Codec('zstd').version} libzstd-{'.'.join(map(str, zstandard.ZSTD_VERSION))}",
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def shared(value: Any) -> Any:
    """A recipe or a result as others may see it: without the credentials of URLs."""
    if isinstance(value, str):
        return _USER.sub("…", value) if "@" in value else value
    if isinstance(value, Mapping):
        return {name: shared(item) for name, item in value.items()}
    return [shared(item) for item in value] if isinstance(value, list | tuple) else value


def shared_key(recipe: Mapping[str, Any]) -> str:
    """The key of a recipe for other machines, where xxHash proves nothing."""
    return digest(shared(recipe), "sha256")


def record_file(path: str | Path) -> OutputFile:
    """A record to be written. Raises RequestError."""
    if not Path(path).name.endswith(SUFFIX):
        raise RequestError(f"'{path}' does not end in {SUFFIX}, by which a record is known", hint="rename it")
    return OutputFile("--export", str(path))


def write_record(file: OutputFile, builder: Builder, asked: Iterable[Node], states: Survey) -> None:
    """Write what targets that are built were made of. Raises RequestError when it is too much,
    StackbuildError when it cannot be written."""
    if missing := [node for node, state in states.items() if state.result is None]:
        raise RequestError(f"{missing[0]} changed since it was built", hint="export when it is at rest")
    document = {
        "record": VERSION,
        "asked": [str(node) for node in asked],
        "machine": machine(builder),
        "targets": {
            str(node): {
                "key": shared_key(state.recipe),
                "recipe": {name: item for name, item in shared(state.recipe).items() if name != "results"},
                "result": shared(state.result),
            }
            for node, state in sorted(states.items(), key=lambda item: str(item[0]))
        },
    }
    data = json.dumps(document, indent=1).encode()
    if len(data) > MOST:
        raise RequestError(f"a record of so much has {len(data):,} bytes", hint="name fewer targets")
    file.write(data)


class Recorded:
    """What a record says of targets. Raises RequestError when the file is none."""

    def __init__(self, file: Path, builder: Builder) -> None:
        self.name = file.name
        self._document = _read(file)
        self.machine = dict(self._document.machine)
        ours = builder.store.fingerprints.algorithm
        if (theirs := self.machine.get("fingerprint", ours)) != ours:
            raise RequestError(
                f"{file.name} has fingerprints of {theirs[:20]}, this workspace of {ours}",
                hint="set 'fingerprint' of [workspace] to the same on both machines",
            )
        self.recipes = {name: self._recipe(name) for name in self._document.targets}

    def _recipe(self, name: str) -> dict[str, Any]:
        """A whole recipe, which must have its key."""
        targets = self._document.targets
        recipe = targets[name].recipe.model_dump()
        if all(need in targets for need in recipe["needs"]):
            recipe["results"] = {need: targets[need].result for need in recipe["needs"]}
            try:
                if digest(recipe, "sha256") == targets[name].key:
                    return recipe
            except (TypeError, ValueError, RecursionError):
                pass  # what no recipe can hold
        shown = name if len(name) <= 100 else f"{name[:100]}…"
        raise RequestError(
            f"{self.name}: the recipe of {shown} is not the one that its key says", hint="export it again"
        )

    def key(self, node: Node) -> str | None:
        """The key that a node has there."""
        found = self._document.targets.get(str(node))
        return found.key if found else None

    def of(self, state: State) -> Past | Cause:
        """The past of a node, by its name."""
        name = str(state.node)
        if name not in self.recipes:
            return Cause("absent", (f"in {self.name}",))
        recipe = self.recipes[name]
        return Past(name, None, recipe, recipe["results"], self._document.targets[name].result)

    def need(self, past: Past, state: State) -> Past | Cause:
        """The same; the names of nodes are as good on every machine."""
        return self.of(state)

    def check_knows(self, nodes: Iterable[Node]) -> None:
        """Raise RequestError unless the record has one of the nodes."""
        nodes = list(nodes)
        if not any(str(node) in self.recipes for node in nodes):
            known = ", ".join(name[:100] for name in self._document.asked[:5]) or "nothing"
            raise RequestError(f"{self.name} says nothing of {nodes[0]}", hint=f"it is of {known}")


def _read(file: Path) -> _Document:
    if file.exists() and not file.is_file():
        raise RequestError(f"{file} is no file")
    try:
        with open(file, "rb") as opened:
            data = opened.read(MOST + 1)
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > MOST:
        raise RequestError(f"{file.name} is larger than any record ({MOST >> 20} MiB)")
    try:
        return _Document.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))[:100]
        what = f"{at}: {first['msg']}" if at else str(first["msg"])
        raise RequestError(
            f"{file.name} is no record of this format: {what[:300]}", hint="export it again"
        ) from error
