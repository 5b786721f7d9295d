"""Sends images to registries: only what they lack, each blob once, and no tag before all that it stands for.

The order, for all images of a push together: blobs; manifests by digest; indexes by digest; tags. Whenever it
is interrupted, no tag is half moved, and the next push goes on with what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

from ..declare.address import Address
from ..errors import Failures, StackbuildError
from ..frozen import frozen
from ..oci.model import INDEX, MANIFEST, Descriptor, Image, ImageLayer
from ..oci.remote import Remote
from ..registry.reference import Reference, Repository
from ..store import Store
from ..threads import workers
from ..trace import span, traced
from .layout import root_of
from .names import Names

_AT_ONCE = 8
T = TypeVar("T")


@frozen
class Pushing:
    """One image to push. result: its images with their index; names: where it goes."""

    address: Address
    result: Any
    names: Names

    @cached_property
    def images(self) -> list[Image]:
        """The images, one for each platform."""
        return [Image.of(data) for data in self.result["images"]]

    @cached_property
    def documents(self) -> list[Descriptor]:
        """The manifests, and the index after them if there is one."""
        manifests = [image.manifest for image in self.images]
        return [*manifests, self.result["index"]] if self.result["index"] else manifests


@dataclass
class Pushed:
    """What became of one image in one repository. sent: bytes of blobs that had to be uploaded for it."""

    address: Address
    repository: Repository
    digest: str
    tags: tuple[str, ...]
    sent: int = 0

    @property
    def reference(self) -> str:
        """What the image is called now, for good."""
        return f"{self.repository}@{self.digest}"

    def as_json(self) -> dict[str, Any]:
        """The image as an element of `push --json`'s "images"."""
        return {
            "address": str(self.address),
            "repository": str(self.repository),
            "digest": self.digest,
            "tags": list(self.tags),
            "reference": self.reference,
            "sent": self.sent,
        }


@frozen
class _Blob:
    """A blob that some repositories of one registry should have. origin: where it can be taken from."""

    digest: str
    size: int
    layer: ImageLayer | None = None

    @property
    def origin(self) -> Repository | None:
        return Repository.parse(self.layer.origin) if self.layer and self.layer.origin else None


@dataclass
class _Push:
    """Everything of one push, worked off step by step."""

    store: Store
    remote: Remote
    sent: dict[tuple[Repository, str], int] = field(default_factory=dict)

    def blob(self, blob: _Blob, repositories: Sequence[Repository], known: Sequence[Repository]) -> None:
        """Have all the repositories, of one registry, hold the blob; known: others of it that do."""
        registry = self.remote.registry
        missing = [place for place in repositories if not registry.has_blob(place, blob.digest)]
        holders = [*known, *(place for place in repositories if place not in missing)]
        for repository in missing:
            location = ""
            for holder in holders[:2]:
                answer = registry.mount(repository, blob.digest, holder)
                if answer is None:
                    break
                location = answer or location
            else:
                self._upload(blob, repository, location)
            holders.append(repository)

    def _upload(self, blob: _Blob, repository: Repository, location: str) -> None:
        if blob.layer is not None:
            self.remote.fetch([blob.layer], self.store)
        with (
            span("push", what=blob.digest, bytes=blob.size),
            self.remote.watch("push", blob.digest, blob.size) as progress,
        ):
            opened = partial(self.store.blobs.open, blob.digest)
            self.remote.registry.upload(repository, blob.digest, blob.size, opened, location, progress)
        self.sent[repository, blob.digest] = blob.size

    def manifest(self, descriptor: Descriptor, repository: Repository, tag: str = "") -> None:
        """Have a repository hold a manifest or index, under its digest or under a tag."""
        name = tag or descriptor["digest"]
        reference = Reference(repository, tag, "" if tag else descriptor["digest"])
        registry = self.remote.registry
        if registry.manifest_digest(reference) != descriptor["digest"]:
            data = self.store.blobs.read(descriptor["digest"])
            registry.put_manifest(repository, name, descriptor["mediaType"], data)


@traced("push images")
def push(store: Store, remote: Remote, wanted: Sequence[Pushing]) -> list[Pushed]:
    """Push images to all their repositories. Raises Failures, RegistryError and DigestMismatch."""
    work = _Push(store, remote)
    places = [(item, repository) for item in wanted for repository in item.names.repositories]
    with workers(_AT_ONCE, "push") as pool:
        there = _each(pool, partial(_is_there, remote), places)
        lacking = [place for place, is_there in zip(places, there, strict=True) if not is_there]
        whole = [place for place, is_there in zip(places, there, strict=True) if is_there]
        _each(pool, work.blob, _blobs(lacking, whole))
        for kind in (MANIFEST, INDEX):
            _each(pool, work.manifest, _documents(lacking, kind))
        tags = [
            (root_of(item.result), repository, tag) for item, repository in places for tag in item.names.tags
        ]
        _each(pool, work.manifest, tags)
    return [_pushed(work, item, repository) for item, repository in places]


def _each(pool: Executor, step: Callable[..., T], items: Iterable[tuple[Any, ...]]) -> list[T]:
    """The results of one step for every item, all done before the next step; stops at the first failure."""
    futures = [pool.submit(step, *item) for item in items]
    done, rest = wait(futures, return_when=FIRST_EXCEPTION)
    for future in rest:
        future.cancel()
    errors = [error for future in done if (error := future.exception())]
    faults = [error for error in errors if isinstance(error, StackbuildError)]
    if len(faults) < len(errors):
        raise next(error for error in errors if not isinstance(error, StackbuildError))
    if faults:
        raise Failures(faults)
    return [future.result() for future in futures]


def _is_there(remote: Remote, item: Pushing, repository: Repository) -> bool:
    """Whether a repository holds the whole image: every manifest of it, and what those name with them."""
    digests = [document["digest"] for document in reversed(item.documents)]  # an index is soonest missed
    return all(
        remote.registry.manifest_digest(Reference(repository, "", digest)) == digest for digest in digests
    )


def _documents(
    places: Sequence[tuple[Pushing, Repository]], kind: str
) -> Iterator[tuple[Descriptor, Repository]]:
    """The manifests or indexes that the repositories should hold, each once."""
    seen: set[tuple[Repository, str]] = set()
    for item, repository in places:
        for descriptor in item.documents:
            if descriptor["mediaType"] == kind and (repository, descriptor["digest"]) not in seen:
                seen.add((repository, descriptor["digest"]))
                yield descriptor, repository


def _blobs(
    lacking: Sequence[tuple[Pushing, Repository]], there: Sequence[tuple[Pushing, Repository]]
) -> Iterator[tuple[_Blob, list[Repository], list[Repository]]]:
    """Every blob once per registry, the large ones first: it, who should have it, and who is known to.

    The repository that a base came from comes first among those.
    """
    blobs: dict[str, _Blob] = {}
    wanted: dict[tuple[str, str], dict[Repository, None]] = {}
    known: dict[tuple[str, str], dict[Repository, None]] = {}
    for places, table in ((lacking, wanted), (there, known)):
        for item, repository in places:
            for blob in _blobs_of(item):
                blobs.setdefault(blob.digest, blob)
                table.setdefault((repository.host, blob.digest), {})[repository] = None
                if blob.origin:
                    at = (blob.origin.host, blob.digest)
                    known[at] = {blob.origin: None, **known.get(at, {})}
    for at, repositories in sorted(wanted.items(), key=lambda pair: -blobs[pair[0][1]].size):
        others = [place for place in known.get(at, {}) if place not in repositories]
        yield blobs[at[1]], list(repositories), others


def _pushed(work: _Push, item: Pushing, repository: Repository) -> Pushed:
    digests = {blob.digest for blob in _blobs_of(item)}
    sent = [size for (place, digest), size in work.sent.items() if place == repository and digest in digests]
    return Pushed(item.address, repository, root_of(item.result)["digest"], item.names.tags, sum(sent))


def _blobs_of(item: Pushing) -> Iterator[_Blob]:
    for image in item.images:
        yield _Blob(image.config["digest"], image.config["size"])
        for layer in image.layers:
            yield _Blob(layer.layer.digest, layer.layer.size, layer)
