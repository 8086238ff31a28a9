"""CDEvents: `artifact.published` of an OCI image, of any version of the specification.

Sources: "Continuous Integration events" of the CDEvents specification, and its binding to CloudEvents, whose data is
the whole event; the type `oci` of the package URL specification, percent-encoded:
`pkg:oci/NAME@DIGEST?repository_url=HOST/PATH&tag=TAG`. Where an event names no repository, the hook's address can:
`?registry=HOST/PATH`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

from updater.core import instants
from updater.core.addresses import registry
from updater.core.pushes import pushed, shown, stranger, text
from updater.model import Decoded, Message

_DIALECT = "a CDEvent with `context.type` and `subject.id`"
_PUBLISHED = "dev.cdevents.artifact.published."
_OCI = "pkg:oci/"
_NO_REPOSITORY = (
    "the artifact has no `repository_url`; the hook's address can name one: ?registry=registry.example/team"
)


def decode(message: Message) -> Decoded:
    """The image that was published. Raises `EventError` for what is no CDEvent."""
    match message.payload:
        case {"context": {"type": str(type_)} as context, "subject": {"id": str(id_)}}:
            if not type_.startswith(_PUBLISHED):
                return Decoded(ignored=f"the event is {shown(type_)}, no artifact was published")
            if not id_.startswith(_OCI):
                return Decoded(ignored=f"the artifact {shown(id_)} is no OCI image")
            return _published(message, context, id_.removeprefix(_OCI))
    return stranger(message, _DIALECT)


def _published(message: Message, context: dict[str, Any], package: str) -> Decoded:
    path, _, query = package.partition("#")[0].partition("?")
    name, _, digest = map(unquote, path.partition("@"))
    qualifiers = {key: values[0] for key, values in parse_qs(query).items()}
    repository = qualifiers.get("repository_url") or registry(message)
    if repository is None:
        return Decoded(ignored=_NO_REPOSITORY)
    # The specification's `repository_url` ends with the name, but not every sender's does.
    image = repository if repository.endswith(f"/{name}") else f"{repository}/{name}"
    return pushed(
        message,
        image,
        qualifiers.get("tag"),
        digest,
        at=instants.from_text(context.get("timestamp")),
        event_id=text(context, "id"),
    )
