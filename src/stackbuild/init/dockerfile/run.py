"""RUN, command by command: what is known is done as data, the rest is named by its line."""

from __future__ import annotations

import posixpath
import re

from .files import FILE_COMMANDS
from .install import INSTALLERS
from .parse import Instruction, shortened
from .shell import Command, commands
from .stage import Stage
from .trouble import Untranslated
from .work import Handler, Run

_NOTHING = frozenset({"set", ":", "true", "echo", "ldconfig", "sync", "printf", "ls", "pwd", "hash", "exit"})
_VERSION = re.compile(r"(-V|--version|-v|version)\Z")


COMMANDS: dict[str, Handler] = {**FILE_COMMANDS, **INSTALLERS}


def run(stage: Stage, item: Instruction) -> None:
    """Read one RUN: what has a translation goes into the stage, the rest is told."""
    work = Run(stage, item, stage.workdir)
    stage.mounts = _mounts(stage, item)
    for command in _commands(stage, item):
        line = item.line + command.line
        try:
            _do(work, command)
        except Untranslated as error:
            stage.lose(line, f"RUN {command.text}", error.why, error.advice)
    stage.mounts = {}


def _commands(stage: Stage, item: Instruction) -> list[Command]:
    if (words := item.exec_form()) is not None:
        if len(words) == 3 and words[0].rpartition("/")[2] in ("sh", "bash") and words[1] == "-c":
            return [
                Command(0, step.text, step.words, step.env) for step in commands(words[2], stage.variables())
            ]
        return [Command(0, shortened(" ".join(words)), words)]
    if item.heredocs:
        return _script(stage, item)
    if stage.shell[0].rpartition("/")[2] not in ("sh", "bash", "ash", "dash"):
        return [Command(0, shortened(item.rest))]
    return commands(item.shell, stage.variables())


def _script(stage: Stage, item: Instruction) -> list[Command]:
    """A here-document that the shell runs; given to anything else it is no script of ours."""
    document = item.heredocs[0]
    first = document.content.lstrip().partition("\n")[0]
    foreign = first.startswith("#!") and not re.search(r"/(env )?(ba|da|a)?sh\b", first)
    if len(item.heredocs) > 1 or foreign or not re.fullmatch(r"\d*<<-?\S+", item.rest.strip()):
        return [Command(0, shortened(item.rest))]
    found = commands(document.content, stage.variables())
    return [Command(step.line + 1, step.text, step.words, step.env) for step in found]


def _mounts(stage: Stage, item: Instruction) -> dict[str, str]:
    """Bind mounts of the context: where they are -> what of the context."""
    found = {}
    for name, value in item.flags:
        fields = dict(part.partition("=")[::2] for part in value.split(",")) if name == "mount" else {}
        target = fields.get("target") or fields.get("dst") or fields.get("destination")
        if fields.get("type", "bind") == "bind" and target and "from" not in fields:
            source = stage.expand(fields.get("source") or fields.get("src") or "")
            found[stage.absolute(stage.expand(target))] = posixpath.normpath("/" + source).lstrip("/")
    return found


def _do(work: Run, command: Command) -> None:
    """Raises Untranslated."""
    words = command.words
    while (
        words
        and words[0] in ("exec", "sudo", "env", "command", "time")
        and len(words) > 1
        and "=" not in words[1]
    ):
        words = words[1:]
    if words is None:
        raise Untranslated
    name = words[0].rpartition("/")[2] if words else ""
    if name in ("sh", "bash") and len(words) == 3 and re.fullmatch(r"-[eux]*c", words[1]):
        for step in commands(words[2], work.stage.variables()):
            _do(work, Command(command.line, step.text, step.words, step.env))
    elif name == "cd" and len(words) == 2:
        work.folder = work.absolute(words[1])
    elif not words or name in _NOTHING or (len(words) == 2 and _VERSION.match(words[1])):
        return
    elif name in COMMANDS:
        COMMANDS[name](work, command, words)
    else:
        raise Untranslated
