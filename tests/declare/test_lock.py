"""stackbuild.lock: sorted, whole, and read with care."""

from __future__ import annotations

import pytest

from stackbuild.declare.lock import Lock
from stackbuild.errors import RequestError

ENTRY = {"digest": "sha256:1", "linux/amd64": "sha256:2"}


def test_it_reads_back_sorted(tmp_path):
    lock = Lock(tmp_path)
    for name in ("b.example/x:1", "a.example/x:1"):
        lock.put(("base", name), ENTRY)
    lock.save()
    text = (tmp_path / "stackbuild.lock").read_text()
    assert text.index("a.example") < text.index("b.example") and text.startswith("# Written by `stackbuild lock`")
    assert Lock(tmp_path).get(("base", "a.example/x:1")) == ENTRY
    again = Lock(tmp_path)
    again.put(("base", "a.example/x:1"), dict(reversed(ENTRY.items())))
    again.save()
    assert (tmp_path / "stackbuild.lock").read_text() == text


def test_a_change_of_one_entry_is_a_change_of_a_few_lines(tmp_path):
    lock = Lock(tmp_path)
    for number in range(20):
        lock.put(("base", f"example/{number}"), ENTRY)
    lock.save()
    before = (tmp_path / "stackbuild.lock").read_text().splitlines()
    lock.put(("base", "example/7"), ENTRY | {"digest": "sha256:3"})
    lock.save()
    after = (tmp_path / "stackbuild.lock").read_text().splitlines()
    assert len(before) == len(after) and sum(one != two for one, two in zip(before, after, strict=True)) == 1


def test_two_that_lock_at_once_keep_both(tmp_path):
    one, two = Lock(tmp_path), Lock(tmp_path)
    one.put(("base", "one"), ENTRY)
    two.put(("base", "two"), ENTRY)
    one.save()
    two.save()
    assert Lock(tmp_path).names() == [("base", "one"), ("base", "two")]


def test_nothing_new_writes_nothing(tmp_path):
    Lock(tmp_path).save()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<<<<<<< HEAD\n", "stackbuild.lock:1:1: not TOML: "),
        ("", "stackbuild.lock:1:1: the lock file is of another version"),
        ("version = 2\n", "stackbuild.lock:1:11: the lock file is of another version"),
        ("version = 1\n[base]\nx = 1\n", "stackbuild.lock:3:1: this is no entry of a lock file"),
        ("version = 1\nbase = 1\n", "stackbuild.lock:2:1: this is no entry of a lock file"),
        ("version = 1\n[base.x]\ny = 1\n", "stackbuild.lock:2:7: this is no entry of a lock file"),
    ],
)
def test_what_is_no_lock(tmp_path, text, line):
    (tmp_path / "stackbuild.lock").write_text(text)
    with pytest.raises(RequestError) as caught:
        Lock(tmp_path)
    assert str(caught.value).startswith(line)
