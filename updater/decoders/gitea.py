"""Gitea and Forgejo: the web hook `package`.

Source: "Webhooks" of the Gitea documentation, and `modules/structs` for the payload. The version of a container
package is a tag, or the digest of a manifest that has none; there is no digest beside a tag.
"""

from __future__ import annotations

from typing import Any

from updater.core import instants
from updater.core.pushes import hosted, pushed, shown, stranger, text, unless_digest
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a Gitea web hook with `action` and `package`"
_EVENTS = ("x-forgejo-event", "x-gitea-event")


def decode(message: Message) -> Decoded:
    """The tag that a container package got. Raises `EventError` for what is no such web hook."""
    event = next((message.headers[name] for name in _EVENTS if name in message.headers), None)
    if event is None and "x-github-event" in message.headers:
        raise _not_gitea()
    if event not in (None, "package"):
        return Decoded(ignored=f"the event is {shown(event)}, not a package's")
    match message.payload:
        case {"package": {"package_version": _}}:
            raise _not_gitea()
        case {"action": str(action), "package": {"type": str(kind)} as package}:
            return _package(message, action, kind, package)
    return stranger(message, _DIALECT)


def _not_gitea() -> EventError:
    return EventError(
        "this is an event of GitHub, not of Gitea or Forgejo",
        hint="let GitHub send its packages to /hooks/ghcr, and all else to /hooks/github",
    )


def _package(message: Message, action: str, kind: str, package: dict[str, Any]) -> Decoded:
    if kind != "container":
        return Decoded(ignored=f"the package is of the type {shown(kind)}, not a container")
    if action != "created":
        return Decoded(ignored=f"the package was {shown(action)}, not created")
    return pushed(
        message,
        _repository(package),
        unless_digest(text(package, "version")),
        at=instants.from_text(package.get("created_at")),
    )


def _repository(package: dict[str, Any]) -> str:
    """The image as it is pulled. Owners and packages keep their capitals, which no image's name may have."""
    host = (text(package, "html_url") or "").rpartition("://")[2].partition("/")[0]
    owner = package.get("owner")
    login = text(owner, "login") if isinstance(owner, dict) else None
    return f"{hosted(host)}/{login or ''}/{text(package, 'name') or ''}".lower()
