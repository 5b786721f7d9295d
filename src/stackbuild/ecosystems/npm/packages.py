"""Entries of a lock as packages: what is fetched, from where, with which digest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..ecosystem import Ask, Package
from .choose import bundler
from .links import executables
from .lock import Entry, Lock, check_version, digest, installed_name, license_of, url


def packages(ask: Ask, lock: Lock, entries: Mapping[str, Entry], registry: str) -> list[Package]:
    """The packages of the entries that are installed; what one bundles comes with it. Raises RequestError."""
    commands: dict[str, set[str]] = {}
    for place, path in executables(ask, entries):
        commands.setdefault(place, set()).add(path)
    return [
        _package(ask, place, entry, registry, _depends(lock, entries, place), sorted(commands.get(place, ())))
        for place, entry in entries.items()
        if not entry.link and bundler(entries, place) == place
    ]


def _depends(lock: Lock, entries: Mapping[str, Entry], place: str) -> tuple[str, ...]:
    needs = [at for at in lock.needs(place) if at in entries and not entries[at].link]
    return tuple(sorted({bundler(entries, at) for at in needs} - {place}))


def _package(
    ask: Ask, place: str, entry: Entry, registry: str, depends: tuple[str, ...], commands: Sequence[str]
) -> Package:
    check_version(ask, place, entry)
    return Package(
        entry.name or installed_name(place),
        entry.version,
        url(ask, place, entry, registry),
        digest(ask, place, entry.integrity),
        license=license_of(entry),
        depends=depends,
        path=place,
        more={
            **({"commands": json.dumps(commands)} if commands else {}),
            **({"script": "yes"} if entry.install_script else {}),
        },
    )
