"""What targets stand on outside of the tree, held fast by stackbuild.lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..declare.lock import LOCK_FILE, Entry, Lock, Name
from ..declare.package import Declaration
from ..errors import BuildFailed, DigestMismatch, RegistryError, RequestError, StackbuildError
from ..targets.target import Pin, Task
from ..trace import span

Resolve = Callable[[Pin], Entry]


class Pins:
    """Entries of the lock for targets that are built; shared by threads.

    locked: refuse what the lock does not hold, instead of resolving it on the way; note: told what was.
    """

    def __init__(self, lock: Lock, *, locked: bool, note: Callable[[str], None]) -> None:
        self._lock, self._locked, self._note = lock, locked, note
        self._guards: dict[Name, threading.Lock] = {}
        self._guard = threading.Lock()

    def entry(self, task: Task, pin: Pin) -> Entry:
        """The entry that a pin names. Raises RequestError when it is missing and must not be."""
        with self._guard:
            guard = self._guards.setdefault(pin.name, threading.Lock())
        with guard:
            before = self._lock.get(pin.name)
            if before is not None and pin.is_met_by(before):
                return before
            if self._locked:
                what = "is not in" if before is None else "was asked for otherwise when it went into"
                raise RequestError(
                    f"{pin.name[1]} {what} {LOCK_FILE}",
                    where=task.declaration.position(pin.key),
                    hint="run 'stackbuild lock' and commit it",
                )
            entry = resolved(pin, task)
            self._lock.put(pin.name, entry)
            self._note(f"locked {pin.name[1]}  {_shown(entry)}")
            return entry

    def strict(self) -> Pins:
        """The same entries, and nothing resolved that they lack."""
        return Pins(self._lock, locked=True, note=self._note)

    def save(self) -> None:
        """Write the lock file, if anything was resolved."""
        self._lock.save()


@dataclass
class Locking:
    """What locking did, or would have to do. changes: name -> (entry before, entry now)."""

    changes: dict[Name, tuple[Entry | None, Entry | None]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """A line for every entry that changed; for a list of packages, a line for each that did."""
        return [
            f"{name[1]}  {line}"
            for name, (before, after) in sorted(self.changes.items())
            for line in _moved(before, after)
        ]


def resolved(pin: Pin, task: Task) -> Entry:
    """What a pin means now. Raises StackbuildError, at the field that names it."""
    try:
        with span("resolve", pin=pin.name[1]):
            return {**pin.resolve(task), **pin.facts}
    except (RegistryError, DigestMismatch, BuildFailed) as error:
        where = error.where or task.declaration.position(pin.key)
        raise type(error)(error.what, where=where, hint=error.hint) from error


def outdated(lock: Lock, pins: Iterable[Pin]) -> list[Pin]:
    """The pins that the lock does not hold as they are wanted now."""
    return [pin for pin in pins if (entry := lock.get(pin.name)) is None or not pin.is_met_by(entry)]


def relock(lock: Lock, pins: Sequence[Pin], resolve: Resolve, *, upgrade: bool, all_known: bool) -> Locking:
    """Resolve what the lock lacks; upgrade: all of it; all_known: the pins are all that there are, so
    that entries which none of them names are taken away. Nothing is written."""
    done = Locking()
    wanted = {pin.name: pin for pin in pins}
    for pin in sorted(pins if upgrade else outdated(lock, pins), key=lambda pin: pin.name):
        before, after = lock.get(pin.name), resolve(pin)
        if after != before:
            lock.put(pin.name, after)
            done.changes[pin.name] = (before, after)
    if all_known:
        for name in lock.names():
            if name not in wanted:
                done.changes[name] = (lock.get(name), None)
                lock.remove(name)
    return done


def stale(lock: Lock, pins: Sequence[tuple[Pin, Declaration]], *, all_known: bool) -> list[StackbuildError]:
    """What is wrong with a lock that should hold these pins, without asking anybody outside."""
    hint = "run 'stackbuild lock'"
    wanted = {pin.name: (pin, declaration) for pin, declaration in pins}
    faults = []
    for pin in outdated(lock, (pin for pin, _ in wanted.values())):
        what = "is out of date in" if pin.name in lock else "is not in"
        where = wanted[pin.name][1].position(pin.key)
        faults.append(StackbuildError(f"{pin.name[1]} {what} {LOCK_FILE}", where=where, hint=hint))
    unused = [name for name in lock.names() if name not in wanted] if all_known else []
    return faults + [
        StackbuildError(f"{LOCK_FILE} has {name[1]}, which no target names", hint=hint) for name in unused
    ]


def _moved(before: Entry | None, after: Entry | None) -> Iterator[str]:
    """In words, how an entry changed."""
    old, new = _versions(before), _versions(after)
    if before is None or after is None or (before.get("packages") is None and after.get("packages") is None):
        yield f"{_shown(before)} -> {_shown(after)}"
    elif old == new:
        yield "the same packages, from elsewhere or for another request"
    else:
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        for name in changed:
            yield f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"


def _versions(entry: Mapping[str, Any] | None) -> dict[str, str]:
    packages = (entry or {}).get("packages", ())
    return {str(package.get("path") or package["name"]): str(package["version"]) for package in packages}


def _shown(entry: Entry | None) -> str:
    """An entry in a word: its digest, its only value, or how many packages it lists."""
    if entry is None:
        return "none"
    if "packages" in entry:
        return f"{len(entry['packages'])} packages"
    return str(entry.get("digest") or next(iter(entry.values()), "nothing"))
