"""`stackbuild init` in a tree: what it proposes, that it loads, and that it never writes over anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["flask"]\n'


@pytest.fixture
def bare(tree):
    (tree.root / "BUILD.toml").unlink()
    return tree


def made(tree, path: str = "BUILD.toml") -> dict:
    return tomllib.loads((tree.root / path).read_text())


def init(tree, *arguments: str) -> str:
    status, out, err = tree.run("init", *arguments)
    assert (status, err) == (0, ""), err
    assert "--dry-run" in arguments or tree.run("list", "//...")[0] == 0
    return out


def test_an_empty_tree_gets_a_workspace(bare):
    assert init(bare) == "wrote BUILD.toml\nnext: stackbuild list //...\n"
    assert (bare.root / "BUILD.toml").read_text() == "[workspace]\n"


def test_a_python_project_gets_wheels_sources_and_an_image(bare):
    bare.write("pyproject.toml", PYPROJECT + '[project.scripts]\nshop = "shop.cli:main"\n')
    bare.write("src/shop/cli.py", "def main(): ...\n")
    bare.write("src/shop/__init__.py")
    assert init(bare) == "wrote BUILD.toml\nnext: stackbuild image //:img\n"
    found = made(bare)
    assert found["packages"]["deps"] == {"ecosystem": "wheel", "pyproject": "pyproject.toml", "python": "3.13"}
    assert found["files"]["src"]["strip_prefix"] == "src"
    assert found["image"]["img"]["entrypoint"] == ["python", "-c", "import sys; from shop.cli import main; sys.exit(main())"]
    assert found["base"]["python"]["image"] == "docker.io/library/python:3.13-slim"


@pytest.mark.parametrize(
    ("file", "text", "field"),
    [
        ("uv.lock", "version = 1\n", {"uv_lock": "uv.lock"}),
        ("pylock.toml", 'lock-version = "1.0"\n', {"pylock": "pylock.toml"}),
        ("requirements.txt", "flask\n", {"requirements": ["requirements.txt"]}),
    ],
)
def test_the_most_exact_file_says_which_packages_there_are(bare, file, text, field):
    bare.write("pyproject.toml", PYPROJECT)
    bare.write(file, text)
    init(bare)
    assert made(bare)["packages"]["deps"].items() >= field.items()


def test_a_module_with_main_is_run(bare):
    bare.write("requirements.txt", "flask\n")
    bare.write("shop/__init__.py")
    bare.write("shop/__main__.py")
    bare.write("setup.py")
    init(bare)
    found = made(bare)
    assert found["image"]["img"]["entrypoint"] == ["python", "-m", "shop"]
    assert found["files"]["src"] == {"srcs": ["shop/**", "!**/.*", "!**/__pycache__"], "to": "/app"}


@pytest.mark.parametrize(
    ("wish", "version"), [(">=3.9", "3.13"), ("<3.12", "3.11"), ("==3.10.*", "3.10"), (">=3.14", "3.14"), ("nonsense", "3.13")]
)
def test_the_python_is_one_that_the_project_allows(bare, wish, version):
    bare.write("pyproject.toml", PYPROJECT.replace(">=3.11", wish))
    bare.write("main.py")
    init(bare)
    assert made(bare)["packages"]["deps"]["python"] == version


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ({"scripts": {"start": "node --enable-source-maps src/main.js"}}, ["node", "--enable-source-maps", "src/main.js"]),
        ({"scripts": {"start": "next start"}}, ["npm", "start"]),
        ({"main": "src/main.js"}, ["node", "src/main.js"]),
        ({}, ["node", "index.js"]),
    ],
)
def test_a_node_project_gets_modules_sources_and_a_command(bare, package, command):
    bare.write("package.json", json.dumps({"name": "shop", "engines": {"node": "20.x"}, **package}))
    bare.write("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {}}}))
    bare.write("src/main.js")
    bare.write("index.js")
    init(bare)
    found = made(bare)
    assert found["image"]["img"]["cmd"] == command
    assert found["packages"]["modules"]["package_lock"] == "package-lock.json"
    assert found["base"]["node"]["image"] == "docker.io/library/node:20-slim"
    assert "!**/node_modules" in found["files"]["src"]["srcs"]


@pytest.mark.parametrize("folder", ["", "public/", "site/"])
def test_a_static_site_gets_a_web_server(bare, folder):
    bare.write(f"{folder}index.html", "<h1>hi</h1>")
    init(bare)
    assert made(bare)["files"]["site"]["to"] == "/usr/share/nginx/html"
    assert made(bare)["image"]["img"]["ports"] == ["80"]


def test_a_dockerfile_goes_before_guesses(bare):
    bare.write("requirements.txt", "flask\n")
    bare.write("Dockerfile", "FROM scratch\nCOPY requirements.txt /\n")
    init(bare)
    assert made(bare)["image"]["img"] == {"layers": [":requirements"]}


def test_each_project_of_a_tree_gets_its_own(bare):
    bare.write("api/pyproject.toml", PYPROJECT)
    bare.write("api/shop/__init__.py")
    bare.write("web/package.json", "{}")
    bare.write("web/index.js")
    bare.write("web/public/index.html")
    bare.write("node_modules/x/package.json", "{}")
    bare.write("node_modules/x/index.js")
    bare.write("docs/index.html")
    assert init(bare).splitlines() == ["wrote BUILD.toml", "wrote api/BUILD.toml", "wrote web/BUILD.toml", "next: stackbuild image //..."]


def test_what_is_there_is_left_alone(tree):
    before = "# mine\n[files.a]\nsrcs = ['main.py']\n"
    tree.write("app/BUILD.toml", before)
    tree.write("app/main.py")
    tree.write("app/pyproject.toml", PYPROJECT)
    tree.write("other/requirements.txt", "flask\n")
    out = init(tree)
    assert out.splitlines() == ["left alone: BUILD.toml", "left alone: app/BUILD.toml", "wrote other/BUILD.toml", "next: stackbuild image //other:img"]
    assert (tree.root / "app/BUILD.toml").read_text() == before
    assert init(tree).splitlines()[-1] == "nothing to write: no project was found that has no BUILD.toml"


def test_what_belongs_to_a_project_gets_nothing_of_its_own_later_on(bare):
    bare.write("Dockerfile", "FROM scratch\nCOPY web /www\n")
    bare.write("web/index.html")
    init(bare)
    assert init(bare).splitlines()[-1] == "nothing to write: no project was found that has no BUILD.toml"


def test_a_dry_run_prints_and_writes_nothing(bare):
    bare.write("requirements.txt", "flask\n")
    out = init(bare, "--dry-run")
    assert out.startswith("# BUILD.toml\n[workspace]\n")
    assert sorted(path.name for path in bare.root.iterdir()) == ["requirements.txt"]


def test_json_is_one_object(bare):
    bare.write("Dockerfile", "FROM scratch\nCOPY gone /\n")
    status, out, err = bare.run("init", "--from", "Dockerfile", "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["images"], found["written"]) == (["//:img"], True)
    assert found["untranslated"][0]["line"] == 2
    assert err.startswith("Dockerfile:2: COPY gone /: the context has no 'gone' now")


def test_an_existing_file_is_refused_and_nothing_is_written(tree):
    tree.write("app/Dockerfile", "FROM scratch\nCOPY <<EOF /a\nx\nEOF\n")
    tree.write("app/BUILD.toml", "")
    status, out, err = tree.run("init", "--from", "app/Dockerfile")
    assert (status, out) == (2, "")
    assert err == "app/BUILD.toml is there already, and is left alone; move it away first\n"
    assert not (tree.root / "app/heredocs").exists()
    (tree.root / "app/BUILD.toml").unlink()
    tree.write("app/heredocs/a", "mine")
    assert tree.run("init", "--from", "app/Dockerfile")[0] == 2
    assert not (tree.root / "app/BUILD.toml").exists()


def test_a_file_without_a_workspace_is_told_what_it_lacks(tree):
    tree.write("BUILD.toml", "")
    assert tree.run("init") == (2, "", "BUILD.toml:1:1: the file has no [workspace] table; add the line [workspace] at its top\n")


@pytest.mark.parametrize(
    ("text", "arguments", "line"),
    [
        ("RUN x\nFROM a\n", (), "Dockerfile:1:1: RUN comes before the first FROM; begin with FROM"),
        ("FROM A:b\n", (), "Dockerfile:1:1: 'A' is not an image: 'library/A' is not a repository's name (names are lower-case)"),
        ("ARG T\nFROM a:$T\n", (), None),
        ("FROM a AS build\n", ("--target", "bild"), "Dockerfile has no stage 'bild'; did you mean 'build'?"),
        ("FROM a\n", ("--build-arg", "A"), "--build-arg 'A' is no NAME=VALUE; write A=…"),
    ],
)
def test_what_is_no_dockerfile_is_one_line_and_writes_nothing(bare, text, arguments, line):
    bare.write("Dockerfile", text)
    status, out, err = bare.run("init", "--from", "Dockerfile", *arguments)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert line is None or err.startswith(line)
    assert not (bare.root / "BUILD.toml").exists()


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nENV =x\nENV a\nENV 'a=b\n",
        "FROM a\nEXPOSE 99999 x/y 5-\nUSER\nWORKDIR\nSTOPSIGNAL nonsense!\n",
        "FROM a\nCOPY\nCOPY a\nCOPY ../../etc/passwd /x\nCOPY --chown=nobody-knows . /x\nADD http://x/y /z\n",
        "FROM a\nHEALTHCHECK\nHEALTHCHECK --interval=soon CMD x\nVOLUME []\nSHELL x\nNONSENSE y\n",
        'FROM a\nLABEL "\u202e\x07\x1b[31m"="]\\n[image.x]\\n"\nCMD ["\\u0000", "\\"", "\\\\"]\n',
        "FROM a\nRUN useradd\nRUN useradd -u x y\nRUN chmod 9 x\nRUN chown ghost x\nRUN ln -s\nRUN apt-get install -y ./x.deb\nRUN pip install -r gone.txt git+https://x\n",
        "FROM a AS b\nFROM b AS c\nCOPY --from=b / /\nCOPY --from=0 /x /\nCOPY --from=9 /x /\nRUN npm ci && npm run x\n",
        "FROM a\nCOPY . .\nRUN rm -rf /*\nRUN \\\n\nCMD",
    ],
)
def test_a_hostile_dockerfile_gives_a_file_that_loads(bare, text):
    bare.write("we[i]rd näme.txt", "x")
    bare.write("!bang/:colon", "x")
    bare.write("Dockerfile", text)
    status, _, err = bare.run("init", "--from", "Dockerfile")
    assert status == 0, err
    assert "stackbuild itself" not in err
    assert all(line.isprintable() for line in err.splitlines())
    status, _, err = bare.run("list", "//...")
    assert status == 0, err + (bare.root / "BUILD.toml").read_text()


def test_the_context_may_be_another_folder(tree):
    tree.write("apps/web/.docker/Dockerfile", "FROM scratch\nCOPY apps/web/main.sh /\n")
    tree.write("apps/web/main.sh")
    assert tree.run("init", "--from", "apps/web/.docker/Dockerfile", "--context", "apps", "--dry-run")[2].startswith(
        "apps/web/.docker/Dockerfile:2: COPY apps/web/main.sh /: the context has no 'apps/web/main.sh' now"
    )
    (tree.root / "BUILD.toml").unlink()
    out = init(tree, "--from", "apps/web/.docker/Dockerfile", "--context", ".")
    assert out == "wrote BUILD.toml\nnext: stackbuild image //:img\n"
    assert made(tree)["files"]["main"]["srcs"] == ["apps/web/main.sh"]
    assert tree.image("//:img")["layers"][0]["target"] == "//:main"


def test_what_is_no_regular_file_is_not_read(bare):
    """Nobody may ever write to a pipe, a folder is no file, and a link may lead around in circles."""
    root = bare.root
    for folder in ("pipe", "folder/BUILD.toml", "loop/in", "odd"):
        (root / folder).mkdir(parents=True)
    os.mkfifo(root / "pipe/BUILD.toml")
    (root / "loop/in/out").symlink_to("..")
    (root / "loop/package.json").symlink_to("package.json")
    for name in ("Dockerfile", "package.json", "pyproject.toml", "requirements.txt"):
        os.mkfifo(root / "odd" / name)
    bare.write("app/Dockerfile", "FROM python:3.12\nCOPY . /app/\nRUN pip install -r /app/requirements.txt -r /app/more.txt\n")
    os.mkfifo(root / "app/requirements.txt")
    (root / "app/more.txt").symlink_to("none")
    os.mkfifo(root / "app/.dockerignore")
    command = [sys.executable, "-m", "stackbuild", "init"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["left alone: folder/BUILD.toml", "left alone: pipe/BUILD.toml", "wrote BUILD.toml"]
    answer = [sys.executable, "-m", "stackbuild", "__complete", "list", "//"]
    asked = subprocess.run(answer, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert "//app" in asked.stdout


@pytest.mark.parametrize("text", ["ENV A=1234567890\n" + "ENV A=$A$A\n" * 60, "RUN " + "a && " * 50_000 + "b\n"])
def test_a_dockerfile_that_grows_is_no_fault(bare, text):
    bare.write("Dockerfile", f"FROM debian:12\n{text}")
    status, _, err = bare.run("init", "--from", "Dockerfile", "--dry-run")
    assert status in (0, 2) and ("more than 1,048,576 characters" in err or "nested too deeply" in err)
