"""Allowances: which findings an image's target permits, and for what reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...declare.glob import matches
from ...declare.package import Declaration
from ...errors import DeclarationErrors, RequestError, nearest
from ...frozen import frozen
from .finding import RULES, Finding, rule
from .image import CheckedImage

UNUSED = rule(
    "unused-allowance",
    "info",
    "a rule is allowed that is not broken",
    """The image's table allows a rule, or a rule at a path, and nothing breaks it there: the allowance is
    out of date or misspelt.""",
)


@frozen
class Allowance:
    """owner: the image that allows; key: as it stands there, "rule" or "rule:glob"."""

    owner: Declaration
    key: str
    reason: str


def allowances(declaration: Declaration) -> Mapping[str, str]:
    """Key -> reason of what a target allows; types of images without the field allow nothing."""
    return getattr(declaration.fields, "allow", {})


def check_names(declarations: Iterable[Declaration]) -> None:
    """Raise DeclarationErrors, each at its place, for allowances of rules that there are not."""
    faults = [
        RequestError(
            f"there is no rule '{name}'",
            where=declaration.position(("allow", key), of_key=True),
            hint=nearest(name, RULES),
        )
        for declaration in declarations
        for key in allowances(declaration)
        if (name := key.partition(":")[0]) not in RULES
    ]
    if faults:
        raise DeclarationErrors(faults)


def allowance(image: CheckedImage, finding: Finding) -> Allowance | None:
    """What permits a finding: the image itself or, in layers that it brings, an image below."""
    at: CheckedImage | None = image
    while at is not None:
        if at is image or (finding.layer is not None and finding.layer < len(at.views)):
            for key, reason in allowances(at.declaration).items():
                if _means(key, finding):
                    return Allowance(at.declaration, key, reason)
        at = at.base
    return None


def _means(key: str, finding: Finding) -> bool:
    name, colon, glob = key.partition(":")
    return name == finding.rule.name and (not colon or matches(glob.lstrip("/"), finding.path))


def unused(declaration: Declaration, used: Iterable[Allowance]) -> Iterable[Finding]:
    """A finding for each allowance of a target that permitted nothing."""
    keys = {item.key for item in used if item.owner.address == declaration.address}
    for key in allowances(declaration):
        if key not in keys and key.partition(":")[0] != UNUSED.name:
            yield Finding(UNUSED, f"nothing breaks '{key}'", "remove it from allow", field=("allow", key))
