"""Where events come from and where web hooks put them: the inbox of this machine, Pub/Sub, or both."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from updater.adapters.inbox import Inbox
from updater.core import retrying
from updater.decoding import read
from updater.errors import UsageError
from updater.feeds import Feed, Intake
from updater.protocols import Decoder
from updater.sources import queue
from updater.sources.pubsub import Around, Bury, PubsubFeed, Read
from updater.sources.settings import Pull, Settings
from updater.telling.metrics import Metrics
from updater.working.bell import Bell

if TYPE_CHECKING:
    from updater.adapters.pubsub import Publisher


@dataclass(frozen=True, slots=True)
class Supply:
    """What feeds the worker, and what takes in what web hooks bring. `pulled` are the feeds that Pub/Sub fills."""

    feeds: Sequence[Feed]
    pulled: Sequence[PubsubFeed]
    intake: Intake

    def problems(self) -> Mapping[str, str]:
        """Why messages do not come in, by what should bring them."""
        return {f"pubsub-{number}": told for number, feed in enumerate(self.pulled, 1) if (told := feed.problem())}

    def stop(self, seconds: float) -> None:
        """Gives back what nobody works on any more, to all at the same time. No longer than that is waited for it."""
        threads = [Thread(target=feed.stop, name="giving back", daemon=True) for feed in self.pulled]
        end = time.monotonic() + seconds
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def supply(
    settings: Settings,
    inbox: Inbox,
    decoders: Mapping[str, Decoder],
    bell: Bell,
    metrics: Metrics,
    now: Callable[[], datetime],
    stack: ExitStack,
) -> Supply:
    """Everything that the settings name; what has to be closed goes onto the stack. Raises `UsageError`."""
    inbox.on_put(bell.ring)
    if not (settings.pulls or settings.queue or settings.dead_letters):
        return Supply([inbox], [], inbox)
    publishing = publisher(stack)
    bury: Bury = inbox.burying
    if settings.dead_letters is not None:
        bury = queue.dead_letters(publishing, settings.dead_letters)
    around = Around(bury, now, _pause, bell.ring, lambda _: bell.tell(), metrics.event)
    wanted: list[tuple[Pull, Read]] = [(pull, partial(read, decoders)) for pull in settings.pulls]
    intake: Intake = inbox
    if settings.queue is not None:
        intake = queue.QueueIntake(publishing, settings.queue.topic, bury, now)
        wanted.append((Pull("queue", settings.queue.subscription), queue.reader(now)))
    pulled = [_feed(pull, reader, around, settings.max_messages) for pull, reader in wanted]
    return Supply([inbox, *pulled], pulled, intake)


def _feed(pull: Pull, reader: Read, around: Around, most: int) -> PubsubFeed:
    from updater.adapters.pubsub import Subscription

    return PubsubFeed(pull.source, reader, around, lambda receive: Subscription(pull.subscription, receive, most))


def publisher(stack: ExitStack) -> Publisher:
    """What publishes, closed with the stack. Raises `UsageError`."""
    try:
        from updater.adapters.pubsub import Publisher
    except ImportError as error:
        raise UsageError("Pub/Sub needs more than is installed", hint="install manifest-updater[pubsub]") from error
    made = Publisher()
    stack.callback(made.close)
    return made


def _pause(failures: int) -> timedelta:
    return retrying.pause(failures, random.random())  # noqa: S311
