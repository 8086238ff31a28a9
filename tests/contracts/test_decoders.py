"""What every decoder keeps, the built-in ones and those to come.

A decoder is a line in the entry points `updater.decoders` and a folder of fixtures: `<event>__<case>.json` is a
body as its source sends it, `<event>__<case>.expected.json` what becomes of it (`push`), why nothing does (`ignored`)
or what is wrong (`refused`).
"""

from __future__ import annotations

import copy
import importlib
import json
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from updater.core import references
from updater.decoders.envelopes import unwrap
from updater.errors import EventError
from updater.model import Decoded, Delivery, Event
from updater.protocols import Decoder

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "events"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ENTRY_POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["updater.decoders"]


def decoder(source: str) -> Decoder:
    module, _, name = ENTRY_POINTS[source].partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def decode(source: str, body: bytes) -> Decoded:
    return decoder(source)(unwrap(Delivery(source, body, NOW)))


def expected_files(source: str, event: str) -> list[Path]:
    return sorted((FIXTURES / source).glob(f"{event}__*.expected.json"))


def body_of(expected: Path) -> bytes:
    return expected.with_name(expected.name.replace(".expected", "")).read_bytes()


def cases(event: str) -> list[Any]:
    paths = [(source, path) for source in ENTRY_POINTS for path in expected_files(source, event)]
    return [pytest.param(source, path, id=f"{source}-{path.name.split('.')[0]}") for source, path in paths]


def as_json(event: Event) -> dict[str, Any]:
    at = event.pushed_at and event.pushed_at.isoformat()
    return {"image": event.image, "tag": event.version.tag, "digest": event.version.digest, "pushed_at": at}


def assert_can_go_to_git(event: Event) -> None:
    """Law 9: nothing that an event brings can leave its place in a YAML scalar or a commit message."""
    assert references.normalise(event.image) == event.image
    assert event.version.tag is not None
    assert references.is_tag(event.version.tag)
    assert not references.is_artifact_tag(event.version.tag)
    assert event.version.digest is None or references.is_digest(event.version.digest)
    assert event.id.isascii()
    assert event.id.isprintable()
    assert " " not in event.id
    assert event.pushed_at is None or event.pushed_at.tzinfo is UTC
    assert event.received_at == NOW


def outcome(source: str, body: bytes) -> Decoded | EventError:
    """Whatever is sent, there is an answer: valid events, a reason, or an error in one printable line."""
    answer = decoded_or_error(source, body)
    reason = str(answer) if isinstance(answer, EventError) else answer.ignored or ""
    assert reason.isprintable()
    if isinstance(answer, Decoded):
        assert answer.events or reason
        for event in answer.events:
            assert_can_go_to_git(event)
    return answer


def decoded_or_error(source: str, body: bytes) -> Decoded | EventError:
    try:
        return decode(source, body)
    except EventError as error:
        return error


def gives_no_event(source: str, body: bytes) -> bool:
    answer = outcome(source, body)
    return isinstance(answer, EventError) or not answer.events


# --- fixtures ---


@pytest.mark.parametrize("source", ENTRY_POINTS)
def test_a_decoder_comes_with_a_push_and_something_to_ignore(source: str) -> None:
    assert expected_files(source, "push")
    assert expected_files(source, "ignored")


def test_each_fixture_belongs_to_a_decoder_and_has_an_expected_result() -> None:
    assert {folder.name for folder in FIXTURES.iterdir()} == set(ENTRY_POINTS)
    bodies = {path for path in FIXTURES.glob("*/*.json") if ".expected" not in path.name}
    wanted = [
        path
        for source in ENTRY_POINTS
        for event in ("push", "ignored", "refused")
        for path in expected_files(source, event)
    ]
    assert {path.with_name(path.name.replace(".expected", "")) for path in wanted} == bodies


@pytest.mark.parametrize(("source", "path"), cases("push"))
def test_a_push_becomes_the_expected_events(source: str, path: Path) -> None:
    expected = json.loads(path.read_text())
    answer = outcome(source, body_of(path))
    assert isinstance(answer, Decoded)
    ids = [event.pop("id") for event in expected["events"]]
    assert [as_json(event) for event in answer.events] == expected["events"]
    assert all(id_ in (None, event.id) for id_, event in zip(ids, answer.events, strict=True))
    assert all(event.source == source for event in answer.events)


@pytest.mark.parametrize(("source", "path"), cases("push"))
def test_what_was_left_out_beside_events_is_named(source: str, path: Path) -> None:
    reason = json.loads(path.read_text())["ignored"]
    ignored = decode(source, body_of(path)).ignored
    assert ignored is None if reason is None else ignored is not None and reason in ignored


@pytest.mark.parametrize(("source", "path"), cases("ignored"))
def test_what_is_no_push_of_an_image_is_ignored_with_its_reason(source: str, path: Path) -> None:
    decoded = decode(source, body_of(path))
    assert decoded.events == ()
    assert json.loads(path.read_text())["ignored"] in (decoded.ignored or "")


@pytest.mark.parametrize(("source", "path"), cases("refused"))
def test_a_payload_that_is_wrong_raises_an_error_that_says_what(source: str, path: Path) -> None:
    with pytest.raises(EventError) as caught:
        decode(source, body_of(path))
    assert json.loads(path.read_text())["error"] in str(caught.value)


@pytest.mark.parametrize(("source", "path"), cases("push"))
def test_the_same_delivery_again_gives_equal_events(source: str, path: Path) -> None:
    assert decode(source, body_of(path)) == decode(source, body_of(path))


# --- hostile input ---

HOSTILE_TAGS = [
    'x"\n  newName: evil',
    "../../x",
    "$(id)",
    "a" * 129,
    "1.4.0 ",
    "1.4.0\n",
    ".hidden",
    "-x",
    "\u0661.0",
    "1.4.0\ud800",
]
HOSTILE_REPOSITORIES = [
    "",
    "..",
    "../../x",
    "acme/../model-a",
    "Acme/Model-A",
    "acme//model-a",
    "acme/model a",
    "acme/$(id)",
    "a/" * 200 + "a",
    "acme/\u202emodel",
]
JUNK = {
    "nothing": b"",
    "junk": b"\x00\x01\x02",
    "text": b"good morning",
    "half": b'{"image": "registry.example/a:1',
    "invalid UTF-8": b'{"image": "\xff\xfe"}',
    "UTF-16": '{"image": "registry.example/a:1"}'.encode("utf-16"),
    "null": b"null",
    "true": b"true",
    "number": b"42",
    "string": b'"registry.example/a:1"',
    "list": b"[]",
    "list of lists": b"[[], {}]",
    "object": b"{}",
    "NaN": b'{"image": NaN}',
    "Infinity": b'{"push_data": {"pushed_at": Infinity}}',
    "long number": b'{"image": ' + b"9" * 5000 + b"}",
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "ten megabytes": b'{"image": "' + b"a" * 10_000_000 + b'"}',
}


@pytest.mark.parametrize("source", ENTRY_POINTS)
@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK.keys())
def test_junk_is_never_an_event(source: str, body: bytes) -> None:
    assert gives_no_event(source, body)


def replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: replaced(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def swapped(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def pushes_of_one_version(source: str) -> Iterator[tuple[Any, str, str]]:
    """Bodies of one event, with its tag and the path of its repository, as the hostile tests replace them."""
    for path in expected_files(source, "push"):
        events = json.loads(path.read_text())["events"]
        if len(events) == 1:
            yield json.loads(body_of(path)), events[0]["tag"], events[0]["image"].partition("/")[2]


@pytest.mark.parametrize("source", ENTRY_POINTS)
@pytest.mark.parametrize("tag", HOSTILE_TAGS)
def test_a_hostile_tag_never_becomes_an_event(source: str, tag: str) -> None:
    def change(good: str, text: str) -> str:
        return tag if text == good else text.replace(f":{good}", f":{tag}")

    tried = 0
    for body, good, _ in pushes_of_one_version(source):
        hostile = replaced(body, partial(change, good))
        if hostile != body:
            tried += 1
            assert gives_no_event(source, json.dumps(hostile).encode())
    assert tried


@pytest.mark.parametrize("source", ENTRY_POINTS)
@pytest.mark.parametrize("repository", HOSTILE_REPOSITORIES)
def test_a_hostile_repository_never_becomes_an_event(source: str, repository: str) -> None:
    tried = 0
    for body, _, good in pushes_of_one_version(source):
        hostile = replaced(body, partial(swapped, good, repository))
        if hostile != body:
            tried += 1
            assert gives_no_event(source, json.dumps(hostile).encode())
    assert tried


@pytest.mark.parametrize("source", ENTRY_POINTS)
def test_an_error_echoes_little_of_what_was_sent(source: str) -> None:
    for body, good, _ in pushes_of_one_version(source):
        hostile = replaced(body, partial(swapped, good, "\u202e" + "x" * 5000))
        answer = outcome(source, json.dumps(hostile).encode())
        if hostile != body:
            assert isinstance(answer, EventError)
            assert "x" * 81 not in str(answer)


# --- laws ---

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("source", ENTRY_POINTS)
@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=64), value=VALUES)
def test_whatever_is_sent_has_an_answer(source: str, data: bytes, value: Any) -> None:
    outcome(source, data)
    outcome(source, json.dumps(value).encode())


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*place, key))


def with_value(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    document = copy.copy(document)
    document[place[0]] = with_value(document[place[0]], place[1:], value)
    return document


@pytest.mark.parametrize("source", ENTRY_POINTS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_payload_with_anything_in_one_place_gives_valid_events_or_none(source: str, data: st.DataObject) -> None:
    good = json.loads(body_of(data.draw(st.sampled_from(expected_files(source, "push")))))
    place = data.draw(st.sampled_from(list(places(good))))
    value = data.draw(VALUES | st.sampled_from([*HOSTILE_TAGS, *HOSTILE_REPOSITORIES]))
    outcome(source, json.dumps(with_value(good, place, value)).encode())
