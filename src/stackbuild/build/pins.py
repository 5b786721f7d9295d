"""What targets stand on outside of the tree, held fast by stackbuild.lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..declare.lock import LOCK_FILE, Entry, Lock, Name
from ..declare.package import Declaration
from ..errors import DigestMismatch, RegistryError, RequestError, StackbuildError
from ..targets.target import Pin


class Pins:
    """Entries of the lock for targets that are built; shared by threads.

    locked: refuse what the lock does not hold, instead of resolving it on the way; note: told what was.
    """

    def __init__(self, lock: Lock, *, locked: bool, note: Callable[[str], None]) -> None:
        self._lock, self._locked, self._note = lock, locked, note
        self._guards: dict[Name, threading.Lock] = {}
        self._guard = threading.Lock()

    def entry(self, pin: Pin, declaration: Declaration) -> Entry:
        """The entry that a pin names. Raises RequestError when it is missing and must not be."""
        with self._guard:
            guard = self._guards.setdefault(pin.name, threading.Lock())
        with guard:
            if (entry := self._lock.get(pin.name)) is not None:
                return entry
            if self._locked:
                raise RequestError(
                    f"{pin.name[1]} is not in {LOCK_FILE}",
                    where=declaration.position(pin.key),
                    hint="run 'stackbuild lock' and commit it",
                )
            entry = resolved(pin, declaration)
            self._lock.put(pin.name, entry)
            self._note(f"locked {pin.name[1]}  {_shown(entry)}")
            return entry

    def save(self) -> None:
        """Write the lock file, if anything was resolved."""
        self._lock.save()


@dataclass
class Locking:
    """What locking did, or would have to do. changes: name -> (entry before, entry now)."""

    changes: dict[Name, tuple[Entry | None, Entry | None]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """A line for every entry that changed."""
        return [
            f"{name[1]}  {_shown(before)} -> {_shown(after)}"
            for name, (before, after) in sorted(self.changes.items())
        ]


def resolved(pin: Pin, declaration: Declaration) -> Entry:
    """What a pin means now. Raises RegistryError and DigestMismatch, at the field that names it."""
    try:
        return pin.resolve()
    except (RegistryError, DigestMismatch) as error:
        where = error.where or declaration.position(pin.key)
        raise type(error)(error.what, where=where, hint=error.hint) from error


def relock(lock: Lock, pins: Iterable[tuple[Pin, Declaration]], *, upgrade: bool, all_known: bool) -> Locking:
    """Resolve what the lock lacks; upgrade: all of it; all_known: the pins are all that there are, so
    that entries which none of them names are taken away. Nothing is written."""
    done = Locking()
    wanted = {pin.name: (pin, declaration) for pin, declaration in pins}
    for name in sorted(wanted):
        before = lock.get(name)
        if before is None or upgrade:
            after = resolved(*wanted[name])
            if after != before:
                lock.put(name, after)
                done.changes[name] = (before, after)
    if all_known:
        for name in lock.names():
            if name not in wanted:
                done.changes[name] = (lock.get(name), None)
                lock.remove(name)
    return done


def stale(lock: Lock, pins: Iterable[tuple[Pin, Declaration]], *, all_known: bool) -> list[StackbuildError]:
    """What is wrong with a lock that should hold these pins, without asking anybody outside."""
    wanted = {pin.name: (pin, declaration) for pin, declaration in pins}
    faults = [
        StackbuildError(
            f"{name[1]} is not in {LOCK_FILE}",
            where=declaration.position(pin.key),
            hint="run 'stackbuild lock'",
        )
        for name, (pin, declaration) in wanted.items()
        if name not in lock
    ]
    unused = [name for name in lock.names() if name not in wanted] if all_known else []
    hint = "run 'stackbuild lock'"
    return faults + [
        StackbuildError(f"{LOCK_FILE} has {name[1]}, which no target names", hint=hint) for name in unused
    ]


def _shown(entry: Entry | None) -> str:
    """An entry in a word: its digest, or its only value."""
    if entry is None:
        return "none"
    return entry.get("digest") or next(iter(entry.values()), "nothing")
