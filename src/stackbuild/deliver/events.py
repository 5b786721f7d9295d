"""What happens in a build, as programs are told it: the models of `--events`, and of their manual."""

from __future__ import annotations

import datetime
from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..errors import Failures, StackbuildError, one_line

Text = Annotated[str, BeforeValidator(lambda value: one_line(str(value)))]


class _Model(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Event(_Model):
    """What every line has."""

    version: Literal[1] = 1
    """1. Fields may be added to it; a field that goes, or changes its meaning, makes it 2."""
    event: str
    """What happened: the heading of one of the sections below."""
    time: str = Field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    )
    """When, ISO 8601, in UTC."""


class Fault(_Model):
    """One error."""

    message: Text
    """What is wrong."""
    hint: Text
    """What to do; may be empty."""
    path: Text | None = None
    """The file at fault, relative to the workspace; null where none is."""
    line: int | None = None
    """Its line, from 1."""
    column: int | None = None
    """Its column, from 1."""


class Layer(_Model):
    """One layer."""

    digest: str
    """Of its blob."""
    diff_id: str
    """Of its tar."""
    size: int
    """Of its blob, in bytes."""
    media_type: str
    """As in the manifest."""


class BuildStarted(Event):
    """The first line."""

    event: Literal["build.started"] = "build.started"
    stackbuild: str = Field(default_factory=lambda: version("stackbuild"))
    """The version of stackbuild."""
    command: str
    """The command, as `image` or `push`."""
    specs: list[Text]
    """The targets that were asked for, as typed."""
    platform: Text | None
    """The only platform to build for; null for all that the targets state."""


class BuildPlanned(Event):
    """All BUILD.toml files were read. Comes again where a damaged store makes the build begin anew."""

    event: Literal["build.planned"] = "build.planned"
    targets: int
    """How many targets there are to look at, each variant counted."""


class TargetStarted(Event):
    """A target is being looked at."""

    event: Literal["target.started"] = "target.started"
    target: Text
    """Its address."""
    variant: Text
    """What it is built for, as `linux/amd64 gzip`; may be empty."""


class TargetFinished(Event):
    """A target is there."""

    event: Literal["target.finished"] = "target.finished"
    target: Text
    """Its address."""
    variant: Text
    """What it is built for."""
    status: Literal["built", "reused"]
    """`built` or `reused`."""
    key: str
    """What its result is kept under."""
    seconds: float
    """How long it took."""
    causes: list[Text]
    """Why it was built; empty for what was reused."""
    warnings: list[Text]
    """What people should know of it."""
    layers: list[Layer]
    """Its layers, lowest first; for an image those of its base too; for several platforms none."""
    digest: str | None
    """Of its manifest or index; null for what is no image."""


class TargetFailed(Event):
    """A target could not be built."""

    event: Literal["target.failed"] = "target.failed"
    target: Text
    """Its address."""
    variant: Text
    """What it is built for."""
    errors: list[Fault]
    """What is wrong."""


class TransferStarted(Event):
    """Bytes are on their way."""

    event: Literal["transfer.started"] = "transfer.started"
    transfer: int
    """Its number, from 1."""
    verb: str
    """`fetch` or `push`."""
    name: Text
    """The digest of a blob, or a package with its version."""
    size: int
    """Bytes to move; 0 where nobody said."""


class TransferFinished(Event):
    """They arrived, or will not."""

    event: Literal["transfer.finished"] = "transfer.finished"
    transfer: int
    """The number that it started with."""
    verb: str
    """`fetch` or `push`."""
    name: Text
    """As when it started."""
    status: Literal["done", "failed"]
    """`done` or `failed`."""
    bytes: int
    """Bytes that count as moved, those of an earlier try that were taken up again among them."""
    seconds: float
    """How long it took."""


class OutputWritten(Event):
    """An image lies on disk."""

    event: Literal["output.written"] = "output.written"
    target: Text
    """Its address."""
    path: Text
    """Where, relative to the workspace when it is inside."""
    digest: str
    """Of its manifest or index."""
    media_type: str
    """Which of the two it is."""
    platforms: list[str]
    """What it is for."""
    size: int
    """Of its layers, each counted once, in bytes."""


class Note(Event):
    """Something that people are told, as what was locked."""

    event: Literal["note"] = "note"
    text: Text
    """The line."""


class BuildFinished(Event):
    """The last line."""

    event: Literal["build.finished"] = "build.finished"
    status: Literal["done", "failed", "interrupted"]
    """`done`, `failed` or `interrupted`."""
    seconds: float
    """How long all of it took."""
    built: int
    """Targets built."""
    reused: int
    """Targets reused."""
    failed: int
    """Targets that failed; what depends on them was not tried."""
    fetched: int
    """Bytes that came."""
    pushed: int
    """Bytes that went."""
    errors: list[Fault]
    """Everything that went wrong, errors in BUILD.toml files and of registries among them."""


def faults(error: BaseException | None) -> list[Fault]:
    """The errors in one, flat."""
    if error is None or (not isinstance(error, Exception)):
        return []
    if isinstance(error, Failures):
        return [fault for inner in error.faults for fault in faults(inner)]
    if not isinstance(error, StackbuildError):
        return [Fault(message=f"{type(error).__name__}: {error}", hint="")]
    fault = Fault(message=error.what, hint=error.hint)
    if at := error.where:
        fault.path, fault.line, fault.column = one_line(at.path), at.line, at.column
    return [fault]


def status_of(error: BaseException | None) -> Literal["done", "failed", "interrupted"]:
    """How a build that ended with this ended."""
    return "done" if error is None else "failed" if isinstance(error, Exception) else "interrupted"
