"""What a translated Dockerfile builds, next to what buildah builds from it: the same files, the same configuration."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile

import pytest

from stackbuild.layer.read import decompressed

pytestmark = pytest.mark.real
FROM = "docker.io/library/small:1"
SHAPES = {
    "copies": """
COPY one.txt /etc/
COPY one.txt /etc/renamed
COPY src /srv/contents
COPY src/sub /srv/
COPY *.md /docs/
COPY one.txt two.md /both/
COPY src/./sub/../a.txt relative.txt
WORKDIR /work
COPY . .
COPY ["spaced name.txt", "/srv/"]
COPY --chmod=600 one.txt /secret/
COPY --chown=12:34 src /owned/deep
ADD packed.tar.gz /unpacked
""",
    "runs": """
WORKDIR /app
COPY src ./src
COPY --chmod=644 run.sh .
RUN chmod +x run.sh && mkdir -p /data/deep /logs \\
    && chown 7:8 /data/deep && chmod 0700 /logs
RUN chown -R 5:6 src; ln -s /app/run.sh /bin/run
RUN rm /etc/nginx/conf.d/default.conf
RUN ["mkdir", "/here"]
RUN ln -sf /dev/stdout /here/out
""",
    "configuration": """
ARG WHO=me
ENV A=1 B="two words"
ENV C=${A}x
ENV D=${NOT:-default} E='$A' F=\\$A
ENV OLD the rest of the line
LABEL a.b="$WHO" "c d"=e
WORKDIR /one
WORKDIR two
EXPOSE 80 53/udp
VOLUME ["/v 1", "/v2"]
STOPSIGNAL SIGINT
USER 1000:1000
CMD echo "$A"
ENTRYPOINT ["/bin/sh", "-c"]
""",
    "commands": """
ENTRYPOINT exec top
CMD ["-b"]
""",
}
FILES = {
    "one.txt": "1",
    "two.md": "2",
    "three.md": "3",
    "spaced name.txt": "s",
    "src/a.txt": "a",
    "src/sub/b.txt": "b",
    "run.sh": "#!/bin/sh\n",
    "notes/drop.log": "x",
    "notes/keep.log": "y",
    ".dockerignore": "Dockerfile\n.dockerignore\nBUILD.toml\n**/*.log\n!notes/keep.log\n",
}


@pytest.fixture
def buildah(tmp_path, registry, need):
    """Builds a folder with buildah, its registry mirrored to ours; gives the OCI layout."""
    need("buildah")
    settings = tmp_path / "registries.conf"
    settings.write_text(
        f'[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "{registry.host}/docker.io"\ninsecure = true\n'
    )
    storage = ["--root", str(tmp_path / "storage"), "--runroot", str(tmp_path / "run"), "--storage-driver", "vfs"]

    def build(folder, layout):
        command = ["buildah", *storage, "--registries-conf", str(settings)]
        options = ["--isolation", "chroot", "--format", "docker", "--network", "host", "-t", "made", str(folder)]
        for step in ([*command, "bud", *options], [*command, "push", "-q", "made", f"oci:{layout}:made"]):
            done = subprocess.run(step, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        return layout

    yield build
    shutil.rmtree(tmp_path / "storage", ignore_errors=True)


def blob(layout, descriptor) -> bytes:
    return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()


def read(layout) -> tuple[dict, dict[str, tuple]]:
    """(configuration, path -> kind, mode, owner and content of every file) of an image with one platform."""
    manifest = json.loads(blob(layout, json.loads((layout / "index.json").read_bytes())["manifests"][0]))
    found: dict[str, tuple] = {}
    for layer in manifest["layers"]:
        with decompressed(layout / "blobs" / layer["digest"].replace(":", "/")) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                folder, _, name = member.name.strip("./").rpartition("/")
                if name.startswith(".wh."):
                    gone = f"{folder}/{name.removeprefix('.wh.')}".strip("/")
                    found = {path: value for path, value in found.items() if path != gone and not path.startswith(f"{gone}/")}
                    continue
                data = tar.extractfile(member).read() if member.isfile() else member.linkname
                owner = (member.uid, member.gid)
                found[member.name.removeprefix("./").strip("/")] = (member.type, None if member.issym() else member.mode & 0o7777, owner, data)
    return json.loads(blob(layout, manifest["config"]))["config"], found


def implied(files: dict[str, tuple]) -> dict[str, tuple]:
    """The files, without folders that are as a runtime makes them where a file needs one."""
    plain = (tarfile.DIRTYPE, 0o755, (0, 0), "")
    mounted = ("etc/hosts", "etc/hostname", "etc/resolv.conf")  # what a RUN leaves behind of its mounts
    return {path: value for path, value in files.items() if path and value != plain and path not in mounted}


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_what_buildah_builds(tree, tmp_path, base, workspace, buildah, shape):
    base(FROM)
    workspace()
    for path, text in FILES.items():
        tree.write(f"app/{path}", text)
    with tarfile.open(tree.root / "app/packed.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("folder/empty.txt"))
    tree.write("app/Dockerfile", f"FROM {FROM}\n{SHAPES[shape]}")
    theirs = buildah(tree.root / "app", tmp_path / "theirs")
    status, _, err = tree.run("init", "--from", "app/Dockerfile")
    assert (status, err) == (0, "")
    tree.image("//app:img")
    config, files = read(tree.root / "dist/app/img")
    expected, known = read(theirs)
    assert implied(files) == implied(known)
    for name in ("Entrypoint", "Cmd", "WorkingDir", "User", "ExposedPorts", "Volumes", "StopSignal", "Healthcheck"):
        assert (config.get(name) or None) == (expected.get(name) or None) or (name, expected.get(name)) == ("WorkingDir", "/"), name
    assert sorted(config["Env"]) == sorted(expected["Env"])
    ours = {name: value for name, value in (expected.get("Labels") or {}).items() if not name.startswith("io.buildah")}
    assert (config.get("Labels") or {}) == ours
