"""How a build is asked for."""

from __future__ import annotations

import os

from ..deliver.outputs import Format
from ..errors import RequestError
from ..frozen import frozen


@frozen
class Request:
    """How a build is to be done and delivered.

    output: a path, None for the workspace's dist/, or "none" for no output; tag: NAME:TAG of the outputs;
    locked: refuse what stackbuild.lock does not hold.
    """

    platform: str | None = None
    format: Format = "oci"
    output: str | None = None
    tag: str | None = None
    jobs: int = 0
    explain: bool = False
    locked: bool = False


def source_date_epoch() -> int:
    """$SOURCE_DATE_EPOCH (reproducible-builds.org), else 0. Raises RequestError when it is no time."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "").strip() or "0"
    if not text.isascii() or not text.isdigit() or int(text) > 253402300799:
        raise RequestError(f"SOURCE_DATE_EPOCH is '{text}', which is not a number of seconds since 1970")
    return int(text)
