"""Reading deliveries by the decoder of whoever wrote them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from updater.decoders import argocd, artifact_registry, clouddeploy, eventarc, generic, github, pubsub
from updater.decoders.envelopes import unwrap
from updater.decoding import decode, read
from updater.errors import EventError, UsageError
from updater.model import Decoded, Delivery

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COMMIT = "c0ffee" + "0" * 34
PUSH = {"action": "INSERT", "tag": "registry.example/model-a:1.4.0"}
DECODERS = {
    "argocd": argocd.decode,
    "artifact-registry": artifact_registry.decode,
    "clouddeploy": clouddeploy.decode,
    "eventarc": eventarc.decode,
    "generic": generic.decode,
    "github": github.decode,
    "pubsub": pubsub.decode,
}


def delivery(source: str, body: Any, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(source, json.dumps(body).encode(), NOW, named)


def wrapped(data: Any, message_id: str = "7301") -> dict[str, Any]:
    return {"message": {"data": base64.b64encode(json.dumps(data).encode()).decode(), "messageId": message_id}}


def told(source: str, body: Any, **headers: str) -> Decoded:
    return read(DECODERS, delivery(source, body, **headers))


def test_an_equal_push_looks_alike_by_whatever_door_it_comes() -> None:
    direct = told("artifact-registry", wrapped(PUSH))
    assert direct.events[0].source == "artifact-registry"
    assert told("pubsub", wrapped(PUSH)) == direct
    assert told("eventarc", wrapped(PUSH)) == direct
    assert told("pubsub", PUSH, x_goog_pubsub_message_id="7301") == direct


def test_only_carriers_bring_others_dialects() -> None:
    assert told("generic", {"image": "registry.example/model-a:1"}).events[0].source == "generic"
    with pytest.raises(EventError, match="unknown key"):
        told("generic", PUSH)


def test_the_decoder_of_the_audit_log_alone_refuses_what_is_none() -> None:
    with pytest.raises(EventError, match="expected an entry of the audit log"):
        eventarc.decode(unwrap(delivery("eventarc", PUSH)))


@pytest.mark.parametrize("door", ["pubsub", "eventarc"])
@pytest.mark.parametrize("body", [{"status": "all is well"}, wrapped({"status": "all is well"}), wrapped(None)])
def test_a_carrier_s_message_that_nobody_is_known_to_write_is_ignored_not_refused(door: str, body: Any) -> None:
    decoded = told(door, body)
    assert decoded == Decoded(ignored=decoded.ignored)
    assert decoded.ignored


def test_what_a_known_sender_got_wrong_is_refused_by_a_carrier_s_door_too() -> None:
    with pytest.raises(EventError, match="is not a tag"):
        told("pubsub", wrapped({**PUSH, "tag": "registry.example/model-a:a b"}))


def test_a_source_that_there_is_not_is_named_with_a_near_one() -> None:
    with pytest.raises(UsageError, match="there is no source 'githup'") as caught:
        told("githup", {})
    assert caught.value.hint == "did you mean github?"


def test_several_deliveries_give_their_pushes_results_and_words_together() -> None:
    decoding = decode(
        DECODERS,
        [
            delivery("artifact-registry", PUSH),
            delivery("pubsub", wrapped(PUSH)),
            delivery("argocd", {"app": "model-a", "revision": COMMIT, "phase": "Succeeded", "health": "Healthy"}),
            delivery("github", {"ref": "refs/heads/main"}, x_github_event="push"),
            delivery("pubsub", wrapped("good morning")),
            delivery("generic", []),
        ],
    )
    assert [str(event.version) for event in decoding.events] == ["1.4.0"]
    assert [(each.context, each.commit) for each in decoding.reported] == [("continuous-delivery/model-a", COMMIT)]
    assert decoding.notes == (
        "argocd: continuous-delivery/model-a is reported as success",
        "github: the branch 'main' was pushed to",
        "pubsub: a message of another kind: expected a message of a sender that is known, got a text",
    )
    assert [str(problem) for problem in decoding.problems] == ["expected an object with `image`, got a list"]
