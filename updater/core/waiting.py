"""Versions that were pushed and have to wait: how they are kept on the remote, and read again.

Each environment has a ref of its own, `refs/updater/waiting/<environment>`. Its commit holds one file with a push on
each line, as JSON, sorted. Whoever may push to the repository may write there, so each line is checked like what any
other sender says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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

REFS = "refs/updater/waiting/"
FILE = "waiting.ndjson"


def ref(environment: str) -> str:
    """The ref that keeps what waits for an environment."""
    return f"{REFS}{environment}"


def written(events: Iterable[Event]) -> bytes:
    """The file that keeps these pushes; equal ones once."""
    return "".join(f"{json.dumps(_line(event))}\n" for event in merge(events)).encode()


def read(content: bytes, now: datetime) -> tuple[tuple[Event, ...], int]:
    """The pushes in such a file, and how many of its lines are not readable as one. None came later than `now`."""
    events = [_event(line, now) for line in content.split(b"\n") if line.strip()]
    good = [event for event in events if event is not None]
    return merge(good), len(events) - len(good)


def title(environment: str, events: Iterable[Event]) -> str:
    """The message of the commit that keeps them."""
    images = sorted({event.image for event in events})
    return f"Keep {len(images)} image(s) waiting for {environment}\n\n" + "".join(f"{image}\n" for image in images)


def same(one: Event, other: Event) -> bool:
    """Whether two pushes are of one version of one image."""
    return (one.image, one.version) == (other.image, other.version)


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
