"""Pub/Sub's messages, in our own words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from updater.model import Delivery


class Leased(Protocol):
    """A message that nobody else gets until it is acked or given back, by its `lease`.

    `attempt` counts its deliveries, from 1.
    """

    @property
    def id(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def published_at(self) -> datetime: ...
    @property
    def attempt(self) -> int: ...
    @property
    def lease(self) -> str: ...
    @property
    def ack(self) -> Callable[[], None]: ...


class Subscription(Protocol):
    """What brings messages, from `start` to `stop`; afterwards, leases can be given back."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def give_back(self, leases: Sequence[str]) -> None: ...
    def problem(self) -> str | None: ...


def delivery(source: str, message: Leased, received_at: datetime) -> Delivery:
    """A message as a push subscription would send it, in the wrapping that keeps its attributes."""
    told = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": message.id,
        "publishTime": message.published_at.isoformat(),
    }
    return Delivery(source, json.dumps({"message": told}).encode(), received_at)
