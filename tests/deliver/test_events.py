"""--events: what programs are told, line by line, and that they can never break a build."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from stackbuild.deliver import events as models
from stackbuild.deliver.events import Event

BUILD = """[workspace]
[files.a]
srcs = ["a.txt"]
[files.b]
srcs = ["b.txt"]
to = "/b"
[image.img]
layers = [":a", ":b"]
"""
KNOWN = {kind.model_fields["event"].default: kind for kind in Event.__subclasses__()}


@pytest.fixture
def filled(tree):
    tree.write("a.txt", "a")
    tree.write("b.txt", "b")
    tree.write("BUILD.toml", BUILD)
    return tree


def told(tree, *arguments: str, status: int = 0) -> list[dict]:
    """The events of a command, each of which is as its model says."""
    found, _, err = tree.run(*arguments, "--events", "events.jsonl", "--progress", "none")
    assert found == status, err
    lines = (tree.root / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    for event in events:
        model = KNOWN[event["event"]]
        assert set(event) == set(model.model_fields) and model.model_validate(event).version == 1
        assert datetime.datetime.fromisoformat(event["time"]).utcoffset() == datetime.timedelta(0)
    assert all(a["time"] <= b["time"] for a, b in pairwise(events)) or len(events) > 5
    return events


def of(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["event"] == kind]


def test_a_build_is_told_from_start_to_finish(filled):
    events = told(filled, "image", "//:img")
    assert [event["event"] for event in events[:2]] == ["build.started", "build.planned"]
    assert (events[0]["command"], events[0]["specs"], events[0]["platform"]) == ("image", ["//:img"], None)
    assert events[1]["targets"] == len(of(events, "target.started")) == len(of(events, "target.finished")) == 4
    by_name = {(event["target"], event["variant"]): event for event in of(events, "target.finished")}
    layer = by_name["//:a", "gzip"]
    assert layer["status"] == "built" and layer["causes"] == ["never built before"] and layer["digest"] is None
    [written] = of(events, "output.written")
    assert written["path"] == "dist/img" and written["platforms"] == ["linux/amd64"]
    assert written["digest"] == by_name["//:img", ""]["digest"] == filled.image("//:img")["digest"]
    assert written["size"] == sum(item["size"] for item in by_name["//:img", "linux/amd64"]["layers"])
    end = events[-1]
    assert (end["event"], end["status"], end["built"], end["reused"], end["failed"], end["errors"]) == ("build.finished", "done", 4, 0, 0, [])


def test_a_target_starts_before_it_finishes_and_after_what_it_needs(filled):
    events = told(filled, "image", "//:img")
    order = [(event["event"], event.get("target"), event.get("variant")) for event in events]
    for name in ("//:a", "//:b"):
        done = order.index(("target.finished", name, "gzip"))
        assert order.index(("target.started", name, "gzip")) < done
        assert done < order.index(("target.started", "//:img", "linux/amd64"))


def test_causes_say_why(filled):
    filled.image("//:img")
    filled.write("a.txt", "changed")
    finished = {event["target"]: event for event in of(told(filled, "image", "//:img"), "target.finished") if event["variant"] == "gzip"}
    assert (finished["//:a"]["status"], finished["//:a"]["causes"]) == ("built", ["file a.txt changed"])
    assert (finished["//:b"]["status"], finished["//:b"]["causes"]) == ("reused", [])


def test_a_failure_names_its_place(filled):
    filled.write("BUILD.toml", BUILD.replace('"b.txt"', '"c.txt"'))
    events = told(filled, "image", "//:img", status=2)
    [failed] = of(events, "target.failed")
    [error] = failed["errors"]
    assert failed["target"] == "//:b" and (error["path"], error["line"], error["column"]) == ("BUILD.toml", 5, 9)
    assert "c.txt" in error["message"]
    assert events[-1]["status"] == "failed" and events[-1]["failed"] == 1 and events[-1]["errors"] == [error]


def test_errors_in_build_files_are_told_too(filled):
    filled.write("BUILD.toml", BUILD.replace('":b"]', '":c", ":d"]'))
    events = told(filled, "image", "//:img", status=2)
    assert [event["event"] for event in events] == ["build.started", "build.finished"]
    assert [error["message"] for error in events[-1]["errors"]] == ["no target //:c", "no target //:d"]


def test_odd_names_stay_on_their_line(filled):
    filled.write("BUILD.toml", BUILD.replace('"a.txt"', '"odd/**"'))
    filled.write("odd/new\nline\u2028é", "x")
    filled.image("//:img")
    filled.write("odd/new\nline\u2028é", "y")
    events = told(filled, "image", "//:img")
    assert ["file odd/new\\nline\\u2028é changed"] in [event["causes"] for event in of(events, "target.finished")]


def test_specs_that_are_no_unicode_are_told_escaped(filled):
    assert told(filled, "image", "//:\udcff", status=2)[0]["specs"] == ["//:\\udcff"]


def test_an_old_file_is_replaced(filled):
    filled.write("events.jsonl", "old\n" * 1000)
    assert told(filled, "image", "//:img")[0]["event"] == "build.started"


def test_a_pipe_is_read_while_the_build_goes_on(filled):
    pipe, lines = filled.root / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: lines.extend(pipe.read_text().splitlines()))
    reader.start()
    status, _, _ = filled.run("image", "//:img", "--events", str(pipe))
    reader.join()
    assert status == 0 and json.loads(lines[-1])["event"] == "build.finished"


def test_a_reader_that_goes_away_breaks_nothing(filled):
    pipe = filled.root / "pipe"
    os.mkfifo(pipe)

    def read_one_line() -> None:
        with open(pipe) as file:
            file.readline()

    reader = threading.Thread(target=read_one_line)
    reader.start()
    status, out, err = filled.run("image", "//:img", "--events", str(pipe), "--progress", "plain")
    reader.join()
    assert status == 0 and "4 built" not in err and "2 built" in out
    assert err.count("warning:") == 1 and "warning: no more events are written: Broken pipe" in err


def test_a_full_disk_breaks_nothing(filled):
    status, out, err = filled.run("image", "//:img", "--events", "/dev/full", "--progress", "plain")
    assert status == 0 and "2 built" in out
    assert err.count("warning:") == 1 and "warning: no more events are written: No space left on device" in err


def test_standard_output_is_for_results(filled):
    for place in ("-", ""):
        status, out, err = filled.run("image", "//:img", "--events", place)
        assert (status, out) == (2, "") and err == "--events: standard output is for results; name a file, a pipe or /dev/stderr\n"


def test_a_place_that_cannot_be_written_is_refused_before_the_build(filled):
    for place, why in ((".", "Is a directory"), ("none/e", "No such file or directory")):
        status, _, err = filled.run("image", "//:img", "--events", place)
        assert status == 2 and err == f"--events: cannot write {place}: {why}; choose another file\n"
    assert not (filled.root / "dist").exists()


def test_every_field_of_every_event_is_explained():
    for kind in (*KNOWN.values(), models.Fault, models.Layer):
        assert kind.__doc__
        assert all(field.description for name, field in kind.model_fields.items() if name not in Event.model_fields)


def test_an_interruption_does_not_wait_for_a_reader_that_does_not_read(tree):
    tree.write("BUILD.toml", "[workspace]\n" + "".join(f'[files.t{number}]\nsymlinks = {{ "/l" = "{number}" }}\n' for number in range(400)))
    pipe = tree.root / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "stackbuild", "image", "//...", "--progress", "none", "--events", str(pipe)]
    process = subprocess.Popen(command, cwd=tree.root, stderr=subprocess.PIPE)
    with open(pipe, "rb"):
        names = tree.root.parent / "store" / "records"
        before = -1
        while before < 1 or before != len(list(names.glob("*"))):  # until the build stands still
            before = len(list(names.glob("*"))) if names.exists() else -1
            time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == b"interrupted\n"
