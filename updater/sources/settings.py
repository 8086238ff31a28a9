"""Which Pub/Sub subscriptions and topics are used: from `UPDATER_PUBSUB_*` and `UPDATER_QUEUE*`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from updater.errors import UsageError

CARRIER = "pubsub"
_SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+")
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")
_MOST_MESSAGES = 100_000


@dataclass(frozen=True, slots=True)
class Pull:
    """A subscription, and the dialect that is spoken in it (`pubsub` where its messages tell)."""

    source: str
    subscription: str


@dataclass(frozen=True, slots=True)
class Queue:
    """The topic that replicas publish web hooks to, and its subscription, which they share."""

    topic: str
    subscription: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What is pulled, how many messages are held at a time, and where those go that cannot be read."""

    pulls: tuple[Pull, ...] = ()
    dead_letters: str | None = None
    max_messages: int = 1000
    queue: Queue | None = None


def read(environ: Mapping[str, str], sources: Collection[str]) -> Settings:
    """Settings from the environment; `sources` are the names that a subscription may be prefixed with.

    Raises `UsageError` naming the variable that is wrong.
    """
    queue = _queue(environ)
    pulls = tuple(_pulls(environ.get("UPDATER_PUBSUB_SUBSCRIPTION", ""), sources))
    names = [pull.subscription for pull in pulls] + ([queue.subscription] if queue else [])
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"UPDATER_PUBSUB_SUBSCRIPTION, UPDATER_QUEUE_SUBSCRIPTION: {twice} is named twice")
    return Settings(pulls, _topic(environ, "UPDATER_PUBSUB_DEAD_LETTERS"), _max_messages(environ), queue)


def _pulls(text: str, sources: Collection[str]) -> Iterator[Pull]:
    for item in filter(None, (part.strip() for part in text.split(","))):
        source, _, name = item.rpartition("=")
        if not _SUBSCRIPTION.fullmatch(name):
            hint = "write it as projects/PROJECT/subscriptions/NAME, or SOURCE=projects/PROJECT/subscriptions/NAME"
            raise UsageError(f"UPDATER_PUBSUB_SUBSCRIPTION has {item!r}", hint=hint)
        if source and source not in sources:
            near = difflib.get_close_matches(source, sources, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(sources))}"
            raise UsageError(f"UPDATER_PUBSUB_SUBSCRIPTION: there is no source {source!r}", hint=hint)
        yield Pull(source or CARRIER, name)


def _queue(environ: Mapping[str, str]) -> Queue | None:
    kind = environ.get("UPDATER_QUEUE") or None
    if kind not in (None, "pubsub"):
        raise UsageError(f"UPDATER_QUEUE is {kind!r}", hint="set it to `pubsub`, or leave it out on a single machine")
    topic = _topic(environ, "UPDATER_QUEUE_TOPIC")
    subscription = _name(environ, "UPDATER_QUEUE_SUBSCRIPTION", _SUBSCRIPTION, "projects/PROJECT/subscriptions/NAME")
    if kind is None and topic is None and subscription is None:
        return None
    if kind is None or topic is None or subscription is None:
        hint = "replicas need all of them; one machine needs none"
        raise UsageError("UPDATER_QUEUE, UPDATER_QUEUE_TOPIC, UPDATER_QUEUE_SUBSCRIPTION: one is not set", hint=hint)
    return Queue(topic, subscription)


def _topic(environ: Mapping[str, str], variable: str) -> str | None:
    return _name(environ, variable, _TOPIC, "projects/PROJECT/topics/NAME")


def _name(environ: Mapping[str, str], variable: str, pattern: re.Pattern[str], form: str) -> str | None:
    text = environ.get(variable, "").strip()
    if text and not pattern.fullmatch(text):
        raise UsageError(f"{variable} is {text!r}", hint=f"write it as {form}")
    return text or None


def _max_messages(environ: Mapping[str, str]) -> int:
    text = environ.get("UPDATER_PUBSUB_MAX_MESSAGES") or "1000"
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_MESSAGES:
        raise UsageError(f"UPDATER_PUBSUB_MAX_MESSAGES is {text!r}", hint=f"give a number from 1 to {_MOST_MESSAGES}")
    return int(text)
