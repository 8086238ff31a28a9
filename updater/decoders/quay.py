"""Quay: its notifications of pushes to a repository.

Source: "Repository notifications" of the Quay documentation. There is neither a digest, nor an id, nor a time. Once
`updated_tags` was an object from tags to ids of images, which are no digests.
"""

from __future__ import annotations

from functools import partial

from updater.core.pushes import gather, hosted, pushed, stranger
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a Quay notification with `docker_url` and `updated_tags`"


def decode(message: Message) -> Decoded:
    """The tags that were pushed. Raises `EventError` for what is no such notification, or has no good tag."""
    match message.payload:
        case {"docker_url": str(repository), "updated_tags": list() | dict() as tags}:
            return gather(tags, partial(_tag, message, hosted(repository)), empty="no tag was pushed")
        case {"docker_url": str()} if "updated_tags" not in message.payload:
            return Decoded(ignored="the notification is not of a push")
    return stranger(message, _DIALECT)


def _tag(message: Message, repository: str, tag: object) -> Decoded:
    if not isinstance(tag, str):
        raise EventError("an item of `updated_tags` is not a text")
    # The next push of a tag that moves is sent in the same words: only its arrival tells it from this one.
    arrival = f"{message.id}/{message.received_at:%Y%m%dT%H%M%S.%fZ}"
    return pushed(message, repository, tag, event_id=arrival)
