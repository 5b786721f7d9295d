"""One layer of many small or of some big files: cold, unchanged, with one file changed; beside its peers."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import time
from pathlib import Path

from timing import OURS, PAUSE, Clock, table
from trees import commit, edit

FAST = ["gzip-fast"] if platform.machine() in ("x86_64", "AMD64") else []
WAYS = ["gzip", *FAST, "gzip-small", "zstd"]
COLD = {f"stackbuild, {way}": way for way in WAYS}
CHANGED = {f"stackbuild, {way}, one file changed": f"stackbuild, {way}" for way in ("gzip", *FAST)}
TAR = "tar --sort=name -c app"
PIPES = {"igzip -1": "igzip -1", "pigz -1": "pigz -1", "pigz -6": "pigz -6"}
NOTHING = "stackbuild, gzip, no change"
SECOND = "stackbuild, gzip, a second image of the same layer"
MORE = "the same, each of 100 more in one command"
UMOCI = "umoci init --layout L && umoci new --image L:x && umoci insert --image L:x app /app"
BUILDAH = (
    "buildah --root ../b --runroot ../r --storage-driver vfs "
    "bud --layers --isolation chroot -f Dockerfile -t x ."
)


def workspace(root: Path) -> None:
    """One layer, and an image of it for each compression."""
    images = [f'[image.{way}]\nlayers = [":tree"]\ncompression = "{way}"\n' for way in WAYS]
    (root / "BUILD.toml").write_text('[workspace]\n[files.tree]\nsrcs = ["app/**"]\n' + "".join(images))
    (root / "Dockerfile").write_text("FROM scratch\nCOPY app /app\n")
    (root / ".dockerignore").write_text("dist\nL\n.git\n")
    (root / ".gitignore").write_text("store/\ndist/\nL/\n")


def peers() -> dict[str, str]:
    """Commands of a shell by name; only those whose tools are here."""
    found = {
        f"tar, {name}, sha256sum": f"{TAR} | {pipe} | sha256sum"
        for name, pipe in PIPES.items()
        if shutil.which(pipe.split()[0])
    }
    return {**found, "umoci": UMOCI} if shutil.which("umoci") else found


def layout_bytes(layout: Path) -> int:
    """The size of the layers of an OCI layout's image (image-spec: image-layout, manifest)."""

    def blob(digest: str) -> dict:
        return json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())

    manifest = json.loads((layout / "index.json").read_text())
    while "layers" not in manifest:
        manifest = blob(manifest["manifests"][0]["digest"])
    return sum(layer["size"] for layer in manifest["layers"])


def sizes(clock: Clock) -> dict[str, int]:
    """Bytes of each output, by name. Runs everything once, so that files are cached and Python compiled."""
    found = {}
    for name, way in COLD.items():
        clock.forget()
        clock.image(way)
        found[name] = layout_bytes(clock.root / "dist" / way)
    for name, command in peers().items():
        clock.run(["sh", "-c", command])
        if name == "umoci":
            found[name] = layout_bytes(clock.root / "L")
        else:
            counted = command.replace("sha256sum", "wc -c")
            found[name] = int(subprocess.check_output(["sh", "-c", counted], cwd=clock.root))
    return found


def cold(clock: Clock, runs: int) -> None:
    """All take turns; after ours, in two ways, one file is changed."""
    for number in range(runs):
        for name, command in peers().items():
            clock.forget()
            clock.run(["sh", "-c", command], name)
        for name, way in COLD.items():
            clock.forget()
            clock.image(way, name)
            if (changed := f"{name}, one file changed") in CHANGED:
                edit(clock.root, number)
                time.sleep(PAUSE)
                clock.image(way, changed)
    clock.forget()


def again(clock: Clock, runs: int) -> None:
    """No change, beside git; a second image of the same layer, and what each of many more adds."""
    root, status = clock.root, ["git", "status", "--porcelain"]
    commit(root)
    time.sleep(PAUSE)
    clock.run(status)
    clock.settle("gzip")
    for _ in range(runs):
        clock.run(status, "git status")
        clock.image("gzip", NOTHING)
    text = (root / "BUILD.toml").read_text()
    for number in range(runs):
        text += f'[image.second{number}]\nlayers = [":tree"]\n'
        (root / "BUILD.toml").write_text(text)
        time.sleep(PAUSE)
        clock.image(f"second{number}", SECOND)
    for number in range(runs):
        names = [f"more{number}x{more}" for more in range(100)]
        text += "".join(f'[image.{name}]\nlayers = [":tree"]\nenv = {{N = "{name}"}}\n' for name in names)
        (root / "BUILD.toml").write_text(text)
        time.sleep(PAUSE)
        clock.run([*OURS, "image", *(f"//:{name}" for name in names)], MORE)
    clock.found[MORE] = [(all_ - clock.median(SECOND)) / 99 for all_ in clock.found[MORE]]


def buildah(clock: Clock) -> None:
    """One run: minutes."""
    for step in ("cold", "no change", "one file changed"):
        if step == "one file changed":
            edit(clock.root, 1)
        clock.run(["sh", "-c", BUILDAH], f"buildah bud --layers, {step}")


def cold_table(clock: Clock, found: dict[str, int]) -> list[str]:
    """Cold: ours beside the peers."""
    beside = ["tar, igzip -1, sha256sum", "tar, pigz -6, sha256sum", "umoci"]
    rows = []
    for name in [*COLD, *peers()]:
        seconds = clock.median(name)
        ratios = [f"{seconds / clock.median(peer):.2f}" if peer in clock.found else "" for peer in beside]
        size = f"{found[name] / found['umoci']:.3f}" if "umoci" in found else ""
        peak = str(clock.peak(name)) if name in COLD else ""
        rows.append([name, f"{seconds:.2f}", *ratios, f"{found[name] / 1e6:.1f}", size, peak])
    head = ["cold", "seconds", "to igzip -1", "to pigz -6", "to umoci", "MB", "MB to umoci", "peak MiB"]
    return table(head, rows)


def warm_table(clock: Clock) -> list[str]:
    """After a cold build: ours beside itself and git."""
    rows = []
    for name in clock.found:
        if name in COLD or name in peers():
            continue
        seconds = clock.median(name)
        to_cold = f"{seconds / clock.median(CHANGED.get(name, 'stackbuild, gzip')):.3f}"
        to_git = f"{seconds / clock.median('git status'):.2f}" if name in (NOTHING, "git status") else ""
        rows.append([name, f"{seconds:.3f}", to_cold, to_git])
    return table(["then", "seconds", "to our cold", "to git status"], rows)


def section(title: str, root: Path, runs: int, with_buildah: bool) -> list[str]:
    """The section of one tree, which is in `root`/app."""
    workspace(root)
    clock = Clock(title, root)
    found = sizes(clock)
    cold(clock, runs)
    again(clock, runs)
    if with_buildah:
        buildah(clock)
    return [f"## {title}", "", *cold_table(clock, found), *warm_table(clock)]
