"""`POST /hooks/<source>`: what is answered, and what has happened by then."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator

import pytest

from tests.helpers.events import IMAGE
from tests.helpers.web import SECRET, MemoryIntake, Site
from updater.decoders.envelopes import MAX_BYTES
from updater.errors import ForgeUnavailable, StorageError, UsageError
from updater.web import hooks
from updater.web.bodies import Room, Unread

PUSH = {"image": f"{IMAGE}:1.1.0", "id": "build-7"}
GENERIC = "/hooks/generic"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is turned away waits for half a second, but not in tests."""
    monkeypatch.setattr(hooks, "_TURNING_AWAY", 0.0)


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


# --- what is taken


def test_a_push_is_202_once_the_intake_has_it() -> None:
    site = Site()
    answer = site.post(GENERIC, PUSH)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert [(event.image, event.version.tag, event.id) for event in site.intake.accepted] == [
        (IMAGE, "1.1.0", "build-7")
    ]


def test_what_cannot_be_kept_is_503_and_may_come_again() -> None:
    site = Site(intake=MemoryIntake(fails=StorageError("the disk is full")))
    answer = site.post(GENERIC, PUSH)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "the disk is full" in answer.json()["error"]


def test_an_intake_that_does_not_answer_in_the_senders_time_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "ACCEPTING", 0.01)
    site = Site(intake=MemoryIntake(hangs=True))
    assert site.post(GENERIC, PUSH).status_code == 503


def test_what_is_of_no_interest_is_200_with_the_reason_and_nothing_is_kept() -> None:
    site = Site()
    answer = site.post(GENERIC, {"image": f"{IMAGE}:sha256-{'a' * 64}.sig"})
    assert answer.status_code == 200
    assert "signature" in answer.json()["ignored"]
    assert not site.intake.accepted


def test_what_cannot_be_read_is_400_with_the_reason() -> None:
    site = Site()
    answer = site.post(GENERIC, {"imag": "x"})
    assert answer.status_code == 400
    assert "did you mean `image`?" in answer.json()["error"]
    assert not site.intake.buried


def test_what_is_bad_but_would_be_repeated_for_ever_is_kept_for_a_person() -> None:
    site = Site({"UPDATER_HOOK_SECRET_DISTRIBUTION": SECRET})
    answer = site.post("/hooks/distribution", {"events": [{"action": "push"}]})
    assert answer.status_code == 202
    ((delivery, reason),) = site.intake.buried
    assert delivery.source == "distribution"
    assert reason == answer.json()["buried"]


def test_what_is_bad_and_cannot_be_kept_either_is_503() -> None:
    site = Site({"UPDATER_HOOK_SECRET_DISTRIBUTION": SECRET}, MemoryIntake(fails=StorageError("the disk is full")))
    assert site.post("/hooks/distribution", {"events": [{"action": "push"}]}).status_code == 503


def test_what_no_registry_would_send_is_not_kept() -> None:
    site = Site({"UPDATER_HOOK_SECRET_DISTRIBUTION": SECRET})
    assert site.post("/hooks/distribution", b"{").status_code == 400
    assert not site.intake.buried


def test_a_result_is_202_once_it_is_on_the_forge_and_wakes_the_worker() -> None:
    site = Site({"UPDATER_HOOK_SECRET_STATUS": SECRET})
    told = {"context": "smoke-test", "state": "success", "commit": "a" * 40}
    answer = site.post("/hooks/status", told)
    assert (answer.status_code, answer.json()["reported"]) == (202, 1)
    assert [(each.context, each.commit) for each in site.posted] == [("smoke-test", "a" * 40)]
    assert site.bell.news()


@pytest.mark.parametrize(
    ("error", "status"),
    [(ForgeUnavailable("down"), 503), (StorageError("no answer"), 503), (UsageError("no such service"), 400)],
)
def test_a_result_that_is_not_on_the_forge_is_not_202(error: Exception, status: int) -> None:
    site = Site({"UPDATER_HOOK_SECRET_STATUS": SECRET}, post_fails=error)
    told = {"context": "smoke-test", "state": "success", "commit": "a" * 40}
    assert site.post("/hooks/status", told).status_code == status
    assert not site.bell.news()


def test_a_result_of_nothing_of_ours_is_not_refused_where_it_would_be_sent_for_days() -> None:
    site = Site({"UPDATER_HOOK_SECRET_CLOUDDEPLOY": SECRET}, post_fails=UsageError("no such service"))
    told = {"Action": "Succeed", "DeliveryPipelineId": "other", "TargetId": "other-test", "RolloutId": "r-1"}
    answer = site.post("/hooks/clouddeploy", {"message": {"attributes": told, "messageId": "7"}})
    assert (answer.status_code, answer.json()) == (200, {"ignored": "no such service"})


def test_news_of_the_forge_wake_the_worker() -> None:
    site = Site({"UPDATER_HOOK_SECRET_GITHUB": SECRET})
    body = json.dumps({"action": "closed", "number": 2, "pull_request": {"merged": True, "number": 2}}).encode()
    answer = site.post("/hooks/github", body, {"x-github-event": "pull_request", **signed(body)})
    assert answer.status_code == 202
    assert site.bell.news()


def test_the_query_reaches_the_decoder() -> None:
    site = Site({"UPDATER_HOOK_SECRET_NEXUS": SECRET})
    body = json.dumps(
        {"action": "CREATED", "repositoryName": "docker", "asset": {"format": "docker", "name": "v2/app/manifests/1.0"}}
    ).encode()
    proof = {"x-nexus-webhook-signature": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}
    assert site.post("/hooks/nexus?registry=nexus.example:5000", body, proof).status_code == 202
    assert site.intake.accepted[0].image == "nexus.example:5000/app"


def test_the_rest_of_the_path_reaches_the_decoder() -> None:
    site = Site({"UPDATER_HOOK_SECRET_ARGOCD": SECRET})
    told = {"state": "success", "context": "continuous-delivery/model-a", "description": "", "target_url": ""}
    assert site.post(f"/hooks/argocd/repos/acme/gitops/statuses/{'b' * 40}", told).status_code == 202
    assert site.posted[0].commit == "b" * 40


def test_a_header_that_comes_twice_is_no_proof() -> None:
    site = Site()

    async def asked() -> int:
        async with site.client() as client:
            twice = [("x-updater-token", SECRET), ("x-updater-token", SECRET)]
            return (await client.post(GENERIC, json=PUSH, headers=twice)).status_code

    assert asyncio.run(asked()) == 401


# --- who is let in


def test_without_a_proof_nothing_is_read_or_kept() -> None:
    site = Site()
    answer = site.post(GENERIC, PUSH, {})
    assert answer.status_code == 401
    assert answer.headers["connection"] == "close"
    assert not site.intake.accepted


def test_who_is_turned_away_waits_for_it_unless_many_do_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_TURNING_AWAY", 3600.0)
    monkeypatch.setattr(hooks, "_TURNED_AWAY", 2)
    site = Site()

    async def asked() -> int:
        async with asyncio.timeout(20), site.client() as client:
            strangers = [asyncio.create_task(client.post(GENERIC, json=PUSH)) for _ in range(3)]
            await asyncio.wait(strangers, return_when=asyncio.FIRST_COMPLETED)
            for _ in range(200):
                await asyncio.sleep(0)
            answered = [each.result().status_code for each in strangers if each.done()]
            for each in strangers:
                each.cancel()
            await asyncio.gather(*strangers, return_exceptions=True)
            return answered.count(401)

    assert asyncio.run(asked()) == 1


def test_a_wrong_signature_is_401() -> None:
    site = Site({"UPDATER_HOOK_SECRET_GITHUB": SECRET})
    body = b"{}"
    assert site.post("/hooks/github", body, signed(body, "another one")).status_code == 401


def test_both_secrets_are_good_while_they_are_rotated() -> None:
    site = Site({"UPDATER_HOOK_SECRET_GENERIC": f"{SECRET},the next one of enough letters"})
    for secret in (SECRET, "the next one of enough letters"):
        assert site.post(GENERIC, PUSH, {"authorization": f"Bearer {secret}"}).status_code == 202


def test_a_source_without_a_secret_is_closed() -> None:
    answer = Site().post("/hooks/quay", {})
    assert answer.status_code == 403


def test_a_source_that_nobody_knows_is_404() -> None:
    site = Site()
    assert site.post("/hooks/generik", PUSH).status_code == 404
    assert site.watched == [("unknown", 404)]


def test_a_secret_in_the_path_lets_in_who_can_do_nothing_else() -> None:
    site = Site({"UPDATER_HOOK_SECRET_DOCKER_HUB": "long-enough-secret"})
    body = {"push_data": {"tag": "1.0", "pushed_at": 1700000000}, "repository": {"repo_name": "acme/app"}}
    assert site.post("/hooks/docker-hub/long-enough-secret", body, {}).status_code == 202
    assert site.post("/hooks/docker-hub/another-secret-of-theirs", body, {}).status_code == 401
    assert site.post("/hooks/docker-hub", body, {}).status_code == 401


def test_a_secret_in_the_path_lets_nobody_else_in() -> None:
    site = Site({"UPDATER_HOOK_SECRET_GENERIC": "long-enough-secret"})
    assert site.post("/hooks/generic/long-enough-secret", PUSH, {}).status_code == 401


def test_no_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    site = Site({"UPDATER_HOOK_SECRET_DOCKER_HUB": "long-enough-secret", "UPDATER_HOOK_SECRET_GENERIC": SECRET})
    with caplog.at_level(logging.DEBUG):
        site.post("/hooks/docker-hub/long-enough-secret", {"push_data": 1}, {})
        site.post("/hooks/docker-hub/wrong-but-someones", {}, {})
        site.post(GENERIC, PUSH)
        site.post(GENERIC, PUSH, {"authorization": "Bearer wrong-but-someones"})
    assert caplog.records
    for secret in ("long-enough-secret", "wrong-but-someones", SECRET):
        assert all(secret not in str(vars(record)) for record in caplog.records if record.name.startswith("updater"))


def test_who_is_wrong_again_and_again_is_429_without_being_read() -> None:
    site = Site()

    async def asked() -> list[int]:
        async with site.client() as client:
            wrong = {"authorization": "Bearer wrong"}
            return [(await client.post(GENERIC, json=PUSH, headers=wrong)).status_code for _ in range(60)]

    statuses = asyncio.run(asked())
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_the_options_of_a_cloudevents_sender_are_answered_and_other_methods_are_not() -> None:
    site = Site({"UPDATER_HOOK_SECRET_ACR": SECRET})
    answer = site.ask("OPTIONS", "/hooks/acr", headers={"webhook-request-origin": "eventgrid.azure.net"})
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"]
    assert site.ask("OPTIONS", GENERIC).status_code == 405
    refused = site.ask("GET", GENERIC)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_event_grid_is_told_its_code_once_it_has_proved_itself() -> None:
    site = Site({"UPDATER_HOOK_SECRET_ACR": SECRET})
    event = {
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "data": {"validationCode": "c-1"},
        "id": "1",
    }
    proved = {"x-updater-token": SECRET, "aeg-event-type": "SubscriptionValidation"}
    answer = site.post("/hooks/acr", [event], proved)
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "c-1"})
    assert site.post("/hooks/acr", [event], {"aeg-event-type": "SubscriptionValidation"}).status_code == 401


# --- bodies


def test_a_body_that_is_announced_too_long_is_413_and_not_read() -> None:
    site = Site()
    answer = site.post(GENERIC, b"", {"x-updater-token": SECRET, "content-length": str(MAX_BYTES + 1)})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_a_body_that_turns_out_too_long_is_413() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 32_768

    answer = Site().ask("POST", GENERIC, content=pieces(), headers={"x-updater-token": SECRET})
    assert answer.status_code == 413


def test_the_longest_body_is_read() -> None:
    body = json.dumps({**PUSH, "id": ""}).encode()
    padded = body.replace(b'"id": ""', b'"id": "' + b"x" * (MAX_BYTES - len(body)) + b'"')
    assert len(padded) == MAX_BYTES
    assert Site().post(GENERIC, padded).status_code == 202


def test_a_compressed_body_is_400() -> None:
    headers = {"x-updater-token": SECRET, "content-encoding": "gzip"}
    assert Site().post(GENERIC, gzip.compress(json.dumps(PUSH).encode()), headers).status_code == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "\u0661", "9" * 5000])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    headers = {b"x-updater-token": SECRET.encode(), b"content-length": length.encode("latin-1", "replace")}
    answer = Site().ask("POST", GENERIC, content=b"{}", headers=headers)
    assert answer.status_code in (400, 413)


class Stream:
    """As much of a request as reading its body needs."""

    def __init__(self, *chunks: bytes, hangs: bool = False) -> None:
        self.headers: dict[str, str] = {}
        self.chunks = chunks
        self.hangs = hangs

    async def stream(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        if self.hangs:
            await asyncio.Event().wait()


async def read(room: Room, stream: Stream, seconds: float = 5.0) -> bytes:
    with room.held() as buffer:
        return await room.read(stream, buffer, seconds)  # type: ignore[arg-type]


def test_a_body_that_stops_coming_is_given_up() -> None:
    with pytest.raises(Unread, match="not complete") as caught:
        asyncio.run(read(Room(), Stream(b"{", hangs=True), 0.01))
    assert caught.value.status == 400


def test_all_bodies_together_have_so_much_room_and_give_it_back() -> None:
    async def rival() -> tuple[int, bytes]:
        room = Room(10)
        first = asyncio.create_task(read(room, Stream(b"12345678", hangs=True), 0.05))
        await asyncio.sleep(0)
        status = 0
        try:
            await read(room, Stream(b"123"))
        except Unread as error:
            status = error.status
        with pytest.raises(Unread):
            await first
        return status, await read(room, Stream(b"1234567890"))

    assert asyncio.run(rival()) == (429, b"1234567890")


def test_each_answer_is_counted_with_its_source() -> None:
    site = Site()
    site.post(GENERIC, PUSH)
    site.post(GENERIC, PUSH, {})
    assert site.watched == [("generic", 202), ("generic", 401)]


def test_strangers_who_fill_their_room_keep_nobody_out_who_shows_his_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature is checked over the whole body: until it is there, anybody may pretend to have made one."""
    monkeypatch.setattr(hooks, "_STRANGERS", 8)
    site = Site()
    body = json.dumps(PUSH).encode()
    assert site.post(GENERIC, body, signed(body)).status_code == 429
    assert site.post(GENERIC, body).status_code == 202
