"""What comes to lie in an image: files, links, databases, and what scripts would have made."""

import hashlib
import json
import os
import subprocess
import time

import pytest

from stackbuild.ecosystems.deb.certificates import subject_hash

from .making import control


def files(tree, name: str = "//:i", layer: int | None = None) -> dict[str, dict]:
    """The files of an image's upper layers, or of one."""
    status, out, err = tree.run("inspect", name, "--json")
    assert status == 0, err
    layers = [item for item in json.loads(out)["images"][0]["layers"] if item["target"] == "//:p"]
    chosen = layers if layer is None else [layers[layer]]
    return {entry["path"].rstrip("/"): entry for item in chosen for entry in item["files"]}


def text(tree, path: str, name: str = "//:i") -> str:
    """The uppermost file at a path."""
    from stackbuild.layer.unpack import members
    from stackbuild.store import Store

    layers = tree.image(name)["layers"]
    with Store(tree.root.parent / "store") as store:
        found = [
            member.stream.read().decode()
            for layer in layers
            for member in members(store.blobs.path(layer["digest"]))
            if member.name == path and member.stream
        ]
    assert found, path
    return found[-1]


def on_base(tree, root: dict[str, str], more: str = "") -> None:
    """Put the image on a base of some files; a value "-> x" is a link."""
    links = {f"/{path}": data[3:] for path, data in root.items() if data.startswith("-> ")}
    for path, data in root.items():
        if not data.startswith("-> "):
            tree.write(f"root/{path}", data)
    table = ", ".join(f'"{path}" = "{target}"' for path, target in links.items())
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text().replace("[image.i]", '[image.i]\nbase = ":b"')
        + f'[files.f]\nsrcs = ["root/**"]\nstrip_prefix = "root"\ndirs = ["**"]\nsymlinks = {{ {table} }}\n'
        + f'[image.b]\nlayers = [":f"]\n{more}',
    )


def test_a_root_of_its_own_has_a_merged_usr(archive, debian):
    archive.add(control(), files={"lib/": "", "lib/x": "1", "bin/": "", "bin/y": "2", "usr/lib/z": "3"})
    found = files(debian("hello"))
    assert found["lib"]["link"] == "usr/lib" and found["bin"]["link"] == "usr/bin"
    assert {"usr/lib/x", "usr/bin/y", "usr/lib/z", "usr/lib", "usr/bin"} <= set(found)
    assert found["usr/bin/y"]["mode"] == "0755" and "sbin" not in found


def test_links_of_the_base_are_followed(archive, debian):
    archive.add(control(), files={"lib/": "", "lib/x": "1", "var/run/y": "2"})
    tree = debian("hello")
    on_base(tree, {"usr/lib/old": "x", "lib": "-> usr/lib", "run/a": "", "var/run": "-> /run"})
    found = files(tree)
    assert {"usr/lib/x", "run/y"} <= set(found)
    assert not {"lib", "usr/lib", "var/run", "run", "lib/x"} & set(found), "folders and links of the base stay"


def test_folders_of_the_base_stay_folders(archive, debian):
    archive.add(control(), files={"lib/": "", "lib/x": "1", "opt/": "", "opt/y": "2"})
    tree = debian("hello")
    on_base(tree, {"lib/old": "x"})
    found = files(tree)
    assert "lib/x" in found and "lib" not in found and "opt" in found


def test_status_d_where_there_is_no_dpkg(archive, debian):
    archive.add(control(), files={"usr/x": "1"}, scripts={"md5sums": "c4ca4238a0b923820dcc509a6f75849b  usr/x\n"})
    tree = debian("hello")
    assert text(tree, "var/lib/dpkg/status.d/hello").startswith("Package: hello\nVersion: 1.0-1\n")
    assert text(tree, "var/lib/dpkg/status.d/hello.md5sums").endswith("usr/x\n")
    assert "var/lib/dpkg/status" not in files(tree)


OLD = "Package: base-thing\nStatus: install ok installed\nVersion: 3\nArchitecture: all\n"


def test_the_merged_status_where_there_is_dpkg(archive, debian):
    archive.add(
        control(Multi_Arch="same"),
        files={"etc/": "", "etc/hello.conf": "a=1\n"},
        scripts={"conffiles": "/etc/hello.conf\n", "postinst": "#!/bin/sh\nexit 0\n"},
    )
    tree = debian("hello")
    on_base(tree, {"var/lib/dpkg/status": OLD})
    first, second = text(tree, "var/lib/dpkg/status").split("\n\n")
    assert first + "\n" == OLD
    assert "Package: hello\nStatus: install ok installed\n" in second
    mark = hashlib.md5(b"a=1\n").hexdigest()
    assert f"Conffiles:\n /etc/hello.conf {mark}\n" in second
    assert text(tree, "var/lib/dpkg/info/hello:amd64.list") == "/.\n/etc\n/etc/hello.conf\n"
    assert files(tree)["var/lib/dpkg/info/hello:amd64.postinst"]["mode"] == "0755"
    assert "var/lib/dpkg/status.d/hello" not in files(tree)


def test_what_the_base_has_is_not_installed_again(archive, debian):
    archive.add(control(Depends="base-thing (>= 2)"))
    archive.add(control("base-thing", "4", "all"), files={"usr/thing": "4"})
    tree = debian("hello")
    on_base(tree, {"var/lib/dpkg/status": OLD})
    assert "usr/thing" not in files(tree)
    assert tree.run("list", "--packages", "//:i")[1] == "deb hello 1.0-1  //:p\n"


def test_status_d_of_the_base_counts_too(archive, debian):
    archive.add(control(Depends="base-thing"))
    archive.add(control("base-thing", "4", "all"))
    tree = debian("hello")
    on_base(tree, {"var/lib/dpkg/status.d/base-thing": OLD})
    assert tree.run("list", "--packages", "//:i")[1] == "deb hello 1.0-1  //:p\n"
    assert "var/lib/dpkg/status.d/hello" in files(tree)


def test_a_newer_version_takes_the_place_of_the_bases(archive, debian):
    archive.add(control(Depends="base-thing (>= 4)"))
    archive.add(control("base-thing", "4", "all"), files={"usr/kept": "new"})
    tree = debian("hello")
    listed = "/.\n/usr\n/usr/kept\n/usr/vanished\n"
    on_base(
        tree,
        {
            "var/lib/dpkg/status": OLD,
            "var/lib/dpkg/info/base-thing.list": listed,
            "usr/kept": "old",
            "usr/vanished": "x",
        },
    )
    status = text(tree, "var/lib/dpkg/status")
    assert "Version: 4" in status and "Version: 3" not in status
    assert "usr/.wh.vanished" in files(tree) and text(tree, "usr/kept") == "new"


def test_a_base_that_changes_is_noticed(archive, debian):
    archive.add(control(Depends="base-thing"))
    archive.add(control("base-thing", "4", "all"))
    tree = debian("hello")
    on_base(tree, {"var/lib/dpkg/status": OLD})
    assert tree.run("lock")[0] == 0
    tree.write("root/var/lib/dpkg/status", OLD.replace("base-thing", "other"))
    status, _, err = tree.run("image", "//:i", "--locked", "--progress", "none")
    assert status == 2 and "was asked for otherwise when it went into stackbuild.lock" in err
    assert tree.run("image", "//:i", "--progress", "none")[0] == 0
    assert "base-thing" in tree.run("list", "--packages", "//:i")[1]


def test_replaces(archive, debian):
    archive.add(control("new", Replaces="old (<< 2)"), files={"usr/x": "new"})
    archive.add(control("old"), files={"usr/x": "old"})
    assert text(debian("new", "old"), "usr/x") == "new"


def test_exclude(archive, debian):
    archive.add(control(), files={"usr/share/doc/hello/a": "1", "usr/share/man/b": "2", "usr/c": "3"})
    found = files(debian("hello", fields='exclude = ["usr/share/doc/**", "/usr/share/man/**"]'))
    assert "usr/c" in found and not [path for path in found if path.startswith("usr/share/doc/") or path.endswith("man/b")]


ALTERNATIVE = """#!/bin/sh
set -e
if [ "$1" = configure ]; then
    update-alternatives --install /usr/bin/editor editor /usr/bin/{name} {priority} \\
        --slave /usr/share/man/editor.1 editor.1 /usr/share/man/{name}.1
fi
"""


def test_alternatives(archive, debian):
    for name, priority in (("vi", 30), ("ed", 10)):
        script = {"postinst": ALTERNATIVE.format(name=name, priority=priority)}
        pages = {"usr/share/man/ed.1": "page"} if name == "ed" else {}
        archive.add(control(name), files={f"usr/bin/{name}": name} | pages, scripts=script)
    tree = debian("vi", "ed")
    found = files(tree)
    assert found["usr/bin/editor"]["link"] == "/etc/alternatives/editor"
    assert found["etc/alternatives/editor"]["link"] == "/usr/bin/vi"
    assert "etc/alternatives/editor.1" not in found, "vi has no page"
    assert text(tree, "var/lib/dpkg/alternatives/editor").splitlines() == [
        *("auto", "/usr/bin/editor", "editor.1", "/usr/share/man/editor.1", ""),
        *("/usr/bin/ed", "10", "/usr/share/man/ed.1", "/usr/bin/vi", "30", "/usr/share/man/vi.1", ""),
    ]


def test_a_choice_that_the_base_made_stays(archive, debian):
    archive.add(control("vi"), files={"usr/bin/vi": "x"}, scripts={"postinst": ALTERNATIVE.format(name="vi", priority=30)})
    tree = debian("vi")
    on_base(tree, {"var/lib/dpkg/alternatives/editor": "manual\n"})
    assert "etc/alternatives/editor" not in files(tree)


ADDUSER = """#!/bin/sh
set -e
HOME=/var/lib/db
if ! getent passwd db >/dev/null; then adduser --system $quiet --home $HOME --no-create-home --shell /bin/sh --group --gecos "A: b" db; fi
addgroup --system cert
"""


def test_accounts(archive, debian):
    archive.add(control("db"), scripts={"postinst": ADDUSER})
    archive.add(control("bus"), files={"usr/lib/sysusers.d/bus.conf": 'u bus - "A bus" /run/bus\ng extra 250\nm bus extra\n'})
    tree = debian("db", "bus")
    assert text(tree, "etc/passwd").splitlines() == [
        "root:x:0:0:root:/root:/bin/sh",
        "bus:x:101:101:A bus:/run/bus:/usr/sbin/nologin",
        "db:x:102:102:A b:/var/lib/db:/bin/sh",
    ]
    assert text(tree, "etc/group").splitlines() == ["root:x:0:", "cert:x:100:", "extra:x:250:bus", "bus:x:101:", "db:x:102:"]


def test_accounts_of_the_base_are_kept(archive, debian):
    archive.add(control("db"), scripts={"postinst": ADDUSER})
    tree = debian("db")
    on_base(tree, {"etc/passwd": "me:x:100:100::/:/bin/sh\n", "etc/group": "me:x:100:\ncert:x:7:\n"})
    assert text(tree, "etc/passwd").splitlines()[0] == "me:x:100:100::/:/bin/sh"
    assert text(tree, "etc/group").splitlines() == ["me:x:100:", "cert:x:7:", "db:x:101:"]


def test_well_known_steps(archive, debian):
    archive.add(control("base-passwd", "1", "all"), files={"usr/share/base-passwd/passwd.master": "root:*:0:0::/:\n"})
    archive.add(control("tzdata", "1", "all"))
    archive.add(control("iputils-ping"), files={"bin/ping": "x"})
    tree = debian("base-passwd", "tzdata", "iputils-ping")
    assert text(tree, "etc/passwd") == "root:*:0:0::/:\n" and text(tree, "etc/timezone") == "Etc/UTC\n"
    assert files(tree)["etc/localtime"]["link"] == "/usr/share/zoneinfo/Etc/UTC"
    from stackbuild.layer.unpack import members
    from stackbuild.store import Store

    with Store(tree.root.parent / "store") as store:
        blob = store.blobs.path(tree.image("//:i")["layers"][0]["digest"])
        xattrs = {member.name: dict(member.xattrs) for member in members(blob)}
    assert "security.capability" in xattrs["usr/bin/ping"]


def test_what_is_not_done_is_said_once_and_kept(archive, debian):
    archive.add(control("odd"), scripts={"postinst": "#!/bin/sh\nset -e\nmake-something --now\n"})
    archive.add(control("good"), scripts={"postinst": "#!/bin/sh\nset -e\nldconfig\nexit 0\n"})
    tree = debian("odd", "good")
    status, _, err = tree.run("image", "//:i", "--progress", "plain")
    warned = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert status == 0 and len(warned) == 1
    assert warned[0].endswith("odd: postinst not run, and not all of it is done here")
    assert "warning" not in tree.run("image", "//:i", "--progress", "plain")[2]
    assert "odd: postinst not run" in tree.run("image", "//:i", "--explain", "--progress", "plain")[1]


SEVERAL = {"big": 90_000, "huge": 200_000, "small": 10, "tiny": 5}


def several(archive):
    for name, size in SEVERAL.items():
        archive.add(control(name), files={f"usr/share/{name}/": "", f"usr/share/{name}/x": os.urandom(size)})


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ('"one"', [["big", "huge", "small", "tiny"]]),
        ('"each"', [["big"], ["huge"], ["small"], ["tiny"]]),
        ("1", [["big", "huge", "small", "tiny"]]),
        ("3", [["big"], ["huge"], ["small", "tiny"]]),
        ("9", [["big"], ["huge"], ["small"], ["tiny"]]),
    ],
)
def test_split(archive, debian, split, expected):
    several(archive)
    tree = debian(*SEVERAL, fields=f"split = {split}")
    found = [
        sorted(path.split("/")[2] for path in files(tree, layer=number) if path.endswith("/x"))
        for number in range(len(expected))
    ]
    assert found == expected
    for number in range(len(expected)):
        inner = files(tree, layer=number)
        assert {f"usr/share/{name}" for name in expected[number]} <= set(inner), "each layer has the folders it needs"


def test_a_package_of_another_source_shares_its_layer_between_targets(archive, debian):
    several(archive)
    tree = debian("huge", "small", fields="split = 2")
    tree.write(
        "BUILD.toml",
        (tree.root / "BUILD.toml").read_text()
        + '[packages.q]\necosystem = "deb"\ninstall = ["huge", "tiny"]\nsplit = 2\n[image.j]\nlayers = [":q"]\n',
    )
    one, other = ([layer["digest"] for layer in tree.image(name)["layers"]] for name in ("//:i", "//:j"))
    assert one[0] == other[0] and one[1] != other[1]


def test_one_package_more_compresses_one(archive, debian, monkeypatch):
    from stackbuild.layer.codec import Codec

    several(archive)
    tree = debian("big", "huge", "small")
    tree.image("//:i")
    compressed = []
    whole = Codec.compress
    monkeypatch.setattr(Codec, "compress", lambda self, data: compressed.append(data) or whole(self, data))
    tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text().replace('"small"', '"small", "tiny"'))
    tree.image("//:i")
    assert len(compressed) == 2, "the folders, and the package"
    assert any(b"usr/share/tiny/x" in data for data in compressed)


def test_the_same_everywhere(archive, debian, monkeypatch):
    several(archive)
    archive.add(control("db"), scripts={"postinst": ADDUSER})
    tree = debian(*SEVERAL, "db")
    digest, lock = tree.image("//:i")["digest"], (tree.root / "stackbuild.lock").read_bytes()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    old = os.umask(0o077)
    try:
        (tree.root / "stackbuild.lock").unlink()
        text = (tree.root / "BUILD.toml").read_text()
        tree.write("BUILD.toml", text.replace('"big", "huge", "small", "tiny", "db"', '"db", "tiny", "small", "huge", "big"'))
        monkeypatch.setenv("STACKBUILD_STORE", str(tree.root.parent / "another"))
        assert tree.image("//:i", "--jobs", "1")["digest"] == digest
        assert (tree.root / "stackbuild.lock").read_bytes() == lock
    finally:
        os.umask(old)


SUBJECTS = ["/C=DE/O=Some  Org/CN=UPPER lower", "/CN= spaces  at   ends ", "/O=Ünïcödé Straße/CN=Ça", "/C=US/ST=A/L=B/O=C/OU=D/CN=E/emailAddress=a@B.c"]


@pytest.mark.real
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("kind", ["utf8only", "default", "pkix"])
def test_hashes_of_subjects_as_openssl_has_them(tmp_path, need, subject, kind):
    need("openssl")
    (tmp_path / "c").write_text(f"[req]\ndistinguished_name=d\nstring_mask={kind}\nutf8=yes\n[d]\n")
    run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k"]
    subprocess.run([*run, "-out", "x", "-utf8", "-subj", subject, "-config", "c"], cwd=tmp_path, check=True, capture_output=True)
    expected = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", "x"], cwd=tmp_path, check=True, capture_output=True)
    assert subject_hash((tmp_path / "x").read_bytes()) == expected.stdout.decode().strip()


@pytest.mark.real
def test_certificates(archive, debian, tmp_path, need):
    need("openssl")
    certificates = {}
    for number in (1, 2):
        run = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k"]
        subprocess.run([*run, "-out", "x", "-subj", "/CN=One Root"], cwd=tmp_path, check=True, capture_output=True)
        certificates[f"usr/share/ca-certificates/mozilla/Root_({number}).crt"] = (tmp_path / "x").read_bytes()
    archive.add(control("ca-certificates", "1", "all"), files=certificates)
    tree = debian("ca-certificates")
    found = files(tree)
    assert text(tree, "etc/ssl/certs/ca-certificates.crt").encode() == b"".join(certificates.values())
    mark = subject_hash(next(iter(certificates.values())))
    assert found[f"etc/ssl/certs/{mark}.0"]["link"] == "Root_=1=.pem"
    assert found[f"etc/ssl/certs/{mark}.1"]["link"] == "Root_=2=.pem"
    assert found["etc/ssl/certs/Root_=1=.pem"]["link"] == "/usr/share/ca-certificates/mozilla/Root_(1).crt"
    assert text(tree, "etc/ca-certificates.conf") == "mozilla/Root_(1).crt\nmozilla/Root_(2).crt\n"


@pytest.mark.parametrize("data", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_is_none(archive, debian, data):
    archive.add(control("ca-certificates", "1", "all"), files={"usr/share/ca-certificates/x.crt": data})
    status, _, err = debian("ca-certificates").run("image", "//:i", "--progress", "none")
    assert status == 1 and err.count("\n") == 1 and "/usr/share/ca-certificates/x.crt is no X.509 certificate" in err
