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
from updater.core.markdown import inert
from updater.core.messages import (
    Line,
    Told,
    built_from,
    commit_message,
    move,
    origin_from,
    origin_text,
    plain,
    reference,
    short,
    stamp,
    subject,
    text,
    told,
    told_apart,
    trailers,
)
from updater.core.origins import checked
from updater.core.pushes import delivery_id
from updater.core.references import normalise
from updater.decoders import generic
from updater.decoders.envelopes import unwrap
from updater.errors import EventError
from updater.model import Delivery, Event, Origin, Version

A, B = digest("a"), digest("b")
MODEL = "us-docker.pkg.dev/acme/models/model-a"


BEFORE = Version("1.3.2")


def line(tag: str, letter: str | None = None, old: Version = BEFORE, **event: str) -> Line:
    cause = pushed(tag, letter, -120, **{"source": "artifact-registry", "id": "7049", "image": MODEL, **event})  # type: ignore[arg-type]
    return Line(cause.image, old, cause.version, cause, cause.origin)


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


def test_the_trailers_alone_are_those_at_the_end_of_the_commit() -> None:
    lines = [line("1.4.0", "b"), line("1.4.0", "b"), line("main-7", image="reg.example/web")]
    found = trailers("te\nst", "model-a", lines)
    assert commit_message("te\nst", "model-a", lines).endswith("\n\n" + "\n".join(found) + "\n")
    assert len(found) == 8


def test_the_same_version_in_several_entries_is_one_version_in_the_subject() -> None:
    lines = [line("1.4.0", image="reg.example/a"), line("1.4.0", image="reg.example/b")]
    assert subject("test", "model-a", lines) == "Deploy model-a 1.4.0 to test"
    assert commit_message("test", "model-a", lines).startswith("Deploy model-a 1.4.0 to test\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
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
def test_a_move_shows_digests_only_where_the_tag_stays(old: Version, new: Version, words: str) -> None:
    moved = Line(MODEL, old, new, pushed("x"))
    assert commit_message("test", "a", [moved]).splitlines()[2] == f"{MODEL}: {words}"
    assert (move(old, new), " -> ".join(told_apart(old, new))) == (words, words)


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
    ("time", "written"),
    [
        (datetime(2026, 11, 20, 10, tzinfo=UTC), "2026-11-20T10:00:00Z"),
        (datetime(2026, 11, 20, 10, 0, 0, 120, tzinfo=UTC), "2026-11-20T10:00:00.000120Z"),
        (datetime(2026, 11, 20, 11, tzinfo=timezone(timedelta(hours=1))), "2026-11-20T10:00:00Z"),
    ],
)
def test_times_are_written_in_utc_to_the_microsecond(time: datetime, written: str) -> None:
    assert stamp(time) == written


# Reading back


@given(
    versions=st.lists(st.builds(Version, tags, st.none() | digests), min_size=1, max_size=4, unique=True),
    minutes=st.floats(-1e6, 1e6),
)
def test_the_push_of_each_version_is_read_back_exactly(versions: list[Version], minutes: float) -> None:
    events = [
        replace(pushed("x", minutes=minutes + n), version=version, id=f"id-{n}") for n, version in enumerate(versions)
    ]
    written = commit_message("test", "a", [Line(IMAGE, Version("0"), event.version, event) for event in events])
    assert [told(written, IMAGE, event.version) for event in events] == [
        Told(f"generic/{event.id}", event.time) for event in events
    ]


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (MODEL + "x", Version("1.4.0", B)),
        (MODEL, Version("1.4.0", A)),
        (MODEL, Version("1.4.0")),
        (MODEL, Version("1.4", B)),
        (MODEL, Version("1.3.2", A)),
        (MODEL, Version(None, B)),
        (MODEL, Version()),
    ],
)
def test_trailers_tell_of_their_own_image_and_version_alone(image: str, version: Version) -> None:
    written = commit_message("test", "a", [line("1.4.0", "b", Version("1.3.2", A))])
    assert told(written, image, version) is None


def test_trailers_are_found_in_the_middle_of_a_squashed_message() -> None:
    ours = commit_message("test", "a", [line("1.4.0")])
    more = commit_message("test", "b", [line("1.5.0", id="7050")])
    squashed = f"Update models (#7)\n\n* {ours}\n* {more}\nSigned-off-by: alice\n"
    assert told(squashed, MODEL, Version("1.5.0")) == Told("artifact-registry/7050", at(-120))
    assert told(squashed, MODEL, Version("1.4.0")) == Told("artifact-registry/7049", at(-120))


def test_the_first_of_two_tales_of_one_version_that_makes_sense_counts() -> None:
    def tale(time: str) -> str:
        return f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/{time[:4]} {time}\n"

    tales = tale("soon"), tale("2099-01-01T00:00:00Z"), tale("2026-11-20T10:00:00Z")
    assert told("".join(tales), MODEL, Version("1.4.0")) == Told("generic/2099", datetime(2099, 1, 1, tzinfo=UTC))


IMAGE_TRAILER = f"Updater-Image: {MODEL}:1.4.0\n"
PREVIOUS_TRAILER = f"Updater-Previous: {MODEL}\n"


@pytest.mark.parametrize(
    "written",
    [
        "",
        IMAGE_TRAILER,
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 soon\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 0001-01-01T00:00:00+14:00\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 1970-01-01T00:00:00Z\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: 2026-11-20T10:00:00Z\n",
        f"{IMAGE_TRAILER}{PREVIOUS_TRAILER} Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
        f"> {IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
        f"{IMAGE_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
        f"{PREVIOUS_TRAILER}{IMAGE_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z\n",
    ],
    ids=[
        "none",
        "cut",
        "no time",
        "no offset",
        "no such year",
        "a year before there were images",
        "no id",
        "indented",
        "quoted",
        "a line missing",
        "out of order",
    ],
)
def test_odd_trailers_tell_nothing(written: str) -> None:
    assert told(written, MODEL, Version("1.4.0")) is None


def test_a_trailer_without_its_event_does_not_take_the_time_of_another_image() -> None:
    written = f"Say it again\n\n{IMAGE_TRAILER}\n{commit_message('test', 'a', [line('1.5.0')])}"
    assert told(written, MODEL, Version("1.4.0")) is None
    assert told(written, MODEL, Version("1.5.0")) == Told("artifact-registry/7049", at(-120))


def test_what_a_person_moved_beside_a_push_is_not_told_as_that_push() -> None:
    by_hand = Line(MODEL, Version("1.4.0"), Version("1.3.2"), None)
    written = commit_message("test", "a", [by_hand, line("1.5.0")])
    assert told(written, MODEL, Version("1.3.2")) is None
    assert told(written, MODEL, Version("1.5.0")) == Told("artifact-registry/7049", at(-120))


# What a person orders


def test_a_commit_by_hand_says_why_and_names_no_event() -> None:
    moved = Line(MODEL, Version("1.4.0", B), Version("1.3.2", A), None)
    assert text("Roll model-a back", ["This reverts commit c0ffee.", "INC-42"], "test", "model-a", [moved]) == (
        "Roll model-a back\n"
        "\n"
        "This reverts commit c0ffee.\n"
        "\n"
        "INC-42\n"
        "\n"
        "us-docker.pkg.dev/acme/models/model-a: 1.4.0 -> 1.3.2\n"
        "\n"
        "Updater-Environment: test\n"
        "Updater-Service: model-a\n"
        f"Updater-Image: us-docker.pkg.dev/acme/models/model-a:1.3.2@{A}\n"
        f"Updater-Previous: us-docker.pkg.dev/acme/models/model-a:1.4.0@{B}\n"
    )


def test_a_commit_that_moves_nothing_has_no_empty_paragraph() -> None:
    assert text("Hold model-a", (), "test", "model-a", []) == (
        "Hold model-a\n\nUpdater-Environment: test\nUpdater-Service: model-a\n"
    )


@pytest.mark.parametrize(
    ("given_line", "written"),
    [
        ("", ""),
        ("모델 1.4.0 😀", "모델 1.4.0 😀"),
        ("a\nb", "'a\\nb'"),
        ("a\u202eb", "'a\\u202eb'"),
        ("é\x1b[2J", "'\\xe9\\x1b[2J'"),
    ],
)
def test_a_line_that_does_not_print_is_escaped(given_line: str, written: str) -> None:
    assert plain(given_line) == written


# Where an image was built from

REPOSITORY = "https://github.com/acme/model-a"
OLDER, NEWER = "8b2d4f0" + "0" * 33, "3fa9c1e" + "0" * 33
BUILT = Origin(REPOSITORY, NEWER, "1.4.0", at(-150))
SOURCE_TRAILER = f"Updater-Source: {REPOSITORY} {NEWER} 1.4.0 2026-11-20T09:30:00Z"


def built(origin: Origin | None, before: Origin | None = None, tag: str = "1.4.0", image: str = MODEL) -> Line:
    """The move to an image that was built from there."""
    moved = line(tag, image=image)
    assert moved.event is not None
    return replace(moved, event=replace(moved.event, origin=origin), origin=origin, before=before)


def test_a_commit_tells_what_changed_in_the_source_and_keeps_that_as_a_trailer() -> None:
    assert commit_message("test", "model-a", [built(BUILT, Origin(REPOSITORY, OLDER))]) == (
        "Deploy model-a 1.4.0 to test\n"
        "\n"
        f"{MODEL}: 1.3.2 -> 1.4.0\n"
        f"  changes: {REPOSITORY}/compare/{OLDER}...{NEWER}\n"
        "\n"
        "Updater-Environment: test\n"
        "Updater-Service: model-a\n"
        f"Updater-Image: {MODEL}:1.4.0\n"
        f"Updater-Previous: {MODEL}:1.3.2\n"
        "Updater-Event: artifact-registry/7049 2026-11-20T10:00:00Z\n"
        f"{SOURCE_TRAILER}\n"
    )


@pytest.mark.parametrize("before", [None, BUILT, Origin("https://github.com/acme/other", OLDER)])
def test_a_commit_leads_to_the_commit_of_the_source_where_there_is_nothing_to_compare(before: Origin | None) -> None:
    told_of = commit_message("test", "model-a", [built(BUILT, before)]).splitlines()
    assert told_of[2:4] == [f"{MODEL}: 1.3.2 -> 1.4.0", f"  built from: {REPOSITORY}/commit/{NEWER}"]


def test_a_commit_leads_to_no_forge_that_is_not_known() -> None:
    written = commit_message("test", "model-a", [built(Origin("https://git.example/acme/x", NEWER))])
    assert written.splitlines()[2:4] == [f"{MODEL}: 1.3.2 -> 1.4.0", ""]
    assert written.endswith(f"\nUpdater-Source: https://git.example/acme/x {NEWER}\n")


def test_overlays_that_make_the_same_move_say_it_once_whatever_they_know_of_the_old_version() -> None:
    lines = [built(BUILT, Origin(REPOSITORY, OLDER)), built(BUILT), built(BUILT, BUILT)]
    assert commit_message("test", "a", lines) == commit_message("test", "a", lines[:1])


def test_two_images_of_one_source_lead_to_it_both() -> None:
    written = commit_message("test", "a", [built(BUILT), built(BUILT, image="reg.example/web")])
    assert written.count(f"\n  built from: {REPOSITORY}/commit/{NEWER}\n") == 2


@pytest.mark.parametrize(
    ("origin", "written"),
    [
        (BUILT, f"{REPOSITORY} {NEWER} 1.4.0 2026-11-20T09:30:00Z"),
        (Origin(REPOSITORY), REPOSITORY),
        (Origin(revision=NEWER), f"- {NEWER}"),
        (Origin(version="1.4.0"), "- - 1.4.0"),
        (Origin(created=at(-150)), "- - - 2026-11-20T09:30:00Z"),
        (Origin(REPOSITORY, created=at(-150)), f"{REPOSITORY} - - 2026-11-20T09:30:00Z"),
        (Origin("https://git.example/acme/x-"), "https://git.example/acme/x-"),
        (Origin("https://git.example/My%20Models", NEWER), f"https://git.example/My%20Models {NEWER}"),
    ],
)
def test_an_origin_is_one_line_with_a_dash_for_what_is_not_known(origin: Origin, written: str) -> None:
    assert origin_text(origin) == written
    assert origin_from(written) == origin


SEGMENTS = st.text("ab_-.~%\u00e9`@#$1", min_size=1, max_size=4)
ORIGINS = st.builds(
    checked,
    st.none() | st.builds("https://{}/{}/{}".format, st.sampled_from(["www.a.example", "gh-1.b"]), SEGMENTS, SEGMENTS),
    st.none() | st.sampled_from([NEWER, "gh-12", "refs/heads/_x_"]),
    st.none() | st.sampled_from(["gh-12", "_1_", "1.0+build"]),
    st.none() | st.just("2026-11-20T09:30:00.000007Z"),
)


@given(ORIGINS, ORIGINS)
def test_origins_are_read_back_exactly_from_a_commit_and_from_a_squash_of_a_text(
    one: Origin | None, other: Origin | None
) -> None:
    lines = [built(one), built(other, tag="1.5.0")]
    commit, squashed = commit_message("test", "a", lines), "\n".join(map(inert, trailers("test", "a", lines)))
    for message in (commit, squashed):
        assert told(message, MODEL, Version("1.4.0")) == Told("artifact-registry/7049", at(-120), one)
        assert told(message, MODEL, Version("1.5.0")) == Told("artifact-registry/7049", at(-120), other)


@pytest.mark.parametrize(
    ("trailer", "origin"),
    [
        ("Updater-Source: javascript:alert(1)", None),
        ("Updater-Source: https://alice@github.com/acme/x", None),
        ("Updater-Source: https://github.com/acme/x `rm`", Origin("https://github.com/acme/x")),
        ("Updater-Source: - - \x1b[2J", None),
        ("Updater-Source: - - 1.0 never", Origin(version="1.0")),
        ("Updater-Source: - - 1.0 - -", None),
        ("Updater-Source: ", None),
        ("Updater-Source:", None),
        ("updater-source: - - 1.0", None),
        ("\nUpdater-Source: - - 1.0", None),
    ],
)
def test_a_source_that_somebody_else_wrote_is_checked_and_the_push_counts_all_the_same(
    trailer: str, origin: Origin | None
) -> None:
    written = f"{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z\n{trailer}\n"
    assert told(written, MODEL, Version("1.4.0")) == Told("generic/7", at(-120), origin)


def test_a_person_who_moves_a_version_tells_of_no_source() -> None:
    moved = Line(MODEL, BEFORE, Version("1.4.0"), None, before=BUILT)
    assert "Updater-Source" not in text("Roll back", (), "test", "a", [moved])


def test_a_source_is_kept_where_no_push_is_known() -> None:
    moved = Line(MODEL, BEFORE, Version("1.4.0"), None, BUILT)
    written = text("Deploy a", (), "staging", "a", [moved])
    assert "Updater-Event" not in written
    assert built_from(written, MODEL, Version("1.4.0")) == BUILT
    assert built_from(written, MODEL, Version("1.3.0")) is None


# Nothing starts a line of its own

KEYS = ("Updater-Environment:", "Updater-Service:", "Updater-Image:", "Updater-Previous:", "Updater-Event:")


def assert_shape(written: str) -> None:
    """Whether a commit of one bump has the lines that such a commit has, and no more."""
    first, blank, move, gap, *trailers = written.split("\n")
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
        assert_shape(commit_message("test", "a", [Line(event.image, Version("0"), event.version, event, event.origin)]))


@given(service=hostile.filter(bool), tag=hostile.filter(bool), digest=hostile)
def test_whatever_stands_in_the_repository_the_commit_keeps_its_lines(service: str, tag: str, digest: str) -> None:
    written = commit_message("test", service, [Line(IMAGE, Version(tag, digest), Version("1.0"), pushed("1.0"))])
    assert_shape(written)
    assert written.startswith(subject("test", service, [line("1.0")]) + "\n")
    assert told(written, IMAGE, Version("1.0")) == Told("generic/id-1", at(0))


@given(subject=hostile.filter(bool), why=hostile.filter(bool), service=hostile.filter(bool))
def test_whatever_a_person_gives_as_a_reason_starts_no_trailer(subject: str, why: str, service: str) -> None:
    forged = f"{why}\n{IMAGE_TRAILER}{PREVIOUS_TRAILER}Updater-Event: generic/7 2026-11-20T10:00:00Z"
    written = text(subject, [forged], "test", service, [])
    assert told(written, MODEL, Version("1.4.0")) is None
    assert len(written.splitlines()) == 6
