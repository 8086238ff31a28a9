"""What git's words mean: of which kind a failure is, and the line that is worth showing."""

from __future__ import annotations

import pytest

from updater.adapters import complaints
from updater.adapters.process import Finished
from updater.errors import GitError, RemoteUnavailable

URL = "https://example.org/x.git"
NO_REPOSITORY = """fatal: '/x' does not appear to be a git repository
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
READ_ONLY = """ERROR: The key you are authenticating with has been marked as read only.
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
"""
NO_HOST = """ssh: Could not resolve hostname nowhere.invalid: Name or service not known
fatal: Could not read from remote repository.
"""
CUT = """send-pack: unexpected disconnect while reading sideband packet
fatal: the remote end hung up unexpectedly
Everything up-to-date
"""
OWNER = """fatal: detected dubious ownership in repository at '/x'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /x
"""


def failure(text: str, code: int | None = 128) -> GitError:
    return complaints.failure(Finished(code, b"", text.encode()), "fetch", URL, 7.5)


@pytest.mark.parametrize(
    ("text", "begins", "retry"),
    [
        (NO_REPOSITORY, f"there is no git repository at {URL}: '/x' does not appear", False),
        (READ_ONLY, f"`git fetch` failed for {URL}: ERROR: The key you are", False),
        (NO_HOST, f"{URL} cannot be reached: ssh: Could not resolve hostname", True),
        (CUT, f"{URL} cannot be reached: ", True),
        (OWNER, f"git does not trust {URL}: another user owns it", False),
        ("fatal: unable to access 'x': The requested URL returned error: 503", f"{URL} cannot be reached", True),
        ("fatal: unable to access 'x': The requested URL returned error: 429", f"{URL} cannot be reached", True),
        ("fatal: unable to access 'x': The requested URL returned error: 403", f"{URL} does not let us in", False),
        ("fatal: Authentication failed for 'x'", f"{URL} does not let us in: Authentication failed", False),
        ("fatal: something else\nhint: do this", f"`git fetch` failed for {URL}: something else", False),
        ("", f"`git fetch` failed for {URL}: git ended with code 128", False),
        ("and the repository exists.", f"`git fetch` failed for {URL}: and the repository exists.", False),
    ],
)
def test_a_failure_is_told_by_its_kind_and_its_one_useful_line(text: str, begins: str, retry: bool) -> None:
    error = failure(text)
    assert error.message.startswith(begins)
    assert error.retry is retry
    assert "\n" not in error.message


def test_a_command_that_took_too_long_says_how_long() -> None:
    error = failure("Authentication failed", code=None)
    assert isinstance(error, RemoteUnavailable)
    assert error.message == f"{URL} did not answer `git fetch` within 7.5 s"


@pytest.mark.parametrize(("text", "code", "cut"), [(CUT, 1, True), ("", None, True), (NO_REPOSITORY, 128, False)])
def test_only_a_connection_that_broke_leaves_the_outcome_unknown(text: str, code: int | None, cut: bool) -> None:
    assert complaints.is_cut_off(Finished(code, b"", text.encode())) is cut


@pytest.mark.parametrize(
    "text",
    ["fatal: Authentication failed for 'x'", "The requested URL returned error: 403", "repository 'x' not found"],
)
def test_where_the_forges_token_is_used_that_is_what_may_be_mended(text: str) -> None:
    finished = Finished(128, b"", text.encode())
    error = complaints.failure(finished, "fetch", URL, 7.5, complaints.FORGES_LOGIN)
    assert "`contents: write`" in str(error.hint)
    assert "UPDATER_GIT_PASSWORD" not in str(error.hint)


def test_a_git_that_was_killed_may_be_tried_again_and_nobody_knows_how_far_it_got() -> None:
    found = failure("", code=-9)
    assert isinstance(found, RemoteUnavailable)
    assert "signal 9" in str(found)
    assert complaints.is_cut_off(Finished(-9, b"", b""))
