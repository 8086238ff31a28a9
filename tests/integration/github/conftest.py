"""A stand-in for GitHub with one repository, and a robot with a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import components
from tests.helpers.github.client import HEAD, Client
from tests.helpers.github.openapi import load
from tests.helpers.github.server import GitHub, serving
from tests.helpers.github.stand import Watch

FILES = {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n", "CODEOWNERS": "*.yaml @alice\n/docs/ @acme/writers\n"}


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def github(tmp_path: Path, watch: Watch) -> Iterator[GitHub]:
    with serving(tmp_path, FILES, watch.now) as ready:
        yield ready


@pytest.fixture
def robot(github: GitHub) -> Client:
    return Client(github, github.token("robot").value)


@pytest.fixture
def bot(github: GitHub) -> Client:
    """An App, as it is installed on the repository."""
    app = github.app()
    return Client(github, github.access.installed(app, app.installation).value)


@pytest.fixture
def opened(github: GitHub, robot: Client) -> str:
    """Pull request 1 is open from HEAD; its commit is given."""
    sha = github.person("carol").push(HEAD, {"a.yaml": "a: 2\n"})
    assert robot.open(HEAD, body="text").status == 201
    return sha


@pytest.fixture
def loose(tmp_path: Path, watch: Watch) -> Iterator[GitHub]:
    """A stand-in whose violations are the test's own business."""
    with GitHub(tmp_path, FILES, watch.now, load(components.require_description())) as ready:
        yield ready
