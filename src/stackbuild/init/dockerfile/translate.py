"""A whole Dockerfile: its stages one after another, the last (or a chosen one) as tables of a BUILD.toml."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import Position, RequestError, nearest
from ...frozen import frozen
from ...oci.model import parse_platform, platform_text
from ..draft import Table
from .accounts import Accounts
from .bases import base_of
from .config import INSTRUCTIONS, arg
from .context import Context
from .copy import add, copy
from .emit import tables
from .parse import Dockerfile, Instruction, parse
from .run import run
from .stage import Stage
from .trouble import Note, Untranslated
from .words import BadWord, expand, split

_ARCHITECTURE = {"BUILDPLATFORM": "linux/amd64", "TARGETPLATFORM": "linux/amd64"}
_PLATFORM_ARGS = {
    **_ARCHITECTURE,
    "TARGETOS": "linux",
    "BUILDOS": "linux",
    "TARGETARCH": "amd64",
    "BUILDARCH": "amd64",
    "TARGETVARIANT": "",
    "BUILDVARIANT": "",
}


@frozen
class Translation:
    """tables: of a BUILD.toml, in order; image: the name of the image; notes: what is not in them, by line;
    files: more files that they need, path -> text."""

    tables: list[Table | str]
    image: str
    notes: list[Note]
    files: dict[str, str]


def translate(
    path: str,
    text: str,
    context: Context,
    *,
    name: str = "img",
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
) -> Translation:
    """What a Dockerfile builds, as targets. path: of the file, for messages; name: of the image.

    Raises RequestError for what is no Dockerfile.
    """
    reading = _Reading(parse(path, text), context, dict(build_args or {}))
    stage = reading.stage(target)
    made, image = tables(stage, name)
    return Translation(made, image, sorted(set(stage.notes)), dict(sorted(stage.generated.items())))


class _Reading:
    """Reads the instructions in order."""

    def __init__(self, file: Dockerfile, context: Context, given: dict[str, str]) -> None:
        self._file, self._context, self._given = file, context, given
        self._globals = {**_PLATFORM_ARGS}
        self._stages: dict[str, Stage] = {}
        self._order: list[Stage] = []
        for item in file.instructions:
            if item.name == "FROM":
                self._from(item)
            elif not self._order:
                self._global(item)
            else:
                self._instruction(self._order[-1], item)

    def stage(self, target: str | None) -> Stage:
        """The stage that is wanted; the last by default. Raises RequestError."""
        if target is None:
            return self._order[-1]
        if found := self._stages.get(target.lower()):
            return found
        known = [stage.name for stage in self._order if stage.name]
        raise RequestError(f"{self._file.path} has no stage '{target}'", hint=nearest(target, known))

    def _global(self, item: Instruction) -> None:
        if item.name != "ARG":
            where = Position(self._file.path, item.line)
            raise RequestError(
                f"{item.name} comes before the first FROM", where=where, hint="begin with FROM"
            )
        for word in split(item.rest, self._file.escape):
            name, equals, value = word.partition("=")
            if name in self._given:
                self._globals[name] = self._given[name]
            elif equals:
                self._globals[name] = self._expanded(value, item)

    def _expanded(self, text: str, item: Instruction) -> str:
        try:
            return expand(text, self._globals.get, self._file.escape)
        except BadWord as error:
            raise RequestError(
                str(error), where=Position(self._file.path, item.line), hint="correct it"
            ) from None

    def _from(self, item: Instruction) -> None:
        words = split(item.rest, self._file.escape)
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
            where = Position(self._file.path, item.line)
            raise RequestError("FROM is FROM IMAGE, or FROM IMAGE AS NAME", where=where, hint="correct it")
        image, name = self._expanded(words[0], item), words[2].lower() if len(words) == 3 else ""
        parent = self._stages.get(image.lower())
        stage = parent.child(name, item.line) if parent else self._new(item, image, name)
        stage.platform = self._platform(item, stage)
        self._stages[str(len(self._order))] = stage
        self._order.append(stage)
        if name:
            self._stages[name] = stage

    def _new(self, item: Instruction, image: str, name: str) -> Stage:
        try:
            base = base_of(image)
        except ValueError as error:
            hint = "give the ARG in it with --build-arg" if "$" in item.rest else "correct it"
            raise RequestError(str(error), where=Position(self._file.path, item.line), hint=hint) from None
        stage = Stage(name, item.line, base, self._file, self._context)
        stage.accounts = Accounts(dict(base.accounts), dict(base.groups))
        return stage

    def _platform(self, item: Instruction, stage: Stage) -> str:
        text = item.flag("platform")
        if not text or "$" in text:
            return stage.platform
        try:
            return platform_text(parse_platform(text))
        except ValueError as error:
            stage.remark(item, str(error), "state platforms of the image")
            return stage.platform

    def _instruction(self, stage: Stage, item: Instruction) -> None:
        stage.unset.clear()
        try:
            if item.name == "ARG":
                arg(stage, item, self._given, self._globals)
            elif item.name == "COPY":
                copy(stage, item, self._stages)
            elif item.name == "ADD":
                add(stage, item, self._stages)
            elif item.name == "RUN":
                run(stage, item)
            elif item.name in INSTRUCTIONS:
                INSTRUCTIONS[item.name](stage, item)
            else:
                known = [*INSTRUCTIONS, "ARG", "COPY", "ADD", "RUN", "FROM"]
                stage.remark(item, "unknown instruction", nearest(item.name, known))
        except Untranslated as error:
            if item.name in ("COPY", "ADD"):
                stage.lose(item.line, item.shown, error.why, error.advice, opaque=False)
            else:
                stage.remark(item, error.why, error.advice)
        for name in sorted(stage.unset):
            stage.remark(
                item, f"{name} is not set here; nothing stands for it", "correct it if the base sets it"
            )
