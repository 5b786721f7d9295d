"""The users and groups that packages ask for, added to etc/passwd and etc/group.

Numbers are given in the order of names, from 100 up, as adduser(8) gives them: the same set of packages on
the same base has the same numbers. Source: sysusers.d(5), passwd(5), group(5), Debian Policy section 9.2.
"""

from __future__ import annotations

import shlex

from .root import Root
from .scripts import Account

_SYSTEM = range(100, 1000)
_SHADOW = 42  # the group that base-passwd gives for good
_ROOT_USER = "root:x:0:0:root:/root:/bin/sh\n"
_ROOT_GROUP = "root:x:0:\n"


def _table(text: str) -> dict[str, list[str]]:
    """The lines of passwd(5) or group(5), split, by name."""
    lines = (line.split(":") for line in text.splitlines() if ":" in line)
    return {line[0]: line for line in lines}


class Accounts:
    """The accounts of a root. passwd, group: the files as they are, None where there is none."""

    def __init__(self, passwd: str | None, group: str | None) -> None:
        self._passwd, self._group = passwd or "", group or ""
        self._users, self._groups = _table(self._passwd), _table(self._group)
        self._wanted: dict[tuple[bool, str], Account] = {}
        self._members: set[tuple[str, str]] = set()

    def add(self, account: Account) -> None:
        """Ask for a user or a group; who asks first decides what it is like."""
        self._wanted.setdefault((account.is_user, account.name), account)

    def sysusers(self, text: str) -> None:
        """Ask for what a file of sysusers.d does; what cannot be read is passed over."""
        for line in text.splitlines():
            try:
                words = shlex.split(line, comments=True)
            except ValueError:
                continue
            kind, name, number, comment, home, shell = [*words, *["-"] * 6][:6]
            number = "" if not number.partition(":")[0].isdigit() else number
            if kind in ("u", "u!"):
                home, shell = home if home != "-" else "/", shell if shell != "-" else "/usr/sbin/nologin"
                comment = comment if comment != "-" else ""
                self.add(Account(name, True, number, comment, home, shell, name))
            elif kind == "g":
                self.add(Account(name, False, number))
            elif kind == "m":
                self._members.add((name, number if number else words[2] if len(words) > 2 else ""))

    def write(self, root: Root) -> None:
        """Write both files, when something was asked for that is not there."""
        missing = [
            account
            for (is_user, name), account in sorted(self._wanted.items())
            if name not in (self._users if is_user else self._groups)
        ]
        if not missing:
            return
        self._passwd, self._group = self._passwd or _ROOT_USER, self._group or _ROOT_GROUP
        for account in missing:
            if account.is_user:
                self._make_user(account)
            else:
                self._make_group(account.name, account.number)
        root.write("etc/passwd", self._passwd)
        root.write("etc/group", self._with_members())

    def _make_group(self, name: str, number: str) -> str:
        if name not in self._groups:
            number = number or self._free()
            self._groups[name] = [name, "x", number, ""]
            self._group += f"{name}:x:{number}:\n"
        return self._groups[name][2]

    def _make_user(self, account: Account) -> None:
        number, _, given = account.number.partition(":")
        number = number or self._free()
        if given.isdigit():
            group = given
        elif account.group in self._groups and account.group != account.name:
            group = self._groups[account.group][2]
        else:
            group = self._make_group(account.name, number)
        line = [
            account.name,
            "x",
            number,
            group,
            account.comment.replace(":", ""),
            account.home,
            account.shell,
        ]
        self._users[account.name] = line
        self._passwd += ":".join(line) + "\n"

    def _free(self) -> str:
        taken = {line[2] for table in (self._users, self._groups) for line in table.values() if len(line) > 2}
        return next(str(number) for number in _SYSTEM if str(number) not in taken)

    def _with_members(self) -> str:
        lines = []
        for line in self._group.splitlines():
            parts = line.split(":")
            more = sorted(user for user, group in self._members if group == parts[0] and user in self._users)
            if len(parts) == 4:
                parts[3] = ",".join(dict.fromkeys([*filter(None, parts[3].split(",")), *more]))
            lines.append(":".join(parts))
        return "\n".join(lines) + "\n"


def write_shadow(root: Root) -> None:
    """Make etc/shadow and etc/gshadow, as shadowconfig(8) does, where there are none: nobody has a
    password."""
    for path, source, rest in (
        ("etc/shadow", "etc/passwd", "*::0:99999:7:::"),
        ("etc/gshadow", "etc/group", "*::"),
    ):
        text = root.text(source)
        if text is not None and not root.has(path):
            root.write(path, "".join(f"{name}:{rest}\n" for name in _table(text)), 0o640, (0, _SHADOW))
