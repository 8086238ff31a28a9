"""Who may send, as the web part asks: one answer before the body and one with it, for every source and every proof."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.senders import (
    AUDIENCE,
    CERTIFICATE_URL,
    CERTS,
    EMAIL,
    SUBSCRIBE_URL,
    TOPIC,
    Clock,
    Internet,
    certificate,
    claims,
    confirmation,
    key,
    key_set,
    notification,
    request,
    run,
    signed,
    sns_request,
    token,
)
from updater import admission
from updater.admission import Admission, Answer, joined
from updater.admission.throttle import PROVED, STRANGER
from updater.errors import UsageError

SOURCES = ("acr", "docker-hub", "ecr", "eventarc", "ghcr", "pubsub")
SECRET = "a secret of a good length"
BODY = b"{}"
SIGNATURE = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
ENVIRON = {
    "UPDATER_HOOK_SECRET_ACR": SECRET,
    "UPDATER_HOOK_SECRET_DOCKER_HUB": SECRET,
    "UPDATER_HOOK_SECRET_ECR": SECRET,
    "UPDATER_HOOK_SECRET_GHCR": SECRET,
    "UPDATER_PUBSUB_AUDIENCE": AUDIENCE,
    "UPDATER_PUBSUB_SENDER": EMAIL,
    "UPDATER_SNS_TOPICS": TOPIC,
}
WRONG = {"X-Updater-Token": "wrong"}


class Stand:
    """An admission with these variables, its clock and its internet."""

    def __init__(self, environ: Mapping[str, str] = ENVIRON) -> None:
        self.clock = Clock()
        self.internet = Internet(
            {CERTS: key_set([("k1", key())]), CERTIFICATE_URL: certificate(key()), SUBSCRIBE_URL: b""}
        )
        self.admission: Admission = admission.read(
            environ, SOURCES, is_loopback=True, now=self.clock.now, fetch=self.internet.fetch
        )

    def ask(self, source: str, headers: Mapping[str, str], body: bytes = BODY, peer: str = "192.0.2.7") -> str:
        """Both answers, as the web part asks for them."""
        asked = request(source, headers, peer=peer)
        early = self.admission.before_body(asked)
        if early.verdict != "needs-body":
            return early.verdict
        return f"needs-body, {run(self.admission.with_body(asked, body)).verdict}"


def test_a_token_in_a_header_is_admitted_without_the_body() -> None:
    assert Stand().ask("acr", {"Authorization": SECRET}) == "admitted"


def test_a_secret_in_the_path_is_admitted() -> None:
    assert Stand().admission.before_body(request("docker-hub", path=SECRET)).verdict == "admitted"


def test_who_is_admitted_is_admitted_with_the_body_too() -> None:
    asked = request("acr", {"Authorization": SECRET})
    assert run(Stand().admission.with_body(asked, BODY)) == Answer("admitted")


def test_a_signature_is_admitted_with_the_body() -> None:
    assert Stand().ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}) == "needs-body, admitted"
    assert Stand().ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}, b"{ }") == "needs-body, refused"


@pytest.mark.parametrize("source", ["pubsub", "eventarc"])
def test_googles_tokens_are_admitted_where_google_sends(source: str) -> None:
    stand = Stand()
    shown = {"Authorization": f"Bearer {token()}"}
    assert stand.ask(source, shown) == "needs-body, admitted"
    assert stand.ask(source, shown) == "admitted"


def test_googles_tokens_open_no_other_source() -> None:
    assert Stand().ask("ghcr", {"Authorization": f"Bearer {token()}"}) == "refused"


def test_a_secret_works_beside_googles_tokens() -> None:
    stand = Stand({**ENVIRON, "UPDATER_HOOK_SECRET_PUBSUB": SECRET})
    assert stand.ask("pubsub", {"Authorization": f"Bearer {SECRET}"}) == "admitted"
    assert stand.ask("pubsub", {"Authorization": f"Bearer {token()}"}) == "needs-body, admitted"


def test_what_amazon_signed_is_admitted_with_the_body() -> None:
    asked, body = sns_request(signed(notification()))
    assert Stand().ask("ecr", asked.headers, body) == "needs-body, admitted"
    asked, body = sns_request(signed(notification(), key("stranger")))
    assert Stand().ask("ecr", asked.headers, body) == "needs-body, refused"


def test_a_source_without_a_secret_is_closed() -> None:
    stand = Stand({})
    assert {stand.ask(source, {"Authorization": SECRET}) for source in SOURCES} == {"closed"}


def test_a_source_that_nobody_knows_is_closed() -> None:
    assert Stand().ask("harbor", {"Authorization": SECRET}) == "closed"
    assert run(Stand().admission.with_body(request("harbor"), BODY)).verdict == "refused"


def test_what_is_answered_does_not_tell_what_was_wrong() -> None:
    stand = Stand({**ENVIRON, "UPDATER_HOOK_SECRET_PUBSUB": SECRET})
    shown = [{}, WRONG, {"Authorization": f"Bearer {token(claims(aud='x'))}"}, {"Authorization": "Bearer a.b.c"}]
    asked = [request("pubsub", each) for each in shown]
    assert {run(stand.admission.with_body(each, BODY)) for each in asked} == {admission._REFUSED}


def test_what_cannot_be_checked_now_is_to_be_sent_again() -> None:
    stand = Stand()
    stand.internet.documents.clear()
    assert stand.ask("pubsub", {"Authorization": f"Bearer {token()}"}) == "needs-body, unavailable"
    later = stand.admission.before_body(request("pubsub", {"Authorization": f"Bearer {token()}"}))
    assert (later.verdict, later.wait) == ("unavailable", 10)


def test_who_is_wrong_too_often_waits_before_his_body_is_read() -> None:
    stand = Stand()
    for _ in range(STRANGER.burst):
        assert stand.ask("ghcr", WRONG) == "refused"
    later = stand.admission.before_body(request("ghcr", {"X-Hub-Signature-256": SIGNATURE}))
    assert (later.verdict, later.wait) == ("throttled", 2)
    stand.clock.pass_by(2)
    assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}) == "needs-body, admitted"


def test_wrong_bodies_count_as_wrong_headers_do() -> None:
    stand = Stand()
    for _ in range(STRANGER.burst):
        assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}, b"other") == "needs-body, refused"
    assert stand.ask("ghcr", WRONG) == "throttled"


def test_nobody_else_waits_for_who_is_wrong() -> None:
    stand = Stand()
    for _ in range(STRANGER.burst + 1):
        stand.ask("ghcr", WRONG)
    assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}, peer="192.0.2.8") == "needs-body, admitted"


def test_a_proof_in_the_headers_is_never_made_to_wait() -> None:
    """The address may be that of a cloud or a proxy, which a stranger sends from, too."""
    stand = Stand()
    for _ in range(STRANGER.burst + 1):
        stand.ask("acr", WRONG)
    assert stand.ask("acr", WRONG) == "throttled"
    assert stand.ask("acr", {"Authorization": SECRET}) == "admitted"


def test_who_signed_rightly_before_is_not_stopped_soon_by_a_stranger_at_his_address() -> None:
    stand = Stand()
    assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}) == "needs-body, admitted"
    for _ in range(PROVED.burst - 1):
        stand.ask("ghcr", WRONG)
    assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}) == "needs-body, admitted"


def test_who_shows_nothing_is_refused_and_not_counted() -> None:
    """Amazon SNS shows a password only after it was refused without one."""
    stand = Stand()
    assert {stand.ask("ghcr", {}) for _ in range(10 * STRANGER.burst)} == {"refused"}
    assert stand.ask("ghcr", {"X-Hub-Signature-256": SIGNATURE}) == "needs-body, admitted"


def test_a_flood_is_one_line_a_minute_with_its_number(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand()
    for _ in range(100):
        stand.ask("ghcr", {})
    stand.clock.pass_by(60)
    stand.ask("ghcr", WRONG)
    assert [record.getMessage() for record in caplog.records] == [
        "turned away a sender for ghcr: it shows no proof",
        "turned away a sender for ghcr: its token or password is not the secret of the source",
    ]
    assert [vars(record)["refused"] for record in caplog.records] == [1, 100]
    assert [vars(record)["peer"] for record in caplog.records] == ["192.0.2.7", "192.0.2.7"]


def test_the_log_says_why_a_token_of_googles_was_refused_and_shows_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shown = token(claims(aud="https://elsewhere.example.org/"))
    Stand().ask("pubsub", {"Authorization": f"Bearer {shown}"})
    assert "the audience of its token is not in UPDATER_PUBSUB_AUDIENCE" in caplog.text
    assert shown not in caplog.text
    assert "elsewhere" not in caplog.text


HEADERS = [
    "authorization",
    "x-api-key",
    "x-updater-token",
    "x-hub-signature-256",
    "x-signature",
    "x-amz-sns-message-type",
    "x-amz-sns-topic-arn",
    "x-amz-sns-rawdelivery",
    "aeg-event-type",
]
VALUES = ["Bearer a.b.c", "Basic YTpi", "sha256=00", "Notification", TOPIC, "SubscriptionConfirmation", "true"]


@given(
    source=st.sampled_from(SOURCES),
    headers=st.dictionaries(
        st.sampled_from(HEADERS), st.sampled_from(VALUES) | st.text(st.characters(codec="latin-1"))
    ),
    body=st.binary() | st.just(b"[" * 100_000),
    path=st.none() | st.text(),
)
def test_whatever_a_stranger_sends_he_gets_an_answer_and_is_not_admitted(
    source: str, headers: Mapping[str, str], body: bytes, path: str | None
) -> None:
    desk = Stand().admission
    asked = request(source, headers, path=path)
    assert desk.before_body(asked).verdict in ("needs-body", "refused")
    assert run(desk.with_body(asked, body)).verdict == "refused"


def test_everything_is_admitted_where_the_service_is_open() -> None:
    stand = Stand({"UPDATER_HOOKS_OPEN": "1"})
    assert stand.ask("ghcr", WRONG) == "admitted"
    assert run(stand.admission.with_body(request("ghcr"), BODY)).verdict == "admitted"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_in_somebodys_browser_does_not_send_to_an_open_service(origin: str) -> None:
    assert Stand({"UPDATER_HOOKS_OPEN": "1"}).ask("ghcr", {"Origin": origin}) == "refused"
    assert Stand().ask("ghcr", {"Origin": origin, "X-Updater-Token": SECRET}) == "admitted", "it knows the secret"


def test_a_service_that_others_reach_is_never_open() -> None:
    stand = Stand()
    with pytest.raises(UsageError, match="UPDATER_HOOKS_OPEN"):
        admission.read(
            {"UPDATER_HOOKS_OPEN": "1"}, SOURCES, is_loopback=False, now=stand.clock.now, fetch=stand.internet.fetch
        )


def test_each_source_says_how_its_senders_prove_themselves() -> None:
    assert Stand().admission.open_sources() == {
        "acr": "its secret in a header, or a signature in X-Hub-Signature-256 or X-Signature",
        "docker-hub": "its secret in the path, or in a header",
        "ecr": "its secret in a header, or a signature in X-Hub-Signature-256 or X-Signature or "
        "Amazon's signature on a message of a topic in UPDATER_SNS_TOPICS",
        "eventarc": "a token of Google's for a sender in UPDATER_PUBSUB_SENDER",
        "ghcr": "its secret in a header, or a signature in X-Hub-Signature-256",
        "pubsub": "a token of Google's for a sender in UPDATER_PUBSUB_SENDER",
    }


def test_a_closed_source_says_what_opens_it() -> None:
    assert Stand({}).admission.open_sources()["docker-hub"] == "closed: UPDATER_HOOK_SECRET_DOCKER_HUB is not set"


def test_an_open_service_says_so_for_each_source() -> None:
    told = Stand({"UPDATER_HOOKS_OPEN": "1"}).admission.open_sources()
    assert set(told.values()) == {"open to everybody on this machine (UPDATER_HOOKS_OPEN)"}


def test_dangers_in_the_settings_are_told() -> None:
    stand = Stand({"UPDATER_HOOK_SECRET_GHCR": "short"})
    assert stand.admission.warnings() == ("UPDATER_HOOK_SECRET_GHCR is shorter than 16 characters",)


def test_a_handshake_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asked, body = sns_request(signed(confirmation()))
    found = run(Stand().admission.handshake(asked, body))
    assert found is not None
    assert found.status == 200
    assert f"a handshake with ecr: the subscription of the topic {TOPIC} is confirmed" in caplog.text


def test_without_topics_no_subscription_is_confirmed_though_the_secret_is_right() -> None:
    stand = Stand({"UPDATER_HOOK_SECRET_ECR": SECRET})
    asked, body = sns_request(signed(confirmation()))
    assert stand.ask("ecr", {**asked.headers, "Authorization": SECRET}, body) == "admitted"
    found = run(stand.admission.handshake(asked, body))
    assert found is not None
    assert found.status == 403
    assert stand.internet.asked == []


def test_an_event_is_no_handshake() -> None:
    assert run(Stand().admission.handshake(request("acr"), BODY)) is None


def test_a_closed_source_answers_no_handshake() -> None:
    grid = request("acr", {"aeg-event-type": "SubscriptionValidation"})
    event = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "1"}}
    asked = request("acr", {"WebHook-Request-Origin": "eventgrid.azure.net"}, method="OPTIONS")
    closed, open_ = Stand({}).admission, Stand().admission
    assert run(closed.handshake(asked, b"")) is None
    assert run(closed.handshake(grid, json.dumps([event]).encode())) is None
    assert run(open_.handshake(asked, b"")) is not None


def test_an_open_service_answers_handshakes() -> None:
    asked = request("acr", {"WebHook-Request-Origin": "eventgrid.azure.net"}, method="OPTIONS")
    found = run(Stand({"UPDATER_HOOKS_OPEN": "1"}).admission.handshake(asked, b""))
    assert found is not None
    assert found.status == 200


def test_a_header_that_is_shown_twice_is_shown_as_both() -> None:
    raw = [(b"X-Updater-Token", b" one "), (b"x-updater-token", b"two"), (b"Host", b"h\xe9")]
    assert joined(raw) == {"x-updater-token": "one, two", "host": "h\u00e9"}


def test_a_right_token_beside_a_wrong_one_of_the_same_name_is_refused() -> None:
    headers = joined([(b"X-Updater-Token", SECRET.encode()), (b"X-Updater-Token", b"wrong")])
    assert Stand().ask("ghcr", headers) == "refused"
