"""Images as others see them: the OCI schemas, umoci, skopeo, GNU tar, podman and runc."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path

import jsonschema
import pytest
import zstandard
from referencing import Registry
from referencing.jsonschema import DRAFT4

pytestmark = pytest.mark.real
SCHEMAS = Path("/usr/share/gocode/src/github.com/opencontainers/image-spec/schema")

BUILD = """
[files.tree]
srcs = ["data/**"]
strip_prefix = "data"
to = "/srv"
dirs = ["**", "/srv"]
dir_mode = "0750"
owners = { "data/a.txt" = "12:34" }
modes = { "data/sub/*" = "0600" }
capabilities = { "data/tool" = "cap_net_bind_service+ep" }
symlinks = { "/srv/link" = "a.txt" }
[files.over]
whiteouts = ["/srv/gone.txt"]
srcs = ["late.txt"]
[archive.packed]
src = "packed.tar.gz"
to = "/opt"
[image.gzip]
layers = [":tree", ":packed", ":over"]
entrypoint = ["/srv/tool"]
env = { A = "1" }
ports = ["80"]
volumes = ["/data"]
labels = { a = "b" }
annotations = { c = "d" }
user = "1:1"
stop_signal = "SIGINT"
healthcheck = { test = ["CMD", "true"], interval = 2.5, retries = 3 }
created = 2020-01-01T00:00:00Z
[image.zstd]
layers = [":tree", ":packed", ":over"]
compression = "zstd"
[image.gzip-fast]
layers = [":tree", ":packed", ":over"]
compression = "gzip-fast"
[image.gzip-small]
layers = [":tree", ":packed", ":over"]
compression = "gzip-small"
[image.zstd-small]
layers = [":tree", ":packed", ":over"]
compression = "zstd-small"
[image.many]
layers = [":tree"]
platforms = ["linux/amd64", "linux/arm64"]
[image.child]
base = ":gzip"
layers = [":late"]
[files.late]
srcs = ["late.txt"]
to = "/late"
[image.arm]
layers = [":tree"]
platforms = ["linux/arm64"]
[index.joined]
images = [":gzip", ":arm"]
"""
IMAGES = ("gzip", "zstd", "many", "child", "joined")


@pytest.fixture
def images(tree):
    tree.write("data/a.txt", "a")
    tree.write("data/gone.txt", "gone")
    tree.write("data/tool", "#!/bin/sh\n", 0o755)
    tree.write("data/sub/deep.txt", "deep" * 1000)
    tree.write("data/" + "/".join(["long" * 10] * 7) + "/file", "long")
    tree.write("data/grüße/日本語.txt", "utf-8")
    (tree.root / "data" / "relative").symlink_to("sub/deep.txt")
    tree.write("late.txt", "late")
    with tarfile.open(tree.root / "packed.tar.gz", "w:gz") as tar:
        folder = tarfile.TarInfo("p")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
        info = tarfile.TarInfo("p/one")
        info.size, info.mode = 3, 0o755
        tar.addfile(info, io.BytesIO(b"one"))
        for name, kind, target in (("p/hard", tarfile.LNKTYPE, "p/one"), ("p/soft", tarfile.SYMTYPE, "one")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            tar.addfile(link)
    tree.write("BUILD.toml", "[workspace]\n" + BUILD)
    return tree


def run(*command, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def blob(layout: Path, descriptor) -> bytes:
    data = (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"]
    assert len(data) == descriptor["size"]
    return data


def manifests(layout: Path):
    """Every manifest of a layout; each index on the way is checked."""
    waiting = json.loads((layout / "index.json").read_text())["manifests"]
    while waiting:
        descriptor = waiting.pop()
        document = json.loads(blob(layout, descriptor))
        if descriptor["mediaType"].endswith("index.v1+json"):
            validate(document, "image-index-schema.json")
            waiting += document["manifests"]
        else:
            yield document


def without_ids(schema):
    """A schema without its inner `id`s, which would change what its `$ref`s are relative to."""
    if isinstance(schema, dict):
        return {key: without_ids(value) for key, value in schema.items() if not (key == "id" and isinstance(value, str))}
    return [without_ids(item) for item in schema] if isinstance(schema, list) else schema


def validate(document, schema: str) -> None:
    resources = []
    for path in SCHEMAS.glob("*.json"):
        contents = without_ids(json.loads(path.read_text()))
        contents.pop("$schema", None)
        resources.append((f"https://schemas/{path.name}", DRAFT4.create_resource(contents)))
    root = {"$ref": f"https://schemas/{schema}"}
    jsonschema.Draft4Validator(root, registry=Registry().with_resources(resources)).validate(document)


def test_documents_fit_the_schemas(images, need):
    need(str(SCHEMAS))
    for name in IMAGES:
        layout = images.root / images.image(f"//:{name}")["output"]
        validate(json.loads((layout / "oci-layout").read_text()), "image-layout-schema.json")
        validate(json.loads((layout / "index.json").read_text()), "image-index-schema.json")
        for manifest in manifests(layout):
            validate(manifest, "image-manifest-schema.json")
            config = json.loads(blob(layout, manifest["config"]))
            validate(config, "config-schema.json")
            for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
                assert "sha256:" + hashlib.sha256(raw(layout, layer)).hexdigest() == diff_id


def test_the_schemas_refuse_what_is_wrong(need):
    need(str(SCHEMAS))
    with pytest.raises(jsonschema.ValidationError):
        validate({"schemaVersion": 2, "layers": []}, "image-manifest-schema.json")


def raw(layout: Path, layer) -> bytes:
    data = blob(layout, layer)
    if layer["mediaType"].endswith("zstd"):
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    return gzip.decompress(data) if layer["mediaType"].endswith("gzip") else data


def facts(root: Path) -> dict[str, tuple]:
    """What a tree consists of, as the file system says. Folders that no layer wrote are left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        kind = stat.S_IFMT(info.st_mode)
        body = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        names = [] if path.is_symlink() else os.listxattr(path)
        attributes = {name: os.getxattr(path, name) for name in names if name == "security.capability"}
        mode = 0 if path.is_symlink() else stat.S_IMODE(info.st_mode)
        found[path.relative_to(root).as_posix()] = (kind, mode, info.st_uid, info.st_gid, body, attributes)
    return found


def by_gnu_tar(layout: Path, to: Path) -> dict[str, tuple]:
    """The layers laid one over the other by GNU tar, whiteouts applied by hand."""
    to.mkdir()
    [manifest] = list(manifests(layout))
    for layer in manifest["layers"]:
        data = raw(layout, layer)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            gone = [name for name in tar.getnames() if name.rpartition("/")[2].startswith(".wh.")]
        for name in gone:
            folder, _, file = name.rpartition("/")
            (to / folder / file.removeprefix(".wh.")).unlink()
        command = ["tar", "-xp", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--same-owner", "--exclude=.wh.*", "-C", str(to)]
        subprocess.run(command, input=data, check=True)
    return facts(to)


def by_umoci(layout: Path, to: Path) -> dict[str, tuple]:
    run("umoci", "unpack", "--keep-dirlinks", "--image", f"{layout}:latest", to)
    return facts(to / "rootfs")


@pytest.mark.parametrize("name", ["gzip", "gzip-fast", "gzip-small", "child", "zstd", "zstd-small"])
def test_everybody_unpacks_the_same_tree(images, need, tmp_path, name):
    need("umoci", "skopeo", "tar")
    layout = tmp_path / "layout"
    images.image(f"//:{name}", "--output", str(layout), "--tag", "latest")
    expected = by_gnu_tar(layout, tmp_path / "tar")
    assert expected["srv/a.txt"][1:5] == (0o644, 12, 34, b"a")
    assert expected["srv/tool"][5] and "srv/gone.txt" not in expected
    assert expected["opt/p/hard"] == expected["opt/p/one"]
    copied = tmp_path / "copied"
    zipped = ["--dest-compress-format", "gzip", "--dest-compress"] if name.startswith("zstd") else []
    run("skopeo", "copy", *zipped, f"oci:{layout}:latest", f"oci:{copied}:latest")
    sources = [copied] if name.startswith("zstd") else [layout, copied]
    for number, source in enumerate(sources):
        assert by_umoci(source, tmp_path / f"umoci{number}") == expected


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_archives_are_read_by_skopeo(images, need, tmp_path, kind):
    need("skopeo")
    images.image("//:gzip", "--format", kind, "--output", str(tmp_path / "a.tar"), "--tag", "example:1")
    data = json.loads(run("skopeo", "inspect", f"{kind}:{tmp_path / 'a.tar'}" + (":example:1" if kind == "docker-archive" else "")))
    assert (data["Architecture"], data["Os"], len(data["Layers"])) == ("amd64", "linux", 3)
    assert data["Env"] == ["A=1"]


def test_podman_loads_a_docker_archive(images, need, tmp_path):
    need("podman")
    images.image("//:gzip", "--format", "docker-archive", "--output", str(tmp_path / "a.tar"), "--tag", "example:1")
    with tempfile.TemporaryDirectory() as short:  # podman refuses a long path
        podman = ["podman", "--root", tmp_path / "root", "--runroot", short, "--storage-driver", "vfs"]
        run(*podman, "load", "-i", tmp_path / "a.tar")
        assert "example:1" in run(*podman, "images", "--format", "{{.Repository}}:{{.Tag}}")


@pytest.mark.parametrize("form", ["layout", "oci-archive", "docker-archive", "zstd", "plain"])
def test_bases_come_in_every_form(images, need, tmp_path, form):
    """An image that others wrote serves as a base; its layers are taken over as they are."""
    need("skopeo")
    layout = tmp_path / "layout"
    images.image("//:gzip", "--output", str(layout), "--tag", "latest")
    base = images.root / "base"
    target = {
        "layout": f"oci:{base}:x", "oci-archive": f"oci-archive:{base}:x", "docker-archive": f"docker-archive:{base}:x:1",
        "zstd": f"oci:{base}:x", "plain": f"dir:{base}",
    }[form]
    if form == "plain":
        run("skopeo", "copy", "--dest-decompress", f"oci:{layout}:latest", f"dir:{base}")
        as_layout(base)
    else:
        zstd = ["--dest-compress-format", "zstd", "--dest-compress"] if form == "zstd" else []
        run("skopeo", "copy", *zstd, f"oci:{layout}:latest", target)
    images.write("BUILD.toml", '[workspace]\n[base.b]\npath = "base"\n[image.img]\nbase = ":b"\nlayers = [":late"]\n'
                 '[files.late]\nsrcs = ["late.txt"]\n')
    built = images.image("//:img")
    assert [layer["status"] for layer in built["layers"]] == ["base"] * 3 + ["built"]
    data = json.loads(run("skopeo", "inspect", f"oci:{images.root / built['output']}"))
    assert data["Env"] == ["A=1"]
    kinds = {layer["media_type"].rpartition("tar")[2] for layer in built["layers"][:3]}
    assert kinds == {"zstd": {"+zstd"}, "plain": {""}, "docker-archive": {""}}.get(form, {"+gzip"})
    assert by_gnu_tar(images.root / built["output"], tmp_path / "tar")["late.txt"][4] == b"late"


def as_layout(folder: Path) -> None:
    """Skopeo's `dir:` form as an OCI layout."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    data = (folder / "manifest.json").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    manifest = json.loads(data)
    for item in [manifest["config"], *manifest["layers"]]:
        name = item["digest"].removeprefix("sha256:")
        (folder / name).rename(blobs / name)
    entry = {"mediaType": manifest["mediaType"], "digest": f"sha256:{digest}", "size": len(data)}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def test_the_example_runs(need, tree, tmp_path):
    need("umoci", "runc", "/bin/busybox")
    example = Path(__file__).parents[2] / "examples" / "monorepo"
    shutil.rmtree(tree.root)
    shutil.copytree(example, tree.root, ignore=shutil.ignore_patterns("dist"))
    (tree.root / "base/rootfs/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", tree.root / "base/rootfs/bin/busybox")
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    assert {layer["status"] for layer in tree.image("//app:img", "--output", str(layout), "--tag", "latest")["layers"]} == {"built"}
    assert {layer["status"] for layer in tree.image("//app:img")["layers"]} == {"reused"}
    run("umoci", "unpack", "--image", f"{layout}:latest", bundle)
    config = json.loads((bundle / "config.json").read_text())
    config["process"]["terminal"] = False
    (bundle / "config.json").write_text(json.dumps(config))
    said = run("runc", "run", f"stackbuild-{os.getpid()}", cwd=bundle, stdin=subprocess.DEVNULL)
    assert said == "main.sh: hello from app, 0 arguments\n"
