"""Pub/Sub feeds on Google's emulator where it is, and on a double for what the emulator does not do."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import grpc
import pytest

from tests.helpers.events import NOON
from tests.helpers.patience import eventually
from tests.helpers.pubsub_double import Double, double
from tests.helpers.pubsub_emulator import emulator
from tests.helpers.pubsub_stage import Stage, feeding, stage
from tests.helpers.pubsub_world import World, push, settled, tags, taken
from updater.adapters.pubsub import Publisher, Subscription
from updater.decoders.envelopes import MAX_BYTES
from updater.errors import StorageError, UsageError
from updater.feeds import Ending
from updater.model import Delivery, Event, Version
from updater.sources.queue import QueueIntake, dead_letters, reader

LATER = Ending("again", "failed", "the remote is down", counts=False)
EXACTLY_ONCE = {"enable_exactly_once_delivery": True}
ORDERED = {"enable_message_ordering": True}


@pytest.fixture
def fake() -> Iterator[Double]:
    """The double, found by what is tested and by `on_double`. Nothing that it was sent may be wrong."""
    with double() as made:
        yield made
        assert made.complaints == []


@pytest.fixture
def on_double(fake: Double) -> Iterator[Stage]:
    with stage(fake.address) as made:
        yield made


@pytest.fixture(params=["emulator", "double"])
def pubsub(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Both, for what both do."""
    address = emulator() if request.param == "emulator" else request.getfixturevalue("fake").address
    with stage(address) as made:
        yield made


@pytest.mark.parametrize("kind", [{}, ORDERED, EXACTLY_ONCE, ORDERED | EXACTLY_ONCE], ids=lambda kind: "+".join(kind))
def test_a_push_is_taken_and_acked_from_every_kind_of_subscription(pubsub: Stage, kind: dict[str, bool]) -> None:
    topic = pubsub.topic("gcr")
    name = pubsub.subscription(topic, **kind)
    with feeding(name, World()) as feed:
        key = {"ordering_key": "model-a"} if "enable_message_ordering" in kind else {}
        pubsub.publish(topic, *(push(number) for number in range(5)), **key)
        found = []
        for _ in range(5):
            items = taken(feed, 1)
            found += tags(items)
            settled(feed, items)
        assert sorted(found) == [f"1.{number}.0" for number in range(5)]
        assert feed.depth() == 0
        assert feed.problem() is None
    assert pubsub.pulled(name, 1, 0.2) == []


def test_a_thousand_messages_are_taken_each_once(pubsub: Stage) -> None:
    topic = pubsub.topic("gcr")
    with feeding(pubsub.subscription(topic), World()) as feed:
        pubsub.publish(topic, *(push(number) for number in range(1000)))
        items = taken(feed, 1000)
        assert len(set(tags(items))) == len(items) == 1000
        settled(feed, items)
        assert feed.depth() == 0


def test_what_cannot_be_read_is_in_the_dead_letter_topic_before_it_is_acked(pubsub: Stage) -> None:
    topic, dead = pubsub.topic("gcr"), pubsub.topic("dead")
    name, look = pubsub.subscription(topic), pubsub.subscription(dead)
    publisher = Publisher()
    with feeding(name, World(), bury=dead_letters(publisher, dead)) as feed:
        pubsub.publish(topic, b'{"image": ""}', push(1), **{"ce-type": "x"})
        assert tags(taken(feed, 1)) == ["1.1.0"]
        assert eventually(lambda: feed.depth() == 1)
    publisher.close()
    [letter] = pubsub.pulled(look, 1)
    assert letter.attributes["reason"].startswith("`image` is missing")
    assert letter.attributes["source"] == "generic"
    assert json.loads(letter.data)["message"]["attributes"] == {"ce-type": "x"}


def test_a_message_over_one_mebibyte_is_a_dead_letter_that_fits(pubsub: Stage) -> None:
    topic, dead = pubsub.topic("gcr"), pubsub.topic("dead")
    name, look = pubsub.subscription(topic), pubsub.subscription(dead)
    publisher = Publisher()
    with feeding(name, World(), bury=dead_letters(publisher, dead)) as feed:
        pubsub.publish(topic, b" " * 3_000_000 + push(1))
        assert eventually(lambda: feed.depth() == 1)
        assert feed.take(1) == []
        assert eventually(lambda: feed.depth() == 0)
    publisher.close()
    [letter] = pubsub.pulled(look, 1)
    assert len(letter.data) == MAX_BYTES
    assert int(letter.attributes["bytes"]) > 3_000_000


def test_a_missing_subscription_is_told_and_pulled_from_once_it_is_made(
    pubsub: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    topic = pubsub.topic("gcr")
    with feeding(f"projects/{pubsub.project}/subscriptions/gcr", World()) as feed:
        assert eventually(lambda: "does not exist" in (feed.problem() or ""))
        assert "create it" in (feed.problem() or "")
        assert [record.levelname for record in caplog.records if record.name.startswith("updater")][:1] == ["ERROR"]
        pubsub.subscription(topic)
        pubsub.publish(topic, push(1))
        assert tags(taken(feed, 1)) == ["1.1.0"]
        assert feed.problem() is None


def test_the_queue_of_replicas_carries_events_unchanged(pubsub: Stage) -> None:
    topic = pubsub.topic("hooks")
    publisher = Publisher()
    intake = QueueIntake(publisher, topic, dead_letters(publisher, topic), lambda: NOON)
    with feeding(pubsub.subscription(topic), World(), reads=reader(lambda: NOON)) as feed:
        events = (_event(1), _event(2))
        asyncio.run(intake.accept(events))
        [item] = taken(feed, 1)
        assert set(item.events) == set(events)
    publisher.close()


def _event(number: int) -> Event:
    return Event("harbor", f"d{number}", "reg.example/app", Version(f"1.{number}"), NOON)


def test_while_the_remote_is_down_nothing_is_given_back_and_no_more_than_agreed_is_held(
    on_double: Stage, fake: Double
) -> None:
    topic = on_double.topic("gcr")
    with feeding(on_double.subscription(topic), World(), most=20) as feed:
        on_double.publish(topic, *(push(number) for number in range(30)))
        for _ in range(50):
            settled(feed, taken(feed, 20), LATER)
        assert feed.depth() == 20
        assert (fake.acked, fake.nacked) == ([], [])
        assert fake.streams[0].max_outstanding_messages == 20
        found: list[str] = []
        while len(found) < 30:
            items = taken(feed, 1)
            found += tags(items)
            settled(feed, items)
        assert len(set(found)) == 30
        assert eventually(lambda: len(fake.acked) == 30)
        assert fake.nacked == []


def test_a_graceful_stop_hands_what_is_held_to_another_at_once(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    name = on_double.subscription(topic)
    with feeding(name, World()) as first:
        ids = on_double.publish(topic, push(1), push(2))
        assert len(taken(first, 1)) == 1
        assert eventually(lambda: first.depth() == 2)
        assert fake.nacked == []
    assert sorted(fake.nacked) == sorted(ids)
    with feeding(name, World()) as second:
        assert sorted(tags(taken(second, 2))) == ["1.1.0", "1.2.0"]


def test_what_was_settled_just_before_a_stop_is_acked(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    with feeding(on_double.subscription(topic), World()) as feed:
        ids = on_double.publish(topic, *(push(number) for number in range(300)))
        settled(feed, taken(feed, 300))
    assert sorted(fake.acked) == sorted(ids)
    assert fake.nacked == []


@pytest.mark.slow
def test_leases_are_extended_through_an_outage_of_days(
    on_double: Stage, fake: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = on_double.topic("gcr")
    with feeding(on_double.subscription(topic), World()) as feed:
        ids = on_double.publish(topic, *(push(number) for number in range(50)))
        items = taken(feed, 50)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 6 * 86400)
        assert eventually(lambda: all(fake.extended[id_] >= 3 for id_ in ids), 60)
        assert fake.nacked == []
        settled(feed, items)
        assert eventually(lambda: sorted(fake.acked) == sorted(ids))


@pytest.mark.parametrize("kind", [{}, EXACTLY_ONCE], ids=["at least once", "exactly once"])
def test_an_ack_that_comes_too_late_is_harmless(
    on_double: Stage, fake: Double, kind: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "updater")
    topic = on_double.topic("gcr")
    name = on_double.subscription(topic, **kind)
    with feeding(name, World()) as feed:
        [id_] = on_double.publish(topic, push(1))
        items = taken(feed, 1)
        with fake.holding_back():
            fake.expire(name)
            settled(feed, items)
            if kind:
                assert eventually(lambda: f"message {id_} was not acked" in caplog.text)
        again = taken(feed, 1)
        assert tags(again) == ["1.1.0"]
        settled(feed, again)
        assert eventually(lambda: fake.acked == [id_])


def test_a_message_that_is_delivered_twice_is_one_item_and_is_acked_twice(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    name = on_double.subscription(topic)
    with feeding(name, World()) as feed:
        [id_] = on_double.publish(topic, push(1))
        items = taken(feed, 1)
        fake.deliver_twice(name)
        assert eventually(lambda: fake.extended[id_] == 2)
        on_double.publish(topic, push(2))
        others = taken(feed, 1)
        assert tags(others) == ["1.2.0"]
        settled(feed, [*items, *others])
        assert eventually(lambda: fake.acked.count(id_) == 2)


def test_what_was_ordered_behind_a_message_is_replayed_with_it_and_lands_once(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    name = on_double.subscription(topic, **ORDERED)
    with feeding(name, World()) as feed:
        on_double.publish(topic, push(1), push(2), push(3), ordering_key="model-a")
        first = taken(feed, 1)
        fake.expire(name)
        assert eventually(lambda: fake.leases(name) == 3)
        settled(feed, first)
        found = []
        while len(fake.acked) < 3:
            items = taken(feed, 1, 1)
            found += tags(items)
            settled(feed, items)
        assert {"1.2.0", "1.3.0"} <= set(found)


def test_a_filter_of_the_subscription_keeps_other_messages_away(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    with feeding(on_double.subscription(topic, filter='attributes.action = "INSERT"'), World()) as feed:
        on_double.publish(topic, push(1), action="DELETE")
        [wanted] = on_double.publish(topic, push(2), action="INSERT")
        items = taken(feed, 1)
        settled(feed, items)
        assert tags(items) == ["1.2.0"]
        assert eventually(lambda: fake.acked == [wanted])


def test_tries_go_on_counting_where_the_subscription_counts_them(on_double: Stage) -> None:
    topic, dead = on_double.topic("gcr"), on_double.topic("dead")
    policy = {"dead_letter_topic": dead, "max_delivery_attempts": 5}
    name = on_double.subscription(topic, dead_letter_policy=policy, **ORDERED)
    look = on_double.subscription(dead)
    on_double.publish(topic, push(1), ordering_key="model-a")
    for attempt in range(5):
        with feeding(name, World()) as feed:
            assert [item.tries for item in taken(feed, 1)] == [attempt]
    assert [letter.data for letter in on_double.pulled(look, 1)] == [push(1)]


def test_a_stream_that_breaks_is_opened_again_and_nothing_is_lost(on_double: Stage, fake: Double) -> None:
    topic = on_double.topic("gcr")
    with feeding(on_double.subscription(topic), World()) as feed:
        on_double.publish(topic, push(1))
        first = taken(feed, 1)
        fake.break_streams()
        on_double.publish(topic, push(2))
        second = taken(feed, 1)
        settled(feed, [*first, *second])
        assert tags([*first, *second]) == ["1.1.0", "1.2.0"]
        assert eventually(lambda: len(fake.acked) == 2)
        assert fake.nacked == []


def test_lost_rights_are_told_with_the_role_that_is_needed_and_held_items_survive(
    on_double: Stage, fake: Double
) -> None:
    topic = on_double.topic("gcr")
    name = on_double.subscription(topic)
    with feeding(name, World()) as feed:
        [id_] = on_double.publish(topic, push(1))
        items = taken(feed, 1)
        fake.refuse(grpc.StatusCode.PERMISSION_DENIED)
        assert eventually(lambda: "roles/pubsub.subscriber" in (feed.problem() or ""))
        fake.refuse(None)
        fake.expire(name)
        assert eventually(lambda: feed.problem() is None)
        assert feed.take(1) == []
        settled(feed, items)
        assert eventually(lambda: fake.acked == [id_])


@pytest.mark.slow
def test_a_subscription_stops_within_seconds_while_pubsub_cannot_be_reached() -> None:
    with double() as pubsub, stage(pubsub.address) as made:
        topic = made.topic("gcr")
        ended = threading.Event()

        def pulls() -> None:
            with feeding(made.subscription(topic), World()) as feed:
                made.publish(topic, push(1))
                assert len(taken(feed, 1)) == 1
                pubsub.server.stop(0).wait(5)
            ended.set()

        threading.Thread(target=pulls, daemon=True).start()
        assert ended.wait(30), "the library itself goes on for minutes"


def test_a_publisher_says_what_is_missing(on_double: Stage, fake: Double) -> None:
    publisher = Publisher()
    missing = f"projects/{on_double.project}/topics/none"
    with pytest.raises(StorageError, match="topics/none does not exist") as caught:
        publisher.publish(missing, b"x", {}).result(10)
    assert caught.value.hint == "create it, or correct the name"
    fake.refuse(grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(StorageError, match="may not use") as caught:
        publisher.publish(missing, b"x", {}).result(10)
    assert "roles/pubsub.publisher" in (caught.value.hint or "")
    fake.refuse(grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(StorageError, match="credentials"):
        publisher.publish(missing, b"x", {}).result(10)
    publisher.close()


def test_a_message_that_is_too_large_to_publish_is_told_like_any_failure(on_double: Stage) -> None:
    publisher = Publisher()
    topic = on_double.topic("hooks")
    with pytest.raises(StorageError, match="topics/hooks"):
        publisher.publish(topic, b"x" * 10_000_001, {}).result(10)
    publisher.close()
    with pytest.raises(StorageError, match="topics/hooks"):
        publisher.publish(topic, b"x", {}).result(10)


def test_a_publisher_tries_again_what_may_succeed(on_double: Stage, fake: Double) -> None:
    publisher = Publisher()
    topic = on_double.topic("hooks")
    fake.refuse(grpc.StatusCode.UNAVAILABLE)
    future = publisher.publish(topic, b"x", {})
    assert eventually(lambda: fake.refused >= 3)
    fake.refuse(None)
    assert future.result(10)
    publisher.close()


@pytest.mark.slow
def test_a_publisher_gives_up_in_the_end(on_double: Stage, fake: Double) -> None:
    publisher = Publisher()
    fake.refuse(grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(StorageError, match="does not serve"):
        publisher.publish(on_double.topic("hooks"), b"x", {}).result(20)
    publisher.close()


def test_a_hook_is_refused_in_time_when_the_queue_is_mute(on_double: Stage, fake: Double) -> None:
    publisher = Publisher()
    intake = QueueIntake(publisher, on_double.topic("hooks"), _nowhere, lambda: NOON)
    fake.mute()
    with pytest.raises(StorageError, match="within 0.8 s"):
        asyncio.run(intake.accept([_event(1)]))
    assert "within 0.8 s" in (intake.problem() or "")
    fake.speak()
    asyncio.run(intake.accept([_event(1)]))
    assert intake.problem() is None
    publisher.close()


def _nowhere(delivery: Delivery, reason: str) -> Future[str]:
    raise AssertionError(reason)


@pytest.mark.parametrize("make", [Publisher, lambda: Subscription("projects/p/subscriptions/s", print, 1)])
def test_missing_credentials_are_told_with_a_way_to_get_them(
    make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(UsageError, match="no credentials for Pub/Sub") as caught:
        make()
    assert "workload identity" in (caught.value.hint or "")
