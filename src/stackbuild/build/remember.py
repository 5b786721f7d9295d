"""Keeps in the store what a build did, so that it can be looked at afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ..errors import StackbuildError, StoreError
from ..store.builds import Build, Step
from .plan import Node
from .run import Builder, Listener, Outcome


class _Watch:
    """Notes every outcome, and tells the listener that was there first."""

    def __init__(self, listener: Listener) -> None:
        self.steps: dict[str, Step] = {}
        self.listener = listener

    def started(self, node: Node) -> None:
        self.listener.started(node)

    def finished(self, outcome: Outcome) -> None:
        built = outcome.status == "built"
        self.steps[str(outcome.node)] = (
            Step("built", outcome.seconds, outcome.key, outcome.before) if built else Step("reused")
        )
        self.listener.finished(outcome)

    def failed(self, node: Node, error: StackbuildError) -> None:
        self.steps[str(node)] = Step("failed")
        self.listener.failed(node, error)


@contextlib.contextmanager
def remembering(builder: Builder) -> Iterator[None]:
    """What is built in the block is kept as its workspace's last build, however the block ends."""
    watch = _Watch(builder.listener)
    builder.listener = watch
    started, clock, finished = time.time(), time.monotonic(), False
    try:
        yield
        finished = True
    except StackbuildError:
        finished = True
        raise
    finally:
        builder.listener = watch.listener
        root = str(builder.graph.packages.workspace.root)
        build = Build(root, started, time.monotonic() - clock, finished, watch.steps)
        with contextlib.suppress(StoreError):  # a build is not undone by what is said of it
            builder.store.builds.save(build)
