"""Begins to look at the tree while the program loads, which keeps one core busy and the others not.

It is a guess: what is looked at for nothing costs nobody time, and what nobody looked at is looked at later.
"""

from __future__ import annotations

import os

from . import ask

_BUILDING = ("image", "push", "load", "run", "test")
_MOST = 1 << 16  # bytes of a BUILD.toml among which its workspace is looked for


def look_ahead(arguments: list[str]) -> None:
    """Have the folders looked at that a request is about: those that its last answer rests on, else all below
    the targets that it names."""
    try:
        if ask.stale:
            folders, deep = _folders(ask.stale[0]), False
        elif arguments[:1] and arguments[0] in _BUILDING:
            folders, deep = _named(arguments[1:]), True
        else:
            return
        from .. import native

        native.look_ahead(folders, deep=deep)
    except Exception:  # whatever it is, the ordinary way says it better
        return


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
    """The folders of the targets that are named among the words of a command, as far as they look like it."""
    here, found = os.getcwd(), []
    for word in words:
        if word == "--":
            break
        path = word.partition(":")[0].removesuffix("...").rstrip("/")
        if ".." in path.split("/") or word.startswith("-"):
            continue
        if word.startswith("//"):
            found.append(f"{_workspace(here)}{path[1:]}".rstrip("/"))
        elif (":" in word or word.endswith("...")) and not word.startswith("/"):
            found.append(f"{here}/{path}".rstrip("/"))
    return [folder or "/" for folder in found]


def _workspace(folder: str) -> str:
    """Most likely the nearest one."""
    while folder.rstrip("/") and not _begins_one(f"{folder}/BUILD.toml"):
        folder = os.path.dirname(folder)
    return folder.rstrip("/")


def _begins_one(path: str) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return b"[workspace]" in os.read(handle, _MOST)
    except OSError:  # a folder, say
        return False
    finally:
        os.close(handle)
