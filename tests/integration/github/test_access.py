"""Whom GitHub lets do what, how often, and what it takes from git."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import components, gitops
from tests.helpers.events import NOON
from tests.helpers.github.calls import ROUTES
from tests.helpers.github.client import HEAD, PULLS, Client
from tests.helpers.github.openapi import load
from tests.helpers.github.refusals import Refusal
from tests.helpers.github.server import GitHub
from tests.helpers.github.stand import Watch


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


@pytest.mark.parametrize(("kind", "who"), [("fine-grained", "personal access token"), ("installation", "integration")])
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
    as_app = Client(github, app.assertion(NOON))
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
    assert Client(github, app.assertion(NOON, **claims)).call("GET", "/app").status == 401


def test_a_web_token_that_another_key_signed_is_refused(github: GitHub) -> None:
    app, other = github.app("one"), github.app("two")
    forged = other.assertion(NOON, iss=str(app.id))
    assert Client(github, forged).call("GET", "/app").status == 401


def test_a_bot_has_its_name_with_brackets_in_rest_alone(github: GitHub, bot: Client, opened: str) -> None:
    github.person("carol").push("other", {"b.yaml": "b: 2\n"})
    assert bot.open("other").body["user"]["login"] == "updater-app[bot]"
    nodes = bot.listed("author { __typename login }")
    assert nodes[1] == {"author": {"__typename": "Bot", "login": "updater-app"}}
    assert bot.call("GET", "/user").status == 403


def test_requests_are_counted_by_the_hour(github: GitHub, robot: Client, watch: Watch) -> None:
    github.limits.hourly = 2
    assert [robot.get().headers["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
    over = robot.get()
    assert (over.status, over.headers["x-ratelimit-remaining"], "rate limit exceeded" in over.reason) == (
        403,
        "0",
        True,
    )
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
    assert refused.value.headers["retry-after"] == str(3600 - 500)


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
    github.protect()
    robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone")
    clone = tmp_path / "clone"
    refused = robot.git(clone, "push", "origin", f"{opened}:refs/heads/main", f"{opened}:refs/heads/other")
    assert "GH006: Protected branch update failed for refs/heads/main." in refused.stderr
    assert gitops.tip(github.bare, "other") == opened


def test_a_push_of_too_many_refs_is_refused_whole(github: GitHub, robot: Client, tmp_path: Path) -> None:
    github.settings.most_refs = 2
    robot.git(tmp_path, "clone", "--quiet", github.git_url, "clone")
    refused = robot.git(tmp_path / "clone", "push", "origin", "HEAD:a", "HEAD:b", "HEAD:c")
    assert "can not update more than 2 branches" in refused.stderr
    assert robot.git(tmp_path / "clone", "push", "origin", "HEAD:a", "HEAD:b").returncode == 0
