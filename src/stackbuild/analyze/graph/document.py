"""Facts as one JSON document: for programs, and for the page."""

from __future__ import annotations

import datetime
from typing import Any

from .facts import Facts, SharedLayer, Target


def document(facts: Facts) -> dict[str, Any]:
    """Plain data; its shape is told in docs/how-to/see-the-graph.md."""
    return {
        "workspace": facts.workspace,
        "targets": [_target(target) for target in facts.targets],
        "layers": [_layer(layer) for layer in facts.layers],
        "build": _build(facts),
    }


def _target(target: Target) -> dict[str, Any]:
    last = target.last
    return {
        "address": str(target.address),
        "type": target.type_name,
        "description": target.description,
        "gives": sorted(target.gives),
        "needs": [str(address) for address in target.needs],
        "wanted": target.wanted,
        "known": target.known,
        "size": target.size,
        "results": [vars(result) | {"layers": list(result.layers)} for result in target.results],
        "last": last
        and {"status": last.status, "seconds": round(last.seconds, 3), "causes": list(last.causes)},
    }


def _layer(layer: SharedLayer) -> dict[str, Any]:
    return {
        "digest": layer.digest,
        "size": layer.size,
        "made_by": list(layer.made_by),
        "images": layer.images,
        "used_by": [str(address) for address in layer.used_by],
        "saved": layer.saved,
    }


def _build(facts: Facts) -> dict[str, Any] | None:
    build = facts.build
    if build is None:
        return None
    started = datetime.datetime.fromtimestamp(build.started, datetime.UTC)
    return {
        "started": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(build.seconds, 3),
        "finished": build.finished,
    }
