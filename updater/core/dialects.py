"""Whose words a message is in that came by a carrier: Pub/Sub and Eventarc bring what others wrote.

Only what cannot be mistaken is recognised, by the CloudEvent's type or the shape of the data. The last resort is the
updater's own format, which has few keys and no others.
"""

from __future__ import annotations

from updater.model import Message

CARRIERS = frozenset({"pubsub", "eventarc"})
"""The sources that bring messages in others' dialects."""

_BY_TYPE = {
    "Microsoft.ContainerRegistry.": "acr",
    "dev.cdevents.": "cdevents",
    "google.cloud.cloudbuild.": "cloud-build",
    "harbor.": "harbor",
}
_GENERIC = {"image", "tag", "digest", "pushed_at", "id"}
_CLOUD_DEPLOY = {"action", "deliverypipelineid"}


def dialect(message: Message) -> str | None:
    """The source in whose dialect a message is; None where it is in none that is known."""
    return _by_type(message.attributes.get("ce-type", "")) or _by_shape(message)


def _by_type(type_: str) -> str | None:
    return next((source for prefix, source in _BY_TYPE.items() if type_.startswith(prefix)), None)


def _by_shape(message: Message) -> str | None:
    match message.payload:
        case {"action": "INSERT" | "DELETE", "tag": str()} | {"action": "INSERT" | "DELETE", "digest": str()}:
            return "artifact-registry"
        case {"id": str(), "projectId": str(), "status": str()}:
            return "cloud-build"
        case {"protoPayload": {"methodName": str()}}:
            return "eventarc"
        case {"context": {"type": str(type_)}} if type_.startswith("dev.cdevents."):
            return "cdevents"
        case {"involvedObject": dict(), "severity": str()}:
            return "flux"
        case {"source": "aws.ecr", "detail-type": str()}:
            return "ecr"
        case {"image": str(), **others} if others.keys() <= _GENERIC:
            return "generic"
        case None if message.attributes.keys() >= _CLOUD_DEPLOY:
            return "clouddeploy"
    return None
