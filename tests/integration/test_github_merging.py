"""Merging on GitHub: exactly what was seen, by a method that is allowed, once, or through the queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.github.faults import Kind
from tests.helpers.github.model import Protection
from tests.helpers.hub import HEAD, Hub, hub
from updater.errors import ForgeRefused
from updater.forge import Method


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path) as found:
        yield found


def parents(github: Hub) -> int:
    return len(gitops.git(github.github.bare, "rev-list", "--parents", "--max-count=1", "main").split()) - 1


def refusal(github: Hub, commit: str, method: Method | None = None) -> str:
    before = gitops.tip(github.github.bare)
    with pytest.raises(ForgeRefused, match="^cannot merge #1: ") as caught:
        github.forge.merge(1, commit, method)
    assert gitops.tip(github.github.bare) == before
    return caught.value.message


@pytest.mark.parametrize(
    ("allowed", "method", "used"),
    [
        (("merge", "squash", "rebase"), None, "merge"),
        (("squash", "rebase"), None, "squash"),
        (("rebase",), None, "rebase"),
        (("merge", "squash", "rebase"), "squash", "squash"),
    ],
)
def test_it_is_merged_by_the_method_asked_for_or_the_first_allowed(
    github: Hub, allowed: tuple[Method, ...], method: Method | None, used: str
) -> None:
    pull = github.opened()
    github.github.settings.methods = frozenset(allowed)
    assert github.forge.merge(1, pull.commit, method) == "merged"
    assert github.asked == ["POST /graphql", "PUT /pulls/1/merge"]
    assert github.github.log[1].body == {"sha": pull.commit, "merge_method": used}
    assert parents(github) == (2 if used == "merge" else 1)
    assert github.forge.settled([HEAD])[0].merged_as == gitops.tip(github.github.bare)


def test_a_method_that_is_not_allowed_is_refused(github: Hub) -> None:
    pull = github.opened()
    github.github.settings.methods = frozenset({"squash"})
    assert "Merge commits are not allowed" in refusal(github, pull.commit, "merge")


def test_another_head_than_was_seen_is_not_merged(github: Hub) -> None:
    pull = github.opened()
    moved = github.alice.push(HEAD, {"foreign": "x"})
    assert f"its head is {moved[:7]} by now, not {pull.commit[:7]}" in refusal(github, pull.commit)


def test_a_head_that_moves_at_the_last_moment_is_not_merged(github: Hub) -> None:
    pull = github.opened()
    github.github.before(lambda: github.alice.push(HEAD, {"foreign": "x"}), "/merge$")
    assert "Head branch was modified" in refusal(github, pull.commit)


def test_conflicts_rules_and_drafts_are_told(github: Hub) -> None:
    pull = github.opened()
    github.github.settings.protection["main"] = Protection(approvals=1)
    assert "At least 1 approving review is required" in refusal(github, pull.commit)
    github.github.settings.protection.clear()
    github.alice.push("main", {"overlays/staging/model-a/kustomization.yaml": "images: [x]\n"})
    assert "Pull Request is not mergeable" in refusal(github, pull.commit)


def test_a_closed_one_is_not_merged_and_a_merged_one_not_again(github: Hub) -> None:
    pull = github.opened()
    github.alice.close(1)
    assert "it is closed" in refusal(github, pull.commit)
    github.alice.reopen(1)
    github.alice.merge(1)
    github.github.log.clear()
    assert github.forge.merge(1, pull.commit, None) == "merged"
    assert github.asked == ["POST /graphql"]


def test_one_that_is_not_there_is_told(github: Hub) -> None:
    with pytest.raises(ForgeRefused, match="^cannot merge #7: ") as caught:
        github.forge.merge(7, "0" * 40, None)
    assert "acme/gitops" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["cut", "truncated", "closed", "error", "bad gateway"])
def test_a_merge_whose_answer_is_lost_is_made_once(github: Hub, kind: Kind) -> None:
    pull = github.opened()
    github.github.fault(kind, "/merge$")
    assert github.forge.merge(1, pull.commit, None) == "merged"
    assert int(gitops.git(github.github.bare, "rev-list", "--count", "--merges", "main")) == 1


def test_where_there_is_a_queue_it_is_given_to_that_once(github: Hub) -> None:
    pull = github.opened()
    github.github.settings.protection["main"] = Protection(queue=True)
    assert github.forge.merge(1, pull.commit, "squash") == "queued"
    assert github.asked == ["POST /graphql"] * 2
    assert github.forge.opened()[0].queued
    github.github.log.clear()
    assert github.forge.merge(1, pull.commit, None) == "queued"
    assert github.asked == ["POST /graphql"]
    github.alice.merge_queue()
    assert github.forge.settled([HEAD])[0].state == "merged"


@pytest.mark.parametrize("kind", ["cut", "closed"])
def test_a_place_in_the_queue_is_kept_when_the_answer_is_lost(github: Hub, kind: Kind) -> None:
    pull = github.opened()
    github.github.settings.protection["main"] = Protection(queue=True)
    github.github.before(lambda: github.github.before(lambda: github.github.fault(kind, "graphql")), "graphql")
    assert github.forge.merge(1, pull.commit, None) == "queued"
    assert github.forge.opened()[0].queued


def test_the_queue_refuses_in_words_what_the_rules_do_not_let_in(github: Hub) -> None:
    pull = github.opened()
    github.github.settings.protection["main"] = Protection(queue=True, approvals=1)
    assert "approving review is required" in refusal(github, pull.commit)
