"""The checks that every decoder of gates' results shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import reports
from updater.core.reports import LONGEST_DESCRIPTION, LONGEST_NAME, reported
from updater.errors import EventError
from updater.forge import GATES
from updater.model import Message, Reported

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COMMIT = "c0ffee" + "0" * 34


def posted(address: str, payload: Any) -> Reported | None:
    return reports.posted_status(Message("argocd", payload, "1", NOW, address=address))


def test_a_result_holds_what_was_told_of_it() -> None:
    told = reported("smoke-test", "success", service="model-a", environment="test", description="fine")
    assert told == Reported("smoke-test", "success", None, "test", "model-a", "fine", None)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "tab\tbed", "\u202etset", "\ud800", "x" * (LONGEST_NAME + 1)])
@pytest.mark.parametrize("key", ["context", "environment", "service"])
def test_a_name_that_is_not_one_short_line_is_refused(key: str, name: str) -> None:
    names = {"context": "smoke-test", "environment": "test", "service": "model-a", key: name}
    with pytest.raises(EventError, match="is not a name in one line"):
        reported(names.pop("context"), "success", **names)


def test_a_name_may_be_as_long_as_a_folder_s_and_in_any_script() -> None:
    assert reported("x" * LONGEST_NAME, "success", commit=COMMIT).context == "x" * LONGEST_NAME
    assert reported("Rauchprüfung 1", "success", commit=COMMIT).context == "Rauchprüfung 1"


@pytest.mark.parametrize("context", [GATES, GATES.upper()])
def test_nobody_reports_in_the_updater_s_own_name(context: str) -> None:
    """Forges do not tell capitals in contexts apart."""
    with pytest.raises(EventError, match="what the updater itself reports"):
        reported(context, "success", commit=COMMIT)


@pytest.mark.parametrize("commit", ["", "main", "c0ffee", COMMIT.upper(), COMMIT + "0", f"{COMMIT}\n", "x" * 40])
def test_a_commit_is_a_whole_object_id(commit: str) -> None:
    with pytest.raises(EventError, match="is not a commit"):
        reported("smoke-test", "success", commit=commit)


@pytest.mark.parametrize("commit", [COMMIT, "ab" * 32])
def test_an_object_id_may_be_by_either_of_git_s_hashes(commit: str) -> None:
    assert reported("smoke-test", "success", commit=commit).commit == commit


@pytest.mark.parametrize(
    "url",
    [
        "https://ci.example",
        "http://ci.example:8080/runs/7?attempt=2&x=%20#end",
        "https://argocd.example/applications/model-a",
        "https://ci.example?run=7",
    ],
)
def test_a_page_by_http_is_kept(url: str) -> None:
    assert reported("smoke-test", "success", commit=COMMIT, url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ci.example/runs/7",
        "ftp://ci.example/",
        "javascript:alert(1)",
        "https://",
        "https:///runs",
        "https://alice:secret@ci.example/",
        "https://ci.example/a b",
        'https://ci.example/"><script>',
        "https://ci.example/[x](y)",
        "https://ci.example/\n",
        "https://ci.example/" + "x" * 2000,
    ],
)
def test_an_address_that_a_browser_should_not_follow_is_left_out(url: str) -> None:
    assert reported("smoke-test", "success", commit=COMMIT, url=url).url is None


def test_a_description_is_made_one_line() -> None:
    told = reported("x", "failure", commit=COMMIT, description=" 3 of 12\n\tfailed\x00\u202e ")
    assert told.description == "3 of 12 failed??"


@pytest.mark.parametrize(("length", "end"), [(LONGEST_DESCRIPTION, "xxx"), (LONGEST_DESCRIPTION + 1, "...")])
def test_a_description_is_cut_to_what_forges_take_and_says_so(length: int, end: str) -> None:
    description = reported("x", "failure", commit=COMMIT, description="x" * length).description
    assert (len(description), description[-3:]) == (LONGEST_DESCRIPTION, end)


@given(st.text(max_size=300))
def test_any_description_can_be_printed(text: str) -> None:
    description = reported("x", "failure", commit=COMMIT, description=text).description
    assert description.isprintable()
    assert len(description) <= LONGEST_DESCRIPTION


@pytest.mark.parametrize("state", reports.STATES)
def test_a_state_is_known_by_its_name(state: str) -> None:
    assert reports.state_named(state) == state


def test_a_state_that_there_is_not_is_told_which_there_are() -> None:
    with pytest.raises(EventError, match="the state is 'Success'") as caught:
        reports.state_named("Success")
    assert caught.value.hint == "there are: success, pending, failure, error"


# --- as posted to GitHub ---


@pytest.mark.parametrize("prefix", ["", "/api/v3"])
@pytest.mark.parametrize("suffix", ["", "/", "?x=1"])
def test_a_status_posted_as_to_github_has_its_commit_in_the_address(prefix: str, suffix: str) -> None:
    body = {"state": "failure", "context": "e2e", "description": "red", "target_url": "https://ci.example/7"}
    told = posted(f"{prefix}/repos/acme/deploy/statuses/{COMMIT}{suffix}", body)
    assert told == Reported("e2e", "failure", COMMIT, None, None, "red", "https://ci.example/7")


def test_a_status_without_a_context_has_the_one_that_github_gives_it() -> None:
    told = posted(f"/repos/acme/deploy/statuses/{COMMIT}", {"state": "pending"})
    assert told == Reported("default", "pending", COMMIT)


@pytest.mark.parametrize(
    "address", ["", "/", "/repos/acme/deploy", "/repos/acme/statuses/x", f"/x/repos/acme/deploy/statuses/{COMMIT}"]
)
def test_another_address_is_of_no_status(address: str) -> None:
    assert posted(address, {"state": "pending"}) is None


def test_a_body_that_is_no_object_is_no_status() -> None:
    assert posted(f"/repos/acme/deploy/statuses/{COMMIT}", []) is None


@pytest.mark.parametrize(
    "body", [{}, {"state": None}, {"state": "green"}, {"state": 1}, {"state": "error", "context": 1}]
)
def test_a_status_that_is_wrong_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        posted(f"/repos/acme/deploy/statuses/{COMMIT}", body)


# --- keys ---


def test_keys_that_are_known_pass() -> None:
    reports.known_only({"state": 1}, ("context", "state"))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stat", "unknown key 'stat': did you mean `state`?"),
        ("colour", "unknown key 'colour': known are context, state"),
        ("state" * 999, "known are context, state"),
    ],
)
def test_a_key_that_is_not_known_is_named_with_a_near_one(key: str, said: str) -> None:
    with pytest.raises(EventError) as caught:
        reports.known_only({key: 1}, ("context", "state"))
    assert said in caught.value.message
