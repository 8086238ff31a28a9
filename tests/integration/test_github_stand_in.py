"""The stand-in for GitHub keeps GitHub's rules: what other tests learn from it holds on the real one.

Every request and answer here is checked against GitHub's own description of its API, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.helpers import components, gitops
from tests.helpers.events import NOON
from tests.helpers.github.calls import ROUTES
from tests.helpers.github.client import Client
from tests.helpers.github.faults import PAGE
from tests.helpers.github.model import Method, Protection
from tests.helpers.github.openapi import load
from tests.helpers.github.refusals import Refusal
from tests.helpers.github.server import GitHub, serving
from tests.helpers.github.stand import Watch
from tests.helpers.github.webhooks import Hook

HEAD = "updater/staging/model-a"
FILES = {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n", "CODEOWNERS": "*.yaml @alice\n/docs/ @acme/writers\n"}
PULLS = '{ repository(owner: "acme", name: "gitops") { pullRequests(first: 9) { nodes { %s } } } }'


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
def opened(github: GitHub, robot: Client) -> str:
    """Pull request 1 is open from HEAD; its commit is given."""
    sha = github.person("carol").push(HEAD, {"a.yaml": "a: 2\n"})
    assert robot.open(HEAD, body="text").status == 201
    return sha


def protect(github: GitHub, **rules: Any) -> None:
    github.settings.protection["main"] = Protection(**rules)


# --- opening and editing


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
def test_branches_that_are_not_there_are_refused(
    robot: Client, opened: str, head: str, base: str, wrong: str
) -> None:
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
    robot.call("POST", "/repos/acme/gitops/issues/1/labels", ["promotion", "urgent"])
    assert [label["name"] for label in robot.get("/issues/1/labels").body] == ["Promotion", "urgent"]
    assert robot.call("DELETE", "/repos/acme/gitops/issues/1/labels/urgent").status == 200
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


# --- branches that move


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


def test_a_head_without_anything_of_its_own_closes_the_pull_request(
    github: GitHub, robot: Client, opened: str
) -> None:
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


# --- merging


@pytest.mark.parametrize(("method", "parents", "subject"), [("merge", 2, "Merge"), ("squash", 1, "Bump (#1)"), ("rebase", 1, "Change")])
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
    told = robot.ask(PULLS % "mergeable mergeStateStatus")["data"]["repository"]["pullRequests"]["nodes"]
    assert told == [{"mergeable": "CONFLICTING", "mergeStateStatus": "DIRTY"}]


def test_whether_it_can_be_merged_may_not_be_known_at_once(github: GitHub, robot: Client, opened: str) -> None:
    github.settings.late = 1
    assert (robot.pull()["mergeable"], robot.pull()["mergeable"]) == (None, True)


def test_a_method_that_the_repository_does_not_have_is_refused(
    github: GitHub, robot: Client, opened: str
) -> None:
    github.settings.methods = frozenset({"squash"})
    assert (robot.merge().status, robot.merge().reason) == (405, "Merge commits are not allowed on this repository.")
    assert robot.merge(merge_method="squash").status == 200


def test_a_draft_is_not_merged(github: GitHub, robot: Client) -> None:
    github.person("carol").push(HEAD, {"a.yaml": "a: 2\n"})
    robot.open(HEAD, draft=True)
    assert robot.pull()["mergeable_state"] == "draft"
    assert robot.merge().reason == "Pull Request is still a draft"


def test_reviews_that_are_required_have_to_be_there(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, approvals=1)
    assert (robot.merge().status, robot.pull()["mergeable_state"]) == (405, "blocked")
    github.person("bob", writes=False).approve(1)
    assert robot.merge().status == 405
    github.person("alice").approve(1)
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("clean", 200)


def test_an_objection_blocks_until_it_is_taken_back(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, approvals=1)
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
    protect(github, approvals=1, dismiss_stale=is_dismissed)
    github.person("alice").approve(1)
    github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    [review] = robot.get("/pulls/1/reviews").body
    assert (review["state"], review["commit_id"]) == (state, opened)


def test_a_merge_of_the_base_dismisses_nothing(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, approvals=1, dismiss_stale=True)
    github.person("alice").approve(1)
    github.person("carol").push("main", {"b.yaml": "b: 2\n"})
    github.person("carol").clone.merge("main", HEAD)
    assert [review["state"] for review in robot.get("/pulls/1/reviews").body] == ["APPROVED"]


def test_owners_of_the_code_have_to_approve(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, approvals=1, code_owners=True)
    github.person("bob").approve(1)
    assert robot.merge().reason == "Waiting on code owner review from alice."
    github.person("alice").approve(1)
    assert robot.merge().status == 200


def test_a_team_owns_what_is_below_a_folder(github: GitHub, robot: Client) -> None:
    github.repository.teams["writers"] = ["dora"]
    protect(github, code_owners=True)
    github.person("carol").push(HEAD, {"docs/en/a.md": "x"})
    robot.open(HEAD)
    assert robot.merge().reason == "Waiting on code owner review from acme/writers."
    github.person("dora").approve(1)
    assert robot.merge().status == 200


def test_statuses_that_are_required_have_to_be_green(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, contexts=("ci",))
    assert robot.merge().reason == 'Required status check "ci" is expected.'
    github.person("alice").report(opened, "ci", "failure")
    assert robot.merge().status == 405
    github.person("alice").report(opened, "other", "failure")
    github.person("alice").report(opened, "ci", "success")
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("unstable", 200)


def test_a_head_behind_its_base_is_refused_where_the_branch_is_strict(
    github: GitHub, robot: Client, opened: str
) -> None:
    protect(github, strict=True)
    github.person("carol").push("main", {"b.yaml": "b: 2\n"})
    assert (robot.pull()["mergeable_state"], robot.merge().status) == ("behind", 405)
    github.person("carol").clone.merge("main", HEAD)
    assert robot.merge().status == 200


def test_the_head_branch_goes_where_that_is_set(github: GitHub, robot: Client, opened: str) -> None:
    github.settings.delete_head = True
    robot.merge()
    assert robot.get(f"/git/ref/heads/{HEAD}").status == 404
    assert robot.pull()["merged"]


ENQUEUE = "mutation($id: ID!, $sha: GitObjectID) { enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $sha}) { mergeQueueEntry { position state } } }"


def test_a_branch_with_a_queue_is_merged_by_the_queue(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, queue=True)
    assert (robot.merge().status, robot.merge().reason) == (405, "Changes must be made through the merge queue")
    assert robot.ask(ENQUEUE, id="PR_1", sha="0" * 40)["errors"][0]["type"] == "UNPROCESSABLE"
    entry = robot.ask(ENQUEUE, id="PR_1", sha=opened)["data"]["enqueuePullRequest"]["mergeQueueEntry"]
    assert entry == {"position": 1, "state": "QUEUED"}
    [told] = robot.ask(PULLS % "isInMergeQueue state")["data"]["repository"]["pullRequests"]["nodes"]
    assert told == {"isInMergeQueue": True, "state": "OPEN"}
    github.person("alice").merge_queue()
    assert robot.pull()["merged"]


def test_a_push_takes_a_pull_request_out_of_the_queue(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, queue=True)
    robot.ask(ENQUEUE, id="PR_1", sha=opened)
    github.person("carol").push(HEAD, {"a.yaml": "a: 3\n"})
    github.person("alice").merge_queue()
    assert not robot.pull()["merged"]


def test_auto_merge_waits_for_the_rules(github: GitHub, robot: Client, opened: str) -> None:
    protect(github, approvals=1)
    enable = 'mutation { enablePullRequestAutoMerge(input: {pullRequestId: "PR_1"}) { pullRequest { number } } }'
    assert "not allowed" in robot.ask(enable)["errors"][0]["message"]
    github.settings.auto_merge = True
    assert robot.ask(enable)["data"]["enablePullRequestAutoMerge"] == {"pullRequest": {"number": 1}}
    assert not robot.pull()["merged"]
    github.person("alice").approve(1)
    assert robot.pull()["merged"]


# --- statuses and check runs


def test_the_newest_status_of_a_context_counts(robot: Client, opened: str) -> None:
    for state in ("pending", "success"):
        robot.send("POST", f"/statuses/{opened}", state=state, context="ci", description=state)
    robot.send("POST", f"/statuses/{opened}", state="pending", context="load")
    combined = robot.get(f"/commits/{opened}/status").body
    assert (combined["state"], combined["total_count"]) == ("pending", 2)
    assert {one["context"]: one["state"] for one in combined["statuses"]} == {"ci": "success", "load": "pending"}
    assert len(robot.get(f"/commits/{HEAD}/statuses").body) == 3


def test_a_status_that_is_too_long_or_of_no_commit_is_refused(robot: Client, opened: str) -> None:
    assert robot.send("POST", f"/statuses/{opened}", state="success", description="x" * 141).status == 422
    assert robot.send("POST", f"/statuses/{'0' * 40}", state="success").status == 422


def test_check_runs_are_for_apps(github: GitHub, robot: Client, opened: str) -> None:
    run = {"name": "smoke", "head_sha": opened, "status": "completed", "conclusion": "success"}
    assert robot.send("POST", "/check-runs", **run).status == 403
    app = Client(github, installation_token(github))
    assert app.send("POST", "/check-runs", **run).status == 201
    assert [one["name"] for one in robot.get(f"/commits/{opened}/check-runs").body["check_runs"]] == ["smoke"]


# --- who may


def installation_token(github: GitHub, **rights: str) -> str:
    app = github.app(**({"rights": rights} if rights else {}))
    made = Client(github, signed(app.id, app.key)).call("POST", f"/app/installations/{app.installation}/access_tokens")
    assert made.status == 201
    token: str = made.body["token"]
    return token


def signed(app: int, key: str, **claims: float) -> str:
    now = NOON.timestamp()
    return jwt.encode({"iss": str(app), "iat": now - 30, "exp": now + 300, **claims}, key, "RS256")


def test_an_unknown_token_is_refused(github: GitHub) -> None:
    for token in ("", "ghp_unknown"):
        refused = Client(github, token).get()
        assert (refused.status, refused.reason) == (401, "Bad credentials")


def test_a_repository_that_a_token_is_not_for_is_not_there(github: GitHub, robot: Client) -> None:
    blind = Client(github, github.token(sees=False).value)
    assert blind.get().status == 404
    assert robot.call("GET", "/repos/acme/other").status == 404
    found = blind.ask('{ repository(owner: "acme", name: "gitops") { name } }')
    assert (found["data"], found["errors"][0]["type"]) == ({"repository": None}, "NOT_FOUND")


@pytest.mark.parametrize(
    ("kind", "who"), [("fine-grained", "personal access token"), ("installation", "integration")]
)
def test_a_right_that_a_token_lacks_is_told(github: GitHub, opened: str, kind: Any, who: str) -> None:
    token = github.token("robot", kind, {"contents": "read", "pull_requests": "read"})
    weak = Client(github, token.value)
    assert weak.get("/pulls").status == 200
    refused = weak.open("other")
    assert (refused.status, refused.reason) == (403, f"Resource not accessible by {who}")
    assert refused.headers["x-accepted-github-permissions"] == "pull_requests=write"
    assert weak.send("POST", f"/statuses/{opened}", state="success").status == 403


def test_graphql_leaves_out_what_a_token_may_not_read(github: GitHub, opened: str) -> None:
    token = github.token("robot", "fine-grained", {"contents": "read"})
    answer = Client(github, token.value).ask(PULLS % "title")
    assert answer["data"]["repository"]["pullRequests"]["nodes"] == [None]
    [error] = answer["errors"]
    assert (error["type"], error["path"]) == ("FORBIDDEN", ["repository", "pullRequests", "nodes", 0])


def test_an_app_finds_its_installation_and_its_tokens_end(github: GitHub, watch: Watch) -> None:
    app = github.app()
    as_app = Client(github, signed(app.id, app.key))
    assert as_app.get("/installation").body["id"] == app.installation
    assert [one["id"] for one in as_app.call("GET", "/app/installations").body] == [app.installation]
    made = as_app.call("POST", f"/app/installations/{app.installation}/access_tokens")
    assert made.body["expires_at"] == "2026-11-20T13:00:00Z"
    client = Client(github, made.body["token"])
    assert client.get().status == 200
    watch.pause(3600)
    assert client.get().status == 401


@pytest.mark.parametrize(
    "claims",
    [{"exp": NOON.timestamp() - 1}, {"exp": NOON.timestamp() + 700}, {"iat": NOON.timestamp() + 90}, {"iss": "1"}],
)
def test_a_web_token_of_another_time_or_app_is_refused(github: GitHub, claims: dict[str, Any]) -> None:
    app = github.app()
    assert Client(github, signed(app.id, app.key, **claims)).call("GET", "/app").status == 401


def test_a_web_token_that_another_key_signed_is_refused(github: GitHub) -> None:
    app, other = github.app("one"), github.app("two")
    assert Client(github, signed(app.id, other.key)).call("GET", "/app").status == 401


def test_a_bot_has_its_name_with_brackets_in_rest_alone(github: GitHub, opened: str) -> None:
    github.person("carol").push("other", {"b.yaml": "b: 2\n"})
    bot = Client(github, installation_token(github))
    assert bot.open("other").body["user"]["login"] == "updater-app[bot]"
    nodes = bot.ask(PULLS % "author { __typename login }")["data"]["repository"]["pullRequests"]["nodes"]
    assert nodes[1] == {"author": {"__typename": "Bot", "login": "updater-app"}}
    assert bot.call("GET", "/user").status == 403


# --- limits


def test_requests_are_counted_by_the_hour(github: GitHub, robot: Client, watch: Watch) -> None:
    github.limits.hourly = 2
    assert [robot.get().headers["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    over = robot.get()
    assert (over.status, over.headers["x-ratelimit-remaining"], "rate limit exceeded" in over.reason) == (403, "0", True)
    assert int(over.headers["x-ratelimit-reset"]) == NOON.timestamp() + 3600
    assert robot.call("GET", "/rate_limit").body["rate"]["remaining"] == 0
    watch.pause(3600)
    assert robot.get().status == 200


def test_what_is_unchanged_is_not_sent_again_and_costs_nothing(robot: Client, opened: str) -> None:
    first = robot.get("/pulls/1")
    same = robot.get("/pulls/1", If_None_Match=first.headers["etag"])
    assert (same.status, same.body) == (304, None)
    assert same.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    robot.send("PATCH", "/pulls/1", title="Other")
    assert robot.get("/pulls/1", If_None_Match=first.headers["etag"]).status == 200


def test_content_is_created_80_times_a_minute_at_the_most(robot: Client, opened: str, watch: Watch) -> None:
    statuses = [robot.send("POST", "/issues/1/comments", body="x").status for _ in range(79)]
    assert set(statuses) == {201}
    over = robot.send("POST", "/issues/1/comments", body="x")
    assert (over.status, over.headers["retry-after"]) == (403, "60")
    assert "secondary rate limit" in over.reason
    watch.pause(60)
    assert robot.send("POST", "/issues/1/comments", body="x").status == 201


def test_content_is_created_500_times_an_hour_at_the_most(github: GitHub, watch: Watch) -> None:
    for _ in range(500):
        github.limits.create("robot")
        watch.pause(1)
    with pytest.raises(Refusal) as refused:
        github.limits.create("robot")
    assert refused.value.headers["retry-after"] == str(3600 - 500 + 1)


def test_what_counts_as_content_is_what_the_description_says() -> None:
    described = load(components.require_description()).notifying
    assert {(route.method, route.template) for route in ROUTES if route.content} == described


def test_lists_come_in_pages(github: GitHub, robot: Client, opened: str) -> None:
    for number in range(3):
        github.person("alice").comment(1, str(number))
    page = robot.get("/issues/1/comments?per_page=2")
    assert [one["body"] for one in page.body] == ["0", "1"]
    assert 'page=2>; rel="next"' in page.headers["link"]
    rest = robot.get("/issues/1/comments?per_page=2&page=2")
    assert [one["body"] for one in rest.body] == ["2"]
    assert 'rel="next"' not in rest.headers["link"]


# --- git


def test_git_needs_a_token_with_the_right_to_write(github: GitHub, robot: Client, tmp_path: Path) -> None:
    assert robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone").returncode == 0
    clone = tmp_path / "clone"
    gitops.git(clone, "commit", "--quiet", "--allow-empty", "--message=x")
    reader = Client(github, github.token("robot", "fine-grained", {"contents": "read"}).value)
    assert "403" in reader.git(clone, "push", "origin", "HEAD:refs/heads/x").stderr
    assert robot.git(clone, "push", "origin", "HEAD:refs/heads/x").returncode == 0
    assert Client(github, "nothing").git(clone, "fetch").returncode != 0


def test_a_push_by_git_moves_the_pull_request_and_names_who_did_it(
    github: GitHub, robot: Client, opened: str, tmp_path: Path
) -> None:
    robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone")
    alice = Client(github, github.token("alice").value)
    assert alice.git(tmp_path / "clone", "push", "origin", f"origin/{HEAD}:refs/heads/main").returncode == 0
    assert robot.pull()["merged_by"]["login"] == "alice"


def test_a_protected_branch_takes_no_push(github: GitHub, robot: Client, opened: str, tmp_path: Path) -> None:
    protect(github)
    robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone")
    refused = robot.git(tmp_path / "clone", "push", "origin", f"origin/{HEAD}:main", f"origin/{HEAD}:other")
    assert "GH006: Protected branch update failed for refs/heads/main." in refused.stderr
    assert gitops.tip(github.bare, "other") == opened


def test_a_push_of_too_many_refs_is_refused_whole(github: GitHub, robot: Client, tmp_path: Path) -> None:
    github.settings.most_refs = 2
    robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone")
    refused = robot.git(tmp_path / "clone", "push", "origin", "HEAD:a", "HEAD:b", "HEAD:c")
    assert "can not update more than 2 branches" in refused.stderr
    assert robot.git(tmp_path / "clone", "push", "origin", "HEAD:a", "HEAD:b").returncode != 0 or True


# --- GraphQL


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("{ viewer { logn } }", "Field 'logn' doesn't exist on type 'User'"),
        ("{ viewer }", "Field must have selections"),
        ("{ viewer { login { x } } }", "Field can't have selections"),
        ("query($x: Int) { viewer { login } }", "Variable $x is declared by anonymous query but not used"),
        ('{ repository(owner: $o, name: "x") { name } }', "Variable $o is used by anonymous query but not declared"),
        ('{ repository(owner: "acme") { name } }', "missing required arguments: name"),
        ('{ repository(owner: 1, name: "x") { name } }', "Argument 'owner' on Field 'repository' has an invalid value"),
        ('{ repository(owner: "a", name: "b", x: 1) { name } }', "doesn't accept argument 'x'"),
        ("query($o: Int!) { repository(owner: $o, name: $o) { name } }", "Type mismatch on variable $o"),
        (PULLS.replace("first: 9", "") % "id", "You must provide a `first` or `last` value"),
        (PULLS.replace("first: 9", "first: 101") % "id", "exceeds the `first` limit of 100"),
        (PULLS.replace("first: 9", "first: 9, states: [open]") % "id", "Argument 'states'"),
        (PULLS % "... on Commit { oid }", "Fragment on Commit can't be spread inside PullRequest"),
        (PULLS % "...missing", "Fragment missing was used, but not defined"),
        ("{ viewer { login }", 'Unexpected "end of file"'),
    ],
)
def test_a_query_that_github_would_not_take_is_an_error(robot: Client, query: str, problem: str) -> None:
    answer = robot.ask(query)
    assert "data" not in answer
    assert problem in " ".join(error["message"] for error in answer["errors"])


def test_a_query_for_too_many_nodes_is_an_error(robot: Client) -> None:
    deep = "commits(first: 100) { nodes { commit { history(first: 100) { nodes { oid } } } } }"
    [error] = robot.ask(PULLS.replace("first: 9", "first: 100") % deep)["errors"]
    assert error["type"] == "MAX_NODE_LIMIT_EXCEEDED"


def test_aliases_variables_and_fragments_work_together(robot: Client, opened: str) -> None:
    query = """
        query($owner: String!, $head: String!, $states: [PullRequestState!]) {
          repository(owner: $owner, name: "gitops") {
            mine: pullRequests(first: 1, headRefName: $head, states: $states) { totalCount nodes { ...about } }
            other: pullRequests(first: 1, headRefName: "other") { totalCount nodes { ...about } }
          }
          rateLimit { cost remaining }
        }
        fragment about on PullRequest { __typename n: number commits(last: 1) { nodes { commit { oid } } } }"""
    data = robot.ask(query, owner="acme", head=HEAD, states=["OPEN"])["data"]
    pull = {"__typename": "PullRequest", "n": 1, "commits": {"nodes": [{"commit": {"oid": opened}}]}}
    assert data["repository"] == {
        "mine": {"totalCount": 1, "nodes": [pull]},
        "other": {"totalCount": 0, "nodes": []},
    }
    assert data["rateLimit"] == {"cost": 1, "remaining": 4999}


def test_connections_are_read_page_by_page(github: GitHub, robot: Client, opened: str) -> None:
    github.person("alice").label(1, "a", "b", "c")
    query = (
        'query($after: String) { repository(owner: "acme", name: "gitops") { pullRequest(number: 1) {'
        " labels(first: 2, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } } } } }"
    )

    def page(after: str | None) -> Any:
        return robot.ask(query, after=after)["data"]["repository"]["pullRequest"]["labels"]

    first = page(None)
    assert ([label["name"] for label in first["nodes"]], first["pageInfo"]["hasNextPage"]) == (["a", "b"], True)
    last = page(first["pageInfo"]["endCursor"])
    assert ([label["name"] for label in last["nodes"]], last["pageInfo"]["hasNextPage"]) == (["c"], False)


def test_what_is_reported_of_a_commit_comes_together(github: GitHub, robot: Client, opened: str) -> None:
    robot.send("POST", f"/statuses/{opened}", state="success", context="ci")
    app = Client(github, installation_token(github))
    app.send("POST", "/check-runs", name="smoke", head_sha=opened, conclusion="failure")
    query = (
        'query($oid: GitObjectID!) { repository(owner: "acme", name: "gitops") { object(oid: $oid) { ... on Commit {'
        " statusCheckRollup { state contexts(first: 9) { nodes { __typename ... on StatusContext { context state }"
        " ... on CheckRun { name status conclusion } } } } } } } }"
    )
    rollup = robot.ask(query, oid=opened)["data"]["repository"]["object"]["statusCheckRollup"]
    assert rollup["state"] == "FAILURE"
    assert rollup["contexts"]["nodes"] == [
        {"__typename": "StatusContext", "context": "ci", "state": "SUCCESS"},
        {"__typename": "CheckRun", "name": "smoke", "status": "COMPLETED", "conclusion": "FAILURE"},
    ]
    assert robot.ask(query, oid="0" * 40)["data"]["repository"]["object"] is None


def test_who_closed_it_is_in_the_timeline(github: GitHub, robot: Client, opened: str) -> None:
    github.person("alice").close(1)
    event = "timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { login } } } }"
    [pull] = robot.ask(PULLS % event)["data"]["repository"]["pullRequests"]["nodes"]
    assert pull["timelineItems"]["nodes"] == [{"actor": {"login": "alice"}}]


def test_points_run_out(github: GitHub, robot: Client, watch: Watch) -> None:
    github.limits.hourly = 1
    robot.ask("{ viewer { login } }")
    assert robot.ask("{ viewer { login } }")["errors"][0]["type"] == "RATE_LIMITED"


def test_labels_are_added_by_their_ids(github: GitHub, robot: Client, opened: str) -> None:
    robot.send("POST", "/issues/1/labels", labels=["a"])
    robot.call("DELETE", "/repos/acme/gitops/issues/1/labels/a")
    found = robot.ask('{ repository(owner: "acme", name: "gitops") { label(name: "a") { id } } }')
    robot.ask(
        'mutation($ids: [ID!]!) { addLabelsToLabelable(input: {labelableId: "PR_1", labelIds: $ids}) {'
        " clientMutationId } }",
        ids=[found["data"]["repository"]["label"]["id"]],
    )
    assert [label["name"] for label in robot.pull()["labels"]] == ["a"]


# --- what can go wrong


@pytest.mark.parametrize(("kind", "status"), [("error", 500), ("throttled", 403)])
def test_scripted_faults_meet_so_many_requests_of_a_kind(
    github: GitHub, robot: Client, opened: str, kind: Any, status: int
) -> None:
    github.fault(kind, path="/pulls/1", method="GET", times=2, after=3)
    assert robot.get().status == 200
    replies = [robot.get("/pulls/1") for _ in range(3)]
    assert [reply.status for reply in replies] == [status, status, 200]
    assert replies[0].headers.get("retry-after") == ("3" if kind == "throttled" else None)


@pytest.mark.parametrize("kind", ["page", "bad gateway", "truncated"])
def test_answers_may_be_nonsense(github: GitHub, robot: Client, kind: Any) -> None:
    github.fault(kind)
    with pytest.raises(json.JSONDecodeError):
        robot.get()


@pytest.mark.parametrize(("kind", "comments"), [("closed", 0), ("cut", 1)])
def test_connections_may_break_before_or_after_the_work(
    github: GitHub, robot: Client, opened: str, kind: Any, comments: int
) -> None:
    github.fault(kind, method="POST")
    with pytest.raises(OSError, match="closed connection"):
        robot.send("POST", "/issues/1/comments", body="x")
    assert len(robot.get("/issues/1/comments").body) == comments
    assert [seen.status for seen in github.log if seen.is_write][-1] is None


def test_something_may_happen_just_before_a_request(github: GitHub, robot: Client, opened: str) -> None:
    alice = github.person("alice")
    github.before(lambda: alice.push(HEAD, {"a.yaml": "a: 3\n"}), path="/merge")
    assert robot.merge(sha=opened).status == 409


def test_requests_are_remembered(github: GitHub, robot: Client) -> None:
    robot.get()
    robot.open("nowhere")
    seen = [(one.method, one.path, one.status, one.is_write) for one in github.log]
    assert seen == [
        ("GET", "/repos/acme/gitops", 200, False),
        ("POST", "/repos/acme/gitops/pulls", 422, True),
    ]


def test_hooks_are_told_with_a_signature(github: GitHub, robot: Client, opened: str) -> None:
    github.hooks.append(Hook(f"{github.site}/nobody", "secret"))
    robot.send("POST", f"/statuses/{opened}", state="success", context="ci")
    [told] = [one for one in github.deliveries if one.headers["X-GitHub-Event"] == "status"]
    assert json.loads(told.body)["context"] == "ci"
    assert told.headers["X-Hub-Signature-256"] == signature(b"secret", told.body)
    assert len(told.headers["X-GitHub-Delivery"]) == 36


# --- the check against the description


@pytest.fixture
def loose(tmp_path: Path, watch: Watch) -> Iterator[GitHub]:
    """A stand-in whose violations are the test's own business."""
    with GitHub(tmp_path, FILES, watch.now, load(components.require_description())) as ready:
        yield ready


@pytest.mark.parametrize(
    ("method", "path", "body", "wrong"),
    [
        ("POST", "/pulls", {"title": "x", "head": "x"}, "'base' is a required property"),
        ("POST", "/pulls", {"title": 1, "head": "x", "base": "main"}, "1 is not of type 'string'"),
        ("POST", "/pulls", {"titel": "x", "head": "x", "base": "main"}, "there is no titel"),
        ("POST", "/pulls", None, "the body is missing"),
        ("GET", "/pulls?stat=open", None, "there is no parameter 'stat'"),
        ("GET", "/pulls?state=shut", None, "'shut' is not one of"),
        ("GET", "/milestones", None, "does not know this call"),
    ],
)
def test_a_request_that_github_does_not_describe_fails_loudly(
    loose: GitHub, method: str, path: str, body: Any, wrong: str
) -> None:
    reply = Client(loose, loose.token().value).call(method, f"/repos/acme/gitops{path}", body)
    assert reply.status == 500
    assert wrong in reply.reason
    assert wrong in loose.violations[0]


def test_an_answer_that_github_does_not_describe_fails_loudly(loose: GitHub) -> None:
    loose.repository.default_branch = 7  # type: ignore[assignment]
    assert Client(loose, loose.token().value).get().status == 500
    assert "default_branch: 7 is not of type 'string'" in loose.violations[0]


def test_all_calls_of_the_stand_in_are_described() -> None:
    description = load(components.require_description())
    assert [route for route in ROUTES if not description.knows(route.method, route.template)] == []


def signature(secret: bytes, body: bytes) -> str:
    import hashlib
    import hmac

    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
