"""apt-get in a RUN: Debian packages as a `packages` target."""

from __future__ import annotations

import re

from .options import Options
from .pieces import Packages
from .shell import Command
from .stage import check
from .trouble import Untranslated
from .work import Run


def apt(run: Run, command: Command, words: list[str]) -> None:
    """apt-get install; what only fills or empties apt's own folders is nothing."""
    found = Options(words[1:], "otc", ("option", "target-release"))
    verb, names = (found.rest[0], found.rest[1:]) if found.rest else ("", [])
    if verb in ("update", "clean", "autoclean", "autoremove", "auto-remove", "check"):
        return
    if verb in ("upgrade", "dist-upgrade", "full-upgrade"):
        raise Untranslated(
            "the base's packages stay as they are", "take a newer base: stackbuild lock --upgrade"
        )
    piece = next(run.stage.packages("deb"), None)
    if verb in ("remove", "purge") and piece:
        away = {name.rstrip("-") for name in names}
        left = [item for item in piece.fields["install"] if item.partition(" ")[0] not in away]
        if len(piece.fields["install"]) - len(left) == len(away):
            piece.fields["install"] = left
            return
    if verb != "install" or not names:
        raise Untranslated
    if found.has("t", "target-release"):
        raise Untranslated("packages of another release have no translation here", "see [workspace.deb.NAME]")
    local = [name for name in names if "/" in name or name.endswith((".deb", "-", "+"))]
    if local:
        raise Untranslated(
            f"'{local[0]}' has no translation", "give it as an archive, or from [workspace.deb.NAME]"
        )
    install = [
        f"{name} (= {version})" if version else name for name, _, version in (n.partition("=") for n in names)
    ]
    recommends = not (
        found.has("no-install-recommends") or "APT::Install-Recommends=false" in " ".join(words)
    )
    _system(run, install, recommends)


def _system(run: Run, install: list[str], recommends: bool) -> None:
    """All of a stage's Debian packages are one target, for they share dpkg's database."""
    install = [re.sub(r":(amd64|arm64|any|native)\b", "", name) for name in install]
    piece = next(run.stage.packages("deb"), None)
    old = piece.fields["install"] if piece else []
    merged = [*old, *(name for name in dict.fromkeys(install) if name not in old)]
    check("packages", {"ecosystem": "deb", "install": merged})
    if piece is None:
        piece = Packages(run.item.line, "system", {"ecosystem": "deb"})
        run.stage.pieces.append(piece)
    piece.fields["install"] = merged
    if recommends:
        piece.fields["recommends"] = True
