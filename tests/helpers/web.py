"""The service's ASGI application with an intake, a repository and a forge in memory, and a client for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

from tests.helpers.events import at
from tests.helpers.fake_repository import FakeRepository, environment_file, overlay, sight
from updater import admission
from updater.bootstrap import decoders
from updater.errors import UpdaterError
from updater.feeds import Intake
from updater.json_shapes import EventShape
from updater.model import Delivery, Event, Reported
from updater.pipeline import Parts
from updater.web.api import Office
from updater.web.app import hook_routes, make_app
from updater.web.desk import Desk
from updater.web.health import Health
from updater.web.hooks import Reception
from updater.working.bell import Bell

SECRET = "a secret of enough letters"
KNOWN = decoders()
FILES = {**environment_file(order="semver"), **overlay("1.0.0")}


@dataclass
class MemoryIntake:
    """A `feeds.Intake` that keeps in memory; `fails` is raised in its place, and with `hangs` it never answers."""

    accepted: list[Event] = field(default_factory=list)
    buried: list[tuple[Delivery, str]] = field(default_factory=list)
    fails: Exception | None = None
    hangs: bool = False

    async def accept(self, events: Sequence[Event]) -> None:
        await self._may()
        self.accepted += events

    async def bury(self, delivery: Delivery, reason: str) -> None:
        await self._may()
        self.buried.append((delivery, reason))

    def problem(self) -> str | None:
        return None if self.fails is None else str(self.fails)

    async def _may(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails


@dataclass
class MemoryRows:
    """A `web.api.Rows`."""

    rows: list[EventShape] = field(default_factory=list)
    retried: list[int] = field(default_factory=list)
    fails: UpdaterError | None = None

    def list(self, state: str | None, limit: int, before: int | None) -> Sequence[EventShape]:
        if self.fails is not None:
            raise self.fails
        wanted = [
            row for row in self.rows if state in (None, row["state"]) and (before is None or row["number"] < before)
        ]
        return wanted[:limit]

    def show(self, number: int) -> EventShape | None:
        return next((row for row in self.rows if row["number"] == number), None)

    def retry(self, number: int) -> bool:
        if self.fails is not None:
            raise self.fails
        self.retried.append(number)
        return self.show(number) is not None


def row(number: int, state: str = "done") -> EventShape:
    """An event as the inbox shows it."""
    return {
        "number": number,
        "image": "reg.example/models/model-a",
        "version": {"tag": "1.0.0", "digest": None},
        "source": "generic",
        "id": "id-1",
        "pushed_at": None,
        "received_at": "2026-11-20T12:00:00Z",
        "deliveries": 1,
        "state": state,
        "tries": 0,
        "next_try": None,
        "outcome": None,
        "reason": None,
        "commits": [],
        "ended_at": None,
    }


@dataclass
class Site:
    """The application and all around it, to be set up by a test before it asks."""

    environ: Mapping[str, str] = field(default_factory=lambda: {"UPDATER_HOOK_SECRET_GENERIC": SECRET})
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    rows: MemoryRows = field(default_factory=MemoryRows)
    bell: Bell = field(default_factory=Bell)
    repository: FakeRepository = field(default_factory=lambda: FakeRepository({"main": FILES}))
    tokens: tuple[str, ...] = ()
    health: Health = field(default_factory=Health)
    posted: list[Reported] = field(default_factory=list)
    post_fails: Exception | None = None
    watched: list[tuple[str, int]] = field(default_factory=list)
    lived: list[str] = field(default_factory=list)
    peer: str = "127.0.0.1"

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request, and its answer."""

        async def asked() -> httpx.Response:
            async with self.client() if path.startswith("/hooks") else self.whole() as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """A web hook with the secret of the source, if no other headers are given."""
        content = body if isinstance(body, bytes) else httpx.Request("POST", "http://x", json=body).content
        return self.ask(
            "POST", path, content=content, headers={"x-updater-token": SECRET} if headers is None else headers
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the web hooks alone: the API takes a while to be made."""
        async with self._client(Starlette(routes=hook_routes(self._reception()))) as client:
            yield client

    @asynccontextmanager
    async def whole(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the whole application."""
        desk = Desk("asking", self._parts)
        office = Office(desk, self.rows, self.bell, self.tokens)
        exposed = (b"updater_up 1\n", "text/plain")
        app = make_app(self._reception(), office, lambda: self.health, lambda: exposed, self._living)
        async with self._client(app) as client:
            yield client
        desk.close()

    def _client(self, app: Starlette) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(self.peer, 5000))
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")

    def _reception(self) -> Reception:
        known = KNOWN
        intake: Intake = self.intake
        admitting = admission.read(self.environ, known, is_loopback=True, now=lambda: at(60), fetch=self._fetch)
        return Reception(admitting, known, intake, self._post, self.bell, lambda: at(60), self._watch)

    async def _post(self, reported: Sequence[Reported]) -> None:
        if self.post_fails is not None:
            raise self.post_fails
        self.posted += reported

    def _watch(self, source: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.watched.append((source, status))

    def _fetch(self, url: str) -> bytes:
        raise UpdaterError(f"nothing is fetched here, and {url} was asked for")

    @contextmanager
    def _parts(self) -> Iterator[Parts]:
        yield Parts(sight(self.repository), {}, lambda _: None)

    @asynccontextmanager
    async def _living(self) -> AsyncIterator[None]:
        self.lived.append("began")
        yield
        self.lived.append("ended")
