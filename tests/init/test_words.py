"""Words of an instruction, with Docker's variables."""

from __future__ import annotations

import pytest

from stackbuild.init.dockerfile.words import BadWord, expand, pairs, split

KNOWN = {"A": "one", "EMPTY": "", "PATH_": "/usr/lib/x.tar.gz"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A", "one"),
        ("${A}x", "onex"),
        ("$NO", ""),
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:+yes}", "yes"),
        ("${NO:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${NO:-${A}}", "one"),
        ("${NO:-$A-$A}", "one-one"),
        ("${PATH_#*/}", "usr/lib/x.tar.gz"),
        ("${PATH_##*/}", "x.tar.gz"),
        ("${PATH_%.*}", "/usr/lib/x.tar"),
        ("${PATH_%%.*}", "/usr/lib/x"),
        ("${PATH_/lib/LIB}", "/usr/LIB/x.tar.gz"),
        ("${PATH_//r/R}", "/usR/lib/x.taR.gz"),
        (r"\$A", "$A"),
        ("'$A'", "$A"),
        ('"$A b"', "one b"),
        (r'"\$A \x"', r"$A \x"),
        (r"a\ b", "a b"),
        ("$", "$"),
    ],
)
def test_variables_are_put_in_as_docker_does(text, value):
    assert expand(text, KNOWN.get) == value


@pytest.mark.parametrize("text", ["${A", "${}", "'a", '"a', "${NO:?must be set}", "${A^^}"])
def test_what_docker_refuses_is_refused(text):
    with pytest.raises(BadWord):
        expand(text, KNOWN.get)


def test_names_without_a_value_are_told():
    unset: set[str] = set()
    expand("$NO ${NEITHER} ${DEFAULT:-x} $A", KNOWN.get, unset=unset)
    assert unset == {"NO", "NEITHER"}


def test_words_keep_their_quotes():
    assert split(r'a "b c" d\ e ' + "'f g'") == ["a", '"b c"', r"d\ e", "'f g'"]


def test_pairs_come_in_two_forms():
    assert pairs('A=1 B="x y"') == [("A", "1"), ("B", '"x y"')]
    assert pairs("A the rest = of it") == [("A", "the rest = of it")]
    for text in ("A", "A=1 B"):
        with pytest.raises(BadWord):
            pairs(text)
