"""`stackbuild watch`, as a process of its own: what changes is built again, once, and nothing else is."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

APP = '[files.src]\nsrcs = ["src/**"]\n[image.img]\nlayers = [":src"]\n'
PATIENCE = 60  # seconds, for a line that has to come


class Watching:
    """The process, and the lines that it prints as they come."""

    def __init__(self, root, *arguments: str) -> None:
        command = [sys.executable, "-m", "stackbuild", "watch", "--progress", "none", *arguments]
        self.process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out, self.err = (self._lines(pipe) for pipe in (self.process.stdout, self.process.stderr))
        assert self.err.get(timeout=PATIENCE).startswith("watching ")

    def _lines(self, pipe) -> queue.Queue[str]:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line.rstrip("\n")) for line in pipe], daemon=True).start()
        return lines

    def row(self) -> str:
        return self.out.get(timeout=PATIENCE)

    def error(self) -> str:
        return self.err.get(timeout=PATIENCE)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@pytest.fixture
def watching(tree):
    tree.write("app/BUILD.toml", APP)
    tree.write("app/src/a", "1")
    begun = []

    def begin(*arguments: str) -> Watching:
        begun.append(Watching(tree.root, *arguments))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.wait()


def test_a_change_is_built_and_an_unrelated_one_is_not(tree, watching):
    watch = watching("//app:img")
    first = watch.row()
    assert "1 layer: 1 built" in first
    tree.write("app/other", "not read by anybody")
    tree.write("app/src/a", "2")
    second = watch.row()
    assert second.split()[1] != first.split()[1]
    (tree.root / "app/src/a").touch()
    tree.write("app/src/new/b", "a new folder")
    third = watch.row()
    assert tree.image("//app:img")["digest"] == third.split()[1]
    (tree.root / "app/src/new").rename(tree.root / "app/gone")
    assert watch.row().split()[1] == second.split()[1]
    assert watch.out.empty() and watch.err.empty()
    assert watch.end() == 130


def test_what_is_saved_in_pieces_is_built_once(tree, watching):
    watch = watching("//app:img")
    watch.row()
    with open(tree.root / "app/src/a", "w") as file:
        for _ in range(10):
            file.write("a piece\n")
            file.flush()
            time.sleep(0.01)
    digest = watch.row().split()[1]
    tree.write("app/src/a", "the end")
    assert watch.row().split()[1] != digest
    assert tree.image("//app:img")["digest"] != digest
    assert watch.out.empty()


def test_errors_are_said_once_and_survived(tree, watching):
    watch = watching("//app:img")
    watch.row()
    tree.write("app/BUILD.toml", APP + "x = [")
    assert watch.error().startswith("app/BUILD.toml:5:")
    tree.write("app/src/a", "cannot be built now")
    tree.write("app/BUILD.toml", APP)
    assert "1 built" in watch.row()
    (tree.root / "app/src/a").unlink()
    assert watch.error() == "app/BUILD.toml:2:9: the glob 'src/**' matches no file; correct it, or remove it"
    tree.write("app/src/a", "back")
    watch.row()
    tree.write("BUILD.toml", "[workspace]\nx")
    assert watch.error().startswith("BUILD.toml:2:2: not TOML")
    tree.write("BUILD.toml", "[workspace]\n")
    tree.write("app/BUILD.toml", APP + 'user = "7"\n')
    assert "1 reused" in watch.row()
    assert watch.err.empty()


def test_a_target_that_is_not_there_yet(tree, watching):
    watch = watching("//lib:new")
    assert "no BUILD.toml in //lib" in watch.error()
    tree.write("lib/src/x")
    tree.write("lib/BUILD.toml", APP.replace("img", "new"))
    assert watch.row().startswith("//lib:new")


def test_json_is_a_line_for_each_image(tree, watching):
    watch = watching("--json", "//app:img")
    assert json.loads(watch.row())["address"] == "//app:img"


def test_nonsense_is_refused_at_once(tree):
    tree.write("app/BUILD.toml", APP)
    status, _, err = tree.run("watch", "--load", "--push", "//app:img")
    assert (status, err) == (2, "stackbuild: argument --push: not allowed with argument --load\n")
    done = subprocess.run([sys.executable, "-m", "stackbuild", "watch", "//..."], cwd=os.sep, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("no workspace here")


def test_declarations_that_are_links(tree, watching):
    tree.write("declared.toml", APP)
    (tree.root / "app/BUILD.toml").unlink()
    (tree.root / "app/BUILD.toml").symlink_to("../declared.toml")
    watch = watching("//app:img")
    watch.row()
    tree.write("declared.toml", APP + 'user = "7"\n')
    assert "1 reused" in watch.row()


def test_what_git_does_for_itself_is_nobodys_business(tree, watching):
    watch = watching("//app:img")
    first = watch.row()
    tree.write("app/src/.git/index", "1")
    tree.write("app/src/a", "2")
    assert watch.row() != first
    tree.write("app/src/.git/index", "2")
    assert watch.end() == 130
    assert watch.out.empty()


def test_the_folder_that_it_was_started_in_comes_and_goes(tree, watching):
    watch = Watching(tree.root / "app", "//app:img")
    watch.row()
    (tree.root / "app").rename(tree.root / "gone")
    assert "no BUILD.toml in //app" in watch.error()
    tree.write("app/src/a", "2")
    tree.write("app/BUILD.toml", APP)
    assert watch.row().startswith("//app:img")
    assert watch.end() == 130


def test_a_workspace_that_is_gone_ends_it(tree, watching):
    watch = watching("//app:img")
    watch.row()
    tree.root.rename(tree.root.with_name("away"))
    (tree.root.with_name("away") / "app/src/a").write_text("2")
    assert watch.error() == f"{tree.root} is gone, or another folder; start watch again"
    assert watch.process.wait(PATIENCE) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_python_swallowed_still_ends_it(tmp_path):
    """As one that comes while an object is being finalized."""
    from stackbuild.watch import Changes

    class Finalized:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    before = signal.getsignal(signal.SIGINT)
    with Changes(tmp_path) as changes:
        thing = Finalized()
        del thing
        with pytest.raises(KeyboardInterrupt):
            changes.wait(lambda path: True)
    assert signal.getsignal(signal.SIGINT) is before
