"""What senders ask before they send: answered where it is meant, and never a way around a proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from tests.helpers.senders import (
    CERTIFICATE_URL,
    SUBSCRIBE_URL,
    TOPIC,
    Clock,
    Internet,
    certificate,
    confirmation,
    key,
    notification,
    request,
    run,
    signed,
    sns_request,
)
from updater.admission.documents import Shelf
from updater.admission.handshakes import Handshake, handshake
from updater.admission.sns import Notifications, read_certificate

VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
GRID = {"aeg-event-type": "SubscriptionValidation"}


def internet() -> Internet:
    return Internet({CERTIFICATE_URL: certificate(key()), SUBSCRIBE_URL: b"<ok/>"})


def answer(
    source: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    net: Internet | None = None,
    method: str = "POST",
) -> Handshake | None:
    net = net or internet()
    clock = Clock()
    shelf = Shelf(net.fetch, read_certificate, clock.now, pause=timedelta(seconds=1))
    asked = request(source, headers, method=method)
    return run(handshake(asked, body, Notifications({TOPIC}, shelf, clock.now), net.fetch))


def confirmed(message: Mapping[str, Any], net: Internet) -> tuple[int, str]:
    shown, body = sns_request(message)
    found = answer("ecr", shown.headers, body, net=net)
    assert found is not None
    return found.status, found.told


def test_a_subscription_of_a_topic_on_the_list_is_confirmed_by_one_request() -> None:
    net = internet()
    assert confirmed(signed(confirmation()), net) == (200, f"the subscription of the topic {TOPIC} is confirmed")
    assert net.asked == [CERTIFICATE_URL, SUBSCRIBE_URL]


@pytest.mark.parametrize(
    "message",
    [
        signed(confirmation(), key("stranger")),
        signed(confirmation(TopicArn=TOPIC + "2", SubscribeURL=SUBSCRIBE_URL.replace(TOPIC, TOPIC + "2"))),
        {**signed(confirmation()), "Token": "other"},
        {**signed(confirmation()), "SubscribeURL": "https://example.org/"},
        signed(confirmation(SubscribeURL="https://example.org/")),
        signed(confirmation(Timestamp="2026-11-19T12:00:00Z")),
        confirmation(),
    ],
)
def test_no_other_subscription_is_confirmed_whoever_brings_it(message: Mapping[str, Any]) -> None:
    net = internet()
    assert confirmed(message, net)[0] == 403
    assert not [url for url in net.asked if url != CERTIFICATE_URL]


@pytest.mark.parametrize("missing", [CERTIFICATE_URL, SUBSCRIBE_URL])
def test_what_cannot_be_confirmed_now_is_asked_for_again(missing: str) -> None:
    net = internet()
    del net.documents[missing]
    assert confirmed(signed(confirmation()), net)[0] == 503


def test_the_end_of_a_subscription_is_told_and_not_undone() -> None:
    net = internet()
    status, told = confirmed(signed(confirmation(Type="UnsubscribeConfirmation")), net)
    assert (status, told) == (200, f"the topic {TOPIC} does not send here any more")
    assert SUBSCRIBE_URL not in net.asked


@pytest.mark.parametrize("source", ["acr", "generic", "github"])
def test_only_the_source_that_sns_sends_to_confirms(source: str) -> None:
    shown, body = sns_request(signed(confirmation()))
    assert answer(source, shown.headers, body) is None


def test_a_notification_is_no_handshake() -> None:
    shown, body = sns_request(signed(notification()))
    assert answer("ecr", shown.headers, body) is None


def test_a_notification_that_is_called_a_confirmation_confirms_nothing() -> None:
    net = internet()
    shown, body = sns_request(signed(notification()), **{"x-amz-sns-message-type": "SubscriptionConfirmation"})
    found = answer("ecr", shown.headers, body, net=net)
    assert found is not None
    assert found.status == 403
    assert SUBSCRIBE_URL not in net.asked


def grid_event(code: object = "512d38b6", kind: str = VALIDATION) -> dict[str, object]:
    return {"id": "1", "eventType": kind, "data": {"validationCode": code, "validationUrl": "https://example.org/"}}


@pytest.mark.parametrize("body", [[grid_event()], grid_event()])
def test_event_grid_gets_its_code_back_as_it_reads_it(body: object) -> None:
    found = answer("acr", GRID, json.dumps(body).encode())
    assert found == Handshake(200, "Event Grid validated a subscription", {"validationResponse": "512d38b6"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"[1]",
        b"[" * 100_000,
        b'[{"eventType": "' + VALIDATION.encode() + b'", "data": null}]',
        json.dumps([grid_event(), grid_event()]).encode(),
        json.dumps([grid_event(kind="Microsoft.ContainerRegistry.ImagePushed")]).encode(),
        *[json.dumps([grid_event(code)]).encode() for code in (None, 1, "", "x" * 257, ["x"])],
    ],
)
def test_a_validation_without_a_code_is_unreadable(body: bytes) -> None:
    found = answer("acr", GRID, body)
    assert found is not None
    assert (found.status, found.content) == (400, {})


@pytest.mark.parametrize(("source", "kind"), [("acr", "Notification"), ("generic", "SubscriptionValidation")])
def test_other_events_are_no_validation(source: str, kind: str) -> None:
    assert answer(source, {"aeg-event-type": kind}, json.dumps([grid_event()]).encode()) is None


@pytest.mark.parametrize("source", ["acr", "cdevents"])
def test_a_sender_of_cloudevents_may_ask_whether_it_may_send(source: str) -> None:
    found = answer(source, {"WebHook-Request-Origin": "eventgrid.azure.net"}, method="OPTIONS")
    assert found is not None
    assert (found.status, found.headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")
    assert found.headers["WebHook-Allowed-Rate"] == "*"


@pytest.mark.parametrize(
    ("source", "origin"),
    [("acr", ""), ("acr", "a b"), ("acr", "a\r\nX: y"), ("acr", "x" * 254), ("acr", "*"), ("github", "example.org")],
)
def test_another_question_by_options_is_not_answered(source: str, origin: str) -> None:
    assert answer(source, {"WebHook-Request-Origin": origin}, method="OPTIONS") is None


def test_strangers_write_nothing_into_the_log_by_asking() -> None:
    found = answer("acr", {"WebHook-Request-Origin": "example.org"}, method="OPTIONS")
    assert found is not None
    assert found.told == ""
