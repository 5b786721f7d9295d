"""The image configuration (OCI image spec, config.md), inherited from a base as Docker inherits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from ..frozen import frozen
from .model import parse_platform

_SECOND = 1_000_000_000


@frozen
class Overrides:
    """What an image says of its own configuration; None and empty mean "as the base has it".

    ports: "number/protocol"; healthcheck: Docker's extension, in nanoseconds where it speaks of time.
    """

    entrypoint: Sequence[str] | None = None
    cmd: Sequence[str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    user: str | None = None
    ports: Sequence[str] = ()
    volumes: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str | None = None
    healthcheck: Mapping[str, Any] | None = None


def _merged_env(base: Sequence[str], own: Mapping[str, str]) -> list[str]:
    """The base's variables in the base's order, changed in place; then the new ones, sorted."""
    values = dict(item.partition("=")[::2] for item in base)
    values.update(sorted(own.items()))
    return [f"{name}={value}" for name, value in values.items()]


def inherit(base: Mapping[str, Any], own: Overrides) -> dict[str, Any]:
    """The `config` object of an image from its base's and its own.

    An entrypoint of one's own drops the base's command, which was written for the base's entrypoint.
    """
    config = dict(base)
    if own.entrypoint is not None:
        config["Entrypoint"] = list(own.entrypoint)
        config.pop("Cmd", None)
    if own.cmd is not None:
        config["Cmd"] = list(own.cmd)
    if env := _merged_env(base.get("Env") or (), own.env):
        config["Env"] = env
    for name, value in (("WorkingDir", own.workdir), ("User", own.user), ("StopSignal", own.stop_signal)):
        if value is not None:
            config[name] = value
    for name, items in (("ExposedPorts", own.ports), ("Volumes", own.volumes)):
        if items or base.get(name):
            config[name] = {**(base.get(name) or {}), **{item: {} for item in items}}
    if own.labels or base.get("Labels"):
        config["Labels"] = {**(base.get("Labels") or {}), **own.labels}
    if own.healthcheck is not None:
        config["Healthcheck"] = dict(own.healthcheck)
    return {name: value for name, value in config.items() if value not in (None, [], "")}


def base_history(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A base's history, made whole: exactly one entry that is no `empty_layer` per layer."""
    history = [dict(item) for item in document.get("history") or ()]
    layers = len(document["rootfs"]["diff_ids"])
    if sum(not item.get("empty_layer") for item in history) != layers:
        return [{"created_by": "base"} for _ in range(layers)]
    return history


def make_config(
    base: Mapping[str, Any] | None,
    own: Overrides,
    platform: str,
    created: str,
    layers: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """An image's configuration document.

    base: the base's document, or None for scratch; created: RFC 3339; layers: (target, diff_id) of the
    layers on top of the base, lowest first.
    """
    base = base or {"rootfs": {"diff_ids": []}}
    added = [{"created": created, "created_by": f"stackbuild {target}"} for target, _ in layers]
    kept = {name: base[name] for name in ("author", "os.version", "os.features") if name in base}
    document: dict[str, Any] = {
        **kept,
        **parse_platform(platform),
        "created": created,
        "config": inherit(base.get("config") or {}, own),
        "rootfs": {
            "type": "layers",
            "diff_ids": [*base["rootfs"]["diff_ids"], *(diff_id for _, diff_id in layers)],
        },
        "history": [*base_history(base), *added],
    }
    if "variant" in base and "variant" not in document:
        document["variant"] = base["variant"]
    return document


def duration(seconds: float) -> int:
    """Seconds as the nanoseconds that a healthcheck holds."""
    return round(seconds * _SECOND)
