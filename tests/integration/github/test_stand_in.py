"""What a test can script, and the check of all requests and answers against GitHub's own description."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.helpers import components
from tests.helpers.github.calls import ROUTES
from tests.helpers.github.client import HEAD, Client
from tests.helpers.github.openapi import load
from tests.helpers.github.server import GitHub
from tests.helpers.github.webhooks import Hook


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


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[Any, bytes]]]]:
    """The URL of a web hook, and what has come in there: headers and body."""
    received: list[tuple[Any, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks/github", received
        server.shutdown()
        thread.join()


def test_hooks_are_told_with_a_signature_before_the_answer_comes(github: GitHub, robot: Client, opened: str) -> None:
    with receiver() as (url, received):
        github.hooks.append(Hook(url, "secret"))
        robot.send("POST", f"/statuses/{opened}", state="success", context="ci")
        github.person("alice").approve(1)
        robot.merge()
    events = [headers["X-GitHub-Event"] for headers, _ in received]
    assert events == ["status", "pull_request_review", "pull_request", "push"]
    headers, body = received[0]
    assert json.loads(body)["context"] == "ci"
    assert headers["X-Hub-Signature-256"] == f"sha256={hmac.new(b'secret', body, hashlib.sha256).hexdigest()}"
    assert len({headers["X-GitHub-Delivery"] for headers, _ in received}) == 4
    assert [delivery.status for delivery in github.deliveries] == [202] * 4


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
