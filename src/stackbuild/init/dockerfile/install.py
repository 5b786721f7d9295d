"""Commands of a RUN that install packages."""

from __future__ import annotations

from .apt import apt
from .npm import npm
from .shell import Command
from .trouble import Untranslated
from .wheels import pip, python, uv, virtualenv
from .work import Handler, Run


def _foreign(run: Run, command: Command, words: list[str]) -> None:
    """A package manager whose packages are no ecosystem here."""
    verbs = {"cache", "clean", "update", "makecache"}
    if len(words) > 1 and words[1] in verbs and words[0] != "go":
        return
    raise Untranslated(
        f"packages of {words[0]} have no translation", "take a base that has them, or add them as files"
    )


INSTALLERS: dict[str, Handler] = {
    "apt-get": apt,
    "apt": apt,
    **dict.fromkeys(("pip", "pip3"), pip),
    **dict.fromkeys(("python", "python3"), python),
    "virtualenv": virtualenv,
    "uv": uv,
    "npm": npm,
    **dict.fromkeys(
        ("apk", "yum", "dnf", "microdnf", "zypper", "pacman", "conda", "mamba", "micromamba"), _foreign
    ),
}
