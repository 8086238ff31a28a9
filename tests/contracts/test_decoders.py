"""What every decoder keeps, the built-in ones and those to come.

A decoder is a line in the entry points `updater.decoders` and a folder of fixtures: `<event>__<case>.json` is a
body as its source sends it, `<event>__<case>.expected.json` what becomes of it: pushes (`push`), gates' results
(`report`) or `news`; why nothing does (`ignored`) or what is wrong (`refused`). The `headers` and the `address` that
the body comes with stand there, too, where they matter. Of sources with one decoder, one needs a folder.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.answers import ENTRY_POINTS, FIXTURES, decode, outcome
from updater.errors import EventError
from updater.model import Decoded, Event

TELLS = {"argocd": "report", "clouddeploy": "report", "flux": "report", "status": "report", "github": "news"}
"""What is told by those that tell of no pushes."""
KINDS = ("push", "report", "news", "ignored", "refused")


SOURCES = [source for source in ENTRY_POINTS if (FIXTURES / source).is_dir()]
PUSHERS = [source for source in SOURCES if source not in TELLS]


def expected_files(source: str, *kinds: str) -> list[Path]:
    return sorted(path for kind in kinds for path in (FIXTURES / source).glob(f"{kind}__*.expected.json"))


def body_of(expected: Path) -> bytes:
    return expected.with_name(expected.name.replace(".expected", "")).read_bytes()


def on_the_way(expected: Path) -> tuple[dict[str, str], str]:
    """The headers and the address that a body comes with."""
    told = json.loads(expected.read_text())
    return told.get("headers", {}), told.get("address", "")


def sent(source: str, expected: Path, body: Any = None) -> Decoded:
    """What becomes of a fixture, or of another body that comes the same way."""
    raw = body_of(expected) if body is None else json.dumps(body).encode()
    return decode(source, raw, *on_the_way(expected))


def cases(kind: str) -> list[Any]:
    paths = [(source, path) for source in SOURCES for path in expected_files(source, kind)]
    return [pytest.param(source, path, id=f"{source}-{path.name.split('.')[0]}") for source, path in paths]


def as_json(event: Event) -> dict[str, Any]:
    at = event.pushed_at and event.pushed_at.isoformat()
    return {"image": event.image, "tag": event.version.tag, "digest": event.version.digest, "pushed_at": at}


def gives_nothing(source: str, body: bytes) -> bool:
    answer = outcome(source, body)
    return answer is None or not (answer.events or answer.reported or answer.news)


# --- fixtures ---


@pytest.mark.parametrize("source", SOURCES)
def test_a_decoder_comes_with_what_it_tells_and_something_to_ignore(source: str) -> None:
    assert expected_files(source, TELLS.get(source, "push"))
    assert expected_files(source, "ignored")


def test_each_fixture_belongs_to_a_decoder_and_has_an_expected_result() -> None:
    assert {folder.name for folder in FIXTURES.iterdir()} == set(SOURCES)
    assert {ENTRY_POINTS[source] for source in SOURCES} == set(ENTRY_POINTS.values())
    bodies = {path for path in FIXTURES.glob("*/*.json") if ".expected" not in path.name}
    wanted = [path for source in SOURCES for path in expected_files(source, *KINDS)]
    assert {path.with_name(path.name.replace(".expected", "")) for path in wanted} == bodies


@pytest.mark.parametrize(("source", "path"), cases("push"))
def test_a_push_becomes_the_expected_events(source: str, path: Path) -> None:
    expected = json.loads(path.read_text())["events"]
    answer = outcome(source, body_of(path), *on_the_way(path))
    assert answer is not None
    ids = [event.pop("id", None) for event in expected]
    sources = [event.pop("source", source) for event in expected]
    assert [as_json(event) for event in answer.events] == expected
    assert all(id_ in (None, event.id) for id_, event in zip(ids, answer.events, strict=True))
    assert [event.source for event in answer.events] == sources


@pytest.mark.parametrize(("source", "path"), cases("push"))
def test_what_was_left_out_beside_events_is_named(source: str, path: Path) -> None:
    reason = json.loads(path.read_text())["ignored"]
    ignored = sent(source, path).ignored
    assert ignored is None if reason is None else ignored is not None and reason in ignored


@pytest.mark.parametrize(("source", "path"), cases("report"))
def test_a_report_becomes_the_expected_results(source: str, path: Path) -> None:
    answer = outcome(source, body_of(path), *on_the_way(path))
    assert answer is not None
    assert [asdict(reported) for reported in answer.reported] == json.loads(path.read_text())["reported"]
    assert (answer.events, answer.news) == ((), None)


@pytest.mark.parametrize(("source", "path"), cases("news"))
def test_news_are_told_in_words(source: str, path: Path) -> None:
    assert sent(source, path) == Decoded(news=json.loads(path.read_text())["news"])


@pytest.mark.parametrize(("source", "path"), cases("ignored"))
def test_what_is_of_no_interest_is_ignored_with_its_reason(source: str, path: Path) -> None:
    decoded = sent(source, path)
    assert (decoded.events, decoded.reported, decoded.news) == ((), (), None)
    assert json.loads(path.read_text())["ignored"] in (decoded.ignored or "")


@pytest.mark.parametrize(("source", "path"), cases("refused"))
def test_a_payload_that_is_wrong_raises_an_error_that_says_what(source: str, path: Path) -> None:
    with pytest.raises(EventError) as caught:
        sent(source, path)
    assert json.loads(path.read_text())["error"] in str(caught.value)


@pytest.mark.parametrize(("source", "path"), [*cases("push"), *cases("report")])
def test_the_same_delivery_again_tells_the_same(source: str, path: Path) -> None:
    assert sent(source, path) == sent(source, path)


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


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("body", JUNK.values(), ids=JUNK.keys())
def test_junk_is_never_an_event(source: str, body: bytes) -> None:
    assert gives_nothing(source, body)


def replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: replaced(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def swapped(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def pushes_of_one_version(source: str) -> Iterator[tuple[Path, Any, Event]]:
    """Bodies of one event, and that event."""
    for path in expected_files(source, "push"):
        events = sent(source, path).events
        if len(events) == 1:
            yield path, json.loads(body_of(path)), events[0]


def pushed_by(source: str, path: Path, body: Any) -> set[tuple[str, str | None]]:
    answer = outcome(source, json.dumps(body).encode(), *on_the_way(path))
    return {(event.image, event.version.tag) for event in answer.events} if answer else set()


@pytest.mark.parametrize("source", PUSHERS)
@pytest.mark.parametrize("tag", HOSTILE_TAGS)
def test_a_hostile_tag_never_becomes_an_event(source: str, tag: str) -> None:
    """Where the payload tells the tag in two places, the other one may still count."""
    tried = 0
    for path, body, event in pushes_of_one_version(source):
        good = re.compile(rf"(?<![A-Za-z0-9_.-]){re.escape(str(event.version.tag))}(?![A-Za-z0-9_.-])")
        hostile = replaced(body, partial(good.sub, lambda _: tag))
        if hostile != body:
            tried += 1
            assert pushed_by(source, path, hostile) <= {(event.image, event.version.tag)}
    assert tried


@pytest.mark.parametrize("source", PUSHERS)
@pytest.mark.parametrize("repository", HOSTILE_REPOSITORIES)
def test_a_hostile_repository_never_becomes_an_event(source: str, repository: str) -> None:
    """Of a payload that tells it in several places, or in parts, something else may be left, but nothing hostile."""
    tried = 0
    for path, body, event in pushes_of_one_version(source):
        for good in {event.image.partition("/")[2], event.image.rpartition("/")[2]}:
            hostile = replaced(body, partial(swapped, good, repository))
            if hostile != body:
                tried += 1
                for image, _ in pushed_by(source, path, hostile):
                    assert not repository or repository not in image
    assert tried


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("long", ["x" * 5000, "\u202e" + "x" * 5000])
def test_an_answer_echoes_little_of_what_was_sent(source: str, long: str) -> None:
    for path in expected_files(source, *KINDS):
        body = json.loads(body_of(path))
        for place in places(body):
            outcome(source, json.dumps(with_value(body, place, long)).encode(), *on_the_way(path))


HOSTILE_WORDS = [
    "x\nUpdater-Image: evil",
    "updater/gates",
    "UPDATER/GATES",
    "javascript:alert(1)",
    "https://alice:secret@evil.example/",
    'https://evil.example/"><script>',
    "\u202etset",
    "\ud800",
    " ",
    "0" * 39,
    "x" * 300,
]


@pytest.mark.parametrize("source", [source for source, told in TELLS.items() if told == "report"])
@pytest.mark.parametrize("word", HOSTILE_WORDS)
def test_a_hostile_word_is_never_posted_on_a_commit(source: str, word: str) -> None:
    for path in expected_files(source, "report"):
        body = json.loads(body_of(path))
        for place in places(body):
            raw = json.dumps(with_value(body, place, word)).encode()
            outcome(source, raw, *on_the_way(path))


# --- laws ---

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("ce-id", "ce-type", "ce-time", "x-goog-pubsub-message-id", "x-goog-pubsub-publish-time", "content-type"),
            *("x-github-event", "x-github-delivery", "x-gitea-event", "x-gitea-delivery", "x-forgejo-event"),
            *("x-nexus-webhook-delivery", "x-amz-sns-message-type", "x-amz-sns-message-id", "aeg-event-type"),
        ]
    ),
    st.sampled_from(["package", "ping", "push", "Notification", "a b", "dev.cdevents.x", "\u202e", "x" * 5000])
    | st.text(max_size=20),
    max_size=4,
)
ADDRESSES = st.sampled_from(
    ["?registry=registry.example", "?registry=", "?registry=a%0Ab", "?registry_url=x/../y", "/repos/a/b/statuses/c"]
) | st.text(max_size=30).map("?registry={}".format)


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=64), value=VALUES, headers=HEADERS, address=ADDRESSES | st.text(max_size=30))
def test_whatever_is_sent_has_an_answer(
    source: str, data: bytes, value: Any, headers: dict[str, str], address: str
) -> None:
    outcome(source, data, headers, address)
    outcome(source, b"payload=" + data, headers, address)
    outcome(source, json.dumps(value).encode(), headers, address)


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


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_payload_with_anything_in_one_place_tells_what_is_valid_or_nothing(source: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(expected_files(source, "push", "report", "news")))
    good = json.loads(body_of(path))
    place = data.draw(st.sampled_from(list(places(good))))
    value = data.draw(VALUES | st.sampled_from([*HOSTILE_TAGS, *HOSTILE_REPOSITORIES, *HOSTILE_WORDS]))
    headers, address = on_the_way(path)
    others = data.draw(HEADERS)
    outcome(source, json.dumps(with_value(good, place, value)).encode(), {**headers, **others}, address)
