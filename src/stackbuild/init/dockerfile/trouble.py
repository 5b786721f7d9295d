"""What has no translation, and what to do about it."""

from __future__ import annotations

from ...frozen import frozen

ADVICE = "build it before, and add the result as files"


class Untranslated(Exception):
    """why: in a few words; advice: what to do."""

    def __init__(self, why: str = "no translation", advice: str = ADVICE) -> None:
        super().__init__(why)
        self.why, self.advice = why, advice


@frozen(order=True)
class Note:
    """One line of a file that is not, or not wholly, in the result. shown: what it says, cut short."""

    path: str
    line: int
    shown: str
    why: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.shown}: {self.why}" + (
            f"; {self.advice}" if self.advice else ""
        )
