"""What GitHub tells, as values of ours, where it is unlike what one sees every day."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from tests.helpers.github_nodes import AT, context, node, on, run
from tests.helpers.gitops import NOON
from updater.errors import ForgeError
from updater.forge import Approval, Status
from updater.forges.github.reading import expected, is_ours, newest, pull_request, statuses


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ({"__typename": "User", "login": "alice"}, "alice"),
        ({"__typename": "Bot", "login": "updater-app"}, "updater-app[bot]"),
        (None, "ghost"),
    ],
)
def test_an_author_may_be_a_person_a_bot_or_gone(author: Any, name: str) -> None:
    assert pull_request(node(author=author), NOON).author == name


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (node(), True),
        (node(isCrossRepository=True), False),
        (node(headRefName="feature"), False),
        (node(headRefName="updaterx/test/a"), False),
    ],
)
def test_a_branch_of_a_fork_or_another_name_is_not_ours(given: dict[str, Any], ours: bool) -> None:
    assert is_ours(given) is ours


@pytest.mark.parametrize(
    ("state", "draft", "readiness"),
    [
        ("CLEAN", False, "ready"),
        ("HAS_HOOKS", False, "ready"),
        ("UNSTABLE", False, "ready"),
        ("CLEAN", True, "blocked"),
        ("DRAFT", False, "blocked"),
        ("BLOCKED", False, "blocked"),
        ("BEHIND", False, "behind"),
        ("DIRTY", False, "conflicting"),
        ("UNKNOWN", False, "unknown"),
        ("SOMETHING_NEW", False, "unknown"),
    ],
)
def test_each_state_of_merging_has_its_readiness(state: str, draft: bool, readiness: str) -> None:
    assert pull_request(node(mergeStateStatus=state, isDraft=draft), NOON).readiness == readiness
    assert pull_request(node(state="CLOSED", mergeStateStatus=state), NOON).readiness == "unknown"


@pytest.mark.parametrize(
    ("state", "readiness"),
    [("CLEAN", "blocked"), ("BEHIND", "blocked"), ("UNKNOWN", "blocked"), ("DIRTY", "conflicting")],
)
def test_one_to_which_somebody_objects_is_blocked_whatever_the_rules_say(state: str, readiness: str) -> None:
    review = {"state": "CHANGES_REQUESTED", "author": {"login": "bob"}, "commit": {"oid": "c0ffee"}}
    told = node(mergeStateStatus=state, latestOpinionatedReviews={"nodes": [review]})
    assert pull_request(told, NOON).readiness == readiness


def test_who_closed_one_is_the_last_who_did_or_who_merged_it() -> None:
    closings = {"nodes": [{"actor": {"login": "bob"}}]}
    assert pull_request(node(state="CLOSED", closedAt=AT, timelineItems=closings), NOON).closed_by == "bob"
    merged = node(state="MERGED", timelineItems=closings, mergedBy={"login": "carol"}, mergeCommit={"oid": "beef"})
    found = pull_request(merged, NOON)
    assert (found.closed_by, found.merged_as) == ("carol", "beef")
    assert pull_request(node(state="CLOSED"), NOON).closed_by == "ghost"
    assert pull_request(node(timelineItems=closings), NOON).closed_by is None


def test_a_test_merge_of_an_open_one_is_not_where_it_landed() -> None:
    assert pull_request(node(mergeCommit={"oid": "beef"}), NOON).merged_as is None


def test_times_are_in_utc_and_an_empty_text_is_one() -> None:
    found = pull_request(node(body=None, closedAt=AT), NOON)
    assert (found.opened_at, found.closed_at, found.body) == (NOON, NOON, "")
    assert found.opened_at.tzinfo is UTC


def test_only_approvals_that_stand_and_name_a_commit_count() -> None:
    who = {"login": "alice"}
    reviews = [
        {"state": "APPROVED", "author": who, "commit": {"oid": "c0ffee"}},
        {"state": "CHANGES_REQUESTED", "author": {"login": "bob"}, "commit": {"oid": "c0ffee"}},
        {"state": "DISMISSED", "author": {"login": "carol"}, "commit": {"oid": "c0ffee"}},
        {"state": "APPROVED", "author": {"login": "dave"}, "commit": None},
        None,
    ]
    found = pull_request(node(latestOpinionatedReviews={"nodes": reviews}), NOON)
    assert found.approvals == (Approval("alice", "c0ffee"),)


def test_reports_on_another_commit_than_the_head_are_not_its_own() -> None:
    assert pull_request(node(commits=on("c0ffee", context())), NOON).statuses != ()
    assert pull_request(node(commits=on("0ld", context())), NOON).statuses == ()
    nothing = {"nodes": [{"commit": {"oid": "c0ffee", "statusCheckRollup": None}}]}
    assert pull_request(node(commits=nothing), NOON).statuses == ()


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (context("SUCCESS"), "success"),
        (context("FAILURE"), "failure"),
        (context("ERROR"), "error"),
        (context("PENDING"), "pending"),
        (context("EXPECTED"), "pending"),
        (run("COMPLETED", "SUCCESS"), "success"),
        (run("COMPLETED", "STARTUP_FAILURE"), "failure"),
        (run("COMPLETED", None), "failure"),
        (run("WAITING", None), "pending"),
    ],
)
def test_each_kind_of_report_has_its_state(given: dict[str, Any], state: str) -> None:
    assert [report.state for report in statuses({"nodes": [given, None]}, NOON)] == [state]


def test_a_run_counts_from_its_end_else_its_beginning_else_as_of_now() -> None:
    early, late = "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"
    runs = [run(startedAt=early, completedAt=late), run(startedAt=early), run()]
    assert [report.at.hour for report in statuses({"nodes": runs}, NOON)] == [11, 10, 12]


def test_of_a_context_the_newest_report_counts() -> None:
    old, new = (Status("x", "failure", NOON.replace(hour=hour)) for hour in (10, 11))
    other = Status("a", "success", NOON)
    assert newest([new, old, other]) == (other, new)


@pytest.mark.parametrize("missing", ["number", "headRefOid", "labels", "createdAt"])
def test_what_is_missing_is_named(missing: str) -> None:
    given = node()
    del given[missing]
    with pytest.raises(ForgeError, match=f"no '{missing}'$") as caught, expected():
        pull_request(given, NOON)
    assert "UPDATER_GITHUB_API" in str(caught.value.hint)


@pytest.mark.parametrize(
    "odd", [{"state": "NEW"}, {"createdAt": "soon"}, {"createdAt": None}, {"labels": {"nodes": [7]}}]
)
def test_what_has_another_form_is_an_error_in_words(odd: dict[str, Any]) -> None:
    with pytest.raises(ForgeError, match="^GitHub answers in a form that we do not know: "), expected():
        pull_request(node(**odd), NOON)
