"""Azure Container Registry: its web hooks, and the same by Event Grid.

Sources: "Azure Container Registry webhook reference"; "Azure Container Registry as an Event Grid source", whose `data`
is the web hook's body, now and then as JSON in a text. Event Grid sends lists of its own format, or CloudEvents.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from updater.core import instants
from updater.core.pushes import gather, hosted, nested, pushed, shown, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a web hook of Azure Container Registry with `action` and `target`, or events of Event Grid"
_PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


def decode(message: Message) -> Decoded:
    """The tags that were pushed. Raises `EventError` for what is no such web hook, or has no good event."""
    kind = message.attributes.get("ce-type")
    if kind is not None:
        return _of_kind(message, kind, message.payload)
    if isinstance(message.payload, list):
        return gather(message.payload, partial(_event, message), empty="the list has no events")
    return _event(message, message.payload)


def _event(message: Message, event: Any) -> Decoded:
    match event:
        case {"eventType": str(kind), "data": data}:
            return _of_kind(message, kind, data)
        case {"action": "push", "target": dict(target)}:
            return _push(message, event, target)
        case {"action": str(action), "target": dict()}:
            return Decoded(ignored=f"the action is {shown(action)}, not a push")
    return stranger(message, _DIALECT)


def _of_kind(message: Message, kind: str, data: object) -> Decoded:
    """An event of Event Grid. `SubscriptionValidationEvent` is a handshake, which is answered before it comes here."""
    if kind != _PUSHED:
        return Decoded(ignored=f"the event is {shown(kind)}, not {_PUSHED}")
    event = nested(data)
    if isinstance(event, dict) and "action" in event:
        return _event(message, event)
    raise EventError("the event's `data` is no web hook of Azure Container Registry")


def _push(message: Message, event: dict[str, Any], target: dict[str, Any]) -> Decoded:
    request = event.get("request")
    host = text(request, "host") if isinstance(request, dict) else None
    return pushed(
        message,
        f"{hosted(host or '')}/{text(target, 'repository') or ''}",
        text(target, "tag"),
        text(target, "digest"),
        at=instants.from_text(event.get("timestamp")),
        event_id=text(event, "id"),
    )
