"""Asking GitHub under one policy: writes are paced, limits respected, and what failed is repeated where that doubles
nothing."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from updater.core import pace
from updater.errors import ForgeUnavailable
from updater.forge import Connection
from updater.forges.github import answers
from updater.forges.github.answers import Answer, Asked, Later
from updater.forges.github.queries import Query
from updater.forges.github.settings import Place

TRIES = 3
PATIENCE = 60.0
"""We wait as long for a limit, and say when to come again where it would be longer."""
READING = "contents: read, pull requests: read, commit statuses: read, checks: read"
_Found = TypeVar("_Found")
_Other = TypeVar("_Other")
_logger = logging.getLogger(__name__)


class Wire(Protocol):
    """One request and its answer, or `Later`."""

    def send(self, token: str, verb: str, path: str, body: Any = None) -> Answer: ...

    def query(self, token: str, text: str, variables: Any) -> Answer: ...

    def close(self) -> None: ...


def _nothing() -> None:
    """Where a request may be repeated without harm there is nothing to look for before."""


class Client:
    """Requests about one repository. `token` gives the token of the next request."""

    def __init__(self, wire: Wire, token: Callable[[], str], place: Place, connection: Connection) -> None:
        self._wire = wire
        self._token = token
        self._place = place
        self._connection = connection
        self.now = connection.now
        self._writes: deque[datetime] = deque(maxlen=pace.REMEMBERED)
        self._has_warned = False

    def close(self) -> None:
        """Gives the connections back."""
        self._wire.close()

    def read(self, path: str, doing: str, right: str = READING) -> Any:
        """What stands at a path of the REST API. `doing` and `right`, here and below, are for messages."""
        return self._tried(lambda: self._sent("GET", path, None, doing, right), _nothing)

    def query(self, query: Query, doing: str) -> Mapping[str, Any]:
        """What a query finds in the repository."""
        found = self._tried(lambda: self._queried(query, doing, READING), _nothing)
        return (found or {}).get("repository") or {}

    def write(
        self, verb: str, path: str, body: Any, doing: str, right: str, landed: Callable[[], object] = _nothing
    ) -> Any:
        """Changes something, and gives the answer's JSON.

        `landed` looks whether an earlier try has done it, where that is unclear and repeating it would double it. What
        it finds is given instead. Raises `ForgeRefused`, or `ForgeUnavailable` after so many tries or where a limit
        wants us to wait for too long.
        """
        return self._tried(lambda: self._paced(lambda: self._sent(verb, path, body, doing, right)), landed)

    def mutate(self, query: Query, doing: str, right: str, landed: Callable[[], object]) -> None:
        """Changes something by GraphQL; see `write`."""
        self._tried(lambda: self._paced(lambda: self._queried(query, doing, right)), landed)

    def _sent(self, verb: str, path: str, body: Any, doing: str, right: str) -> Any:
        answer = self._watched(lambda: self._wire.send(self._token(), verb, path, body))
        return answers.content(answer, self._asked(doing, right), self.now())

    def _queried(self, query: Query, doing: str, right: str) -> Mapping[str, Any]:
        variables = {"owner": self._place.owner, "name": self._place.name} if query.in_repository else {}
        answer = self._watched(lambda: self._wire.query(self._token(), query.text, {**variables, **query.variables}))
        found, is_whole = answers.data(answer, self._asked(doing, right), self.now())
        if not is_whole and not self._has_warned:
            self._has_warned = True
            where = self._place.repository
            _logger.warning("not all reports on commits of %s can be read: the token lacks `checks: read`", where)
        return found

    def _watched(self, send: Callable[[], Answer]) -> Answer:
        try:
            answer = send()
        except Later:
            self._connection.watch(None, None)
            raise
        self._connection.watch(answer.status, answers.left(answer))
        return answer

    def _asked(self, doing: str, right: str) -> Asked:
        return Asked(self._place.repository, doing, right, self._place.variables)

    def _tried(self, attempt: Callable[[], _Found], landed: Callable[[], _Other | None]) -> _Found | _Other:
        for number in range(1, TRIES + 1):
            try:
                return attempt()
            except Later as later:
                seconds = float(number) if later.seconds is None else later.seconds
                if number == TRIES or seconds > PATIENCE:
                    raise self._unavailable(later) from later
                self._connection.pause(seconds)
                if later.seconds is None and (found := landed()) is not None:
                    return found
        raise AssertionError("the last try ends here")

    def _unavailable(self, later: Later) -> ForgeUnavailable:
        if later.seconds is None:
            return ForgeUnavailable(later.reason, hint="try again later; www.githubstatus.com tells what is known")
        due = self.now() + timedelta(seconds=later.seconds)
        return ForgeUnavailable(later.reason, hint=f"try again at {due:%Y-%m-%d %H:%M:%S} UTC")

    def _paced(self, send: Callable[[], _Found]) -> _Found:
        """Sends a write when the pace allows it. Its time counts from the answer on: it cannot have arrived later."""
        seconds = pace.seconds_to_wait(self._writes, self.now())
        if seconds > PATIENCE:
            raise Later(f"{len(self._writes)} writes in an hour are as many as GitHub wants", seconds)
        if seconds:
            self._connection.pause(seconds)
        try:
            return send()
        finally:
            self._writes.append(self.now())
