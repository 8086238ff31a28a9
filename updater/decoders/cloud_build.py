"""Google Cloud Build: messages of the Pub/Sub topic `cloud-builds`, one per state of a build.

Source: "Subscribe to build notifications" of the Cloud Build documentation; the data is a `Build` of the
REST API v1. `results.images` has the images that the build itself pushed, not those its steps did.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from updater.core import instants
from updater.core.pushes import gather, pushed, shown, stranger, text
from updater.core.references import split_tag
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a Cloud Build build with `id` and `status`"
_NO_IMAGES = "the build pushed no images of its own; what its steps pushed only the registry can tell"


def decode(message: Message) -> Decoded:
    """The images of a build that succeeded. Raises `EventError` for what is no build, or has no good image."""
    match message.payload:
        case {"id": _, "status": "SUCCESS"} | {"results": _, "status": "SUCCESS"}:
            build = message.payload
            return gather(_images(build), partial(_image, message, build.get("finishTime")), empty=_NO_IMAGES)
        case {"id": _, "status": str(status)}:
            return Decoded(ignored=f"the build's status is {shown(status)}, not SUCCESS")
    return stranger(message, _DIALECT)


def _images(build: dict[str, Any]) -> list[Any]:
    match build.get("results"):
        case {"images": list(images)}:
            return images
        case {"images": _}:
            raise EventError("`results.images` is not a list")
    return []


def _image(message: Message, finished: object, image: object) -> Decoded:
    if not isinstance(image, dict):
        raise EventError("an item of `results.images` is not an object")
    repository, tag = split_tag(text(image, "name") or "")
    timing = image.get("pushTiming")
    ended = instants.from_text(timing.get("endTime")) if isinstance(timing, dict) else None
    return pushed(message, repository, tag, text(image, "digest"), at=ended or instants.from_text(finished))
