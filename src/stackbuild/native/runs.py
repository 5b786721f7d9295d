"""Runs of a tar: plain files of one folder, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """A run and all that decides its bytes. place: where it begins in a buffer; prefix: what its paths in the
    tar begin with; folder: where the files are; names: with "/" between them; rows: of the lstats that they
    had, one after another; modes: permissions, one each; mtime: in seconds since the epoch."""

    place: int
    prefix: str
    folder: str
    names: str
    rows: bytes
    modes: Sequence[int]
    uid: int
    gid: int
    mtime: int
