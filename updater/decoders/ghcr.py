"""GitHub's container registry: the web hooks `package` and `registry_package`.

Source: "Webhook events and payloads" of the GitHub documentation. Every manifest of a multi-platform image has an
event of its own; those that have no tag are its platforms.
"""

from __future__ import annotations

from typing import Any

from updater.core import instants
from updater.core.pushes import hosted, pushed, shown, stranger, text, unless_digest
from updater.core.references import split_tag
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "a GitHub web hook with `action` and `package`"
_EVENTS = ("package", "registry_package")
_PUSHES = ("published", "updated", "create")  # the last one from the days of the registry's beta
_CONTAINERS = {"container", "docker"}
# Gitea and Forgejo send GitHub's headers beside their own.
_OTHER_FORGES = ("x-gitea-event", "x-forgejo-event", "x-gogs-event")


def decode(message: Message) -> Decoded:
    """The tag that a container package got. Raises `EventError` for what is no such web hook."""
    if any(name in message.headers for name in _OTHER_FORGES):
        raise _not_github()
    event = message.headers.get("x-github-event", "package")
    if event not in _EVENTS:
        return Decoded(ignored=f"GitHub's event is {shown(event)}, not a package's")
    match message.payload:
        case {"action": str(action), "package": dict(package)}:
            return _package(message, action, package)
        case {"action": str(action), "registry_package": dict(package)}:
            return _package(message, action, package)
        case {"zen": _, "hook_id": _}:
            return Decoded(ignored="GitHub says that the hook was set up")
    return stranger(message, _DIALECT)


def _not_github() -> EventError:
    return EventError(
        "this is a package of Gitea or Forgejo, not of GitHub",
        hint="let it send its hooks to /hooks/gitea or /hooks/forgejo",
    )


def _package(message: Message, action: str, package: dict[str, Any]) -> Decoded:
    match package:
        case {"package_version": dict(version)}:
            if action not in _PUSHES:
                return Decoded(ignored=f"the package was {shown(action)}, not published")
            if not _is_container(package, version):
                return Decoded(ignored="the package holds no container image")
            return _version(message, package, version)
        case {"type": _, "version": _}:
            raise _not_github()
    raise EventError("the package has no `package_version`")


def _is_container(package: dict[str, Any], version: dict[str, Any]) -> bool:
    """Whether any of the fields says so: they do not always agree."""
    kinds = (text(package, "package_type"), text(package, "ecosystem"))
    return "container_metadata" in version or any((kind or "").lower() in _CONTAINERS for kind in kinds)


def _version(message: Message, package: dict[str, Any], version: dict[str, Any]) -> Decoded:
    metadata = _object(version, "container_metadata")
    tag = _object(metadata, "tag")
    named = text(version, "name") or text(version, "version") or ""
    digest = text(tag, "digest") or text(_object(metadata, "manifest"), "digest") or named
    return pushed(
        message,
        hosted(_repository(package, version).lower()),
        text(tag, "name") if metadata else unless_digest(named),
        digest,
        at=instants.from_text(version.get("updated_at")) or instants.from_text(version.get("created_at")),
    )


def _repository(package: dict[str, Any], version: dict[str, Any]) -> str:
    """The image as it is pulled, which not every version of the web hook says in one piece."""
    place = text(version, "package_url")
    if place:
        return split_tag(place)[0]
    name = text(package, "name") or ""
    namespace = text(package, "namespace")
    if namespace:
        return f"ghcr.io/{namespace}/{name}"
    registry = text(_object(package, "registry"), "url") or ""
    return f"{registry.rpartition('://')[2]}/{name}"


def _object(fields: dict[str, Any], key: str) -> dict[str, Any]:
    value = fields.get(key)
    return value if isinstance(value, dict) else {}
