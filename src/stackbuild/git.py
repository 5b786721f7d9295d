"""What git knows of a workspace: revisions, what changed since one, and the tree as it was."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .errors import RequestError, StackbuildError, one_line

_SUBMODULE = b"160000"
_ELSEWHERE = ("DIR", "WORK_TREE", "INDEX_FILE", "COMMON_DIR", "OBJECT_DIRECTORY", "PREFIX")
"""What git tells its hooks of its own place, which may be another repository than ours, or another folder."""
_TRUTH = ("core.fileMode", "core.symlinks", "core.trustCTime", "diff.autoRefreshIndex")
"""Settings without which git overlooks what a key does not, or sees what is not."""
_CONVERTING = (b"text", b"eol", b"crlf", b"binary", b"encoding", b"filter", b"ident", b"[attr]")
"""Words of a .gitattributes file on which depends what a checkout writes."""


@dataclass
class Changes:
    """files: that differ, and folders, with "/" at the end, of which all files are new; unsure: folders below
    which any file may differ, or be gone."""

    files: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)

    def add(self, folder: str, below: Changes | None) -> None:
        """Take up what differs below a folder; None: that is not known."""
        if below is None:
            self.unsure.add(folder)
            return
        self.files |= {f"{folder}/{path}" for path in below.files}
        self.unsure |= {f"{folder}/{path}" for path in below.unsure}


class Repository:
    """The git checkout that holds a folder. Paths are relative to that folder, as git's pathspecs are not."""

    def __init__(self, folder: Path) -> None:
        """Raises RequestError when the folder lies in no checkout."""
        self.folder = folder
        shown = self._git("rev-parse", "--show-prefix", "--is-shallow-repository").decode(
            "utf-8", "surrogateescape"
        )
        self._prefix, _, shallow = shown.rstrip("\n").partition("\n")
        self._shallow = shallow == "true"

    def commit(self, revision: str) -> str:
        """The commit that a revision names; "REV..." is where REV and the present branch parted.

        Raises RequestError.
        """
        name = revision.removesuffix("...")
        if not name or "\0" in name:
            raise RequestError(f"'{revision}' is no revision", hint="name a commit, a branch or a tag")
        deeper = "the clone is shallow; fetch more of it (git fetch --unshallow)"
        try:
            # In two steps, as "^{commit}" at the end of ":/words" would be some of the words.
            found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name).decode().strip()
            if found.startswith("^"):
                raise RequestError("a range")
            found = self._git("rev-parse", "--verify", "--quiet", f"{found}^{{commit}}").decode().strip()
        except RequestError:
            hint = deeper if self._shallow else "name a commit, a branch or a tag that 'git rev-parse' knows"
            raise RequestError(f"git knows no revision '{revision}' here", hint=hint) from None
        if revision == name:
            return found
        try:
            return self._git("merge-base", found, "HEAD").decode().strip()
        except RequestError:
            hint = deeper if self._shallow else f"write {name}, without the dots"
            what = f"'{name}' and the present branch have no commit in common"
            raise RequestError(what, hint=hint) from None

    def branch(self) -> str:
        """The name of the present branch; "HEAD" when there is none. Raises RequestError before a commit."""
        return self._git("rev-parse", "--abbrev-ref", "HEAD").decode("utf-8", "replace").strip()

    def changed(self, commit: str) -> Changes:
        """What is otherwise in the tree on disk than in a commit. Files that git ignores do not count, unless
        they are tracked."""
        # What git believes unchanged it finds by stat; a lock that another git holds is no hindrance.
        options = ["--no-renames", "--no-ext-diff", "--no-abbrev", "--ignore-submodules=none", "-O/dev/null"]
        out = self._git("diff", "--raw", "-z", "--relative", *options, commit, "--").split(b"\0")
        found = Changes()
        for head, name in zip(out[::2], out[1::2], strict=False):
            before, after, digest = head.split(b" ")[:3]
            path = os.fsdecode(name)
            if before == b":" + _SUBMODULE:
                found.add(path, self._changed_below(path, digest.decode()))
            else:
                found.files |= {path, f"{path}/"} if after == _SUBMODULE else {path}
        others = self._git("ls-files", "--others", "--exclude-standard", "-z")
        found.files.update(os.fsdecode(path) for path in others.split(b"\0") if path)
        found.unsure.update(self._converted(commit, found.files))
        return found

    def _converted(self, commit: str, changed: Iterable[str]) -> Iterator[str]:
        """The folders in which git may write other bytes than it did for the same content."""
        paths = [path for path in changed if path.rpartition("/")[2] == ".gitattributes"]
        before = self.read(commit, paths) if paths else {}
        for path in paths:
            try:
                now = (self.folder / path).read_bytes()
            except OSError:
                now = b""
            otherwise = {*now.splitlines()} ^ {*before.get(path, b"").splitlines()}
            if any(word in line for line in otherwise for word in _CONVERTING):
                yield path.rpartition("/")[0]

    def _changed_below(self, path: str, commit: str) -> Changes | None:
        """What changed in a submodule; None where that cannot be told."""
        inner = self._submodule(path)
        try:
            return inner.changed(inner.commit(commit)) if inner else None
        except RequestError:
            return None

    def _submodule(self, path: str) -> Repository | None:
        there = os.path.lexists(self.folder / path / ".git")
        return Repository(self.folder / path) if there else None

    def ignored(self) -> set[str]:
        """The files that git ignores, and which it so knows nothing of; a folder that it ignores whole ends
        with "/"."""
        which = ["--others", "--ignored", "--exclude-standard", "--directory", "--no-empty-directory"]
        out = self._git("ls-files", *which, "-z")
        found = {os.fsdecode(path) for path in out.split(b"\0") if path}
        return found | self._of_submodules(Repository.ignored)

    def unwatched(self) -> set[str]:
        """The tracked files that git was told not to look at: those assumed unchanged, and those that are
        there though they lie outside of a sparse checkout."""
        told = [(tag, path) for tag, mode, path in self._odd if mode != _SUBMODULE]
        found = {path for tag, path in told if tag.islower() or os.path.lexists(self.folder / path)}
        return found | self._of_submodules(Repository.unwatched)

    def _of_submodules(self, ask: Callable[[Repository], set[str]]) -> set[str]:
        inner = {path: self._submodule(path) for _, mode, path in self._odd if mode == _SUBMODULE}
        return {f"{path}/{name}" for path, one in inner.items() if one for name in ask(one)}

    @functools.cached_property
    def _odd(self) -> list[tuple[bytes, bytes, str]]:
        """(tag, mode, path) of what is no plain file in the index; tags as `git ls-files -v` has them."""
        found = []
        for line in self._git("ls-files", "--stage", "-v", "-z").split(b"\0"):
            tag, mode = line[:1], line[2:8]
            if tag.islower() or tag == b"S" or mode == _SUBMODULE:
                found.append((tag, mode, os.fsdecode(line.partition(b"\t")[2])))
        return found

    def read(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The contents of files of a commit, links followed; without those that it lacks, or that are no
        files, or have a line break in their name."""
        paths = [path for path in paths if "\n" not in path]
        names = "".join(f"{commit}:{self._prefix}{path}\n" for path in paths)
        out = self._git(
            "cat-file", "--batch", "--follow-symlinks", given=names.encode("utf-8", "surrogateescape")
        )
        found, at = {}, 0
        for path in paths:
            end = out.index(b"\n", at)
            head = out[at:end].split(b" ")
            at = end + 1
            if head[-1] in (b"missing", b"ambiguous"):
                continue
            size = int(head[-1])  # of a link that leads nowhere, of the words that say so
            if head[-2] == b"blob":
                found[path] = out[at : at + size]
            at += size + 1
        return found

    @contextmanager
    def checkout(self, commit: str, parent: Path | None = None) -> Iterator[Path]:
        """The folder as it was in a commit, as files in a temporary place, for as long as the block lasts.

        The checkout and its index are left alone. Raises RequestError when the commit lacks the folder.
        """
        with tempfile.TemporaryDirectory(prefix="stackbuild-", dir=parent) as temp:
            into, index = Path(temp, "tree"), Path(temp, "index")
            into.mkdir()
            tree = f"{commit}:{self._prefix}" if self._prefix else commit
            self._git("read-tree", tree, index=index)
            self._git("checkout-index", "--all", "--quiet", f"--prefix={into}/", index=index, top=True)
            yield into

    def _git(
        self, *words: str, given: bytes | None = None, index: Path | None = None, top: bool = False
    ) -> bytes:
        """What git says. Raises RequestError with its own words when it fails."""
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        if any((at / ".git").exists() for at in (self.folder, *self.folder.parents)):
            for name in _ELSEWHERE:
                environment.pop(f"GIT_{name}", None)
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        where = ["-C", self._top()] if top else []
        settings = [word for name in _TRUTH for word in ("-c", f"{name}=true")]
        try:
            done = subprocess.run(
                ["git", *where, *settings, "-c", "core.checkStat=default", *words],
                cwd=self.folder,
                input=given,
                capture_output=True,
                env=environment,
                check=False,
            )
        except FileNotFoundError:
            raise StackbuildError("git is not installed, and only it knows what changed") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            said = [line for line in said if line.startswith("fatal: ")] or said
            what = said[0].removeprefix("fatal: ") if said else f"git {words[0]} failed"
            raise RequestError(one_line(f"git: {what}"))
        return done.stdout

    def _top(self) -> str:
        return os.fsdecode(self._git("rev-parse", "--show-toplevel").rstrip(b"\n"))
