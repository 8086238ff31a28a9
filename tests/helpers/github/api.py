"""From a request for the API to its answer: limits, rights, the call itself, and the check of both against GitHub's
description."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from tests.helpers.github import graphql, merging, rest_access, rest_commits, rest_pulls
from tests.helpers.github.access import Access, App, Token
from tests.helpers.github.calls import Answer, Call, Request, Route, find
from tests.helpers.github.limits import Limits
from tests.helpers.github.openapi import Description
from tests.helpers.github.refusals import Refusal, not_found
from tests.helpers.github.repository import Repository
from tests.helpers.github.shapes import Shapes

MODULES = (rest_access, rest_commits, rest_pulls)
"""They have registered their calls by being imported."""


class Api:
    """Answers requests, one after the other. `violations` are those that did not keep to the description."""

    def __init__(
        self, repository: Repository, access: Access, limits: Limits, shapes: Shapes, description: Description
    ) -> None:
        self.repository = repository
        self.access = access
        self.limits = limits
        self.shapes = shapes
        self.description = description
        self.violations: list[str] = []

    def answer(self, request: Request) -> Answer:
        """What GitHub would say."""
        if request.path == "/graphql":
            return self._graphql(request)
        found = find(request.method, request.path)
        if found is None:
            return self._violation(request, "the stand-in does not know this call")
        route, parts = found
        if wrong := self._wrong_request(route, request):
            return self._violation(request, wrong)
        answer = self._rest(route, request, parts)
        if answer.status != 304 and (
            wrong := self.description.wrong_answer(route.method, route.template, answer.status, answer.body)
        ):
            return self._violation(request, f"answer {answer.status}: {wrong}")
        return answer

    def account(self, request: Request) -> str:
        """Whom a request is counted for; the address where nobody is known."""
        token = self.access.tokens.get(_credentials(request))
        return token.account.login if token else "127.0.0.1"

    def _rest(self, route: Route, request: Request, parts: dict[str, str]) -> Answer:
        account = self.account(request)
        try:
            call = self._call(route, request, parts)
            if not route.free:
                self.limits.spend(account, "core")
            if route.content:
                self.limits.create(account)
            self._check_rights(call, route)
            self.repository.refresh()
            merging.merge_waiting(self.repository)
            answer = self._cached(request, route.handler(call), account)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body, refusal.headers)
        return replace(answer, headers={**self.limits.headers(account, "core"), **answer.headers})

    def _call(self, route: Route, request: Request, parts: dict[str, str]) -> Call:
        token: Token | None = None
        app: App | None = None
        if route.by_app:
            app = self.access.app(_credentials(request))
        else:
            token = self.access.token(_credentials(request))
        return Call(request, self.repository, self.access, self.limits, self.shapes, parts, token, app)

    def _check_rights(self, call: Call, route: Route) -> None:
        if "owner" in call.parts:
            name = f"{call.parts['owner']}/{call.parts['repo']}"
            if name.lower() != self.repository.name.lower() or (call.token is not None and not call.token.sees):
                raise not_found()
        if call.token is not None:
            call.token.demand(route.right)

    def _cached(self, request: Request, answer: Answer, account: str) -> Answer:
        """What is asked for with the tag of what it still is, is not sent again, and costs nothing."""
        if request.method != "GET":
            return answer
        tag = f'W/"{hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()}"'
        headers = {**answer.headers, "etag": tag}
        if request.headers.get("if-none-match") != tag:
            return replace(answer, headers=headers)
        self.limits.budget(account, "core").used -= 1
        return Answer(304, None, headers)

    def _wrong_request(self, route: Route, request: Request) -> str:
        method, template, body = route.method, route.template, request.body
        if isinstance(body, list) and template.endswith("/labels"):
            body = {"labels": body}  # GitHub takes the bare list, too: its description had that until lately
        return self.description.wrong_query(method, template, request.query) or self.description.wrong_request(
            method, template, body
        )

    def _violation(self, request: Request, wrong: str) -> Answer:
        self.violations.append(f"{request.method} {request.path}: {wrong}")
        return Answer(500, {"message": wrong})

    def _graphql(self, request: Request) -> Answer:
        account = self.account(request)
        try:
            if request.method != "POST" or not isinstance(request.body, dict) or "query" not in request.body:
                raise Refusal(400, "A query attribute must be specified and must be a string.")
            token = self.access.token(_credentials(request))
            self.repository.refresh()
            merging.merge_waiting(self.repository)
            body: Any = graphql.answer(self.repository, self.limits, self.shapes, token, request.body)
            answer = Answer(200, body)
        except Refusal as refusal:
            answer = Answer(refusal.status, refusal.body, refusal.headers)
        return replace(answer, headers={**self.limits.headers(account, "graphql"), **answer.headers})


def _credentials(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value if scheme.lower() in ("bearer", "token") else ""
