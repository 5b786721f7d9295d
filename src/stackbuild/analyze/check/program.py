"""Rules of the command: whether what an image runs can start."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...frozen import frozen
from .elf import Elf
from .finding import Finding, Rule, rule
from .image import DEFAULT_PATH, CheckedImage
from .layers import Entry
from .libraries import MUSL_OWN, Libraries
from .users import EXECUTE, READ, User, find_user

TEXTS = r"etc/(passwd|group)"
_DEEPEST = 5  # scripts whose interpreters are scripts, as the kernel follows

NONE = rule(
    "no-command",
    "info",
    "nothing is run",
    """The image has neither an entrypoint nor a cmd, so that it cannot be run without naming a command.
    Fine for an image that only others are built on.""",
)
USER = rule(
    "unknown-user",
    "error",
    "the user is not in the image",
    """The image's user, or group, is a name that its /etc/passwd or /etc/group does not hold; no runtime
    starts it. A number needs no entry.""",
)
MISSING = rule(
    "command-missing",
    "error",
    "the command is not in the image",
    """What entrypoint and cmd run does not exist: the first word is looked for through the PATH of env
    when it has no slash, else from workdir on, and links are followed inside the image. Of
    `#!/usr/bin/env prog`, prog is looked for likewise.""",
)
DENIED = rule(
    "command-denied",
    "error",
    "the user may not run the command",
    """The command, or an interpreter of it, has no execute bit for the image's user, or a folder on the
    way to it cannot be entered; scripts must be readable, too. Give `mode` or `modes` in the target
    that writes it.""",
)
FORMAT = rule(
    "command-format",
    "error",
    "the command is no program",
    """The command is neither an ELF program nor a script that begins with `#!`, so the kernel cannot run
    it.""",
)
MACHINE = rule(
    "command-machine",
    "error",
    "the command is for another machine",
    """The command, or an interpreter of it, is built for another processor than the image's platform has.""",
)
INTERPRETER = rule(
    "command-interpreter",
    "error",
    "the command's interpreter is missing",
    """The program after `#!`, or the dynamic loader that an ELF program names (PT_INTERP), does not exist
    in the image. A program linked against glibc needs another loader than one linked against musl.""",
)
LIBRARY = rule(
    "command-library",
    "error",
    "a library of the command is missing",
    """A shared library that the command needs (DT_NEEDED), or that one of its libraries needs, is not
    where the loader looks: RPATH and RUNPATH, LD_LIBRARY_PATH of env, /etc/ld.so.cache, and the
    loader's own folders. A folder of /etc/ld.so.conf counts only once ldconfig has written its cache.""",
)
OTHER_MACHINE = rule(
    "machine",
    "warning",
    "a program is for another machine",
    """A program or library that is not the command's, in a layer of this workspace, is built for another
    processor than the image's platform has.""",
)
OTHER_LIBRARY = rule(
    "library",
    "warning",
    "a library of another program is missing",
    """A program or library in a layer of this workspace needs a shared library of which no file in the
    whole image has the name. One that the host brings, as a driver's, is a reason to allow it.""",
)
WORKDIR = rule(
    "workdir-missing",
    "info",
    "the working folder is not in the image",
    """Runtimes make a missing workdir, for root with mode 0755: a command of another user cannot write
    there.""",
)


def command(image: CheckedImage) -> Iterator[Finding]:
    """Follow what is run as a kernel would, Linux's."""
    if not image.image.platform.startswith("linux/"):
        return
    try:
        user = find_user(image.tree, str(image.run.get("User") or ""))
    except LookupError as error:
        yield Finding(USER, str(error.args[0]), "add them in a layer, or write a number", field=("user",))
        user = User("root")
    argv = [*(image.run.get("Entrypoint") or ()), *(image.run.get("Cmd") or ())]
    if not argv:
        yield Finding(NONE, "nothing says what is run", "add entrypoint", field=("entrypoint",))
        return
    yield from _Walk(image, user).run(str(argv[0]))


@frozen
class _Walk:
    """On the way from a command to its last interpreter."""

    image: CheckedImage
    user: User

    def run(self, word: str, *, named_by: str = "", depth: int = 0) -> Iterator[Finding]:
        """A command as one types it; named_by: the script whose env is to look for it; depth: of scripts."""
        hint = "add the layer that has it" if "/" in word else "add the layer that has it, or set PATH"
        paths = list(self._places(word))
        real = [self.image.tree.resolve(path) for path in paths]
        files = [path for path in real if path is not None and self._is_file(path)]
        if not files:
            what = f"'{word}' is not in the image" + ("" if "/" in word else ": no folder of PATH has it")
            if any(path is not None and self.image.tree.entry(path) for path in real):
                what = f"'{word}' is a folder"
            if named_by:
                what = f"/{named_by} has env look for '{word}', which is not in PATH"
            yield self._finding(MISSING, "", what, hint, named_by)
            return
        fitting = [path for path in paths if self._is_runnable(path)]
        yield from self._file((fitting or [path for path in paths if self._is_file_at(path)])[0], depth)

    def _places(self, word: str) -> Iterator[str]:
        if "/" in word:
            yield word if word.startswith("/") else f"{self.image.workdir}/{word}"
        else:
            folders = self.image.env.get("PATH") or DEFAULT_PATH
            yield from (f"{folder}/{word}" for folder in folders.split(":") if folder.startswith("/"))

    def _is_file(self, path: str) -> bool:
        entry = self.image.tree.entry(path)
        return entry is not None and entry.kind == "file"

    def _is_file_at(self, path: str) -> bool:
        real = self.image.tree.resolve(path)
        return real is not None and self._is_file(real)

    def _is_runnable(self, path: str) -> bool:
        return self._is_file_at(path) and not any(self._denied(path))

    def _denied(self, path: str) -> Iterator[tuple[str, str, str]]:
        """(path, what, hint) of whatever keeps the user from executing a file that is there."""
        passed: list[str] = []
        real = self.image.tree.resolve(path, passed=passed) or ""
        for folder in passed:
            entry = self.image.tree.entry(folder)
            if entry and entry.kind == "folder" and not self.user.may(entry, EXECUTE):
                what = f"{self.user.text} may not enter the folder, whose mode is {entry.mode:04o}"
                yield folder, f"{what} and owner {entry.uid}:{entry.gid}", "give dir_mode, or owner"
                return
        entry = self.image.tree.entry(real)
        assert entry
        if not self.user.may(entry, EXECUTE):
            what = f"{self.user.text} may not execute it: its mode is {entry.mode:04o}"
            yield real, f"{what} and its owner {entry.uid}:{entry.gid}", 'give mode = "0755", or modes'
        elif entry.head.startswith(b"#!") and not self.user.may(entry, READ):
            yield real, f"{self.user.text} may not read the script: its mode is {entry.mode:04o}", ""

    def _file(self, path: str, depth: int) -> Iterator[Finding]:
        """A file that is there, and what it needs."""
        for at, what, hint in self._denied(path):
            yield self._finding(DENIED, at, what, hint, at)
        real = self.image.tree.resolve(path) or ""
        entry = self.image.tree.entry(real)
        assert entry
        if entry.elf:
            yield from self._elf(real, entry.elf)
        elif entry.head.startswith(b"#!"):
            yield from self._script(real, entry, depth)
        else:
            what = "is neither an ELF program nor a script with #!"
            yield self._finding(FORMAT, real, what, "begin it with #!/bin/sh, or build it", real)

    def _elf(self, real: str, elf: Elf) -> Iterator[Finding]:
        platform = self.image.image.platform
        if not elf.fits(platform):
            what = f"is for {elf.name}, the image for {platform}"
            yield self._finding(MACHINE, real, what, "build it for that platform", real)
            return
        if elf.interpreter:
            loader = self.image.tree.resolve(elf.interpreter)
            entry = self.image.tree.entry(loader)
            if loader is None or entry is None or entry.kind != "file":
                what = f"its loader {elf.interpreter} is not in the image"
                yield self._finding(INTERPRETER, real, what, _loader_hint(elf), real)
                return
            if entry.elf and not entry.elf.fits(platform):
                what = f"is for {entry.elf.name}, the image for {platform}"
                yield self._finding(MACHINE, loader, what, "take the loader of that platform", loader)
                return
            for at, what, hint in self._denied(elf.interpreter):
                yield self._finding(DENIED, at, what, hint, at)
        for lost in Libraries(self.image.tree, self.image.env, self.user).missing(real, elf):
            by = "it" if lost.needed_by == real else f"/{lost.needed_by}"
            what = f"{by} needs {lost.name}, which is not found" + (f": {lost.why}" if lost.why else "")
            yield self._finding(LIBRARY, real, what, "add the package or layer that has it", real)

    def _script(self, real: str, entry: Entry, depth: int) -> Iterator[Finding]:
        line = entry.head.split(b"\n")[0][2:256].decode("utf-8", "replace").strip(" \t")
        program, _, argument = re.sub(r"[ \t]+", " ", line).partition(" ")
        ends = "; it has Windows line ends" if line.endswith("\r") else ""
        path = program if program.startswith("/") else f"{self.image.workdir}/{program}"
        found = self.image.tree.resolve(path)
        if not program or depth >= _DEEPEST or found is None or not self._is_file(found):
            shown = program.rstrip("\r")
            what = f"its interpreter {shown} is not in the image" if shown else "nothing stands after its #!"
            if depth >= _DEEPEST:
                what = f"more than {_DEEPEST} interpreters are scripts in turn"
            hint = "save it with Unix line ends" if ends else "add the layer that has it"
            yield self._finding(INTERPRETER, real, what + ends, hint, real)
            return
        yield from self._file(path, depth + 1)
        if program.rpartition("/")[2] == "env" and (word := _env_word(argument)):
            yield from self.run(word, named_by=real, depth=depth + 1)

    def _finding(self, of: Rule, path: str, what: str, hint: str, blame: str) -> Finding:
        """blame: the path whose layer is to blame, "" for the image's own field."""
        layer = self.image.layer_of(blame) if blame else None
        return Finding(of, what, hint, path, layer, self.image.command_field())


def _env_word(argument: str) -> str:
    """What `env` is asked to run by a script's first line; "" when nobody can tell simply."""
    words = argument.split()
    if words[:1] in (["-S"], ["--split-string"]):
        words = words[1:]
    elif words[:1] and words[0].startswith("-S"):
        words[0] = words[0][2:]
    elif len(words) > 1:  # the kernel hands all of it over as one word
        return argument
    while words and "=" in words[0]:
        words = words[1:]
    return words[0] if words and not words[0].startswith("-") else ""


def _loader_hint(elf: Elf) -> str:
    if "ld-musl" in elf.interpreter:
        return "it is linked against musl; link it statically, or build on a base with musl"
    if "ld-linux" in elf.interpreter:
        return "it is linked against glibc; link it statically, or build on a base with glibc"
    return "add the layer that has it"


def workdir(image: CheckedImage) -> Iterator[Finding]:
    """The folder that the command starts in."""
    entry = image.tree.entry(image.tree.resolve(image.workdir))
    if entry is None or entry.kind != "folder":
        what = f"{image.workdir} is not in the image" if entry is None else f"{image.workdir} is no folder"
        yield Finding(WORKDIR, what, "declare it with dirs of a files target", field=("workdir",))


def others(image: CheckedImage) -> Iterator[Finding]:
    """Programs and libraries that nobody is known to run."""
    said = {finding.path for finding in command(image)}
    musl = any(name.startswith("ld-musl-") for name in image.tree.names)
    for path, node in image.our_nodes:
        elf = node.entry.elf
        if elf is None or path in said:
            continue
        if not elf.fits(image.image.platform):
            what = f"is for {elf.name}, the image for {image.image.platform}"
            yield Finding(
                OTHER_MACHINE, what, "build it for that platform, or leave it out", path, node.layer
            )
            continue
        for name in elf.needed:
            known = name.rpartition("/")[2] in image.tree.names or (musl and MUSL_OWN.match(name))
            if not known:
                hint = "add the package or layer that has it"
                yield Finding(
                    OTHER_LIBRARY, f"needs {name}, which is not in the image", hint, path, node.layer
                )


CHECKS = (command, workdir, others)
