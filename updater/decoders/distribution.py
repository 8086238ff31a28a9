"""CNCF Distribution (`registry`, and GitLab's container registry): its notifications.

Source: "Work with notifications" of the Distribution documentation, and `notifications/bridge.go` for which
fields an action has. Blobs, pulls (a HEAD is one), mounts and deletions come along with the pushes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from updater.core import instants
from updater.core.pushes import gather, hosted, pushed, shown, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a registry notification with `events`"


def decode(message: Message) -> Decoded:
    """The tagged manifests that were pushed. Raises `EventError` for what is no such envelope, or has no good event."""
    match message.payload:
        case {"events": list(entries)}:
            return gather(entries, partial(_entry, message), empty="the notification has no events")
    return stranger(message, _DIALECT)


def _entry(message: Message, entry: Any) -> Decoded:
    match entry:
        case {"action": "push", "target": dict(target)}:
            if _is_blob(target):
                return Decoded(ignored="a blob was pushed, not a manifest")
            return _manifest(message, entry, target)
        case {"action": str(action)} if action != "push":
            return Decoded(ignored=f"the action is {shown(action)}, not a push")
    raise EventError("an item of `events` has no `action`, or is a push without a `target`")


def _is_blob(target: dict[str, Any]) -> bool:
    kind = text(target, "mediaType") or ""
    place = (text(target, "url") or "").split("/")[-2:-1]
    return kind == "application/octet-stream" or ".rootfs." in kind or place == ["blobs"]


def _manifest(message: Message, entry: dict[str, Any], target: dict[str, Any]) -> Decoded:
    return pushed(
        message,
        f"{hosted(_host(entry, target))}/{text(target, 'repository') or ''}",
        text(target, "tag"),
        text(target, "digest"),
        at=instants.from_text(entry.get("timestamp")),
        event_id=text(entry, "id"),
    )


def _host(entry: dict[str, Any], target: dict[str, Any]) -> str:
    """The registry as the client addressed it, else as it addresses itself."""
    request = entry.get("request")
    asked = text(request, "host") if isinstance(request, dict) else None
    return asked or (text(target, "url") or "").partition("://")[2].partition("/")[0]
