"""Pull requests and commit statuses on GitHub, github.com or GitHub Enterprise Server.

What one wants to know of many things is asked by GraphQL, many in one request; single things are changed by REST.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from updater.errors import ForgeError, ForgeRefused, UsageError
from updater.forge import Connection, Credentials, Draft, Edit, Forge, Method, PullRequest, Status
from updater.forges.github import asking, merging, queries, reading, reporting, settings
from updater.forges.github.client import Client, Wire
from updater.forges.github.reading import expected
from updater.forges.github.settings import App, Place
from updater.forges.github.tokens import Tokens

MAX_BODY = 65536
_PULLS = "pull requests: write"
_logger = logging.getLogger(__name__)


def connect(connection: Connection) -> Forge:
    """The GitHub of a remote; nothing is asked of it yet.

    `UPDATER_GITHUB_TOKEN`, or `UPDATER_GITHUB_APP_ID` and `UPDATER_GITHUB_APP_KEY`, say as whom (*_FILE: from a file),
    `UPDATER_GITHUB_API` where the API of a GitHub Enterprise Server is. Raises `UsageError` where these are missing or
    wrong, and where PyGithub is not installed.
    """
    place = settings.place(connection.repository, connection.environ)
    try:
        # Not before it is needed: it takes longer than all the rest.
        from updater.forges.github import api
    except ImportError as error:
        hint = "pip install 'manifest-updater[github]'"
        raise UsageError(f"pull requests on GitHub need a library that is missing: {error.name}", hint=hint) from error
    wire = api.Wire(place.api, connection.seconds)
    token = _token(place, connection, wire, api.app_token)
    return GitHub(Client(wire, token, place, connection), token, place)


def _token(place: Place, connection: Connection, wire: Wire, sign: Callable[[App, datetime], str]) -> Callable[[], str]:
    login = place.login
    if isinstance(login, App):
        as_app = Client(wire, lambda: sign(login, connection.now()), place, connection)
        return Tokens(as_app, place, connection.now).current
    return lambda: login


class GitHub:
    """See `updater.forge.Forge`."""

    max_body = MAX_BODY

    def __init__(self, client: Client, token: Callable[[], str], place: Place) -> None:
        self._client = client
        self._token = token
        self._place = place
        self._path = f"/repos/{place.repository}"
        self._checks = isinstance(place.login, App)

    def credentials(self) -> Credentials | None:
        """See `Forge`."""
        return Credentials("x-access-token", self._token()) if self._place.takes_token else None

    def close(self) -> None:
        """See `Forge`."""
        self._client.close()

    def opened(self) -> Sequence[PullRequest]:
        """See `Forge`."""
        return asking.opened(self._client)

    def settled(self, heads: Collection[str]) -> Sequence[PullRequest]:
        """See `Forge`."""
        return asking.settled(self._client, heads)

    def statuses(self, commits: Collection[str]) -> Mapping[str, Sequence[Status]]:
        """See `Forge`."""
        return asking.statuses(self._client, commits)

    def open(self, draft: Draft) -> PullRequest:
        """See `Forge`."""
        pull, is_new = self._opened(draft)
        missing = [label for label in draft.labels if label not in pull.labels]
        labelled = self._tried(pull, "label", missing, lambda names: self._label(pull.number, names))
        if is_new:
            self._tried(pull, "ask for a review by", draft.reviewers, lambda names: self._request(pull.number, names))
        return replace(pull, labels=pull.labels | labelled)

    def edit(self, number: int, edit: Edit) -> None:
        """See `Forge`."""
        if edit.labels:
            self._label(number, edit.labels)
        for label in edit.without:
            self._take_off(number, label)
        if edit.comment is not None:
            self._comment(number, edit.comment)
        fields = {"title": edit.title, "body": edit.body, "base": edit.base, "state": edit.state}
        changes = {name: value for name, value in fields.items() if value is not None}
        if not changes:
            return
        answer = self._client.write("PATCH", f"{self._path}/pulls/{number}", changes, f"change #{number}", _PULLS)
        with expected():
            if edit.state == "closed" and answer["merged"]:
                raise ForgeRefused(f"cannot close #{number}: it is merged")

    def approve(self, number: int, commit: str) -> None:
        """See `Forge`."""
        review = {"commit_id": commit, "event": "APPROVE"}
        self._client.write("POST", f"{self._path}/pulls/{number}/reviews", review, f"approve #{number}", _PULLS)

    def merge(self, number: int, commit: str, method: Method | None) -> Literal["merged", "queued"]:
        """See `Forge`."""
        return merging.merge(self._client, f"{self._path}/pulls/{number}", number, commit, method)

    def report(self, commit: str, status: Status) -> None:
        """See `Forge`. An App posts a check run where it may, which people see in full; all others a commit status."""
        if self._checks:
            try:
                self._post(
                    f"{self._path}/check-runs", reporting.check_run(commit, status), commit, status, "checks: write"
                )
                return
            except ForgeRefused:
                self._checks = False  # the App was not given that right
        body = reporting.commit_status(status)
        self._post(f"{self._path}/statuses/{commit}", body, commit, status, "commit statuses: write")

    def _post(self, path: str, body: Mapping[str, Any], commit: str, status: Status, right: str) -> None:
        self._client.write("POST", path, body, f"report {status.context} on {commit[:7]}", right)

    def _opened(self, draft: Draft) -> tuple[PullRequest, bool]:
        """The pull request, and whether it is a new one."""
        wanted = {
            "title": draft.title,
            "body": draft.body,
            "head": draft.head,
            "base": draft.base,
            "draft": draft.draft,
        }
        doing = f"open a pull request from {draft.head} into {draft.base}"

        def landed() -> PullRequest | None:
            return asking.opened_from(self._client, draft.head, draft.base)

        try:
            answer = self._client.write("POST", f"{self._path}/pulls", wanted, doing, _PULLS, landed)
        except ForgeRefused as error:
            if "already exists" not in error.message or (pull := landed()) is None:
                raise
            return pull, False
        if isinstance(answer, PullRequest):
            return answer, True
        with expected():
            return reading.just_opened(answer), True

    def _label(self, number: int, labels: Sequence[str]) -> None:
        path = f"{self._path}/issues/{number}/labels"
        self._client.write("POST", path, {"labels": list(labels)}, f"label #{number}", _PULLS)

    def _take_off(self, number: int, label: str) -> None:
        path = f"{self._path}/issues/{number}/labels/{quote(label, safe='')}"
        try:
            self._client.write("DELETE", path, None, f"take the label {label} off #{number}", _PULLS)
        except ForgeRefused as error:
            if "Label does not exist" not in error.message:
                raise

    def _request(self, number: int, reviewers: Sequence[str]) -> None:
        people = [name for name in reviewers if not name.startswith("team:")]
        teams = [name.removeprefix("team:") for name in reviewers if name.startswith("team:")]
        wanted = {"reviewers": people, "team_reviewers": teams}
        path = f"{self._path}/pulls/{number}/requested_reviewers"
        self._client.write("POST", path, wanted, f"ask for a review of #{number}", _PULLS)

    def _comment(self, number: int, text: str) -> None:
        def landed() -> bool | None:
            answer = self._client.query(queries.last_comment(number), f"read the comments of #{number}")
            with expected():
                last = answer["pullRequest"]["comments"]["nodes"]
                return True if last and last[-1]["body"].strip() == text.strip() else None

        path = f"{self._path}/issues/{number}/comments"
        self._client.write("POST", path, {"body": text}, f"comment on #{number}", _PULLS, landed)

    def _tried(
        self, pull: PullRequest, what: str, names: Sequence[str], ask: Callable[[Sequence[str]], None]
    ) -> frozenset[str]:
        """For which names something beside the opening was done; if not, that is a warning: the pull request is there.

        GitHub refuses all because of one, so they are asked for one by one then.
        """
        try:
            if names:
                ask(names)
            return frozenset(names)
        except ForgeError as error:
            if isinstance(error, ForgeRefused) and len(names) > 1:
                return frozenset().union(*(self._tried(pull, what, [name], ask) for name in names))
            told = ", ".join(names)
            _logger.warning("pull request #%d: cannot %s %s: %s", pull.number, what, told, error.message)
            return frozenset()
