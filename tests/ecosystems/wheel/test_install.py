"""What a wheel becomes in an image."""

import csv
import json

from stackbuild.layer.unpack import members
from stackbuild.store import Store

from .making import row, wheel

SITE = "usr/local/lib/python3.12/site-packages"


def installed(tree, name: str = "//:i") -> dict[str, tuple[int, bytes]]:
    """Path -> (mode, data) of the files of an image."""
    digests = [layer["digest"] for layer in tree.image(name)["layers"]]
    with Store(tree.root.parent / "store") as store:
        return {
            member.name: (member.mode, member.stream.read())
            for digest in digests
            for member in members(store.blobs.path(digest))
            if member.stream
        }


def test_schemes(python):
    files = {
        "hello/__init__.py": "x = 1\n",
        "hello/run.sh": "#!/bin/sh\n",
        "hello-1.0.data/purelib/pure.py": "p\n",
        "hello-1.0.data/platlib/plat.py": "q\n",
        "hello-1.0.data/scripts/tool": "#!python\nprint(1)\n",
        "hello-1.0.data/scripts/other": "#!/bin/sh\nexit 0\n",
        "hello-1.0.data/headers/hello.h": "h\n",
        "hello-1.0.data/data/share/hello.txt": "d\n",
    }
    found = installed(python(wheel(files=files)))
    assert found[f"{SITE}/hello/__init__.py"] == (0o644, b"x = 1\n")
    assert found[f"{SITE}/hello/run.sh"][0] == 0o755
    assert {f"{SITE}/pure.py", f"{SITE}/plat.py", "usr/local/share/hello.txt"} <= set(found)
    assert found["usr/local/bin/tool"] == (0o755, b"#!/usr/local/bin/python\nprint(1)\n")
    assert found["usr/local/bin/other"] == (0o755, b"#!/bin/sh\nexit 0\n")
    assert "usr/local/include/python3.12/hello/hello.h" in found
    assert not [path for path in found if path.endswith(".pyc") or ".data/" in path]


def test_commands(python):
    found = installed(python(wheel(points="[console_scripts]\nhello = hello:app.main\n[gui_scripts]\nwin = hello:win\n")))
    mode, data = found["usr/local/bin/hello"]
    assert mode == 0o755 and data.startswith(b"#!/usr/local/bin/python\n")
    assert b"from hello import app\n" in data and b"sys.exit(app.main())" in data
    assert "usr/local/bin/win" in found


def test_the_record_of_what_is_there(python):
    found = installed(python(wheel(points="[console_scripts]\nhello = hello:main\n")))
    info = f"{SITE}/hello-1.0.dist-info"
    assert found[f"{info}/INSTALLER"][1].strip() == b"stackbuild"
    lines = found[f"{info}/RECORD"][1].decode().splitlines()
    rows = {cells[0]: cells[1:] for cells in csv.reader(lines)}
    assert sorted(rows) == list(rows) and "../../../bin/hello" in rows and rows["hello-1.0.dist-info/RECORD"] == ["", ""]
    for name, (stated, size) in rows.items():
        if stated:
            path = name.replace("../../../", "usr/local/") if name.startswith("..") else f"{SITE}/{name}"
            assert row(name, found[path][1]).strip() == f"{name},{stated},{size}"
    assert len(rows) == len(found)


def test_a_folder_for_everything(python):
    found = installed(python(wheel(points="[console_scripts]\nhello = hello:main\n"), fields='to = "/app/lib"'))
    assert {"app/lib/hello.py", "app/lib/bin/hello", "app/lib/hello-1.0.dist-info/RECORD"} <= set(found)
    assert found["app/lib/bin/hello"][1].startswith(b"#!/usr/local/bin/python\n")


def test_prefix_python_and_interpreter(python):
    tree = python(wheel(files={"hello-1.0.data/scripts/t": "#!python\n", "hello.py": ""}), fields='prefix = "/opt/py"\npython = "3.13"')
    assert {"opt/py/lib/python3.13/site-packages/hello.py", "opt/py/bin/t"} <= set(installed(tree))
    tree = python(wheel(files={"hello-1.0.data/scripts/t": "#!python\n", "hello.py": ""}), fields='interpreter = "/usr/bin/env python3"')
    assert installed(tree)["usr/local/bin/t"][1] == b"#!/usr/bin/env python3\n"


def test_two_packages_share_folders(python):
    one, two = wheel(files={"ns/a.py": "1"}), wheel("other", files={"ns/b.py": "2"})
    found = installed(python(one, ("other", two)))
    assert {f"{SITE}/ns/a.py", f"{SITE}/ns/b.py"} <= set(found)


def test_licence_and_needs_go_into_the_bill(python):
    one = wheel(metadata="License-Expression: MIT\nRequires-Dist: other>=1\nRequires-Dist: gone; python_version < '3'\n")
    tree = python(one, ("other", wheel("other", metadata="License: BSD\n")))
    status, out, err = tree.run("sbom", "//:i", "--format", "cyclonedx", "--progress", "none")
    assert status == 0, err
    bill = json.loads(out)
    hello = next(item for item in bill["components"] if item["name"] == "hello")
    assert hello["purl"] == "pkg:pypi/hello@1.0" and hello["licenses"] == [{"expression": "MIT"}]
    refs = {item["bom-ref"]: item["name"] for item in bill["components"]}
    depends = {refs.get(item["ref"]): [refs[ref] for ref in item["dependsOn"]] for item in bill["dependencies"]}
    assert depends["hello"] == ["other"]


def test_requirements_from_a_folder_of_wheels(tree):
    tree.write("wheels/hello-1.0-py3-none-any.whl", wheel(metadata="Requires-Dist: other\n"))
    tree.write("wheels/other-2.0-py3-none-any.whl", wheel("other", "2.0"))
    tree.write("requirements.txt", "--no-index\n--find-links wheels\nhello>=1  # a comment\n")
    tree.write("BUILD.toml", '[workspace]\n[packages.p]\necosystem = "wheel"\nrequirements = ["requirements.txt"]\n[image.i]\nlayers = [":p"]\n')
    assert tree.run("lock") == (0, "//:p linux/amd64  none -> 2 packages\n", "")
    lock = (tree.root / "stackbuild.lock").read_text()
    assert 'url = "//wheels/hello-1.0-py3-none-any.whl"' in lock and str(tree.root) not in lock
    found = installed(tree)
    assert f"{SITE}/hello-1.0.dist-info/REQUESTED" in found and f"{SITE}/other-2.0.dist-info/REQUESTED" not in found
    tree.write("requirements.txt", "--no-index\n--find-links wheels\nhello>=2\n")
    status, _, err = tree.run("lock")
    assert status == 2 and err.startswith("BUILD.toml:4:16: ") and err.count("\n") == 1 and "hello" in err
