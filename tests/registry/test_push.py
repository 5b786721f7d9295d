"""Pushing to Debian's docker-registry and pulling from it, as skopeo, podman and the access log see it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import random
import select
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from stackbuild.digests import digest_of
from stackbuild.registry import Registry, Repository
from stackbuild.registry.upload import CHUNK

pytestmark = pytest.mark.real

BUILD = """
[files.common]
srcs = ["common/*"]
to = "/common"
[files.src_a]
srcs = ["a/*"]
to = "/app"
[files.src_b]
srcs = ["b/*"]
to = "/app"
[image.a]
layers = [":common", ":src_a"]
env = { A = "1" }
tags = ["1.0", "latest"]
[image.b]
layers = [":common", ":src_b"]
platforms = ["linux/amd64", "linux/arm64"]
"""


def run(*command, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def inspect(registry, name: str) -> dict:
    return json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{registry.host}/{name}"))


def fill(tree, registry) -> None:
    tree.write("common/data", random.Random(1).randbytes(3 << 20))
    tree.write("a/run", "#!/bin/sh\n", 0o755)
    tree.write("b/run", "#!/bin/sh\necho b\n", 0o755)
    tree.write("BUILD.toml", f'[workspace]\nrepository = "{registry.host}/team/{{path}}/{{name}}"\n{BUILD}')


def push(tree, *arguments) -> list[dict]:
    status, out, err = tree.run("push", "--json", "--progress", "none", *arguments)
    assert status == 0, err
    return json.loads(out)["images"]


def asked(registry, method: str, part: str) -> list[tuple[str, int]]:
    """(path, status) of the requests with a method and a part of their path."""
    return [(path, status) for verb, path, status in registry.requests() if verb == method and part in path]


def test_what_is_pushed_is_what_was_built(tree, registry, need, tmp_path):
    need("skopeo")
    fill(tree, registry)
    built = tree.image("//:a")
    status, out, _ = tree.run("push", "//:a", "--progress", "none")
    assert (status, out) == (0, f"{registry.host}/team/a@{built['digest']}\n")
    for tag in ("1.0", "latest"):
        found = inspect(registry, f"team/a:{tag}")
        assert found["Digest"] == built["digest"] and found["Env"] == ["A=1"]
    run("skopeo", "copy", "--src-tls-verify=false", f"docker://{registry.host}/team/a:1.0", f"oci:{tmp_path / 'back'}:x")
    ours = {path.name for path in (tree.root / built["output"] / "blobs/sha256").iterdir()}
    assert {path.name for path in (tmp_path / "back/blobs/sha256").iterdir()} == ours


def test_a_push_sends_each_blob_once_and_the_second_push_nothing(tree, registry):
    fill(tree, registry)
    first = push(tree, "//:a", "//:b")
    assert [item["tags"] for item in first] == [["1.0", "latest"], ["latest"]]
    uploads = asked(registry, "PUT", "/blobs/uploads/")
    assert len({path for path, _ in uploads}) == len(uploads) == 6  # common, a, b, and three configurations
    assert [status for _, status in asked(registry, "POST", "mount=")] == [201]
    requests = registry.requests()
    last_blob = max(number for number, (_, path, _) in enumerate(requests) if "/blobs/" in path)
    manifests = [number for number, (method, path, _) in enumerate(requests) if method == "PUT" and "/manifests/" in path]
    assert last_blob < min(manifests)
    assert ["sha256:" in requests[number][1] for number in manifests] == [True] * 4 + [False] * 3  # tags come last
    registry.forget()
    second = push(tree, "//:a", "//:b")
    assert {method for method, _, _ in registry.requests()} == {"HEAD"}
    assert [item["reference"] for item in second] == [item["reference"] for item in first]
    assert [item["sent"] for item in second] == [0, 0]


def test_only_what_changed_is_sent(tree, registry):
    fill(tree, registry)
    push(tree, "//:a")
    tree.write("a/run", "changed")
    registry.forget()
    [item] = push(tree, "//:a")
    assert len(asked(registry, "PUT", "/blobs/")) == 2 and 0 < item["sent"] < 2000


def test_a_password_is_asked_for_and_given(tree, start, monkeypatch, tmp_path):
    registry = start(user=("me", "hunter22"))
    fill(tree, registry)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    status, out, err = tree.run("push", "//:a", "--progress", "none")
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1 and f"{registry.host}/team/a: " in err and f"podman login {registry.host}" in err
    for password, expected in (("hunter22", 0), ("hunter23", 1)):
        auth = base64.b64encode(f"me:{password}".encode()).decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        tree.write("a/run", password)
        status, out, err = tree.run("push", "//:a", "--progress", "none")
        assert status == expected and password not in out + err and auth not in out + err
    assert "see whether the credentials" in err


@pytest.fixture
def authority(tmp_path, need):
    """A CA of the test's own, and a certificate for localhost: (ca, certificate, key)."""
    need("openssl")
    ca, ca_key, key, request, cert, extension = (tmp_path / name for name in ("ca.crt", "ca.key", "key", "csr", "cert", "ext"))
    extension.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    run(*new, "-x509", "-days", "2", "-subj", "/CN=Test CA", "-keyout", ca_key, "-out", ca)
    run(*new, "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    sign = ["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2"]
    run(*sign, "-extfile", extension, "-out", cert)
    return ca, cert, key


def test_tls_under_a_ca_of_ones_own(tree, start, authority, monkeypatch, tmp_path):
    ca, cert, key = authority
    registry = start(tls=(cert, key), host="localhost")
    fill(tree, registry)
    status, _, err = tree.run("push", "//:a", "--progress", "none")
    assert status == 1 and "its certificate is not trusted" in err and len(err.splitlines()) == 1
    folder = tmp_path / ".config/containers/certs.d" / registry.host
    folder.mkdir(parents=True)
    shutil.copy(ca, folder / "ca.crt")
    monkeypatch.setenv("HOME", str(tmp_path))
    [item] = push(tree, "//:a")
    assert item["repository"] == f"{registry.host}/team/a"


def test_names_come_from_templates(tree, registry, monkeypatch):
    fill(tree, registry)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", tree.root]
    run(*git, "init", "-q", "-b", "feature/x")
    run(*git, "commit", "-q", "--allow-empty", "-m", "x")
    commit = run(*git, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("TEAM", "blue")
    [item] = push(tree, "//:a", "--repository", f"{registry.host}/{{env.TEAM}}/{{name}}", "--tag", "{git.branch}-{git.commit}")
    assert (item["repository"], item["tags"]) == (f"{registry.host}/blue/a", [f"feature-x-{commit}"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["//:a", "--repository", "HOST/Team/x"], "names are lower-case"),
        (["//:a", "--repository", "HOST/{nme}"], "has the unknown place {nme}; did you mean 'name'?"),
        (["//:a", "--repository", "HOST/{env.NONE}"], "$NONE is not set"),
        (["//:a", "--tag", "a b"], "'a b' is not a tag"),
        (["//:a", "//:b", "--repository", "HOST/x"], "would both be"),
        (["//:common"], "the specs mean no image"),
        (["//:a", "--tag", "{git.commit}"], "needs git"),
    ],
)
def test_names_that_are_none(tree, registry, arguments, words):
    fill(tree, registry)
    arguments = [text.replace("HOST", registry.host) for text in arguments]
    status, out, err = tree.run("push", *arguments, "--progress", "none")
    assert (status, out) == (2, "") and words in err and len(err.splitlines()) == 1
    assert not registry.requests()


FORMS = {
    "oci": [],
    "schema 2": ["--format", "v2s2"],
    "zstd": ["--dest-compress-format", "zstd", "--dest-compress"],
    "index": ["--all"],
}


def push_base(tree, registry, name: str, form: str = "oci") -> None:
    """Have skopeo push an image in some form, and forget all about it here."""
    fill(tree, registry)
    tree.image("//:b" if form == "index" else "//:a", "--output", "base", "--tag", "x")
    run("skopeo", "copy", *FORMS[form], "--dest-tls-verify=false", f"oci:{tree.root}/base:x", f"docker://{registry.host}/{name}")
    shutil.rmtree(tree.root / "base")
    shutil.rmtree(tree.root.parent / "store")
    registry.forget()


def based_on(image: str, head: str = "") -> str:
    return (
        f'[workspace]\n{head}[base.base]\nimage = "{image}"\n[files.own]\nsrcs = ["a/*"]\nto = "/own"\n'
        '[image.img]\nbase = ":base"\nlayers = [":own"]\n'
    )


@pytest.mark.parametrize("form", FORMS)
def test_bases_that_others_pushed(tree, registry, need, form):
    """Locked, built without a byte of their layers, pushed by mounting, and fetched when an output needs them."""
    need("skopeo")
    push_base(tree, registry, "base:1", form)
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1") + f'repository = "{registry.host}/derived"\n')
    built = tree.image("//:img", "--output", "none")
    assert [layer["status"] for layer in built["layers"]] == ["base", "base", "built"]
    lock = (tree.root / "stackbuild.lock").read_text()
    assert f'[base."{registry.host}/base:1"]' in lock and lock.count("sha256:") == (3 if form == "index" else 2)
    [item] = push(tree, "//:img")
    assert item["digest"] == built["digest"]
    layers = tuple(layer["digest"] for layer in built["layers"][:2])
    fetched = lambda: [path for path, _ in asked(registry, "GET", "/blobs/") if path.endswith(layers)]  # noqa: E731
    assert fetched() == []
    assert sorted(status for _, status in asked(registry, "POST", "mount=")) == [201, 201]
    image = tree.image("//:img")  # now a layout, which needs the bytes
    assert len(fetched()) == 2
    found = json.loads(run("skopeo", "inspect", f"oci:{tree.root / image['output']}"))
    assert found["Layers"] == [layer["digest"] for layer in built["layers"]]
    registry.stop()
    assert tree.image("//:img")["digest"] == built["digest"]  # nobody is asked again


def test_the_lock_holds_a_tag_fast(tree, registry, need, monkeypatch):
    need("skopeo")
    push_base(tree, registry, "base:1")
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1"))
    status, _, err = tree.run("image", "//:img", "--locked", "--progress", "none")
    advice = "is not in stackbuild.lock; run 'stackbuild lock' and commit it"
    assert (status, err) == (2, f"BUILD.toml:3:9: {registry.host}/base:1 {advice}\n")
    monkeypatch.setenv("CI", "true")
    assert tree.run("image", "//:img")[0] == 2
    monkeypatch.delenv("CI")
    assert tree.run("lock", "--check")[0] == 1
    status, out, _ = tree.run("lock")
    assert status == 0 and out.startswith(f"{registry.host}/base:1  none -> sha256:")
    assert tree.run("lock", "--check")[0] == 0
    first = (tree.root / "stackbuild.lock").read_text()
    before = tree.image("//:img", "--locked", "--output", "none")
    tree.write("a/run", "newer")
    run("skopeo", "copy", "--dest-tls-verify=false", "--src-tls-verify=false", f"docker://{registry.host}/base:1", f"docker://{registry.host}/old:1")
    tree.write("b/x", "newer")
    push_base(tree, registry, "base:1", "index")
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1"))
    assert tree.run("lock")[1] == "" and (tree.root / "stackbuild.lock").read_text() == first
    assert tree.image("//:img", "--output", "none")["digest"] == before["digest"]
    status, out, _ = tree.run("lock", "--upgrade")
    assert status == 0 and " -> sha256:" in out and "none" not in out
    assert tree.image("//:img", "--output", "none")["digest"] != before["digest"]
    tree.write("BUILD.toml", "[workspace]\n")
    status, _, err = tree.run("lock", "--check")
    assert status == 1 and "which no target names" in err
    assert tree.run("lock")[0] == 0 and "base" not in (tree.root / "stackbuild.lock").read_text()


@pytest.mark.parametrize("form", ["oci", "index"])
def test_a_digest_needs_no_lock(tree, registry, need, form):
    need("skopeo")
    push_base(tree, registry, "base:1", form)
    digest = inspect(registry, "base:1")["Digest"]
    tree.write("BUILD.toml", based_on(f"{registry.host}/base@{digest}"))
    tree.image("//:img", "--locked", "--output", "none")
    assert not (tree.root / "stackbuild.lock").exists()


def test_a_platform_that_the_base_has_not(tree, registry, need):
    need("skopeo")
    push_base(tree, registry, "base:1", "index")
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1"))
    status, _, err = tree.run("image", "//:img", "--platform", "linux/s390x", "--progress", "none")
    what = "the image has nothing for linux/s390x; it has linux/amd64, linux/arm64"
    assert status == 2 and err.splitlines()[-1] == f"BUILD.toml:3:9: {what}"


def test_a_mirror_is_asked_first_and_not_trusted(tree, start, need, tmp_path):
    need("skopeo")
    registry, mirror = start(), start()
    push_base(tree, mirror, "cache/base:1")
    push_base(tree, registry, "base:1")
    mirrors = f'[workspace.mirrors]\n"{registry.host}" = ["{mirror.host}/cache"]\n'
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1", mirrors))
    built = tree.image("//:img")
    assert not registry.requests() and mirror.requests()
    for data in (mirror.folder / "data").rglob("data"):  # the mirror's bytes go bad
        if data.stat().st_size > 1 << 20:
            raw = bytearray(data.read_bytes())
            raw[-1] ^= 1
            data.write_bytes(raw)
    shutil.rmtree(tmp_path / "store")
    assert tree.image("//:img")["digest"] == built["digest"]
    assert asked(registry, "GET", "/blobs/")
    mirror.stop()
    shutil.rmtree(tmp_path / "store")
    assert tree.image("//:img")["digest"] == built["digest"]


@pytest.fixture
def podman(tmp_path, monkeypatch, need):
    """podman with a storage of its own; buildah shares it."""
    need("podman", "runc")
    conf = tmp_path / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(conf))
    yield lambda *command: run("podman", *command)
    subprocess.run(["podman", "rmi", "--force", "--all"], capture_output=True)


def test_podman_pulls_what_was_pushed_and_stackbuild_what_buildah_pushed(tree, registry, podman, need, tmp_path):
    need("buildah", "skopeo")
    fill(tree, registry)
    [item] = push(tree, "//:a")
    podman("pull", "--tls-verify=false", item["reference"])
    assert item["digest"] in podman("images", "--digests", "--format", "{{.Digest}}")
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {item['reference']}\nCOPY Dockerfile /x\nENV B=2\n")
    run("buildah", "bud", "--isolation", "chroot", "--tls-verify=false", "-t", "made", context)
    run("buildah", "push", "--tls-verify=false", "made", f"docker://{registry.host}/made:1")
    tree.write("BUILD.toml", based_on(f"{registry.host}/made:1"))
    built = tree.image("//:img")
    assert len(built["layers"]) == 4
    assert {"A=1", "B=2"} <= set(json.loads(run("skopeo", "inspect", f"oci:{tree.root / built['output']}"))["Env"])


def test_load_and_run(tree, registry, podman, need, tmp_path):
    """A base that podman has already is not even fetched."""
    need("/bin/busybox")
    tree.write("bin/busybox", Path("/bin/busybox").read_bytes(), 0o755)
    base = '[workspace]\n[files.bin]\nsrcs = ["bin/*"]\n[image.base]\nlayers = [":bin"]\n'
    tree.write("BUILD.toml", base + f'repository = "{registry.host}/base"\ntags = ["1"]\n')
    push(tree, "//:base")
    podman("pull", "--tls-verify=false", f"{registry.host}/base:1")
    tree.write("a/x", "x")
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1") + 'entrypoint = ["/bin/busybox", "echo", "hello"]\n')
    shutil.rmtree(tmp_path / "store")
    registry.forget()
    status, out, err = tree.run("load", "//:img", "--engine", "podman", "--json", "--progress", "none")
    assert status == 0, err
    assert json.loads(out)["images"][0]["names"] == ["localhost/img:latest"]
    assert len(asked(registry, "GET", "/blobs/")) == 1  # its configuration
    assert "localhost/img:latest" in podman("images", "--format", "{{.Repository}}:{{.Tag}}")
    options = ["--runtime=runc", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--network=none"]
    command = [sys.executable, "-m", "stackbuild", "run", *(f"--option={option}" for option in options)]
    said = run(*command, "--progress", "none", "--engine", "podman", "//:img", "--", "-n", "you", cwd=tree.root)
    assert said == "hello -n you\n"
    podman("rmi", "--force", "--all")
    assert tree.run("load", "//:img", "--engine", "podman", "--progress", "none")[0] == 0  # now it is fetched
    assert len(asked(registry, "GET", "/blobs/")) == 2


def test_an_upload_goes_on_after_the_registry_was_away(registry):
    """Between two chunks the registry is killed and comes back: no byte is sent twice."""
    data = random.Random(3).randbytes(1 << 20) * 150
    place, seen = Repository.parse(f"{registry.host}/x"), []

    def progress(more):
        seen.append(more)
        if more == 0 and sum(seen) == CHUNK:  # the first chunk is acknowledged
            registry.stop(9)
            registry.start()

    with Registry() as client:
        client.upload(place, digest_of(data), len(data), lambda: io.BytesIO(data), progress=progress)
        assert client.has_blob(place, digest_of(data))
    assert sum(seen) == len(data) and min(seen) >= 0
    assert len(asked(registry, "POST", "/uploads/")) == 1 and len(asked(registry, "PATCH", "/uploads/")) == 3


def test_an_upload_begins_anew_when_the_registry_forgot_it(registry):
    """Killed in the middle of a chunk, this registry drops the session; the push ends whole all the same."""
    data = random.Random(4).randbytes(1 << 20) * 100
    place, reads = Repository.parse(f"{registry.host}/x"), []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            reads.append(size)
            if len(reads) == 100:
                registry.stop(9)
                registry.start()
            return super().read(size)

    with Registry() as client:
        client.upload(place, digest_of(data), len(data), lambda: Watched(data))
        assert client.has_blob(place, digest_of(data))


def test_a_push_goes_on_where_it_was_interrupted(tree, registry, monkeypatch):
    fill(tree, registry)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "put_manifest", interrupted)
        assert tree.run("push", "//:a", "--progress", "none")[0] == 130
    assert not asked(registry, "PUT", "/manifests/")
    registry.forget()
    [item] = push(tree, "//:a")
    assert item["sent"] == 0 and not asked(registry, "POST", "") and not asked(registry, "PATCH", "")


def test_a_dead_registry_is_one_line(tree, registry):
    fill(tree, registry)
    registry.stop()
    status, out, err = tree.run("push", "//:a", "--progress", "none")
    assert (status, out) == (1, "") and len(err.splitlines()) == 1
    assert f"{registry.host}/team/a: " in err and "Connection refused" in err and "6 tries" in err


def test_base_layers_can_be_inspected_and_archived(tree, registry, need):
    need("skopeo")
    push_base(tree, registry, "base:1")
    tree.write("BUILD.toml", based_on(f"{registry.host}/base:1"))
    status, out, err = tree.run("inspect", "--files", "//:img")
    assert status == 0 and "/app/a/run" in out and "/own/a/run" in out, err
    with tarfile.open(tree.root / tree.image("//:img", "--format", "docker-archive")["output"]) as tar:
        assert "manifest.json" in tar.getnames()


def next_line(pipe, start: str, patience: float = 120) -> str:
    """The next line that begins so; what else is printed is passed over."""
    while select.select([pipe], [], [], patience)[0]:
        if (line := pipe.readline().decode()).startswith(start):
            return line.rstrip("\n")
    raise AssertionError(f"no line with {start!r} came")


@contextlib.contextmanager
def killing(process):
    """A process that a failed test does not leave behind."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def test_watch_pushes_what_changed(tree, registry, need):
    need("skopeo")
    fill(tree, registry)
    command = [sys.executable, "-m", "stackbuild", "watch", "--push", "--progress", "none", "//:a"]
    with subprocess.Popen(command, cwd=tree.root, stdout=subprocess.PIPE, bufsize=0) as process, killing(process):
        first = next_line(process.stdout, registry.host)
        tree.write("a/run", "#!/bin/sh\necho changed\n", 0o755)
        second = next_line(process.stdout, registry.host)
        process.send_signal(2)
    assert first != second
    assert second.rpartition("@")[2] == inspect(registry, "team/a:latest")["Digest"]


def test_watch_runs_the_image_anew(tree, podman, need):
    need("/bin/busybox")
    tree.write("bin/busybox", Path("/bin/busybox").read_bytes(), 0o755)
    tree.write("words/words", "one\n")
    layers = '[workspace]\n[files.bin]\nsrcs = ["bin/*"]\n[files.words]\nsrcs = ["words/*"]\n'
    entry = '["/bin/busybox", "sh", "-c", "busybox cat /words/words; busybox sleep 1000"]'
    tree.write("BUILD.toml", layers + f'[image.img]\nlayers = [":bin", ":words"]\nenv = {{ PATH = "/bin" }}\nentrypoint = {entry}\n')
    options = ["--runtime=runc", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--network=none"]
    flags = ["--run", "--engine", "podman", "--progress", "none", *(f"--option={option}" for option in options)]
    command = [sys.executable, "-m", "stackbuild", "watch", *flags, "//:img"]
    with subprocess.Popen(command, cwd=tree.root, stdout=subprocess.PIPE, bufsize=0) as process, killing(process):
        next_line(process.stdout, "one")
        tree.write("words/words", "two\n")
        next_line(process.stdout, "two")
        assert len(podman("ps", "--quiet").split()) == 1
        process.send_signal(2)
    assert podman("ps", "--all", "--quiet") == ""
