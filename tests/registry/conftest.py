"""Real registries for tests."""

from __future__ import annotations

import shutil

import pytest
from services import DockerRegistry


@pytest.fixture
def start(tmp_path, need):
    """Starts docker-registry, as often as asked, and stops all of them at the end."""
    need("docker-registry")
    running = []

    def begin(**options) -> DockerRegistry:
        registry = DockerRegistry(tmp_path / f"registry{len(running)}", **options)
        running.append(registry)
        return registry

    yield begin
    for registry in running:
        if registry.running:
            registry.stop()
        shutil.rmtree(registry.folder)


@pytest.fixture
def registry(start):
    return start()
