"""Who a container runs as, and what they may touch.

Names are looked up as runtimes do it: in the image's own passwd(5) and group(5); a user that is named without
a group gets the groups that group(5) lists, too.
"""

from __future__ import annotations

import re

from ...frozen import frozen
from .filesystem import Tree
from .layers import Entry

READ, EXECUTE = 4, 1
_NUMBER = re.compile(r"[0-9]{1,10}")


@frozen
class User:
    """A user with one group or several. text: as the image says it."""

    text: str
    uid: int = 0
    groups: frozenset[int] = frozenset({0})

    def may(self, entry: Entry, bit: int) -> bool:
        """Whether the mode lets them; root needs a bit only to execute a file, and any will do."""
        if self.uid == 0:
            return bit != EXECUTE or entry.kind == "folder" or bool(entry.mode & 0o111)
        if entry.uid == self.uid:
            return bool(entry.mode >> 6 & bit)
        return bool(entry.mode >> (3 if entry.gid in self.groups else 0) & bit)


def find_user(tree: Tree, text: str) -> User:
    """The user of "user[:group]". Raises LookupError, with a sentence, when the image does not know them."""
    name, colon, group = text.partition(":")
    if not name and not group:
        return User("root")
    users, groups = _table(tree, "etc/passwd", 4), _table(tree, "etc/group", 4)
    row = next((row for row in users if name and name in (row[0], row[2])), None)
    if row is None and name and not _NUMBER.fullmatch(name):
        raise LookupError(f"no user '{name}' is in /etc/passwd")
    uid = int(row[2]) if row else int(name or 0)
    if colon and group:
        return User(text, uid, frozenset({_group(groups, group)}))
    own = int(row[3]) if row else 0
    member = {int(item[2]) for item in groups if row and row[0] in item[3].split(",")}
    return User(text, uid, frozenset({own, *member}))


def _group(groups: list[list[str]], name: str) -> int:
    found = next((row for row in groups if name in (row[0], row[2])), None)
    if found is None and not _NUMBER.fullmatch(name):
        raise LookupError(f"no group '{name}' is in /etc/group")
    return int(found[2] if found else name)


def _table(tree: Tree, path: str, fields: int) -> list[list[str]]:
    rows = [line.split(":") for line in tree.text(path).splitlines()]
    numeric = (2, 3) if path.endswith("passwd") else (2,)
    return [
        row
        for row in rows
        if len(row) >= fields and all(_NUMBER.fullmatch(row[number]) for number in numeric)
    ]
