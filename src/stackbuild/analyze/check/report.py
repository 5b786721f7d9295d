"""What `stackbuild check` says at the end: lines for people, or one document for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from ...errors import one_line
from .finding import LEVELS, RULES, Level, Rule
from .run import Report, Reported

_MOST = 10
"""Lines of one rule at one place; more are counted."""


def written(report: Report, format: Literal["text", "json", "sarif"], level: Level) -> str:
    """The findings of a level and graver ones; what is allowed is in the formats for programs only."""
    graver = [item for item in report.findings if item.rank <= LEVELS.index(level)]
    if format == "text":
        return "".join(f"{line}\n" for line in _lines(item for item in graver if not item.reason))
    if format == "json":
        findings = [item.as_json() for item in graver]
        return json.dumps({"images": report.images, "findings": findings}, indent=2) + "\n"
    from .sarif import sarif

    return json.dumps(sarif(graver), indent=2) + "\n"


def fails(report: Report, level: Literal["error", "warning", "never"]) -> bool:
    """Whether there is a finding of a level, or a graver one, that nothing allows."""
    if level == "never":
        return False
    return any(not item.reason and item.rank <= LEVELS.index(level) for item in report.findings)


def _lines(findings: Iterable[Reported]) -> Iterator[str]:
    """One line a finding, as compilers write them."""
    groups: dict[tuple[object, str], list[Reported]] = {}
    for item in findings:
        groups.setdefault((item.where, item.rule.name), []).append(item)
    for group in groups.values():
        for item in group[:_MOST]:
            yield one_line(_line(item))
        if (left := len(group) - _MOST) > 0:
            where, rule = group[0].where, group[0].rule
            yield one_line(f"{where}: {rule.level}: [{rule.name}] and {left} more; see --json")


def _line(item: Reported) -> str:
    more = f" and {len(item.images) - 1} more" if len(item.images) > 1 else ""
    platforms = f" ({', '.join(item.platforms)})" if item.platforms else ""
    path = f" {item.path}:" if item.path else ""
    hint = f"; {item.hint}" if item.hint else ""
    return (
        f"{item.where}: {item.rule.level}: [{item.rule.name}] {item.images[0]}{more}{platforms}:{path} "
        f"{item.what}{hint}"
    )


def summary(report: Report, level: Level) -> str:
    """The closing line."""
    graver = [item for item in report.findings if item.rank <= LEVELS.index(level)]
    counts = Counter(item.rule.level for item in graver if not item.reason)
    parts = [_number(counts[name], name) for name in LEVELS if counts[name]]
    allowed = sum(bool(item.reason) for item in graver)
    said = ", ".join(parts) or "nothing found"
    return f"{_number(len(report.images), 'image')}: {said}" + (f"; {allowed} allowed" if allowed else "")


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 or noun == 'info' else 's'}"


def ordered() -> list[Rule]:
    """Every rule, the gravest first."""
    return sorted(RULES.values(), key=lambda rule: (LEVELS.index(rule.level), rule.name))


def rules() -> Iterator[str]:
    """One line a rule."""
    width = max(map(len, RULES))
    for rule in ordered():
        yield f"{rule.name:{width}}  {rule.level:7}  {rule.title}"
