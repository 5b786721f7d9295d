"""Each field of each type decides the key, or is listed as one that must not.

A new field fails here until it has a row: a value that differs from its default.
"""

import pytest

from stackbuild.declare.fields import Fields
from stackbuild.keys import digest
from stackbuild.targets.registry import load_types

BUILT_IN = ("archive", "base", "files", "image", "index")
SHA = "0" * 64

MINIMAL = {
    "files": {"srcs": ["a"]},
    "archive": {"src": "a.tar"},
    "base": {"path": "a"},
    "image": {},
    "index": {"images": [":a"]},
}

CHANGED = {
    "files": {
        "srcs": ["b"],
        "to": "/x",
        "strip_prefix": "x",
        "rename": {"a": "b"},
        "mode": "0600",
        "dir_mode": "0700",
        "owner": "1:2",
        "modes": {"a": "0600"},
        "owners": {"a": "1:2"},
        "symlinks": {"a": "b"},
        "dirs": ["x"],
        "whiteouts": ["x"],
        "capabilities": {"a": "cap_chown+ep"},
        "mtime": 7,
    },
    "archive": {
        "src": "b.tar",
        "to": "/x",
        "strip_prefix": "x",
        "owner": "1:2",
        "mode": "0600",
        "url": {"src": None, "url": "https://example.org/a", "sha256": SHA},
        "sha256": {"src": None, "url": "https://example.org/a", "sha256": "1" * 64},
    },
    "base": {
        "path": "b",
        "platforms": ["linux/arm64"],
        "image": {"path": None, "image": "example.org/a:1"},
    },
    "image": {
        "base": ":b",
        "layers": [":l"],
        "entrypoint": ["a"],
        "cmd": ["a"],
        "env": {"A": "1"},
        "workdir": "/",
        "user": "1",
        "ports": ["80"],
        "volumes": ["/v"],
        "labels": {"a": "b"},
        "annotations": {"a": "b"},
        "stop_signal": "SIGINT",
        "healthcheck": {"test": ["NONE"]},
        "created": "2020-01-01T00:00:00Z",
        "compression": "zstd",
    },
    "index": {"images": [":b"]},
}

UNKEYED = {
    "files": set(),
    "archive": {"url"},  # sha256 says what is there
    "base": set(),
    "index": set(),
    "image": {"repository", "platforms", "budget", "allow"},  # where it goes, which variants there are, what is checked
}
COMMON = {"description", "tags", "visibility"}
COMMON_CHANGED = {"description": "x", "tags": ["x"], "visibility": ["//x/..."]}


def key(type_name, **changes):
    kind = load_types()[type_name]
    data = {name: value for name, value in (MINIMAL[type_name] | changes).items() if value is not None}
    fields = kind.fields.model_validate(data, context={"folder": "p"})
    return digest({"type": kind.name, "version": kind.version, "fields": kind.recipe_fields(fields)})


def cases():
    for type_name in BUILT_IN:
        for field in load_types()[type_name].fields.model_fields:
            if field not in COMMON | UNKEYED[type_name]:
                yield type_name, field


@pytest.mark.parametrize(("type_name", "field"), list(cases()))
def test_each_field_changes_the_key(type_name, field):
    assert field in CHANGED[type_name], f"add a row for {type_name}.{field}"
    value = CHANGED[type_name][field]
    changes = value if isinstance(value, dict) and None in value.values() else {field: value}
    assert key(type_name, **changes) != key(type_name)


def test_sha256_decides_beside_url():
    table = CHANGED["archive"]
    assert key("archive", **table["url"]) != key("archive", **table["sha256"])


@pytest.mark.parametrize("type_name", BUILT_IN)
def test_what_is_only_for_people_does_not(type_name):
    assert set(Fields.model_fields) == COMMON
    for field, value in COMMON_CHANGED.items():
        assert key(type_name, **{field: value}) == key(type_name)
    values = {"platforms": ["linux/arm64"], "budget": {"layers": 1}, "allow": {"setuid": "x"}}
    for field in UNKEYED[type_name] - {"url"}:
        assert key(type_name, **{field: values.get(field, "example/x")}) == key(type_name)


def test_types_and_versions_are_in_the_key():
    kind = load_types()["files"]
    fields = kind.recipe_fields(kind.fields.model_validate(MINIMAL["files"]))
    keys = {digest({"type": t, "version": v, "fields": fields}) for t in ("files", "archive") for v in (1, 2)}
    assert len(keys) == 4


def test_the_default_written_out_is_the_default():
    assert key("files", to="/") == key("files")
    assert key("files", to="/app", mode=None) == key("files", to="/app")


def test_where_an_archive_lies_does_not():
    one = CHANGED["archive"]["url"]
    assert key("archive", **one) == key("archive", **one | {"url": "https://mirror.example.org/b"})


PACKAGES = {
    "deb": {
        "install": ["a"],
        "changed": {
            "install": ["b"],
            "base": ":b",
            "archives": ["x"],
            "recommends": True,
            "exclude": ["usr/share/doc/**"],
            "split": 3,
        },
    },
    "wheel": {
        "install": ["a"],
        "changed": {
            "requirements": ["r.txt"],
            "install": ["b"],
            "pyproject": {"install": [], "pyproject": "pyproject.toml"},
            "uv_lock": {"install": [], "uv_lock": "uv.lock"},
            "pylock": {"install": [], "pylock": "pylock.toml"},
            "extras": {"install": [], "pyproject": "pyproject.toml", "extras": ["x"]},
            "groups": {"install": [], "pyproject": "pyproject.toml", "groups": ["x"]},
            "package": {"install": [], "uv_lock": "uv.lock", "package": "x"},
            "constraints": ["c.txt"],
            "index": "https://example.org/simple",
            "extra_index": ["https://example.org/simple"],
            "find_links": ["wheels"],
            "python": "3.11",
            "libc": "musl-1.2",
            "prefix": "/usr",
            "to": "/app",
            "interpreter": "/usr/bin/python3",
            "split": "each",
        },
    },
    "npm": {
        "package_lock": "a.json",
        "changed": {
            "package_lock": "b.json",
            "to": "/x",
            "omit": ["dev"],
            "libc": "musl",
            "registry": "https://example.org/",
            "split": "each",
        },
    },
}


def packages_key(name, **changes):
    kind = load_types()["packages"]
    table = {field: value for field, value in PACKAGES[name].items() if field != "changed"}
    fields = kind.fields.models[name].model_validate({"ecosystem": name} | table | changes, context={"folder": "p"})
    return digest({"type": kind.name, "fields": kind.recipe_fields(fields)})


@pytest.mark.parametrize("name", PACKAGES)
def test_each_field_of_an_ecosystem_changes_the_key(name):
    changed = PACKAGES[name]["changed"]
    assert set(load_types()["packages"].fields.models[name].model_fields) == {*changed, *COMMON, "ecosystem"}
    for field, value in changed.items():
        changes = value if isinstance(value, dict) else {field: value}
        assert packages_key(name, **changes) != packages_key(name), field
    for field, value in COMMON_CHANGED.items():
        assert packages_key(name, **{field: value}) == packages_key(name), field
