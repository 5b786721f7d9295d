"""Options of a command line, read as getopt(3) reads them."""

from __future__ import annotations

from .trouble import Untranslated


class Options:
    """found: (name without dashes, value); rest: the other words.

    short: letters that take a value; long: names that do.
    """

    def __init__(self, words: list[str], short: str = "", long: tuple[str, ...] = ()) -> None:
        self.found: list[tuple[str, str]] = []
        self.rest: list[str] = []
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":
                self.rest += queue
                break
            if word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                self._take(name, value if equals else queue.pop(0) if name in long and queue else "")
            elif word.startswith("-") and len(word) > 1:
                self._letters(word[1:], short, queue)
            else:
                self.rest.append(word)

    def _letters(self, letters: str, short: str, queue: list[str]) -> None:
        for at, letter in enumerate(letters):
            if letter in short:
                self._take(letter, letters[at + 1 :] or (queue.pop(0) if queue else ""))
                return
            self._take(letter, "")

    def _take(self, name: str, value: str) -> None:
        self.found.append((name, value))

    def has(self, *names: str) -> bool:
        """Whether one of the options is there."""
        return any(name in names for name, _ in self.found)

    def value(self, *names: str) -> str | None:
        """The last value of an option under any of its names."""
        found = self.values(*names)
        return found[-1] if found else None

    def values(self, *names: str) -> list[str]:
        """All values of an option."""
        return [value for name, value in self.found if name in names]

    def only(self, what: str) -> str:
        """The one word besides options. Raises Untranslated."""
        if len(self.rest) != 1:
            raise Untranslated(f"it does not name {what}", "correct it")
        return self.rest[0]

    def unknown(self, *known: str) -> list[str]:
        """Options beyond the known ones, as typed."""
        return [f"--{name}" if len(name) > 1 else f"-{name}" for name, _ in self.found if name not in known]
