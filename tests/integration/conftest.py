"""What the integration tests share: mirrors that are closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import OpenMirror
from updater.adapters.mirror import Mirror


@pytest.fixture
def mirror() -> Iterator[OpenMirror]:
    """Opens our mirror of a repository, by path or URL, in a state folder; closes it when the test ends."""
    with ExitStack() as stack:

        def opened(url: object, state: Path, seconds: float = 60.0) -> Mirror:
            return stack.enter_context(closing(gitops.opened(url, state, seconds)))

        yield opened
