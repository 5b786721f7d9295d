"""Compares two images, platform by platform; what is found is data, for text, JSON and a page alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from ...frozen import frozen
from ...oci.model import Image
from ...oci.remote import Remote, Watch
from ...store import Store, default_path
from .documents import (
    FieldChange,
    PackageChange,
    annotation_changes,
    config_changes,
    package_changes,
    read_document,
)
from .files import TIME, Change, changed_files
from .layers import LayerPair, pair_layers
from .sides import Side, outside_side


@frozen
class Files:
    """The files that differ. complete: False when layers that both share would have to be downloaded to be
    certain of all."""

    complete: bool
    changes: list[Change]

    def counts(self) -> dict[str, int]:
        """How many were added, removed and changed, those that changed in time alone apart."""
        found = dict.fromkeys(("added", "removed", "changed", "time_only"), 0)
        for change in self.changes:
            found["time_only" if change.differs == TIME else change.status] += 1
        return found


@frozen
class Pair:
    """The images of one platform. pull: (bytes, blobs) of B that a node with A lacks; files: None when they
    were not compared; packages: None when those of a side are not known."""

    platform: str
    a: Image
    b: Image
    layers: list[LayerPair]
    files: Files | None
    config: list[FieldChange]
    annotations: list[FieldChange]
    packages: list[PackageChange] | None
    pull: tuple[int, int]

    @property
    def same(self) -> bool:
        """Whether nothing differs that is compared."""
        layers = all(layer.status == "same" for layer in self.layers)
        return layers and not (self.config or self.annotations)

    def data(self) -> dict[str, Any]:
        """The pair as plain data; changes of files stay `Change`, for there may be many."""
        files = self.files
        return {
            "platform": self.platform,
            "status": "same" if self.same else "changed",
            "a": _described(self.a),
            "b": _described(self.b),
            "pull": {"bytes": self.pull[0], "blobs": self.pull[1]},
            "layers": [layer.data() for layer in self.layers],
            "config": [change.data() for change in self.config],
            "annotations": [{"name": item.name, "a": item.a, "b": item.b} for item in self.annotations],
            "packages": None if self.packages is None else [change.data() for change in self.packages],
            "files": files and {"complete": files.complete, **files.counts(), "changes": files.changes},
        }


@frozen
class Comparison:
    """What differs between two images. a, b: as people named them; added, removed: platforms of one alone."""

    a: str
    b: str
    pairs: list[Pair]
    added: list[str]
    removed: list[str]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed) and all(pair.same for pair in self.pairs)

    def data(self) -> dict[str, Any]:
        """The comparison as plain data, but for `Change`s."""
        alone = [{"platform": name, "status": "added"} for name in self.added]
        alone += [{"platform": name, "status": "removed"} for name in self.removed]
        pairs = [pair.data() for pair in self.pairs]
        return {"a": self.a, "b": self.b, "same": self.same, "platforms": pairs + alone}


def compare(
    a: Side, b: Side, store: Store, remote: Remote, *, files: bool = True, fetch: bool = False
) -> Comparison:
    """Compare two images. files: their files too; fetch: download layers that both share, if they are needed.

    Raises StackbuildError.
    """
    pairs = [
        _pair(a, b, platform, store, remote, files=files, fetch=fetch)
        for platform in a.platforms
        if platform in b.platforms
    ]
    added = [name for name in b.platforms if name not in a.platforms]
    removed = [name for name in a.platforms if name not in b.platforms]
    return Comparison(a.name, b.name, pairs, added, removed)


def compare_outside(
    one: str, other: str, platform: str | None, watch: Watch, *, files: bool = True, fetch: bool = False
) -> Comparison:
    """`compare` of two images that are no targets, where there is no workspace. Raises StackbuildError."""
    with Store(default_path()) as store, store.shared(), closing(Remote(watch=watch)) as remote:
        a, b = (outside_side(text, store, remote, platform) for text in (one, other))
        return compare(a, b, store, remote, files=files, fetch=fetch)


def _pair(a: Side, b: Side, platform: str, store: Store, remote: Remote, *, files: bool, fetch: bool) -> Pair:
    one, other = a.image(platform), b.image(platform)
    configs = [read_document(store, str(image.config["digest"])) for image in (one, other)]
    manifests = [read_document(store, str(image.manifest["digest"])) for image in (one, other)]
    layers = pair_layers(one, configs[0], other, configs[1])
    found = Files(*changed_files(one, other, store, remote, fetch=fetch)) if files else None
    if found:
        _count(layers, found)
    return Pair(
        platform,
        one,
        other,
        layers,
        found,
        config_changes(*configs),
        annotation_changes(*manifests),
        package_changes(one, other, store) if a.built and b.built else None,
        _pull(one, other),
    )


def _count(layers: list[LayerPair], files: Files) -> None:
    """Tell each layer how many files differ because of it."""
    place = {pair.a.layer.diff_id: pair for pair in layers if pair.a}
    place |= {pair.b.layer.diff_id: pair for pair in layers if pair.b}
    for change in files.changes:
        if pair := place.get(change.layer):
            pair.files[change.status] = pair.files.get(change.status, 0) + 1


def _pull(a: Image, b: Image) -> tuple[int, int]:
    have, wanted = dict(_blobs(a)), dict(_blobs(b))
    missing = [size for digest, size in wanted.items() if digest not in have]
    return sum(missing), len(missing)


def _blobs(image: Image) -> Iterator[tuple[str, int]]:
    """Every blob that a manifest names: (digest, size)."""
    yield image.config["digest"], image.config["size"]
    for item in image.layers:
        yield item.layer.digest, item.layer.size


def _described(image: Image) -> dict[str, Any]:
    size = sum(size for _, size in _blobs(image))
    return {"digest": image.manifest["digest"], "layers": len(image.layers), "size": size}
