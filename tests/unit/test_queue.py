"""The queue of replicas: a web hook is answered once its events are durable, and what comes out is what went in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, NOON, at, digest, pushed
from updater.core import waiting
from updater.decoders.envelopes import MAX_BYTES
from updater.errors import EventError, StorageError
from updater.model import Delivery, Event
from updater.sources.messages import delivery
from updater.sources.queue import QueueIntake, dead_letters, reader

TOPIC = "projects/p/topics/hooks"
DEAD = "projects/p/topics/dead"


@dataclass
class Publisher:
    """Keeps what it is given. Its futures are done at once, fail, or never end."""

    failure: str | None = None
    is_mute: bool = False
    sent: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> Future[str]:
        self.sent.append((topic, data, attributes))
        future: Future[str] = Future()
        if self.failure:
            future.set_exception(StorageError(self.failure))
        elif not self.is_mute:
            future.set_result("1")
        return future


@dataclass(frozen=True)
class Pulled:
    """What a replica gets."""

    data: bytes
    id: str = "7"
    attributes: Mapping[str, str] = field(default_factory=dict)
    published_at = NOON
    attempt = 1
    lease = "7/1"

    def ack(self) -> None: ...


@dataclass
class Clock:
    now: float = 0

    def intake(self, publisher: Publisher) -> QueueIntake:
        return QueueIntake(publisher, TOPIC, dead_letters(publisher, DEAD), lambda: at(self.now))


def pulled(data: bytes) -> Delivery:
    return delivery("queue", Pulled(data), NOON)


def test_the_events_of_a_delivery_are_one_message_that_every_replica_reads() -> None:
    publisher = Publisher()
    events = [pushed("1.0.0", "a", 1), pushed("1.1.0", None, None)]
    asyncio.run(Clock().intake(publisher).accept(events))
    [(topic, data, attributes)] = publisher.sent
    assert (topic, attributes) == (TOPIC, {})
    assert set(reader(lambda: at(60))(pulled(data)).events) == set(events)


@given(
    st.lists(
        st.builds(
            pushed,
            st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
            st.sampled_from([None, "a", "b"]),
            st.none() | st.integers(-1000, 1000),
        ),
        min_size=1,
    )
)
def test_what_comes_out_is_what_went_in(events: list[Event]) -> None:
    publisher = Publisher()
    asyncio.run(Clock().intake(publisher).accept(events))
    found = reader(lambda: at(10_000))(pulled(publisher.sent[0][1])).events
    assert waiting.written(found) == waiting.written(events)


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"{}\n", b"no line of ours", waiting.written([pushed("1.0.0")]) + b'{"image": "x", "tag": "y"}\n'],
    ids=["nothing", "blank", "empty", "foreign", "one of two"],
)
def test_a_message_of_which_a_line_cannot_be_read_is_refused_whole(data: bytes) -> None:
    with pytest.raises(EventError, match="our own queue"):
        reader(lambda: NOON)(pulled(data))


def test_a_queue_that_refuses_is_told_to_the_sender_and_as_a_problem() -> None:
    publisher, clock = Publisher("the topic does not exist"), Clock()
    intake = clock.intake(publisher)
    assert intake.problem() is None
    with pytest.raises(StorageError, match="does not exist"):
        asyncio.run(intake.accept([pushed("1.0.0")]))
    assert intake.problem() == "the topic does not exist"


def test_a_queue_that_does_not_answer_in_time_is_told_to_the_sender_and_as_a_problem() -> None:
    intake = Clock().intake(Publisher(is_mute=True))
    with pytest.raises(StorageError, match="within 0.8 s"):
        asyncio.run(intake.accept([pushed("1.0.0")]))
    assert "within 0.8 s" in (intake.problem() or "")


def test_a_problem_ends_with_the_next_success() -> None:
    publisher = Publisher("no rights")
    intake = Clock().intake(publisher)
    with pytest.raises(StorageError):
        asyncio.run(intake.accept([pushed("1.0.0")]))
    publisher.failure = None
    asyncio.run(intake.accept([pushed("1.0.0")]))
    assert intake.problem() is None


@pytest.mark.parametrize(("minutes", "is_told"), [(0, True), (0.1, True), (0.2, False), (-60, False)])
def test_a_problem_is_not_told_for_ever_since_nobody_would_try_again(minutes: float, is_told: bool) -> None:
    clock = Clock()
    intake = clock.intake(Publisher("no rights"))
    with pytest.raises(StorageError):
        asyncio.run(intake.accept([pushed("1.0.0")]))
    clock.now = minutes
    assert (intake.problem() is not None) == is_told


def test_an_unreadable_hook_goes_to_the_dead_letters_with_reason_and_source() -> None:
    publisher = Publisher()
    asyncio.run(Clock().intake(publisher).bury(Delivery("harbor", b"{", at(1)), "the body is not JSON"))
    told = {
        "reason": "the body is not JSON",
        "source": "harbor",
        "received-at": "2026-11-20T12:01:00Z",
        "bytes": "1",
    }
    assert publisher.sent == [(DEAD, b"{", told)]


def test_a_dead_letter_that_cannot_be_kept_is_told() -> None:
    with pytest.raises(StorageError, match="no rights"):
        asyncio.run(Clock().intake(Publisher("no rights")).bury(Delivery("harbor", b"{", NOON), "broken"))


@pytest.mark.parametrize("reason", ["x" * 5000, "é" * 5000, "\ud800 broken", "no longer"], ids=lambda text: text[:3])
def test_dead_letters_fit_into_a_message_whatever_they_hold(reason: str) -> None:
    publisher = Publisher()
    body = b"x" * (MAX_BYTES + 1)
    dead_letters(publisher, DEAD)(Delivery("harbor", body, NOON), reason)
    [(_, data, told)] = publisher.sent
    assert len(data) == MAX_BYTES
    assert told["bytes"] == str(MAX_BYTES + 1)
    assert all(len(value.encode()) <= 1024 for value in told.values())
    assert told["reason"][:2] == reason[:2] or "?" in told["reason"]


def test_an_arrival_ahead_of_our_clock_is_read_as_now() -> None:
    ahead = waiting.written([Event("harbor", "1", IMAGE, pushed("1.0.0", "a").version, NOON + timedelta(days=1))])
    [event] = reader(lambda: NOON)(pulled(ahead)).events
    assert (event.received_at, event.version.digest) == (NOON, digest("a"))
