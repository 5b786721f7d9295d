"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines that they point at."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from ...digests import digest_of
from .finding import RULES, Rule
from .run import Reported

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(findings: Sequence[Reported]) -> dict[str, Any]:
    """One run; what is allowed is there as suppressed, with its reason."""
    numbers = {name: number for number, name in enumerate(RULES)}
    driver = {
        "name": "stackbuild",
        "version": version("stackbuild"),
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    results = [_result(item, numbers[item.rule.name]) for item in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.doc},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
    }


def _result(item: Reported, number: int) -> dict[str, Any]:
    path, hint = (f"{item.path}: " if item.path else ""), (f"; {item.hint}" if item.hint else "")
    where = {
        "artifactLocation": {"uri": quote(item.where.path), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": item.where.line, "startColumn": item.where.column},
    }
    logical = [{"fullyQualifiedName": name, "kind": "image"} for name in item.images]
    mark = digest_of("\0".join((item.rule.name, item.images[0], item.path, item.target)).encode())
    found = {
        "ruleId": item.rule.name,
        "ruleIndex": number,
        "level": _LEVELS[item.rule.level],
        "message": {"text": f"{path}{item.what}{hint}"},
        "locations": [{"physicalLocation": where, "logicalLocations": logical}],
        "partialFingerprints": {"stackbuild/v1": mark.removeprefix("sha256:")},
    }
    if item.reason:
        found["suppressions"] = [{"kind": "inSource", "justification": item.reason}]
    return found
