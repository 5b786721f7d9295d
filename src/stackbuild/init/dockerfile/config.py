"""Instructions of the configuration: ENV, LABEL, USER and the like, as fields of the image."""

from __future__ import annotations

import re
from collections.abc import Callable

from .bases import PATH
from .parse import Instruction
from .stage import Stage, check
from .trouble import Untranslated
from .words import BadWord, pairs, split

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIMES = {"interval": "interval", "timeout": "timeout", "start-period": "start_period"}


def env(stage: Stage, item: Instruction) -> None:
    """ENV; within one instruction all names mean what they meant before it."""
    for name, value in _pairs(stage, item):
        check("image", {"env": {name: value}})
        stage.config.setdefault("env", {})[name] = value
        stage.env[name] = value
    if "PATH" in item.rest and re.search(r"\$\{?PATH\b", item.rest) and PATH in stage.env.get("PATH", ""):
        stage.remark(
            item,
            "the base's own PATH is not known here; the usual one is taken",
            "correct it if the base has more",
        )


def label(stage: Stage, item: Instruction) -> None:
    """LABEL."""
    for name, value in _pairs(stage, item):
        stage.config.setdefault("labels", {})[stage.expand(name)] = value


def maintainer(stage: Stage, item: Instruction) -> None:
    """MAINTAINER, which Docker would have as a label."""
    stage.config.setdefault("labels", {})["maintainer"] = item.rest


def _pairs(stage: Stage, item: Instruction) -> list[tuple[str, str]]:
    try:
        return [
            (stage.expand(name), stage.expand(value)) for name, value in pairs(item.rest, stage.file.escape)
        ]
    except BadWord as error:
        raise Untranslated(str(error), "correct it") from None


def arg(stage: Stage, item: Instruction, given: dict[str, str], globals_: dict[str, str]) -> None:
    """ARG: what --build-arg gives, else its default, else what an ARG before the first FROM says."""
    for word in split(item.rest, stage.file.escape):
        name, equals, value = word.partition("=")
        name = stage.expand(name)
        if name in given:
            stage.args[name] = given[name]
        elif equals:
            stage.args[name] = stage.expand(value)
        elif name in globals_:
            stage.args[name] = globals_[name]


def workdir(stage: Stage, item: Instruction) -> None:
    """WORKDIR, relative to the one before; the folder is the current user's."""
    path = stage.expand(item.rest)
    if stage.base.workdir is None and "workdir" not in stage.config and not path.startswith("/"):
        stage.remark(
            item, "the base's own working folder is not known here; / is taken", "write an absolute path"
        )
    path = stage.absolute(path)
    stage.set(item, "workdir", path)
    try:
        owner = stage.owner(stage.config.get("user"))
    except Untranslated:
        owner = (0, 0)
    stage.make_folder(path, owner, asked=True)


def user(stage: Stage, item: Instruction) -> None:
    """USER; an account that the Dockerfile made is stated by its numbers: the base has none of that name."""
    text = stage.expand(item.rest)
    if not text:
        raise Untranslated("it names no user", "correct it")
    name = text.partition(":")[0]
    if name in stage.accounts.homes:
        uid, gid = stage.owner(text)
        text = f"{uid}:{gid}"
    stage.set(item, "user", text)
    if (home := stage.accounts.homes.get(name)) and "HOME" not in stage.env:
        stage.config.setdefault("env", {})["HOME"] = home


def expose(stage: Stage, item: Instruction) -> None:
    """EXPOSE, ranges too."""
    ports = list(stage.config.get("ports", []))
    for word in split(item.rest, stage.file.escape):
        text = stage.expand(word).lower()
        found = re.fullmatch(r"(\d{1,5})-(\d{1,5})(/\w+)?", text)
        several = (
            [f"{n}{found[3] or ''}" for n in range(int(found[1]), int(found[2]) + 1)] if found else [text]
        )
        for port in several[:1000]:
            check("image", {"ports": [port]})
            port = port.removesuffix("/tcp")
            ports += [port] if port not in ports else []
    stage.set(item, "ports", ports)


def volume(stage: Stage, item: Instruction) -> None:
    """VOLUME."""
    words = item.exec_form() or split(item.rest, stage.file.escape)
    paths = [stage.expand(word) for word in words]
    stage.set(item, "volumes", list(dict.fromkeys([*stage.config.get("volumes", []), *paths])))


def stop_signal(stage: Stage, item: Instruction) -> None:
    """STOPSIGNAL."""
    text = stage.expand(item.rest).upper()
    stage.set(item, "stop_signal", text if text.isdigit() or text.startswith("SIG") else f"SIG{text}")


def entrypoint(stage: Stage, item: Instruction) -> None:
    """ENTRYPOINT, in either form; a CMD of the stage before it, or of its base, is dropped as Docker does."""
    stage.set(item, "entrypoint", _command(stage, item))
    if not stage.cmd_is_own:
        stage.config.pop("cmd", None)


def cmd(stage: Stage, item: Instruction) -> None:
    """CMD, in either form."""
    stage.set(item, "cmd", _command(stage, item))
    stage.cmd_is_own = True


def _command(stage: Stage, item: Instruction) -> list[str]:
    found = item.exec_form()
    return [*stage.shell, item.rest] if found is None else found


def shell(stage: Stage, item: Instruction) -> None:
    """SHELL, for the shell forms that follow."""
    found = item.exec_form()
    if not found:
        raise Untranslated("it is no list of strings", "correct it")
    stage.shell = found


def healthcheck(stage: Stage, item: Instruction) -> None:
    """HEALTHCHECK, with its times in seconds."""
    kind, _, rest = item.rest.partition(" ")
    if kind.upper() == "NONE":
        stage.set(item, "healthcheck", {"test": ["NONE"]})
        return
    if kind.upper() != "CMD":
        raise Untranslated("it is neither CMD nor NONE", "correct it")
    inner = Instruction("CMD", item.line, (), rest.strip(), "")
    words = inner.exec_form()
    found: dict[str, object] = {"test": ["CMD-SHELL", inner.rest] if words is None else ["CMD", *words]}
    for name, value in item.flags:
        if name in _TIMES:
            found[_TIMES[name]] = _seconds(stage.expand(value))
        elif name == "retries" and value.isdigit():
            found["retries"] = int(value)
        else:
            stage.remark(item, f"--{name} has no translation", "leave it out")
    stage.set(item, "healthcheck", found)


def _seconds(text: str) -> float | int:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Untranslated(f"'{text}' is no duration", "write it as 30s or 1m30s")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return int(seconds) if seconds == int(seconds) else round(seconds, 9)


def onbuild(stage: Stage, item: Instruction) -> None:
    """ONBUILD is for images that build on this one."""
    raise Untranslated(
        "no translation", "write what it does into the BUILD.toml of those who build on this image"
    )


INSTRUCTIONS: dict[str, Callable[[Stage, Instruction], None]] = {
    "ENV": env,
    "LABEL": label,
    "MAINTAINER": maintainer,
    "WORKDIR": workdir,
    "USER": user,
    "EXPOSE": expose,
    "VOLUME": volume,
    "STOPSIGNAL": stop_signal,
    "ENTRYPOINT": entrypoint,
    "CMD": cmd,
    "SHELL": shell,
    "HEALTHCHECK": healthcheck,
    "ONBUILD": onbuild,
}
