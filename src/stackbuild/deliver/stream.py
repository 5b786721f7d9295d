"""Tells programs what happens in a build while it happens: one JSON object a line."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel

from ..build.explain import outcome_causes
from ..build.plan import Node, Plan
from ..build.run import Builder, Outcome
from ..errors import RequestError, StackbuildError
from .events import (
    BuildFinished,
    BuildPlanned,
    BuildStarted,
    Event,
    Layer,
    Note,
    OutputWritten,
    TargetFailed,
    TargetFinished,
    TargetStarted,
    TransferFinished,
    TransferStarted,
    faults,
    status_of,
)
from .layout import root_of
from .progress import Quiet
from .report import Built


def open_stream(path: str) -> BinaryIO:
    """What events go to: a new file, a pipe, or what is open, by its name in /dev. Raises RequestError."""
    if path in ("", "-"):
        what = "--events: standard output is for results"
        raise RequestError(what, hint="name a file, a pipe or /dev/stderr")
    opened = os.O_APPEND if path.startswith("/dev/") else os.O_TRUNC  # of these, others have a say
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | opened, 0o644), "wb")
    except OSError as error:
        raise RequestError(
            f"--events: cannot write {path}: {error.strerror}", hint="choose another file"
        ) from error


def events(
    path: str, command: str, specs: Sequence[str], platform: str | None, note: Callable[[str], None]
) -> Events:
    """The listener that writes to a path. Raises RequestError."""
    return Events(
        open_stream(path), BuildStarted(command=command, specs=list(specs), platform=platform), note
    )


class Events(Quiet):
    """A listener that writes events to a stream, from any thread; a context manager, from the first event
    to the last.

    note: told, once, when the stream takes no more; the build goes on without.
    """

    def __init__(self, stream: BinaryIO, first: BuildStarted, note: Callable[[str], None]) -> None:
        self._stream: BinaryIO | None = stream
        self._first, self._tell = first, note
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._numbers = itertools.count(1)
        self._counts: Counter[str] = Counter()
        self._builder: Builder | None = None

    def __enter__(self) -> Events:
        self._write(self._first)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        counts = self._counts
        finished = BuildFinished(
            status=status_of(error),
            seconds=_rounded(time.monotonic() - self._start),
            built=counts["built"],
            reused=counts["reused"],
            failed=counts["failed"],
            fetched=counts["fetched"],
            pushed=counts["pushed"],
            errors=faults(error),
        )
        self._close(finished)

    def _close(self, last: BuildFinished) -> None:
        """Who interrupts does not wait for a reader that does not read."""
        patience = 1.0 if last.status == "interrupted" else -1
        if not self._lock.acquire(timeout=patience):
            return
        try:
            if self._stream and last.status == "interrupted":
                os.set_blocking(self._stream.fileno(), False)
        finally:
            self._lock.release()
        self._write(last)
        with self._lock:
            self._drop()

    def _write(self, event: Event) -> None:
        line = json.dumps(event.model_dump()) + "\n"
        with self._lock:
            if self._stream is None:
                return
            try:
                self._stream.write(line.encode())
                self._stream.flush()
            except OSError as error:
                self._drop()
                failed = error
            else:
                return
        self._tell(f"warning: no more events are written: {failed.strerror or failed}")

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        with contextlib.suppress(OSError):
            if stream:
                stream.close()

    def began(self, builder: Builder, plan: Plan) -> None:
        self._builder = builder
        for status in ("built", "reused", "failed"):  # when it begins anew, what was before does not count
            self._counts[status] = 0
        self._write(BuildPlanned(targets=len(plan.needs)))

    def started(self, node: Node) -> None:
        self._write(TargetStarted(target=str(node.address), variant=str(node.variant)))

    def finished(self, outcome: Outcome) -> None:
        self._counts[outcome.status] += 1
        assert self._builder is not None
        self._write(
            TargetFinished(
                target=str(outcome.node.address),
                variant=str(outcome.node.variant),
                status=outcome.status,
                key=outcome.key,
                seconds=_rounded(outcome.seconds),
                causes=outcome_causes(self._builder, outcome),
                warnings=outcome.warnings,
                layers=[Layer(**_known(Layer, layer)) for layer in outcome.result.get("layers", ())],
                digest=_digest(outcome.result),
            )
        )

    def failed(self, node: Node, error: StackbuildError) -> None:
        self._counts["failed"] += 1
        self._write(TargetFailed(target=str(node.address), variant=str(node.variant), errors=faults(error)))

    def delivered(self, built: Built) -> None:
        if built.output is None or self._builder is None:
            return
        data = built.as_json(self._builder.graph.packages.workspace.root)
        sizes = {layer["digest"]: layer["size"] for layer in data["layers"]}
        named = _known(OutputWritten, data)
        self._write(
            OutputWritten(target=data["address"], path=data["output"], size=sum(sizes.values()), **named)
        )

    def note(self, text: str) -> None:
        self._write(Note(text=text))

    @contextlib.contextmanager
    def transfer(self, verb: str, name: str, size: int) -> Iterator[Callable[[int], None]]:
        number, start, moved = next(self._numbers), time.monotonic(), 0
        self._write(TransferStarted(transfer=number, verb=verb, name=name, size=size))
        status: Literal["done", "failed"] = "failed"

        def progress(more: int) -> None:
            nonlocal moved
            moved += more

        try:
            yield progress
            status = "done"
        finally:
            with self._lock:
                self._counts[f"{verb}ed"] += moved
            seconds = _rounded(time.monotonic() - start)
            self._write(
                TransferFinished(
                    transfer=number, verb=verb, name=name, status=status, bytes=moved, seconds=seconds
                )
            )


def _known(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """What of some data a model has fields for."""
    return {name: value for name, value in data.items() if name in model.model_fields}


def _digest(result: Any) -> str | None:
    """Of an image's manifest, or of an index."""
    if "manifest" in result:
        return str(result["manifest"]["digest"])
    return str(root_of(result)["digest"]) if "images" in result else None


def _rounded(seconds: float) -> float:
    return round(seconds, 6)
