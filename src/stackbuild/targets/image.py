"""`image`: an ordered list of layers and a configuration, for one platform or several."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
)

from ..declare.fields import AddressField, Fields
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.shapes import shaped
from ..declare.workspace import Platform, Workspace
from ..errors import BuildFailed, RequestError
from ..layer.codec import Compression
from ..oci.config import Overrides, duration, make_config
from ..oci.documents import put_document
from ..oci.model import (
    CONFIG,
    INDEX,
    MANIFEST,
    Image,
    ImageLayer,
    make_index,
    make_manifest,
    parse_platform,
)
from ..store import Store
from ..trace import traced
from .base import read_config
from .checking import Allowed, Budget, Reason
from .target import Action, Need, TargetType, Task, Variant


def _created(value: Any) -> str:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("should be a date and time (RFC 3339)") from None
    if not isinstance(value, datetime.datetime) or value.tzinfo is None:
        raise ValueError("should be a date and time with its offset (RFC 3339)")
    return _rfc3339(value)


def _rfc3339(value: datetime.datetime) -> str:
    if not 1 < value.year < 9999:
        raise ValueError("should be a year from 2 to 9998")
    return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _port(value: Any) -> str:
    number, _, protocol = value.partition("/") if isinstance(value, str) else ("", "", "")
    if (
        not number.isascii()
        or not number.isdigit()
        or not 0 < int(number) < 65536
        or protocol not in ("", "tcp", "udp", "sctp")
    ):
        raise ValueError('should be a port, as "8080" or "53/udp"')
    return f"{int(number)}/{protocol or 'tcp'}"


def _env_name(value: Any) -> str:
    if not isinstance(value, str) or not value or "=" in value or "\0" in value:
        raise ValueError("a variable's name is not empty and holds no '='")
    return value


Created = Annotated[str, BeforeValidator(_created), WithJsonSchema({"type": "string", "format": "date-time"})]
_TO_65535 = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
Port = Annotated[str, BeforeValidator(_port), shaped(rf"0*{_TO_65535}(?:/(?:tcp|udp|sctp)?)?")]
EnvName = Annotated[str, BeforeValidator(_env_name), shaped(r"[^=\x00]+")]


def _workdir(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise ValueError('should be a path from the image\'s root, as "/app"')
    return value


def _signal(value: str) -> str:
    if not re.fullmatch(_SIGNAL, value):
        raise ValueError('should be a signal, as "SIGTERM" or "15"')
    return value


_SIGNAL = r"SIG[A-Z0-9]+([+-]\d+)?|\d{1,2}"
Workdir = Annotated[str, AfterValidator(_workdir), shaped(r"/[^\x00]*")]
Signal = Annotated[str, AfterValidator(_signal), shaped(_SIGNAL)]
Seconds = Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)]


class Healthcheck(BaseModel):
    """How a container is found healthy (Docker's extension of the configuration); times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    test: list[str]
    """The command: ["CMD", argv…], ["CMD-SHELL", text] or ["NONE"]."""
    interval: Seconds | None = None
    """Seconds between checks."""
    timeout: Seconds | None = None
    """Seconds after which a check has failed."""
    start_period: Seconds | None = None
    """Seconds during which failures do not count."""
    retries: Annotated[int, Field(ge=0)] | None = None
    """Failures in a row that make it unhealthy."""


class ImageFields(Fields):
    """An image: a base, layers, and a configuration."""

    base: AddressField | None = None
    """The base or image to build on; none is scratch."""
    layers: list[AddressField] = Field(default_factory=list)
    """Layer targets, lowest first."""
    entrypoint: list[str] | None = None
    """What is run; drops the base's `cmd`."""
    cmd: list[str] | None = None
    """Default arguments, or the command when there is no entrypoint."""
    env: dict[EnvName, str] = Field(default_factory=dict)
    """Variables, added to the base's."""
    workdir: Workdir | None = None
    """Folder in which the command starts."""
    user: str | None = None
    """User, or "user:group", by name or number."""
    ports: list[Port] = Field(default_factory=list)
    """Ports that the program listens on, as "8080" or "53/udp"."""
    volumes: list[str] = Field(default_factory=list)
    """Paths meant to be mounted."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the configuration, added to the base's."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the manifest (and of the index)."""
    stop_signal: Signal | None = None
    """The signal that stops it, as "SIGTERM"."""
    healthcheck: Healthcheck | None = None
    """How a container is found healthy."""
    platforms: list[Platform] = Field(default_factory=list, json_schema_extra={"uniqueItems": True})
    """Platforms, as "linux/amd64"; by default the workspace's. Several give an index."""
    created: Created | None = None
    """Time of creation (RFC 3339); by default SOURCE_DATE_EPOCH, else 1970."""
    compression: Compression = "gzip"
    """Compression of the layers built here: "gzip" or "zstd"; for releases the slower "gzip-small" or
    "zstd-small"; in a hurry the larger "gzip-fast", on x86-64 only."""
    repository: str | list[str] = Field(default_factory=list)
    """Repository, or several, that it is pushed to; {path}, {name}, {git.commit}, {git.branch} and {env.NAME}
    are filled in. By default the workspace's `repository`."""
    tags: list[str] = Field(default_factory=list)
    """Tags that it is pushed with, filled in likewise; by default "latest". They serve as words for selecting
    too."""

    budget: Budget | None = None
    """What it may weigh, as { size = "120 MB", layers = 20, new_bytes = "10 MB" }; see `stackbuild check`."""
    allow: dict[Allowed, Reason] = Field(default_factory=dict)
    """Rules of `stackbuild check` that it may break, each with the reason: { setuid = "…" }, or for some
    paths { "setuid:/usr/bin/*" = "…" }. Images on top of it may, too, in the layers that it brings."""

    @field_validator("platforms")
    @classmethod
    def _platforms_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("a platform is named twice; remove one of the two")
        return value


class ImageType(TargetType[ImageFields]):
    """Without a platform: the manifest or index of all its platforms; with one: that platform's image."""

    name = "image"
    version = 1
    witnessed = True
    fields = ImageFields
    products = frozenset({"image", "images"})
    unkeyed = frozenset({"repository", "platforms", "budget", "allow"})

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        return Variant(platform=wanted.platform)

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        fields = declaration.fields
        assert isinstance(fields, ImageFields)
        if variant.platform and fields.platforms and variant.platform not in fields.platforms:
            raise RequestError(
                f"{declaration.address} is not for {variant.platform}",
                where=declaration.position(("platforms",)),
                hint=f"it is for {', '.join(fields.platforms)}",
            )
        if variant.platform is None:
            platforms = fields.platforms or workspace.settings.platforms
            return [Need(declaration.address, Variant(platform=platform), "image") for platform in platforms]
        inner = Variant(variant.platform, fields.compression)
        base = [Need(fields.base, inner, "image", ("base",))] if fields.base else []
        above = replace(inner, base=fields.base)
        layers = [Need(address, above, "layers", ("layers", at)) for at, address in enumerate(fields.layers)]
        return base + layers

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        return ()

    def prepare(self, task: Task) -> Action:
        fields = task.declaration.fields
        assert isinstance(fields, ImageFields)
        if task.variant.platform is None:
            images = [Image.of(result) for result in task.results.values()]
            return Action({}, lambda: join(task.store, images, fields.annotations))
        return Action({"epoch": task.epoch}, lambda: _assemble(task, fields).data())


@traced("assemble")
def _assemble(task: Task, fields: ImageFields) -> Image:
    """The image for one platform. Reads no layer bytes."""
    platform = task.variant.platform or ""
    results = {address: result for (address, _), result in task.results.items()}
    base = Image.of(results[fields.base]) if fields.base else None
    below = tuple(layer.made_by(str(fields.base)) for layer in base.layers) if base else ()
    own = tuple(
        ImageLayer.of(data).made_by(str(address))
        for address in fields.layers
        for data in results[address]["layers"]
    )
    layers = below + own
    epoch = datetime.datetime.fromtimestamp(task.epoch, datetime.UTC)
    config = make_config(
        read_config(task, base.config["digest"]) if base else None,
        _overrides(fields),
        platform,
        fields.created or _rfc3339(epoch),
        [(item.target, item.layer.diff_id) for item in own],
    )
    described = put_document(task.store, CONFIG, config)
    manifest = put_document(task.store, MANIFEST, make_manifest(described, layers, fields.annotations))
    return Image(platform, manifest, described, layers)


def _overrides(fields: ImageFields) -> Overrides:
    names = ("entrypoint", "cmd", "env", "workdir", "user", "ports", "volumes", "labels", "stop_signal")
    values = {name: getattr(fields, name) for name in names}
    check = fields.healthcheck
    if check is not None:
        times = {"Interval": check.interval, "Timeout": check.timeout, "StartPeriod": check.start_period}
        said: dict[str, Any] = {name: duration(value) for name, value in times.items() if value is not None}
        if check.retries is not None:
            said["Retries"] = check.retries
        values["healthcheck"] = {"Test": check.test, **said}
    return Overrides(**values)


def join(store: Store, images: Sequence[Image], annotations: dict[str, str]) -> dict[str, Any]:
    """The result of an output: its images, and an index when there are several.

    Raises BuildFailed when two are for one platform.
    """
    platforms = [image.platform for image in images]
    twice = sorted({platform for platform in platforms if platforms.count(platform) > 1})
    if twice:
        raise BuildFailed(f"two images of the index are for {twice[0]}", hint="keep one image per platform")
    index = None
    if len(images) > 1:
        manifests = [{**image.manifest, "platform": parse_platform(image.platform)} for image in images]
        index = put_document(store, INDEX, make_index(manifests, annotations))
    return {"images": [image.data() for image in images], "index": index}
