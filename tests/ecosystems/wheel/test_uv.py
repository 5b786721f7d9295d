"""What uv says when it fails, in one line that is the same each time."""

from __future__ import annotations

import pytest

from stackbuild.ecosystems.wheel.uv import Unresolvable, failure
from stackbuild.errors import RegistryError

UNSOLVED = """\
warning: something of no weight
  cause: which nobody needs
error: No solution found when resolving dependencies
  cause: Because only flask<=3.1 is available and a depends on flask>4, we can conclude that all versions of a
         cannot be used.
         And because you require a, we can conclude that your requirements are unsatisfiable.

hint: Pre-releases are available
"""


def test_the_reason_is_kept():
    error = failure(UNSOLVED)
    assert isinstance(error, Unresolvable)
    assert error.what == (
        "no versions meet the requirements: only flask<=3.1 is available and a depends on flask>4, we can conclude "
        "that all versions of a cannot be used. And because you require a"
    )


def test_the_network_is_told_from_the_requirements():
    error = failure(
        "error: Request failed after 3 retries in 8.3s\n  cause: Failed to fetch: https://u:secret@h/simple/a/\n"
        "  cause: client error (Connect)\n  cause: Connection refused (os error 111)\n"
    )
    assert isinstance(error, RegistryError)
    assert error.what == "Failed to fetch: https://h/simple/a/: Connection refused (os error 111)"


@pytest.mark.parametrize("text", ["", "\n", "thread panicked\n"])
def test_no_reason_is_an_error_too(text):
    assert failure(text).what == "uv failed, and did not say why"
