"""What is told of bytes that come from and go to a real registry."""

from __future__ import annotations

import json
import random
import re

import pytest

pytestmark = pytest.mark.real
SIZE = 3 << 20


def test_transfers_are_events_spans_and_part_of_the_trace(tree, registry):
    tree.write("data", random.Random(1).randbytes(SIZE))
    tree.write("BUILD.toml", f'[workspace]\nrepository = "{registry.host}/app"\n[files.f]\nsrcs = ["data"]\n[image.img]\nlayers = [":f"]\n')
    status, _, err = tree.run("push", "//:img", "--events", "push.jsonl", "--trace", "push.json", "--report", "push.html", "--progress", "none")
    assert status == 0, err
    events = [json.loads(line) for line in (tree.root / "push.jsonl").read_text().splitlines()]
    started = {event["transfer"]: event for event in events if event["event"] == "transfer.started"}
    finished = {event["transfer"]: event for event in events if event["event"] == "transfer.finished"}
    assert len(started) == 2 and set(started) == set(finished)  # the layer and the configuration
    for number, event in finished.items():
        assert (event["verb"], event["status"], event["bytes"]) == ("push", "done", started[number]["size"])
    assert events[-1]["pushed"] == sum(event["bytes"] for event in finished.values()) > SIZE
    trace = json.loads((tree.root / "push.json").read_text())["traceEvents"]
    [*_, last] = [event["args"]["value"] for event in trace if event["name"] == "bytes pushed"]
    assert last == events[-1]["pushed"]
    urls = [event["args"]["url"] for event in trace if event["name"] == "request"]
    assert urls and all(re.fullmatch(r"https?://[^?@]+", url) for url in urls)


def test_a_transfer_that_fails_is_told_and_the_build_says_why(tree, registry):
    tree.write("data", random.Random(1).randbytes(SIZE))
    tree.write("BUILD.toml", f'[workspace]\nrepository = "{registry.host}/app"\n[files.f]\nsrcs = ["data"]\n[image.img]\nlayers = [":f"]\n')
    assert tree.run("push", "//:img", "--progress", "none")[0] == 0
    tree.write("BUILD.toml", f'[workspace]\n[base.b]\nimage = "{registry.host}/app:latest"\n[image.img]\nbase = ":b"\n')
    assert tree.run("image", "//:img", "--output", "none", "--progress", "none")[0] == 0
    for blob in (tree.root.parent / "store" / "blobs" / "sha256").iterdir():
        if blob.stat().st_size > SIZE:
            blob.unlink()
    for data in registry.folder.rglob("data"):
        if data.is_file() and data.stat().st_size > SIZE:
            data.write_bytes(bytes(data.stat().st_size))
    status, _, _ = tree.run("image", "//:img", "--events", "e.jsonl", "--progress", "none")
    events = [json.loads(line) for line in (tree.root / "e.jsonl").read_text().splitlines()]
    assert status == 1 and [event["status"] for event in events if event["event"] == "transfer.finished"] == ["failed"]
    assert events[-1]["status"] == "failed" and registry.host in events[-1]["errors"][0]["message"]
