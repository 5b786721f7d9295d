"""The schema for editors: what is right passes, and each thing that is wrong is found where it stands."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from stackbuild.declare.fields import Fields
from stackbuild.declare.schema import build_schema
from stackbuild.declare.workspace import Settings
from stackbuild.errors import StackbuildError

TOP = Path(__file__).parents[2]
CODE = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pages():
    """Every BUILD.toml of the examples and of the documentation."""
    for file in sorted([*TOP.glob("examples/**/BUILD.toml"), TOP / "BUILD.toml"]):
        yield str(file.relative_to(TOP)), file.read_text()
    for page in [TOP / "README.md", *sorted(TOP.glob("docs/**/*.md"))]:
        for number, text in enumerate(CODE.findall(page.read_text())):
            if re.search(r"^\[(workspace|defaults|files|archive|base|image|index|packages)\b", text, re.MULTILINE):
                yield f"{page.relative_to(TOP)} {number}", text


def plain(value):
    """TOML as a JSON Schema sees it: dates are texts."""
    return json.loads(json.dumps(value, default=lambda item: item.isoformat()))


@pytest.fixture
def schema(tree):
    status, out, err = tree.run("schema")
    assert (status, err) == (0, "")
    found = json.loads(out)
    jsonschema.Draft7Validator.check_schema(found)
    return found


def faults(schema, text: str) -> list[str]:
    """The key paths that are wrong, as "/files/a/to"."""
    found = jsonschema.Draft7Validator(schema).iter_errors(plain(tomllib.loads(text)))
    return sorted("/" + "/".join(map(str, error.absolute_path)) for error in found)


@pytest.mark.parametrize(("name", "text"), [pytest.param(name, text, id=name) for name, text in pages()])
def test_what_the_project_shows_is_right(schema, name, text):
    assert faults(schema, text) == []


@pytest.mark.parametrize(("text", "wrong"), [
    ("[fils.a]", "/"),
    ("[files.all]\nsrcs = ['a']", "/files"),
    ("[files.a]", "/files/a"),
    ("[files.a]\nsrcs = ['a']\ntoo = 'x'", "/files/a"),
    ("[files.a]\nsrcs = ['a', '../b']", "/files/a/srcs/1"),
    ("[files.a]\nsrcs = ['a']\nmodes = { 'x' = '9' }", "/files/a/modes/x"),
    ("[files.a]\nsrcs = ['a']\nvisibility = ['x']", "/files/a/visibility/0"),
    ("[base.a]\nimage = 'x'\npath = 'y'", "/base/a"),
    ("[archive.a]\nurl = 'https://x/y'", "/archive/a"),
    ("[image.a]\nlayers = ['x']", "/image/a/layers/0"),
    ("[image.a]\nhealthcheck = { retries = 1 }", "/image/a/healthcheck"),
    ("[image.a]\nenv = { 'A=B' = '1' }", "/image/a/env"),
    ("[packages.a]\ninstall = ['x']", "/packages/a"),
    ("[packages.a]\necosystem = 'dep'", "/packages/a/ecosystem"),
    ("[packages.a]\necosystem = 'deb'\ninstall = ['x']\npython = '3.12'", "/packages/a"),
    ("[packages.a]\necosystem = 'wheel'\ninstall = ['x']\npackage = 'y'", "/packages/a"),
    ("[packages.a]\necosystem = 'npm'", "/packages/a"),
    ("[workspace]\ndeb = { x = { suite = 'y', url = 'https://x', snapshot = '20260501T000000Z' } }", "/workspace/deb/x"),
    ("[workspace]\nplatforms = []", "/workspace/platforms"),
    ("[defaults.files]\nowner = 'root'", "/defaults/files/owner"),
    ("[defaults.packages]\npythn = '3.12'", "/defaults/packages"),
])  # fmt: skip
def test_what_is_wrong_is_found(schema, text, wrong):
    assert faults(schema, text) == [wrong]


def test_every_field_is_explained(schema):
    for name, model in schema["definitions"].items():
        for field, found in model["properties"].items():
            assert found.get("description") or "const" in found, (name, field)


def test_a_field_of_the_defaults_is_not_missed(tree):
    tree.write("BUILD.toml", "[workspace]\n[defaults.packages]\necosystem = 'wheel'\n[defaults.files]\nsrcs = ['x']\n")
    tree.write("broken/BUILD.toml", "[files.")
    tree.write("web/BUILD.toml", "[defaults.packages]\nrequirements = ['requirements.txt']\n")
    schema = json.loads(tree.run("schema")[1])
    assert faults(schema, "[packages.a]\n[files.b]\n") == []
    assert faults(schema, "[packages.a]\necosystem = 'wheel'\n") == []
    assert faults(schema, "[packages.a]\necosystem = 'wheel'\npackage = 'x'\n") == ["/packages/a"]


def test_the_schema_is_the_same_outside_of_a_workspace(tree, schema):
    (tree.root / "BUILD.toml").unlink()
    assert json.loads(tree.run("schema")[1]) == schema




def test_plugins_may_call_their_models_alike():
    def model(kind):
        class Item(BaseModel):
            a: kind

        class Items(Fields):
            item: Item

        Items.model_rebuild(_types_namespace={"Item": Item})
        return Items

    schema = build_schema({"one": model(str), "two": model(int)}, Settings)
    assert faults(schema, "[one.x]\nitem = { a = 'b' }\n[two.x]\nitem = { a = 1 }\n") == []
    assert faults(schema, "[one.x]\nitem = { a = 1 }\n[two.x]\nitem = { a = 'b' }\n") == ["/one/x/item/a", "/two/x/item/a"]


def test_a_field_that_no_schema_can_describe_is_named():
    class Odd(Fields):
        value: range

    with pytest.raises(StackbuildError, match=r"Odd has no JSON Schema: .*WithJsonSchema"):
        build_schema({"odd": Odd}, Settings)
