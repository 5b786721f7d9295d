"""What maintainer scripts would have made, made natively: alternatives, accounts, certificates, links of
libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...layer import capabilities
from ..ecosystem import Package, Tree
from . import known
from .accounts import Accounts, write_shadow
from .certificates import write_bundle
from .root import Root
from .scripts import Alternative, accounts, alternatives, unknown

_RUN = ("preinst", "postinst")
Trees = Mapping[str, tuple[Package, Tree]]


def perform(root: Root, trees: Trees) -> None:
    """Everything that is done for packages that were put into a root."""
    for package, _ in trees.values():
        for step in known.STEPS.get(package.name, ()):
            _step(root, step)
    _accounts(root, trees)
    _libraries(root, trees)
    _alternatives(root, trees)
    if any(package.name == "ca-certificates" for package, _ in trees.values()):
        write_bundle(root)


def warnings(trees: Trees) -> Iterator[str]:
    """For each package whose scripts do something else, a line that names it."""
    for package, tree in trees.values():
        more = [name for name in _RUN if unknown(tree.facts["info"].get(name, ""))]
        if more and not known.settled(package.name):
            yield f"{package.name}: {' and '.join(more)} not run, and not all of it is done here"


def _scripts(tree: Tree) -> Iterator[str]:
    for name in _RUN:
        yield tree.facts["info"].get(name, "")


def _step(root: Root, step: known.Step) -> None:
    match step:
        case known.Copy(source, path):
            text = root.text(source)
            if text is not None and not root.has(path):
                root.write(path, text)
        case known.Link(path, target):
            root.link(path, target)
        case known.Folder(path, mode, owner):
            root.folder(path, mode, owner)
        case known.File(path, text, mode, owner):
            if not root.has(path):
                root.write(path, text, mode, owner)
        case known.Mode(path, mode, (uid, gid)):
            if entry := root.entry(path):
                root.entries[entry.path] = replace(entry, mode=mode, uid=uid, gid=gid)
        case known.Capability(path, text):
            if entry := root.entry(path):
                xattrs = ((capabilities.XATTR, capabilities.encode(text)),)
                root.entries[entry.path] = replace(entry, xattrs=xattrs, mode=entry.mode & ~0o4000)


def _accounts(root: Root, trees: Trees) -> None:
    made = Accounts(root.text("etc/passwd"), root.text("etc/group"))
    for path in sorted(path for path in root.entries if known.SYSUSERS.fullmatch(path)):
        made.sysusers(root.text(path) or "")
    for _, tree in trees.values():
        for script in _scripts(tree):
            for account in accounts(script):
                made.add(account)
    made.write(root)
    if any(package.name == "passwd" for package, _ in trees.values()):
        write_shadow(root)


def _libraries(root: Root, trees: Trees) -> None:
    """The links that ldconfig(8) makes: from a library's SONAME to its file."""
    for _, tree in trees.values():
        for path, soname in tree.facts["sonames"].items():
            folder, _, name = path.rpartition("/")
            if soname != name and "/" not in soname and root.has(path):
                root.link(f"{folder}/{soname}", name)


def _alternatives(root: Root, trees: Trees) -> None:
    """The links that update-alternatives(1) makes, and what it remembers."""
    offered: dict[str, list[Alternative]] = {}
    for _, tree in trees.values():
        for script in _scripts(tree):
            for alternative in alternatives(script):
                if root.has(alternative.path):
                    offered.setdefault(alternative.name, []).append(alternative)
    for name, choices in sorted(offered.items()):
        if root.text(f"var/lib/dpkg/alternatives/{name}") is not None:
            continue  # the base chose already
        best = max(choices, key=lambda choice: (choice.priority, choice.path))
        for link, inner, path in ((best.link, name, best.path), *best.slaves):
            if root.has(path):
                root.link(f"etc/alternatives/{inner}", path)
                root.link(link, f"/etc/alternatives/{inner}")
        root.write(f"var/lib/dpkg/alternatives/{name}", _remembered(choices))


def _remembered(choices: Sequence[Alternative]) -> str:
    """The administrative file of update-alternatives (its source, "alternative database")."""
    slaves = sorted({(inner, link) for choice in choices for link, inner, _ in choice.slaves})
    lines = ["auto", choices[0].link]
    for inner, link in slaves:
        lines += [inner, link]
    lines.append("")
    for choice in sorted({choice.path: choice for choice in choices}.values(), key=lambda item: item.path):
        paths = {inner: path for _, inner, path in choice.slaves}
        lines += [choice.path, str(choice.priority), *(paths.get(inner, "") for inner, _ in slaves)]
    return "\n".join([*lines, "", ""])
