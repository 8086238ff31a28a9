"""The subscriptions and topics that the settings name: whether they are there, ours to use, and set up well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from updater.doctor.checks import Check, fault, ok, warning
from updater.errors import StorageError, UsageError
from updater.sources.settings import Settings

if TYPE_CHECKING:
    from updater.adapters.pubsub_setup import SetUp, Unseen

SHORT = 30
"""Seconds. After the end of a lease somebody else gets the message, too."""


class Cloud(Protocol):
    """See `updater.adapters.pubsub_setup.Cloud`."""

    def subscription(self, name: str) -> SetUp | Unseen: ...

    def may_pull(self, subscription: str) -> bool | None: ...

    def may_publish(self, topic: str) -> bool | None: ...


def checks(settings: Settings, outcomes: str | None, cloud: Cloud) -> Iterator[Check]:
    """What is pulled, and what is published to; `outcomes` is the topic for these, if it is one."""
    queue = settings.queue
    pulled = [each.subscription for each in settings.pulls] + ([queue.subscription] if queue else [])
    published = [settings.dead_letters, queue.topic if queue else None, outcomes]
    try:
        for name in pulled:
            yield from _subscription(name, cloud)
        for topic in filter(None, published):
            yield _topic(topic, cloud)
    except StorageError as error:
        yield fault("pubsub", error)
    if queue is not None and settings.dead_letters is None:
        told = "what cannot be read is kept by the replica that got it"
        yield warning("pubsub", told, "name a topic for it in UPDATER_PUBSUB_DEAD_LETTERS")


def _subscription(name: str, cloud: Cloud) -> Iterator[Check]:
    found = cloud.subscription(name)
    if found == "missing":
        yield fault("pubsub", UsageError(f"{name} does not exist", hint="create it, or correct the setting"))
    elif cloud.may_pull(name) is False:
        hint = "grant roles/pubsub.subscriber on it to the account of this service"
        yield fault("pubsub", UsageError(f"we may not pull from {name}", hint=hint))
    elif found == "hidden":
        yield ok("pubsub", f"{name} can be pulled from; how it is set up is not ours to see")
    else:
        yield from _set_up(name, found)


def _set_up(name: str, found: SetUp) -> Iterator[Check]:
    if found.push_to is not None:
        hint = "take the endpoint off it, or take the subscription out of the settings"
        yield fault("pubsub", UsageError(f"{name} pushes, so nobody can pull from it", hint=hint))
        return
    if found.topic is None:
        hint = "create topic and subscription anew"
        yield fault("pubsub", UsageError(f"the topic of {name} was deleted, so nothing comes in any more", hint=hint))
        return
    kinds = [kind for kind, is_so in (("ordered", found.is_ordered), ("exactly once", found.is_exactly_once)) if is_so]
    slower = f"; {' and '.join(kinds)}, which works, more slowly" if kinds else ""
    yield ok("pubsub", f"{name} can be pulled from{slower}")
    yield from (warning("pubsub", f"{name} {told}", hint) for told, hint in _doubts(found))


def _doubts(found: SetUp) -> Iterator[tuple[str, str]]:
    if found.dead_letters is None:
        yield "has no dead-letter topic", "give it one: what kills every process comes again and again otherwise"
    if found.expires:
        yield "ends by itself when it is not used for a while", "set its expiration to never"
    if found.ack_seconds < SHORT:
        yield f"has leases of {found.ack_seconds} s", "set its acknowledgement deadline to 60 s"


def _topic(name: str, cloud: Cloud) -> Check:
    may = cloud.may_publish(name)
    if may is False:
        hint = "create it, and grant roles/pubsub.publisher on it to the account of this service"
        return fault("pubsub", UsageError(f"we may not publish to {name}, or it does not exist", hint=hint))
    return ok("pubsub", f"{name} {'can be published to' if may else 'is not known to refuse us'}")
