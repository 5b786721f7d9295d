"""Which packages are chosen, on archives of a few lines."""

import pytest

from stackbuild.ecosystems.deb.control import relation
from stackbuild.ecosystems.deb.repository import Index
from stackbuild.ecosystems.deb.solve import solve
from stackbuild.ecosystems.deb.universe import Candidate, Universe
from stackbuild.errors import BuildFailed

from .making import control


def stanza(name: str, version: str = "1", **fields: str) -> str:
    text = control(name, version, **fields)
    return f"{text}Filename: pool/{name}.deb\nSize: 1\nSHA256: {'0' * 64}\n"


def chosen(packages: str | list[str], *wanted: str, installed: list[str] = (), recommends: bool = False):
    text = "\n".join(packages) if not isinstance(packages, str) else packages
    base = [Candidate.of(dict(line.split(": ", 1) for line in item.splitlines()), "") for item in installed]
    universe = Universe([Index("x", text.encode())], base, "amd64")
    found = solve(universe, [relation(item) for item in wanted], recommends=recommends)
    return [str(candidate) for candidate in found]


def test_what_is_needed_and_no_more():
    packages = [stanza("a", Depends="b (>= 1), c"), stanza("b", Pre_Depends="d"), stanza("c"), stanza("d"), stanza("e")]
    assert chosen(packages, "a") == ["a 1", "b 1", "c 1", "d 1"]


def test_the_first_alternative():
    packages = [stanza("a", Depends="c | b"), stanza("b"), stanza("c")]
    assert chosen(packages, "a") == ["a 1", "c 1"]


def test_an_alternative_that_is_there_already():
    packages = [stanza("a", Depends="b"), stanza("b"), stanza("z", Depends="c | b"), stanza("c")]
    assert chosen(packages, "a", "z") == ["a 1", "b 1", "z 1"]


def test_an_alternative_that_does_not_fit_is_passed_over():
    packages = [stanza("a", Depends="c (>= 2) | b"), stanza("b"), stanza("c")]
    assert chosen(packages, "a") == ["a 1", "b 1"]


def test_of_providers_the_most_important():
    packages = [stanza("a", Depends="mta"), stanza("b", Provides="mta"), stanza("z", Provides="mta", Priority="important")]
    assert chosen(packages, "a") == ["a 1", "z 1"]


def test_of_a_provider_the_newest():
    packages = [stanza("a", Depends="v"), stanza("b", "1", Provides="v"), stanza("b", "1+deb12u1", Provides="v")]
    assert chosen(packages, "a") == ["a 1", "b 1+deb12u1"]


def test_what_is_provided_without_a_version_meets_no_version():
    with pytest.raises(BuildFailed, match=r"a 1 needs v \(>= 1\), which no archive has"):
        chosen([stanza("a", Depends="v (>= 1)"), stanza("b", Provides="v")], "a")


def test_what_is_provided_with_a_version():
    packages = [stanza("a", Depends="v (>= 2)"), stanza("b", Provides="v (= 1)"), stanza("c", Provides="v (= 2)")]
    assert chosen(packages, "a") == ["a 1", "c 1"]


def test_the_newest_version_in_debians_order():
    packages = [stanza("a", "1.0~rc1"), stanza("a", "1.0"), stanza("a", "0:0.9"), stanza("a", "1.0+b1"), stanza("a", "1.0a")]
    assert chosen(packages, "a") == ["a 1.0+b1"]


def test_a_version_that_is_asked_for():
    assert chosen([stanza("a", "1"), stanza("a", "2")], "a (<< 2)") == ["a 1"]


def test_conflicts_lead_elsewhere():
    packages = [stanza("a", Depends="b | c"), stanza("b", Conflicts="x"), stanza("c"), stanza("x")]
    assert chosen(packages, "a", "x") == ["a 1", "c 1", "x 1"]


def test_breaks_of_a_version():
    packages = [stanza("a", Breaks="b (<< 2)"), stanza("b", "1"), stanza("b", "2")]
    assert chosen(packages, "a", "b") == ["a 1", "b 2"]


def test_nothing_conflicts_with_itself():
    assert chosen([stanza("a", Provides="mta", Conflicts="mta")], "a") == ["a 1"]


def test_what_cannot_be_is_said_in_one_line():
    packages = [stanza("a", Conflicts="b"), stanza("b")]
    with pytest.raises(BuildFailed) as caught:
        chosen(packages, "a", "b")
    assert "a 1 conflicts with b 1" in caught.value.what and "\n" not in str(caught.value)


@pytest.mark.parametrize("arch", ["any", "amd64", "native"])
def test_multiarch_qualifiers(arch):
    assert chosen([stanza("a", Depends=f"python3:{arch}"), stanza("python3")], "a") == ["a 1", "python3 1"]


def test_a_package_of_another_architecture_is_not_here():
    with pytest.raises(BuildFailed):
        chosen([stanza("a", Depends="b:i386"), stanza("b")], "a")


def test_recommends():
    packages = [stanza("a", Recommends="b, gone"), stanza("b")]
    assert chosen(packages, "a") == ["a 1"]
    assert chosen(packages, "a", recommends=True) == ["a 1", "b 1"]


def test_cycles():
    assert chosen([stanza("a", Depends="b"), stanza("b", Depends="a")], "a") == ["a 1", "b 1"]


INSTALLED = "Package: b\nVersion: 1\nArchitecture: amd64"


def test_what_the_base_has_is_not_installed_again():
    packages = [stanza("a", Depends="b"), stanza("b", "2")]
    assert chosen(packages, "a", "b", installed=[INSTALLED]) == ["a 1"]


def test_what_the_base_has_too_old_is_replaced():
    packages = [stanza("a", Depends="b (>= 2)"), stanza("b", "2")]
    assert chosen(packages, "a", installed=[INSTALLED]) == ["a 1", "b 2"]


def test_what_the_base_needs_is_kept():
    held = [INSTALLED, "Package: user\nVersion: 1\nArchitecture: amd64\nDepends: b (= 1)"]
    with pytest.raises(BuildFailed):
        chosen([stanza("a", Depends="b (>= 2)"), stanza("b", "2")], "a", installed=held)
