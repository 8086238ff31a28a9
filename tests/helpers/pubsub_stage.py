"""Topics and subscriptions on the emulator or the double, as whoever sets them up would use them."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from tests.helpers.pubsub_world import World, read
from updater.adapters import pubsub
from updater.sources.pubsub import Bury, PubsubFeed, Read

PATIENCE = 30.0
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Stage:
    """A project of its own on a Pub/Sub at `address`."""

    address: str
    project: str
    publisher: Any
    subscriber: Any

    def topic(self, name: str) -> str:
        """Makes a topic, and gives its whole name."""
        whole = f"projects/{self.project}/topics/{name}"
        self.publisher.create_topic(request={"name": whole})
        return whole

    def subscription(self, topic: str, name: str | None = None, **settings: Any) -> str:
        """Makes a subscription of a topic, and gives its whole name."""
        whole = f"projects/{self.project}/subscriptions/{name or topic.rpartition('/')[2]}"
        self.subscriber.create_subscription(request={"name": whole, "topic": topic, **settings})
        return whole

    def publish(self, topic: str, *messages: bytes, **attributes: str) -> list[str]:
        """Publishes messages with the same attributes, and gives their ids."""
        sent = [self.publisher.publish(topic, data, **attributes) for data in messages]
        return [future.result(20) for future in sent]

    def pulled(self, subscription: str, count: int, seconds: float = 2.0) -> list[Any]:
        """The next messages, as they are published; fewer where no more come in this time."""
        found: list[Any] = []
        while len(found) < count:
            try:
                answer = self.subscriber.pull(subscription=subscription, max_messages=count, timeout=seconds)
            except exceptions.DeadlineExceeded:
                break
            if not answer.received_messages:
                break
            found += [received.message for received in answer.received_messages]
            ids = [received.ack_id for received in answer.received_messages]
            self.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        return found


@contextmanager
def stage(address: str) -> Iterator[Stage]:
    """A fresh project at `address`. What is tested finds the same Pub/Sub by `PUBSUB_EMULATOR_HOST`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", address)
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        publisher = pubsub_v1.PublisherClient(publisher_options=options)
        with pubsub_v1.SubscriberClient() as subscriber:
            yield Stage(address, f"test-{os.getpid()}-{next(_NUMBERS)}", publisher, subscriber)
        publisher.stop()
        publisher.transport.close()


@contextmanager
def feeding(
    subscription: str, world: World, *, bury: Bury | None = None, most: int = 1000, reads: Read = read
) -> Iterator[PubsubFeed]:
    """A feed that pulls from a real subscription."""
    feed = PubsubFeed(
        "generic", reads, world.around(bury), lambda receive: pubsub.Subscription(subscription, receive, most)
    )
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()
        for thread in threading.enumerate():  # what it did not wait for must not disturb another test
            if thread.name == f"pull {subscription}":
                thread.join(PATIENCE)
