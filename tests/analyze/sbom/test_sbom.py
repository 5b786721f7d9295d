"""Bills of materials: everything that is in an image, in forms that the formats' own tools accept."""

import json
import os
import re
import time

import pytest
from ecosystems.deb.making import Archive, Server, control

DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""
APK = "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\n\nP:zlib\nV:1.3-r0\nA:x86_64\nL:Zlib\n"
METADATA = "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nLicense: BSD of some kind\n\nText: no field\n"


@pytest.fixture
def image(tree, tmp_path):
    """//:i: a package of a locked list, on a base with all three databases."""
    archive = Archive(tmp_path / "archive")
    copyright = "License: GPL-2+\n a\n\nLicense: Expat\n b\n\nLicense: public-domain\n c\n"
    archive.add(control("hello", Depends="libhello"), files={"usr/share/doc/hello/copyright": copyright})
    archive.add(control("libhello"), files={"usr/lib/libhello": "x"})
    archive.publish()
    server = Server(archive.root)
    tree.write("keys.asc", archive.keyring())
    tree.write("root/var/lib/dpkg/status", DPKG)
    tree.write("root/lib/apk/db/installed", APK)
    tree.write("root/usr/lib/python3/dist-packages/Foo_Bar-1.0.dist-info/METADATA", METADATA)
    tree.write("root/etc/os-release", 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=test\n')
    tree.write(
        "BUILD.toml",
        f'[workspace]\n[workspace.deb.test]\nurl = "{server.url}"\nsuite = "test"\nkeyring = "keys.asc"\n'
        '[files.f]\nsrcs = ["root/**"]\nstrip_prefix = "root"\n[image.b]\nlayers = [":f"]\n'
        '[packages.p]\necosystem = "deb"\ninstall = ["hello"]\n[image.i]\nbase = ":b"\nlayers = [":p"]\n',
    )
    yield tree
    server.stop()


def bill(tree, *arguments: str) -> dict:
    status, out, err = tree.run("sbom", "//:i", "--progress", "none", *arguments)
    assert status == 0, err
    return json.loads(out)


PURLS = [
    "pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12",
    "pkg:apk/debian/zlib@1.3-r0?arch=x86_64&distro=debian-12",
    "pkg:deb/debian/hello@1.0-1?arch=amd64",
    "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
    "pkg:deb/debian/libhello@1.0-1?arch=amd64",
    "pkg:pypi/foo-bar@1.0",
]


def test_cyclonedx(image):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    found = bill(image, "--format", "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(found)) is None
    assert [item["purl"] for item in found["components"]] == PURLS
    layers = {layer["target"]: layer["digest"] for layer in image.image("//:i")["layers"]}
    by_name = {item["name"]: item for item in found["components"]}
    assert by_name["hello"]["properties"][0]["value"] == layers["//:p"]
    assert by_name["libc6"]["properties"][0]["value"] == layers["//:f"]
    assert by_name["hello"]["hashes"][0]["alg"] == "SHA-256"
    said = "MIT AND GPL-2.0-or-later AND LicenseRef-public-domain"
    assert by_name["hello"]["licenses"] == [{"expression": said}]
    assert by_name["Foo.Bar"]["licenses"] == [{"license": {"name": "BSD of some kind"}}]
    refs = {item["bom-ref"]: item["name"] for item in found["components"]}
    depends = {refs.get(item["ref"]): [refs[ref] for ref in item["dependsOn"]] for item in found["dependencies"]}
    assert depends["hello"] == ["libhello"] and depends["libhello"] == []


def test_spdx(image, tmp_path):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    found = bill(image)
    file = tmp_path / "bill.spdx.json"
    text = re.sub(r"http://127.0.0.1:[0-9]+", "https://example.org", json.dumps(found))  # a URL to the validator
    file.write_text(text)
    assert validate_full_spdx_document(parse_file(str(file))) == []
    purls = [item["externalRefs"][0]["referenceLocator"] for item in found["packages"] if "externalRefs" in item]
    assert purls[0].startswith("pkg:oci/i@sha256%3A") and purls[1:] == PURLS
    ids = {item["SPDXID"]: item["name"] for item in found["packages"]}
    pairs = {
        (ids.get(item["spdxElementId"]), item["relationshipType"], ids[item["relatedSpdxElement"]])
        for item in found["relationships"]
    }
    layers = {layer["target"]: layer["digest"] for layer in image.image("//:i")["layers"]}
    assert ("hello", "DEPENDS_ON", "libhello") in pairs
    assert (layers["//:p"], "CONTAINS", "hello") in pairs and (layers["//:f"], "CONTAINS", "libc6") in pairs
    assert found["creationInfo"]["created"] == "1970-01-01T00:00:00Z"


def test_the_same_everywhere(image, monkeypatch):
    first = {name: bill(image, "--format", name) for name in ("spdx", "cyclonedx")}
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    time.tzset()
    os.utime(image.root / "BUILD.toml")
    monkeypatch.setenv("STACKBUILD_STORE", str(image.root.parent / "another"))
    assert {name: bill(image, "--format", name) for name in ("spdx", "cyclonedx")} == first


def test_to_a_file(image):
    status, out, _ = image.run("sbom", "//:i", "--output", "bill.json", "--progress", "none")
    assert (status, out) == (0, "") and json.loads((image.root / "bill.json").read_text())["spdxVersion"] == "SPDX-2.3"


def test_several_platforms_want_a_choice(image):
    image.write("BUILD.toml", (image.root / "BUILD.toml").read_text() + 'platforms = ["linux/amd64", "linux/arm64"]\n')
    image.write("BUILD.toml", (image.root / "BUILD.toml").read_text().replace('layers = [":p"]', "layers = []"))
    status, _, err = image.run("sbom", "//:i", "--progress", "none")
    assert status == 2 and err == "//:i is for linux/amd64, linux/arm64; choose one with --platform\n"
    assert bill(image, "--platform", "linux/arm64")["name"] == "//:i"


def test_what_is_no_image(image):
    status, _, err = image.run("sbom", "//:p", "--progress", "none")
    assert status == 2 and "the specs mean no image" in err


@pytest.mark.parametrize(
    ("path", "text"),
    [("var/lib/dpkg/status", "Version: 1\n"), ("lib/apk/db/installed", "V:1\n"), ("x-1.dist-info/METADATA", "Name: x\n")],
)
def test_a_malformed_database(tree, path, text):
    tree.write(f"root/{path}", text)
    tree.write("BUILD.toml", '[workspace]\n[files.f]\nsrcs = ["root/**"]\nstrip_prefix = "root"\n[image.i]\nlayers = [":f"]\n')
    status, out, err = tree.run("sbom", "//:i", "--progress", "none")
    assert (status, out) == (1, "") and err.startswith(f"/{path} is malformed: ") and err.count("\n") == 1


def test_whiteouts_and_upper_layers_count(tree):
    tree.write("old/var/lib/dpkg/status", DPKG)
    tree.write("new/var/lib/dpkg/status", DPKG.replace("2.36-9", "2.36-10"))
    tree.write("old/x-1.dist-info/METADATA", METADATA)
    tree.write(
        "BUILD.toml",
        '[workspace]\n[files.old]\nsrcs = ["old/**"]\nstrip_prefix = "old"\n'
        '[files.new]\nsrcs = ["new/**"]\nstrip_prefix = "new"\nwhiteouts = ["/x-1.dist-info"]\n'
        '[image.i]\nlayers = [":old", ":new"]\n',
    )
    assert [item["version"] for item in bill(tree, "--format", "cyclonedx")["components"]] == ["2.36-10"]


def test_list_packages(image):
    status, out, err = image.run("list", "--packages", "//:i")
    assert (status, out) == (0, "deb hello 1.0-1  //:p\ndeb libhello 1.0-1  //:p\n"), err
    status, out, _ = image.run("list", "--packages", "//:i", "--json")
    assert [item["name"] for item in json.loads(out)["packages"]] == ["hello", "libhello"]
