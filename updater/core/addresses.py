"""What a sender's hook says in its own address (`/hooks/nexus?registry=registry.example:5000`).

Some senders' payloads do not name the registry, or name it by an address that clusters do not use; the person who
sets up the hook knows it.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from updater.core.pushes import shown
from updater.core.references import is_host, normalise
from updater.errors import EventError
from updater.model import Message

# The second is how hooks of Argo CD Image Updater call it: they need not be set up anew.
_NAMES = ("registry", "registry_url")


def query(message: Message, name: str) -> str | None:
    """The value of `name` in the query of the address; None where it is missing or empty. The first of several."""
    return parse_qs(message.address.partition("?")[2]).get(name, [None])[0]


def registry(message: Message) -> str | None:
    """The registry that the hook's address names: a host, or host/path, in lower case; None where it names none.

    Raises `EventError` for what cannot stand before the name of an image.
    """
    given = next(filter(None, (query(message, name) for name in _NAMES)), None)
    if given is None:
        return None
    # Two parts behind it, because Docker Hub's short names would get `library/` put before a single one.
    image = normalise(f"{given}/x/x") if is_host(given.partition("/")[0]) else None
    if image is None:
        raise EventError(
            f"{shown(given)} in the hook's address cannot be a registry",
            hint="give its host alone, with a port if it has one: ?registry=registry.example:5000",
        )
    return image.removesuffix("/x/x")
