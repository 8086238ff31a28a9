"""Amazon SNS: what Amazon signed for a topic of ours is taken, and nothing else; addresses are those of SNS exactly."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.x509 import Certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.senders import (
    CERTIFICATE_URL,
    NOON,
    SUBSCRIBE_URL,
    TOKEN,
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
from updater.admission.proof import PROVED, Finding
from updater.admission.sns import Notifications, confirmation_url, read_certificate, read_message, signed_text

HOST = "https://sns.eu-central-1.amazonaws.com"


class Stand:
    """A proof for one topic, with Amazon's certificate on the internet."""

    def __init__(self, pem: bytes | None = None) -> None:
        self.clock = Clock()
        self.internet = Internet({CERTIFICATE_URL: pem or certificate(key())})
        shelf: Shelf[Certificate] = Shelf(
            self.internet.fetch, read_certificate, self.clock.now, pause=timedelta(seconds=1)
        )
        self.proof = Notifications({TOPIC}, shelf, self.clock.now)

    def check(self, message: Mapping[str, Any]) -> Finding:
        return run(self.proof.check(read_message(json.dumps(message).encode())))

    def receive(self, message: Mapping[str, Any]) -> Finding:
        return run(self.proof.with_body(*sns_request(message)))


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "message",
    [
        notification(),
        notification(Subject=None),
        notification(Message="two\nlines \u2713"),
        confirmation(),
        confirmation(Type="UnsubscribeConfirmation"),
    ],
)
def test_what_amazon_signed_is_taken(message: Mapping[str, Any], version: str) -> None:
    assert Stand().receive(signed({**message, "SignatureVersion": version})) == PROVED


def test_the_signed_text_is_that_of_the_documentation() -> None:
    """Names and values by turns, in the order of the alphabet, and the subject only where there is one."""
    message = {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": "x\ny", "Timestamp": "z"}
    without = b"Message\nx\ny\nMessageId\nm\nTimestamp\nz\nTopicArn\nt\nType\nNotification\n"
    assert signed_text({**message, "Signature": "s"}) == without
    assert signed_text({**message, "Subject": "s"}) == without.replace(b"Timestamp", b"Subject\ns\nTimestamp")
    asked = {**message, "Type": "SubscriptionConfirmation", "Token": "k", "SubscribeURL": "u"}
    assert signed_text(asked) == (
        b"Message\nx\ny\nMessageId\nm\nSubscribeURL\nu\nTimestamp\nz\nToken\nk\nTopicArn\nt\n"
        b"Type\nSubscriptionConfirmation\n"
    )


def test_a_subject_of_null_is_none() -> None:
    assert Stand().check({**signed(notification(Subject=None)), "Subject": None}) == PROVED


SIGNED = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("value", [None, "", "other", 1, ["x"], {"x": "y"}])
def test_a_signed_field_that_is_changed_or_taken_out_is_wrong(name: str, value: object) -> None:
    message = {**signed(notification()), name: value}
    assert Stand().check({k: v for k, v in message.items() if v is not None}).state == "wrong"


@settings(max_examples=30)
@given(where=st.integers(min_value=0), change=st.integers(1, 255))
def test_a_signature_with_another_byte_is_wrong(where: int, change: int) -> None:
    message = signed(notification())
    raw = bytearray(base64.b64decode(message["Signature"]))
    raw[where % len(raw)] ^= change
    assert STAND.check({**message, "Signature": base64.b64encode(raw).decode()}).state == "wrong"


STAND = Stand()


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "\u00e9", None, 1])
def test_what_is_no_signature_is_wrong(signature: object) -> None:
    assert Stand().check({**signed(notification()), "Signature": signature}).state == "wrong"


@pytest.mark.parametrize("version", ["3", "", "0", None, 2, ["2"]])
def test_a_version_of_signatures_that_does_not_exist_is_wrong(version: object) -> None:
    assert Stand().check({**signed(notification()), "SignatureVersion": version}).state == "wrong"


def test_a_signature_of_version_2_is_not_taken_as_one_of_version_1() -> None:
    assert Stand().check({**signed(notification()), "SignatureVersion": "1"}).state == "wrong"


def test_the_signature_of_a_stranger_is_wrong() -> None:
    assert Stand().check(signed(notification(), key("stranger"))).state == "wrong"


@pytest.mark.parametrize("name", ["MessageId", "Timestamp", "TopicArn", "Type"])
def test_a_line_that_is_two_is_wrong(name: str) -> None:
    """Else one signed text could be read as two different messages."""
    message = {k: str(v) for k, v in notification().items()}
    assert signed_text({**message, name: f"{message[name]}\nTopicArn\nx"}) is None


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        "https://example.org/SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com.example.org/SimpleNotificationService-0.pem",
        "https://example.org/?https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com@example.org/SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0.pem",
        "https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com/bucket/SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com/?Action=GetEndpointAttributes&x=SimpleNotificationService-0.pem",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem?x",
        "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem\n",
        "https://sns.eu-central-1.amazonaws.com\\@example.org/SimpleNotificationService-0.pem",
        "https://sns.-1.amazonaws.com/SimpleNotificationService-0.pem",
        "",
        None,
        1,
    ],
)
def test_a_certificate_from_anywhere_else_is_not_even_asked_for(url: object) -> None:
    stand = Stand()
    assert stand.check({**signed(notification()), "SigningCertURL": url}).state == "wrong"
    assert stand.internet.asked == []


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-7", "cn-north-1"])
def test_certificates_of_all_regions_are_taken(region: str) -> None:
    stand = Stand()
    end = ".cn" if region.startswith("cn") else ""
    url = f"https://sns.{region}.amazonaws.com{end}/SimpleNotificationService-0.pem"
    stand.internet.documents[url] = certificate(key())
    assert stand.check(signed(notification(SigningCertURL=url))) == PROVED


def test_a_certificate_is_fetched_once() -> None:
    stand = Stand()
    for number in range(3):
        assert stand.check(signed(notification(MessageId=f"m{number}"))) == PROVED
    assert stand.internet.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize("document", [None, b"no certificate"])
def test_without_the_certificate_nothing_can_be_checked(document: bytes | None) -> None:
    stand = Stand()
    stand.internet.documents = {} if document is None else {CERTIFICATE_URL: document}
    assert stand.check(signed(notification())).state == "unable"


@pytest.mark.parametrize(
    ("since", "days"), [(NOON + timedelta(seconds=1), 10), (NOON - timedelta(days=10, seconds=1), 10)]
)
def test_a_certificate_that_is_not_good_now_is_wrong(since: Any, days: int) -> None:
    assert Stand(certificate(key(), since, days)).check(signed(notification())).state == "wrong"


def test_a_certificate_of_another_kind_of_key_is_wrong() -> None:
    pem = certificate(elliptic_key(SECP256R1()))
    assert Stand(pem).check(signed(notification())).state == "wrong"


@pytest.mark.parametrize(
    ("timestamp", "state"),
    [
        ("2026-11-20T10:00:00.000Z", "proved"),
        ("2026-11-20T09:59:59.999Z", "wrong"),
        ("2026-11-20T12:05:00Z", "proved"),
        ("2026-11-20T12:05:01Z", "wrong"),
        ("2026-11-20T12:00:00", "wrong"),
        ("noon", "wrong"),
        ("", "wrong"),
    ],
)
def test_only_a_message_of_now_is_taken(timestamp: str, state: str) -> None:
    assert Stand().check(signed(notification(Timestamp=timestamp))).state == state


@pytest.mark.parametrize("topic", [TOPIC + "2", "arn:aws:sns:eu-central-1:999999999999:pushes", TOPIC.upper()])
def test_a_topic_that_is_not_on_the_list_is_wrong_though_amazon_signed_it(topic: str) -> None:
    stand = Stand()
    message = signed(notification(TopicArn=topic))
    assert stand.check(message).state == "wrong"
    assert stand.receive(message).state == "wrong"
    assert stand.internet.asked == []


def test_another_topic_is_refused_before_the_body_is_read() -> None:
    shown, _ = sns_request(notification(), **{"x-amz-sns-topic-arn": TOPIC + "2"})
    assert Stand().proof.before_body(shown).state == "wrong"


@pytest.mark.parametrize("headers", [{}, {"x-amz-sns-message-type": "Notification", "x-amz-sns-rawdelivery": "true"}])
def test_what_is_not_signed_by_sns_is_left_to_other_proofs(headers: Mapping[str, str]) -> None:
    assert Stand().proof.before_body(request("ecr", headers)).state == "nothing"


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"[" * 100_000, b"\xff", b'{"TopicArn": ["x"]}'])
def test_a_body_that_is_no_message_is_wrong(body: bytes) -> None:
    shown, _ = sns_request(notification())
    assert run(Stand().proof.with_body(shown, body)).state == "wrong"


@given(
    st.dictionaries(
        st.sampled_from([*SIGNED, "Signature", "SignatureVersion", "SigningCertURL", "Token", "SubscribeURL"]),
        st.none() | st.integers() | st.text() | st.sampled_from([TOPIC, "Notification", "2", CERTIFICATE_URL]),
    )
)
def test_no_invented_message_is_taken(message: Mapping[str, Any]) -> None:
    assert STAND.check(message).state in ("wrong", "unable")


def test_the_address_of_a_confirmation_is_that_of_sns() -> None:
    assert confirmation_url(confirmation()) == SUBSCRIBE_URL


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE_URL.replace("https", "http"),
        SUBSCRIBE_URL.replace("sns.eu-central-1.amazonaws.com", "example.org"),
        SUBSCRIBE_URL.replace("ConfirmSubscription", "Publish"),
        SUBSCRIBE_URL + "&Action=Publish",
        SUBSCRIBE_URL + "&x=",
        SUBSCRIBE_URL + "#x",
        SUBSCRIBE_URL.replace(TOKEN, "other"),
        SUBSCRIBE_URL.replace(TOPIC, TOPIC + "2"),
        f"{HOST}/",
        f"{HOST}/x?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}",
        "",
    ],
)
def test_another_address_confirms_nothing(url: str) -> None:
    assert confirmation_url(confirmation(SubscribeURL=url)) is None


def test_a_confirmation_without_an_address_confirms_nothing() -> None:
    assert confirmation_url(notification()) is None
