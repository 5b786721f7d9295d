"""A store to write layers into, and threads to write them with."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from stackbuild.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as executor:
        yield executor
