"""Node projects: package.json with package-lock.json."""

from __future__ import annotations

import re
import shlex
from typing import Any

from ..draft import Draft, Table
from .folder import UNWANTED, Folder, table

_CURRENT = 22
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")


def node(folder: Folder) -> list[Table | str] | None:
    """Targets for a Node project that is run; None when it is none."""
    package = folder.json("package.json")
    if not package or package.get("workspaces"):
        return None
    command, remark = _command(folder, package)
    if command is None:
        return None
    draft, base, layers = Draft(), folder.names.take("node"), []
    draft.add("base", base, image=f"docker.io/library/node:{_major(package)}-slim")
    lock = next((name for name in _LOCKS if folder.has(name)), None)
    remarks = [remark] if remark else []
    if lock and any(name for name in folder.json(lock).get("packages", ()) if name):
        layers.append(folder.names.take("modules"))
        draft.add("packages", layers[-1], ecosystem="npm", package_lock=lock, to="/app", omit=["dev"])
    elif package.get("dependencies") and not lock:
        remarks.append(
            "Its dependencies are not here: there is no package-lock.json, which 'npm install' writes."
        )
    away = [*UNWANTED, "!stackbuild.lock", *(f"!{name}" for name in folder.own_projects())]
    layers.append(folder.names.take("src"))
    draft.add("files", layers[-1], srcs=["**", *away], to="/app")
    image = {"base": f":{base}", "layers": [f":{name}" for name in layers], "cmd": command, "workdir": "/app"}
    draft.add("image", folder.names.take("img"), remarks=remarks, **image)
    return draft.tables


def _command(folder: Folder, package: dict[str, Any]) -> tuple[list[str] | None, str]:
    """What runs, and a remark where it must be made first."""
    scripts = package.get("scripts")
    start, main = table(scripts, "start"), package.get("main")
    remark = (
        "scripts.build is not run: run it before, where the program needs its result."
        if table(scripts, "build")
        else ""
    )
    try:
        words = shlex.split(start) if isinstance(start, str) else []
    except ValueError:
        words = []
    if words and words[0] == "node" and not re.search(r"[&|;$<>]", start):
        return words, remark
    if words:
        return ["npm", "start"], remark
    if isinstance(main, str) and (
        folder.has(main) or folder.has(f"{main}.js") or folder.has(f"{main}/index.js")
    ):
        return ["node", main], remark
    for name in ("server.js", "index.js", "app.js"):
        if folder.has(name):
            return ["node", name], remark
    return None, ""


def _major(package: dict[str, Any]) -> int:
    text = table(package, "engines", "node")
    found = re.match(r"([^\d]*)(\d{1,3})", text) if isinstance(text, str) else None
    if not found:
        return _CURRENT
    return max(_CURRENT, int(found[2])) if ">" in found[1] else int(found[2])
