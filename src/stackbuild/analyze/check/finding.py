"""What a check says: rules, which are data, and findings, which name the rule that they break."""

from __future__ import annotations

from typing import Literal

from ...declare.toml import Key
from ...frozen import frozen

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")
"""The gravest first."""


@frozen
class Rule:
    """One thing that is looked for. name: as in `allow`; title: in a few words; doc: one paragraph."""

    name: str
    level: Level
    title: str
    doc: str


RULES: dict[str, Rule] = {}
"""Every rule by name."""


def rule(name: str, level: Level, title: str, doc: str) -> Rule:
    """A new rule, known from now on."""
    RULES[name] = Rule(name, level, title, " ".join(doc.split()))
    return RULES[name]


@frozen
class Finding:
    """A rule that an image breaks.

    path: in the image, without its leading "/", "" where no file is to blame; layer: number of the layer to
    blame, 0 the lowest; field: key path in the image's table, for what no target's layer is to blame for.
    """

    rule: Rule
    what: str
    hint: str = ""
    path: str = ""
    layer: int | None = None
    field: Key = ()
