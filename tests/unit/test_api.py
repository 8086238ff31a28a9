"""`/api/v1`, `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.helpers.events import at
from tests.helpers.fake_repository import FakeRepository, overlay, sight
from tests.helpers.web import FILES, MemoryRows, Site, row
from updater.errors import EventError, GitError, RemoteUnavailable, StorageError
from updater.pipeline import Parts
from updater.sight import Sight
from updater.web import health
from updater.web.desk import Desk
from updater.web.health import Health

# --- health


def test_a_service_that_lives_and_can_take_events_says_so() -> None:
    site = Site()
    assert site.ask("GET", "/healthz").json() == {"status": "ok"}
    assert site.ask("GET", "/readyz").json() == {"status": "ok", "faults": {}, "doubts": {}}


def test_a_service_that_cannot_keep_events_is_not_ready_and_says_why() -> None:
    answer = Site(health=Health(faults={"intake": "the disk is full"})).ask("GET", "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "faults": {"intake": "the disk is full"}, "doubts": {}}


def test_a_remote_that_is_down_does_not_keep_events_away() -> None:
    answer = Site(health=Health(doubts={"remote": "it does not answer"})).ask("GET", "/readyz")
    assert answer.status_code == 200
    assert answer.json()["doubts"] == {"remote": "it does not answer"}


def test_a_worker_that_died_ends_the_service() -> None:
    site = Site(health=Health(alive=False))
    assert site.ask("GET", "/healthz").status_code == 503
    assert site.ask("GET", "/readyz").status_code == 503


def test_metrics_come_in_the_form_of_prometheus() -> None:
    answer = Site().ask("GET", "/metrics")
    assert (answer.text, answer.headers["content-type"]) == ("updater_up 1\n", "text/plain")


def test_figures_that_take_their_time_keep_no_web_hook_waiting() -> None:
    asked: list[int] = []

    def exposed() -> tuple[bytes, str]:
        asked.append(threading.get_ident())
        return b"", "text/plain"

    (endpoint,) = [route.endpoint for route in health.routes(Health, exposed) if route.path == "/metrics"]
    app = Starlette(routes=[Route("/metrics", endpoint)])

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://updater") as client:
            await client.get("/metrics")
        return threading.get_ident()

    loop = asyncio.run(ask())
    assert asked
    assert loop not in asked


# --- who may ask


def test_without_a_token_this_machine_is_answered_by_its_own_names_alone() -> None:
    site = Site()
    assert site.ask("GET", "/api/v1/events").status_code == 200
    assert site.ask("GET", "/api/v1/events", headers={"host": "localhost:8080"}).status_code == 200
    assert site.ask("GET", "/api/v1/events", headers={"host": "[::1]:8080"}).status_code == 200
    assert site.ask("GET", "/api/v1/events", headers={"host": "updater.example.org"}).status_code == 403


@pytest.mark.parametrize("peer", ["192.0.2.2", "10.0.0.7", "::ffff:10.0.0.7", "2001:db8::1", "testclient"])
def test_without_a_token_nobody_elsewhere_is_answered_whatever_host_they_name(peer: str) -> None:
    site = Site(peer=peer)
    assert site.ask("GET", "/api/v1/events", headers={"host": "localhost"}).status_code == 403
    assert site.ask("POST", "/api/v1/reconcile").status_code == 403
    assert not site.bell.news()


def test_without_a_token_no_page_of_somebody_else_is_answered() -> None:
    answer = Site().ask("POST", "/api/v1/reconcile", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"])
def test_without_a_token_nobody_is_answered_through_a_proxy_whatever_address_it_was_told(name: str) -> None:
    assert Site().ask("GET", "/api/v1/events", headers={name: "127.0.0.1"}).status_code == 403
    token = {"Authorization": "Bearer one", name: "127.0.0.1"}
    assert Site(tokens=("one",)).ask("GET", "/api/v1/events", headers=token).status_code == 200


def test_with_a_token_everybody_is_answered_who_has_it() -> None:
    site = Site(tokens=("one", "two"))
    far = {"host": "updater.example.org"}
    assert site.ask("GET", "/api/v1/events", headers=far).status_code == 401
    assert site.ask("GET", "/api/v1/events").status_code == 401
    for token, status in {"one": 200, "two": 200, "on": 401, "": 401, "one,two": 401}.items():
        given = {**far, "authorization": f"Bearer {token}"}
        assert site.ask("GET", "/api/v1/events", headers=given).status_code == status, token


# --- the repository


def test_the_status_is_that_of_the_command_line() -> None:
    told = Site().ask("GET", "/api/v1/status").json()
    (service,) = told["services"]
    assert (service["environment"], service["service"], service["version"]["tag"]) == ("test", "model-a", "1.0.0")
    assert set(told) == {"services", "waiting", "pull_requests", "promotions", "problems"}


def test_the_status_can_be_asked_of_some_services() -> None:
    site = Site(repository=FakeRepository({"main": {**FILES, **overlay("2.0.0", service="model-b")}}))
    told = site.ask("GET", "/api/v1/status", params={"service": "*-b", "environment": "test"}).json()
    assert [each["service"] for each in told["services"]] == ["model-b"]


def test_an_environment_that_is_not_there_is_404() -> None:
    answer = Site().ask("GET", "/api/v1/status", params={"environment": "tset"})
    assert answer.status_code == 404
    assert "tset" in answer.json()["detail"]


def test_the_history_is_that_of_the_command_line() -> None:
    repository = FakeRepository({"main": FILES})
    repository.commit("main", overlay("1.1.0"))
    told = Site(repository=repository).ask("GET", "/api/v1/history", params={"limit": 1}).json()
    assert [each["to"]["tag"] for each in told["history"]] == ["1.1.0"]
    assert told["history"][0]["from"]["tag"] == "1.0.0"


def test_a_remote_that_does_not_answer_is_503() -> None:
    class Silent(FakeRepository):
        def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
            raise RemoteUnavailable("the remote does not answer")

    answer = Site(repository=Silent({"main": FILES})).ask("GET", "/api/v1/status")
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["detail"]


# --- the inbox


def test_events_are_listed_and_shown() -> None:
    site = Site(rows=MemoryRows([row(3), row(2, "dead"), row(1)]))
    assert [each["number"] for each in site.ask("GET", "/api/v1/events").json()["events"]] == [3, 2, 1]
    dead = site.ask("GET", "/api/v1/events", params={"state": "dead", "limit": 5}).json()["events"]
    assert [each["number"] for each in dead] == [2]
    assert site.ask("GET", "/api/v1/events", params={"before": 2}).json()["events"][0]["number"] == 1
    assert site.ask("GET", "/api/v1/events/2").json()["state"] == "dead"
    assert site.ask("GET", "/api/v1/events/9").status_code == 404


@pytest.mark.parametrize("query", [{"state": "gone"}, {"limit": 0}, {"limit": "many"}])
def test_a_question_that_makes_no_sense_is_422(query: dict[str, str | int]) -> None:
    assert Site().ask("GET", "/api/v1/events", params=query).status_code == 422


def test_an_event_is_tried_again_and_the_worker_hears_of_it() -> None:
    site = Site(rows=MemoryRows([row(1, "dead")]))
    assert site.ask("POST", "/api/v1/events/1/retry").status_code == 202
    assert site.rows.retried == [1]
    assert site.bell.wait(0)
    assert site.ask("POST", "/api/v1/events/9/retry").status_code == 404


@pytest.mark.parametrize(("error", "status"), [(StorageError("locked"), 503), (EventError("#1: unreadable"), 409)])
def test_an_event_that_cannot_be_tried_again_says_why(error: StorageError | EventError, status: int) -> None:
    answer = Site(rows=MemoryRows([row(1)], fails=error)).ask("POST", "/api/v1/events/1/retry")
    assert answer.status_code == status
    assert str(error) in answer.json()["detail"]


def test_an_inbox_that_cannot_be_read_is_503() -> None:
    site = Site(rows=MemoryRows(fails=StorageError("another process keeps it locked")))
    answer = site.ask("GET", "/api/v1/events")
    assert answer.status_code == 503
    assert "locked" in answer.json()["detail"]


def test_a_pass_can_be_asked_for() -> None:
    site = Site()
    assert site.ask("POST", "/api/v1/reconcile").status_code == 202
    assert site.bell.news()


# --- its description


def test_the_openapi_document_describes_every_answer() -> None:
    document = Site(tokens=("one",)).ask("GET", "/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        "/api/v1/status",
        "/api/v1/history",
        "/api/v1/pull-requests",
        "/api/v1/events",
        "/api/v1/events/{number}",
        "/api/v1/events/{number}/retry",
        "/api/v1/reconcile",
    }
    shapes = document["components"]["schemas"]
    assert {"from", "to", "outcome", "reason", "due"} <= set(shapes["PromotionShape"]["properties"])
    assert {"holds", "version", "since"} <= set(shapes["EntryShape"]["properties"])
    schemes = document["components"]["securitySchemes"]
    assert next(iter(schemes.values()))["scheme"] == "bearer"


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert Site().ask("GET", path).status_code == 404


# --- desks


@contextmanager
def a_repository() -> Iterator[Parts]:
    yield Parts(sight(FakeRepository({"main": FILES})), {}, lambda _: None)


def test_questions_are_answered_one_after_the_other_in_one_thread() -> None:
    threads: list[str] = []

    def question(_: Sight) -> None:
        threads.append(threading.current_thread().name)

    async def asked() -> None:
        desk = Desk("asking", a_repository)
        await asyncio.gather(*(desk.ask(question, 5.0) for _ in range(8)))
        desk.close()

    asyncio.run(asked())
    assert len(set(threads)) == 1
    assert len(threads) == 8


def test_a_question_that_takes_too_long_is_given_up_and_too_many_are_turned_away() -> None:
    gate = threading.Event()

    async def asked() -> list[str]:
        desk = Desk("asking", a_repository)
        first = asyncio.create_task(desk.ask(lambda _: gate.wait(20), 0.01))
        waiting = [asyncio.create_task(desk.ask(lambda _: None, 20.0)) for _ in range(63)]
        await asyncio.sleep(0)
        told = []
        for refused in (desk.ask(lambda _: None, 1.0), first):
            try:
                await refused
            except StorageError as error:
                told.append(str(error))
        gate.set()
        await asyncio.gather(*waiting)
        desk.close()
        return told

    told = asyncio.run(asked())
    assert "too many" in told[0]
    assert "no answer within" in told[1]


@pytest.mark.parametrize(
    ("error", "openings"),
    [(FileNotFoundError("HEAD"), 2), (GitError("the local mirror is gone"), 2), (RemoteUnavailable("it is down"), 1)],
)
def test_a_desk_opens_the_repository_anew_after_a_failure_that_may_be_its_own(error: Exception, openings: int) -> None:
    told: list[str] = []
    closed = threading.Semaphore(0)

    @contextmanager
    def opened() -> Iterator[Parts]:
        told.append("opened")
        with a_repository() as parts:
            yield parts
        told.append("closed")
        closed.release()

    def question(_: Sight) -> None:
        if told == ["opened"]:
            told.append("failed")
            raise error

    async def asked() -> None:
        desk = Desk("asking", opened)
        with pytest.raises(type(error)):
            await desk.ask(question, 5.0)
        await desk.ask(question, 5.0)
        desk.close()

    asyncio.run(asked())
    assert all(closed.acquire(timeout=20) for _ in range(openings))
    assert told[:4] == (["opened", "failed", "closed", "opened"] if openings == 2 else ["opened", "failed", "closed"])


def test_what_a_question_raises_is_raised() -> None:
    def question(_: Sight) -> None:
        raise EventError("no")

    async def asked() -> None:
        desk = Desk("asking", a_repository)
        try:
            await desk.ask(question, 5.0)
        finally:
            desk.close()

    with pytest.raises(EventError, match="no"):
        asyncio.run(asked())


def test_a_desk_gives_the_repository_back() -> None:
    closed = threading.Event()

    @contextmanager
    def opened() -> Iterator[Parts]:
        with a_repository() as parts:
            yield parts
        closed.set()

    async def asked() -> None:
        desk = Desk("asking", opened)
        assert await desk.ask(lambda sight: sight.clock.now(), 5.0) == at(60)
        desk.close()

    asyncio.run(asked())
    assert closed.wait(20)
