"""The updater's own format, for any build system that can send a line of JSON.

`{"image": "host/repository:tag", "digest": "sha256:…", "pushed_at": "2026-11-20T10:00:00Z", "id": "build-7"}`;
all but `image` may be left out, the tag may have a key of its own, and the digest may stand in `image`.
"""

from __future__ import annotations

from datetime import datetime

from updater.core import instants
from updater.core.pushes import pushed, shown, stranger, text
from updater.core.references import split_tag
from updater.core.reports import known_only
from updater.errors import EventError
from updater.model import Decoded, Message

_KEYS = ("image", "tag", "digest", "pushed_at", "id")
_DIALECT = "an object with `image`"


def decode(message: Message) -> Decoded:
    """The tag that was pushed. Raises `EventError` naming the key that is wrong: a person wrote this."""
    fields = message.payload
    if not isinstance(fields, dict):
        return stranger(message, _DIALECT)
    known_only(fields, _KEYS)
    image, _, digest = (text(fields, "image") or "").partition("@")
    if not image:
        raise EventError("`image` is missing", hint='for example {"image": "registry.example/team/app:1.4.0"}')
    repository, tag = split_tag(image)
    if "" in (tag, text(fields, "tag")):
        raise EventError("the tag is empty; most likely a variable was not set where this was written")
    return pushed(
        message,
        repository,
        _one("tag", tag, text(fields, "tag")),
        _one("digest", digest, text(fields, "digest")),
        at=_pushed_at(fields.get("pushed_at")),
        event_id=text(fields, "id"),
    )


def _one(key: str, inner: str | None, own: str | None) -> str | None:
    """The tag or digest, written in `image` or under its own key."""
    if inner and own and inner != own:
        raise EventError(f"`image` has the {key} {shown(inner)}, but `{key}` is {shown(own)}")
    return own or inner


def _pushed_at(value: object) -> datetime | None:
    at = instants.from_text(value) or instants.from_unix(value)
    if at is None and value is not None:
        raise EventError("`pushed_at` is no time with an offset (2026-11-20T10:00:00Z) nor seconds since 1970")
    return at
