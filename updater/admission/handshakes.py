"""What senders ask before they send, and what they are answered.

Sources: "HTTP/HTTPS notification JSON format" in the Amazon SNS Developer Guide; "Endpoint validation with Event Grid
event schema" in the Azure Event Grid documentation; CloudEvents, "HTTP 1.1 Web Hooks for Event Delivery", section 4.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from updater.admission.proof import Fetch, Request
from updater.admission.sns import TYPE, Notifications, confirmation_url, read_message
from updater.errors import UpdaterError

_BY_SNS = "ecr"
_BY_EVENT_GRID = "acr"
_BY_CLOUDEVENTS = ("acr", "cdevents")
_ORIGIN = re.compile(r"[A-Za-z0-9._-]{1,253}")
_MAX_CODE = 256
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a sender is answered that asked before it sends (`content` as JSON), and in words for the log what was
    asked; nothing where strangers may ask."""

    status: int
    told: str = ""
    content: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


async def handshake(request: Request, body: bytes, notifications: Notifications, fetch: Fetch) -> Handshake | None:
    """The answer to a request that only asks; None where it is none of these.

    OPTIONS shows no secret, and allows nothing but sending what has to show one.
    """
    if request.method == "OPTIONS":
        return _permission(request)
    if request.source == _BY_SNS and request.headers.get(TYPE) in (
        "SubscriptionConfirmation",
        "UnsubscribeConfirmation",
    ):
        return await _confirmation(read_message(body), notifications, fetch)
    if request.source == _BY_EVENT_GRID and request.headers.get("aeg-event-type") == "SubscriptionValidation":
        return _validation(body)
    return None


def _permission(request: Request) -> Handshake | None:
    origin = request.headers.get("webhook-request-origin", "")
    if request.source not in _BY_CLOUDEVENTS or not _ORIGIN.fullmatch(origin):
        return None
    headers = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*", "Allow": "POST, OPTIONS"}
    return Handshake(200, headers=headers)


def _validation(body: bytes) -> Handshake:
    code = _code(body)
    if code is None:
        return Handshake(400, "Event Grid asked for a validation without a code")
    return Handshake(200, "Event Grid validated a subscription", {"validationResponse": code})


def _code(body: bytes) -> str | None:
    try:
        events: Any = json.loads(body)
        [event] = events if isinstance(events, list) else [events]
        code = event["data"]["validationCode"] if event["eventType"] == _VALIDATION else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return code if isinstance(code, str) and 0 < len(code) <= _MAX_CODE else None


async def _confirmation(message: Mapping[str, str], notifications: Notifications, fetch: Fetch) -> Handshake:
    """Only what Amazon signed is answered, also where the request was admitted for its secret."""
    found = await notifications.check(message)
    if found.state != "proved":
        return Handshake(503 if found.state == "unable" else 403, f"a subscription was not confirmed: {found.told}")
    topic = message["TopicArn"]
    if message["Type"] == "UnsubscribeConfirmation":
        return Handshake(200, f"the topic {topic} does not send here any more")
    url = confirmation_url(message)
    if url is None:
        return Handshake(
            403, f"the subscription of the topic {topic} was not confirmed: its address is not that of SNS"
        )
    return await _confirmed(url, topic, fetch)


async def _confirmed(url: str, topic: str, fetch: Fetch) -> Handshake:
    try:
        await asyncio.to_thread(fetch, url)
    except UpdaterError as error:
        _logger.warning("the subscription of the topic %s cannot be confirmed: %s", topic, error)
        return Handshake(503, f"the subscription of the topic {topic} cannot be confirmed now")
    return Handshake(200, f"the subscription of the topic {topic} is confirmed")
