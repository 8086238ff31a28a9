"""When GitHub is slow, out of order, wants us to wait or does not know us: nothing is lost, doubled or kept secret."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.github.faults import Kind
from tests.helpers.hub import HEAD, Hub, hub
from updater.adapters.git import Git, Remote
from updater.core import pace
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable, UsageError
from updater.forge import Edit, Forge, Status
from updater.forges.github.client import TRIES

BROKEN: list[Kind] = ["error", "bad gateway", "page", "truncated", "closed", "cut"]
GREEN = Status("smoke-test", "success", gitops.NOON)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path) as found:
        yield found


@contextmanager
def elsewhere() -> Iterator[str]:
    """A server that has moved to another host."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(301)
            self.send_header("Location", "http://elsewhere.invalid/graphql")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        thread.join()


def unavailable(do: Callable[[], object]) -> ForgeUnavailable:
    with pytest.raises(ForgeUnavailable) as caught:
        do()
    assert caught.value.retry
    return caught.value


def refused(do: Callable[[], object]) -> ForgeRefused:
    with pytest.raises(ForgeRefused) as caught:
        do()
    return caught.value


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_read_is_asked_for_again(github: Hub, kind: Kind) -> None:
    github.opened()
    github.github.fault(kind, "graphql", times=TRIES - 1)
    assert [pull.number for pull in github.forge.opened()] == [1]
    assert github.clock.pauses == [1, 2]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_forge_that_stays_out_of_order_is_given_up_in_words(github: Hub, kind: Kind) -> None:
    github.github.fault(kind, "graphql", times=TRIES)
    error = unavailable(github.forge.opened)
    assert re.search("out of order|else than JSON|did not answer: the connection", error.message)
    assert len(github.clock.pauses) == TRIES - 1


def test_a_server_that_sends_us_elsewhere_gets_nothing_sent_there(github: Hub) -> None:
    with elsewhere() as address:
        forge = github.connected({"UPDATER_GITHUB_TOKEN": "x", "UPDATER_GITHUB_API": address})
        with pytest.raises(ForgeError, match=f"^{address} sends us to another server") as caught:
            forge.opened()
    assert "UPDATER_GITHUB_API" in str(caught.value.hint)


def test_a_forge_that_is_not_there_is_given_up(github: Hub) -> None:
    forge = github.connected({"UPDATER_GITHUB_TOKEN": "x", "UPDATER_GITHUB_API": "http://127.0.0.1:1"})
    assert "http://127.0.0.1:1 did not answer: the connection was refused" in unavailable(forge.opened).message


def test_an_answer_that_takes_too_long_is_not_waited_for(github: Hub) -> None:
    github.github.fault("hang", times=TRIES)
    forge = github.connected({"UPDATER_GITHUB_TOKEN": github.token}, seconds=0.2)
    assert unavailable(forge.opened).message.endswith("did not answer within 0.2 s")


@pytest.mark.parametrize("kind", BROKEN)
def test_a_pull_request_whose_opening_broke_off_is_opened_once_and_whole(github: Hub, kind: Kind) -> None:
    draft = github.draft(labels=["promotion"], reviewers=["alice"])
    github.github.fault(kind, "/pulls$", "POST")
    pull = github.forge.open(draft)
    assert (pull.number, pull.head, pull.commit, pull.labels) == (1, HEAD, draft.commit, {"promotion"})
    assert len(github.github.repository.pulls) == 1
    assert [who.login for who in github.pull().reviewers] == ["alice"]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_comment_that_broke_off_is_made_once(github: Hub, kind: Kind) -> None:
    github.opened()
    github.alice.comment(1, "Before")
    github.github.fault(kind, "/comments$")
    github.forge.edit(1, Edit(comment="Superseded.\n"))
    assert [comment.body.strip() for comment in github.pull().comments] == ["Before", "Superseded."]


@pytest.mark.parametrize("kind", BROKEN)
def test_what_may_be_repeated_is_repeated_as_it_was(github: Hub, kind: Kind) -> None:
    pull = github.opened()
    for path in ("/labels$", "/pulls/1$", "/statuses/"):
        github.github.fault(kind, path)
    github.forge.edit(1, Edit(title="New", labels=["promotion"]))
    github.forge.report(pull.commit, GREEN)
    assert (github.pull().title, [label.name for label in github.pull().labels]) == ("New", ["promotion"])
    assert [status.context for status in github.github.repository.latest(pull.commit)] == ["smoke-test"]


def test_a_label_that_cannot_be_set_leaves_the_pull_request_with_a_warning(
    github: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    github.github.fault("error", "/labels$", times=TRIES)
    assert github.forge.open(github.draft(labels=["promotion"])).labels == frozenset()
    assert "cannot label promotion" in caplog.messages[0]


@pytest.mark.parametrize("seconds", [1, 7, 60])
def test_the_secondary_limit_is_waited_for_as_long_as_it_says(github: Hub, seconds: int) -> None:
    github.github.fault("throttled", after=seconds)
    github.forge.open(github.draft())
    assert github.clock.pauses == [seconds]
    assert len(github.github.repository.pulls) == 1


def test_a_long_wait_is_left_to_who_asked_with_the_time_when_it_is_over(github: Hub) -> None:
    github.github.fault("throttled", after=61)
    error = unavailable(github.forge.opened)
    assert error.hint == "try again at 2026-11-20 12:01:01 UTC"
    assert "secondary rate limit" in error.message
    assert github.clock.pauses == []


def test_the_limit_of_the_hour_is_waited_for_when_it_is_over_soon(github: Hub) -> None:
    github.github.limits.hourly = 2
    commit = gitops.tip(github.github.bare)
    github.forge.report(commit, GREEN)
    github.clock.at += timedelta(minutes=30)
    github.forge.report(commit, GREEN)
    error = unavailable(lambda: github.forge.report(commit, GREEN))
    assert (error.hint, github.clock.pauses) == ("try again at 2026-11-20 13:00:00 UTC", [])
    github.clock.at += timedelta(minutes=29, seconds=20)
    github.forge.report(commit, GREEN)
    assert github.clock.pauses == [40]


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_hundred_pull_requests_are_opened_within_the_limits_for_writes(github: Hub) -> None:
    *drafts, last = github.drafts(101, labels=["promotion"], reviewers=["alice"])
    for draft in drafts:
        github.forge.open(draft)
    assert len(github.asked) == len(github.github.writes) == 300
    assert all(seen.status in (200, 201) for seen in github.github.log)
    for count, span in pace.LIMITS:
        pairs = zip(github.github.writes, github.github.writes[count:], strict=False)
        assert all(later - earlier >= span for earlier, later in pairs)
    assert github.clock.pauses == [60, 60, 60]
    github.github.log.clear()
    assert len(github.forge.opened()) == 100
    assert github.asked == ["POST /graphql"]
    github.forge.open(last)
    github.github.log.clear()
    assert [pull.number for pull in github.forge.opened()] == list(range(1, 102))
    assert github.asked == ["POST /graphql"] * 2


@pytest.mark.slow
@pytest.mark.no_cover
def test_more_writes_than_an_hour_takes_are_left_for_later(github: Hub) -> None:
    commit = gitops.tip(github.github.bare)
    for _ in range(500):
        github.forge.report(commit, GREEN)
    assert github.clock.pauses == [60] * 6
    error = unavailable(lambda: github.forge.report(commit, GREEN))
    assert error.message == "500 writes in an hour are as many as GitHub wants"
    assert error.hint == "try again at 2026-11-20 13:00:00 UTC"


@pytest.mark.parametrize(
    "do",
    [
        lambda forge: forge.opened(),
        lambda forge: forge.report("0" * 40, GREEN),
        lambda forge: forge.edit(1, Edit(title="x")),
    ],
)
def test_a_token_that_github_does_not_know_is_told_without_being_shown(
    github: Hub, do: Callable[[Forge], object]
) -> None:
    forge = github.connected({"UPDATER_GITHUB_TOKEN": "ghp_hush"})
    error = refused(lambda: do(forge))
    assert "Bad credentials" in error.message
    assert error.hint == "the token has expired or was taken back: set a new one in UPDATER_GITHUB_TOKEN"
    assert "hush" not in error.message


@pytest.mark.parametrize(
    ("missing", "do", "right"),
    [
        ("pull_requests", lambda forge, _: forge.edit(1, Edit(title="x")), "pull requests: write"),
        ("statuses", lambda forge, commit: forge.report(commit, GREEN), "statuses: write"),
        ("contents", lambda forge, commit: forge.merge(1, commit, None), "contents: write"),
    ],
)
def test_a_right_that_is_missing_is_named(
    github: Hub, missing: str, do: Callable[[Forge, str], object], right: str
) -> None:
    commit = github.opened().commit
    rights = {"contents": "write", "pull_requests": "write", "statuses": "write", "issues": "read", missing: "read"}
    token = github.github.token("bob", "fine-grained", rights)
    forge = github.connected({"UPDATER_GITHUB_TOKEN": token.value})
    error = refused(lambda: do(forge, commit))
    assert "Resource not accessible by personal access token" in error.message
    assert error.hint == f"see that the token has the right `{right}`"


def test_a_repository_that_the_token_does_not_see_is_told(github: Hub) -> None:
    hidden = github.connected({"UPDATER_GITHUB_TOKEN": github.github.token(sees=False).value})
    for do in (hidden.opened, lambda: hidden.report("0" * 40, GREEN)):
        assert "see that acme/gitops is its name" in str(refused(do).hint)
    elsewhere = github.github.git_url.replace("gitops", "other")
    wrong = github.connected({"UPDATER_GITHUB_TOKEN": github.token}, repository=elsewhere)
    assert "see that acme/other is its name" in str(refused(wrong.opened).hint)


def test_an_app_asks_with_a_token_of_its_own_and_renews_it_in_time(github: Hub) -> None:
    forge = github.connected(github.app())
    assert forge.open(github.draft()).author == "updater-app[bot]"
    asked = [re.sub("[0-9]+", "N", line) for line in github.asked]
    assert asked == ["GET /installation", "POST /app/installations/N/access_tokens", "POST /pulls"]
    first = forge.credentials()
    github.clock.at += timedelta(minutes=54)
    assert forge.credentials() == first
    github.clock.at += timedelta(minutes=1)
    second = forge.credentials()
    assert second is not None
    assert second != first
    assert (second.username, second.password[:4]) == ("x-access-token", "ghs_")
    assert len(forge.opened()) == 1
    assert len(github.asked) == 5


def test_git_always_gets_a_token_of_the_app_that_is_good_now(github: Hub) -> None:
    forge = github.connected(github.app())
    git = Git(Remote(github.github.git_url, credentials=forge.credentials), github.github.bare)
    for _ in range(3):
        assert b"refs/heads/main" in git.check("ls-remote", "--heads", "--", git.remote.url)
        github.clock.at += timedelta(hours=2)
    assert [line.split("/")[-1] for line in github.asked] == ["installation", *["access_tokens"] * 3]


def test_an_app_that_is_not_installed_or_whose_key_is_none_is_told(github: Hub) -> None:
    settings = github.app()
    github.github.access.apps.clear()
    error = refused(github.connected(settings).opened)
    assert "cannot find the App on acme/gitops" in error.message
    assert "UPDATER_GITHUB_APP_ID and UPDATER_GITHUB_APP_KEY" in str(error.hint)
    broken = github.connected({**settings, "UPDATER_GITHUB_APP_KEY": "-----BEGIN hush-----"})
    with pytest.raises(UsageError, match="^UPDATER_GITHUB_APP_KEY is no private key") as caught:
        broken.opened()
    assert "hush" not in f"{caught.value}{caught.value.hint}"


def test_the_api_may_be_at_the_root_or_under_the_prefix_of_an_enterprise_server(github: Hub) -> None:
    github.opened()
    for api in (github.github.site, f"{github.github.site}/api/v3", f"{github.github.site}/api/v3/"):
        forge = github.connected({"UPDATER_GITHUB_TOKEN": github.token, "UPDATER_GITHUB_API": api})
        forge.edit(1, Edit(title=api))
        assert forge.opened()[0].title == api


def test_secrets_are_in_no_log_no_message_and_no_representation(github: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = github.app()
    forge = github.connected(settings)
    forge.open(github.draft(labels=["promotion"]))
    github.github.fault("closed", times=TRIES)
    error = unavailable(forge.opened)
    found = forge.credentials()
    assert found is not None
    shown = f"{caplog.text}{error}{error.hint}{error.__cause__!r}{forge!r}{found!r}{vars(forge)!r}"
    for secret in (found.password, settings["UPDATER_GITHUB_APP_KEY"], github.token):
        assert secret not in shown
    assert "Bearer" not in shown


def test_an_answer_in_an_unknown_form_is_told_in_words(github: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    github.opened()
    monkeypatch.setattr("tests.helpers.github.graphql.answer", lambda *_: {"data": {"repository": {"x": 1}}})
    with pytest.raises(ForgeError, match="^GitHub answers in a form that we do not know: no 'pullRequests'"):
        github.forge.opened()
    with pytest.raises(ForgeError, match="^GitHub answers in a form that we do not know: no 'pullRequest'"):
        github.forge.merge(1, "0" * 40, None)
