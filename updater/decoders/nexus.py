"""Sonatype Nexus Repository: the web hooks of a repository for its assets and components.

Source: "Working with a repository webhook" of the Nexus documentation. A tag is the asset
`v2/<image>/manifests/<tag>` and a component with the tag as `version`; both may be on. The registry is not named: it
is another port or path for each repository.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from updater.core import instants
from updater.core.addresses import registry
from updater.core.pushes import pushed, shown, stranger, text, unless_digest
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a Nexus web hook with `action` and `asset` or `component`"
_PUSHES = ("CREATED", "UPDATED")
_MANIFEST = re.compile(r"/?v2/(.+)/manifests/([^/]+)")
_OFFSET = re.compile(r"([+-][0-9]{2})([0-9]{2})")


def decode(message: Message) -> Decoded:
    """The tag that was pushed. Raises `EventError` for what is no such web hook, and where the hook's address does not
    name the registry.
    """
    match message.payload:
        case {"action": str(action), "asset": dict(thing)} | {"action": str(action), "component": dict(thing)}:
            if action not in _PUSHES:
                return Decoded(ignored=f"the action is {shown(action)}, not a push")
            return _thing(message, thing)
    return stranger(message, _DIALECT)


def _thing(message: Message, thing: dict[str, Any]) -> Decoded:
    kind = text(thing, "format") or ""
    if kind != "docker":
        return Decoded(ignored=f"the format is {shown(kind)}, not docker")
    image, tag = _reference(thing)
    if tag is None:
        return Decoded(ignored="no tag was pushed: it is a blob, or a manifest by its digest")
    return pushed(message, f"{_registry(message)}/{image}", tag, at=_time(message.payload.get("timestamp")))


def _reference(thing: dict[str, Any]) -> tuple[str, str | None]:
    name = text(thing, "name") or ""
    if "version" in thing:
        return name, unless_digest(text(thing, "version"))
    manifest = _MANIFEST.fullmatch(name)
    return (manifest.group(1), unless_digest(manifest.group(2))) if manifest else (name, None)


def _registry(message: Message) -> str:
    named = registry(message)
    if named is None:
        raise EventError(
            "a Nexus web hook does not name the registry, and the hook's address does not either",
            hint="say how clusters pull from this repository: /hooks/nexus?registry=nexus.example:5000",
        )
    return named


def _time(value: object) -> datetime | None:
    """A time whose offset may lack the colon that RFC 3339 wants."""
    if not isinstance(value, str):
        return None
    offset = _OFFSET.fullmatch(value[-5:])
    return instants.from_text(f"{value[:-5]}{offset.group(1)}:{offset.group(2)}" if offset else value)
