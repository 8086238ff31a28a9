"""Lists from GitHub that do not fit into one answer, and what strangers put into them."""

from __future__ import annotations

import json
from typing import Any

from tests.helpers.github_nodes import context, node, on
from tests.helpers.wires import Wire
from updater.forge import PER_HEAD
from updater.forges.github import asking
from updater.forges.github.answers import Answer

HEAD = "updater/test/a"
FORK = {"isCrossRepository": True, "headRefName": HEAD}


def answer(**repository: Any) -> Answer:
    return Answer(200, {}, json.dumps({"data": {"repository": repository}}))


def page(nodes: list[Any], after: str | None = None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": after is not None, "endCursor": after}, "nodes": nodes}


def reports(names: list[str], after: str | None = None) -> dict[str, Any]:
    return {"statusCheckRollup": {"contexts": page([context(context=name) for name in names], after)}}


def crowded(after: str | None) -> dict[str, Any]:
    """The commits of a pull request whose last one has more reports than come with it."""
    found = on("c0ffee", context())
    found["nodes"][0]["commit"]["statusCheckRollup"]["contexts"]["pageInfo"] = page([], after)["pageInfo"]
    return found


def test_open_pull_requests_are_read_to_the_last_page_and_given_by_number() -> None:
    wire = Wire([answer(pullRequests=page([node(number=9), None], "A")), answer(pullRequests=page([node(number=2)]))])
    assert [pull.number for pull in asking.opened(wire.client)] == [2, 9]
    assert [asked["after"] for asked in wire.asked] == [None, "A"]


def test_what_came_without_all_its_reports_is_asked_about_again() -> None:
    nodes = [node(commits=crowded("A")), node(number=8, headRefOid="beef")]
    wire = Wire([answer(pullRequests=page(nodes)), answer(n0=reports(["a"], "B")), answer(n0=reports(["b"]))])
    first, second = asking.opened(wire.client)
    assert [report.context for report in first.statuses] == ["a", "b"]
    assert second.statuses == ()
    assert [(asked["o0"], asked["a0"]) for asked in wire.asked[1:]] == [("c0ffee", None), ("c0ffee", "B")]


def test_pull_requests_from_forks_hide_none_of_ours_however_many_there_are() -> None:
    ours = node(state="CLOSED")
    wire = Wire([answer(n0=page([FORK] * 10, "A")), answer(n0=page([FORK] * 9, "B")), answer(n0=page([ours]))])
    assert [pull.number for pull in asking.settled(wire.client, [HEAD])] == [7]
    assert [asked["a0"] for asked in wire.asked] == [None, "A", "B"]
    assert {(asked["owner"], asked["name"], asked["h0"]) for asked in wire.asked} == {("acme", "gitops", HEAD)}


def test_no_page_is_asked_for_that_is_not_needed() -> None:
    many = [node(number=number, state="CLOSED") for number in range(PER_HEAD)]
    wire = Wire([answer(n0=page(many, "A"), n1=page([FORK], "B")), answer(n0=page([]))])
    found = asking.settled(wire.client, [HEAD, "updater/test/b"])
    assert [pull.number for pull in found] == list(range(PER_HEAD))[::-1]
    assert [asked["h0"] for asked in wire.asked] == [HEAD, "updater/test/b"]


def test_what_a_second_page_brings_beyond_what_is_told_is_left_out() -> None:
    older, newer = (
        [node(number=n, state="CLOSED") for n in numbers] for numbers in (range(90, 80, -1), range(99, 90, -1))
    )
    wire = Wire([answer(n0=page([*newer, FORK], "A")), answer(n0=page(older))])
    assert [pull.number for pull in asking.settled(wire.client, [HEAD])] == list(range(99, 89, -1))


def test_a_commit_that_is_unknown_or_has_no_reports_is_left_out() -> None:
    wire = Wire([answer(n0=None, n1={"statusCheckRollup": None}, n2={}, n3=reports([]))])
    assert asking.statuses(wire.client, ["a", "b", "c", "d"]) == {}


def test_a_hundred_commits_are_asked_about_at_once() -> None:
    nothing = {f"n{number}": None for number in range(100)}
    wire = Wire([answer(**nothing), answer(**nothing)])
    asking.statuses(wire.client, [f"{number:040x}" for number in range(101)])
    assert [sum(name.startswith("o") for name in asked) - 1 for asked in wire.asked] == [100, 1]
