"""Amazon ECR: events of EventBridge, as they are or by an API destination, by SNS, by SQS, or by SNS through SQS.

Sources: "Amazon ECR events and EventBridge" of the ECR user guide; "HTTP/HTTPS notification JSON format" of the SNS
developer guide; `ReceiveMessage` of the SQS API and the event that Lambda makes of it (`Records`). Signatures are not
checked here.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from updater.core import instants
from updater.core.pushes import gather, nested, pushed, shown, stranger, text
from updater.errors import EventError
from updater.model import Decoded, Message

_DIALECT = "an event of EventBridge with `detail-type`, or a message of SNS or SQS"
_ACTION = "ECR Image Action"
_PUSH = "com.amazon.ecr.image.push"
_ARN = re.compile(r"(?:arn|urn):aws[a-z-]*:ecr:([a-z0-9-]+):[0-9]+:.*", re.DOTALL)
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}-[a-z0-9-]+")


def decode(message: Message) -> Decoded:
    """The tags that were pushed. Raises `EventError` for what is no such event, or has none that is good."""
    match message.payload:
        case {"Messages": list(records)} | {"Records": list(records)}:
            return gather(records, partial(_record, message), empty="the queue had no messages")
        case {"Type": str(kind), "Message": str()}:
            return _notification(message, kind, message.payload)
        case {"repositoryName": str(), "registryId": str()}:
            return _transformed(message, message.payload)
    return _event(message, message.payload)


def _record(message: Message, record: object) -> Decoded:
    """A message of a queue; what is in its body may have come to the queue by SNS."""
    match record:
        case {"Body": body} | {"body": body} | {"Sns": body}:
            inner = nested(body)
            by_sns = isinstance(inner, dict) and "Message" in inner
            return _carried(message, nested(inner["Message"]) if by_sns else inner)
    raise EventError("an item of `Messages` or `Records` has no `Body`")


def _notification(message: Message, kind: str, notification: dict[str, Any]) -> Decoded:
    if kind != "Notification":
        return Decoded(ignored=f"SNS sent {shown(kind)}, not a notification")
    return _carried(message, nested(notification["Message"]))


def _carried(message: Message, event: object) -> Decoded:
    """Topics and queues carry what others send, too: that is no fault of the one who sends it."""
    if not isinstance(event, dict) or "detail-type" not in event:
        return Decoded(ignored="a message of another kind: it is no event of EventBridge")
    return _event(message, event)


def _event(message: Message, event: Any) -> Decoded:
    match event:
        case {"detail-type": "ECR Image Action", "detail": dict(detail)}:
            return _action(message, event, detail)
        case {"detail-type": str(kind)} if kind != _ACTION:
            return Decoded(ignored=f"the event is {shown(kind)}, not {_ACTION!r}")
    return stranger(message, _DIALECT)


def _action(message: Message, event: dict[str, Any], detail: dict[str, Any]) -> Decoded:
    action, result = text(detail, "action-type") or "", text(detail, "result") or ""
    if action != "PUSH":
        return Decoded(ignored=f"the action is {shown(action)}, not PUSH")
    if result != "SUCCESS":
        return Decoded(ignored=f"the push's result is {shown(result)}, not SUCCESS")
    return pushed(
        message,
        f"{_host(text(event, 'account'), text(event, 'region'))}/{text(detail, 'repository-name') or ''}",
        text(detail, "image-tag"),
        text(detail, "image-digest"),
        at=instants.from_text(event.get("time")),
        event_id=text(event, "id"),
    )


def _transformed(message: Message, data: dict[str, Any]) -> Decoded:
    """A CloudEvent that an API destination's input transformer made, as Argo CD Image Updater documents it."""
    kind = message.attributes.get("ce-type", "")
    if kind != _PUSH:
        return Decoded(ignored=f"the event is {shown(kind)}, not {_PUSH}")
    arn = _ARN.fullmatch(message.attributes.get("ce-source", ""))
    host = _host(text(data, "registryId"), arn.group(1) if arn else None)
    return pushed(message, f"{host}/{data['repositoryName']}", text(data, "imageTag"), text(data, "imageDigest"))


def _host(account: str | None, region: str | None) -> str:
    if _ACCOUNT.fullmatch(account or "") is None or _REGION.fullmatch(region or "") is None:
        raise EventError(f"{shown(account or '')} in {shown(region or '')} is no account in a region of AWS")
    suffix = "amazonaws.com.cn" if (region or "").startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}"
