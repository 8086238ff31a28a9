"""Google Cloud Pub/Sub: messages that are leased to us until we are done with them, and messages that we publish.

Sources: the service's documentation on streaming pull, lease management, exactly-once delivery and access control.
`PUBSUB_EMULATOR_HOST` is honoured by the client library.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import pubsub_v1  # type: ignore[import-untyped]
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler  # type: ignore[import-untyped]
from google.cloud.pubsub_v1.types import (  # type: ignore[import-untyped]
    FlowControl,
    LimitExceededBehavior,
    PublisherOptions,
    PublishFlowControl,
)

from updater.errors import StorageError, UsageError

_LOG = logging.getLogger(__name__)
_STEADY = 5.0  # a stream that is refused ends within this time
_LONGEST_PAUSE = 60.0
_STOPPING = 2.0
_LEASES_AT_A_TIME = 1000  # a request may have 512 KiB
_PUBLISHING = 5.0
_CLOSING = 1.0
_LIMITS = PublishFlowControl(10_000, 100_000_000, LimitExceededBehavior.ERROR)
# No outage is longer than a message is kept at all. After a crash, messages go to somebody else when their leases end.
_LONGEST_LEASE = timedelta(days=31).total_seconds()
_LONGEST_EXTENSION = 20
_MOST_BYTES = 32 * 1024 * 1024
_RETRIED = if_exception_type(exceptions.Aborted, exceptions.ServerError, exceptions.TooManyRequests)


@dataclass(frozen=True, slots=True)
class Leased:
    """A message that nobody else gets until it is acked or given back, by its `lease`.

    `attempt` counts its deliveries, from 1, where the subscription does.
    """

    id: str
    data: bytes
    attributes: Mapping[str, str]
    published_at: datetime
    attempt: int
    lease: str
    ack: Callable[[], None]


class Subscription:
    """Pulls messages from a subscription, from `start` to `stop`, whatever happens to the stream.

    `receive` gets each message, in a thread of its own, and must only hand it over. Leases are extended until they
    are acked; while there are `max_messages` of them, the service sends no more.
    """

    def __init__(self, name: str, receive: Callable[[Leased], None], max_messages: int) -> None:
        """Raises `UsageError` where there are no credentials."""
        self._name = name
        self._receive = receive
        self._limits = FlowControl(
            max_bytes=_MOST_BYTES,
            max_messages=max_messages,
            max_lease_duration=_LONGEST_LEASE,
            max_duration_per_lease_extension=_LONGEST_EXTENSION,
        )
        self._client = _made(pubsub_v1.SubscriberClient)
        self._stopping: Future[None] = Future()
        self._refused: str | None = None
        self._thread = Thread(target=self._run, name=f"pull {name}", daemon=True)

    def start(self) -> None:
        """Begins to pull. That the subscription is missing, or may not be used, is told by `problem` and in the log."""
        self._thread.start()

    def stop(self) -> None:
        """Pulls no more, sends what was acked before, and hangs up; within seconds even where nobody answers."""
        self._stopping.set_result(None)
        self._thread.join(_STOPPING)

    def give_back(self, leases: Sequence[str]) -> None:
        """Gives back what was not acked, so that somebody else gets it at once; else the leases run out by themselves.

        For after `stop`, and by a connection of its own: while the old one is known, it may all come back to us.
        """
        with _made(pubsub_v1.SubscriberClient) as client:
            try:
                for start in range(0, len(leases), _LEASES_AT_A_TIME):
                    some = leases[start : start + _LEASES_AT_A_TIME]
                    request = {"subscription": self._name, "ack_ids": some, "ack_deadline_seconds": 0}
                    client.modify_ack_deadline(request=request, retry=None, timeout=_STOPPING / 2)
            except exceptions.GoogleAPICallError as error:
                _LOG.debug("what was held comes to others a little later: %s", error)

    def problem(self) -> str | None:
        """Why nothing comes in now, in words; None where nothing is known to be wrong.

        An outage of Pub/Sub itself is not told: the library opens the stream again and again, and tells nobody.
        """
        return self._refused

    def _run(self) -> None:
        failures = 0
        while not self._stopping.done():
            has_stood = self._pull()
            failures = 1 if has_stood else failures + 1
            wait([self._stopping], min(_LONGEST_PAUSE, 0.25 * 2**failures))
        self._client.close()

    def _pull(self) -> bool:
        """Pulls until the stream ends or we are stopped; whether it had stood for a while."""
        scheduler = ThreadScheduler(ThreadPoolExecutor(1, thread_name_prefix=self._thread.name))
        stream = self._client.subscribe(self._name, self._hand_over, self._limits, scheduler)
        ends = (stream, self._stopping)
        has_stood = not wait(ends, _STEADY, FIRST_COMPLETED).done
        if has_stood:
            self._refused = None
            wait(ends, return_when=FIRST_COMPLETED)
        if stream.done():
            self._ended(stream.exception())
        else:
            stream.cancel()
            wait([stream])
        return has_stood

    def _ended(self, error: BaseException | None) -> None:
        failure = _failure(error, self._name, "roles/pubsub.subscriber")
        self._refused = f"{failure}: {failure.hint}"
        _LOG.error("pulling has ended and is tried again: %s", self._refused, extra={"subscription": self._name})

    def _hand_over(self, message: Any) -> None:
        self._refused = None
        self._receive(
            Leased(
                message.message_id,
                message.data,
                dict(message.attributes),
                message.publish_time,
                message.delivery_attempt or 1,
                message.ack_id,
                partial(_ack, message),
            )
        )


class Publisher:
    """Publishes messages, without ordering keys; those that come close together go in one request."""

    def __init__(self) -> None:
        """Raises `UsageError` where there are no credentials."""
        retry = Retry(_RETRIED, initial=0.05, maximum=0.5, timeout=_PUBLISHING)
        options = PublisherOptions(flow_control=_LIMITS, retry=retry, timeout=_PUBLISHING)
        self._client = _made(partial(pubsub_v1.PublisherClient, publisher_options=options))
        self._unfinished: set[Future[str]] = set()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> Future[str]:
        """The id that the service gives to a message, once it is durable there; else the future raises `StorageError`.

        Of attributes there may be 100, with values of up to 1,024 bytes.
        """
        promise: Future[str] = Future()
        promise.set_running_or_notify_cancel()  # who stops waiting does not stop the library
        self._unfinished.add(promise)
        promise.add_done_callback(self._unfinished.discard)
        try:
            sent = self._client.publish(topic, data, **attributes)
        except Exception as error:  # a message that is too large, a publisher that is closed
            promise.set_exception(_failure(error, topic, "roles/pubsub.publisher"))
        else:
            sent.add_done_callback(partial(_keep, promise, topic))
        return promise

    def close(self) -> None:
        """Waits a moment for what is on its way; whoever asked for the rest was not told that it is durable. Nothing
        can be published afterwards."""
        self._client.stop()
        wait(tuple(self._unfinished), _CLOSING)
        self._client.transport.close()


def _made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except GoogleAuthError as error:
        hint = "run with a service account (workload identity), or set GOOGLE_APPLICATION_CREDENTIALS"
        raise UsageError(f"there are no credentials for Pub/Sub: {error}", hint=hint) from error


def _ack(message: Any) -> None:
    """Acks, whatever comes of it: a message whose lease has ended is delivered again, and is then nothing new."""
    message.ack_with_response().add_done_callback(partial(_acked, message.message_id))


def _acked(name: str, outcome: Future[Any]) -> None:
    if error := outcome.exception():
        _LOG.debug("message %s was not acked and comes again: %s", name, error)


def _keep(promise: Future[str], topic: str, sent: Future[str]) -> None:
    if error := sent.exception():
        promise.set_exception(_failure(error, topic, "roles/pubsub.publisher"))
    else:
        promise.set_result(sent.result())


def _failure(error: BaseException | None, name: str, role: str) -> StorageError:
    """What the library says, in words for who has to mend it."""
    match error:
        case exceptions.NotFound():
            return StorageError(f"{name} does not exist", hint="create it, or correct the name")
        case exceptions.Forbidden():
            return StorageError(f"we may not use {name}", hint=f"grant {role} on it to the account of this service")
        case exceptions.Unauthorized() | GoogleAuthError():
            return StorageError(f"our credentials for {name} are not accepted: {error}", hint="renew them")
    return StorageError(f"Pub/Sub does not serve {name}: {error}", hint="it is tried again")
