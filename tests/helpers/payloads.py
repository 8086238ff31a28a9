"""Payloads as senders send them, made up."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

MODELS = "us-docker.pkg.dev/acme/models"


def digest(text: str) -> str:
    """A digest for whatever `text` stands for."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def pushed(image: str, tag: str, time: str = "2026-11-21T10:00:00Z", message_id: str | None = None) -> dict[str, Any]:
    """Artifact Registry's message about a pushed tag, as Pub/Sub pushes it."""
    data = {"action": "INSERT", "digest": f"{image}@{digest(f'{image}:{tag}')}", "tag": f"{image}:{tag}"}
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    made = {"data": encoded, "messageId": message_id or f"{image}-{tag}".replace("/", "-"), "publishTime": time}
    return {"message": made, "subscription": "projects/acme/subscriptions/updater"}


def plain(image: str, tag: str, time: str = "2026-11-21T10:00:00Z", **others: Any) -> dict[str, Any]:
    """What a script sends."""
    return {"image": f"{image}:{tag}", "digest": digest(f"{image}:{tag}"), "pushed_at": time, **others}


def record(source: str, body: Any, **others: Any) -> dict[str, Any]:
    """A record of a delivery, as `handle` reads it."""
    return {"source": source, "body": body, **others}


def write_records(file: Path, *records: Any) -> Path:
    """A file with a record a line; what is text already is written as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
    file.write_text("".join(f"{line}\n" for line in lines))
    return file
