"""`packages`: layers of packages of some ecosystem, resolved, locked, and installed without running any."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import witness
from ..declare.fields import Choice
from ..declare.package import Declaration
from ..declare.reads import Reads
from ..declare.workspace import Workspace
from ..ecosystems.ecosystem import Ask, Ecosystem, Package, PackagesFields
from ..ecosystems.registry import load_ecosystems
from ..ecosystems.spread import divide, spread
from ..ecosystems.trees import trees
from ..errors import BuildFailed, RequestError
from ..keys import digest
from ..layer.arrange import arrange
from ..layer.codec import Codec
from ..layer.split import LAYER_VERSION
from ..layer.write import Layer, write_layer
from ..oci.documents import put_document
from ..oci.model import Image
from ..trace import span
from .target import Action, Need, Pin, TargetType, Task, Variant

LIST = "application/vnd.stackbuild.packages.v1+json"
SECTION = "packages"


class PackagesType(TargetType[PackagesFields]):
    """Packages, as one layer or several. Its result names a document that lists them."""

    name = "packages"
    version = 2
    witnessed = True
    products = frozenset({"layers", "files"})
    lists_packages = True

    def __init__(self) -> None:
        models = load_ecosystems().each(lambda ecosystem: ecosystem.fields)
        self.fields = Choice("ecosystem", models, PackagesFields)

    def variant(self, declaration: Declaration, wanted: Variant) -> Variant:
        base = None
        if _ecosystem(declaration).stacks:
            base = getattr(declaration.fields, "base", None) or wanted.base
        return Variant(wanted.platform, wanted.compression or "gzip", base)

    def needs(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Need]:
        if variant.base is None:
            return ()
        return [Need(variant.base, Variant(_platform(variant, workspace)), "image", ("base",))]

    def pins(self, declaration: Declaration, variant: Variant, workspace: Workspace) -> Sequence[Pin]:
        ecosystem, platform = _ecosystem(declaration), _platform(variant, workspace)
        asked = ecosystem.request(declaration, workspace, platform)
        if asked is None:
            return ()
        name = f"{declaration.address} {platform}" + (f" on {variant.base}" if variant.base else "")
        request = digest([ecosystem.name, ecosystem.version, platform, asked], "sha256")
        return [Pin((SECTION, name), _resolve, ("ecosystem",), {"request": request})]

    def reads(self, declaration: Declaration, workspace: Workspace) -> Sequence[Reads]:
        return _ecosystem(declaration).reads(declaration, workspace)

    def packages(self, task: Task) -> Sequence[Package]:
        ecosystem, ask = _ecosystem(task.declaration), _ask(task)
        return self._packages(task, ask, ecosystem, ecosystem.under(ask))

    def prepare(self, task: Task) -> Action:
        ecosystem, ask = _ecosystem(task.declaration), _ask(task)
        witness.trust(ecosystem)
        under = ecosystem.under(ask)
        packages = self._packages(task, ask, ecosystem, under)
        codec = Codec(task.variant.compression or "gzip")
        inputs = {
            "ecosystem": [ecosystem.name, ecosystem.version],
            "packages": {package.key: f"{package.version} {package.digest}" for package in packages},
            "said": digest([package.data() for package in packages], task.store.fingerprints.algorithm),
            "base": under,
            "more": ecosystem.inputs(ask),
            "mtime": task.epoch,
        }
        return Action(
            {"from": inputs, "codec": codec.version, "writer": LAYER_VERSION},
            lambda: _build(task, ask, ecosystem, packages, codec),
        )

    def _packages(self, task: Task, ask: Ask, ecosystem: Ecosystem[Any], under: str) -> list[Package]:
        found = ecosystem.listed(ask)
        if found is None:
            (pin,) = self.pins(task.declaration, task.variant, task.workspace)
            facts = {"under": under} if ecosystem.stacks else {}
            entry = task.pinned(task, replace(pin, facts={**pin.facts, **facts}))
            found = [Package.of(data) for data in entry[SECTION]]
        return sorted(found, key=lambda package: package.key)


def _ecosystem(declaration: Declaration) -> Ecosystem[Any]:
    return load_ecosystems()[declaration.fields.ecosystem]  # type: ignore[attr-defined]


def _platform(variant: Variant, workspace: Workspace) -> str:
    return variant.platform or workspace.settings.platforms[0]


def _ask(task: Task) -> Ask:
    base = [Image.of(result) for result in task.results.values()]
    return Ask(
        task.declaration,
        _platform(task.variant, task.workspace),
        task.workspace,
        task.store,
        task.remote,
        task.pool,
        task.epoch,
        base[0].layers if base else (),
    )


def _resolve(task: Task) -> Mapping[str, Any]:
    """The entry of the lock for a target, as the world is now."""
    ecosystem, ask = _ecosystem(task.declaration), _ask(task)
    packages = sorted(ecosystem.resolve(ask), key=lambda package: package.key)
    under = {"under": ecosystem.under(ask)} if ecosystem.stacks else {}
    return {SECTION: [package.data() for package in packages], **under}


def _build(
    task: Task, ask: Ask, ecosystem: Ecosystem[Any], packages: Sequence[Package], codec: Codec
) -> dict[str, Any]:
    address, fields = str(task.declaration.address), task.declaration.fields
    assert isinstance(fields, PackagesFields)
    try:
        with contextlib.ExitStack() as stack:
            found = trees(ask, ecosystem, packages, stack)
            with span("install", packages=len(packages)):
                entries = ecosystem.install(ask, found)
            sizes = dict.fromkeys(found, 0)
            for entry in entries:
                if entry.content and entry.group in sizes:
                    sizes[entry.group] += entry.content.size
            keys = spread(packages, sizes, fields.split)
            layers = [
                write_layer(task.store, arrange(part, address), codec, task.pool)
                for part in divide(entries, keys)
            ]
    except (BuildFailed, RequestError) as error:
        error.where = error.where or task.declaration.position()
        raise
    names = {package.name for package in packages}
    known = [ecosystem.described(package, found[package.key][1], ask, names) for package in packages]
    listed = put_document(task.store, LIST, _listing(ask, ecosystem, known, keys, layers))
    described = [{**layer.recipe(), "packages": listed["digest"]} for layer in layers]
    result = {"layers": described, "packages": listed}
    warnings = ecosystem.warnings(ask, found)
    return {**result, "warnings": warnings} if warnings else result


def _listing(
    ask: Ask,
    ecosystem: Ecosystem[Any],
    packages: Sequence[Package],
    keys: Sequence[Sequence[str]],
    layers: Sequence[Layer],
) -> list[dict[str, Any]]:
    """What was installed, and in which layer, for bills of materials."""
    layer_of = {key: layer.digest for members, layer in zip(keys, layers, strict=True) for key in members}
    return [
        {
            **package.data(),
            "ecosystem": ecosystem.name,
            "purl": ecosystem.purl(package, ask),
            "layer": layer_of[package.key],
        }
        for package in packages
    ]
