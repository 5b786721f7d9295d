"""What a node was made of once, and the records that say so: the past that `why` compares with."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

from ...frozen import frozen
from ..run import Builder
from .causes import Cause
from .survey import State


@frozen
class Past:
    """A node as it was. mark: tells two pasts of one node apart; key: of a build, None elsewhere; recipe: as
    a State has it; results: of its needs by name; result, results: None where unknown."""

    mark: Hashable
    key: str | None
    recipe: Mapping[str, Any]
    results: Mapping[str, Any | None]
    result: Any | None = None


class Before(Protocol):
    """What the present is compared with. A Cause instead of a past says why there is none; None, that there
    is nothing to compare.
    """

    def of(self, state: State) -> Past | Cause | None:
        """The past of a target that was asked about."""
        ...

    def need(self, past: Past, state: State) -> Past | Cause:
        """The past of a node that the node with `past` needs, as it needed it."""
        ...


class Builds:
    """The builds before, as the store's records have them."""

    def __init__(self, builder: Builder) -> None:
        self._builder, self._records = builder, builder.store.records

    def of(self, state: State) -> Past | Cause | None:
        name = self._builder.name(state.node)
        key = self._records.latest(name)
        if key is None:
            return Cause("new") if state.status != "reused" else None
        if key == state.key and state.status == "reused":
            key = self._records.before(name)
        return self._past(key) if key else None

    def need(self, past: Past, state: State) -> Past | Cause:
        name, result = self._builder.name(state.node), past.results[str(state.node)]
        for key in (self._records.latest(name), self._records.before(name)):
            if key is not None and self._records.result(key) == result:
                return self._past(key)
        maker = self._records.maker(name, result)
        return self._past(maker) if maker else Cause("gone")

    def _past(self, key: str) -> Past | Cause:
        record = self._records.load(key)
        if record is None:
            return Cause("gone")
        return Past(key, key, record.recipe, record.recipe["results"], record.result)
