"""Dockerfiles as instructions; BuildKit's own parser is the judge of how a file falls into them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackbuild.errors import RequestError
from stackbuild.init.dockerfile.parse import parse

SHAPES = sorted((Path(__file__).parent / "dockerfiles").glob("*/tree/Dockerfile"))
PIECES = [
    "FROM a AS b\n",
    "RUN a && \\\n",
    "  # a comment\n",
    "# escape=`\n",
    "\n",
    "  b\n",
    "COPY a `\n",
    " b /c\n",
    "run <<EOF\n",
    "EOF\n",
    'COPY <<-"X" <<Y /z/\n',
    "\tX\n",
    "Y\n",
    'CMD [ "a", \'b\' ]\n',
    "LABEL a=b \\ \n",
    "ENV A \\\\\n",
    "COPY --from=b --chown=1:1 x /y\n",
    "\tEXPOSE\t80\r\n",
    "HEALTHCHECK --interval=1s CMD true\n",
    "\\\n",
    "RUN echo 'a <<EOF' \"<<Y\"\n",
    "RUN cat <<EOF > /x 3<<Y\n",
]


def plain(document: str) -> str:
    """Without the tabs that `<<-` takes away, which BuildKit does later."""
    return "".join(line.lstrip("\t") for line in document.splitlines(keepends=True))


def judged(text: str) -> list[tuple] | None:
    dockerfile = pytest.importorskip("dockerfile")
    try:
        return [
            (item.cmd.upper(), item.start_line, tuple(item.flags), [plain(doc.content) for doc in item.heredocs])
            for item in dockerfile.parse_string(text)
            if item.cmd  # it has none for a line that only continues
        ]
    except dockerfile.GoParseError:
        return None


def ours(text: str) -> list[tuple] | None:
    try:
        found = parse("Dockerfile", text).instructions
    except RequestError:
        return None
    return [
        (
            item.name,
            item.line,
            tuple(f"--{name}={value}" if value else f"--{name}" for name, value in item.flags),
            [plain(document.content) for document in item.heredocs],
        )
        for item in found
    ]


@pytest.mark.parametrize("file", SHAPES, ids=lambda file: file.parent.parent.name)
def test_each_shape_falls_into_the_instructions_that_buildkit_sees(file):
    assert ours(file.read_text()) == judged(file.read_text())


@given(st.lists(st.sampled_from(PIECES), max_size=9))
def test_odd_files_do_too(pieces):
    text = "FROM x\n" + "".join(pieces)
    expected = judged(text)
    if expected is not None:
        assert ours(text) == expected


def test_an_escape_directive_counts_at_the_top_only():
    found = parse("Dockerfile", "# escape=`\nFROM a `\n AS b\nRUN dir c:\\\n").instructions
    assert [item.rest for item in found] == ["a  AS b", "dir c:\\"]
    assert len(parse("Dockerfile", "\n# escape=`\nFROM a\nRUN b \\\nc\n").instructions) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "Dockerfile:1:1: the file has no FROM; is it a Dockerfile?"),
        ("# escape=x\nFROM a", "Dockerfile:1:1: escape is neither \\ nor `; correct the directive"),
        ("FROM a\nRUN <<EOF\nx\n", "Dockerfile:2:1: the here-document 'EOF' has no end; write EOF on a line of its own"),
    ],
)
def test_what_is_no_dockerfile_is_refused_at_its_line(text, line):
    with pytest.raises(RequestError) as error:
        parse("Dockerfile", text)
    assert str(error.value) == line
