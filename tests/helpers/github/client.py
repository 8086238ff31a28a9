"""A bare client for the stand-in's own tests: requests as they are, and answers without a library between."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.github.server import GitHub

HEAD = "updater/staging/model-a"
"""The branch of most pull requests in these tests."""
PULLS = '{ repository(owner: "acme", name: "gitops") { pullRequests(first: 9) { nodes { %s } } } }'
"""Asks for all pull requests; what of them is to be put in."""


@dataclass(frozen=True)
class Reply:
    """An answer; `headers` have lower-case names."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """All that is said about why not."""
        details = [one if isinstance(one, str) else one.get("message") or one.get("field", "") for one in self._errors]
        return "; ".join([self.body["message"], *details])

    @property
    def _errors(self) -> list[Any]:
        errors: list[Any] = self.body.get("errors", [])
        return errors


class Client:
    """Somebody with a token."""

    def __init__(self, github: GitHub, token: str) -> None:
        self.github = github
        self.token = token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Any request of the API."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): headers[name] for name in headers}}
        request = urllib.request.Request(f"{self.github.url}{path}", data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return _reply(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                return _reply(error.code, error)

    def get(self, path: str = "", **headers: str) -> Reply:
        """Something of the repository."""
        return self.call("GET", f"/repos/acme/gitops{path}", **headers)

    def send(self, method: str, path: str, **body: Any) -> Reply:
        """Changes something of the repository."""
        return self.call(method, f"/repos/acme/gitops{path}", body)

    def open(self, head: str, base: str = "main", **more: Any) -> Reply:
        """Opens a pull request."""
        return self.send("POST", "/pulls", head=head, base=base, **{"title": "Bump", **more})

    def merge(self, number: int = 1, **how: Any) -> Reply:
        return self.send("PUT", f"/pulls/{number}/merge", **how)

    def pull(self, number: int = 1) -> Any:
        """A pull request as it is now."""
        return self.get(f"/pulls/{number}").body

    def ask(self, query: str, **variables: Any) -> Any:
        """A GraphQL request, at its address on a GitHub Enterprise Server."""
        data = json.dumps({"query": query, "variables": variables}).encode()
        url, headers = f"{self.github.site}/api/graphql", {"Authorization": f"Bearer {self.token}"}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as response:
            return json.loads(response.read())

    def listed(self, fields: str) -> Any:
        """Fields of all pull requests, by GraphQL."""
        return self.ask(PULLS % fields)["data"]["repository"]["pullRequests"]["nodes"]

    def git(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A git command with the token."""
        secret = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader"}
        environment = {**os.environ, **settings, "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}"}
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, env=environment)


def _reply(status: int, response: Any) -> Reply:
    content = response.read()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status, json.loads(content) if content else None, headers)
