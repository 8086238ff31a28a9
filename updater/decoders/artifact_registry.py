"""Google Artifact Registry (and Container Registry): messages of the Pub/Sub topic `gcr`.

Source: "Configure Pub/Sub notifications" of the Artifact Registry documentation. `action` is INSERT or
DELETE; `digest` is `host/path@sha256:…`, `tag` is `host/path:tag`. The data has neither an id nor a time.
"""

from __future__ import annotations

from typing import Any

from updater.core.pushes import pushed, stranger, text
from updater.core.references import split_tag
from updater.model import Decoded, Message

_DIALECT = "an Artifact Registry notification with `action` and `tag` or `digest`"


def decode(message: Message) -> Decoded:
    """The tag that was put on an image. Raises `EventError` for what is no such notification."""
    match message.payload:
        case {"action": "INSERT", "tag": _} | {"action": "INSERT", "digest": _}:
            return _insertion(message, message.payload)
        case {"action": "DELETE"}:
            return Decoded(ignored="a deletion, not a push")
    return stranger(message, _DIALECT)


def _insertion(message: Message, fields: dict[str, Any]) -> Decoded:
    repository, _, digest = (text(fields, "digest") or "").partition("@")
    tag = text(fields, "tag")
    if tag and "/" in tag:
        # The two may name different repositories: what a manifest refers to is the tag's.
        repository, tag = split_tag(tag)
    return pushed(message, repository, tag, digest)
