"""Google Eventarc: Artifact Registry's audit log, where a `Docker-PutManifest` is a push.

Sources: "Artifact Registry audit logging", and "Create triggers" of the Eventarc documentation; a log entry comes as a
CloudEvent. `requestUrl` is the path that the client asked for (`/v2/PROJECT/REPOSITORY/IMAGE/manifests/REFERENCE`).
`resourceName` ends with `/dockerImages/IMAGE@sha256:…`, with the image alone, or with the repository. Calls that
failed are logged, too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from updater.core import instants
from updater.core.pushes import pushed, shown, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "an entry of the audit log with `protoPayload.methodName`"
_SERVICE = "artifactregistry.googleapis.com"
_RESOURCE = re.compile(
    r"/?projects/(?P<project>[^/]+)/locations/(?P<location>[a-z0-9-]+)/repositories/(?P<repository>[^/]+)"
    r"(?:/dockerImages/(?P<image>.+))?"
)


def decode(message: Message) -> Decoded:
    """The tag that was pushed. Raises `EventError` for what is no entry of the audit log, or names no image."""
    match message.payload:
        case {"protoPayload": {"methodName": str(method)} as call}:
            if call.get("serviceName") != _SERVICE or method != "Docker-PutManifest":
                return Decoded(ignored=f"the call is {shown(method)}, not a push to Artifact Registry")
            return _call(message, message.payload, call)
    return stranger(message, _DIALECT)


def _call(message: Message, entry: dict[str, Any], call: dict[str, Any]) -> Decoded:
    match call.get("status"):
        case {"code": int(code)} if code:
            return Decoded(ignored=f"the push failed with the status {shown(str(code))}")
    resource = _RESOURCE.fullmatch(text(call, "resourceName") or "")
    if resource is None:
        raise EventError("`resourceName` names no repository of Artifact Registry")
    path, reference = _asked_for(call.get("request"))
    image, _, digest = unquote(resource["image"] or "").partition("@")
    if image:
        path = f"{resource['project']}/{resource['repository']}/{image}"
    is_digest = reference.startswith("sha256:")
    return pushed(
        message,
        f"{resource['location']}-docker.pkg.dev/{path}",
        None if is_digest else reference,
        digest or (reference if is_digest else None),
        at=instants.from_text(entry.get("timestamp")),
    )


def _asked_for(request: object) -> tuple[str, str]:
    """The path of the image and the tag or digest, as the client named them."""
    url = text(request, "requestUrl") if isinstance(request, dict) else None
    place = (url or "").partition("/v2/")[2].partition("?")[0]
    path, _, reference = unquote(place).rpartition("/manifests/")
    if not (path and reference):
        raise EventError("`request.requestUrl` names no manifest, so the tag is not known")
    return path, reference
