"""Maintainer scripts, read and never run: what they ask for that is done here, and whether more is in them.

Most of a script is what debhelper put there, each piece under a line that names the tool (debhelper(7));
the rest is shell. What is understood is done natively elsewhere; a script with anything else is named to
the user.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ...frozen import frozen

_PIECE = re.compile(
    r"^# Automatically added by (\S+?)(?:/\S*)?\n(.*?)^# End automatically added section\n", re.M | re.S
)
_NOISE = re.compile(
    r"""
    set\s+-\w+ | exit(\s+\S+)? | \#.* | case\s.*\sin | .*\)\s* | ;; | esac(;)? | fi(;)? | done | else | then
    | do | (if|elif|while|until)\s.*(\[|test\s|!|--compare-versions\s|command\s+-v\s).* | \} | \{
    | \w+\s*\(\)\s*\{? | : | true | return(\s.*)? | break | shift | for\s.* | echo\s.* | db_\w+.*
    | \.\s+/usr/share/debconf/confmodule | (export\s+)?[A-Za-z_]\w*=\S* | local\s.* | log_\w+.*
    | rm\s+-r?f\s.* | systemd-tmpfiles\s.* | ldconfig | dpkg-divert\s.*(usr-is-merged|--remove).*
    | dpkg-maintscript-helper\s.* | \[.*\]\s*(\|\||&&)\s*(true|:|exit.*|return.*)
    """,
    re.X,
)
"""Lines of shell that change nothing in a root which is made from nothing."""
_HARMLESS = re.compile(
    r"""dh_(
    apparmor | bugfiles | desktop | elpa | fixperms | gconf | girepository | glib | gtkmodules | icons
    | install(alternatives|cron|dbus|deb|debconf|dirs|docs|emacsen|fonts|gsettings|info|init|logrotate|man)
    | install(menu|mime|pam|systemd|systemduser|sysusers|tmpfiles|udev|wm) | lintian | makeshlibs | mime
    | movetousr | perl | python[23] | runit | strip | systemd_(enable|start) | sysuser | usrlocal | vim-addon
    )""",
    re.X,
)
"""Tools whose pieces start services, keep the caches of a desktop, or ask for what is done here."""
_ASSIGNED = re.compile(r"""^\s*([A-Za-z_]\w*)=(?:(["'])([^$`"'\\\n]*)\2|([^$`"'\s\\;]+))\s*;?\s*$""", re.M)
_LOOP = re.compile(r"\bfor\s+(\w+)\s+in\s+([^;\n$`]*?)\s*[;\n]\s*do\b((?:(?!\bdo\b).)*?)\bdone\b", re.S)
_BETWEEN = re.compile(r"\s*(?:;;?|&&|\|\|)\s*|\bthen\b|\bdo\b")  # two simple commands
_PROGRAMS = ("adduser", "addgroup", "useradd", "groupadd")
_DONE = ("update-alternatives", *_PROGRAMS, "setcap", "ldconfig")


@frozen
class Alternative:
    """A choice that update-alternatives(1) is told of. slaves: (link, name, path) that go with it."""

    link: str
    name: str
    path: str
    priority: int
    slaves: tuple[tuple[str, str, str], ...] = ()


def pieces(script: str) -> Iterator[tuple[str, str]]:
    """What debhelper added to a script: (tool, shell)."""
    for match in _PIECE.finditer(script):
        yield match[1], match[2]


def commands(script: str, programs: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The simple commands of a script that run one of some programs: which, and the words after it. What
    cannot be split is left out."""
    named = re.compile("|".join(map(re.escape, programs)))
    text = _unrolled(script)
    if not named.search(_bare(text)):
        return  # as most do not, and to split takes long
    for line in re.sub(r"\\\n\s*", " ", text).split("\n"):
        for part in _BETWEEN.split(line) if named.search(_bare(line)) else ():
            if not named.search(_bare(part)):
                continue
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue
            program = words[0].rpartition("/")[2] if words else ""
            if program in programs:
                yield program, words[1:]


def _bare(text: str) -> str:
    """Shell without what quotes."""
    return text.replace("\\", "").replace('"', "").replace("'", "")


def _unrolled(script: str) -> str:
    """A script with the variables in their place that it sets once and for all, and loops over words written
    out."""
    known = {match[1]: match[3] if match[2] else match[4] for match in _ASSIGNED.finditer(script)}
    text = _expanded(script, known)
    return _LOOP.sub(
        lambda loop: "\n".join(_expanded(loop[3], {loop[1]: word}) for word in loop[2].split()), text
    )


def _expanded(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda name: known.get(name[1] or name[2], name[0]), text)


def unknown(script: str) -> bool:
    """Whether a script does something that is neither known to be harmless nor done here."""
    if any(not _HARMLESS.fullmatch(tool) for tool, _ in pieces(script)):
        return True
    rest = [line.strip() for line in re.sub(r"\\\n\s*", " ", _PIECE.sub("", script)).split("\n")]
    return any(line and not _NOISE.fullmatch(line) and not line.startswith(_DONE) for line in rest)


def alternatives(script: str) -> Iterator[Alternative]:
    """The choices that a script installs."""
    for _, words in commands(script, ["update-alternatives"]):
        if "--install" not in words:
            continue
        at = words.index("--install")
        main, rest = words[at + 1 : at + 5], words[at + 5 :]
        slaves = [
            (rest[i + 1], rest[i + 2], rest[i + 3])
            for i, word in enumerate(rest)
            if word == "--slave" and len(rest) > i + 3
        ]
        if len(main) == 4 and main[3].lstrip("-").isdigit() and all("$" not in word for word in main):
            fixed = tuple(slave for slave in slaves if all("$" not in word for word in slave))
            yield Alternative(main[0], main[1], main[2], int(main[3]), fixed)


@frozen
class Account:
    """A user with a group of its own, or a group. uid: "" for any; group: of a user, by name."""

    name: str
    is_user: bool
    number: str = ""
    comment: str = ""
    home: str = "/nonexistent"
    shell: str = "/usr/sbin/nologin"
    group: str = ""


_VALUED = {
    **{"--home": "home", "--home-dir": "home", "-d": "home", "--shell": "shell", "-s": "shell"},
    **{"--gecos": "comment", "--comment": "comment", "-c": "comment", "--uid": "number", "-u": "number"},
    **{"--gid": "number", "--ingroup": "group", "-g": "group", "--firstuid": "", "--lastuid": ""},
}


def accounts(script: str) -> Iterator[Account]:
    """The system users and groups that a script makes with adduser(8) and its kin."""
    for program, words in commands(script, _PROGRAMS):
        if {"--system", "-r"} & set(words) and (account := _account(program, words)):
            yield account


def _account(program: str, words: list[str]) -> Account | None:
    found: dict[str, str] = {}
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in _VALUED:
            found[_VALUED[name]] = value if equals else next(rest, "")
        elif re.fullmatch(r"[a-z_][a-z0-9_-]*", word):
            names.append(word)
    found.pop("", None)
    if len(names) != 1 or any("$" in text for text in found.values()):
        return None
    return Account(names[0], program in ("adduser", "useradd"), **found)
