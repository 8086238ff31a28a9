"""Who is told outcomes: an HTTP address or a Pub/Sub topic, as `UPDATER_OUTCOMES` says."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from updater.core.cloud_events import CloudEvent, as_json, as_message
from updater.core.masking import Mask
from updater.core.urls import is_safe
from updater.errors import StorageError, UsageError
from updater.settings import secret
from updater.telling.outcomes import Sender

SECONDS = 10.0
"""An event that was not taken by then is told again."""
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+")


@dataclass(frozen=True, slots=True)
class Receiver:
    """A topic (`projects/P/topics/T`) or a URL. `secret` signs what is sent to a URL, where there is one."""

    address: str = field(repr=False)
    is_topic: bool
    secret: str | None = field(repr=False, default=None)


def read(environ: Mapping[str, str]) -> Receiver | None:
    """`UPDATER_OUTCOMES` and `UPDATER_OUTCOMES_SECRET`; None where nobody is to be told. Raises `UsageError`."""
    address = environ.get("UPDATER_OUTCOMES")
    if not address:
        return None
    if _TOPIC.fullmatch(address):
        return Receiver(address, is_topic=True)
    if not is_safe(address):
        hint = "give a topic, as projects/P/topics/T, or an address, as https://example.org/outcomes"
        raise UsageError("UPDATER_OUTCOMES is neither a topic nor an https:// address", hint=hint)
    return Receiver(address, is_topic=False, secret=secret(environ, "UPDATER_OUTCOMES_SECRET"))


def to_address(receiver: Receiver, source: str, post: Callable[[str, bytes, Mapping[str, str], float], None]) -> Sender:
    """Sends in the structured mode of CloudEvents' HTTP binding, signed in `X-Signature` as GitHub signs web hooks.

    `post` is given URL, content, headers and seconds, and raises `UpdaterError`.
    """

    def send(event: CloudEvent) -> None:
        content = as_json(event, source)
        headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
        if receiver.secret is not None:
            signature = hmac.new(receiver.secret.encode(), content, hashlib.sha256).hexdigest()
            headers["x-signature"] = f"sha256={signature}"
        post(receiver.address, content, headers, SECONDS)

    return send


def to_topic(
    receiver: Receiver, source: str, publish: Callable[[str, bytes, Mapping[str, str]], Future[str]]
) -> Sender:
    """Publishes to a topic. `publish` is given topic, data and attributes; its future ends or fails with
    `UpdaterError`."""

    def send(event: CloudEvent) -> None:
        published = publish(receiver.address, *as_message(event, source))
        try:
            published.result(SECONDS)
        except TimeoutError as error:
            published.cancel()
            raise StorageError(f"{receiver.address} did not take an outcome within {SECONDS:g} s") from error

    return send


def without_secrets(mask: Mask, send: Sender) -> Sender:
    """Sends the same without secrets, which a reason might quote."""
    return lambda event: send(replace(event, data=mask.value(event.data)))
