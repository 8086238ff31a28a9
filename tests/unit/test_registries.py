"""What the decoders of registries keep that no single payload shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from updater.decoders import acr, aliyun, artifactory, ecr, ghcr, gitea, harbor, nexus, quay
from updater.errors import EventError
from updater.model import Decoded, Event, Message, Version
from updater.protocols import Decoder

FIXTURES = Path(__file__).parents[1] / "fixtures" / "events"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DECODERS: dict[str, Decoder] = {
    "acr": acr.decode,
    "aliyun": aliyun.decode,
    "artifactory": artifactory.decode,
    "ecr": ecr.decode,
    "ghcr": ghcr.decode,
    "gitea": gitea.decode,
    "harbor": harbor.decode,
    "nexus": nexus.decode,
    "quay": quay.decode,
}
Wrap = Callable[[Any], Any]


def payload(source: str, name: str) -> Any:
    return json.loads((FIXTURES / source / f"{name}.json").read_text())


def decode(source: str, body: Any, *, at: datetime = NOW, address: str = "", **headers: str) -> Decoded:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return DECODERS[source](Message(source, body, "delivery-1", at, headers=sent, address=address))


def only(decoded: Decoded) -> Event:
    (event,) = decoded.events
    return event


# --- a tag that moves ---


def test_quays_next_push_of_a_tag_is_another_event_although_it_is_sent_in_the_same_words() -> None:
    body = payload("quay", "push__tag")
    first, again = only(decode("quay", body)), only(decode("quay", body))
    later = only(decode("quay", body, at=NOW + timedelta(milliseconds=1)))
    assert first == again
    assert later.id != first.id
    assert later.version == first.version


# --- one event by many ways ---


def by_sns(event: Any) -> Any:
    return {"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": json.dumps(event)}


def by_sqs(event: Any) -> Any:
    return {"Messages": [{"MessageId": "m", "Body": json.dumps(event)}]}


def by_function(event: Any) -> Any:
    return {"Records": [{"messageId": "m", "body": json.dumps(event)}]}


@pytest.mark.parametrize(
    "wrap",
    [
        by_sns,
        by_sqs,
        by_function,
        lambda event: by_sqs(by_sns(event)),
        lambda event: by_function(by_sns(event)),
        lambda event: {"Records": [{"EventSource": "aws:sns", "Sns": by_sns(event)}]},
    ],
    ids=["sns", "sqs", "function", "sns-sqs", "sns-sqs-function", "sns-function"],
)
def test_an_event_of_ecr_is_the_same_by_whatever_way_it_comes(wrap: Wrap) -> None:
    event = payload("ecr", "push__event_of_eventbridge")
    assert decode("ecr", wrap(event)) == decode("ecr", event)


@pytest.mark.parametrize("wrap", [by_sns, by_sqs, lambda event: by_sqs(by_sns(event))])
@pytest.mark.parametrize("inner", ["good morning", [], 7, None, {"detail": {}}, "[" * 100_000], ids=str)
def test_what_others_put_on_a_topic_or_a_queue_is_ignored_not_refused(wrap: Wrap, inner: Any) -> None:
    decoded = decode("ecr", wrap(inner))
    assert decoded.events == ()
    assert "a message of another kind" in (decoded.ignored or "")


@pytest.mark.parametrize(
    "wrap", [lambda hook: [hook], lambda hook: hook, lambda hook: {**hook, "data": json.dumps(hook["data"])}]
)
def test_an_event_of_event_grid_is_its_web_hook(wrap: Wrap) -> None:
    hook = payload("acr", "push__web_hook")
    grid = {"eventType": "Microsoft.ContainerRegistry.ImagePushed", "data": hook}
    assert decode("acr", wrap(grid)) == decode("acr", hook)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-north-1", "012345678901.dkr.ecr.eu-north-1.amazonaws.com"),
        ("us-gov-west-1", "012345678901.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("cn-northwest-1", "012345678901.dkr.ecr.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_an_account_has_a_registry_in_each_region(region: str, host: str) -> None:
    event = payload("ecr", "push__event_of_eventbridge") | {"region": region}
    assert only(decode("ecr", event)).image == f"{host}/models/model-a"


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_account_and_no_region_from_outside_moves_an_image_to_another_host(account: str, region: str) -> None:
    event = payload("ecr", "push__event_of_eventbridge") | {"account": account, "region": region}
    try:
        image = only(decode("ecr", event)).image
    except EventError:
        return
    assert image.partition("/")[0].endswith((".amazonaws.com", ".amazonaws.com.cn"))


# --- GitHub, Gitea and Forgejo look alike ---


@pytest.mark.parametrize("header", ["x_gitea_event", "x_forgejo_event", "x_gogs_event"])
def test_githubs_decoder_refuses_what_says_that_it_is_giteas_although_it_says_github_too(header: str) -> None:
    body = payload("ghcr", "push__tag")
    with pytest.raises(EventError, match="Gitea or Forgejo") as caught:
        decode("ghcr", body, x_github_event="package", **{header: "package"})
    assert "/hooks/gitea" in (caught.value.hint or "")


def test_giteas_decoder_refuses_what_says_that_it_is_githubs_alone() -> None:
    body = payload("gitea", "push__tag")
    with pytest.raises(EventError, match="GitHub") as caught:
        decode("gitea", body, x_github_event="package")
    assert "/hooks/ghcr" in (caught.value.hint or "")


@pytest.mark.parametrize("header", ["x_gitea_event", "x_forgejo_event"])
def test_gitea_and_forgejo_are_one_dialect(header: str) -> None:
    body = payload("gitea", "push__tag")
    told = decode("gitea", body, x_github_event="package", **{header: "package"})
    assert told == decode("gitea", body)
    assert only(told).version == Version("1.4.0", None)


# --- registries that only the hook's address names ---


@pytest.mark.parametrize(
    ("source", "name"),
    [("nexus", "refused__no_registry"), ("artifactory", "refused__no_registry"), ("aliyun", "refused__no_region")],
)
def test_where_the_registry_is_unknown_the_error_shows_the_address_that_would_name_it(source: str, name: str) -> None:
    with pytest.raises(EventError) as caught:
        decode(source, payload(source, name))
    assert f"/hooks/{source}?registry=" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("source", "name"), [("nexus", "push__asset"), ("nexus", "push__component"), ("artifactory", "push__promoted")]
)
@pytest.mark.parametrize("registry", ["registry.example", "registry.example:5000", "registry.example/team/docker"])
def test_what_the_hooks_address_names_stands_before_the_image(source: str, name: str, registry: str) -> None:
    decoded = decode(source, payload(source, name), address=f"?registry={registry}")
    assert only(decoded).image == f"{registry}/models/model-a"


@pytest.mark.parametrize("name", ["ignored__deleted", "ignored__manifest_by_its_digest"])
def test_a_registry_is_missed_only_where_there_is_a_tag_to_land(name: str) -> None:
    assert decode("nexus", payload("nexus", name)).ignored


# --- times ---


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-20T10:00:00.000+0000", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00+00:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20T10:00:00-0530", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
        ("2026-11-20T10:00:00", None),
        ("+0000", None),
        ("", None),
    ],
)
def test_nexus_writes_offsets_with_and_without_a_colon(written: str, at: datetime | None) -> None:
    body = payload("nexus", "push__asset") | {"timestamp": written}
    assert only(decode("nexus", body, address="?registry=nexus.example")).pushed_at == at


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-20 18:00:00", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("2026-11-20 07:59:59", datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC)),
        ("2026-11-20", None),
        ("2026-11-20 18:00:00Z", None),
        (None, None),
    ],
)
def test_alibabas_clocks_are_eight_hours_ahead(written: str | None, at: datetime | None) -> None:
    body = payload("aliyun", "push__tag")
    body["push_data"]["pushed_at"] = written
    assert only(decode("aliyun", body)).pushed_at == at


# --- anything else ---


@cache
def bodies(source: str) -> list[Any]:
    paths = sorted(path for path in (FIXTURES / source).glob("*.json") if ".expected" not in path.name)
    return [json.loads(path.read_text()) for path in paths]


HEADERS = st.dictionaries(
    st.sampled_from(["x-github-event", "x-gitea-event", "x-forgejo-event", "ce-type", "ce-source"]),
    st.text(max_size=8) | st.sampled_from(["package", "harbor.artifact.pushed", "com.amazon.ecr.image.push"]),
)


@pytest.mark.parametrize("source", DECODERS)
@settings(max_examples=20)
@given(data=st.data(), headers=HEADERS, address=st.text(max_size=40))
def test_whatever_headers_and_address_say_there_is_an_answer(
    source: str, data: st.DataObject, headers: dict[str, str], address: str
) -> None:
    body = data.draw(st.sampled_from(bodies(source)))
    message = Message(source, body, "1", NOW, attributes=headers, headers=headers, address=f"?registry={address}")
    told = answer(message)
    assert told
    assert told.isprintable()


def answer(message: Message) -> str:
    """What became of it, in words; every way must have some."""
    try:
        decoded = DECODERS[message.source](message)
    except EventError as error:
        return error.message
    return decoded.ignored or ", ".join(f"{event.image}:{event.version}" for event in decoded.events)


def texts(value: Any) -> set[str]:
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return {text for item in items for text in texts(item)}
    return {value} if isinstance(value, str) else set()


def swapped(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: swapped(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [swapped(item, old, new) for item in value]
    return new if value == old else value


@pytest.mark.parametrize("source", DECODERS)
def test_however_long_a_text_is_little_of_it_is_shown(source: str) -> None:
    for body in bodies(source):
        for given_text in sorted(texts(body)):
            hostile = swapped(body, given_text, "x" * 5000)
            assert "x" * 81 not in answer(Message(source, hostile, "1", NOW, address="?registry=registry.example"))


@pytest.mark.parametrize(("source", "header"), [("ghcr", "x-github-event"), ("gitea", "x-gitea-event")])
def test_however_long_a_header_is_little_of_it_is_shown(source: str, header: str) -> None:
    told = answer(Message(source, payload(source, "push__tag"), "1", NOW, headers={header: "x" * 5000}))
    assert "x" * 81 not in told
    assert "not a package's" in told
