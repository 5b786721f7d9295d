"""Every test here runs twice: by the native core, and by Python alone."""

from __future__ import annotations

import os

import pytest

from stackbuild import native
from stackbuild.native import library


@pytest.fixture(scope="module", params=["native", "pure"], autouse=True)
def way(request):
    before = os.environ.get("STACKBUILD_PURE")
    os.environ["STACKBUILD_PURE"] = "1" if request.param == "pure" else "0"
    library._loaded.clear()
    try:
        if request.param == "native" and not native.is_native():
            if os.environ.get("STACKBUILD_REQUIRE_REAL"):
                pytest.fail("the native core is required")
            pytest.skip("the native core is not built")
        yield request.param
    finally:
        del os.environ["STACKBUILD_PURE"]
        if before is not None:
            os.environ["STACKBUILD_PURE"] = before
        library._loaded.clear()
