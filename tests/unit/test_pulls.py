"""Which of our pull requests a person means, and what is told of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.events import at
from tests.helpers.promoted import HEAD, World, promoting, standing, world
from updater.by_hand import pulls
from updater.by_hand.services import refresh
from updater.errors import UsageError
from updater.forge import GATES, Approval, PullRequest, Status

TWO = {**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")}
PROD = {**promoting(name="prod"), **standing("prod", "1")}
PULL = PullRequest(
    3, "open", "Deploy", "", HEAD, "main", "c0ffee", "refs/pull/3/head", "updater", at(0), readiness="ready"
)


def begun(*more: str) -> World:
    """#1 proposes model-a to prod, #2 model-a and #3 model-b to staging."""
    made = world(*more, test="2", files={**TWO, **PROD})
    made.reconcile()
    return made


def listed(made: World, *wanted: str, env: str | None = None, settled: bool = False) -> list[int]:
    refresh(made.parts.sight)
    return [pull.number for pull in pulls.listed(made.parts.sight, wanted, env, settled=settled)]


@pytest.mark.parametrize(
    ("wanted", "environment", "numbers"),
    [
        ((), None, [1, 2, 3]),
        (("model-a",), None, [1, 2]),
        (("model-*",), "staging", [2, 3]),
        (("staging/model-*",), None, [2, 3]),
        (("*/model-b", "1"), None, [1, 3]),
        (("#2",), None, [2]),
        (("model",), None, []),
    ],
)
def test_a_number_or_a_glob_of_service_or_environment_and_service_names_pull_requests(
    wanted: tuple[str, ...], environment: str | None, numbers: list[int]
) -> None:
    assert listed(begun(), *wanted, env=environment) == numbers


def test_what_is_shared_by_all_services_has_a_name_too() -> None:
    made = world("pull-request: {per: environment}", test="2", files=TWO)
    made.reconcile()
    assert (listed(made, "staging/@all"), listed(made, "model-a")) == ([1], [])


def test_merged_and_closed_ones_are_listed_where_all_are_asked_for_though_their_branches_are_gone() -> None:
    made = begun()
    made.merge(1)
    made.close(2)
    for head in [each.head for each in made.forge.all.values()]:
        made.repository.remote.pop(head)
    assert (listed(made), listed(made, settled=True), listed(made, "model-a", settled=True)) == ([3], [3, 2, 1], [2, 1])


def test_a_closed_one_for_all_services_is_listed_too() -> None:
    made = world("pull-request: {per: environment}", test="2", files=TWO)
    made.reconcile()
    made.close(1)
    made.repository.remote.pop("updater/staging/@all")
    assert listed(made, settled=True) == [1]


def test_settled_ones_are_asked_for_together() -> None:
    made = begun()
    made.forge.calls.clear()
    listed(made, settled=True)
    assert [call[0] for call in made.forge.calls] == ["opened", "settled"]


def test_an_environment_that_nobody_knows_is_told() -> None:
    with pytest.raises(UsageError, match="there is no environment 'stagign'") as caught:
        listed(begun(), env="stagign")
    assert caught.value.hint is not None
    assert "staging" in caught.value.hint


def test_pull_requests_of_an_environment_that_is_gone_can_be_named() -> None:
    made = begun()
    made.delete("environments/prod.yaml")
    assert listed(made, env="prod") == [1]


@pytest.mark.parametrize(
    ("wanted", "environment", "message"),
    [
        (("1", "9"), None, "no open pull request is 9"),
        (("model-c", "x"), None, "no open pull request is model-c or x"),
        (("1",), "staging", "no open pull request of staging is 1"),
    ],
)
def test_who_names_one_that_is_not_open_gets_none_of_them(
    wanted: tuple[str, ...], environment: str | None, message: str
) -> None:
    made = begun()
    refresh(made.parts.sight)
    with pytest.raises(UsageError) as caught:
        pulls.chosen(made.parts.sight, wanted, environment)
    assert str(caught.value) == message
    assert caught.value.hint is not None
    assert "#3 staging/model-b" in caught.value.hint


def test_where_nothing_is_open_the_hint_leads_to_what_was() -> None:
    with pytest.raises(UsageError) as caught:
        pulls.chosen(world().parts.sight, ["1"], None)
    assert caught.value.hint == "`updater pr list --all` shows merged and closed ones"


@pytest.mark.parametrize("number", ["1", "#1", "2", "3"])
def test_one_is_found_by_its_number_in_any_state(number: str) -> None:
    made = begun()
    made.merge(1)
    made.close(2)
    refresh(made.parts.sight)
    assert pulls.one(made.parts.sight, number).number == int(number.strip("#"))


@pytest.mark.parametrize(
    ("number", "message"),
    [("9", "#9 is no pull request of ours"), ("model-a", "'model-a' is no number of a pull request")],
)
def test_a_number_that_is_none_of_ours_is_told(number: str, message: str) -> None:
    made = begun()
    refresh(made.parts.sight)
    with pytest.raises(UsageError) as caught:
        pulls.one(made.parts.sight, number)
    assert str(caught.value) == message


def test_only_who_agreed_to_what_it_is_now_counts_as_approving() -> None:
    approvals = (Approval("bob", "old"), Approval("ana", "c0ffee"), Approval("ana", "c0ffee"))
    assert pulls.approved_by(replace(PULL, approvals=approvals)) == ["ana"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"readiness": "unknown"}, None),
        ({"readiness": "blocked"}, "what the forge's rules demand (reviews, statuses)"),
        ({"readiness": "behind"}, "its branch to be brought up to date with the base"),
        ({"readiness": "conflicting"}, "a conflict with its base to be solved"),
        ({"draft": True, "readiness": "blocked"}, "somebody to say that it is no draft any more"),
        ({"queued": True}, "its turn in the merge queue"),
        ({"statuses": (Status("smoke", "failure", at(0)),)}, None),
        ({"statuses": (Status(GATES, "success", at(0), "all gates are green"),)}, None),
        ({"statuses": (Status(GATES, "pending", at(0), "waits for smoke"),)}, "waits for smoke"),
        ({"statuses": (Status(GATES, "error", at(0)),)}, "updater/gates, which is error"),
        ({"state": "merged", "readiness": "blocked"}, None),
    ],
)
def test_what_a_pull_request_waits_for_is_told_in_words(changes: dict[str, Any], told: str | None) -> None:
    assert pulls.waits_for(replace(PULL, **changes)) == told


def test_a_pull_request_is_named_by_what_it_is_about() -> None:
    heads = (HEAD, "updater/a%20b/%40all", "updater/staging/@settings", "odd")
    names = [pulls.name(replace(PULL, head=head)) for head in heads]
    assert names == ["staging/model-a", "a b/@all", "staging/@settings", "odd"]
