"""GraphQL as GitHub answers it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.github.client import HEAD, PULLS, Client
from tests.helpers.github.server import GitHub


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


def test_what_is_reported_of_a_commit_comes_together(robot: Client, bot: Client, opened: str) -> None:
    robot.send("POST", f"/statuses/{opened}", state="success", context="ci")
    bot.send("POST", "/check-runs", name="smoke", head_sha=opened, conclusion="failure")
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
    [pull] = robot.listed(event)
    assert pull["timelineItems"]["nodes"] == [{"actor": {"login": "alice"}}]


def test_points_run_out(github: GitHub, robot: Client) -> None:
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
