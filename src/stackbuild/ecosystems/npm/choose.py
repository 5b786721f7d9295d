"""Which packages of a lock are installed: those that are asked for and fit the platform.

As npm does it: what is optional and does not fit is left out, with whatever needs it and what only that
needed; what is needed and does not fit is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from ...frozen import frozen
from ..ecosystem import Ask
from .lock import FOLDER, Entry, Lock, is_installed, refused

_OS = {"windows": "win32"}
_CPU = {
    "amd64": "x64",
    "386": "ia32",
    "ppc64le": "ppc64",
    "mips64le": "mips64el",
    "mipsle": "mipsel",
}


@frozen
class Machine:
    """A platform in npm's words: `process.platform`, `process.arch`, and "glibc" or "musl" on Linux."""

    os: str
    cpu: str
    libc: str

    @classmethod
    def of(cls, platform: str, libc: str) -> Machine:
        """The words for "os/arch[/variant]"."""
        os, cpu = platform.split("/")[:2]
        return cls(_OS.get(os, os), _CPU.get(cpu, cpu), libc if os == "linux" else "")

    def fits(self, entry: Entry) -> bool:
        """Whether a package says that it runs here."""
        pairs = ((self.os, entry.os), (self.cpu, entry.cpu), (self.libc, entry.libc))
        return all(_allows(wanted, value) for value, wanted in pairs)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.os, self.cpu, self.libc)))


def _allows(wanted: list[str] | str, value: str) -> bool:
    """Whether a list, as ["linux", "darwin"] or ["!win32"], allows a value."""
    words = [wanted] if isinstance(wanted, str) else wanted
    if not words or words == ["any"]:
        return True
    if f"!{value}" in words:
        return False
    return value in words or all(word.startswith("!") for word in words)


def chosen(ask: Ask, lock: Lock, machine: Machine, omit: Collection[str]) -> dict[str, Entry]:
    """What is to be in node_modules, by place. Raises RequestError when something needed does not fit."""
    wanted = {
        place: entry
        for place, entry in lock.entries.items()
        if is_installed(place) and not entry.extraneous and not _is_omitted(entry, omit)
    }
    unfit = [place for place, entry in wanted.items() if not entry.link and not machine.fits(entry)]
    for place in unfit:
        if not wanted[place].optional:
            hint = "choose other platforms, or a package that fits"
            raise refused(ask, place, f"it is needed, and does not fit {machine}", hint)
    gone = _without(lock, unfit)
    gone |= {place for place in wanted if any(f"{place}/".startswith(f"{other}/") for other in gone)}
    return {place: entry for place, entry in wanted.items() if place not in gone}


def _is_omitted(entry: Entry, omit: Collection[str]) -> bool:
    """A package that is wanted for another reason too has none of the flags, or only `devOptional`."""
    return (
        (entry.dev and "dev" in omit)
        or (entry.optional and "optional" in omit)
        or (entry.peer and "peer" in omit)
        or (entry.dev_optional and "dev" in omit and "optional" in omit)
    )


def _without(lock: Lock, unfit: Iterable[str]) -> set[str]:
    """What goes with packages that do not fit: up to the optional dependency, then down what nobody else
    needs."""
    users: dict[str, dict[str, bool]] = {}
    needs: dict[str, Mapping[str, bool]] = {place: lock.needs(place) for place in lock.entries}
    for user, found in needs.items():
        for place, optional in found.items():
            users.setdefault(place, {})[user] = optional
    gone: set[str] = set()
    for place in unfit:
        up = _closure([place], lambda at: [user for user, free in users.get(at, {}).items() if not free])
        doomed = _closure(up, lambda at: list(needs[at]))
        while kept := {at for at in doomed - up if users.get(at, {}).keys() - doomed - gone}:
            doomed -= kept
        gone |= doomed
    return gone


def _closure(start: Iterable[str], follow: Callable[[str], list[str]]) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        for other in follow(waiting.pop()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def bundler(entries: Mapping[str, Entry], place: str) -> str:
    """The package whose tarball holds what is at `place`: itself, or one that bundles it."""
    while entries[place].in_bundle:
        above = place.rpartition(f"/{FOLDER}/")[0]
        if above not in entries or not is_installed(above):
            break  # the project's own bundle is made when it is published
        place = above
    return place
