"""JFrog Artifactory: its web hooks for Docker.

Source: "Event types" of the JFrog webhooks documentation. The path of a manifest is `<image>/<tag>/manifest.json`
(`list.manifest.json` for several platforms) in the repository `repo_key`; platforms stand under `sha256__<hex>`.
"""

from __future__ import annotations

from typing import Any

from updater.core.addresses import registry
from updater.core.pushes import hosted, pushed, shown, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "an Artifactory web hook with `domain`, `event_type` and `data`"
_PUSHES = ("pushed", "promoted")


def decode(message: Message) -> Decoded:
    """The tag that was pushed, or that an image was promoted with. Raises `EventError` for what is no such web hook."""
    match message.payload:
        case {"domain": str(domain), "event_type": str(kind), "data": dict(data)}:
            if domain != "docker" or kind not in _PUSHES:
                return Decoded(
                    ignored=f"the event is {shown(kind)} in the domain {shown(domain)}, not a push of docker"
                )
            return _manifest(message, data, text(message.payload, "jpd_origin") or "")
    return stranger(message, _DIALECT)


def _manifest(message: Message, data: dict[str, Any], origin: str) -> Decoded:
    image, tag = _place(data)
    if tag.startswith("sha256__"):
        return Decoded(ignored="a manifest was pushed without a tag")
    before = registry(message) or _registry(origin, text(data, "repo_key") or "")
    return pushed(message, f"{before}/{image}", tag, f"sha256:{text(data, 'sha256')}")


def _place(data: dict[str, Any]) -> tuple[str, str]:
    parts = (text(data, "path") or "").split("/")
    if len(parts) < 3:
        raise EventError("`path` is not <image>/<tag>/manifest.json")
    *image, tag, _ = parts
    told = text(data, "tag")
    if told is not None and told != tag:
        raise EventError(f"`tag` is {shown(told)}, but `path` has {shown(tag)}")
    return "/".join(image), tag


def _registry(origin: str, repository: str) -> str:
    """Where Artifactory says that it is, which it does only with a custom base URL."""
    host = origin.rpartition("://")[2].partition("/")[0]
    if not host:
        raise EventError(
            "the web hook does not name the registry",
            hint="set Artifactory's custom base URL, or say in the hook's address what stands before the image's name: "
            "/hooks/artifactory?registry=artifactory.example/docker-local",
        )
    return f"{hosted(host)}/{repository}"
