"""Taking a delivery out of the envelopes that transports put around it.

Sources: "Push subscriptions" and "Payload unwrapping" of the Pub/Sub documentation; CloudEvents 1.0,
JSON event format §3 (structured) and HTTP protocol binding §3.1 (binary); "Creating webhooks" of GitHub's
documentation (its hooks, and Gitea's, may come as a form with the JSON in the field `payload`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from updater.core import instants
from updater.core.pushes import delivery_id, hashed
from updater.errors import EventError
from updater.model import Delivery, Message

MAX_BYTES = 1_048_576
MAX_ENVELOPES = 4
_FORM = b"payload="
_DELIVERY_HEADERS = (
    "x-github-delivery",
    "x-gitea-delivery",
    "x-forgejo-delivery",
    "x-nexus-webhook-delivery",
    "x-amz-sns-message-id",
)
_PUBSUB_HEADERS = ("x-goog-pubsub-message-id", "x-goog-pubsub-publish-time")
_PUBSUB_KEYS = {"data", "attributes", "messageId", "message_id"}


@dataclass(frozen=True, slots=True)
class _Envelope:
    kind: str
    id: str | None
    time: object
    attributes: Mapping[str, object]


def unwrap(delivery: Delivery) -> Message:
    """The sender's own JSON and what the envelopes told of it.

    The id is that of the outermost envelope which has one, else that of a web hook's header, else a hash of the body;
    the time is the earliest one told, since every transport on the way can only add delay. A message without data, or
    with data that is not JSON, has the payload None. Raises `EventError` for a body over `MAX_BYTES`, one that is
    not JSON itself, a broken envelope, and more than `MAX_ENVELOPES` of them.
    """
    if len(delivery.body) > MAX_BYTES:
        raise EventError(f"the body has {len(delivery.body)} bytes, more than the {MAX_BYTES} that are read")
    envelopes = list(_in_headers(delivery.headers))
    body = _out_of_form(delivery.body)
    payload = _data(body) if envelopes else _document(body)
    while (opened := _open(payload)) is not None:
        envelope, payload = opened
        envelopes.append(envelope)
        if len(envelopes) > MAX_ENVELOPES:
            raise EventError(f"the payload is in more than {MAX_ENVELOPES} envelopes")
    ids = [*(envelope.id for envelope in envelopes), *map(delivery.headers.get, _DELIVERY_HEADERS)]
    times = [time for envelope in envelopes if (time := instants.from_text(envelope.time)) is not None]
    return Message(
        source=delivery.source,
        payload=payload,
        id=next((delivery_id(id_) for id_ in ids if id_), hashed(delivery.body)),
        received_at=delivery.received_at,
        sent_at=min(times, default=None),
        attributes=_merged(envelopes),
        envelopes=tuple(envelope.kind for envelope in envelopes),
        headers=delivery.headers,
        address=delivery.address,
    )


def _merged(envelopes: list[_Envelope]) -> dict[str, str]:
    """The attributes of all envelopes; the outermost, whose sender we know best, has the last word."""
    inwards = reversed(envelopes)
    return {k.lower(): v for envelope in inwards for k, v in envelope.attributes.items() if isinstance(v, str)}


def _out_of_form(body: bytes) -> bytes:
    """The JSON in a form. No JSON begins like one, and content types mislead: Pub/Sub's emulator calls all a form."""
    if not body.startswith(_FORM):
        return body
    return unquote_to_bytes(body.removeprefix(_FORM).partition(b"&")[0].replace(b"+", b" "))


def _in_headers(headers: Mapping[str, str]) -> Iterator[_Envelope]:
    """Envelopes whose message is the body: Pub/Sub without wrapper, CloudEvents in binary mode.

    With Pub/Sub, attributes come as plain headers that nothing tells from others, so none is taken; those
    named `ce-*` are a CloudEvent that travelled in the message.
    """
    id_, time = (headers.get(name) for name in _PUBSUB_HEADERS)
    if id_ or time:
        yield _Envelope("pubsub", id_, time, {})
    event = {name: value for name, value in headers.items() if name.startswith("ce-")}
    if event:
        yield _Envelope("cloudevents", event.get("ce-id"), event.get("ce-time"), event)


def _open(payload: Any) -> tuple[_Envelope, Any] | None:
    """The outermost envelope of a payload and what is in it; None where the payload is in none."""
    match payload:
        case {"specversion": str()}:
            return _cloudevent(payload)
        case {"message": dict(message)} if message.keys() & _PUBSUB_KEYS:
            return _pubsub(message)
    return None


def _pubsub(message: dict[str, Any]) -> tuple[_Envelope, Any]:
    attributes = message.get("attributes")
    envelope = _Envelope(
        "pubsub",
        _text(message, "messageId") or _text(message, "message_id"),
        _text(message, "publishTime") or _text(message, "publish_time"),
        attributes if isinstance(attributes, dict) else {},
    )
    return envelope, _base64(message.get("data"))


def _cloudevent(event: dict[str, Any]) -> tuple[_Envelope, Any]:
    attributes = {f"ce-{name}": value for name, value in event.items() if name not in ("data", "data_base64")}
    envelope = _Envelope("cloudevents", _text(event, "id"), event.get("time"), attributes)
    return envelope, event["data"] if "data" in event else _base64(event.get("data_base64"))


def _text(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) else None


def _base64(text: Any) -> Any:
    if text is None:
        return None
    try:
        return _data(base64.b64decode(text, validate=True))
    except (TypeError, ValueError):
        raise EventError("the data in the envelope is not base64") from None


def _data(data: bytes) -> Any:
    """The JSON that a transport carried; None for data of another kind, which is somebody else's, not an error."""
    try:
        return _json(data)
    except EventError:
        return None


def _document(body: bytes) -> Any:
    """The JSON of a body in no envelope, where anything but an object or a list is no event of any sender."""
    payload = _json(body)
    if not isinstance(payload, dict | list):
        raise EventError("the body is JSON, but neither an object nor a list")
    return payload


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise EventError(f"the body is not UTF-8: byte {error.start + 1} cannot be read") from None
    except json.JSONDecodeError as error:
        raise EventError(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise EventError("the body is JSON that is nested too deeply") from None
    except ValueError:  # NaN and Infinity, and integers of more digits than Python converts
        raise EventError("the body is not JSON: it holds a number that is none, or is too long") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
