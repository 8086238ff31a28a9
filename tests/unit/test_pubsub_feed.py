"""A Pub/Sub feed keeps every message until what it asks for is done, and says so to nobody before."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.helpers.events import NOON, at
from tests.helpers.pubsub_world import DONE, World, push, read, settled, tags
from updater.decoders.envelopes import MAX_BYTES, unwrap
from updater.errors import EventError
from updater.feeds import Ending, Item
from updater.model import Decoded, Delivery, Reported
from updater.sources.messages import Leased, delivery
from updater.sources.pubsub import PubsubFeed, Read

LATER = Ending("again", "failed", "the remote is down", at=at(10), counts=False)
HOPELESS = Ending("dead", "failed", "tried 12 times")


@dataclass
class Message:
    """A leased message, and what was said about it."""

    id: str
    data: bytes = push(1)
    attributes: Mapping[str, str] = field(default_factory=dict)
    published_at: datetime = NOON
    attempt: int = 1
    said: list[str] = field(default_factory=list)

    def ack(self) -> None:
        self.said.append("ack")

    @property
    def lease(self) -> str:
        return f"{self.id}/{self.attempt}"


@dataclass
class Pipe:
    """A subscription that brings what a test sends."""

    receive: Callable[[Leased], None]
    calls: list[str] = field(default_factory=list)
    last: list[Message] = field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")
        for message in self.last:
            self.receive(message)

    def give_back(self, leases: Sequence[str]) -> None:
        self.calls += ["give back", *leases]

    def problem(self) -> str | None:
        return "no rights"


@dataclass
class Bench:
    """A feed, what it is connected to, and what it was sent."""

    world: World
    feed: PubsubFeed
    pipe: Pipe

    def send(self, *messages: Message) -> Message:
        for message in messages:
            self.pipe.receive(message)
        return messages[0]


def bench(reads: Read = read) -> Bench:
    world, pipes = World(), []

    def subscribe(receive: Callable[[Leased], None]) -> Pipe:
        pipes.append(Pipe(receive))
        return pipes[0]

    feed = PubsubFeed("generic", reads, world.around(), subscribe)
    return Bench(world, feed, pipes[0])


def test_a_message_is_acked_only_after_what_it_asks_for_is_done() -> None:
    stage = bench()
    message = stage.send(Message("m1"))
    assert stage.world.wakes == 1
    items = stage.feed.take(10)
    assert [(item.name, item.tries) for item in items] == [("m1", 0)]
    assert tags(items) == ["1.1.0"]
    assert message.said == []
    settled(stage.feed, items)
    assert message.said == ["ack"]
    assert stage.feed.depth() == 0


def test_an_item_is_handed_out_once_until_it_is_settled() -> None:
    stage = bench()
    stage.send(Message("m1"))
    assert len(stage.feed.take(10)) == 1
    assert stage.feed.take(10) == []
    assert stage.feed.depth() == 1


def test_the_oldest_are_taken_first_and_no_more_than_asked_for() -> None:
    stage = bench()
    stage.send(*(Message(f"m{number}", push(number)) for number in (3, 1, 2)))
    assert tags([*stage.feed.take(2)]) == ["1.3.0", "1.1.0"]
    assert tags([*stage.feed.take(2)]) == ["1.2.0"]


def test_equal_pushes_in_several_messages_are_items_of_their_own() -> None:
    stage = bench()
    stage.send(Message("m1"), Message("m2"))
    assert [item.name for item in stage.feed.take(10)] == ["m1", "m2"]


def test_what_has_to_wait_is_neither_acked_nor_given_back_and_comes_again_in_time() -> None:
    stage = bench()
    message = stage.send(Message("m1"))
    assert stage.feed.due() is None
    settled(stage.feed, [*stage.feed.take(10)], LATER)
    assert stage.feed.due() == at(10)
    stage.world.now = at(9.9)
    assert stage.feed.take(10) == []
    stage.world.now = at(10)
    assert tags([*stage.feed.take(10)]) == ["1.1.0"]
    assert stage.feed.due() is None
    assert message.said == []


def test_what_may_be_tried_again_at_any_time_comes_again_at_once() -> None:
    stage = bench()
    stage.send(Message("m1"))
    settled(stage.feed, [*stage.feed.take(10)], Ending("again", "failed", "overtaken"))
    assert len(stage.feed.take(10)) == 1


def test_a_clock_that_goes_back_ends_every_wait() -> None:
    stage = bench()
    stage.send(Message("m1"))
    settled(stage.feed, [*stage.feed.take(10)], LATER)
    stage.world.now = at(-600)
    assert len(stage.feed.take(10)) == 1


@pytest.mark.parametrize(
    ("attempt", "counts", "tries"),
    [
        pytest.param(1, [], 0, id="new"),
        pytest.param(1, [True, True], 2, id="failed twice"),
        pytest.param(1, [True, False, False], 1, id="outages-do-not-count"),
        pytest.param(4, [], 3, id="delivered to others before"),
        pytest.param(2, [True, True], 3, id="both"),
    ],
)
def test_tries_are_those_of_the_subscription_and_our_own(attempt: int, counts: list[bool], tries: int) -> None:
    stage = bench()
    stage.send(Message("m1", attempt=attempt))
    for counted in counts:
        settled(stage.feed, [*stage.feed.take(1)], Ending("again", "failed", "no luck", counts=counted))
    assert [item.tries for item in stage.feed.take(1)] == [tries]


def test_a_message_that_comes_again_while_it_is_held_stays_one_item_and_all_its_leases_are_acked() -> None:
    stage = bench()
    first = stage.send(Message("m1"))
    second = stage.send(Message("m1", attempt=2))
    items = [*stage.feed.take(10)]
    third = stage.send(Message("m1", attempt=3))
    assert stage.feed.take(10) == []
    settled(stage.feed, items)
    assert [message.said for message in (first, second, third)] == [["ack"]] * 3


def test_a_message_that_comes_again_after_it_was_acked_is_looked_at_again() -> None:
    stage = bench()
    stage.send(Message("m1"))
    settled(stage.feed, [*stage.feed.take(10)])
    again = stage.send(Message("m1"))
    settled(stage.feed, [*stage.feed.take(10)])
    assert again.said == ["ack"]


@pytest.mark.parametrize("data", [b"no JSON", b"[]", b"{}", b"\xff", b'{"imge": "x:1"}'], ids=str)
def test_what_cannot_be_read_is_buried_with_the_reason_and_acked(data: bytes) -> None:
    stage = bench(lambda delivery: _strict(delivery))
    message = stage.send(Message("m1", data))
    assert stage.feed.take(10) == []
    [(buried, reason)] = stage.world.buried
    assert base64.b64decode(json.loads(buried.body)["message"]["data"]) == data
    assert reason
    assert message.said == ["ack"]
    assert stage.world.counted == {("generic", "unreadable"): 1}


def _strict(delivery: Delivery) -> Decoded:
    message = unwrap(delivery)
    if not isinstance(message.payload, dict) or "image" not in message.payload:
        raise EventError("there is no image in it")
    return Decoded()


def test_a_message_over_one_mebibyte_is_buried() -> None:
    stage = bench()
    stage.send(Message("m1", b" " * MAX_BYTES + push(1)))
    assert stage.feed.take(10) == []
    assert str(MAX_BYTES) in stage.world.buried[0][1]


def test_a_decoder_that_fails_in_its_own_way_loses_nothing_and_stops_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def reads(delivery: Delivery) -> Decoded:
        if b"broken" in delivery.body:
            raise KeyError("tag")
        return read(delivery)

    stage = bench(reads)
    stage.send(Message("broken"), Message("m2"))
    assert tags([*stage.feed.take(10)]) == ["1.1.0"]
    assert [reason for _, reason in stage.world.buried] == ["the decoder failed: KeyError"]
    assert "generic/broken" in [getattr(record, "event", None) for record in caplog.records]


def test_what_cannot_be_buried_is_held_and_tried_again_with_growing_pauses(caplog: pytest.LogCaptureFixture) -> None:
    stage = bench()
    stage.world.is_open = False
    message = stage.send(Message("m1", b'{"image": ""}'))
    for pause in (1, 2, 3):
        assert stage.feed.take(10) == []
        assert stage.feed.due() == stage.world.now + timedelta(minutes=pause)
        assert message.said == []
        stage.world.now += timedelta(minutes=pause)
    assert "the disk is full" in caplog.text
    stage.world.is_open = True
    stage.feed.take(10)
    assert message.said == ["ack"]
    assert len(stage.world.buried) == 1


def test_who_waits_is_told_when_a_burial_has_failed() -> None:
    stage = bench()
    stage.world.is_open = False
    stage.send(Message("m1", b'{"image": ""}'))
    stage.feed.take(10)
    assert stage.world.wakes == 2


def test_what_is_given_up_is_buried_with_its_reason_and_then_acked() -> None:
    stage = bench()
    message = stage.send(Message("m1"))
    stage.world.is_open = False
    settled(stage.feed, [*stage.feed.take(10)], HOPELESS)
    assert message.said == []
    stage.world.is_open, stage.world.now = True, at(5)
    assert stage.feed.take(10) == []
    assert [reason for _, reason in stage.world.buried] == ["tried 12 times"]
    assert stage.world.counted == {("generic", "dead"): 1}
    assert message.said == ["ack"]


def test_what_is_of_no_interest_is_acked_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "updater")
    stage = bench(lambda _: Decoded(ignored="a deletion"))
    message = stage.send(Message("m1"))
    assert stage.feed.take(10) == []
    assert message.said == ["ack"]
    assert stage.world.counted == {("generic", "ignored"): 1}
    assert "a deletion" in caplog.text


def test_news_are_passed_on_and_acked() -> None:
    stage = bench(lambda _: Decoded(news="pull request 2 was merged"))
    message = stage.send(Message("m1"))
    assert stage.feed.take(10) == []
    assert stage.world.heard == ["pull request 2 was merged"]
    assert message.said == ["ack"]
    assert stage.world.counted == {}


def test_gates_results_are_items_like_pushes() -> None:
    result = Reported("smoke-test", "success", environment="test", service="model-a")
    stage = bench(lambda _: Decoded(reported=(result,)))
    message = stage.send(Message("m1"))
    items = [*stage.feed.take(10)]
    assert items == [Item("m1", reported=(result,))]
    assert message.said == []


def test_a_graceful_stop_gives_back_what_is_held_once_nothing_more_can_come() -> None:
    stage = bench()
    message = stage.send(Message("m1"))
    stage.send(Message("m1", attempt=2), Message("done"))
    stage.feed.start()
    items = [*stage.feed.take(10)]
    settled(stage.feed, items[1:])
    stage.pipe.last = [Message("late")]
    stage.feed.stop()
    assert stage.pipe.calls == ["start", "stop", "give back", "m1/1", "m1/2", "late/1"]
    settled(stage.feed, items[:1])
    assert stage.feed.take(10) == []
    assert message.said == []


def test_a_stop_with_nothing_held_asks_for_nothing() -> None:
    stage = bench()
    stage.feed.stop()
    assert stage.pipe.calls == ["stop"]


def test_a_feed_tells_what_its_subscription_suffers_from() -> None:
    assert bench().feed.problem() == "no rights"


def test_a_message_is_read_as_a_push_subscription_would_send_it() -> None:
    published = datetime(2026, 11, 20, 11, 59, 30, 250000, UTC)
    message = Message("42", b'{"a": 1}', {"ce-type": "x", "Region": "eu"}, published)
    found = unwrap(delivery("pubsub", message, NOON))
    assert (found.source, found.payload, found.id, found.sent_at) == ("pubsub", {"a": 1}, "42", published)
    assert found.attributes == {"ce-type": "x", "region": "eu"}
    assert found.received_at == NOON
    assert found.envelopes == ("pubsub",)


def test_a_message_of_attributes_alone_has_no_payload() -> None:
    found = unwrap(delivery("clouddeploy", Message("42", b"", {"Action": "Succeed"}), NOON))
    assert found.payload is None
    assert found.attributes == {"action": "Succeed"}


class KeptUntilSettled(RuleBasedStateMachine):
    """Whatever the order of what happens: acked is exactly what was done or is buried, and nothing is given back."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = bench()
        self.sent: dict[str, list[Message]] = {}
        self.open: set[str] = set()
        self.out: list[Item] = []

    @rule(is_readable=st.booleans())
    def arrives(self, is_readable: bool) -> None:
        name = f"m{len(self.sent)}"
        self.sent[name] = [self.stage.send(Message(name, push(1) if is_readable else b'{"image": ""}'))]
        self.open.add(name)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def comes_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.open)))
        first = self.sent[name][0]
        self.sent[name].append(self.stage.send(Message(name, first.data, attempt=2)))

    @rule(limit=st.integers(1, 3))
    def is_taken(self, limit: int) -> None:
        self.out += self.stage.feed.take(limit)
        self._bury()

    @precondition(lambda self: self.out)
    @rule(ending=st.sampled_from([DONE, LATER, HOPELESS]))
    def is_settled(self, ending: Ending) -> None:
        item = self.out.pop()
        self.stage.feed.settle([(item, ending)])
        if ending is DONE:
            self.open.discard(item.name)
        self._bury()

    @rule(minutes=st.integers(-30, 30))
    def time_passes(self, minutes: int) -> None:
        self.stage.world.now += timedelta(minutes=minutes)

    @rule()
    def the_grave_opens_or_closes(self) -> None:
        self.stage.world.is_open = not self.stage.world.is_open

    def _bury(self) -> None:
        self.open -= {json.loads(buried.body)["message"]["messageId"] for buried, _ in self.stage.world.buried}

    @invariant()
    def acked_is_what_has_ended(self) -> None:
        for name, messages in self.sent.items():
            assert [message.said for message in messages] == [[] if name in self.open else ["ack"]] * len(messages)

    @invariant()
    def nothing_is_out_twice(self) -> None:
        names = [item.name for item in self.out]
        assert len(names) == len(set(names))
        assert self.open.issuperset(names)
        assert self.stage.feed.depth() == len(self.open)


TestKeptUntilSettled = KeptUntilSettled.TestCase
TestKeptUntilSettled.settings = settings(stateful_step_count=30)
