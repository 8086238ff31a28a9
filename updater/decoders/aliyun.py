"""Alibaba Cloud Container Registry: the triggers of a repository.

Source: "Triggers" of its documentation. The payload names the region, from which the host of the shared registry
follows; an instance of one's own, or its address inside a network, is said in the hook's address.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from updater.core import instants
from updater.core.addresses import registry
from updater.core.pushes import pushed, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "an Alibaba Cloud trigger with `push_data` and `repository.repo_full_name`"


def decode(message: Message) -> Decoded:
    """The tag that was pushed. Raises `EventError` for what is no such trigger, or names no registry."""
    match message.payload:
        case {"push_data": dict(push), "repository": {"repo_full_name": str(name)} as repository}:
            image = f"{registry(message) or _shared(repository)}/{name}"
            return pushed(message, image, text(push, "tag"), text(push, "digest"), at=_time(push.get("pushed_at")))
    return stranger(message, _DIALECT)


def _shared(repository: dict[str, Any]) -> str:
    region = text(repository, "region")
    if not region:
        raise EventError(
            "the trigger names neither the registry nor its region",
            hint="name the registry in the hook's address: "
            "/hooks/aliyun?registry=my-registry.cn-shanghai.cr.aliyuncs.com",
        )
    return f"registry.{region}.aliyuncs.com"


def _time(value: object) -> datetime | None:
    """A time that is told without an offset, as clocks in China show it."""
    return instants.from_text(f"{value.replace(' ', 'T')}+08:00") if isinstance(value, str) else None
