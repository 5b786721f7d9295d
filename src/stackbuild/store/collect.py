"""Keeping a store sound and small: `check` re-reads every byte, `collect` removes what nobody needs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..again.answer import forget
from .files import remove
from .records import GRAIN, keys_in
from .store import Store


@dataclass
class Report:
    """What was found or removed. bytes: the size of the blobs concerned."""

    blobs: int = 0
    records: int = 0
    bytes: int = 0
    damage: list[str] = field(default_factory=list)


def digests(result: Any) -> Iterator[str]:
    """Every blob digest that a result names, wherever it stands in it."""
    if isinstance(result, str):
        if result.startswith("sha256:"):
            yield result
    elif isinstance(result, dict):
        for value in result.values():
            yield from digests(value)
    elif isinstance(result, list):
        for value in result:
            yield from digests(value)


def info(store: Store) -> Report:
    """How much the store holds."""
    blobs = store.blobs.all()
    return Report(len(blobs), len(store.records.all()), sum(size for _, size in blobs))


def check(store: Store) -> Report:
    """Read every blob and record; drop and name the damaged ones, which are then built again."""
    report = Report()
    for digest, size in store.blobs.all():
        report.blobs += 1
        report.bytes += size
        if not store.blobs.verify(digest):
            report.damage.append(f"blob {digest}: its bytes do not have this digest; removed")
    store.records.adopt()
    indexed = {key: result for key, _, result in store.records.all()}
    for key in keys_in(store.records.folder):
        report.records += 1
        record = store.records.load(key)
        row = indexed.pop(key, record.result if record else None)
        if record is None:
            report.damage.append(f"record {key}: unreadable or altered; removed")
        elif row != record.result:
            report.damage.append(f"record {key}: its file and the index disagree; removed")
        else:
            continue
        store.records.forget(key)
    for key in indexed:
        report.damage.append(f"record {key}: its file is gone; removed")
        store.records.forget(key)
    if report.damage:
        forget(str(store.path))
    return report


def collect(store: Store, keep_seconds: int) -> Report:
    """Remove records unused for `keep_seconds`, then the blobs that no record names.

    Waits for running builds: what they need is never taken.
    """
    report = Report()
    with store.exclusive():
        store.records.adopt()
        oldest = time.time() - keep_seconds
        needed: set[str] = set()
        for key, used, result in store.records.all():
            if result is None or keep_seconds == 0 or used + GRAIN < oldest:
                store.records.forget(key)
                report.records += 1
            else:
                needed.update(digests(result))
        for digest, size in store.blobs.all():
            if digest not in needed:
                store.blobs.forget(digest)
                report.blobs += 1
                report.bytes += size
        for table in ("latest", "look"):
            store.index.write(f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM record)", [()])
        store.fingerprints.forget_gone()
        store.builds.forget(oldest)
        forget(str(store.path))
        for entry in os.scandir(store.temp):
            remove(Path(entry.path))  # nobody else holds the store now
    return report
