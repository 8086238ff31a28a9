"""CloudEvents 1.0 (https://github.com/cloudevents/spec) as values, and how they are written for the way out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from updater.core.messages import stamp

_SCP_LIKE = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>.+)")
_SAFE = "/:@!$&'()*+,;=-._~%"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One of them. `subject` is `<environment>/<service>`, None where it is about no service; `time` is in UTC."""

    id: str
    type: str
    subject: str | None
    time: datetime
    data: Mapping[str, Any]


def source(repository: str) -> str:
    """A repository as CloudEvents name it: a URL or path without user, password and query (RFC 3986, URI-reference)."""
    found = None if "://" in repository else _SCP_LIKE.fullmatch(repository)
    parts = urlsplit(f"ssh://{found['host']}/{found['path']}" if found else repository)
    place = f"{parts.scheme}://" if parts.scheme else ""
    return place + quote(parts.netloc.rpartition("@")[2] + parts.path, safe=_SAFE)


def as_json(event: CloudEvent, source: str) -> bytes:
    """The whole event in CloudEvents' JSON format."""
    return json.dumps({**_attributes(event, source), "data": event.data}).encode()


def as_message(event: CloudEvent, source: str) -> tuple[bytes, dict[str, str]]:
    """Data and attributes of a Pub/Sub message, in the binary mode of CloudEvents' binding for Pub/Sub.

    https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
    """
    attributes = {f"ce-{name}": value for name, value in _attributes(event, source).items()}
    attributes["content-type"] = attributes.pop("ce-datacontenttype")
    return json.dumps(event.data).encode(), attributes


def id_of(*parts: str) -> str:
    """The same for the same parts, wherever it is made."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _attributes(event: CloudEvent, source: str) -> dict[str, str]:
    found = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": event.type,
        "subject": event.subject or "",
        "time": stamp(event.time),
        "datacontenttype": "application/json",
    }
    return {name: value for name, value in found.items() if value}
