"""What the names of well-known base images tell, without asking a registry: accounts, folder, Python."""

from __future__ import annotations

import re
from dataclasses import field

from ...frozen import frozen
from ...registry.reference import Reference

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_COMMON = {"root": (0, 0), "daemon": (1, 1), "bin": (2, 2), "nobody": (65534, 65534)}
_ACCOUNTS = {
    "node": {"node": (1000, 1000)},
    "nginx": {"nginx": (101, 101)},
    "nginx-unprivileged": {"nginx": (101, 101)},
    "redis": {"redis": (999, 1000)},
    "postgres": {"postgres": (999, 999)},
    "aspnet": {"app": (1654, 1654)},
    "runtime": {"app": (1654, 1654)},
    "ruby": {},
    "python": {},
}
_WORKDIRS = {"php": "/var/www/html", "golang": "/go", "composer": "/app"}
_JUPYTER = {"jovyan": (1000, 100)}
_GROUPS = {"root": 0, "daemon": 1, "bin": 2, "adm": 4, "tty": 5, "staff": 50, "users": 100, "www-data": 33}
_ENV = {"aspnet": {"APP_UID": "1654"}, "runtime": {"APP_UID": "1654"}}
_JUPYTER_ENV = {"NB_USER": "jovyan", "NB_UID": "1000", "NB_GID": "100", "HOME": "/home/jovyan"}


@frozen
class Base:
    """A base as its name tells it. accounts: user -> (uid, gid); workdir: None where not told; env: what
    instructions may use of the base's."""

    reference: str | None = None
    name: str = "scratch"
    tag: str = ""
    workdir: str | None = "/"
    accounts: dict[str, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    python: str = ""
    musl: bool = False

    @property
    def has_python(self) -> bool:
        """Whether it is one of the official Python images, whose Python lies in /usr/local."""
        return self.name == "python"


def base_of(text: str) -> Base:
    """What an image's reference tells. Raises ValueError when it is none."""
    if text == "scratch":
        return Base()
    reference = Reference.parse(text)
    path, tag = reference.repository.path, reference.tag
    name = path.rpartition("/")[2]
    musl = "alpine" in tag or name == "alpine"
    accounts = {**_COMMON, "www-data": (82, 82) if musl else (33, 33), **_ACCOUNTS.get(name, {})}
    if "distroless" in path:
        accounts["nonroot"] = (65532, 65532)
    if musl and name in ("redis", "postgres"):
        accounts[name] = (999, 1000) if name == "redis" else (70, 70)
    jupyter = path.startswith("jupyter/")
    version = re.match(r"3\.\d+", tag) if name == "python" else None
    known = _WORKDIRS.get(name, None if "/" in path.removeprefix("library/") else "/")
    return Base(
        str(reference),
        name,
        tag,
        "/home/jovyan" if jupyter else known,
        {**accounts, **(_JUPYTER if jupyter else {})},
        {**_GROUPS, "nogroup": 65533 if musl else 65534, "www-data": 82 if musl else 33},
        _JUPYTER_ENV if jupyter else _ENV.get(name, {}),
        version[0] if version else "",
        musl,
    )
