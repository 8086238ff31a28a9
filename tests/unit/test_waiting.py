"""How pushes that have to wait are kept, and what is believed of them when they are read again."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, pushed
from tests.helpers.kustomizations import digests, tags
from updater.core import waiting
from updater.core.pushes import delivery_id
from updater.core.references import is_digest, is_tag, normalise
from updater.model import APART, Event, Version

OTHER = "reg.example/models/model-b"
LATER = at(1e8)

times = st.floats(-1e7, 1e7).map(at)
ids = st.text("abcXYZ059._:/@+=-", min_size=1, max_size=20)
pushes = st.builds(
    Event,
    ids,
    ids,
    st.sampled_from([IMAGE, OTHER, "docker.io/library/nginx", "localhost:5000/a/b"]),
    st.builds(Version, tags, st.none() | digests),
    times,
    st.none() | times,
)


def read(content: bytes) -> tuple[tuple[Event, ...], int]:
    """What is read, and how many lines are bad."""
    events, unreadable = waiting.read(content, LATER)
    return events, len(unreadable)


def line(**fields: Any) -> bytes:
    """A good line, but for these fields."""
    good = {
        "image": IMAGE,
        "tag": "1.4.0",
        "digest": digest("b"),
        "pushed_at": "2026-11-20T12:00:00Z",
        "received_at": "2026-11-20T13:00:00Z",
        "source": "generic",
        "id": "id-1",
    }
    return json.dumps({**good, **fields}).encode()


GOOD = pushed("1.4.0", "b")


# What is written


def test_a_push_is_a_line_of_json() -> None:
    assert waiting.written([GOOD]) == line() + b"\n"
    assert waiting.written([pushed("1.4.0", None, None)]) == line(digest=None, pushed_at=None) + b"\n"
    assert waiting.written([]) == b""


def test_lines_are_sorted_so_that_equal_sets_are_equal_files() -> None:
    events = [pushed("1.10"), pushed("1.9", "a"), pushed("1.9", "b"), pushed("1.9"), pushed("1.0", image=OTHER)]
    files = {waiting.written(order) for order in permutations(events)}
    assert len(files) == 1
    (content,) = files
    told = [json.loads(each) for each in content.splitlines()]
    assert [(each["image"], each["tag"], each["digest"]) for each in told] == [
        (IMAGE, "1.10", None),
        (IMAGE, "1.9", None),
        (IMAGE, "1.9", digest("a")),
        (IMAGE, "1.9", digest("b")),
        (OTHER, "1.0", None),
    ]


def test_equal_pushes_are_kept_once_with_the_earliest_time() -> None:
    early, late = pushed("1.4.0", "b", 1), pushed("1.4.0", "b", 2, source="docker-hub")
    assert waiting.written([late, early, late]) == waiting.written([early])
    content = waiting.written([late]) + waiting.written([early])
    assert read(content) == ((early,), 0)


def test_each_environment_has_a_ref_of_its_own_and_its_commit_says_what_waits() -> None:
    assert waiting.ref("test") == "refs/updater/waiting/test"
    events = [pushed("1", image=OTHER), pushed("1"), pushed("2")]
    assert waiting.title("test", events) == f"Keep 2 image(s) waiting for test\n\n{IMAGE}\n{OTHER}\n"


@given(st.lists(pushes, max_size=6))
def test_what_is_written_is_read_back(events: list[Event]) -> None:
    found, bad = read(waiting.written(events))
    assert bad == 0
    assert waiting.written(found) == waiting.written(events)
    assert {(each.image, each.version) for each in found} == {(each.image, each.version) for each in events}
    assert all(each in events for each in found)


@given(
    st.lists(pushes, max_size=4),
    st.lists(st.binary(max_size=30).map(lambda each: b"?" + each), max_size=4),
    st.randoms(),
)
def test_bad_lines_are_counted_and_cost_no_good_one(
    events: list[Event], bad: list[bytes], chance: random.Random
) -> None:
    junk = [each.replace(b"\n", b" ") for each in bad]
    lines = waiting.written(events).splitlines() + junk
    chance.shuffle(lines)
    found, unreadable = waiting.read(b"\n".join(lines), LATER)
    assert waiting.written(found) == waiting.written(events)
    assert sorted(unreadable) == sorted(junk)
    assert waiting.read(waiting.written(found, unreadable), LATER) == (found, unreadable)


def test_bad_lines_are_kept_only_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    good = waiting.written([GOOD])
    monkeypatch.setattr(waiting, "MAX_BYTES", len(good) + 4)
    assert waiting.written([GOOD], [b"[1]"]) == good + b"[1]\n"
    assert waiting.written([GOOD], [b"[1]", b""]) == good


# What is read


def test_a_good_line_is_a_push() -> None:
    assert read(line()) == ((GOOD,), 0)
    assert read(b"\n \n" + line() + b"\r\n\n") == ((GOOD,), 0)
    assert read(b"") == ((), 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"NaN",
        b"{}",
        b"\xff\xfe",
        b"{\x00}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 100_000,
        line() + b",",
        line() + line(),
        b"<<<<<<< HEAD",
    ],
    ids=lambda each: repr(each[:12]),
)
def test_a_line_that_is_no_json_object_is_bad(bad: bytes) -> None:
    assert read(bad) == ((), 1)
    assert read(bad + b"\n" + line()) == ((GOOD,), 1)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "image",
            [None, "", 7, [IMAGE], "UPPER/case", f"{IMAGE}:1.4.0", "a b", "../x", f"{IMAGE}\n", "a" * 300, "\ud800"],
        ),
        ("tag", [None, "", 7, True, ["1"], ".1", "a/b", "1\n", "1 2", "$(x)", "é", "a" * 129, "\ud800"]),
        ("digest", ["", "sha256:abc", digest("B"), digest("b") + "b", digest("b") + "\n", "sha512:" + "b" * 128]),
        ("received_at", [None, "", 7, "soon", "2026-11-20T13:00:00", "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z"]),
    ],
    ids=["image", "tag", "digest", "received_at"],
)
def test_a_line_in_which_something_needed_is_not_as_it_should_be_is_bad(field: str, values: list[Any]) -> None:
    for value in values:
        assert read(line(**{field: value})) == ((), 1), repr(value)


@pytest.mark.parametrize("value", [7, True, [digest("b")], {"digest": digest("b")}])
def test_a_digest_that_is_no_text_is_not_taken_for_none(value: Any) -> None:
    assert read(line(digest=value)) == ((), 1)


@pytest.mark.parametrize("value", [7, "soon", "2026-11-20T12:00:00", "1970-01-01T00:00:00Z", ["2026-11-20T12:00:00Z"]])
def test_a_push_time_that_is_none_counts_as_not_told(value: Any) -> None:
    assert read(line(pushed_at=value)) == ((pushed("1.4.0", "b", None),), 0)


def test_a_push_time_long_after_the_arrival_does_not_make_a_push_newer() -> None:
    ((event,), _) = read(line(pushed_at="2099-01-01T00:00:00Z"))
    assert event.time == at(60) + APART


@pytest.mark.parametrize(
    ("given_id", "id_"),
    [
        ("7049", "7049"),
        (None, "unknown"),
        ("", "unknown"),
        (7049, "unknown"),
        ("a\nUpdater-Image: x", delivery_id("a\nUpdater-Image: x")),
        ("\ud800", delivery_id("\ud800")),
        ("x" * 5000, delivery_id("x" * 5000)),
    ],
)
def test_source_and_id_are_what_a_trailer_may_carry(given_id: Any, id_: str) -> None:
    ((event,), bad) = read(line(id=given_id, source=given_id))
    assert (event.id, event.source, bad) == (id_, id_, 0)
    assert len(id_) <= 128
    assert id_.isprintable()


def test_images_are_normalised_and_unknown_fields_are_left_alone() -> None:
    ((event,), bad) = read(line(image="nginx", more={"a": [1]}))
    assert (event.image, bad) == ("docker.io/library/nginx", 0)


scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | tags | digests,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("image", "tag", "digest", "pushed_at", "received_at", "source", "id")


@given(st.dictionaries(st.sampled_from(FIELDS), scraps, max_size=3))
def test_whatever_stands_in_a_line_is_checked_or_counted(fields: dict[str, Any]) -> None:
    events, bad = read(line(**fields))
    assert len(events) + bad == 1
    for event in events:
        assert normalise(event.image) == event.image
        assert is_tag(event.version.tag or "")
        assert event.version.digest is None or is_digest(event.version.digest)
        assert (delivery_id(event.source), delivery_id(event.id)) == (event.source, event.id)
        assert all(time.utcoffset() == timedelta(0) for time in (event.received_at, event.time))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_failure(content: bytes) -> None:
    events, bad = read(content)
    assert len(events) + bad <= content.count(b"\n") + 1


def test_a_long_file_is_read_line_by_line() -> None:
    events = [pushed(f"1.0.{number}") for number in range(2000)]
    found, bad = read(waiting.written(events) + b"x" * 1_000_000)
    assert (len(found), bad) == (2000, 1)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (pushed("1.4.0", "b", 9, source="docker-hub", id="7"), True),
        (pushed("1.4.0", "a"), False),
        (pushed("1.4.0"), False),
        (pushed("1.4.1", "b"), False),
        (pushed("1.4.0", "b", image=OTHER), False),
    ],
)
def test_pushes_are_the_same_by_image_tag_and_digest_alone(other: Event, same: bool) -> None:
    assert (waiting.push(GOOD) == waiting.push(other)) is same


def test_what_somebody_wrote_there_arrived_no_later_than_now() -> None:
    content = waiting.written([pushed("1.4.0", "b", None, received=999)])
    (event,), _ = waiting.read(content, at(60))
    assert (event.received_at, event.time) == (at(60), at(60))
