"""Docker Hub: the web hooks of a repository.

Source: "Webhooks" of the Docker Hub documentation. There is no digest of the image and no delivery id; the
digests in `dhi_metadata` are of single platforms, so they are left alone, and `callback_url` is never called.
"""

from __future__ import annotations

from updater.core import instants
from updater.core.pushes import pushed, stranger, text
from updater.core.references import DOCKER_HUB
from updater.model import Decoded, Message

_DIALECT = "a Docker Hub web hook with `push_data` and `repository.repo_name`"


def decode(message: Message) -> Decoded:
    """The tag that was pushed. Raises `EventError` for what is no such web hook."""
    match message.payload:
        case {"push_data": dict(push), "repository": {"repo_name": str(name)}}:
            at = instants.from_unix(push.get("pushed_at"))
            return pushed(message, f"{DOCKER_HUB}/{name}", text(push, "tag"), at=at)
    return stranger(message, _DIALECT)
