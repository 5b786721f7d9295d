"""Rules of modes: who can become whom, and who can write where."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from .finding import Finding, rule
from .image import CheckedImage
from .users import find_user

SETUID = rule(
    "setuid",
    "warning",
    "a program is run with its owner's rights",
    """A file in a layer of this workspace has the setuid or setgid bit and an execute bit: whoever runs it
    has the rights of its owner or group. Packages such as sudo, passwd and mount bring some; allow
    those that are needed.""",
)
WRITABLE = rule(
    "world-writable",
    "warning",
    "everybody may write to it",
    """A file, or a folder without the sticky bit, in a layer of this workspace may be written by every
    user.""",
)
ROOT = rule(
    "root",
    "info",
    "the command runs as root",
    """The image names no user, or root. A process that breaks out of a container of root's is root
    outside, unless user namespaces are in use. Set `user` to a name or number.""",
)


def setuid(image: CheckedImage) -> Iterator[Finding]:
    """Programs with rights of their own."""
    for path, node in image.our_nodes:
        bits, mode = node.entry.mode & (stat.S_ISUID | stat.S_ISGID), node.entry.mode
        if node.entry.kind == "file" and bits and mode & 0o111:
            owner, group = node.entry.uid, node.entry.gid
            whose = f"user {owner}" if bits & stat.S_ISUID else f"group {group}"
            hint = "give it a mode without, or allow it with a reason"
            yield Finding(SETUID, f"has mode {mode:04o}: it runs as {whose}", hint, path, node.layer)


def writable(image: CheckedImage) -> Iterator[Finding]:
    """What everybody may change."""
    for path, node in image.our_nodes:
        kind, mode = node.entry.kind, node.entry.mode
        if mode & stat.S_IWOTH and (kind == "file" or (kind == "folder" and not mode & stat.S_ISVTX)):
            hint = "give it another mode" + (", or the sticky bit as /tmp has it" if kind == "folder" else "")
            yield Finding(WRITABLE, f"has mode {mode:04o}", hint, path, node.layer)


def root(image: CheckedImage) -> Iterator[Finding]:
    """Root, by name, by number, or by default."""
    text = str(image.run.get("User") or "")
    try:
        is_root = find_user(image.tree, text).uid == 0
    except LookupError:
        return
    if is_root:
        said = f"user is '{text}', which is root" if text else "no user is set, so it runs as root"
        yield Finding(ROOT, said, "set user", field=("user",))


CHECKS = (setuid, writable, root)
