"""What packages look like once they are installed, read from the layers of an image."""

import gzip
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass

import pytest

from stackbuild import native
from stackbuild.ecosystems.deb import type as deb_type
from stackbuild.ecosystems.deb.accounts import Accounts
from stackbuild.ecosystems.deb.certificates import subject_hash
from stackbuild.ecosystems.deb.root import Root
from stackbuild.ecosystems.deb.scripts import accounts
from stackbuild.ecosystems.system import System
from stackbuild.layer import capabilities
from stackbuild.layer import codec as codecs
from stackbuild.layer import write as writing
from stackbuild.store import Store, default_path

from .making import control, member

STATUS = "var/lib/dpkg/status"
INFO = "var/lib/dpkg/info"
ALTERNATIVES = "var/lib/dpkg/alternatives"


@dataclass
class File:
    """A member of a layer."""

    info: tarfile.TarInfo
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode()

    @property
    def link(self) -> str:
        return self.info.linkname

    @property
    def owner(self) -> tuple[int, int]:
        return self.info.uid, self.info.gid


def layers(tree, *arguments: str, image: str = "//:i") -> list[dict[str, File]]:
    """The layers of an image, lowest first: path -> member."""
    layout = tree.root / tree.image(image, *arguments)["output"]
    blobs = layout / "blobs" / "sha256"
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads((blobs / entry["digest"][7:]).read_text())
    found = []
    for layer in manifest["layers"]:
        with gzip.open(blobs / layer["digest"][7:]) as raw, tarfile.open(fileobj=raw) as tar:
            found.append({info.name: File(info, tar.extractfile(info).read() if info.isreg() else b"") for info in tar})
    return found


def top(tree) -> dict[str, File]:
    return layers(tree)[-1]


@pytest.fixture
def on_base(tree, debian):
    """`on_base({path: text or "-> target" or a folder's "/"}, install, …)`: the packages on top of such a base."""

    def write(files: dict[str, str], *install: str, fields: str = ""):
        debian(*install, fields=fields, image='base = ":b"')
        folders, links, srcs = ["/usr"], [], []
        for path, text in files.items():
            if path.endswith("/"):
                folders.append(f"/{path[:-1]}")
            elif text.startswith("-> "):
                links.append(f'"/{path}" = "{text[3:]}"')
            else:
                tree.write(f"below/{path}", text)
                srcs.append(path)
        text = f'[files.below]\nsrcs = ["below/**"]\nstrip_prefix = "below"\ndirs = {json.dumps(["**", *folders])}\n'
        tree.write("below/usr/keep")
        text += f"symlinks = {{ {', '.join(links)} }}\n[image.b]\nlayers = [':below']\n"
        tree.write("BUILD.toml", (tree.root / "BUILD.toml").read_text() + text)
        return tree

    return write


def stanza(name: str, version: str = "1.0-1", **fields: str) -> str:
    return control(name, version, Status="install ok installed", **fields)


# Where files go


def test_a_merged_usr(archive, debian):
    archive.add(control(), files={"lib/": "", "lib/x": "1", "bin/": "", "bin/tool": "2", "usr/lib/y": "3"})
    found = top(debian("hello"))
    assert (found["lib"].link, found["bin"].link) == ("usr/lib", "usr/bin")
    assert found["usr/lib"].info.isdir() and found["usr/lib/x"].text == "1" and found["usr/bin/tool"].text == "2"
    assert not {"lib/x", "bin/tool", "sbin", "lib64"} & set(found)


def test_a_link_of_the_base_is_followed(archive, on_base):
    archive.add(control(), files={"lib/": "", "lib/x": "1"})
    found = top(on_base({"lib": "-> usr/lib", "usr/lib/": ""}, "hello"))
    assert found["usr/lib/x"].text == "1" and not {"lib", "lib/x", "usr/lib/"} & set(found)


def test_an_absolute_link_of_the_base_is_followed(archive, on_base):
    archive.add(control(), files={"srv/www/": "", "srv/www/x": "1"})
    found = top(on_base({"srv": "-> /data", "data/": ""}, "hello"))
    assert found["data/www/x"].text == "1" and "srv" not in found


def test_a_folder_of_the_base_stays_one(archive, on_base):
    archive.add(control(), files={"lib/": "", "lib/x": "1"})
    found = top(on_base({"lib/": ""}, "hello"))
    assert found["lib/x"].text == "1" and "usr/lib/x" not in found
    assert "lib" not in found or found["lib"].info.isdir()


def test_folders_of_the_base_keep_what_they_are(archive, on_base):
    members = [member("./opt/", kind=tarfile.DIRTYPE, mode=0o700), member("./opt/x", b"1")]
    archive.add(control(), None, members=members)
    assert "opt" not in top(on_base({"opt/": ""}, "hello"))


def test_hard_links_go_along(archive, debian):
    members = [
        member("./lib/", kind=tarfile.DIRTYPE, mode=0o755),
        member("./lib/a", b"1"),
        member("./lib/b", kind=tarfile.LNKTYPE, linkname="./lib/a"),
    ]
    archive.add(control(), members=members)
    found = top(debian("hello"))
    assert found["usr/lib/b"].info.islnk() and found["usr/lib/b"].link == "usr/lib/a"


def test_owners_and_modes_are_the_packages(archive, debian):
    archive.add(control(), members=[member("./usr/x", b"1", mode=0o4750, uid=7, gid=42, uname="zoe")])
    x = top(debian("hello"))["usr/x"]
    assert (x.info.mode, x.owner, x.info.uname) == (0o4750, (7, 42), "")


def test_exclude(archive, debian):
    files = {"usr/share/doc/hello/": "", "usr/share/doc/hello/copyright": "c", "usr/share/doc/hello/x": "", "usr/x": ""}
    archive.add(control(), files=files)
    found = top(debian("hello", fields='exclude = ["/usr/share/doc/**/x", "lib/**", "usr/share/man/**"]'))
    assert "usr/share/doc/hello/copyright" in found and "usr/share/doc/hello/x" not in found


def test_exclude_means_paths_of_the_image(archive, debian):
    archive.add(control(), files={"lib/x": "1", "lib/y": "1"})
    found = top(debian("hello", fields='exclude = ["usr/lib/x"]'))
    assert "usr/lib/y" in found and "usr/lib/x" not in found


@pytest.mark.parametrize("other", ["a-old", "z-old"])
def test_replaces(archive, debian, other):
    archive.add(control(other), files={"usr/x": "old", "usr/y": "old"})
    archive.add(control("new", Replaces=f"{other} (<< 2)"), files={"usr/x": "new"})
    found = top(debian(other, "new"))
    assert (found["usr/x"].text, found["usr/y"].text) == ("new", "old")


def test_replaces_of_another_version(archive, debian):
    archive.add(control("one"), files={"usr/x": "1"})
    archive.add(control("two", Replaces="one (<< 1.0)"), files={"usr/x": "2"})
    status, _, err = debian("one", "two").run("image", "//:i", "--progress", "none")
    assert status == 1 and "/usr/x is both in one and in two" in err


# dpkg's database


def test_without_dpkg(archive, debian):
    archive.add(control(Depends="b"), files={"usr/x": "1"}, scripts={"md5sums": "c4ca4238a0b923820dcc509a6f75849b  usr/x\n"})
    archive.add(control("b"))
    found = top(debian("hello"))
    assert STATUS not in found and not any(path.startswith(INFO) for path in found)
    text = found[f"{STATUS}.d/hello"].text
    assert text.startswith("Package: hello\n") and "Status: install ok installed\n" in text and "Depends: b\n" in text
    assert found[f"{STATUS}.d/hello.md5sums"].text.endswith("  usr/x\n") and f"{STATUS}.d/b.md5sums" not in found


def test_with_dpkg(archive, debian):
    archive.add(control("dpkg"))
    archive.add(
        control(Multi_Arch="same"),
        files={"etc/": "", "etc/x.conf": "a", "usr/x": "1"},
        scripts={"conffiles": "/etc/x.conf\n/etc/gone.conf\n", "postinst": "#!/bin/sh\nset -e\n", "triggers": "x\n"},
    )
    found = top(debian("hello", "dpkg"))
    hello = next(text for text in found[STATUS].text.split("\n\n") if text.startswith("Package: hello\n"))
    assert "Status: install ok installed\n" in hello
    assert "Conffiles:\n /etc/x.conf 0cc175b9c0f1b6a831c399e269772661" in hello and "gone.conf" not in hello
    assert found[f"{INFO}/hello:amd64.list"].text == "/.\n/etc\n/etc/x.conf\n/usr/x\n"
    assert found[f"{INFO}/hello:amd64.postinst"].info.mode == 0o755
    assert found[f"{INFO}/hello:amd64.triggers"].info.mode == 0o644
    assert found[f"{INFO}/dpkg.list"].text == "/.\n" and found[f"{INFO}/format"].text == "1\n"
    assert not any(path.startswith(f"{STATUS}.d") for path in found)


def test_the_bases_status_goes_on(archive, on_base):
    archive.add(control())
    tree = on_base({STATUS: stanza("old", Maintainer="Jörg <j@example.org>"), f"{INFO}/format": "1\n"}, "hello")
    found = top(tree)
    old, new = found[STATUS].text.split("\n\n")
    assert old.startswith("Package: old\n") and "Jörg" in old and new.startswith("Package: hello\n")
    assert found[f"{INFO}/format"].text == "1\n"


def test_what_the_base_has_is_not_installed_again(archive, on_base):
    archive.add(control(Depends="b"))
    archive.add(control("b", "2"), files={"usr/b": ""})
    found = top(on_base({STATUS: stanza("b")}, "hello"))
    assert "usr/b" not in found and found[STATUS].text.count("Package: b\n") == 1


def test_a_base_without_dpkg(archive, on_base):
    archive.add(control(Depends="b"))
    archive.add(control("b", "2"), files={"usr/b": ""})
    found = top(on_base({f"{STATUS}.d/b": control("b"), f"{STATUS}.d/b.md5sums": "x  usr/b\n"}, "hello"))
    assert "usr/b" not in found and f"{STATUS}.d/hello" in found and STATUS not in found


def test_what_was_removed_from_the_base_is_not_there(archive, on_base):
    archive.add(control(Depends="b"))
    archive.add(control("b"), files={"usr/b": "1"})
    removed = control("b", Status="deinstall ok config-files")
    found = top(on_base({STATUS: removed}, "hello"))
    assert "usr/b" in found and "deinstall" not in found[STATUS].text


def test_an_upgrade(archive, on_base):
    archive.add(control(Depends="b (>= 2)"))
    archive.add(control("b", "2"), files={"usr/share/": "", "usr/share/kept": "2", "usr/new": "2"})
    listed = "/.\n/usr\n/usr/share\n/usr/share/kept\n/usr/share/gone\n"
    files = {STATUS: stanza("b", "1"), f"{INFO}/b.list": listed}
    found = top(on_base(files | {"usr/share/kept": "1", "usr/share/gone": "1"}, "hello"))
    assert "Package: b\nStatus: install ok installed\nVersion: 2\n" in found[STATUS].text
    assert found[STATUS].text.count("Package: b\n") == 1
    assert [path for path in found if "/.wh." in path] == ["usr/share/.wh.gone"]
    assert found["usr/share/kept"].text == "2" and found[f"{INFO}/b.list"].text.endswith("/usr/new\n")


# Alternatives

EDITOR = "update-alternatives --install /usr/bin/editor editor /usr/bin/{0} {1} \\\n --slave /usr/share/{0} editor.{0} /usr/share/man/{0}\n"


@pytest.mark.parametrize("script", [
    "adduser --system joe", "P=add\n${P}user --system joe", "for p in add; do ${p}user --system joe; done",
    '"add"user --system joe', "x || ad\\duser --system \\\n joe", "if true; then /usr/sbin/adduser --system joe; fi",
])  # fmt: skip
def test_a_program_is_found_however_it_is_named(script):
    assert [account.name for account in accounts(script)] == ["joe"]


def test_alternatives(archive, debian):
    archive.add(control("vi"), files={"usr/bin/vi": "", "usr/share/man/vi": ""}, scripts={"postinst": EDITOR.format("vi", 30)})
    archive.add(control("ed"), files={"usr/bin/ed": ""}, scripts={"postinst": EDITOR.format("ed", 5)})
    found = top(debian("vi", "ed"))
    assert found["usr/bin/editor"].link == "/etc/alternatives/editor"
    assert found["etc/alternatives/editor"].link == "/usr/bin/vi"
    assert found["etc/alternatives/editor.vi"].link == "/usr/share/man/vi"
    assert "etc/alternatives/editor.ed" not in found
    assert found[f"{ALTERNATIVES}/editor"].text.splitlines() == [
        "auto", "/usr/bin/editor", "editor.ed", "/usr/share/ed", "editor.vi", "/usr/share/vi", "",
        "/usr/bin/ed", "5", "/usr/share/man/ed", "", "/usr/bin/vi", "30", "", "/usr/share/man/vi", "",
    ]


def test_slaves_only_where_they_are(archive, debian):
    archive.add(control("vi"), files={"usr/bin/vi": ""}, scripts={"postinst": EDITOR.format("vi", 30)})
    found = top(debian("vi"))
    assert found["etc/alternatives/editor"].link == "/usr/bin/vi"
    assert "etc/alternatives/editor.vi" not in found and "usr/share/vi" not in found


def test_no_alternative_for_what_is_not_there(archive, debian):
    archive.add(control("vi"), scripts={"postinst": EDITOR.format("vi", 30)})
    assert not any("alternatives" in path for path in top(debian("vi")))


def test_the_base_chose_already(archive, on_base):
    archive.add(control("vi"), files={"usr/bin/vi": ""}, scripts={"postinst": EDITOR.format("vi", 30)})
    chosen = f"{ALTERNATIVES}/editor"
    found = top(on_base({chosen: "manual\n/usr/bin/editor\n\n/usr/bin/ed\n1\n\n"}, "vi"))
    assert "usr/bin/vi" in found and not any("alternatives" in path for path in found)


# Accounts

ADDUSER = """#!/bin/sh
set -e
USER=app
home="/var/lib/app"
if ! getent passwd $USER >/dev/null; then
    adduser --system --group --home "${home}" --no-create-home --gecos "The app" \\
        --shell /bin/false $USER
fi
"""


def test_accounts(archive, debian):
    archive.add(control("z-app"), scripts={"postinst": ADDUSER})
    archive.add(control("more"), scripts={"preinst": "addgroup --quiet --system aaa || true\n"})
    found = top(debian("z-app", "more"))
    assert found["etc/group"].text == "root:x:0:\naaa:x:100:\napp:x:101:\n"
    assert found["etc/passwd"].text.splitlines()[0] == "root:x:0:0:root:/root:/bin/sh"
    name, _, number, group, *rest = found["etc/passwd"].text.splitlines()[1].split(":")
    assert (name, number, rest) == ("app", group, ["The app", "/var/lib/app", "/bin/false"])


def test_accounts_of_the_base_stay(archive, on_base):
    archive.add(control("app"), scripts={"postinst": ADDUSER})
    files = {"etc/passwd": "root:x:0:0::/:/bin/sh\n_apt:x:100:65534::/:/bin/false\n", "etc/group": "root:x:0:\nx:x:101:a\n"}
    found = top(on_base(files, "app"))
    assert found["etc/passwd"].text == files["etc/passwd"] + "app:x:102:102:The app:/var/lib/app:/bin/false\n"
    assert found["etc/group"].text == files["etc/group"] + "app:x:102:\n"


def test_an_account_that_is_there_is_not_made(archive, on_base):
    archive.add(control("app"), scripts={"postinst": ADDUSER})
    found = top(on_base({"etc/passwd": "app:x:7:7::/:/bin/sh\n", "etc/group": "app:x:7:\n"}, "app"))
    assert "etc/passwd" not in found and "etc/group" not in found


def test_sysusers(archive, debian):
    text = '# x\nu app 42 "An app" /srv /bin/sh\ng staff 50\nu other - "Other"\nm app staff\nm app "unclosed\n'
    archive.add(control("app"), files={"usr/lib/sysusers.d/app.conf": text})
    found = top(debian("app"))
    assert found["etc/passwd"].text.splitlines()[1:] == [
        "app:x:42:42:An app:/srv:/bin/sh",
        "other:x:100:100:Other:/:/usr/sbin/nologin",
    ]
    assert set(found["etc/group"].text.splitlines()) == {"root:x:0:", "app:x:42:", "other:x:100:", "staff:x:50:app"}


def root_with(*scripts: str) -> dict[str, bytes]:
    root, made = Root(System(), 0, lambda path: False), Accounts(None, None)
    for script in scripts:
        for account in accounts(script):
            made.add(account)
    made.write(root)
    return {path: entry.content.data for path, entry in root.entries.items() if entry.content}


def test_the_order_of_packages_does_not_matter():
    scripts = [f"adduser --system --group {name}" for name in ("c", "a", "b")]
    assert root_with(*scripts) == root_with(*reversed(scripts))


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("adduser --system --ingroup www-data a", "a:x:100:100::/nonexistent:/usr/sbin/nologin"),
        ("useradd -r -u 77 -d /a -s /bin/sh a", "a:x:77:77::/a:/bin/sh"),
        ("adduser --system --uid=66 --home=/x a", "a:x:66:66::/x:/usr/sbin/nologin"),
        ("adduser --system --gecos 'a:b' a", "a:x:100:100:ab:/nonexistent:/usr/sbin/nologin"),
    ],
)
def test_options_of_adduser(script, line):
    assert root_with(script)["etc/passwd"].decode().splitlines()[1] == line


@pytest.mark.parametrize("script", ["adduser a", "adduser --system $(name)", "adduser --system --home $X a", "adduser --system 'a"])
def test_what_is_no_plain_system_account_is_left(script):
    assert root_with(script) == {}


# Libraries, capabilities, known steps


def library(soname: str) -> bytes:
    """The least shared library that has a SONAME: two program headers, a dynamic section and a string table."""
    import struct

    strings = b"\0" + soname.encode() + b"\0"
    dynamic = [(14, 1), (5, 0x1000), (10, len(strings)), (0, 0)]  # DT_SONAME, DT_STRTAB, DT_STRSZ, DT_NULL
    table = b"".join(struct.pack("<QQ", *row) for row in dynamic)
    start = 64 + 2 * 56
    size = start + len(table) + len(strings)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0x1000 - start - len(table), 0, size, size, 0x1000)
    there = struct.pack("<IIQQQQQQ", 2, 4, start, 0x1000 - len(table), 0, len(table), len(table), 8)
    return head + load + there + table + strings


def test_links_to_libraries(archive, debian):
    files = {"lib/x86_64-linux-gnu/libx.so.1.2.3": library("libx.so.1"), "usr/lib/liby.so.2": library("liby.so.2")}
    files |= {"usr/lib/libz.so.3.1": library("../z"), "usr/lib/libbad.so": b"\x7fELF" + bytes(20)}
    archive.add(control(), files=files)
    found = top(debian("hello"))
    assert found["usr/lib/x86_64-linux-gnu/libx.so.1"].link == "libx.so.1.2.3"
    assert {path for path in found if found[path].info.issym()} == {"lib", "usr/lib/x86_64-linux-gnu/libx.so.1"}


def test_a_link_that_the_package_has_stays(archive, debian):
    archive.add(control(), files={"usr/lib/libx.so.1": "-> libx.so.1.0", "usr/lib/libx.so.1.2": library("libx.so.1")})
    assert top(debian("hello"))["usr/lib/libx.so.1"].link == "libx.so.1.0"


def test_capabilities(archive, debian):
    archive.add(control("iputils-ping"), members=[member("./bin/ping", b"x", mode=0o4755)])
    ping = top(debian("iputils-ping"))["usr/bin/ping"]
    assert ping.info.mode == 0o755
    held = ping.info.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape")
    assert held == capabilities.encode("cap_net_raw+ep")


def test_known_steps(archive, debian):
    archive.add(
        control("base-passwd"),
        files={
            "usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\n",
            "usr/share/base-passwd/group.master": "root:*:0:\n",
        },
    )
    archive.add(control("tzdata"), files={"usr/share/zoneinfo/Etc/UTC": "TZif"})
    archive.add(control("base-files"), files={"usr/share/base-files/motd": "hi\n"})
    archive.add(control("app"), scripts={"postinst": ADDUSER})
    found = top(debian("base-passwd", "tzdata", "base-files", "app"))
    assert found["etc/passwd"].text.startswith("root:*:0:0:root:/root:/bin/bash\napp:x:100:")
    assert found["etc/localtime"].link == "/usr/share/zoneinfo/Etc/UTC" and found["etc/timezone"].text == "Etc/UTC\n"
    assert found["etc/motd"].text == "hi\n" and "etc/profile" not in found
    assert (found["var/mail"].info.mode, found["var/mail"].owner) == (0o2775, (0, 8))
    assert found["var/log/btmp"].info.mode == 0o660 and found["usr/local/bin"].info.isdir()


def test_known_steps_leave_what_is_there(archive, on_base):
    archive.add(control("tzdata"))
    found = top(on_base({"etc/localtime": "-> /usr/share/zoneinfo/Europe/Paris"}, "tzdata"))
    assert "etc/localtime" not in found


# Warnings


def test_scripts_that_are_not_run(archive, debian):
    archive.add(control(), scripts={"postinst": "#!/bin/sh\nset -e\nmake-everything\n", "preinst": "#!/bin/sh\nexit 0\n"})
    archive.add(control("dash"), scripts={"postinst": "#!/bin/sh\nmake-everything\n"})
    archive.add(control("quiet"), scripts={"postinst": ADDUSER, "prerm": "make-nothing\n"})
    tree = debian("hello", "dash", "quiet")
    status, _, err = tree.run("image", "//:i", "--progress", "plain")
    (line,) = (line for line in err.splitlines() if "warning" in line)
    assert status == 0 and "hello: postinst not run, and not all of it is done here" in line
    assert "warning" not in tree.run("image", "//:i", "--progress", "plain")[2]
    explained = "".join(tree.run("image", "//:i", "--explain", "--progress", "none")[1:])
    assert explained.count("not run") == 1 and "hello: postinst not run" in explained


# Certificates


def make_certificate(folder, name: str, subject: str, mask: str) -> str:
    config = folder / f"{name}.cnf"
    config.write_text(f"[req]\ndistinguished_name=dn\nstring_mask={mask}\nprompt=no\nutf8=yes\n[dn]\n{subject}\n")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]
    command += ["-config", str(config), "-keyout", str(folder / "key"), "-days", "9"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


SUBJECTS = {
    "utf8": ("O=Ünïcode  Trust\nCN=ROOT  CA É", "utf8only"),
    "printable": ("C=DE\nO=Some  Company\nCN=UPPER lower", "pkix"),
    "bmp": ("O=Grüße aus Łódź\nCN=日本 CA", "MASK:0x800"),
    "several": ("0.OU=One\n1.OU=Two\nCN=a", "nombstr"),
    "joined": ("O=One\n+CN=Two", "default"),
    "long": ("O=" + "ab " * 20 + "\nOU=" + "CD  " * 15 + "\nCN=" + "e" * 60, "utf8only"),
}


@pytest.mark.real
@pytest.mark.parametrize("name", SUBJECTS)
def test_hashes_of_subjects(need, tmp_path, name):
    need("openssl")
    pem = make_certificate(tmp_path, name, *SUBJECTS[name])
    command = ["openssl", "x509", "-noout", "-hash"]
    assert subject_hash(pem.encode()) == subprocess.run(command, input=pem, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("pem", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate(pem):
    with pytest.raises(ValueError, match=r"it is no X\.509 certificate"):
        subject_hash(pem)


@pytest.mark.real
def test_the_bundle(archive, debian, need, tmp_path):
    need("openssl")
    pems = {name: make_certificate(tmp_path, "x", "CN=same", "utf8only") for name in ("A (1)", "b,c")}
    archive.add(control("ca-certificates"), files={f"usr/share/ca-certificates/m/{name}.crt": pem for name, pem in pems.items()})
    found = top(debian("ca-certificates"))
    assert found["etc/ca-certificates.conf"].text == "m/A (1).crt\nm/b,c.crt\n"
    assert found["etc/ssl/certs/ca-certificates.crt"].text == pems["A (1)"] + pems["b,c"]
    assert found["etc/ssl/certs/A_=1=.pem"].link == "/usr/share/ca-certificates/m/A (1).crt"
    mark = subject_hash(pems["b,c"].encode())
    assert [found[f"etc/ssl/certs/{mark}.{n}"].link for n in (0, 1)] == ["A_=1=.pem", "b_c.pem"]


# Layers


def heavy(archive, *names: str, size: int = 5000) -> None:
    for number, name in enumerate(names, 1):
        archive.add(control(name), files={"usr/": "", "usr/share/": "", f"usr/share/{name}": os.urandom(size * number)})


def test_one_layer_for_each(archive, debian):
    heavy(archive, "a", "b", "dpkg")
    found = layers(debian("a", "b", "dpkg", fields='split = "each"'))
    assert [sorted(path for path in layer if path.startswith("usr/share/")) for layer in found] == [
        ["usr/share/a"], ["usr/share/b"], ["usr/share/dpkg"],
    ]
    assert all("usr/share" in layer and "usr" in layer for layer in found)
    assert [STATUS in layer for layer in found] == [False, False, True]
    assert f"{INFO}/a.list" in found[0]


def test_the_heaviest_apart(archive, debian):
    heavy(archive, "a", "b", "c", "d")
    found = layers(debian("a", "b", "c", "d", fields="split = 3"))
    assert [{path[-1] for path in layer if path.startswith("usr/share/")} for layer in found] == [{"c"}, {"d"}, {"a", "b"}]


def test_targets_share_layers(archive, debian):
    heavy(archive, "a", "b", "c", "d")
    tree = debian("a", "d", fields="split = 2")
    text = (tree.root / "BUILD.toml").read_text()
    text += '[packages.q]\necosystem = "deb"\ninstall = ["b", "d"]\nsplit = 2\n[image.j]\nlayers = [":q"]\n'
    tree.write("BUILD.toml", text)
    one, other = ([layer["digest"] for layer in tree.image(f"//:{name}")["layers"]] for name in "ij")
    assert one[0] == other[0] and one[1] != other[1]


def test_one_more_package_compresses_little(archive, debian, monkeypatch):
    names = [f"p{number:02}" for number in range(40)]
    heavy(archive, *names, size=20000)
    archive.add(control("p20a"), files={"usr/share/p20a": "new"})
    tree = debian(*names)
    counted = []
    compress = codecs.Codec.compress
    monkeypatch.setattr(codecs.Codec, "compress", lambda self, data: counted.append(1) or compress(self, data))
    tree.image("//:i")
    cold = len(counted)
    counted.clear()
    debian(*names, "p20a")
    tree.image("//:i")
    assert cold > 5 and 1 <= len(counted) <= 3  # the file, its paragraph in status.d


@pytest.mark.skipif(native.resume_sha256(bytes(40)) is None, reason="nothing is resumed without the native core")
def test_one_more_package_leaves_what_is_before_it(archive, debian, monkeypatch):
    names = [f"p{number:02}" for number in range(40)]
    heavy(archive, *names, size=20000)
    archive.add(control("p38a"), files={"usr/": "", "usr/share/": "", "usr/share/doc/": "", "usr/share/doc/p38a/": "", "usr/share/doc/p38a/x": ""})
    tree = debian(*names)
    before = layers(tree)[0]
    fetched, fetch = [], writing._fetch
    monkeypatch.setattr(writing, "_fetch", lambda *args: fetched.append(1) or fetch(*args))
    debian(*names, "p38a")
    after = layers(tree)[0]
    assert len(fetched) <= 4
    assert list(after)[:70] == list(before)[:70]
    seen = set()
    for path in after:  # a folder comes before what is in it
        assert path.rpartition("/")[0] in {"", *seen, "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/status.d"}
        seen.add(path)


def test_packages_that_were_installed_before_are_not_unpacked_again(archive, debian, monkeypatch):
    archive.add(control("dpkg"))
    archive.add(control("a"), files={"etc/": "", "etc/a.conf": "a"}, scripts={"conffiles": "/etc/a.conf\n"})
    archive.add(control("b"), files={"usr/lib/sysusers.d/b.conf": "u beata - - /\n"})
    archive.add(control("base-files"), files={"usr/share/base-files/motd": "hello"})
    archive.add(control("new"), files={"usr/new": "new"})
    names = ["dpkg", "a", "b", "base-files"]
    tree = debian(*names)
    tree.image("//:i")
    unpacked, unpack = [], deb_type.Deb.unpack
    monkeypatch.setattr(
        deb_type.Deb, "unpack", lambda self, package, *rest: unpacked.append(package.name) or unpack(self, package, *rest)
    )
    found = top(debian(*names, "new"))
    assert unpacked == ["new"]
    assert "/etc/a.conf 0cc175b9c0f1b6a831c399e269772661" in found[STATUS].text
    assert "beata" in found["etc/passwd"].text and found["etc/motd"].text == "hello"


def test_not_much_of_a_package_lies_beside_its_listing(archive, debian):
    files = {f"usr/share/ca-certificates/{number}.crt": bytes(1 << 19) for number in range(20)}
    archive.add(control("many"), files=files)
    debian("many").image("//:i")
    with Store(default_path()) as store:
        sizes = sorted(size for _, size in store.blobs.all())
    assert sizes[-1] < 10 << 20  # its bytes as hexadecimal digits


def test_a_configuration_file_that_another_package_replaces(archive, debian):
    archive.add(control("dpkg"))
    archive.add(control("old"), files={"etc/x.conf": "old"}, scripts={"conffiles": "/etc/x.conf\n"})
    archive.add(control("new", Replaces="old"), files={"etc/x.conf": "a"}, scripts={"conffiles": "/etc/x.conf\n"})
    found = top(debian("dpkg", "old", "new"))
    assert found["etc/x.conf"].text == "a"
    assert found[STATUS].text.count("/etc/x.conf 0cc175b9c0f1b6a831c399e269772661") == 2


# The same everywhere

RUN = "import sys; from stackbuild.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_the_same_digests_anywhere(archive, debian, tmp_path):
    archive.add(control("app"), files={"usr/bin/app": "", "lib/x": ""}, scripts={"postinst": ADDUSER + EDITOR.format("app", 1)})
    heavy(archive, "dpkg", "b")
    seen = set()
    for number, (install, umask, env) in enumerate(
        [
            (["app", "b", "dpkg"], 0o022, {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"}),
            (["dpkg", "app", "b"], 0o077, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}),
            (["b", "dpkg", "app"], 0o000, {"HOME": "/nonexistent", "DEB_BUILD_OPTIONS": "x", "APT_CONFIG": "/x"}),
        ]
    ):
        tree = debian(*install, fields="split = 2")
        env = {**os.environ, "STACKBUILD_STORE": str(tmp_path / f"store{number}"), **env}
        command = [sys.executable, "-c", RUN, "image", "//:i", "--json", "--progress", "none"]
        done = subprocess.run(command, cwd=tree.root, env=env, umask=umask, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        seen.add(json.loads(done.stdout)["images"][0]["digest"])
        (tree.root / "stackbuild.lock").unlink()
    assert len(seen) == 1


def test_all_that_it_reads_of_the_tree_is_witnessed(debian, archive):
    archive.add(control())
    assert debian("hello").unwitnessed("//:i") == set()
