"""Next to apt and mmdebstrap, on Debian's own archives: the same sets, the same files, images that run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackbuild.ecosystems.deb.control import paragraph

pytestmark = pytest.mark.real
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org"
SUITES = {"bookworm": "debian", "bookworm-security": "debian-security"}
WORKSPACE = '[workspace]\nplatforms = ["linux/amd64", "linux/arm64"]\n' + "".join(
    f'[workspace.deb.{suite}]\nsuite = "{suite}"\nurl = "{MIRROR}/{place}"\nkeyring = "keys.gpg"\n' for suite, place in SUITES.items()
)
SETS = """
python3-minimal ca-certificates libpq5
nginx
postgresql
default-jdk
build-essential
exim4
r-base
libreoffice-writer
redis-server
apache2 php
php-fpm php-mysql
mariadb-server
nodejs npm
ruby-full
golang
rustc cargo
git
openssh-server
openssh-client rsync
curl wget
vim
emacs-nox
ffmpeg
imagemagick
graphviz
texlive-latex-base
python3-numpy python3-scipy
python3-django
python3-flask gunicorn
python3-pip python3-venv
ansible
docker.io
podman
chromium
firefox-esr
tomcat10
maven
haproxy
varnish
memcached
rabbitmq-server
bind9
postfix
dovecot-imapd
samba
openvpn
strongswan
cups
prometheus
sqlite3
postgis
octave
perl libdbi-perl libdbd-pg-perl
elixir
mono-runtime
tzdata locales
systemd
network-manager
cron anacron
autoconf automake libtool
""".strip().splitlines()


def run(*command: object, **options) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=550, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def bookworm(tree, need):
    """`bookworm(text)`: a workspace of bookworm's archives, with more text."""
    need(KEYS)

    def write(text: str):
        tree.write("keys.gpg", Path(KEYS).read_bytes())
        tree.write("BUILD.toml", WORKSPACE + text)
        return tree

    return write


def packages(install: str, name: str = "p", more: str = "") -> str:
    return f'[packages.{name}]\necosystem = "deb"\ninstall = {json.dumps(install.split())}\n{more}\n'


def all_locked(tree) -> dict[str, dict[str, str]]:
    """Names and versions of what the lock has, by target."""
    lock = tomllib.loads((tree.root / "stackbuild.lock").read_text())
    return {name: dict(text.split()[:2] for text in entry["packages"]) for name, entry in lock["packages"].items()}


def locked(tree, target: str) -> dict[str, str]:
    return all_locked(tree)[target]


class Apt:
    """apt with folders and archives of its own, for a root in which nothing is installed."""

    def __init__(self, root: Path, architecture: str) -> None:
        for folder in ("state/lists/partial", "cache/archives/partial", "etc"):
            (root / folder).mkdir(parents=True)
        (root / "status").touch()
        sources = root / "etc" / "sources.list"
        sources.write_text("".join(f"deb [signed-by={KEYS}] {MIRROR}/{place} {suite} main\n" for suite, place in SUITES.items()))
        settings = {
            "Dir::State": root / "state", "Dir::Cache": root / "cache", "Dir::Etc": root / "etc",
            "Dir::Etc::main": "/dev/null", "Dir::Etc::parts": "/nonexistent", "Dir::Etc::sourcelist": sources,
            "Dir::State::status": root / "status", "Debug::NoLocking": "1",
            "APT::Architecture": architecture, "APT::Architectures": architecture, "APT::Sandbox::User": "root",
        }  # fmt: skip
        self._command = ["apt-get", *(word for item in settings.items() for word in ("-o", f"{item[0]}={item[1]}"))]
        run(*self._command, "update")

    def chosen(self, names: str) -> dict[str, str]:
        out = run(*self._command, "install", "--print-uris", "-y", "--no-install-recommends", *names.split())
        return {name: version.replace("%3a", ":") for name, version in re.findall(r"^'\S+' ([^_]+)_(\S+?)_\w+\.deb", out, re.M)}


@pytest.mark.long
def test_the_sets_of_apt(bookworm, need, tmp_path):
    need("apt-get")
    images = [f'[image.i{number}]\nlayers = [":s{number}"]\n' for number in range(len(SETS))]
    tree = bookworm("".join([*(packages(names, f"s{number}") for number, names in enumerate(SETS)), *images]))
    status, _, err = tree.run("lock")
    assert status == 0, err

    def chosen(architecture: str) -> dict[str, dict[str, str]]:
        apt = Apt(tmp_path / architecture, architecture)
        return {names: apt.chosen(names) for names in SETS}

    with ThreadPoolExecutor() as pool:
        theirs = dict(zip(("amd64", "arm64"), pool.map(chosen, ("amd64", "arm64")), strict=True))
    held = all_locked(tree)
    for architecture, expected in theirs.items():
        ours = {names: held[f"//:s{number} linux/{architecture}"] for number, names in enumerate(SETS)}
        assert ours == expected


def bundle(tree, folder: Path, *arguments: str, image: str = "//:i") -> Path:
    """An image unpacked by umoci, ready for runc."""
    layout = folder / "layout"
    tree.image(image, "--platform", "linux/amd64", "--output", str(layout), "--tag", "latest", *arguments)
    run("umoci", "unpack", "--keep-dirlinks", "--image", f"{layout}:latest", folder / "bundle")
    return folder / "bundle"


def inside(bundle: Path, *command: str) -> str:
    """What a command prints that runs in a bundle."""
    config = json.loads((bundle / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": list(command)}
    for granted in config["process"]["capabilities"].values():
        granted += ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]  # which nginx needs to try its configuration
    (bundle / "config.json").write_text(json.dumps(config))
    return run("runc", "run", f"stackbuild-deb-{os.getpid()}", cwd=bundle, stdin=subprocess.DEVNULL)


def sound(bundle: Path) -> dict[str, str]:
    """The packages that dpkg lists; fails when it has something to say against them."""
    assert inside(bundle, "/usr/bin/dpkg", "--audit") == ""
    out = inside(bundle, "/usr/bin/dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n")
    rows = [line.split() for line in out.splitlines()]
    assert {row[2] for row in rows} == {"ii"}
    return {row[0]: row[1] for row in rows}


PYTHON = """
import ctypes, ssl
context = ssl.create_default_context()
ctypes.CDLL("libpq.so.5")
print(len(context.get_ca_certs()))
"""


def test_an_image_from_scratch_runs(bookworm, need, tmp_path):
    need("umoci", "runc")
    tree = bookworm(packages("python3-minimal python3 ca-certificates libpq5 dpkg") + '[image.i]\nlayers = [":p"]\n')
    made = bundle(tree, tmp_path)
    certificates = len(list((made / "rootfs/usr/share/ca-certificates").rglob("*.crt")))
    assert int(inside(made, "/usr/bin/python3", "-c", PYTHON)) == certificates > 100
    assert sound(made) == locked(tree, "//:p linux/amd64")
    assert inside(made, "/usr/bin/dpkg", "--verify") == ""


BASE = "base-files base-passwd bash coreutils dpkg libc-bin dash"


def test_on_top_of_a_base(bookworm, need, tmp_path):
    need("umoci", "runc")
    tree = bookworm(
        packages(BASE, "b") + '[image.base]\nlayers = [":b"]\n'
        + packages("curl nginx postgresql-common") + '[image.i]\nbase = ":base"\nlayers = [":p"]\n'
    )
    made = bundle(tree, tmp_path)
    below, above = locked(tree, "//:b linux/amd64"), locked(tree, "//:p linux/amd64 on //:base")
    assert sound(made) == below | above and not set(below) & set(above)
    assert inside(made, "/usr/bin/curl", "--version").startswith("curl 7.88.1")
    assert re.match(r"uid=1\d\d\(postgres\) gid=1\d\d\(postgres\)", inside(made, "/usr/bin/id", "postgres"))
    assert inside(made, "/usr/sbin/nginx", "-t") == ""


def test_another_architecture(bookworm, need, tmp_path):
    need("umoci")
    tree = bookworm(packages("zlib1g libpng16-16") + '[image.i]\nlayers = [":p"]\n')
    layout = tmp_path / "layout"
    tree.image("//:i", "--platform", "linux/arm64", "--output", str(layout), "--tag", "latest")
    run("umoci", "unpack", "--keep-dirlinks", "--image", f"{layout}:latest", tmp_path / "bundle")
    registered = tmp_path / "bundle/rootfs/var/lib/dpkg/status.d"
    stanzas = [dict(paragraph((registered / name).read_text())) for name in sorted(os.listdir(registered)) if "md5" not in name]  # noqa: PTH208
    assert {item["Package"]: item["Version"] for item in stanzas} == locked(tree, "//:p linux/arm64")
    heads = [head for path in (tmp_path / "bundle/rootfs").rglob("*") if (head := elf_head(path))]
    assert len(heads) > 5 and {int.from_bytes(head[18:20], "little") for head in heads} == {183}


def elf_head(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        return b""
    with open(path, "rb") as file:
        head = file.read(20)
    return head if head.startswith(b"\x7fELF") else b""


def facts(root: Path) -> dict[str, tuple]:
    """path -> mode, owner, and content or target, of all but folders."""
    found = {}
    for path in root.rglob("*"):
        info = path.lstat()
        if path.is_symlink():
            found[str(path.relative_to(root))] = ("link", info.st_uid, info.st_gid, str(path.readlink()))
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(root))] = (oct(info.st_mode), info.st_uid, info.st_gid, digest)
        else:
            found[str(path.relative_to(root))] = (oct(info.st_mode), info.st_uid, info.st_gid)
    return found


THEIRS = re.compile(
    r"""(dev|proc|sys|run|tmp|lib32|libx32|usr/lib(32|x32))(/.*)? | etc/(hostname|resolv\.conf|fstab) | etc/apt(/.*)?
    | var/lib/(apt|dpkg)(/.*)? | var/(cache|log)(/apt(/.*)?)?""",
    re.X,
)
"""What mmdebstrap puts there beside the packages: apt's state, dpkg's, and what it copies from the host."""
OURS = re.compile(
    r"etc/ca-certificates\.conf | etc/ssl/certs/.* | etc/alternatives(/.*)? | usr/sbin/rmt | usr/share/man/man8/rmt.8.gz"
    r" | var/lib/dpkg/.* | (proc|sys)",
    re.X,
)
"""What scripts would have made, and dpkg's database; umoci makes /proc and /sys."""


def test_the_files_of_mmdebstrap(bookworm, need, tmp_path):
    need("mmdebstrap", "umoci")
    names = "python3-minimal ca-certificates libpq5"
    tree = bookworm(packages(names) + '[image.i]\nlayers = [":p"]\n')
    ours = facts(bundle(tree, tmp_path) / "rootfs")
    sources = [f"deb [signed-by={KEYS}] {MIRROR}/{place} {suite} main" for suite, place in SUITES.items()]
    hooks = "/usr/share/mmdebstrap/hooks/merged-usr"
    run(
        "mmdebstrap", "--mode=root", "--variant=extract", f"--hook-dir={hooks}", "--architectures=amd64",
        f"--include={','.join(sorted(names.split()))}", "bookworm", tmp_path / "theirs", *sources,
    )  # fmt: skip
    theirs = facts(tmp_path / "theirs")
    differ = {path: (ours[path], theirs[path]) for path in set(ours) & set(theirs) if ours[path] != theirs[path]}
    mine, others = sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours))
    assert {path: both for path, both in differ.items() if not THEIRS.fullmatch(path)} == {}
    assert [path for path in mine if not OURS.fullmatch(path)] == []
    assert [path for path in others if not THEIRS.fullmatch(path)] == []
    assert len(set(ours) & set(theirs)) > 1900
