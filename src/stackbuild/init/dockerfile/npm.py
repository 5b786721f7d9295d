"""npm in a RUN: what a package-lock.json says as a `packages` target."""

from __future__ import annotations

import json
import posixpath
from typing import Any

from .options import Options
from .pieces import Packages
from .shell import Command
from .stage import Stage, check
from .trouble import Untranslated
from .work import Run


def npm(run: Run, command: Command, words: list[str]) -> None:
    """npm ci, and npm install without names, where there is a lock."""
    found = Options(words[1:], "", ("omit", "include", "only", "prefix", "loglevel", "registry", "cache"))
    verb, names = (found.rest[0], found.rest[1:]) if found.rest else ("", [])
    if verb in ("cache", "config", "set", "audit", "fund"):
        return
    if verb == "prune" and (pieces := list(run.stage.packages("npm"))):
        pieces[-1].fields |= _omitted(run, command, found)
        return
    if verb in ("install", "i", "ci", "clean-install") and not names and not found.has("g", "global"):
        _modules(run, command, found)
        return
    if found.has("g", "global"):
        raise Untranslated(
            "global packages of npm have no translation", "add them to package.json, and lock it"
        )
    raise Untranslated


def _omitted(run: Run, command: Command, found: Options) -> dict[str, Any]:
    omit = found.values("omit")
    production = {**run.stage.variables(), **command.env}.get("NODE_ENV") == "production"
    if (
        found.has("production")
        or found.value("only") in ("production", "prod")
        or (production and not found.has("include"))
    ):
        omit = ["dev", *omit]
    return {"omit": list(dict.fromkeys(omit))} if omit else {}


def _modules(run: Run, command: Command, found: Options) -> None:
    folder = run.absolute(found.value("prefix") or ".")
    names = ("npm-shrinkwrap.json", "package-lock.json")
    sources = [run.stage.source_of(posixpath.join(folder, name)) for name in names]
    lock = next((path for path in sources if path and path in run.stage.context.modes), None)
    if lock is None:
        raise Untranslated("the context has no package-lock.json for it", "run npm install, and this again")
    fields: dict[str, Any] = {
        "ecosystem": "npm",
        "package_lock": lock,
        "to": folder,
        **_omitted(run, command, found),
    }
    if run.stage.base.musl:
        fields["libc"] = "musl"
    if registry := found.value("registry"):
        fields["registry"] = registry
    check("packages", fields)
    if not _has_packages(run.stage, lock):
        return
    old = next(
        (
            piece
            for piece in run.stage.packages("npm")
            if piece.holds == [posixpath.join(folder, "node_modules")]
        ),
        None,
    )
    if old:
        old.fields = fields
    else:
        run.stage.pieces.append(
            Packages(run.item.line, "modules", fields, [posixpath.join(folder, "node_modules")])
        )


def _has_packages(stage: Stage, lock: str) -> bool:
    """Whether a lock has any; unreadable ones are for the build to judge."""
    try:
        return bool([name for name in json.loads(stage.text(lock))["packages"] if name])
    except (ValueError, KeyError, TypeError):
        return True
