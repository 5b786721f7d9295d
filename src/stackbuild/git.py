"""What git knows of a workspace: revisions, what changed since one, and the tree as it was."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import RequestError, StackbuildError, one_line


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
        try:
            found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            commit = found.decode().strip()
            if revision != name:
                commit = self._git("merge-base", commit, "HEAD").decode().strip()
        except RequestError:
            hint = (
                "the clone is shallow; fetch more of it (git fetch --unshallow)"
                if self._shallow
                else ("name a commit, a branch or a tag that 'git rev-parse' knows")
            )
            raise RequestError(f"git knows no revision '{revision}' here", hint=hint) from None
        return commit

    def changed(self, commit: str) -> set[str]:
        """The files that are otherwise in the tree on disk than in a commit: edited, added, removed, or of
        another mode. Those that git ignores do not count, unless they are tracked."""
        # What git believes unchanged it finds by stat; a lock that another git holds is no hindrance.
        tracked = self._git(
            "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", "--relative", commit, "--"
        )
        others = self._git("ls-files", "--others", "--exclude-standard", "-z")
        return {os.fsdecode(path) for path in (tracked + others).split(b"\0") if path}

    def ignored(self) -> set[str]:
        """The files that git ignores, and which it so knows nothing of; a folder that it ignores whole ends
        with "/"."""
        found = self._git(
            "ls-files",
            "--others",
            "--ignored",
            "--exclude-standard",
            "--directory",
            "--no-empty-directory",
            "-z",
        )
        return {os.fsdecode(path) for path in found.split(b"\0") if path}

    def read(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The contents of files of a commit; without those that it lacks, or that are no files."""
        paths = [path for path in paths if "\n" not in path]  # git reads one a line; no address names these
        names = "".join(f"{commit}:{self._prefix}{path}\n" for path in paths)
        out = self._git("cat-file", "--batch", given=names.encode("utf-8", "surrogateescape"))
        found, at = {}, 0
        for path in paths:
            end = out.index(b"\n", at)
            head = out[at:end].split(b" ")
            at = end + 1
            if head[-1] == b"missing" or len(head) < 3:
                continue
            size = int(head[-1])
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
        if index is not None:
            environment["GIT_INDEX_FILE"] = str(index)
        where = ["-C", self._top()] if top else []
        try:
            done = subprocess.run(
                ["git", *where, *words],
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
            what = said[0].removeprefix("fatal: ") if said else f"git {words[0]} failed"
            raise RequestError(one_line(f"git: {what}"))
        return done.stdout

    def _top(self) -> str:
        return os.fsdecode(self._git("rev-parse", "--show-toplevel").rstrip(b"\n"))
