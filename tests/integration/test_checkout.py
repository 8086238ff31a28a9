"""The repository one stands in, and the remote it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import git
from tests.helpers.processes import git_ends
from updater.adapters import checkout
from updater.model import Identity


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    gitops.Person(gitops.remote(tmp_path / "gitops.git", {"deep/down/x": "1"}), tmp_path / "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize("inside", ["", "deep/down"])
def test_origin_is_found_from_anywhere_inside(clone: Path, inside: str) -> None:
    assert checkout.origin(clone / inside) == str(clone.with_name("gitops.git"))


@pytest.mark.parametrize("url", ["https://example.org/x.git", "git@example.org:acme/x.git"])
def test_the_url_is_given_as_it_stands(clone: Path, url: str) -> None:
    git(clone, "remote", "set-url", "origin", url)
    assert checkout.origin(clone) == url


def test_a_relative_path_counts_from_the_top_of_the_repository(clone: Path) -> None:
    git(clone, "remote", "set-url", "origin", "../gitops.git")
    assert checkout.origin(clone / "deep") == str(clone.with_name("gitops.git"))


def test_a_work_tree_beside_the_clone_has_the_same_origin(clone: Path) -> None:
    git(clone, "worktree", "add", "--quiet", "--detach", "../beside")
    assert checkout.origin(clone.with_name("beside")) == str(clone.with_name("gitops.git"))


def test_without_repository_or_origin_there_is_none(clone: Path, tmp_path: Path) -> None:
    assert checkout.origin(tmp_path) is None
    assert checkout.origin(tmp_path / "missing") is None
    git(clone, "remote", "rename", "origin", "upstream")
    assert checkout.origin(clone) is None


def test_an_origin_without_a_url_is_none(clone: Path) -> None:
    git(clone, "config", "--unset", "remote.origin.url")
    assert checkout.origin(clone) is None


def test_no_process_is_left_behind(clone: Path) -> None:
    checkout.origin(clone)
    assert git_ends()


def test_a_person_is_who_git_takes_for_the_author(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkout.person(clone) == Identity("alice", "alice@example.org")
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_AUTHOR_{name}")
    git(clone, "config", "user.name", "Bob Ü. <x>")
    git(clone, "config", "user.email", "bob@example.org")
    assert checkout.person(clone / "deep") == Identity("Bob Ü. x", "bob@example.org")


def test_a_person_is_known_outside_a_repository_as_well(tmp_path: Path) -> None:
    assert checkout.person(tmp_path) == Identity("alice", "alice@example.org")


@pytest.mark.parametrize("unknown", ["NAME", "EMAIL"])
def test_a_person_whom_git_does_not_know_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unknown: str) -> None:
    monkeypatch.setenv(f"GIT_AUTHOR_{unknown}", "")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert checkout.person(tmp_path) is None
