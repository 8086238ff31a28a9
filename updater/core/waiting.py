"""Versions that were pushed and have to wait: how they are kept on the remote, and read again.

Each environment has a ref of its own, `refs/updater/waiting/<environment>`. Its commit holds one file with a push on
each line, as JSON, sorted. Whoever may push to the repository may write there, so each line is checked like what any
other sender says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from updater.core import instants
from updater.core.matching import merge
from updater.core.messages import stamp
from updater.core.pushes import delivery_id
from updater.core.references import is_digest, is_tag, normalise
from updater.model import Event, Version

Waiting: TypeAlias = Mapping[str, tuple[Event, ...]]
"""Pushes that had to wait, by the name of the only environment that they are for."""

Push: TypeAlias = tuple[str, Version]
"""A version of an image."""

REFS = "refs/updater/waiting/"
FILE = "waiting.ndjson"
MAX_BYTES = 16 * 1024 * 1024
"""Of such a file: some 50,000 pushes."""


def ref(environment: str) -> str:
    """The ref that keeps what waits for an environment."""
    return f"{REFS}{environment}"


def written(events: Iterable[Event], unreadable: Iterable[bytes] = ()) -> bytes:
    """The file that keeps these pushes; equal ones once.

    After them come the lines that could not be read, as they are, if there is room: another release may have written
    them.
    """
    good = "".join(f"{json.dumps(_line(event))}\n" for event in merge(events)).encode()
    whole = good + b"".join(line + b"\n" for line in unreadable)
    return whole if len(whole) <= MAX_BYTES else good


def read(content: bytes, now: datetime) -> tuple[tuple[Event, ...], tuple[bytes, ...]]:
    """The pushes in such a file, and the lines that are not readable as one. None came later than `now`."""
    found = [(line, _event(line, now)) for line in content.split(b"\n") if line.strip()]
    good = merge(event for _, event in found if event is not None)
    return good, tuple(line for line, event in found if event is None)


def title(environment: str, events: Iterable[Event]) -> str:
    """The message of the commit that keeps them."""
    images = sorted({event.image for event in events})
    return f"Keep {len(images)} image(s) waiting for {environment}\n\n" + "".join(f"{image}\n" for image in images)


def push(event: Event) -> Push:
    """What makes two events one push: image and version."""
    return (event.image, event.version)


def names(push: Push) -> set[Push]:
    """What a decision may call a push: by its tag alone, too (`pin: tag`)."""
    image, version = push
    return {push, (image, Version(version.tag))}


def among(decided: Iterable[Push]) -> Callable[[Push], bool]:
    """Whether a push is one of those that were decided on.

    A decision may know it by its tag alone, or with the digest that its registry told.
    """
    whole = frozenset(decided)
    tags = {(image, version.tag) for image, version in whole}

    def is_among(push: Push) -> bool:
        image, version = push
        return (image, version.tag) in tags if version.digest is None else not names(push).isdisjoint(whole)

    return is_among


def _line(event: Event) -> dict[str, str | None]:
    return {
        "image": event.image,
        "tag": event.version.tag,
        "digest": event.version.digest,
        "pushed_at": None if event.pushed_at is None else stamp(event.pushed_at),
        "received_at": stamp(event.received_at),
        "source": event.source,
        "id": event.id,
    }


def _event(line: bytes, now: datetime) -> Event | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    image, tag, digest = (_text(fields, key) for key in ("image", "tag", "digest"))
    received_at, pushed_at = (_time(fields, key) for key in ("received_at", "pushed_at"))
    name = normalise(image or "")
    is_pinned = fields.get("digest") is not None
    if name is None or not is_tag(tag or "") or received_at is None or is_pinned != is_digest(digest or ""):
        return None
    source, id_ = (delivery_id(_text(fields, key) or "unknown") for key in ("source", "id"))
    return Event(source, id_, name, Version(tag, digest), min(received_at, now), pushed_at)


def _text(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) else None


def _time(fields: dict[str, Any], key: str) -> datetime | None:
    return instants.from_text(fields.get(key))
