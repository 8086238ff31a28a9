"""HTTP for the stand-in: which requests are for git and which for the API, and how scripted faults look."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.helpers import git_server
from tests.helpers.github import guard
from tests.helpers.github.access import Token
from tests.helpers.github.calls import Answer, Request
from tests.helpers.github.faults import PAGE, Fault
from tests.helpers.github.limits import too_fast
from tests.helpers.github.refusals import Refusal

if TYPE_CHECKING:
    from tests.helpers.github.server import GitHub

_GIT = re.compile(r"/([^/]+/[^/]+?)(\.git)?/(info/refs|git-upload-pack|git-receive-pack)")


class Handler(git_server.Handler):
    """One request, on a connection of its own."""

    @property
    def github(self) -> GitHub:
        return self.server.owner  # type: ignore[return-value]

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.close_connection = True
        body = self._body()
        path = urlsplit(self.path).path
        for interruption in [one for one in self.github.interruptions if one.take(self.command, path)]:
            interruption.act()
        fault = next((fault for fault in self.github.faults if fault.take(self.command, path)), None)
        if found := _GIT.fullmatch(path):
            self._serve_git(found[1], found[3], body, fault)
        else:
            self._serve_api(path, body, fault)

    def _serve_api(self, path: str, body: bytes, fault: Fault | None) -> None:
        request = self._request(path, body)
        if fault and fault.kind not in ("cut", "truncated"):
            self.github.note(request, self._fail(fault))
            return
        answer = self._answered(request, body)
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.github.note(request, None if fault and fault.kind == "cut" else answer.status)
        if fault is None:
            self._send(answer, content)
        elif fault.kind == "truncated":
            self._send(answer, content[: len(content) // 2])

    def _answered(self, request: Request, body: bytes) -> Answer:
        if request.body is None and body:
            return Answer(400, {"message": "Problems parsing JSON"})
        return self.github.answer(request)

    def _fail(self, fault: Fault) -> int | None:
        """Answers as the fault wants it, and gives the status; None where there is no answer."""
        limit = too_fast(fault.after)
        answers = {
            "error": Answer(500, {"message": "Server Error"}),
            "bad gateway": Answer(502),
            "page": Answer(200),
            "throttled": Answer(limit.status, limit.body, limit.headers),
        }
        answer = answers.get(fault.kind)
        if answer is None:
            if fault.kind == "hang":
                self.github.stopped.wait(git_server.PATIENCE)
            return None
        self._send(answer, PAGE if answer.body is None else json.dumps(answer.body).encode())
        return answer.status

    def _send(self, answer: Answer, content: bytes) -> None:
        kind = "text/html" if content == PAGE else "application/json; charset=utf-8"
        self._answer(answer.status, [("Content-Type", kind), *answer.headers.items()], content)

    def _request(self, path: str, body: bytes) -> Request:
        path = re.sub(r"^/api(/v3|(?=/graphql))", "", path)
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, query, headers, _parsed(body))

    def _serve_git(self, name: str, service: str, body: bytes, fault: Fault | None) -> None:
        """Lets git answer where the token may; after a push, pull requests follow their branches."""
        is_push = git_server.PUSH in self.path
        self.github.pushes += [name] if service == git_server.PUSH else []
        try:
            token = self._git_token(is_push)
        except Refusal as refusal:
            challenge = [("WWW-Authenticate", 'Basic realm="GitHub"')] if refusal.status == 401 else []
            self._answer(refusal.status, challenge, refusal.message.encode())
            return
        if fault and fault.kind not in ("cut", "truncated"):
            self._fail(fault)
            return
        self.path = f"/{name}.git/{service}?{urlsplit(self.path).query}"
        guard.write(self.github.bare, self.github.settings)
        answer = self._backend(body)
        if is_push:
            self.github.pushed(token.account.login)
        if fault is None:
            self._answer(*answer)

    def _git_token(self, is_push: bool) -> Token:
        if self._credentials is None:
            raise Refusal(401, "Authentication failed")
        token = self.github.access.token(self._credentials[1])
        if not token.sees or self.github.repository.name not in self.path:
            raise Refusal(404, "Repository not found.")
        token.demand("contents:write" if is_push else "contents:read")
        return token


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
