"""Where a dynamic loader finds the libraries that a program names.

Sources: ld.so(8) of glibc; dynlink.c of musl. glibc's loader reads /etc/ld.so.cache and never
/etc/ld.so.conf, which is ldconfig's: a library in a folder of the latter alone is not found.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from ...frozen import frozen
from .elf import Elf
from .filesystem import Tree
from .users import READ, User

TEXTS = r"etc/ld\.so\.(cache|conf)|etc/ld\.so\.conf\.d/[^/]+|etc/ld-musl-[^/]+\.path"
_TRIPLETS = {
    "386": "i386-linux-gnu",
    "amd64": "x86_64-linux-gnu",
    "arm": "arm-linux-gnueabihf",
    "arm64": "aarch64-linux-gnu",
    "loong64": "loongarch64-linux-gnu",
    "mips64le": "mips64el-linux-gnuabi64",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
}
"""Debian's multiarch folders, by machine."""
MUSL_OWN = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")
"""The libraries that musl's loader is by itself."""


@frozen
class Missing:
    """A library that is not found. needed_by: the path of what names it; why: what was found instead."""

    name: str
    needed_by: str
    why: str = ""


@frozen
class _Loaded:
    """A program or library, and what had it loaded."""

    path: str
    elf: Elf
    loader: _Loaded | None = None

    def chain(self) -> Iterator[_Loaded]:
        at: _Loaded | None = self
        while at:
            yield at
            at = at.loader


class Libraries:
    """The libraries of an image, for a user and an environment."""

    def __init__(self, tree: Tree, env: dict[str, str], user: User) -> None:
        self._tree, self._user = tree, user
        self._env = _split(env.get("LD_LIBRARY_PATH", ""))
        self._cache: dict[str, list[str]] | None = None

    def missing(self, path: str, elf: Elf) -> Iterator[Missing]:
        """Every library that a program, or a library of it, lacks."""
        musl = "ld-musl" in elf.interpreter
        waiting = [_Loaded(path, elf)]
        known = {elf.soname, ""}
        while waiting:
            at = waiting.pop(0)
            for name in at.elf.needed:
                if name in known or (musl and MUSL_OWN.match(name)):
                    continue
                known.add(name)
                found = self._find(name, at, elf, musl=musl)
                if isinstance(found, Missing):
                    yield found
                else:
                    known.add(found.elf.soname)
                    waiting.append(found)

    def _find(self, name: str, at: _Loaded, program: Elf, *, musl: bool) -> _Loaded | Missing:
        why = ""
        for path in [name] if "/" in name else self._places(name, at, program, musl=musl):
            real = self._tree.resolve(path)
            entry = self._tree.entry(real)
            if real is None or entry is None or entry.kind != "file":
                continue
            if entry.elf is None:
                why = f"/{real} is no library"
            elif (entry.elf.machine, entry.elf.bits) != (program.machine, program.bits):
                why = f"/{real} is for {entry.elf.name}"
            elif not self._user.may(entry, READ):
                why = f"{self._user.text} may not read /{real}"
            else:
                return _Loaded(real, entry.elf, at)
        return Missing(name, at.path, why or ("" if musl else self._uncached(name)))

    def _places(self, name: str, at: _Loaded, program: Elf, *, musl: bool) -> Iterator[str]:
        """Every path to look at, in the loader's order."""
        if musl:
            folders = [*self._env, *(path for item in at.chain() for path in _own(item))]
            yield from (f"{folder}/{name}" for folder in folders + self._musl_folders(program))
            return
        inherited = [] if at.elf.runpath else [path for item in at.chain() for path in _rpath(item)]
        own = _expanded(at, at.elf.runpath)
        yield from (f"{folder}/{name}" for folder in [*inherited, *self._env, *own])
        yield from self._cached(name)
        yield from (f"{folder}/{name}" for folder in _default_folders(program))

    def _cached(self, name: str) -> list[str]:
        """The paths that ld.so.cache has for a name; they stand there as strings that end with NUL."""
        if self._cache is None:
            self._cache = {}
            entry = self._tree.entry(self._tree.resolve("etc/ld.so.cache"))
            for found in re.findall(rb"/[^\0]+(?=\0)", entry.head if entry else b""):
                path = found.decode("utf-8", "replace")
                self._cache.setdefault(path.rpartition("/")[2], []).append(path)
        return self._cache.get(name, [])

    def _musl_folders(self, program: Elf) -> list[str]:
        name = program.interpreter.rpartition("/")[2].removesuffix(".so.1")
        text = self._tree.text(f"etc/{name}.path")
        return _split(text.replace("\n", ":")) or ["/lib", "/usr/local/lib", "/usr/lib"]

    def _uncached(self, name: str) -> str:
        """What to say of a library in a folder of ld.so.conf that ldconfig did not look at."""
        for folder in self._configured("etc/ld.so.conf", set()):
            if self._tree.entry(self._tree.resolve(f"{folder}/{name}")):
                return f"it is in {folder}, but ldconfig did not write that into /etc/ld.so.cache"
        return ""

    def _configured(self, path: str, seen: set[str]) -> Iterator[str]:
        """The folders that a file of ld.so.conf(5) names, with those of files that it includes."""
        seen.add(path)
        for line in self._tree.text(path).splitlines():
            words = line.partition("#")[0].replace(",", " ").replace(":", " ").split()
            if words[:1] == ["include"]:
                for pattern in words[1:]:
                    pattern = pattern.lstrip("/") if pattern.startswith("/") else f"etc/{pattern}"
                    for other in set(fnmatch.filter(self._tree.nodes, pattern)) - seen:
                        yield from self._configured(other, seen)
            elif words[:1] != ["hwcap"]:
                yield from words


def _split(text: str) -> list[str]:
    return [folder for folder in re.split("[:;]", text.strip()) if folder.startswith("/")]


def _rpath(item: _Loaded) -> list[str]:
    return [] if item.elf.runpath else _expanded(item, item.elf.rpath)


def _own(item: _Loaded) -> list[str]:
    return _expanded(item, item.elf.runpath or item.elf.rpath)


def _expanded(item: _Loaded, text: str) -> list[str]:
    """The folders of an RPATH or RUNPATH; $LIB means one of two, by distribution."""
    origin = "/" + item.path.rpartition("/")[0]
    text = re.sub(r"\$(ORIGIN\b|\{ORIGIN\})", lambda _: origin, text)
    found = []
    for folder in _split(text):
        for lib in _lib(item.elf) if "LIB" in folder else [""]:
            found.append(re.sub(r"\$(LIB\b|\{LIB\})", lib, folder))
    return found


def _lib(elf: Elf) -> list[str]:
    triplet = _TRIPLETS.get(elf.name)
    return [*([f"lib/{triplet}"] if triplet else []), "lib64" if elf.bits == 64 else "lib"]


def _default_folders(elf: Elf) -> list[str]:
    return [f"{root}/{lib}" for lib in [*_lib(elf), "lib"] for root in ("", "/usr")]
