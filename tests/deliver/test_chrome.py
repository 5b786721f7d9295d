"""--trace: the shape that Perfetto and chrome://tracing read, and what it says of a real build."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

BUILD = """[workspace]
[files.a]
srcs = ["a/**"]
[files.b]
srcs = ["b/**"]
to = "/b"
[image.img]
layers = [":a", ":b"]
"""


@pytest.fixture
def filled(tree):
    for number in range(30):
        tree.write(f"a/d{number % 3}/f{number}", f"{number}" * 5000)
        tree.write(f"b/f{number}", os.urandom(20_000))
    tree.write("BUILD.toml", BUILD)
    return tree


def trace_of(tree, *arguments: str, status: int = 0) -> dict:
    found, _, err = tree.run(*arguments, "--trace", "trace.json", "--progress", "none")
    assert found == status, err
    return json.loads((tree.root / "trace.json").read_text())


def spans(trace: dict) -> dict[str, list[dict]]:
    """The complete events of each thread, by the thread's name, outermost first."""
    events = trace["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    found = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            found[names[event["tid"]]].append(event)
    return {name: sorted(items, key=lambda item: (item["ts"], -item["dur"])) for name, items in found.items()}


def test_the_file_is_in_the_trace_event_format(filled):
    trace = trace_of(filled, "image", "//:img")
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"} and trace["displayTimeUnit"] == "ms"
    assert {event["ph"] for event in trace["traceEvents"]} == {"X", "M", "C"}
    for event in trace["traceEvents"]:
        assert isinstance(event["name"], str) and isinstance(event["args"], dict)
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] == "X":
            assert event["ts"] >= 0 and event["dur"] >= 0
            assert all(isinstance(value, str | int | float) for value in event["args"].values())
        elif event["ph"] == "C":
            assert event["ts"] >= 0 and all(isinstance(value, int) for value in event["args"].values())
        else:
            assert event["name"] in ("process_name", "thread_name", "thread_sort_index")
    running = [event["args"]["value"] for event in trace["traceEvents"] if event["name"] == "targets under way"]
    assert max(running) >= 1 and running[-1] == 0


def test_spans_of_a_thread_nest(filled):
    for items in spans(trace_of(filled, "image", "//:img", "--jobs", "4")).values():
        around: list[float] = []
        for item in items:
            end = item["ts"] + item["dur"]
            while around and around[-1] <= item["ts"] + 0.001:
                around.pop()
            assert not around or end <= around[-1] + 0.001, item
            around.append(end)


def test_it_says_what_every_thread_did(filled):
    found = spans(trace_of(filled, "image", "//:img"))
    main = {item["name"] for item in found["MainThread"]}
    assert {"start up", "open the workspace", "load", "plan", "build targets", "wait for targets", "write the output"} <= main
    workers = {item["name"] for name, items in found.items() if name.startswith("target") for item in items}
    assert {"target", "prepare", "walk", "fingerprint", "look up", "build", "write the layer ahead", "keep the blob"} <= workers
    assert {"assemble", "keep the record"} <= workers
    for thread, what in (("hash", "hash the tar"), ("write", "hash and write"), ("chunk", "compress")):
        assert any(what == item["name"] for name, items in found.items() if name.startswith(thread) for item in items)


def test_the_main_thread_tells_all_its_steps_from_the_start(filled):
    main = spans(trace_of(filled, "image", "//:img"))["MainThread"]
    assert main[0]["ts"] == 0
    steps = ["start up", "open the workspace", "load", "plan", "build targets", "write the output"]
    assert [name for name in dict.fromkeys(item["name"] for item in main) if name in steps] == steps


def test_no_digest_or_key_depends_on_it(filled, tmp_path, monkeypatch):
    plain = filled.image("//:img")
    monkeypatch.setenv("STACKBUILD_STORE", str(tmp_path / "other"))
    watched = ["--trace", "t.json", "--report", "r.html", "--events", "e.jsonl"]
    assert [layer["status"] for layer in filled.image("//:img", *watched)["layers"]] == ["built", "built"]
    assert filled.image("//:img")["digest"] == plain["digest"]
    assert set(filled.statuses("//:img", *watched).values()) == {"reused"}


def test_a_build_that_fails_leaves_its_trace(filled):
    filled.write("BUILD.toml", BUILD.replace('"b/**"', '"none/*"'))
    trace = trace_of(filled, "image", "//:img", status=2)
    assert any(event["name"] == "build targets" for event in trace["traceEvents"])


def test_wrong_build_files_leave_one_too(filled):
    filled.write("BUILD.toml", BUILD.replace('":b"]', '":c"]'))
    assert any(event["name"] == "load" for event in trace_of(filled, "image", "//:img", status=2)["traceEvents"])


def large_blob_begun() -> bool:
    try:
        return any(part.stat().st_size >= 1 << 16 for part in Path(os.environ["STACKBUILD_STORE"], "tmp").glob("*"))
    except FileNotFoundError:  # a small one, finished meanwhile
        return False


def test_an_interrupted_build_leaves_trace_report_and_events(filled):
    filled.write("big/f", b"")
    with open(filled.root / "big" / "f", "wb") as file:
        file.truncate(3 << 30)
    filled.write("BUILD.toml", BUILD.replace('"a/**"', '"big/*"'))
    command = [sys.executable, "-m", "stackbuild", "image", "//:img", "--progress", "none", "--trace", "t.json", "--report", "r.html", "--events", "e.jsonl"]
    process = subprocess.Popen(command, cwd=filled.root, stderr=subprocess.PIPE)
    while not large_blob_begun() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130 and err == b"interrupted\n"
    assert any(event["name"] == "write the layer ahead" for event in json.loads((filled.root / "t.json").read_text())["traceEvents"])
    assert '"status":"interrupted"' in (filled.root / "r.html").read_text()
    last = json.loads((filled.root / "e.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["status"]) == ("build.finished", "interrupted")


def test_one_that_cannot_be_written_fails_the_command_in_one_line(filled):
    status, _, err = filled.run("image", "//:img", "--progress", "none", "--trace", "/proc/none/t.json")
    assert status == 1 and err.startswith("--trace: cannot write '/proc/none/t.json': ") and err.count("\n") == 1


def test_but_never_hides_why_the_build_failed(filled):
    filled.write("BUILD.toml", BUILD.replace('"b/**"', '"none/*"'))
    status, _, err = filled.run("image", "//:img", "--progress", "plain", "--trace", "/proc/none/t.json")
    assert status == 2 and "warning: --trace: cannot write" in err and "BUILD.toml:" in err.splitlines()[-1]
