"""Where the store is."""

from __future__ import annotations

import os
import sys


def store_folder() -> str:
    """$STACKBUILD_STORE, else a folder in the user's cache. Raises RuntimeError where there is no home."""
    if chosen := os.environ.get("STACKBUILD_STORE"):
        return os.path.realpath(chosen)
    if sys.platform != "darwin":
        cache = os.environ.get("XDG_CACHE_HOME", "")
        return f"{cache if cache.startswith('/') else _home('.cache')}/stackbuild"
    return f"{_home('Library/Caches')}/stackbuild"


def _home(path: str) -> str:
    home = os.path.expanduser("~")
    if home.startswith("~"):
        raise RuntimeError("nobody knows the user's home; set STACKBUILD_STORE")
    return os.path.join(home, path)
