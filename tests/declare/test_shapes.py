"""What editors are told of a text never refuses what stackbuild takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stackbuild.declare.fields import AddressField, ImagePath, Mode, Owner, Source, SpecField
from stackbuild.declare.workspace import Host, Mirror, Platform
from stackbuild.ecosystems.wheel.fields import Place, Url
from stackbuild.targets.archive import ArchiveFields
from stackbuild.targets.base import BaseFields
from stackbuild.targets.files.fields import Capability, LinkTarget
from stackbuild.targets.image import EnvName, Port, Signal, Workdir

TYPES = {
    "address": AddressField, "spec": SpecField, "source": Source, "owner": Owner, "mode": Mode, "path": ImagePath,
    "platform": Platform, "host": Host, "mirror": Mirror, "place": Place, "url": Url, "capability": Capability,
    "link": LinkTarget, "variable": EnvName, "port": Port, "signal": Signal, "workdir": Workdir,
}  # fmt: skip
WORDS = ["//", "/", ":", ".", "..", "...", "a", "al", "all", "-", "!", "*", "7", "0755", "80", "65535", "66000", "udp",
         "linux", "amd64", "SIG", "TERM", "+", "cap_", "kill", "ep", "=", " ", "\n", "é", "\\", "[", "]", "https", "@", "\0"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=7).map("".join)


def is_valid(kind, value) -> bool:
    try:
        kind.validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", TYPES)
@given(text=TEXTS)
def test_a_shape_takes_whatever_is_valid(name, text):
    adapter = TypeAdapter(TYPES[name])
    shape = adapter.json_schema()["pattern"]
    if is_valid(adapter, text):
        assert re.search(shape, text)


@pytest.mark.parametrize("name", ["address", "spec", "source"])
@given(text=TEXTS)
def test_the_shape_of_an_address_is_exact(name, text):
    adapter = TypeAdapter(TYPES[name])
    if "[" not in text and text.isprintable():  # a glob's sets are beyond a shape
        assert is_valid(adapter, text) == bool(re.fullmatch(adapter.json_schema()["pattern"], text))


@pytest.mark.parametrize(("model", "field"), [(ArchiveFields, "src"), (ArchiveFields, "url"), (ArchiveFields, "strip_prefix"),
                                              (BaseFields, "image"), (BaseFields, "path")])  # fmt: skip
@given(text=TEXTS)
@example(text="..\n")  # which is no ".."
def test_a_fields_shape_takes_whatever_is_valid(model, field, text):
    found = model.model_json_schema()["properties"][field]
    shape = found.get("pattern") or found["anyOf"][0]["pattern"]
    more = {"sha256": "0" * 64} if field == "url" else {"src": "a"} if field == "strip_prefix" else {}
    try:
        model.model_validate({field: text, **more})
    except ValidationError:
        return
    assert re.search(shape, text)
