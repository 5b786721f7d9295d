"""Commands of a RUN that change files and accounts: mkdir, ln, rm, chmod, chown, useradd and their kind."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from . import accounts
from .modes import changed
from .options import Options
from .pieces import Archive, Files, Packages, is_below
from .shell import Command
from .stage import Stage
from .trouble import Untranslated
from .work import Handler, Run

_CACHES = (
    *("/var/lib/apt/lists", "/var/cache/apt", "/var/cache/debconf", "/var/cache/apk", "/var/cache/yum"),
    *("/var/cache/dnf", "/root/.cache", "/root/.npm", "/tmp", "/var/tmp", "/var/log"),
    *("/usr/share/doc", "/usr/share/man"),
)
_MANY = 12  # modes that are written one by one at most


def mkdir(run: Run, command: Command, words: list[str]) -> None:
    """mkdir, install -d."""
    found = Options(words[1:], "mog", ("mode", "owner", "group"))
    mode = changed(found.value("m", "mode") or "0755", 0o755, is_folder=True)
    owner = run.stage.owner(
        ":".join(filter(None, (found.value("o", "owner"), found.value("g", "group")))) or None
    )
    for path in found.rest:
        place = run.absolute(path)
        if any(char in place for char in "*?["):
            raise Untranslated
        run.stage.make_folder(place, owner, mode=mode, asked=True)


def install(run: Run, command: Command, words: list[str]) -> None:
    """install(1): folders only."""
    if not Options(words[1:], "mog", ("mode", "owner", "group")).has("d", "directory"):
        raise Untranslated
    mkdir(run, command, words)


def ln(run: Run, command: Command, words: list[str]) -> None:
    """ln -s."""
    found = Options(words[1:], "tS", ("target-directory", "suffix"))
    if not found.has("s", "symbolic") or len(found.rest) != 2 or found.has("t", "target-directory"):
        raise Untranslated(
            "only ln -s TARGET LINK has a translation", "write it as symlinks of a files target"
        )
    target, link = found.rest
    place = run.absolute(link)
    if (link.endswith("/") or run.stage.is_folder(place)) and not found.has("n", "no-dereference", "T"):
        place = posixpath.join(place, posixpath.basename(target))
    run.stage.made(run.item.line, "links").symlinks[place] = target


def rm(run: Run, command: Command, words: list[str]) -> None:
    """rm, rmdir: a whiteout deletes what lies below; caches of package managers are not there anyway."""
    for path in Options(words[1:]).rest:
        place = run.absolute(path)
        if any(is_below(place, cache) for cache in _CACHES):
            continue
        if any(char in place for char in "*?["):
            hits = sorted(name for name in _all_files(run.stage) if fnmatch.fnmatchcase(name, place))
            if not hits:
                raise Untranslated(
                    "which files of the base match is not known", "write them as whiteouts of a files target"
                )
        else:
            hits = [place]
        for hit in hits:
            made = run.stage.made(run.item.line, "removed")
            made.symlinks.pop(hit, None)
            if hit in run.stage.folders:
                for folder in [name for name in run.stage.folders if is_below(name, hit)]:
                    del run.stage.folders[folder]
            made.whiteouts += [hit] if hit not in made.whiteouts else []


def _all_files(stage: Stage) -> Iterator[str]:
    for piece in stage.of(Files):
        yield from piece.placed
        yield from piece.symlinks


def chmod(run: Run, command: Command, words: list[str]) -> None:
    """chmod of what was copied or made; of the base's or a package's files nothing is known."""
    mode, *paths = [
        word for word in words[1:] if not (word.startswith("-") and set(word[1:]) <= set("Rcfv-recursive"))
    ]
    deep = any(word.startswith("-") and ("R" in word or word == "--recursive") for word in words[1:-1])
    for path in _named(run, paths):
        run.stage.adopt(path, deep=deep)
        _known(run.stage, path, deep)
        for name, folder in run.stage.folders.items():
            if name == path or (deep and is_below(name, path)):
                folder.mode = changed(mode, folder.mode, is_folder=True)
        for piece in run.stage.of(Files):
            _chmod_files(run.stage, piece, path, mode, deep)


def _chmod_files(stage: Stage, piece: Files, path: str, mode: str, deep: bool) -> None:
    names = [name for name in piece.placed if name == path or (deep and is_below(name, path))]
    new = {name: changed(mode, stage.mode_of(piece, name), is_folder=False) for name in names}
    differ = {name: found for name, found in new.items() if found != stage.mode_of(piece, name)}
    if len(differ) > _MANY and len(set(new.values())) == 1:
        piece.modes[f"{path.rstrip('/')}/**"] = f"{next(iter(new.values())):04o}"
    elif len(differ) > _MANY:
        raise Untranslated("the modes of many files differ then", "write them as modes of the files target")
    else:
        piece.modes |= {name: f"{found:04o}" for name, found in differ.items()}


def chown(run: Run, command: Command, words: list[str]) -> None:
    """chown, chgrp of what was copied or made."""
    found = Options(words[1:])
    who, *paths = found.rest
    owner = run.stage.owner(
        f":{who}" if words[0].endswith("chgrp") else who.replace(".", ":", 1) if ":" not in who else who
    )
    deep = found.has("R", "recursive")
    for path in _named(run, paths):
        run.stage.adopt(path, deep=False)
        _known(run.stage, path, deep)
        for name, folder in run.stage.folders.items():
            if name == path or (deep and is_below(name, path)):
                folder.owner, folder.asked = owner, True
        for piece in run.stage.of(Files):
            _chown_files(piece, path, owner, deep)
        if deep and any(is_below(held, path) for piece in run.stage.of(Packages) for held in piece.holds):
            shown = f"RUN {command.text}"
            why, advice = (
                "packages stay root's, for everybody to read",
                "leave it so unless the program writes there",
            )
            run.stage.lose(run.item.line + command.line, shown, why, advice, opaque=False)


def _chown_files(piece: Files, path: str, owner: tuple[int, int], deep: bool) -> None:
    held = [
        name for name in (*piece.placed, *piece.symlinks) if name == path or (deep and is_below(name, path))
    ]
    if not held:
        return
    if piece.lies_below(path) and (deep or len(piece.placed) + len(piece.symlinks) == 1):
        piece.owner = owner
        if any("/" in name.removeprefix(piece.to).lstrip("/") for name in piece.placed):
            piece.dirs = ["**"]
    else:
        piece.owners[path if path in held else f"{path.rstrip('/')}/**"] = owner


def _named(run: Run, paths: list[str]) -> list[str]:
    """The paths that words mean; globs among what was copied. Raises Untranslated."""
    found = []
    for path in paths:
        place = run.absolute(path)
        if any(char in place for char in "*?["):
            hits = sorted(name for name in _all_files(run.stage) if fnmatch.fnmatchcase(name, place))
            if not hits:
                raise Untranslated("which files of the base match is not known", "give them as files")
            found += hits
        else:
            found.append(place)
    return found


def _known(stage: Stage, path: str, deep: bool) -> None:
    """Raise Untranslated unless something of the stage lies there."""
    made = [
        *stage.folders,
        *_all_files(stage),
        *(held for piece in stage.of(Packages) for held in piece.holds),
    ]
    made += [piece.fields["to"] for piece in stage.of(Archive)]
    if path not in made and not (deep and any(is_below(name, path) for name in made)):
        raise Untranslated(
            f"'{path}' was not copied or made by a line before", "give it as files, with its mode and owner"
        )


def _account(run: Run, command: Command, name: str) -> None:
    """What an account leaves besides its numbers: a home, and a word that the base does not know its name."""
    known = run.stage.accounts
    home = known.homes.get(name)
    if name in known.users:
        uid, gid = known.users[name]
        if home:
            run.stage.make_folder(home, (uid, gid), asked=True)
        chosen = " (chosen as the program would)" if name in known.guessed else ""
        why = f"{uid}:{gid}{chosen} stands for {name}, who is not in the image's /etc/passwd"
        advice = "add that file as files if a program looks the name up"
        run.stage.remarks.append(
            run.stage.note(run.item.line + command.line, f"RUN {command.text}", why, advice)
        )


def _useradd(run: Run, command: Command, words: list[str]) -> None:
    _account(run, command, accounts.useradd(run.stage.accounts, words[1:]))


def _groupadd(run: Run, command: Command, words: list[str]) -> None:
    accounts.groupadd(run.stage.accounts, words[1:])


def _adduser(run: Run, command: Command, words: list[str]) -> None:
    _account(run, command, accounts.adduser(run.stage.accounts, words[1:], busybox=run.stage.base.musl))


def _addgroup(run: Run, command: Command, words: list[str]) -> None:
    accounts.addgroup(run.stage.accounts, words[1:])


FILE_COMMANDS: dict[str, Handler] = {
    "mkdir": mkdir,
    "install": install,
    "ln": ln,
    "rm": rm,
    "rmdir": rm,
    "chmod": chmod,
    "chown": chown,
    "chgrp": chown,
    "useradd": _useradd,
    "groupadd": _groupadd,
    "adduser": _adduser,
    "addgroup": _addgroup,
}
