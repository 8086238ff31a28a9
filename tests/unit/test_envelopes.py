"""Envelopes: whatever a message travelled in, the decoder sees what its sender wrote."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.decoders.envelopes import MAX_BYTES, unwrap
from updater.errors import EventError
from updater.model import Delivery, Message

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SENT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PAYLOAD = {"image": "registry.example/app:1"}


def received(body: object, headers: dict[str, str] | None = None) -> Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return unwrap(Delivery("generic", raw, NOW, headers or {}))


def encoded(data: object) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).decode()


def pubsub(data: object = PAYLOAD, **fields: Any) -> dict[str, Any]:
    return {"message": {"data": encoded(data), **fields}, "subscription": "projects/acme/subscriptions/updater"}


def cloudevent(**fields: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "type": "example.pushed", "source": "//example", **fields}


# --- no envelope ---


def test_a_plain_body_is_the_payload_and_its_hash_the_id() -> None:
    body = json.dumps(PAYLOAD).encode()
    message = received(body)
    assert message == Message("generic", PAYLOAD, f"sha256:{hashlib.sha256(body).hexdigest()[:32]}", NOW)


def test_a_byte_order_mark_before_the_json_is_skipped() -> None:
    assert received(b"\xef\xbb\xbf[]").payload == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON: Expecting value at line 1, column 1"),
        (b'{\n"a": }', "the body is not JSON: Expecting value at line 2, column 6"),
        (b'{"a": "\xff"}', "the body is not UTF-8: byte 8 cannot be read"),
        (b"[" * 100_000, "the body is JSON that is nested too deeply"),
        (b"[NaN]", "holds a number that is none"),
        (b"[-Infinity]", "holds a number that is none"),
        (b"[" + b"9" * 5000 + b"]", "or is too long"),
        (b"null", "the body is JSON, but neither an object nor a list"),
        (b'"text"', "the body is JSON, but neither an object nor a list"),
    ],
)
def test_a_body_that_is_no_json_document_is_one_clear_error(body: bytes, reason: str) -> None:
    with pytest.raises(EventError) as caught:
        received(body)
    assert reason in caught.value.message


def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_refused() -> None:
    body = b'["' + b"a" * (MAX_BYTES - 4) + b'"]'
    assert len(received(body).payload[0]) == MAX_BYTES - 4
    with pytest.raises(EventError, match="1048577 bytes, more than the 1048576"):
        received(body + b" ")


# --- Pub/Sub ---


@pytest.mark.parametrize(("id_key", "time_key"), [("messageId", "publishTime"), ("message_id", "publish_time")])
def test_a_wrapped_pubsub_message_is_unwrapped_in_both_spellings(id_key: str, time_key: str) -> None:
    message = received(pubsub(**{id_key: "42", time_key: "2026-11-20T10:00:00Z"}))
    assert (message.payload, message.id, message.sent_at) == (PAYLOAD, "42", SENT)
    assert message.envelopes == ("pubsub",)


def test_a_wrapped_message_with_nothing_but_data_has_the_hash_of_the_body_as_id() -> None:
    message = received({"message": {"data": encoded(PAYLOAD)}})
    assert message.payload == PAYLOAD
    assert message.id.startswith("sha256:")
    assert message.sent_at is None


def test_attributes_have_lower_case_names_and_only_texts() -> None:
    message = received(pubsub(attributes={"buildId": "b-1", "n": 3, "x": None}))
    assert message.attributes == {"buildid": "b-1"}


@pytest.mark.parametrize("attributes", [None, [], "text", 3])
def test_attributes_of_another_type_are_none(attributes: object) -> None:
    assert received(pubsub(attributes=attributes)).attributes == {}


@pytest.mark.parametrize(
    "message",
    [
        {"attributes": {"a": "b"}, "messageId": "42"},
        {"data": None, "messageId": "42"},
        {"data": "", "messageId": "42"},
        {"data": encoded(b"good morning"), "messageId": "42"},
        {"data": encoded(b"\x01\x02\xff"), "messageId": "42"},
        {"data": encoded(b"[" * 100_000), "messageId": "42"},
    ],
)
def test_a_message_without_data_or_with_data_that_is_not_json_has_no_payload(message: dict[str, Any]) -> None:
    unwrapped = received({"message": message})
    assert (unwrapped.payload, unwrapped.id, unwrapped.envelopes) == (None, "42", ("pubsub",))


@pytest.mark.parametrize("data", ["not base64!", "YWJj\n", "a", "\u00e4", 3, ["YQ=="], {}])
def test_data_that_is_not_base64_is_a_broken_envelope(data: object) -> None:
    with pytest.raises(EventError, match="not base64"):
        received({"message": {"data": data}})


def test_an_unwrapped_push_is_known_by_its_headers() -> None:
    headers = {"x-goog-pubsub-message-id": "42", "x-goog-pubsub-publish-time": "2026-11-20T10:00:00Z", "buildid": "b"}
    message = received(PAYLOAD, headers)
    assert (message.payload, message.id, message.sent_at) == (PAYLOAD, "42", SENT)
    assert message.envelopes == ("pubsub",)
    assert message.attributes == {}


def test_an_unwrapped_push_with_its_time_alone_is_one_too() -> None:
    assert received(PAYLOAD, {"x-goog-pubsub-publish-time": "2026-11-20T10:00:00Z"}).envelopes == ("pubsub",)


@pytest.mark.parametrize("body", [b"", b"good morning", b"\xff"])
def test_an_unwrapped_push_of_something_else_has_no_payload(body: bytes) -> None:
    assert received(body, {"x-goog-pubsub-message-id": "42"}).payload is None


@pytest.mark.parametrize("body", [{"message": {}}, {"message": "text"}, {"message": {"title": "x"}}, {"message": []}])
def test_a_payload_that_merely_has_a_message_is_in_no_envelope(body: dict[str, Any]) -> None:
    message = received(body)
    assert (message.payload, message.envelopes) == (body, ())


# --- CloudEvents ---


def test_a_structured_cloudevent_is_unwrapped() -> None:
    message = received(cloudevent(id="c-1", time="2026-11-20T11:00:00+01:00", data=PAYLOAD, n=1))
    assert (message.payload, message.id, message.sent_at) == (PAYLOAD, "c-1", SENT)
    assert message.envelopes == ("cloudevents",)
    assert message.attributes["ce-type"] == "example.pushed"
    assert "ce-data" not in message.attributes
    assert "ce-n" not in message.attributes


def test_the_data_of_a_cloudevent_may_be_base64() -> None:
    assert received(cloudevent(id="c-1", data_base64=encoded(PAYLOAD))).payload == PAYLOAD


def test_a_cloudevent_without_data_has_no_payload() -> None:
    assert received(cloudevent(id="c-1")).payload is None


def test_a_binary_cloudevent_is_known_by_its_headers() -> None:
    headers = {"ce-id": "c-1", "ce-time": "2026-11-20T10:00:00Z", "ce-type": "example.pushed", "host": "x"}
    message = received(PAYLOAD, headers)
    assert (message.payload, message.id, message.sent_at) == (PAYLOAD, "c-1", SENT)
    assert message.envelopes == ("cloudevents",)
    assert message.attributes == {name: value for name, value in headers.items() if name != "host"}


# --- nesting ---


def test_envelopes_nest_and_the_outermost_id_is_the_delivery_s() -> None:
    body = cloudevent(id="outer", data=pubsub(messageId="inner", attributes={"A": "1"}))
    message = received(body, {"x-goog-pubsub-message-id": "outermost"})
    assert (message.payload, message.id) == (PAYLOAD, "outermost")
    assert message.envelopes == ("pubsub", "cloudevents", "pubsub")
    assert message.attributes["a"] == "1"


def test_an_outer_envelope_without_an_id_leaves_it_to_the_inner_one() -> None:
    assert received(cloudevent(id="", data=pubsub(messageId="inner"))).id == "inner"


def test_the_outer_attribute_has_the_last_word() -> None:
    body = cloudevent(id="1", data=pubsub(attributes={"ce-type": "forged", "other": "kept"}))
    assert received(body).attributes["ce-type"] == "example.pushed"
    assert received(body).attributes["other"] == "kept"


def test_the_earliest_time_counts_since_each_transport_adds_delay() -> None:
    inner = pubsub(publishTime="2026-11-20T10:00:00Z")
    assert received(cloudevent(id="1", time="2026-11-20T11:30:00Z", data=inner)).sent_at == SENT
    inner = pubsub(publishTime="2026-11-20T11:30:00Z")
    assert received(cloudevent(id="1", time="2026-11-20T10:00:00Z", data=inner)).sent_at == SENT


@pytest.mark.parametrize(
    "time", ["", "soon", "2026-11-20T10:00:00", "0001-01-01T00:00:00Z", "2101-01-01T00:00:00Z", 5, None]
)
def test_a_time_that_cannot_be_believed_is_none(time: object) -> None:
    assert received(cloudevent(id="1", time=time, data=PAYLOAD)).sent_at is None
    assert received(pubsub(publishTime=time)).sent_at is None


@pytest.mark.parametrize(("depth", "fits"), [(4, True), (5, False)])
def test_at_most_four_envelopes_are_opened(depth: int, fits: bool) -> None:
    body: Any = PAYLOAD
    for _ in range(depth):
        body = pubsub(body)
    if fits:
        assert received(body).payload == PAYLOAD
    else:
        with pytest.raises(EventError, match="more than 4 envelopes"):
            received(body)


# --- web hooks ---


def form(payload: object, after: str = "") -> bytes:
    return f"{urlencode({'payload': json.dumps(payload)})}{after}".encode()


def test_a_form_with_a_payload_is_the_json_in_it() -> None:
    payload = {"text": "a b+c&d=e%20 ü", "message": "payload=1"}
    assert received(form(payload)).payload == payload
    assert received(form(payload, after="&signature=x")).payload == payload


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", ""])
def test_what_is_json_is_never_taken_for_a_form(content_type: str) -> None:
    body = {"text": "x&payload=%7B%7D"}
    assert received(body, {"content-type": content_type}).payload == body


@pytest.mark.parametrize("body", [b"payload=", b"payload=hello", b"payload=%FF", b"other=1&payload=%7B%7D"])
def test_a_form_without_json_is_an_error(body: bytes) -> None:
    with pytest.raises(EventError, match="the body is not"):
        received(body)


@pytest.mark.parametrize(
    "header",
    [
        "x-github-delivery",
        "x-gitea-delivery",
        "x-forgejo-delivery",
        "x-nexus-webhook-delivery",
        "x-amz-sns-message-id",
    ],
)
def test_a_web_hook_s_delivery_has_the_id_of_its_header(header: str) -> None:
    assert received(PAYLOAD, {header: "72d3162e-cc78"}).id == "72d3162e-cc78"


def test_an_envelope_s_id_goes_before_a_header_that_a_publisher_may_have_set() -> None:
    """Without its wrapper, Pub/Sub makes a header of each attribute."""
    assert received(PAYLOAD, {"x-goog-pubsub-message-id": "42", "x-github-delivery": "forged"}).id == "42"


def test_what_came_with_a_delivery_stays_with_its_message() -> None:
    headers = {"x-github-event": "push"}
    message = unwrap(Delivery("github", b"{}", NOW, headers, "?registry=registry.example"))
    assert (message.headers, message.address) == (headers, "?registry=registry.example")


# --- ids from outside ---


@pytest.mark.parametrize("given_id", ["a b", "a\nUpdater-Image: evil", "x" * 129, "\ud800", "\u00e4"])
def test_an_id_that_could_leave_its_trailer_is_replaced_by_its_hash(given_id: str) -> None:
    digest = hashlib.sha256(given_id.encode("utf-8", "surrogatepass")).hexdigest()
    assert received(pubsub(messageId=given_id)).id == f"sha256:{digest[:32]}"
    assert received(PAYLOAD, {"x-github-delivery": given_id}).id == f"sha256:{digest[:32]}"


@pytest.mark.parametrize("given_id", [5, None, [], ""])
def test_an_id_that_is_no_text_is_none(given_id: object) -> None:
    assert received(pubsub(messageId=given_id)).id.startswith("sha256:")


# --- laws ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(max_size=6), JSON, max_size=4).filter(
        lambda body: not body.keys() & {"message", "specversion"}
    )
)
def test_any_payload_comes_out_of_any_envelope_unchanged(payload: dict[str, Any]) -> None:
    assert received(payload).payload == payload
    assert received(pubsub(payload)).payload == payload
    assert received(cloudevent(id="1", data=payload)).payload == payload
    assert received(cloudevent(id="1", data=pubsub(payload))).payload == payload


@given(
    st.dictionaries(
        st.sampled_from(["message", "specversion", "data", "data_base64", "id", "time", "attributes"]),
        JSON | st.just({"data": 1}),
    )
)
def test_a_broken_envelope_is_an_event_error_or_a_message(body: dict[str, Any]) -> None:
    with contextlib.suppress(EventError):
        assert received(body).id
