"""What the integration tests share: mirrors that are closed at the end, a registry and our client of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import OpenMirror
from tests.helpers.registry import Registry, running_registry
from tests.helpers.registry_clients import Stage, client_of
from updater.adapters.mirror import Mirror


@pytest.fixture
def mirror() -> Iterator[OpenMirror]:
    """Opens our mirror of a repository, by path or URL, in a state folder; closes it when the test ends."""
    with ExitStack() as stack:

        def opened(url: object, state: Path, seconds: float = 60.0) -> Mirror:
            return stack.enter_context(closing(gitops.opened(url, state, seconds)))

        yield opened


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A real registry without notifications, for all tests of a module: each has images of its own there."""
    with running_registry(tmp_path_factory.mktemp("registry"), notifies=False) as found:
        yield found


@pytest.fixture
def stage(registry: Registry) -> Iterator[Stage]:
    """Our client of that registry."""
    with client_of(registry.host, registry.url) as found:
        yield found
