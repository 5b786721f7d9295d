"""Which packages go into which layer.

One layer for each package shares best and makes too many layers; one for all shares nothing. With a number
N, the N-1 heaviest groups of packages get a layer each, and the rest shares the last. A group is what is
built from one source, as those change together. A layer's content then depends on its own packages alone:
another target with the same heavy package has the same layer, and a small package that comes or goes
touches the last one only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..errors import RequestError
from ..layer.entry import Entry
from .ecosystem import JOINT, MOST_LAYERS, Package, Split


def spread(packages: Sequence[Package], sizes: Mapping[str, int], split: Split) -> list[list[str]]:
    """The keys of the packages of each layer, lowest first; sizes: bytes of each package, by key.

    Raises RequestError when "each" would give more layers than images hold.
    """
    keys = sorted(package.key for package in packages)
    if split == "one":
        return [keys]
    if split == "each":
        if len(keys) > MOST_LAYERS:
            hint = f"write a number from 1 to {MOST_LAYERS}"
            raise RequestError(f'split = "each" would give {len(keys)} layers', hint=hint)
        return [[key] for key in keys] or [[]]
    groups: dict[str, list[str]] = {}
    for package in packages:
        groups.setdefault(package.source or package.name, []).append(package.key)
    weights = {name: sum(sizes[key] for key in members) for name, members in groups.items()}
    heaviest = sorted(groups, key=lambda name: (-weights[name], name))
    alone = sorted(heaviest[: int(split) - 1])
    rest = sorted(key for name in heaviest[int(split) - 1 :] for key in groups[name])
    return [*(sorted(groups[name]) for name in alone), *([rest] if rest or not alone else [])]


def divide(entries: Iterable[Entry], layers: Sequence[Sequence[str]]) -> list[list[Entry]]:
    """The entries of each layer: those of its packages, what they make together in the last one, and in each
    the folders that it needs.

    A folder goes with the first package that needs it: were all of them together, each package that comes or
    goes would change what layers begin with.
    """
    layer_of = {key: number for number, keys in enumerate(layers) for key in keys} | {JOINT: len(layers) - 1}
    folders: dict[str, Entry] = {}
    found: list[list[Entry]] = [[] for _ in layers]
    rest: list[list[Entry]] = [[] for _ in layers]
    for entry in entries:
        if entry.kind == "folder":
            folders.setdefault(entry.path, entry)
            if entry.group:
                found[layer_of[entry.group]].append(entry)
        elif entry.group:
            rest[layer_of[entry.group]].append(entry)
        else:
            for members in rest:
                members.append(entry)
    return [[*_needed(folders, [*own, *members]), *members] for own, members in zip(found, rest, strict=True)]


def _needed(folders: Mapping[str, Entry], members: Sequence[Entry]) -> Iterator[Entry]:
    """The folders that are among the members, or that some lie in, each in the first of their groups."""
    groups: dict[str, str] = {}
    for entry in sorted(members, key=lambda entry: entry.group):
        path = entry.path if entry.kind == "folder" else entry.path.rpartition("/")[0]
        while path and path not in groups:
            groups[path] = entry.group
            path = path.rpartition("/")[0]
    return (replace(folders[path], group=group) for path, group in groups.items() if path in folders)
