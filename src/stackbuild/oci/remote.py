"""Images in registries as a source: resolved to digests, read without layers, which are fetched on demand."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..digests import check_digest, digest_of
from ..errors import DigestMismatch, RegistryError
from ..layer.write import Layer
from ..registry.documents import IMAGE_TYPES, INDEX_TYPES, parse
from ..registry.reference import Reference, Repository
from ..store import Store
from ..threads import workers
from ..trace import span, traced
from .documents import adopt, layers_of, put
from .model import CONFIG, MANIFEST, Image, ImageLayer, platform_text

if TYPE_CHECKING:
    from ..registry.client import Manifest, Registry

_CONFIG_LIMIT = 8 << 20
_AT_ONCE = 4  # layers fetched at the same time
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)


class Watch(Protocol):
    """Told of bytes on their way: a context manager that gives a function to be called with their number."""

    def __call__(self, verb: str, name: str, size: int) -> AbstractContextManager[Callable[[int], None]]: ...


def unwatched(verb: str, name: str, size: int) -> AbstractContextManager[Callable[[int], None]]:
    """A Watch that looks away."""
    return nullcontext(lambda size: None)


class Remote:
    """Registries, with the mirrors that stand in for them.

    insecure, realms: as Registry has them; mirrors: host -> "host[/prefix]" to ask first. No connection is
    made before one is needed. Methods raise RegistryError and DigestMismatch.
    """

    def __init__(
        self,
        insecure: Collection[str] = (),
        realms: Collection[str] = (),
        mirrors: Mapping[str, Sequence[str]] | None = None,
        watch: Watch = unwatched,
    ) -> None:
        self._insecure, self._realms, self._mirrors = insecure, realms, mirrors or {}
        self.watch = watch
        self._configs: dict[str, bytes] = {}
        self._away: set[str] = set()
        self._documents: dict[str, bytes] = {}
        self._documents_lock = threading.Lock()

    @functools.cached_property
    def registry(self) -> Registry:
        """The client, made when it is first asked for."""
        from ..registry.client import Registry

        return Registry(self._insecure, self._realms)

    def close(self) -> None:
        """End every connection."""
        if "registry" in vars(self):
            self.registry.close()

    def _places(self, repository: Repository) -> list[Repository]:
        """Where to look for a repository: its mirrors, then itself."""
        mirrors = self._mirrors.get(repository.host, ())
        places = [Repository.parse(f"{at}/{repository.path}") for at in mirrors]
        return [*(place for place in places if place.host not in self._away), repository]

    def _pass_over(self, mirror: Repository, error: Exception) -> None:
        """Remember a mirror that does not answer, so that it is not waited for again and again."""
        from ..registry.failures import Broken

        if isinstance(error.__cause__, Broken):
            self._away.add(mirror.host)

    def _manifest(self, reference: Reference) -> Manifest:
        *mirrors, own = self._places(reference.repository)
        for place in mirrors:
            try:
                return self.registry.manifest(replace(reference, repository=place))
            except (RegistryError, DigestMismatch) as error:
                self._pass_over(place, error)
        return self.registry.manifest(replace(reference, repository=own))

    def _pieces(self, layer: ImageLayer, offset: int, *, mirrored: bool = True) -> Iterator[bytes]:
        digest, size = layer.layer.digest, layer.layer.size
        *mirrors, own = self._places(Repository.parse(layer.origin))
        for place in mirrors if mirrored else ():
            try:
                for piece in self.registry.blob(place, digest, size, offset):
                    offset += len(piece)
                    yield piece
                return
            except RegistryError as error:
                self._pass_over(place, error)
        try:
            for piece in self.registry.blob(own, digest, size, offset):
                offset += len(piece)
                yield piece
        except RegistryError:
            if not layer.urls:
                raise
            yield from self.registry.foreign_blob(own, layer.urls[0], digest, size, offset)

    def download(self, url: str, authorization: str | None = None) -> Iterator[bytes]:
        """The bytes at any URL, anonymously unless a header says otherwise. The caller checks them."""
        headers = {"Authorization": authorization} if authorization else None
        answer = self.registry.transport.exchange("GET", url, headers)
        if answer.status != 200:
            answer.close()
            raise RegistryError(f"it answered {answer.status}")
        yield from answer.pieces()

    def document(self, url: str, limit: int) -> bytes:
        """The bytes at a URL, at most `limit`, asked for once in a run. Nobody checked them."""
        with self._documents_lock:
            if url not in self._documents:
                answer = self.registry.transport.exchange("GET", url, limit=limit)
                if answer.status != 200:
                    answer.close()
                    raise RegistryError(f"it answered {answer.status}")
                self._documents[url] = answer.body
            return self._documents[url]

    def resolve(self, reference: Reference) -> dict[str, str]:
        """What a tag means now: its "digest", and platform -> digest of that platform's manifest."""
        manifest = self._manifest(reference)
        found = {"digest": manifest.digest}
        try:
            if manifest.media_type in INDEX_TYPES:
                for descriptor in parse(manifest.data)["manifests"]:
                    digest, platform = check_digest(descriptor["digest"]), descriptor.get("platform")
                    if not platform and descriptor.get("mediaType") in IMAGE_TYPES:
                        inner = self._manifest(replace(reference, digest=digest))
                        platform = parse(self._config(reference, parse(inner.data)))
                    if platform and platform.get("os") != "unknown":  # those are attestations
                        found.setdefault(platform_text(platform), digest)
            else:
                config = self._config(reference, parse(manifest.data))
                found[platform_text(parse(config))] = manifest.digest
        except _MALFORMED as error:
            raise _malformed(reference, error) from error
        if len(found) == 1:
            raise RegistryError(f"{reference} is an index of no image")
        return found

    def _config(self, reference: Reference, manifest: dict[str, Any]) -> bytes:
        descriptor = manifest["config"]
        digest, size = check_digest(descriptor["digest"]), int(descriptor["size"])
        if not 0 <= size <= _CONFIG_LIMIT:
            raise RegistryError(f"{reference}: its configuration is larger than {_CONFIG_LIMIT} bytes")
        if digest not in self._configs:
            layer = ImageLayer(Layer(CONFIG, digest, size, digest), origin=str(reference.repository))
            data = b"".join(self._pieces(layer, 0))
            if digest_of(data) != digest:
                raise DigestMismatch(f"{reference}: its configuration is not what its digest says")
            self._configs[digest] = data
        return self._configs[digest]

    def image(self, reference: Reference, platform: str, store: Store) -> Image:
        """The image for a platform that a reference by digest means, without the bytes of its layers.

        Its own documents are kept as they are when they are in OCI's form.
        """
        manifest = self._manifest(reference)
        try:
            document = parse(manifest.data)
            if manifest.media_type in INDEX_TYPES:
                raise ValueError("it is an index")
            data = self._config(reference, document)
            config = parse(data)
            layers = layers_of(document, config, str(reference.repository))
            found = platform_text(config)
        except _MALFORMED as error:
            raise _malformed(reference, error) from error
        # Of the variant, an index and a configuration often say different things; the index was chosen by.
        if found.split("/")[:2] != platform.split("/")[:2]:
            raise RegistryError(f"{reference} is for {found}, not for {platform}")
        if manifest.media_type != MANIFEST or document["config"].get("mediaType") != CONFIG:
            return adopt(store, platform, config, layers)
        described = put(store, CONFIG, data)
        return Image(platform, put(store, MANIFEST, manifest.data), described, layers)

    @traced("fetch layers")
    def fetch(self, layers: Iterable[ImageLayer], store: Store) -> None:
        """Bring the layers that the store lacks into it, several at once, each checked while it streams."""
        missing = {
            item.layer.digest: item
            for item in layers
            if item.origin and not store.blobs.has(item.layer.digest, item.layer.size)
        }
        with workers(_AT_ONCE, "fetch") as pool:
            for done in [pool.submit(self._fetch, item, store) for item in missing.values()]:
                done.result()

    def _fetch(self, item: ImageLayer, store: Store) -> None:
        digest, size = item.layer.digest, item.layer.size
        with span("fetch", what=digest, bytes=size), self.watch("fetch", digest, size) as progress:
            try:
                store.blobs.resume(digest, size, lambda offset: self._pieces(item, offset), progress)
            except DigestMismatch as error:
                if len(self._places(Repository.parse(item.origin))) == 1:
                    raise DigestMismatch(f"{item.origin}: {error.what}") from error
                # A mirror sent something else; the registry itself may know better.
                store.blobs.resume(
                    digest, size, lambda offset: self._pieces(item, offset, mirrored=False), progress
                )


def _malformed(reference: Reference, error: Exception) -> RegistryError:
    shown = str(error) if isinstance(error, ValueError) else repr(error)
    return RegistryError(f"{reference} is malformed: {shown}")
