"""How subscriptions and topics of Pub/Sub are set up, and what we may do with them: to look at, not to work with.

Source: "Access control with IAM" and the reference of `Subscription` in the service's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import pubsub_v1  # type: ignore[import-untyped]

from updater.errors import StorageError, UsageError

Unseen: TypeAlias = Literal["missing", "hidden"]
"""There is none of that name; or there may be, and we may not look at it."""
_SECONDS = 10.0
_DELETED = "_deleted-topic_"
"""What stands in the place of a topic that was deleted."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """How a subscription is set up. Its topic is None where that was deleted."""

    topic: str | None
    push_to: str | None
    ack_seconds: int
    dead_letters: str | None
    expires: bool
    is_ordered: bool
    is_exactly_once: bool


class Cloud:
    """What is there, as seen with the credentials of this machine. Methods raise `StorageError` without an answer."""

    def __init__(self) -> None:
        """Raises `UsageError` where there are no credentials."""
        try:
            self._subscriber: Any = pubsub_v1.SubscriberClient()
            self._publisher: Any = pubsub_v1.PublisherClient()
        except GoogleAuthError as error:
            hint = "run with a service account (workload identity), or set GOOGLE_APPLICATION_CREDENTIALS"
            raise UsageError(f"there are no credentials for Pub/Sub: {error}", hint=hint) from error

    def close(self) -> None:
        """Gives the connections back."""
        self._subscriber.close()
        self._publisher.transport.close()

    def subscription(self, name: str) -> SetUp | Unseen:
        """How a subscription is set up."""
        try:
            found = self._subscriber.get_subscription(subscription=name, retry=None, timeout=_SECONDS)
        except exceptions.NotFound:
            return "missing"
        except exceptions.Forbidden:
            return "hidden"
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise _no_answer(name, error) from error
        return SetUp(
            topic=None if found.topic == _DELETED else found.topic,
            push_to=found.push_config.push_endpoint or None,
            ack_seconds=found.ack_deadline_seconds,
            dead_letters=found.dead_letter_policy.dead_letter_topic or None,
            expires=bool(found.expiration_policy.ttl),
            is_ordered=found.enable_message_ordering,
            is_exactly_once=found.enable_exactly_once_delivery,
        )

    def may_pull(self, subscription: str) -> bool | None:
        """Whether we may take messages; None where that is not told. No right is needed to ask."""
        return self._may("pubsub.subscriptions.consume", subscription, self._subscriber)

    def may_publish(self, topic: str) -> bool | None:
        """Whether we may publish to a topic; None where that is not told. A topic that is missing is a no."""
        return self._may("pubsub.topics.publish", topic, self._publisher)

    def _may(self, permission: str, name: str, client: Any) -> bool | None:
        asked = {"resource": name, "permissions": [permission]}
        try:
            granted = client.test_iam_permissions(request=asked, retry=None, timeout=_SECONDS)
        except exceptions.NotFound:
            return False
        except exceptions.MethodNotImplemented:
            return None  # the emulator
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise _no_answer(name, error) from error
        return permission in granted.permissions


def _no_answer(name: str, error: Exception) -> StorageError:
    return StorageError(f"Pub/Sub does not tell about {name}: {error}", hint="see that it can be reached from here")
