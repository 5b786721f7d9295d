"""Static sites: a folder with an index.html, on a web server."""

from __future__ import annotations

from ..draft import Draft, Table
from .folder import UNWANTED, Folder

_PLACES = ("public", "site", "_site", "www", "html", "build", "out", "dist")


def site(folder: Folder) -> list[Table | str] | None:
    """Targets for a site, or None when there is none, or when it is part of a project."""
    if folder.inside:
        return None
    built = [name for name in _PLACES if folder.has(f"{name}/index.html") and folder.sees(name)]
    if folder.has("index.html") and not folder.has("package.json"):
        fields = {
            "srcs": [
                "**",
                *UNWANTED,
                "!stackbuild.lock",
                "!README*",
                *(f"!{name}" for name in folder.own_projects()),
            ]
        }
    elif built:
        fields = {"srcs": [f"{built[0]}/**", "!**/.*"], "strip_prefix": built[0]}  # type: ignore[dict-item]
    else:
        return None
    draft, base, layer = Draft(), folder.names.take("nginx"), folder.names.take("site")
    draft.add("base", base, image="docker.io/library/nginx:stable-alpine")
    draft.add("files", layer, **fields, to="/usr/share/nginx/html")
    draft.add("image", folder.names.take("img"), base=f":{base}", layers=[f":{layer}"], ports=["80"])
    return draft.tables
