"""`/api/v1`: what stands, what landed, what came in. The same answers as the command line's, described by OpenAPI."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from typing_extensions import TypedDict

from updater import as_json
from updater.by_hand import pulls
from updater.by_hand.chronicle import chronicle
from updater.by_hand.overview import overview
from updater.by_hand.services import refresh
from updater.errors import StorageError, UpdaterError, UsageError
from updater.json_shapes import EventShape, OverviewShape, PullShape, RecordShape
from updater.sight import Sight
from updater.web.desk import Desk
from updater.working.bell import Bell

Answer = TypeVar("Answer")
_SECONDS = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_NOT_BY_ITSELF = ("origin", "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of whoever asks for somebody else: a browser for a page, a proxy for anybody."""
Services = Annotated[list[str] | None, Query(description="Services; globs, any number.")]
InEnvironment = Annotated[str | None, Query(description="Only this environment.")]
_bearer = HTTPBearer(auto_error=False, description="UPDATER_API_TOKEN")


class Rows(Protocol):
    """What came in, for a person to look at."""

    def list(self, state: str | None, limit: int, before: int | None) -> Sequence[EventShape]: ...
    def show(self, number: int) -> EventShape | None: ...
    def retry(self, number: int) -> bool: ...


class StatusAnswer(OverviewShape):
    problems: list[str]


class HistoryAnswer(TypedDict):
    history: list[RecordShape]
    problems: list[str]


class PullsAnswer(TypedDict):
    pull_requests: list[PullShape]


class EventsAnswer(TypedDict):
    events: list[EventShape]


@dataclass(frozen=True, slots=True)
class Office:
    """What the API answers with. Without `tokens` it is open to this machine alone. `rows` reads the inbox."""

    desk: Desk
    rows: Rows
    bell: Bell
    tokens: Sequence[str]


def router(office: Office) -> APIRouter:
    """The paths below `/api/v1`."""
    made = APIRouter(prefix="/api/v1", dependencies=[Depends(_guard(office.tokens))])
    made.include_router(_repository(office.desk))
    made.include_router(_inbox(office.rows, office.bell))

    @made.post("/reconcile", status_code=202, summary="Asks for a pass over everything")
    async def reconcile() -> dict[str, str]:
        office.bell.tell()
        return {"told": "a pass over everything is under way, or follows what is being done"}

    return made


def _repository(desk: Desk) -> APIRouter:
    """What is answered from the repository and the forge."""
    made = APIRouter()

    @made.get("/status", summary="What stands where, what is held, what waits")
    async def status(service: Services = None, environment: InEnvironment = None) -> StatusAnswer:
        def question(sight: Sight) -> StatusAnswer:
            found = overview(sight, environment, service or ())
            return {**as_json.overview(found), "problems": [str(each) for each in (*found.problems, *found.doubts)]}

        return await _ask(desk, question)

    @made.get("/history", summary="What landed where, newest first")
    async def landed(
        service: Services = None, environment: InEnvironment = None, limit: Annotated[int, Query(ge=1, le=1000)] = 20
    ) -> HistoryAnswer:
        return await _ask(desk, lambda sight: _history(sight, service or (), environment, limit))

    @made.get("/pull-requests", summary="Our pull requests")
    async def pull_requests(
        all: Annotated[bool, Query(description="Merged and closed ones, too.")] = False,
    ) -> PullsAnswer:
        def question(sight: Sight) -> PullsAnswer:
            return {"pull_requests": [as_json.pull(each) for each in pulls.listed(sight, (), None, settled=all)]}

        return await _ask(desk, question)

    return made


def _inbox(rows: Rows, bell: Bell) -> APIRouter:
    """What is answered from the inbox."""
    made = APIRouter()

    @made.get("/events", summary="What came in by web hooks, newest first")
    def events(
        state: Annotated[str | None, Query(pattern="^(waiting|done|dead)$")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int | None, Query(description="Only those with a smaller number.")] = None,
    ) -> EventsAnswer:
        with _kept():
            return {"events": list(rows.list(state, limit, before))}

    @made.get("/events/{number}", summary="One event, and what became of it")
    def event(number: Annotated[int, Path(ge=1)]) -> EventShape:
        with _kept():
            found = rows.show(number)
        if found is None:
            raise HTTPException(404, f"there is no event {number}")
        return found

    @made.post("/events/{number}/retry", status_code=202, summary="Works on an event again")
    def retry(number: Annotated[int, Path(ge=1)]) -> dict[str, int]:
        with _kept():
            found = rows.retry(number)
        if not found:
            raise HTTPException(404, f"there is no event {number}")
        bell.ring()
        return {"retried": number}

    return made


@contextmanager
def _kept() -> Iterator[None]:
    """Says what the inbox has to say against a question."""
    try:
        yield
    except StorageError as error:
        raise HTTPException(503, str(error)) from error
    except UpdaterError as error:
        raise HTTPException(409, str(error)) from error


async def _ask(desk: Desk, question: Callable[[Sight], Answer]) -> Answer:
    def refreshed(sight: Sight) -> Answer:
        refresh(sight)
        return question(sight)

    try:
        return await desk.ask(refreshed, _SECONDS)
    except UsageError as error:
        raise HTTPException(404, str(error)) from error
    except UpdaterError as error:
        raise HTTPException(503, str(error)) from error


def _history(sight: Sight, globs: Sequence[str], environment: str | None, limit: int) -> HistoryAnswer:
    found = chronicle(sight, environment, globs, limit)
    problems = [str(each) for each in (*found.problems, *([found.unknown] if found.unknown else []))]
    return {"history": [as_json.record(each) for each in found.records], "problems": problems}


def _guard(tokens: Sequence[str]) -> Callable[..., None]:
    """Lets those in who give a token. Without one set, those on this machine: by a name of it, so that no page in
    somebody's browser can ask in its own name, and not through a proxy, which can be told any address."""
    expected = [token.encode() for token in tokens]

    def with_token(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        token = given.credentials.encode() if given else b""
        if not sum(hmac.compare_digest(token, each) for each in expected):
            raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    def on_this_machine(request: Request) -> None:
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        asks_for_another = any(name in request.headers for name in _NOT_BY_ITSELF)
        if not _is_loopback(request) or host not in _LOOPBACK or asks_for_another:
            raise HTTPException(403, "without UPDATER_API_TOKEN only this machine is answered")

    return with_token if expected else on_this_machine


def _is_loopback(request: Request) -> bool:
    """Whether whoever asks is on this machine."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
