"""The command line on the stand-in for GitHub: test follows the registry, staging is promoted to by pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import gitops
from tests.helpers.cli import CommandLine, Ran
from tests.helpers.github.model import Pull
from tests.helpers.github.server import GitHub, serving
from tests.helpers.payloads import MODELS, digest, plain, record, write_records
from updater import bootstrap

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
SERVICES = ("model-a", "model-b")
SETTINGS = "environments/staging.yaml"
TEST = f"""\
overlays: overlays/test/{{service}}
follow:
  - image: {MODELS}/*
    order: semver
verify: parse
"""
STAGING = """\
overlays: overlays/staging/{service}
promote:
  from: test
deliver: pull-request
verify: parse
"""


class Clock:
    """The time of both sides, which goes on only when somebody waits."""

    def __init__(self) -> None:
        self.at = SUNDAY

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def file_of(service: str, environment: str = "staging") -> str:
    """The path of a service's kustomization."""
    return f"overlays/{environment}/{service}/kustomization.yaml"


def overlay(service: str, tag: str) -> str:
    """A kustomization with one entry."""
    return f"images:\n  - name: {MODELS}/{service}\n    newTag: {tag}\n    digest: {sha(service, tag)}\n"


def sha(service: str, tag: str) -> str:
    """The digest of a version."""
    return digest(f"{MODELS}/{service}:{tag}")


def files(services: Sequence[str], settings: str) -> dict[str, str]:
    """A repository in which 1.0.0 of every service stands everywhere."""
    places = [(service, environment) for service in services for environment in ("test", "staging")]
    overlays = {file_of(service, environment): overlay(service, "1.0.0") for service, environment in places}
    return {"environments/test.yaml": TEST, SETTINGS: settings, **overlays}


class Stage:
    """The stand-in, the command line as `robot`, and alice and bob who review."""

    def __init__(self, github: GitHub, updater: CommandLine, clock: Clock, folder: Path) -> None:
        self.github = github
        self.updater = updater
        self.clock = clock
        self.folder = folder
        self.alice = github.person("alice")
        self.bob = github.person("bob")

    def login(self, token: str) -> None:
        """From now on commands use this token."""
        self.updater.patch.setenv("UPDATER_GITHUB_TOKEN", token)

    def run(self, *words: object) -> Ran:
        """A command."""
        return self.updater(*words)

    def json(self, *words: object) -> Any:
        """What a command that succeeds tells in JSON."""
        ran = self.run(*words, "--output", "json")
        assert ran.code == 0, ran.err
        return ran.json

    def push(self, tag: str, *services: str) -> Ran:
        """Images are pushed, and land in test."""
        time = f"{self.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        images = [record("generic", plain(f"{MODELS}/{name}", tag, time)) for name in services or ("model-a",)]
        ran = self.run("handle", "--output", "json", write_records(self.folder / "events", *images))
        self.clock.sleep(60)
        return ran

    def pass_(self) -> Ran:
        """One pass of `reconcile`."""
        ran = self.run("reconcile", "--output", "json")
        self.clock.sleep(60)
        return ran

    def promoted(self, tag: str, *services: str) -> Ran:
        """Images are pushed, land in test, and are proposed to staging."""
        landed = self.push(tag, *services)
        assert landed.code == 0, landed.err
        return self.pass_()

    def settings(self, text: str) -> None:
        """Somebody changes staging's settings."""
        self.alice.push("main", {SETTINGS: text}, "Settings")

    def stands(self, service: str = "model-a", environment: str = "staging") -> str:
        """The tag of a service on `main`."""
        text = gitops.show(self.github.bare, file_of(service, environment))
        return text.partition("newTag: ")[2].split()[0]

    def pull(self, number: int = 1) -> Pull:
        """What GitHub has of a pull request."""
        return self.github.repository.pull(number)

    def pulls(self) -> list[tuple[int, str, str]]:
        """Number, state and title of all pull requests."""
        found = self.github.repository.pulls.values()
        return [(each.number, state(each), each.title) for each in found]

    def gates(self, number: int = 1) -> tuple[str, str | None] | None:
        """State and text of our status on the head of a pull request."""
        found = self.github.repository.latest(self.pull(number).sha)
        return next(((each.state, each.description) for each in found if each.context == "updater/gates"), None)


def state(pull: Pull) -> str:
    """open, merged or closed."""
    return "open" if pull.is_open else "closed" if pull.merged_at is None else "merged"


@contextmanager
def staged(
    folder: Path,
    capture: pytest.CaptureFixture[str],
    patch: pytest.MonkeyPatch,
    services: Sequence[str] = SERVICES,
    settings: str = STAGING,
) -> Iterator[Stage]:
    """A stage in an empty folder."""
    clock = Clock()
    patch.setattr(bootstrap, "SystemClock", lambda: clock)
    patch.setattr(bootstrap, "time", SimpleNamespace(sleep=clock.sleep))
    with serving(folder / "github", files(services, settings), clock.now) as github:
        patch.setenv("UPDATER_REPO", github.git_url)
        patch.setenv("UPDATER_GITHUB_API", github.url)
        stage = Stage(github, CommandLine(folder / "state", capture, patch), clock, folder)
        stage.login(github.token().value)
        yield stage
