"""dpkg's database, as tools and scanners read it.

Where the image has dpkg: /var/lib/dpkg/status, merged with the base's, and info/. Where it has none: a file
for each package in status.d/, as distroless images have it. Source: dpkg(1), "FILES"; dpkg's doc/internals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from ...errors import BuildFailed
from ..ecosystem import Package, Tree
from ..system import System
from ..trees import read
from .control import paragraphs, render
from .root import Root
from .universe import Candidate

_STATUS = "var/lib/dpkg/status"
_INFO = "var/lib/dpkg/info"
_SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
Trees = Mapping[str, tuple[Package, Tree]]


def is_database(path: str) -> bool:
    """Whether a file lists packages: `status`, or one of status.d."""
    return path == _STATUS or (path.startswith(f"{_STATUS}.d/") and not path.endswith(".md5sums"))


def registered(data: bytes) -> Iterator[Candidate]:
    """The packages that a database says are installed. Raises KeyError and ValueError when it is
    malformed."""
    for fields in paragraphs(data.decode("utf-8", "replace")):
        if fields.get("Status", "install ok installed").endswith(" installed"):
            yield Candidate.of({"Architecture": "all", **fields}, "")


def installed(system: System) -> list[Candidate]:
    """The packages that a base holds. Raises BuildFailed when its database is malformed."""
    found: list[Candidate] = []
    for path, data in sorted(system.files.items()):
        if is_database(path):
            try:
                found += registered(data)
            except (KeyError, ValueError) as error:
                raise BuildFailed(f"/{path} of the base is malformed: {error}") from error
    return found


def write_database(root: Root, trees: Trees) -> None:
    """Register the packages that were put into a root."""
    if _STATUS in root.system.files or any(package.name == "dpkg" for package, _ in trees.values()):
        _write_status(root, trees)
        return
    for package, tree in trees.values():
        control = {**tree.facts["control"], "Status": "install ok installed"}
        root.write(f"{_STATUS}.d/{package.name}", render(control), group=package.key)
        if sums := tree.facts["info"].get("md5sums"):
            root.write(f"{_STATUS}.d/{package.name}.md5sums", sums, group=package.key)


def _write_status(root: Root, trees: Trees) -> None:
    old = root.system.files.get(_STATUS, b"").decode("utf-8", "surrogateescape")
    names = {package.name for package, _ in trees.values()}
    kept = [fields for fields in paragraphs(old) if fields.get("Package") not in names]
    stanzas = [render(fields) for fields in kept]
    for package, tree in trees.values():
        stanzas.append(render(_stanza(root, package, tree)))
        _write_info(root, package, tree)
    root.write(_STATUS, "\n".join(stanzas))
    if not root.has(f"{_INFO}/format"):
        root.write(f"{_INFO}/format", "1\n")


def _stanza(root: Root, package: Package, tree: Tree) -> dict[str, str]:
    """A package's paragraph in `status`: its control file, that it is installed, and its configuration
    files."""
    control = dict(tree.facts["control"])
    found = {"Package": control.pop("Package"), "Status": "install ok installed", **control}
    lines = [f"\n {path} {mark}" for path, mark in _conffiles(root, package, tree)]
    return {**found, "Conffiles": "".join(lines)} if lines else found


def _conffiles(root: Root, package: Package, tree: Tree) -> Iterator[tuple[str, str]]:
    for line in tree.facts["info"].get("conffiles", "").split("\n"):
        path = line.strip()
        entry = root.entry(path) if line.startswith("/") else None
        if entry and entry.kind == "file":
            mark = tree.facts["conffiles"].get(path[1:]) if entry.group == package.key else None
            yield path, mark or hashlib.md5(read(entry), usedforsecurity=False).hexdigest()


def _write_info(root: Root, package: Package, tree: Tree) -> None:
    control = tree.facts["control"]
    name = package.name
    if control.get("Multi-Arch") == "same":
        name += f":{control['Architecture']}"
    for kind, text in tree.facts["info"].items():
        root.write(f"{_INFO}/{name}.{kind}", text, 0o755 if kind in _SCRIPTS else 0o644, group=package.key)
    paths = ["/.", *(f"/{entry.path}" for entry in tree.entries)]
    root.write(f"{_INFO}/{name}.list", "".join(f"{path}\n" for path in paths), group=package.key)


def vanished(root: Root, trees: Trees) -> None:
    """Delete files of packages that the base has in another version, and that the new one lacks."""
    new = {package.name for package, _ in trees.values()}
    for path, data in sorted(root.system.files.items()):
        name = path.removeprefix(f"{_INFO}/").removesuffix(".list").partition(":")[0]
        if path.startswith(f"{_INFO}/") and path.endswith(".list") and name in new:
            for line in data.decode("utf-8", "surrogateescape").splitlines():
                old = line.strip("/")
                if old and old not in (".",) and not root.is_folder(old) and not root.entry(old):
                    root.whiteout(old)
