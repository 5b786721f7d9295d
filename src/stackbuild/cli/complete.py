"""`stackbuild completions`: what the Tab key offers; and the hidden `__complete`, which the shells ask.

The answer has one candidate a line: "=" (a whole word) or "~" (more may follow), the word, a tab, what it is.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import one_line
from .common import Commands, command

if TYPE_CHECKING:
    from ..declare.candidates import Candidate

SHELLS = ("bash", "zsh", "fish")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = command(commands, "completions", "Print what a shell needs to complete commands and addresses.")
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    import importlib.resources

    folder = importlib.resources.files(__package__) / "completions"
    print((folder / f"stackbuild.{options.shell}").read_text("utf-8"), end="")
    return 0


def answer(parser: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print candidates for the last word. words: what follows "stackbuild", or "--line" and all of it."""
    try:
        typed = _split(words[1])[1:] if words[0] == "--line" else list(words)
        found = _candidates(parser, typed)
    except Exception:  # whatever goes wrong, a person is in the middle of typing
        found = []
    for candidate in found:
        if candidate.text.isprintable():
            print(f"{'~' if candidate.open else '='}{candidate.text}\t{one_line(candidate.about)}")
    return 0


def _split(line: str) -> list[str]:
    """A line as far as it is typed, as words; the last may have an open quote."""
    for end in ("", '"', "'"):
        try:
            words = shlex.split(line + end)
        except ValueError:
            continue
        begun = not end and (not line or (line[-1].isspace() and not line.endswith("\\ ")))
        return [*words, ""] if begun else words
    return []


def _candidates(parser: argparse.ArgumentParser, words: list[str]) -> list[Candidate]:
    *before, word = words
    waiting: argparse.Action | None = None  # the option whose value comes next
    place = 0
    options = _options(parser)
    positionals = _positionals(parser)
    for number, typed in enumerate(before):
        if waiting is not None:
            waiting = None
        elif typed == "--":
            return _values(_at(positionals, place), word) if number == len(before) - 1 else []
        elif typed.startswith("-") and typed.partition("=")[0] in options:
            option = options[typed.partition("=")[0]]
            waiting = option if option.nargs != 0 and "=" not in typed else None
        elif isinstance(action := _at(positionals, place), argparse._SubParsersAction):
            parser = action.choices[typed]
            options, positionals, place = _options(parser), _positionals(parser), 0
        else:
            place += 1
    if waiting is not None:
        return _values(waiting, word)
    name, equals, value = word.partition("=")
    if equals and name in options:
        return [_with(found, f"{name}=") for found in _values(options[name], value)]
    return _flags(options, word) + _values(_at(positionals, place), word)


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {flag: action for action in parser._actions for flag in action.option_strings}


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]


def _at(positionals: Sequence[argparse.Action], place: int) -> argparse.Action | None:
    if place < len(positionals):
        return positionals[place]
    return positionals[-1] if positionals and positionals[-1].nargs in ("+", "*") else None


def _with(found: Candidate, prefix: str) -> Candidate:
    from ..declare.candidates import Candidate

    return Candidate(prefix + found.text, found.about, found.open)


def _flags(options: dict[str, argparse.Action], word: str) -> list[Candidate]:
    from ..declare.candidates import Candidate

    if not word.startswith("-"):
        return []
    return [
        Candidate(flag, (action.help or "").replace("%%", "%"))
        for flag, action in options.items()
        if flag.startswith(word) and (len(flag) > 2 or len(word) == 2)
    ]


def _values(action: argparse.Action | None, word: str) -> list[Candidate]:
    """What a positional or an option's value may be: one of its choices, or what its metavar says it is."""
    from ..declare.candidates import Candidate

    if action is None:
        return []
    if isinstance(action, argparse._SubParsersAction):
        about = {str(item.dest): item.help or "" for item in action._choices_actions}
        return [Candidate(name, about.get(name, "")) for name in action.choices if name.startswith(word)]
    if action.choices:
        return [Candidate(str(name)) for name in action.choices if str(name).startswith(word)]
    found: list[Candidate] = []
    for metavar in str(action.metavar or "").split("|"):
        if make := KINDS.get(metavar):
            found += (item for item in make(word) if item.text.startswith(word))
    return list(dict.fromkeys(found))


def _addresses(word: str) -> list[Candidate]:
    from ..declare.candidates import addresses

    return addresses(word, Path.cwd())


def _paths(word: str) -> list[Candidate]:
    from ..declare.candidates import paths

    return [] if word.startswith(("//", ":", "-")) else paths(word, Path.cwd())


def _tags(word: str) -> list[Candidate]:
    from ..declare.candidates import tags

    return tags(Path.cwd())


def _types(word: str) -> list[Candidate]:
    return _plugins("targets")


def _topics(word: str) -> list[Candidate]:
    return _plugins("targets") + _plugins("ecosystems")


def _plugins(group: str) -> list[Candidate]:
    """The names of a group of entry points; none of them is loaded."""
    from importlib.metadata import entry_points

    from ..declare.candidates import Candidate

    return [
        Candidate(name)
        for name in sorted({point.name for point in entry_points(group=f"stackbuild.{group}")})
    ]


KINDS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("SPEC", "FROM", "TO"), _addresses),
    **dict.fromkeys(("PATH", "FILE"), _paths),
    "TAG": _tags,
    "TYPE": _types,
    "TOPIC": _topics,
}
"""metavar -> what a value may be; a command that uses one of these words gets completion with it."""
