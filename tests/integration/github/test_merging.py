"""When GitHub merges, and what it demands before."""

from __future__ import annotations

import pytest

from tests.helpers import gitops
from tests.helpers.github.client import HEAD, Client
from tests.helpers.github.server import GitHub


@pytest.mark.parametrize(
    ("method", "parents", "subject"), [("merge", 2, "Merge"), ("squash", 1, "Bump (#1)"), ("rebase", 1, "Change")]
)
def test_each_method_lands_the_files(
    github: GitHub, robot: Client, opened: str, method: str, parents: int, subject: str
) -> None:
    github.person("carol").push("main", {"b.yaml": "b: 2\n"})
    merged = robot.merge(merge_method=method, sha=opened)
    assert merged.status == 200
    assert gitops.tip(github.bare) == merged.body["sha"] == robot.pull()["merge_commit_sha"]
    commit = github.repository.bare.commit(merged.body["sha"])
    assert (len(commit.parents), commit.message.startswith(subject)) == (parents, True)
    assert (gitops.show(github.bare, "a.yaml"), gitops.show(github.bare, "b.yaml")) == ("a: 2", "b: 2")
    assert robot.get("/pulls/1/merge").status == 204


def test_another_head_than_was_meant_is_a_409(github: GitHub, robot: Client, opened: str) -> None:
    github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    stale = robot.merge(sha=opened)
    assert (stale.status, stale.reason) == (409, "Head branch was modified. Review and try the merge again.")
    assert robot.get("/pulls/1/merge").status == 404


def test_a_conflict_is_told_and_not_merged(github: GitHub, robot: Client, opened: str) -> None:
    github.person("carol").push("main", {"a.yaml": "a: 9\n"})
    assert (robot.pull()["mergeable"], robot.pull()["mergeable_state"]) == (False, "dirty")
    assert (robot.merge().status, robot.merge().reason) == (405, "Pull Request is not mergeable")
    told = robot.listed("mergeable mergeStateStatus")
    assert told == [{"mergeable": "CONFLICTING", "mergeStateStatus": "DIRTY"}]


def test_whether_it_can_be_merged_may_not_be_known_at_once(github: GitHub, robot: Client, opened: str) -> None:
    github.settings.late = 1
    assert (robot.pull()["mergeable"], robot.pull()["mergeable"]) == (None, True)


def test_a_method_that_the_repository_does_not_have_is_refused(github: GitHub, robot: Client, opened: str) -> None:
    github.settings.methods = frozenset({"squash"})
    assert (robot.merge().status, robot.merge().reason) == (405, "Merge commits are not allowed on this repository.")
    assert robot.merge(merge_method="squash").status == 200


def test_a_draft_is_not_merged(github: GitHub, robot: Client) -> None:
    github.person("carol").push(HEAD, {"a.yaml": "a: 2\n"})
    robot.open(HEAD, draft=True)
    assert robot.pull()["mergeable_state"] == "draft"
    assert robot.merge().reason == "Pull Request is still a draft"


def test_reviews_that_are_required_have_to_be_there(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(approvals=1)
    assert (robot.merge().status, robot.pull()["mergeable_state"]) == (405, "blocked")
    github.person("bob", writes=False).approve(1)
    assert robot.merge().status == 405
    github.person("alice").approve(1)
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("clean", 200)


def test_an_objection_blocks_until_it_is_taken_back(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(approvals=1)
    github.person("bob").approve(1)
    objection = github.person("alice").request_changes(1)
    assert "Changes have been requested" in robot.merge().reason
    dismissed = robot.send("PUT", f"/pulls/1/reviews/{objection}/dismissals", message="talked")
    assert (dismissed.status, robot.merge().status) == (200, 200)


def test_nobody_approves_what_is_ones_own(robot: Client, opened: str) -> None:
    refused = robot.send("POST", "/pulls/1/reviews", event="APPROVE")
    assert (refused.status, refused.reason) == (422, "Unprocessable Entity; Can not approve your own pull request")


@pytest.mark.parametrize(("is_dismissed", "state"), [(True, "DISMISSED"), (False, "APPROVED")])
def test_a_push_dismisses_approvals_where_that_is_set(
    github: GitHub, robot: Client, opened: str, is_dismissed: bool, state: str
) -> None:
    github.protect(approvals=1, dismiss_stale=is_dismissed)
    github.person("alice").approve(1)
    github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    [review] = robot.get("/pulls/1/reviews").body
    assert (review["state"], review["commit_id"]) == (state, opened)


def test_a_merge_of_the_base_dismisses_nothing(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(approvals=1, dismiss_stale=True)
    github.person("alice").approve(1)
    github.person("carol").push("main", {"b.yaml": "b: 2\n"})
    github.person("carol").clone.merge("main", HEAD)
    assert [review["state"] for review in robot.get("/pulls/1/reviews").body] == ["APPROVED"]


def test_owners_of_the_code_have_to_approve(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(approvals=1, code_owners=True)
    github.person("bob").approve(1)
    assert robot.merge().reason == "Waiting on code owner review from alice."
    github.person("alice").approve(1)
    assert robot.merge().status == 200


def test_a_team_owns_what_is_below_a_folder(github: GitHub, robot: Client) -> None:
    github.repository.teams["writers"] = ["dora"]
    github.protect(code_owners=True)
    github.person("carol").push(HEAD, {"docs/en/a.md": "x"})
    robot.open(HEAD)
    assert robot.merge().reason == "Waiting on code owner review from acme/writers."
    github.person("dora").approve(1)
    assert robot.merge().status == 200


def test_statuses_that_are_required_have_to_be_green(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(contexts=("ci",))
    assert robot.merge().reason == 'Required status check "ci" is expected.'
    github.person("alice").report(opened, "ci", "failure")
    assert robot.merge().status == 405
    github.person("alice").report(opened, "other", "failure")
    github.person("alice").report(opened, "ci", "success")
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("unstable", 200)


def test_a_head_behind_its_base_is_refused_where_the_branch_is_strict(
    github: GitHub, robot: Client, opened: str
) -> None:
    github.protect(strict=True)
    github.person("carol").push("main", {"b.yaml": "b: 2\n"})
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("behind", 405)
    github.person("carol").clone.merge("main", HEAD)
    assert robot.merge().status == 200


def test_the_head_branch_goes_where_that_is_set(github: GitHub, robot: Client, opened: str) -> None:
    github.settings.delete_head = True
    robot.merge()
    assert robot.get(f"/git/ref/heads/{HEAD}").status == 404
    assert robot.pull()["merged"]


ENQUEUE = (
    "mutation($id: ID!, $sha: GitObjectID) { enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $sha}) {"
    " mergeQueueEntry { position state } } }"
)


def test_a_branch_with_a_queue_is_merged_by_the_queue(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(queue=True)
    assert (robot.merge().status, robot.merge().reason) == (405, "Changes must be made through the merge queue")
    assert robot.ask(ENQUEUE, id="PR_1", sha="0" * 40)["errors"][0]["type"] == "UNPROCESSABLE"
    entry = robot.ask(ENQUEUE, id="PR_1", sha=opened)["data"]["enqueuePullRequest"]["mergeQueueEntry"]
    assert entry == {"position": 1, "state": "QUEUED"}
    [told] = robot.listed("isInMergeQueue state")
    assert told == {"isInMergeQueue": True, "state": "OPEN"}
    github.person("alice").merge_queue()
    assert robot.pull()["merged"]


def test_a_push_takes_a_pull_request_out_of_the_queue(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(queue=True)
    robot.ask(ENQUEUE, id="PR_1", sha=opened)
    github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    github.person("alice").merge_queue()
    assert not robot.pull()["merged"]


def test_auto_merge_waits_for_the_rules(github: GitHub, robot: Client, opened: str) -> None:
    github.protect(approvals=1)
    enable = 'mutation { enablePullRequestAutoMerge(input: {pullRequestId: "PR_1"}) { pullRequest { number } } }'
    assert "not allowed" in robot.ask(enable)["errors"][0]["message"]
    github.settings.auto_merge = True
    assert robot.ask(enable)["data"]["enablePullRequestAutoMerge"] == {"pullRequest": {"number": 1}}
    assert not robot.pull()["merged"]
    github.person("alice").approve(1)
    assert robot.pull()["merged"]
