"""`updater reconcile --registry`: what it says where registries cannot be asked, or do not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.cli import CommandLine
from tests.helpers.faulty_registry import Answer, Request, faulty_registry
from updater import bootstrap

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def overlay(image: str) -> str:
    return f"images:\n  - name: {image}\n    newTag: 1.0.0\n    digest: {OLD}\n"


def repository(folder: Path, *hosts: str) -> Path:
    """A service for each registry, which follows it by the versions in its tags."""
    rules = "".join(f"  - image: {host}/acme/*\n    order: semver\n" for host in hosts)
    files = {"environments/test.yaml": f"overlays: overlays/test/{{service}}\nfollow:\n{rules}verify: parse\n"}
    for number, host in enumerate(hosts):
        files[f"overlays/test/model-{number}/kustomization.yaml"] = overlay(f"{host}/acme/model-{number}")
    return gitops.remote(folder / "gitops.git", files)


def answering(request: Request) -> Answer:
    """A registry that has 1.0.0 and 1.1.0, and tells no more about them."""
    if request.path.endswith("/tags/list"):
        body = json.dumps({"name": "acme/model-1", "tags": ["1.0.0", "1.1.0"]}).encode()
        return Answer(200, {"Content-Type": "application/json"}, body)
    digest = NEW if request.path.endswith("1.1.0") else OLD
    return Answer(200, {"Docker-Content-Digest": digest}) if request.method == "HEAD" else Answer(503)


def test_a_registry_that_is_down_is_a_problem_and_everything_else_goes_on(tmp_path: Path, updater: CommandLine) -> None:
    with faulty_registry(lambda _: Answer(503)) as down, faulty_registry(answering) as up:
        bare = repository(tmp_path, down.host, up.host)
        ran = updater("reconcile", "--registry", "--repo", bare, "--output", "json")
    assert ran.code == 4
    assert ran.outcomes == [("test", "model-1", "1.1.0", "committed")]
    assert ran.err.count("error:") == 1
    assert down.host in ran.err
    assert NEW in gitops.show(bare, "overlays/test/model-1/kustomization.yaml")


def test_a_dry_run_asks_and_writes_nothing(tmp_path: Path, updater: CommandLine) -> None:
    with faulty_registry(answering) as up:
        bare = repository(tmp_path, up.host)
        ran = updater("reconcile", "--registry", "--dry-run", "--repo", bare, "--output", "json")
    assert ran.code == 0, ran.err
    assert ran.outcomes == [("test", "model-0", "1.1.0", "committed")]
    assert f"+    digest: {NEW}" in ran.json["diff"]
    assert OLD in gitops.show(bare, "overlays/test/model-0/kustomization.yaml")


def test_without_the_option_no_registry_is_asked(tmp_path: Path, updater: CommandLine) -> None:
    with faulty_registry(answering) as up:
        ran = updater("reconcile", "--repo", repository(tmp_path, up.host), "--output", "json")
    assert (ran.code, ran.outcomes, up.requests) == (0, [], [])


def test_where_registries_cannot_be_asked_it_says_what_to_install(
    tmp_path: Path, updater: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "find_spec", lambda _: None)
    ran = updater("reconcile", "--registry", "--repo", repository(tmp_path, "reg.example"))
    assert ran.code == 2
    assert "hint: install manifest-updater[registry]" in ran.err
