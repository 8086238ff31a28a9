"""What GitHub's answers mean: done, wait, unclear or refused, in words without anything that could do harm."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from updater.errors import ForgeError, ForgeRefused
from updater.forges.github.answers import Answer, Asked, Later, content, data, said

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED = Asked("acme/gitops", "merge #7", "contents: write", "UPDATER_GITHUB_TOKEN")
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def later(given: Answer) -> Later:
    with pytest.raises(Later) as caught:
        content(given, ASKED, NOON)
    return caught.value


def refused(given: Answer) -> ForgeRefused:
    with pytest.raises(ForgeRefused) as caught:
        content(given, ASKED, NOON)
    return caught.value


def query_failure(*errors: Any, found: Any = None, **headers: str) -> Exception:
    with pytest.raises((Later, ForgeError)) as caught:
        data(answer(200, {"data": found, "errors": list(errors)}, **headers), ASKED, NOON)
    return caught.value


@pytest.mark.parametrize(("status", "text", "found"), [(200, '{"a": 1}', {"a": 1}), (201, "[]", []), (204, "", None)])
def test_success_gives_the_json(status: int, text: str, found: object) -> None:
    assert content(answer(status, text), ASKED, NOON) == found


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (answer(403, {"message": SECONDARY}, retry_after="7"), 7),
        (answer(429, {"message": "Slow down"}, retry_after="30"), 30),
        (answer(403, {"message": SECONDARY}), 60),
        (answer(403, {"message": "You have triggered an abuse detection mechanism."}), 60),
        (answer(429, "<html>"), 60),
        (answer(403, {"message": SECONDARY}, retry_after="soon"), 60),
        (answer(403, {"message": SECONDARY}, retry_after="0"), 1),
        (answer(403, {"message": SECONDARY}, retry_after="-7"), 1),
        (answer(403, {"message": SECONDARY}, retry_after="nan"), 1),
        (answer(403, {"message": SECONDARY}, retry_after="1e99"), 86400),
        (answer(403, {"message": "-"}, x_ratelimit_remaining="0", x_ratelimit_reset="inf"), 86400),
        (answer(403, {"message": "-"}, x_ratelimit_remaining="0", x_ratelimit_reset="1795176040"), 40),
        (answer(429, {"message": "-"}, x_ratelimit_remaining="0", x_ratelimit_reset="1795170000"), 1),
        (answer(403, {"message": "-"}, x_ratelimit_remaining="0"), 60),
        (answer(405, {"message": "Base branch was modified. Review and try the merge again."}), 1),
    ],
)
def test_limits_say_how_long_to_wait(given: Answer, seconds: float) -> None:
    assert NOON.timestamp() == 1795176000
    assert later(given).seconds == seconds


@pytest.mark.parametrize(
    "given",
    [
        answer(500, {"message": "Server Error"}),
        answer(502, "<html><h1>Unicorn!</h1>"),
        answer(503, ""),
        answer(200, "<html>"),
        answer(201, '{"number": 1, "ti'),
        answer(200, "[" * 100_000),
    ],
)
def test_it_is_unclear_what_became_of_a_request_with_a_broken_answer(given: Answer) -> None:
    assert later(given).seconds is None


def test_a_success_of_nothing_left_is_no_reason_to_wait() -> None:
    assert content(answer(200, {}, x_ratelimit_remaining="0"), ASKED, NOON) == {}


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (answer(401, {"message": "Bad credentials"}), "Bad credentials", "has expired or was taken back"),
        (answer(404, {"message": "Not Found"}), "Not Found", "see that acme/gitops is its name"),
        (answer(403, {"message": "Resource not accessible"}), "Resource not accessible", "right `contents: write`"),
        (
            answer(403, {"message": "No"}, x_accepted_github_permissions="pull_requests=write"),
            "No",
            "right `pull requests: write`",
        ),
        (
            answer(403, {"message": "No"}, x_github_sso="required; url=https://github.com/orgs/acme/sso?x=1"),
            "No",
            "single sign-on: https://github.com/orgs/acme/sso?x=1",
        ),
        (answer(409, {"message": "Head branch was modified."}), "Head branch was modified.", None),
        (answer(307, {"message": "Moved"}), "GitHub answers with 307", "UPDATER_GITHUB_API"),
    ],
)
def test_a_refusal_says_what_was_to_be_done_why_it_was_not_and_what_to_mend(
    given: Answer, message: str, hint: str | None
) -> None:
    error = refused(given)
    assert error.message == f"cannot merge #7: {message}"
    assert (hint or "None") in str(error.hint)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"message": "Validation Failed", "errors": [{"message": "No commits between a and b"}]},
            "No commits between a and b",
        ),
        ({"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]}, "head is invalid"),
        ({"message": "Unprocessable Entity", "errors": ["Can not approve"]}, "Unprocessable Entity; Can not approve"),
        ({"message": "Unprocessable Entity", "errors": "Can not"}, "Unprocessable Entity; Can not"),
        ({"message": "Validation Failed"}, "Validation Failed"),
        ({"message": "a\n\x1b[31mb\u202e"}, "a [31mb"),
        ({"message": "x" * 5000}, "x" * 399 + "…"),
        ({"message": 7, "errors": [7, None]}, "it answers with 422"),
        ({}, "it answers with 422"),
        ([], "it answers with 422 and no reason"),
        ("<html>", "it answers with 422 and no reason"),
        ("[" * 100_000, "it answers with 422 and no reason"),
    ],
)
def test_what_github_says_is_one_short_printable_line(body: Any, words: str) -> None:
    assert said(answer(422, body)) == words


def test_a_query_gives_its_data() -> None:
    assert data(answer(200, {"data": {"a": 1}}), ASKED, NOON) == ({"a": 1}, True)


@pytest.mark.parametrize("body", [[], {}, {"data": None}, {"data": 7}])
def test_a_query_without_data_may_be_asked_again(body: Any) -> None:
    with pytest.raises(Later) as caught:
        data(answer(200, body), ASKED, NOON)
    assert caught.value.seconds is None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, 40),
        ({"message": SECONDARY}, 40),
        ({"message": "Something went wrong while executing your query. Please include ABC."}, None),
    ],
)
def test_a_query_may_have_to_wait_as_well(error: Any, seconds: float | None) -> None:
    found = query_failure(error, x_ratelimit_reset="1795176040")
    assert isinstance(found, Later)
    assert found.seconds == seconds


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        ({"type": "NOT_FOUND", "message": "No #7"}, ForgeRefused, "No #7", "acme/gitops"),
        ({"type": "FORBIDDEN", "message": "No"}, ForgeRefused, "No", "`contents: write`"),
        ({"type": "INSUFFICIENT_SCOPES", "message": "No"}, ForgeRefused, "No", "`contents: write`"),
        ({"type": "UNPROCESSABLE", "message": "No"}, ForgeRefused, "No", "None"),
        ({"message": "Field 'x' doesn't exist"}, ForgeError, "Field 'x' doesn't exist", "None"),
        ("nonsense", ForgeError, "no reason", "None"),
    ],
)
def test_errors_of_a_query_are_told_in_words(error: Any, kind: type[ForgeError], message: str, hint: str) -> None:
    found = query_failure(error)
    assert type(found) is kind
    assert isinstance(found, ForgeError)
    assert found.message == f"cannot merge #7: {message}"
    assert hint in str(found.hint)


def test_reports_that_a_token_may_not_read_are_left_out() -> None:
    error = {"type": "FORBIDDEN", "message": "No", "path": ["repository", "n0", "contexts", "nodes", 0]}
    body = {"data": {"repository": {}}, "errors": [error]}
    assert data(answer(200, body), ASKED, NOON) == ({"repository": {}}, False)


def test_other_errors_beside_them_still_count() -> None:
    report = {"type": "FORBIDDEN", "message": "No report", "path": ["contexts"]}
    found = query_failure(report, {"type": "NOT_FOUND", "message": "No #7"}, found={"repository": {}})
    assert "No #7" in str(found)


def test_headers_and_texts_which_may_hold_tokens_are_in_no_representation() -> None:
    assert "hush" not in repr(answer(200, "hush", authorization="hush"))
