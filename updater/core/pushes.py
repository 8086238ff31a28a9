"""From a sender's words to events: what every decoder has to check, once.

Everything here comes from outside. A tag or a repository reaches a commit only through `pushed`, and
what an error or a reason shows of the sender's text is short and printable.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from updater.core.references import is_artifact_tag, is_digest, is_host, is_tag, normalise
from updater.errors import EventError
from updater.model import Decoded, Event, Message, Version

SHOWN = 80
_REASONS = 3
_ID = re.compile(r"[A-Za-z0-9._:/@+=-]{1,128}")
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}

Item = TypeVar("Item")


def pushed(
    message: Message,
    repository: str,
    tag: str | None,
    digest: str | None = None,
    *,
    at: datetime | None = None,
    event_id: str | None = None,
) -> Decoded:
    """The event that `repository` got this tag, or why the push is of no interest: no tag, or not an image's.

    `at` is when it was pushed; without it, when the transport took the message over. `event_id` is the sender's
    own, where it has one per push. A digest that is not a complete one is dropped: never pin what cannot be
    checked. Raises `EventError` for a repository or a tag that cannot be one.
    """
    image = normalise(repository)
    if image is None:
        raise EventError(f"{shown(repository)} is not an image repository")
    if not tag:
        return Decoded(ignored=f"{image} was pushed without a tag")
    if not is_tag(tag):
        raise EventError(f"{shown(tag)} is not a tag")
    if is_artifact_tag(tag):
        return Decoded(ignored=f"{image}:{tag} is a signature, an attestation or an index of them, not an image")
    version = Version(tag, digest if digest and is_digest(digest) else None)
    id_ = delivery_id(event_id) if event_id else message.id
    return Decoded((Event(message.source, id_, image, version, message.received_at, at or message.sent_at),))


def gather(items: Iterable[Item], read: Callable[[Item], Decoded], *, empty: str) -> Decoded:
    """What `read` makes of each item, as one; the same version of an image twice is one event.

    Bad items do not keep good ones back: `ignored` then names them beside the events. Raises `EventError`
    where some are bad and none is an event. `empty` is the reason where there are no items.
    """
    events: dict[tuple[str, Version], Event] = {}
    ignored: list[str] = []
    refused: list[str] = []
    for item in items:
        try:
            decoded = read(item)
        except EventError as error:
            refused.append(error.message)
            continue
        ignored.extend([decoded.ignored] if decoded.ignored else [])
        for event in decoded.events:
            events.setdefault((event.image, event.version), event)
    if events:
        return Decoded(tuple(events.values()), _summary(refused))
    if refused:
        raise EventError(_summary(refused) or "")
    return Decoded(ignored=_summary(ignored) or empty)


def _summary(reasons: list[str]) -> str | None:
    distinct = list(dict.fromkeys(reasons))
    more = [f"and {len(distinct) - _REASONS} more"] if len(distinct) > _REASONS else []
    return "; ".join(distinct[:_REASONS] + more) or None


def stranger(message: Message, expected: str) -> Decoded:
    """For a payload that is not of the decoder's dialect: raises `EventError` saying what was expected.

    A topic may carry other messages, too, and Pub/Sub sends what is not acknowledged again for days: what
    came that way is ignored instead, and so is a message without JSON data.
    """
    if message.payload is None:
        return Decoded(ignored="the message carries no JSON data")
    reason = f"expected {expected}, got {_described(message.payload)}"
    if "pubsub" in message.envelopes:
        return Decoded(ignored=f"a message of another kind: {reason}")
    raise EventError(reason)


def text(fields: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`, None where there is none. Raises `EventError` for a value of another type."""
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value
    raise EventError(f"`{key}` has to be a text, and is {_described(value)}")


def hosted(repository: str) -> str:
    """`repository`, once it is sure that it begins with a host. Raises `EventError` where it does not: as
    `registry/app` it would be somebody's image on Docker Hub.
    """
    host = repository.partition("/")[0]
    if not is_host(host):
        raise EventError(f"{shown(host)} cannot be the host of an image: it has neither a dot nor a port")
    return repository


def unless_digest(reference: str | None) -> str | None:
    """The tag that a sender names, or None where it has put the digest of an untagged manifest in the tag's place."""
    return None if reference is not None and reference.startswith("sha256:") else reference


def nested(value: object) -> Any:
    """What a sender wrote as JSON in a text, read; any other value as it is, and text that is no JSON as None."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def delivery_id(given: str) -> str:
    """`given` where it can stand in a commit trailer as it is, else a hash of it."""
    return given if _ID.fullmatch(given) else hashed(given.encode("utf-8", "surrogatepass"))


def hashed(data: bytes) -> str:
    """An id made from what was sent: equal deliveries have equal ids."""
    return f"sha256:{hashlib.sha256(data).hexdigest()[:32]}"


def shown(given: str) -> str:
    """Text from outside, quoted, in ASCII and at most `SHOWN` characters, so that it can be printed anywhere."""
    quoted = ascii(given[:SHOWN])
    return quoted if len(quoted) <= SHOWN and len(given) <= SHOWN else f"{quoted[: SHOWN - 3]}..."


def _described(value: object) -> str:
    if isinstance(value, dict) and value:
        return f"an object with the keys {shown(', '.join(value))}"
    return _KINDS.get(type(value), "null")
