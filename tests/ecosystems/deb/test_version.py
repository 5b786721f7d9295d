"""Debian's order of versions, as dpkg has it."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackbuild.ecosystems.deb.version import version_key

ORDERED = ["1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0", "1.0-0.1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a", "1.0+b", "1.0.1", "2", "1:0"]
UPSTREAM = st.from_regex(r"[0-9][A-Za-z0-9.+~]{0,6}", fullmatch=True)
VERSIONS = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "0:", "1:"]),
    UPSTREAM,
    st.one_of(st.just(""), st.from_regex(r"-[A-Za-z0-9.+~]{1,5}", fullmatch=True)),
)


def test_a_tilde_comes_before_the_end_of_nought_too():
    assert version_key("0~") < version_key("0") < version_key("0a")
    assert version_key("1-0~") < version_key("1-0") < version_key("1-0a")


def test_an_order_of_the_policy():
    shuffled = [*ORDERED[1::2], *ORDERED[::2]]
    assert sorted(shuffled, key=version_key) == ORDERED


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0-0"), ("1.0", "0:1.0"), ("1.00", "1.0"), ("1.", "1.0"), ("0", "")])
def test_the_same_version(one, other):
    assert version_key(one) == version_key(other)


@pytest.mark.real
@settings(max_examples=150, deadline=None)
@given(VERSIONS, VERSIONS)
def test_as_dpkg(one, other):
    order = {"lt": version_key(one) < version_key(other), "eq": version_key(one) == version_key(other)}
    for name, ours in order.items():
        done = subprocess.run(["dpkg", "--compare-versions", one, name, other], capture_output=True)
        assert (done.returncode == 0) == ours, (one, name, other)
