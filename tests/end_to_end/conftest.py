"""A GitOps repository with two services in test, and the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.cli import CommandLine
from tests.helpers.payloads import MODELS
from updater.registries import sending

TEST = f"""\
overlays: overlays/test/{{service}}
follow:
  - image: {MODELS}/*
    order: semver
verify: parse
"""


def overlay(service: str, tag: str) -> str:
    """A kustomization with one entry, and a comment that has to stay."""
    return f"images:\n  - name: {MODELS}/{service}\n    newTag: {tag}  # keep me\n"


FILES = {
    "environments/test.yaml": TEST,
    "overlays/test/model-a/kustomization.yaml": overlay("model-a", "1.0.0"),
    "overlays/test/model-b/kustomization.yaml": overlay("model-b", "1.0.0"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that is down is asked again at once."""
    monkeypatch.setattr(sending, "_PAUSES", (0.0, 0.0))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The remote."""
    return gitops.remote(tmp_path / "gitops.git", FILES)


@pytest.fixture
def updater(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(tmp_path / "state", capfd, monkeypatch)
