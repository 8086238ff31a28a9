"""What GitHub does with pull requests and their branches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import gitops
from tests.helpers.github.client import HEAD, Client
from tests.helpers.github.server import GitHub


def test_an_opened_one_tells_what_it_changes(robot: Client, opened: str) -> None:
    pull = robot.pull()
    assert (pull["head"]["sha"], pull["head"]["ref"], pull["base"]["ref"]) == (opened, HEAD, "main")
    assert (pull["commits"], pull["changed_files"], pull["additions"]) == (1, 1, 1)
    assert [file["filename"] for file in robot.get("/pulls/1/files").body] == ["a.yaml"]
    assert [commit["sha"] for commit in robot.get("/pulls/1/commits").body] == [opened]


def test_one_head_and_base_have_one_open_pull_request(robot: Client, opened: str) -> None:
    again = robot.open(HEAD)
    assert (again.status, again.reason) == (
        422,
        f"Validation Failed; A pull request already exists for acme:{HEAD}.",
    )


@pytest.mark.parametrize(("head", "base", "wrong"), [("nowhere", "main", "head"), (HEAD, "nowhere", "base")])
def test_branches_that_are_not_there_are_refused(robot: Client, opened: str, head: str, base: str, wrong: str) -> None:
    refused = robot.open(head, base)
    assert (refused.status, refused.body["errors"]) == (
        422,
        [{"resource": "PullRequest", "field": wrong, "code": "invalid"}],
    )


def test_there_has_to_be_a_difference(github: GitHub, robot: Client) -> None:
    github.person("carol").restore_branch("same", gitops.tip(github.bare))
    assert robot.open("same").reason == "Validation Failed; No commits between main and same"


def test_a_text_that_is_too_long_is_refused(robot: Client, opened: str) -> None:
    assert robot.send("PATCH", "/pulls/1", body="x" * 65_536).status == 200
    assert robot.send("PATCH", "/pulls/1", body="x" * 65_537).status == 422


def test_lists_are_filtered_by_branches_and_state(github: GitHub, robot: Client, opened: str) -> None:
    def listed(query: str) -> list[int]:
        return [pull["number"] for pull in robot.get(f"/pulls?{query}").body]

    assert listed(f"head=acme:{HEAD}&base=main") == [1]
    assert listed("head=acme:other") == listed("base=other") == listed("state=closed") == []
    assert listed("head=other") == [1]  # without an owner it is no filter
    github.person("alice").close(1)
    assert (listed(""), listed("state=all")) == ([], [1])


def test_labels_are_made_where_they_are_new_and_known_in_any_case(robot: Client, opened: str) -> None:
    robot.send("POST", "/issues/1/labels", labels=["Promotion"])
    robot.call("POST", "/repos/acme/gitops/issues/1/labels", ["promotion", "updater:withdrawn"])
    assert [label["name"] for label in robot.get("/issues/1/labels").body] == ["Promotion", "updater:withdrawn"]
    assert robot.call("DELETE", "/repos/acme/gitops/issues/1/labels/updater%3Awithdrawn").status == 200
    assert [label["name"] for label in robot.pull()["labels"]] == ["Promotion"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"reviewers": ["robot"]}, "Review cannot be requested from pull request author."),
        ({"reviewers": ["nobody"]}, "Reviews may only be requested from collaborators."),
        ({"team_reviewers": ["nobodies"]}, "Reviews may only be requested from collaborators."),
    ],
)
def test_reviewers_have_to_be_others_who_have_access(
    robot: Client, opened: str, asked: dict[str, Any], reason: str
) -> None:
    refused = robot.send("POST", "/pulls/1/requested_reviewers", **asked)
    assert refused.status == 422
    assert refused.reason.startswith(reason)


def test_people_and_teams_are_asked_until_they_have_answered(github: GitHub, robot: Client, opened: str) -> None:
    alice = github.person("alice")
    github.repository.teams["writers"] = ["alice"]
    robot.send("POST", "/pulls/1/requested_reviewers", reviewers=["alice"], team_reviewers=["writers"])
    asked = robot.get("/pulls/1/requested_reviewers").body
    assert ([who["login"] for who in asked["users"]], [team["slug"] for team in asked["teams"]]) == (
        ["alice"],
        ["writers"],
    )
    alice.approve(1)
    assert robot.get("/pulls/1/requested_reviewers").body["users"] == []


def test_comments_are_listed(github: GitHub, robot: Client, opened: str) -> None:
    github.person("alice").comment(1, "why?")
    assert robot.send("POST", "/issues/1/comments", body="because").status == 201
    told = [(one["user"]["login"], one["body"]) for one in robot.get("/issues/1/comments").body]
    assert told == [("alice", "why?"), ("robot", "because")]


def test_the_head_is_kept_for_git_and_follows_pushes(github: GitHub, robot: Client, opened: str) -> None:
    newer = github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    assert robot.pull()["head"]["sha"] == newer
    assert gitops.git(github.bare, "rev-parse", "refs/pull/1/head") == newer


def test_a_deleted_branch_closes_its_pull_request_whose_head_stays_for_git(
    github: GitHub, robot: Client, opened: str
) -> None:
    assert robot.call("DELETE", f"/repos/acme/gitops/git/refs/heads/{HEAD}").status == 204
    assert (robot.pull()["state"], robot.pull()["merged"]) == ("closed", False)
    assert gitops.git(github.bare, "rev-parse", "refs/pull/1/head") == opened


def test_a_head_that_got_into_the_base_by_a_push_was_merged(github: GitHub, robot: Client, opened: str) -> None:
    merge = github.person("alice").clone.merge(HEAD)
    pull = robot.pull()
    assert (pull["merged"], pull["state"], pull["merge_commit_sha"]) == (True, "closed", merge)


def test_a_head_without_anything_of_its_own_closes_the_pull_request(github: GitHub, robot: Client, opened: str) -> None:
    github.person("carol").clone.force(gitops.tip(github.bare), HEAD)
    assert (robot.pull()["state"], robot.pull()["merged"]) == ("closed", False)


def test_a_closed_one_is_reopened_only_while_its_branch_is_as_it_was(
    github: GitHub, robot: Client, opened: str
) -> None:
    alice = github.person("alice")
    alice.close(1)
    assert robot.send("PATCH", "/pulls/1", state="open").body["state"] == "open"
    alice.delete_branch(HEAD)
    assert "has been deleted" in robot.send("PATCH", "/pulls/1", state="open").reason
    alice.push(HEAD, {"a.yaml": "a: 9\n"})
    assert "force-pushed or recreated" in robot.send("PATCH", "/pulls/1", state="open").reason
    alice.clone.force(opened, HEAD)
    assert robot.send("PATCH", "/pulls/1", state="open").status == 200


def test_a_closed_one_is_not_reopened_beside_another(github: GitHub, robot: Client, opened: str) -> None:
    github.person("alice").close(1)
    robot.open(HEAD)
    refused = robot.send("PATCH", "/pulls/1", state="open")
    assert (refused.status, "already an open pull request" in refused.reason) == (422, True)
