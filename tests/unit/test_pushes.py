"""The checks that every decoder shares."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import pushes
from updater.errors import EventError
from updater.model import Decoded, Message, Version

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EARLIER = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
MESSAGE = Message("generic", {}, "delivery-1", NOW, EARLIER)


def read(item: str) -> Decoded:
    return pushes.pushed(MESSAGE, *item.split(":"))


def test_a_push_has_the_checked_version_and_the_times_of_its_message() -> None:
    (event,) = pushes.pushed(MESSAGE, "Registry.Example/app", "1.4.0", DIGEST).events
    assert (event.source, event.id, event.image) == ("generic", "delivery-1", "registry.example/app")
    assert event.version == Version("1.4.0", DIGEST)
    assert (event.pushed_at, event.received_at) == (EARLIER, NOW)


def test_the_senders_own_time_and_id_of_a_push_go_before_those_of_the_message() -> None:
    (event,) = pushes.pushed(MESSAGE, "app", "1", at=NOW, event_id="push-1").events
    assert (event.pushed_at, event.id) == (NOW, "push-1")


def test_a_push_that_nothing_tells_the_time_of_counts_from_its_arrival() -> None:
    (event,) = pushes.pushed(Message("generic", {}, "1", NOW), "app", "1").events
    assert event.pushed_at is None
    assert event.time == NOW


@pytest.mark.parametrize("digest", [None, "", "sha256:0123...", DIGEST.upper()])
def test_an_incomplete_digest_is_dropped_and_the_tag_counts(digest: str | None) -> None:
    (event,) = pushes.pushed(MESSAGE, "app", "1", digest).events
    assert event.version == Version("1", None)


@pytest.mark.parametrize("tag", [None, ""])
def test_a_push_without_a_tag_is_ignored(tag: str | None) -> None:
    assert pushes.pushed(MESSAGE, "app", tag) == Decoded(ignored="docker.io/library/app was pushed without a tag")


def test_the_same_version_twice_in_one_message_is_one_event() -> None:
    decoded = pushes.gather(["app:1", "docker.io/library/app:1", "app:2"], read, empty="nothing")
    assert [event.version.tag for event in decoded.events] == ["1", "2"]
    assert decoded.ignored is None


def test_a_bad_item_keeps_no_good_one_back_and_is_named() -> None:
    decoded = pushes.gather(["app:no tag", "app:1", "app:"], read, empty="nothing")
    assert [event.version.tag for event in decoded.events] == ["1"]
    assert decoded.ignored == "'no tag' is not a tag"


def test_bad_items_without_a_good_one_are_an_error_although_others_were_ignored() -> None:
    with pytest.raises(EventError, match="^'no tag' is not a tag$"):
        pushes.gather(["app:", "app:no tag", "app:no tag"], read, empty="nothing")


def test_items_of_no_interest_are_ignored_with_their_reasons_once() -> None:
    decoded = pushes.gather(["app:", "app:", "web:"], read, empty="nothing")
    assert (
        decoded.ignored
        == "docker.io/library/app was pushed without a tag; docker.io/library/web was pushed without a tag"
    )


def test_no_items_at_all_are_ignored_with_the_reason_for_that() -> None:
    assert pushes.gather([], read, empty="nothing") == Decoded(ignored="nothing")


def test_a_thousand_bad_items_are_told_in_one_short_line() -> None:
    with pytest.raises(EventError, match="and 997 more$") as caught:
        pushes.gather([f"app:no {n}" for n in range(1000)], read, empty="nothing")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("payload", "described"),
    [
        ({"b": 1, "a": 2}, "an object with the keys 'b, a'"),
        ({}, "an object"),
        ([], "a list"),
        ("x", "a text"),
        (True, "true or false"),
        (1, "a number"),
        (1.5, "a number"),
    ],
)
def test_a_payload_of_another_dialect_is_an_error_that_says_what_was_expected(payload: object, described: str) -> None:
    with pytest.raises(EventError) as caught:
        pushes.stranger(Message("generic", payload, "1", NOW), "a push")
    assert caught.value.message == f"expected a push, got {described}"


def test_a_payload_of_another_dialect_on_a_shared_topic_is_ignored() -> None:
    decoded = pushes.stranger(Message("generic", {"a": 1}, "1", NOW, envelopes=("cloudevents", "pubsub")), "a push")
    assert decoded == Decoded(ignored="a message of another kind: expected a push, got an object with the keys 'a'")


def test_a_payload_of_another_dialect_in_a_cloudevent_alone_is_an_error() -> None:
    with pytest.raises(EventError, match="expected a push"):
        pushes.stranger(Message("generic", {"a": 1}, "1", NOW, envelopes=("cloudevents",)), "a push")


def test_a_message_without_data_is_ignored_whatever_brought_it() -> None:
    assert pushes.stranger(Message("generic", None, "1", NOW), "a push").ignored == "the message carries no JSON data"


@pytest.mark.parametrize(
    ("fields", "value"), [({"tag": "1"}, "1"), ({"tag": ""}, ""), ({"tag": None}, None), ({}, None)]
)
def test_a_text_is_read_and_a_missing_one_is_none(fields: dict[str, object], value: str | None) -> None:
    assert pushes.text(fields, "tag") == value


def test_a_value_that_is_no_text_is_an_error_naming_its_key() -> None:
    with pytest.raises(EventError, match="^`tag` has to be a text, and is a list$"):
        pushes.text({"tag": ["1"]}, "tag")


@pytest.mark.parametrize("given_id", ["2070443601311540", "build/7@main+x=y-z_1.2:3", "a" * 128])
def test_a_delivery_id_that_fits_a_trailer_stays_as_it_is(given_id: str) -> None:
    assert pushes.delivery_id(given_id) == given_id


@given(st.text(st.characters(), max_size=200))
def test_any_delivery_id_fits_a_trailer_afterwards_and_equal_ones_stay_equal(given_id: str) -> None:
    safe = pushes.delivery_id(given_id)
    assert 1 <= len(safe) <= 128
    assert safe.isascii()
    assert not set(safe) & set(" \n\r\t\"'<>")
    assert pushes.delivery_id(given_id) == safe


def test_different_bad_ids_stay_different() -> None:
    assert pushes.delivery_id("a b") != pushes.delivery_id("a  b")


@given(st.text(max_size=300))
def test_text_from_outside_is_shown_short_and_printable(given_text: str) -> None:
    shown = pushes.shown(given_text)
    assert len(shown) <= pushes.SHOWN
    assert shown.isascii()
    assert shown.isprintable()


def test_text_that_is_cut_says_so() -> None:
    assert pushes.shown("a" * 81) == "'" + "a" * 76 + "..."
    assert pushes.shown("1.4.0\n") == "'1.4.0\\n'"


@pytest.mark.parametrize("repository", ["registry.example/app", "localhost/app", "registry:5000/app"])
def test_a_repository_with_a_host_is_taken_as_it_is(repository: str) -> None:
    assert pushes.hosted(repository) == repository


@pytest.mark.parametrize("repository", ["", "registry/app", "/app", "app"])
def test_a_repository_without_a_host_is_refused_for_it_would_be_somebody_elses_on_docker_hub(repository: str) -> None:
    with pytest.raises(EventError, match="cannot be the host of an image"):
        pushes.hosted(repository)


@pytest.mark.parametrize(
    ("reference", "tag"), [("1.4.0", "1.4.0"), ("", ""), (None, None), (DIGEST, None), ("sha256:0", None)]
)
def test_a_digest_in_the_place_of_a_tag_is_none(reference: str | None, tag: str | None) -> None:
    assert pushes.unless_digest(reference) == tag


@pytest.mark.parametrize(
    ("value", "read_value"),
    [('{"a": [1]}', {"a": [1]}), ('"a"', "a"), ({"a": 1}, {"a": 1}), (None, None), (7, 7), ("", None), ("a", None)],
)
def test_json_in_a_text_is_read_and_other_values_stay(value: object, read_value: object) -> None:
    assert pushes.nested(value) == read_value


@pytest.mark.parametrize("hostile", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "\ud800"], ids=len)
def test_hostile_json_in_a_text_is_none(hostile: str) -> None:
    assert pushes.nested(hostile) is None
