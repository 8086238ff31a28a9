"""Deliveries of webhooks: https://docs.github.com/en/webhooks/webhook-events-and-payloads"""

from __future__ import annotations

import hashlib
import hmac
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.helpers.github.git import NOTHING
from tests.helpers.github.shapes import Json, Shapes


@dataclass(frozen=True)
class Hook:
    """Whom to tell, and the secret that both know."""

    url: str
    secret: str


@dataclass(frozen=True)
class Delivery:
    """What was told to whom, and the answer; None where there was none."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None


def deliver(hook: Hook, event: str, body: bytes) -> Delivery:
    """Tells a hook of an event."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/stand-in",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()}",
    }
    request = urllib.request.Request(hook.url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Delivery(hook.url, headers, body, response.status)
    except urllib.error.HTTPError as error:
        with error:
            return Delivery(hook.url, headers, body, error.code)
    except OSError:
        return Delivery(hook.url, headers, body, None)


def payload(shapes: Shapes, event: str, about: Mapping[str, Any]) -> Json:
    """The JSON of an event: what such events have in common, and the part that tells."""
    told: Json = {"repository": shapes.full_repository(), "sender": shapes.user(about["sender"])}
    if event == "push":
        before, after = about["before"], about["after"]
        ends = {"before": before or NOTHING, "after": after or NOTHING}
        return {**told, "ref": about["ref"], **ends, "created": before is None, "deleted": after is None}
    if event == "status":
        return {**told, **shapes.status(about["sha"], about["status"]), "sha": about["sha"]}
    told["action"] = about["action"]
    if "pull" in about:
        told |= {"number": about["pull"].number, "pull_request": shapes.full_pull(about["pull"])}
    if "review" in about:
        told["review"] = shapes.review(about["pull"], about["review"])
    return told if event != "check_run" else {**told, "check_run": {"head_sha": about["sha"]}}
