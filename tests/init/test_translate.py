"""What single instructions become, where Docker's rules are easy to get wrong."""

from __future__ import annotations

import pytest

from stackbuild.init.dockerfile import Context, translate
from stackbuild.init.draft import Table

FILES = {
    "a.txt": 0o644,
    "run.sh": 0o755,
    "src/m.py": 0o644,
    "src/deep/n.py": 0o644,
    "requirements.txt": 0o644,
    "package-lock.json": 0o644,
    "package.json": 0o644,
    "pyproject.toml": 0o644,
}


@pytest.fixture
def targets(tmp_path):
    """Translates a Dockerfile: ({name: fields}, [notes as printed])."""
    for path, mode in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text('[project]\ndependencies = ["a"]\n' if path == "pyproject.toml" else "x")
        (tmp_path / path).chmod(mode)

    def make(text: str, **more):
        done = translate("Dockerfile", text, Context(tmp_path), **more)
        found = {item.header[1]: item.fields for item in done.tables if isinstance(item, Table) and not item.asleep}
        return found, [str(note) for note in done.notes]

    return make


def test_env_and_arg_have_dockers_order(targets):
    found, _ = targets("ARG A=global\nFROM b\nARG A\nARG B=$A\nENV B=env\nENV X=$A-$B X2=$X\n", build_args={"A": "given"})
    assert found["img"]["env"] == {"B": "env", "X": "given-env", "X2": ""}


def test_an_arg_before_from_is_for_from_alone(targets):
    found, notes = targets("ARG T=1\nFROM b:$T\nLABEL t=$T\n")
    assert found["b"]["image"] == "docker.io/library/b:1"
    assert found["img"]["labels"] == {"t": ""}
    assert notes == ["Dockerfile:3: LABEL t=$T: T is not set here; nothing stands for it; correct it if the base sets it"]


def test_a_stage_on_a_stage_has_all_of_it(targets):
    found, notes = targets("FROM b AS one\nENV A=1\nCOPY a.txt /\nCMD x\nFROM one\nENV B=2\nENTRYPOINT [\"e\"]\n")
    assert found["img"] == {"base": ":b", "layers": [":a"], "entrypoint": ["e"], "env": {"A": "1", "B": "2"}}
    assert notes == []


def test_other_stages_are_not_spoken_of(targets):
    found, notes = targets("FROM b AS tests\nRUN make test\nFROM b\nCOPY a.txt /\n")
    assert (list(found), notes) == (["b", "a", "img"], [])


def test_another_stage_can_be_wanted(targets):
    found, _ = targets("FROM b AS one\nCOPY a.txt /\nFROM b\n", target="ONE")
    assert found["img"]["layers"] == [":a"]


def test_what_comes_from_a_stage_keeps_its_owner_mode_and_links(targets):
    found, notes = targets(
        "FROM b AS one\nCOPY --chown=1:2 a.txt src /x/\nRUN chmod 600 /x/a.txt && ln -s a.txt /x/l\nFROM b\nCOPY --from=one /x /y\n"
    )
    assert notes == []
    assert [fields["owner"] for fields in found.values() if "srcs" in fields] == ["1:2", "1:2"]
    assert any(fields.get("modes") == {"/y/a.txt": "0600"} for fields in found.values())
    assert found["links"]["symlinks"] == {"/y/l": "a.txt"}


def test_a_workdir_is_the_users(targets):
    found, _ = targets("FROM b\nUSER 7\nWORKDIR /w\n")
    assert found["folders"] == {"dirs": ["/w"], "owner": "7:7"}


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        ("apt-get -y install a b=1.0 && apt-get purge -y a", {"install": ["b (= 1.0)"], "recommends": True}),
        ("apt-get install -y --no-install-recommends a:amd64", {"install": ["a"]}),
        ("apt-get -o APT::Install-Recommends=false install -y a", {"install": ["a"]}),
        ("DEBIAN_FRONTEND=noninteractive apt install -qq a", {"install": ["a"], "recommends": True}),
        ("apt-get install --no-install-recommends a; apt-get install --no-install-recommends a b", {"install": ["a", "b"]}),
    ],
)
def test_apt(targets, run, fields):
    found, notes = targets(f"FROM debian\nRUN {run}\n")
    assert (found["system"], notes) == ({"ecosystem": "deb", **fields}, [])


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        ("pip install -r requirements.txt", {"requirements": ["requirements.txt"]}),
        ("pip3 install --no-cache-dir --requirement=./requirements.txt", {"requirements": ["requirements.txt"]}),
        ("python -m pip install 'flask>=3' gunicorn", {"install": ["flask>=3", "gunicorn"]}),
        ("pip install -U pip && pip install flask && pip install django", {"install": ["flask", "django"]}),
        ("uv pip install --system -r requirements.txt", {"requirements": ["requirements.txt"]}),
        ("pip install --index-url https://i.example/ -t /lib x", {"install": ["x"], "index": "https://i.example/", "to": "/lib"}),
        ("cd /w && pip install -r requirements.txt", {"requirements": ["requirements.txt"]}),
    ],
)
def test_pip(targets, run, fields):
    found, notes = targets(f"FROM python:3.11\nWORKDIR /w\nCOPY . .\nRUN {run}\n")
    assert (found["deps"], notes) == ({"ecosystem": "wheel", **fields, "python": "3.11"}, [])


def test_a_project_is_told_that_only_its_dependencies_are_there(targets):
    found, notes = targets("FROM python:3.11-alpine\nWORKDIR /w\nCOPY . .\nRUN pip install .[web]\n")
    assert found["deps"] == {"ecosystem": "wheel", "pyproject": "pyproject.toml", "extras": ["web"], "python": "3.11", "libc": "musl-1.2"}
    assert notes[0].startswith("Dockerfile:4: RUN pip install .[web]: the project's dependencies are installed, but not the project")


@pytest.mark.parametrize(
    ("run", "omit"),
    [("npm ci", None), ("npm ci --omit=dev", ["dev"]), ("NODE_ENV=production npm ci", ["dev"]), ("npm install --production", ["dev"]), ("npm ci && npm prune --omit=dev", ["dev"])],
)
def test_npm(targets, run, omit):
    found, notes = targets(f"FROM node:20\nWORKDIR /w\nCOPY package*.json ./\nRUN {run}\n")
    assert (found["modules"].get("omit"), found["modules"]["to"], notes) == (omit, "/w", [])


@pytest.mark.parametrize(
    ("base", "run", "user"),
    [
        ("debian", "useradd app", "1000:1000"),
        ("node:20", "useradd app", "1001:1001"),
        ("debian", "groupadd -r app && useradd -r -g app app", "999:999"),
        ("debian", "useradd -u 1234 -g users app", "1234:100"),
        ("alpine", "addgroup -S app && adduser -S -G app app", "100:101"),
        ("alpine", "adduser -D -u 5000 app", "5000:5000"),
        ("alpine", "adduser -S app", "100:65533"),
    ],
)
def test_accounts_get_the_numbers_that_the_programs_give(targets, base, run, user):
    found, notes = targets(f"FROM {base}\nRUN {run}\nUSER app\n")
    assert found["img"]["user"] == user
    assert len(notes) == 1


@pytest.mark.parametrize(
    "line",
    ["RUN apk add x", "RUN make", "RUN npm install -g x", "RUN curl x | sh", "ADD https://x.example/y.tar.gz /", "COPY --from=other:1 /x /", "RUN pip install git+https://x/y", "RUN npm run build", "RUN chmod +x /bin/theirs"],
)
def test_what_has_no_translation_is_named_by_its_line(targets, line):
    found, notes = targets(f"FROM b\n\n{line}\n")
    assert "layers" not in found["img"]
    assert len(notes) == 1
    assert notes[0].startswith(f"Dockerfile:3: {line}: ")
