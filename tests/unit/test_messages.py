"""The text of our commits, and what is read back from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, pushed
from tests.helpers.kustomizations import digests, tags
from updater.core.messages import Line, commit_message, pushed_at, reference, short, stamp, subject
from updater.core.pushes import delivery_id
from updater.core.references import normalise
from updater.decoders import generic
from updater.decoders.envelopes import unwrap
from updater.errors import EventError
from updater.model import Delivery, Event, Version

A, B = digest("a"), digest("b")
MODEL = "us-docker.pkg.dev/acme/models/model-a"


BEFORE = Version("1.3.2")


def line(tag: str, letter: str | None = None, old: Version = BEFORE, **event: str) -> Line:
    cause = pushed(tag, letter, -120, **{"source": "artifact-registry", "id": "7049", "image": MODEL, **event})  # type: ignore[arg-type]
    return Line(cause.image, old, cause.version, cause)


def test_a_commit_says_what_moved_and_carries_the_facts_as_trailers() -> None:
    assert commit_message("test", "model-a", [line("1.4.0", "b", Version("1.3.2", A))]) == (
        "Deploy model-a 1.4.0 to test\n"
        "\n"
        "us-docker.pkg.dev/acme/models/model-a: 1.3.2 -> 1.4.0\n"
        "\n"
        "Updater-Environment: test\n"
        "Updater-Service: model-a\n"
        f"Updater-Image: us-docker.pkg.dev/acme/models/model-a:1.4.0@{B}\n"
        f"Updater-Previous: us-docker.pkg.dev/acme/models/model-a:1.3.2@{A}\n"
        "Updater-Event: artifact-registry/7049 2026-11-20T10:00:00Z\n"
    )


def test_the_last_three_trailers_repeat_when_a_commit_bumps_several_entries() -> None:
    web = line("main-7", old=Version("main-6"), image="reg.example/web", id="7050")
    assert commit_message("test", "model-a", [line("1.4.0"), web]) == (
        "Deploy model-a to test (2 versions)\n"
        "\n"
        "us-docker.pkg.dev/acme/models/model-a: 1.3.2 -> 1.4.0\n"
        "reg.example/web: main-6 -> main-7\n"
        "\n"
        "Updater-Environment: test\n"
        "Updater-Service: model-a\n"
        "Updater-Image: us-docker.pkg.dev/acme/models/model-a:1.4.0\n"
        "Updater-Previous: us-docker.pkg.dev/acme/models/model-a:1.3.2\n"
        "Updater-Event: artifact-registry/7049 2026-11-20T10:00:00Z\n"
        "Updater-Image: reg.example/web:main-7\n"
        "Updater-Previous: reg.example/web:main-6\n"
        "Updater-Event: artifact-registry/7050 2026-11-20T10:00:00Z\n"
    )


def test_overlays_that_make_the_same_move_say_it_once() -> None:
    assert commit_message("test", "a", [line("1.4.0")] * 3) == commit_message("test", "a", [line("1.4.0")])


def test_the_same_version_in_several_entries_is_one_version_in_the_subject() -> None:
    lines = [line("1.4.0", image="reg.example/a"), line("1.4.0", image="reg.example/b")]
    assert subject("test", "model-a", lines) == "Deploy model-a 1.4.0 to test"
    assert commit_message("test", "model-a", lines).startswith("Deploy model-a 1.4.0 to test\n")


@pytest.mark.parametrize(
    ("old", "new", "move"),
    [
        (Version("1.3.2"), Version("1.4.0", A), "1.3.2 -> 1.4.0"),
        (Version(), Version("1.4.0"), "(none) -> 1.4.0"),
        (Version(None, A), Version("1.4.0", B), "sha256:aaaaaaaaaaaa -> 1.4.0"),
        (Version("latest", A), Version("latest", B), "latest@sha256:aaaaaaaaaaaa -> latest@sha256:bbbbbbbbbbbb"),
        (Version("1.4.0"), Version("1.4.0", B), "1.4.0 -> 1.4.0@sha256:bbbbbbbbbbbb"),
        (Version(None, A), Version(None, B), "@sha256:aaaaaaaaaaaa -> @sha256:bbbbbbbbbbbb"),
        (Version(), Version(), "(none) -> (none)"),
    ],
)
def test_a_move_shows_digests_only_where_the_tag_stays(old: Version, new: Version, move: str) -> None:
    moved = Line(MODEL, old, new, pushed("x"))
    assert commit_message("test", "a", [moved]).splitlines()[2] == f"{MODEL}: {move}"


@pytest.mark.parametrize(
    ("version", "named", "in_full"),
    [
        (Version("1.4.0", A), "1.4.0", f"{IMAGE}:1.4.0@{A}"),
        (Version("1.4.0"), "1.4.0", f"{IMAGE}:1.4.0"),
        (Version(None, A), "sha256:aaaaaaaaaaaa", f"{IMAGE}@{A}"),
        (Version(), "(none)", IMAGE),
    ],
)
def test_a_version_in_short_and_in_full(version: Version, named: str, in_full: str) -> None:
    assert (short(version), reference(IMAGE, version)) == (named, in_full)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 20, 10, tzinfo=UTC), "2026-11-20T10:00:00Z"),
        (datetime(2026, 11, 20, 10, 0, 0, 120, tzinfo=UTC), "2026-11-20T10:00:00.000120Z"),
        (datetime(2026, 11, 20, 11, tzinfo=timezone(timedelta(hours=1))), "2026-11-20T10:00:00Z"),
    ],
)
def test_times_are_written_in_utc_to_the_microsecond(time: datetime, text: str) -> None:
    assert stamp(time) == text


# Reading back


@given(
    versions=st.lists(st.builds(Version, tags, st.none() | digests), min_size=1, max_size=4, unique=True),
    minutes=st.floats(-1e6, 1e6),
)
def test_the_push_time_of_each_version_is_read_back_exactly(versions: list[Version], minutes: float) -> None:
    events = [
        replace(pushed("x", minutes=minutes + n), version=version, id=f"id-{n}") for n, version in enumerate(versions)
    ]
    text = commit_message("test", "a", [Line(IMAGE, Version("0"), event.version, event) for event in events])
    assert [pushed_at(text, IMAGE, event.version) for event in events] == [event.time for event in events]


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (MODEL + "x", Version("1.4.0", B)),
        (MODEL, Version("1.4.0", A)),
        (MODEL, Version("1.4.0")),
        (MODEL, Version("1.4", B)),
        (MODEL, Version("1.3.2", A)),
    ],
)
def test_trailers_tell_the_time_of_their_own_image_and_version_alone(image: str, version: Version) -> None:
    text = commit_message("test", "a", [line("1.4.0", "b", Version("1.3.2", A))])
    assert pushed_at(text, image, version) is None


def test_trailers_are_found_in_the_middle_of_a_squashed_message() -> None:
    ours = commit_message("test", "a", [line("1.4.0")])
    text = f"Update models (#7)\n\n* {ours}\n* {commit_message('test', 'b', [line('1.5.0')])}\nSigned-off-by: alice\n"
    assert pushed_at(text, MODEL, Version("1.5.0")) == at(-120)


IMAGE_TRAILER = f"Updater-Image: {MODEL}:1.4.0\n"
PREVIOUS_TRAILER = f"Updater-Previous: {MODEL}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        IMAGE_TRAILER,
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 soon\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 0001-01-01T00:00:00+14:00\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: 2026-11-20T10:00:00Z\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER} Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
        f"> {IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
    ],
    ids=["none", "cut", "no time", "no offset", "no such year", "no id", "indented", "quoted"],
)
def test_odd_trailers_tell_nothing(text: str) -> None:
    assert pushed_at(text, MODEL, Version("1.4.0")) is None


def test_a_trailer_without_its_event_does_not_take_the_time_of_another_image() -> None:
    text = f"Say it again\n\n{IMAGE_TRAILER}\n{commit_message('test', 'a', [line('1.5.0')])}"
    assert pushed_at(text, MODEL, Version("1.4.0")) is None
    assert pushed_at(text, MODEL, Version("1.5.0")) == at(-120)


# Nothing starts a line of its own

KEYS = ("Updater-Environment:", "Updater-Service:", "Updater-Image:", "Updater-Previous:", "Updater-Event:")


def assert_shape(text: str) -> None:
    """Whether a commit of one bump has the lines that such a commit has, and no more."""
    first, blank, move, gap, *trailers = text.split("\n")
    assert (blank, gap, trailers.pop()) == ("", "", "")
    assert len(trailers) == len(KEYS)
    assert all(each.isprintable() for each in (first, move, *trailers))
    for key, trailer in zip(KEYS, trailers, strict=True):
        assert trailer.removeprefix("'").removeprefix('"').startswith(key)


hostile = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["1.0\nUpdater-Image: x", "1.0\r\nUpdater-Event: a/b 2026-01-01T00:00:00Z", "a\u2028b", "\x1b[2J"]),
)


def decoded(fields: dict[str, str]) -> list[Event]:
    try:
        return list(generic.decode(unwrap(Delivery("generic", json.dumps(fields).encode(), at(0)))).events)
    except EventError:
        return []


@given(
    image=st.one_of(hostile, st.sampled_from([IMAGE, "nginx"])),
    tag=st.one_of(hostile, tags),
    id=hostile,
    digest=st.one_of(hostile, digests),
)
def test_whatever_a_sender_writes_the_commit_keeps_its_lines(image: str, tag: str, id: str, digest: str) -> None:
    for event in decoded({"image": image, "tag": tag, "id": id, "digest": digest}):
        assert normalise(event.image) == event.image
        assert delivery_id(event.id) == event.id
        assert_shape(commit_message("test", "a", [Line(event.image, Version("0"), event.version, event)]))


@given(service=hostile.filter(bool), tag=hostile.filter(bool), digest=hostile)
def test_whatever_stands_in_the_repository_the_commit_keeps_its_lines(service: str, tag: str, digest: str) -> None:
    text = commit_message("test", service, [Line(IMAGE, Version(tag, digest), Version("1.0"), pushed("1.0"))])
    assert_shape(text)
    assert text.startswith(subject("test", service, [line("1.0")]) + "\n")
    assert pushed_at(text, IMAGE, Version("1.0")) == at(0)
