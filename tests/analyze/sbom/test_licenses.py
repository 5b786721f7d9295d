"""What packages say of their licences, as SPDX expressions."""

import pytest

from stackbuild.analyze.sbom.licenses import expression


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", ""),
        ("MIT", "MIT"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("Expat AND GPL-3", "MIT AND GPL-3.0-only"),
        ("BSD-3-clause AND Custom-One", "BSD-3-Clause AND LicenseRef-Custom-One"),
    ],
)
def test_expression(said, meant):
    assert expression(said)[0] == meant


def test_free_words_become_a_reference_to_them():
    found, invented = expression("The  licence of\nsome people, see LICENSE")
    assert found.startswith("LicenseRef-") and invented == {found: "The licence of some people, see LICENSE"}
