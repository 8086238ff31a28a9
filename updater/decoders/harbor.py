"""Harbor: the web hooks of a project, in its default format and as CloudEvents.

Source: "Configure Webhook Notifications" of the Harbor documentation, and `src/pkg/notifier/formats` for the two
formats. Before 2.0 a push was called `pushImage`. There is one event per manifest; what has no tag has its digest in
the tag's place.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from updater.core import instants
from updater.core.pushes import gather, hosted, pushed, shown, stranger, text, unless_digest
from updater.core.references import split_tag
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a Harbor web hook with `type` and `event_data`"
_PUSHES = ("PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed")


def decode(message: Message) -> Decoded:
    """The tags that were pushed. Raises `EventError` for what is no such web hook, or has no good artifact."""
    ce_type = message.attributes.get("ce-type", "")
    match message.payload:
        case {"type": str(kind), "event_data": dict(data)}:
            return _event(message, kind, data, instants.from_unix(message.payload.get("occur_at")))
        case dict(data) if ce_type.startswith("harbor."):
            return _event(message, ce_type, data, None)
    return stranger(message, _DIALECT)


def _event(message: Message, kind: str, data: dict[str, Any], at: datetime | None) -> Decoded:
    if kind not in _PUSHES:
        return Decoded(ignored=f"the event is {shown(kind)}, not a push")
    resources = data.get("resources")
    if not isinstance(resources, list):
        raise EventError("`resources` is not a list")
    return gather(resources, partial(_artifact, message, at), empty="the push has no artifacts")


def _artifact(message: Message, at: datetime | None, resource: object) -> Decoded:
    if not isinstance(resource, dict):
        raise EventError("an item of `resources` is not an object")
    place = (text(resource, "resource_url") or "").rpartition("://")[2]
    repository, _ = split_tag(place.partition("@")[0])
    tag = unless_digest(text(resource, "tag"))
    return pushed(message, hosted(repository), tag, text(resource, "digest"), at=at)
