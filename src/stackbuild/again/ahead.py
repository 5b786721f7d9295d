"""Begins to look at the tree while the program loads, which keeps one core busy and the others not.

It is a guess: what is looked at for nothing costs nobody time, and what nobody looked at is looked at later.
"""

from __future__ import annotations

import os

from . import ask

_BUILDING = ("image", "push", "load", "run", "test")


def look_ahead(arguments: list[str]) -> None:
    """Have the folders looked at that a request is about: those that its last answer rests on, else all below
    the targets that it names."""
    if ask.stale:
        folders, deep = _folders(ask.stale[0]), False
    elif arguments[:1] and arguments[0] in _BUILDING:
        folders, deep = _named(arguments[1:]), True
    else:
        return
    from .. import native

    try:
        native.look_ahead(folders, deep=deep)
    except (RuntimeError, UnicodeError):
        return  # who looks there next says it better


def _folders(records: bytes) -> list[str]:
    """The folders whose files the records of `unchanged` tell."""
    fields, at, found = records.split(b"\0"), 0, []
    while at + 1 < len(fields):
        kind = fields[at][:1]
        if kind == b"F":
            found.append(os.fsdecode(fields[at][1:]))
        at += 3 if kind in b"LF" else 2
    return found


def _named(words: list[str]) -> list[str]:
    """The folders of the targets that are named among the words of a command."""
    here, found = os.getcwd(), []
    for word in words:
        if word == "--":
            break
        path = word.partition(":")[0].removesuffix("...").rstrip("/")
        if word.startswith("//"):
            found.append(os.path.join(_workspace(here), path.lstrip("/")))
        elif not word.startswith(("-", "/")):
            found.append(os.path.join(here, path))
    return [folder.rstrip("/") for folder in found]


def _workspace(folder: str) -> str:
    """Most likely the nearest one."""
    while len(folder) > 1:
        try:
            with open(f"{folder}/BUILD.toml", "rb") as file:
                if b"[workspace]" in file.read():
                    break
        except OSError:
            pass
        folder = os.path.dirname(folder)
    return folder
