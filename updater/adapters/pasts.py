"""What history says of an entry, as JSON in the cache."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from updater.core import messages
from updater.model import Hold, Origin, Past, Standing, Version


def as_json(past: Past) -> dict[str, Any]:
    """What stands and what is held; not the versions that were asked about, which differ from question to question."""
    return {"standing": past.standing and _standing(past.standing), "holds": [_hold(hold) for hold in past.holds]}


def from_json(told: Mapping[str, Any]) -> Past:
    """The same read back."""
    commit, pushed_at, landed_at, tag_since, origin = told["standing"]
    times = (datetime.fromisoformat(pushed_at), datetime.fromisoformat(landed_at), time_from(tag_since))
    return Past(Standing(commit, *times, origin_from(origin)), tuple(_hold_from(*fields) for fields in told["holds"]))


def time_from(text: str | None) -> datetime | None:
    """A time as the cache has it."""
    return None if text is None else datetime.fromisoformat(text)


def origin_text(origin: Origin | None) -> str | None:
    """Where an image was built from, as the trailer of a commit has it."""
    return None if origin is None else messages.origin_text(origin)


def origin_from(text: str | None) -> Origin | None:
    """The same read back."""
    return None if text is None else messages.origin_from(text)


def _standing(here: Standing) -> list[str | None]:
    tag_since = None if here.tag_since is None else here.tag_since.isoformat()
    return [here.commit, here.pushed_at.isoformat(), here.landed_at.isoformat(), tag_since, origin_text(here.origin)]


def _hold(hold: Hold) -> list[str | None]:
    pushed_at, at = hold.pushed_at.isoformat(), hold.at.isoformat()
    return [hold.version.tag, hold.version.digest, pushed_at, hold.commit, hold.author, at]


def _hold_from(tag: str | None, digest: str | None, pushed_at: str, commit: str, author: str, at: str) -> Hold:
    return Hold(Version(tag, digest), datetime.fromisoformat(pushed_at), commit, author, datetime.fromisoformat(at))
