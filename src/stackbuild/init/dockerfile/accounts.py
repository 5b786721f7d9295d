"""Accounts that a Dockerfile makes: which numbers they have, as useradd, adduser and BusyBox would choose."""

from __future__ import annotations

from dataclasses import dataclass, field

from .options import Options
from .trouble import Untranslated

_LAST_SYSTEM, _FIRST_USER, _FIRST_ADDUSER = 999, 1000, 100


@dataclass
class Accounts:
    """The users and groups of a stage. homes: user -> folder; sure: false once a number was chosen here."""

    users: dict[str, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)

    def copy(self) -> Accounts:
        """The same, to go on with."""
        return Accounts(dict(self.users), dict(self.groups), dict(self.homes), set(self.guessed))

    def owner(self, text: str) -> tuple[int, int]:
        """The numbers of "user", "user:group" or ":group". Raises Untranslated for a name nobody knows."""
        user, colon, group = text.partition(":")
        uid, gid = (int(user), int(user)) if user.isdigit() else self._user(user)
        if user.isdigit():
            gid = next(
                (theirs for number, theirs in self.users.values() if number == uid), gid if not colon else 0
            )
        if group:
            gid = int(group) if group.isdigit() else self._group(group)
        return uid, gid

    def _user(self, name: str) -> tuple[int, int]:
        if not name:
            return 0, 0
        if name not in self.users:
            raise Untranslated(
                f"the number of the user '{name}' is not known", "write it as numbers, uid:gid"
            )
        return self.users[name]

    def _group(self, name: str) -> int:
        if name in self.groups:
            return self.groups[name]
        if name in self.users:
            return self.users[name][1]
        raise Untranslated(f"the number of the group '{name}' is not known", "write it as numbers, uid:gid")

    def add_group(self, name: str, gid: str | None, *, system: bool, upward: bool) -> int:
        """A new group. upward: system numbers are given from 100 on, not from 999 down."""
        taken = {*self.groups.values(), *(gid for _, gid in self.users.values())}
        if gid is None:
            self.guessed.add(name)
        self.groups[name] = _number(gid) if gid else _free(taken, system=system, upward=upward)
        return self.groups[name]

    def add_user(
        self, name: str, uid: str | None, group: str | None, *, system: bool, upward: bool, home: str
    ) -> None:
        """A new user; group: of its own when None."""
        if uid is None:
            self.guessed.add(name)
        taken = {number for number, _ in self.users.values()}
        if group is None and name not in self.groups:
            taken |= set(self.groups.values())  # so that its group can have the same number
        number = _number(uid) if uid else _free(taken, system=system, upward=upward)
        if group is not None:
            gid = int(group) if group.isdigit() else self._group(group)
        elif name in self.groups:
            gid = self.groups[name]
        else:
            gid = self.add_group(name, str(number), system=system, upward=upward)
        self.users[name], self.homes[name] = (number, gid), home


def _number(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**32 - 1:
        raise Untranslated(f"'{text}' is no number of an account", "correct it")
    return int(text)


def _free(taken: set[int], *, system: bool, upward: bool) -> int:
    if system and not upward:
        return next(number for number in range(_LAST_SYSTEM, 0, -1) if number not in taken)
    start = _FIRST_ADDUSER if system else _FIRST_USER
    return next(number for number in range(start, start + 60000) if number not in taken)


def useradd(accounts: Accounts, words: list[str]) -> str:
    """useradd(8) of shadow; the new user's name. Raises Untranslated."""
    found = Options(
        words,
        "ugGdscKpPekfRb",
        ("uid", "gid", "groups", "home-dir", "home", "shell", "comment", "key", "base-dir", "password"),
    )
    name = found.only("a user")
    system = found.has("r", "system")
    home = found.value("d", "home-dir", "home") or f"/home/{name}"
    accounts.add_user(
        name,
        found.value("u", "uid"),
        found.value("g", "gid"),
        system=system,
        upward=False,
        home=home if found.has("m", "create-home") else "",
    )
    return name


def groupadd(accounts: Accounts, words: list[str]) -> str:
    """groupadd(8) of shadow; the new group's name. Raises Untranslated."""
    found = Options(words, "gKpRPU", ("gid", "key", "password", "users"))
    name = found.only("a group")
    accounts.add_group(name, found.value("g", "gid"), system=found.has("r", "system"), upward=False)
    return name


def adduser(accounts: Accounts, words: list[str], *, busybox: bool) -> str:
    """adduser of Debian or of BusyBox; the user's name. Raises Untranslated."""
    found = Options(
        words, "uGhgskc" if busybox else "u", ("uid", "gid", "home", "shell", "gecos", "ingroup", "comment")
    )
    if len(found.rest) == 2:  # adduser USER GROUP: one more group, which no file of the image's shows
        return found.rest[0]
    name = found.only("a user")
    system = found.has("S", "system")
    group = found.value("G", "ingroup") or (found.value("gid") if not busybox else None)
    if group is None and system and not found.has("group"):
        group = "65533" if busybox else "65534"  # nogroup
    home = found.value("home", *("h",) if busybox else ()) or (
        "" if system and not busybox else f"/home/{name}"
    )
    made = not found.has("H", "no-create-home")
    accounts.add_user(
        name, found.value("u", "uid"), group, system=system, upward=True, home=home if made else ""
    )
    return name


def addgroup(accounts: Accounts, words: list[str]) -> str:
    """addgroup of Debian or of BusyBox; the group's name. Raises Untranslated."""
    found = Options(words, "g", ("gid",))
    if len(found.rest) == 2:
        return found.rest[1]
    name = found.only("a group")
    accounts.add_group(name, found.value("g", "gid"), system=found.has("S", "system"), upward=True)
    return name
