"""What landed in the entries of a file: told by contents, whatever the messages say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, PATH, at, digest, entry, pushed, rule
from updater.core.history import Step, key, landings, stood
from updater.core.kustomization import entries
from updater.core.messages import Line, commit_message
from updater.model import Landing, Origin, Version
from updater.protocols import Question

BEFORE, AFTER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


def kustomization(tag: str | None, letter: str | None = None, name: str = IMAGE, new_name: str | None = None) -> bytes:
    lines = ["images:", f"- name: {name}"]
    lines += [f"  newName: {new_name}"] if new_name else []
    lines += [f'  newTag: "{tag}"'] if tag else []
    lines += [f"  digest: {digest(letter)}"] if letter else []
    return "\n".join(lines).encode()


def ours(tag: str, letter: str | None = None, pushed_at: float = 0, image: str = IMAGE) -> str:
    """The message of our commit for a push."""
    event = pushed(tag, letter, pushed_at, image=image)
    return commit_message("test", "model-a", [Line(image, Version("0"), event.version, event)])


def steps(*contents: bytes | None | tuple[bytes | None, str]) -> list[Step]:
    """Commits that leave these contents, oldest first, one an hour; each with its message where it has one."""
    told = [each if isinstance(each, tuple) else (each, "by hand") for each in contents]
    return [
        Step(f"commit-{number}", "alice", at(60 * number - 5), at(60 * number), message, content)
        for number, (content, message) in enumerate(told)
    ]


def landed(history: Sequence[Step], standing: dict[str, Version] | None = None) -> list[Landing]:
    return [found for _, found in landings(PATH, history, {} if standing is None else standing)]


def versions(*contents: bytes | None) -> list[str]:
    return [str(found.version) for found in landed(steps(*contents))]


# Landings


def test_every_version_lands_once_with_the_commit_that_wrote_it() -> None:
    history = steps(
        kustomization("1.3.0"),
        (kustomization("1.4.0", "a"), ours("1.4.0", "a", pushed_at=-7)),
        kustomization("1.4.0", "a") + b"\n# a note",
        kustomization("1.5.0"),
    )
    assert landed(history) == [
        Landing(Version("1.3.0"), "commit-0", "alice", at(0), at(-5)),
        Landing(Version("1.4.0", digest("a")), "commit-1", "alice", at(60), at(-7), "generic/id-1"),
        Landing(Version("1.5.0"), "commit-3", "alice", at(180), at(175)),
    ]


def test_a_landing_tells_where_the_image_was_built_from_if_the_commit_wrote_that_version() -> None:
    push = replace(pushed("1.4.0"), origin=Origin("https://github.com/acme/model-a", "3fa9c1e"))
    message = commit_message("test", "model-a", [Line(IMAGE, Version("1.3.0"), push.version, push, push.origin)])
    found = landed(steps((kustomization("1.3.0"), message), (kustomization("1.4.0"), message)))
    assert [each.origin for each in found] == [None, push.origin]


def test_of_what_a_merge_brought_only_the_source_counts() -> None:
    push = replace(pushed("1.4.0", minutes=-30), origin=Origin("https://github.com/acme/model-a", "3fa9c1e"))
    brought = commit_message("test", "model-a", [Line(IMAGE, Version("1.3.0"), push.version, push, push.origin)])
    (step,) = steps((kustomization("1.4.0"), "Merge pull request #7"))
    (found,) = landed([replace(step, brought=brought)])
    assert (found.origin, found.event, found.pushed_at) == (push.origin, None, at(-5))


def test_a_version_that_comes_back_lands_again() -> None:
    contents = [kustomization(tag) for tag in ("1.3.0", "1.4.0", "1.3.0", "1.4.0", "1.3.0")]
    assert versions(*contents) == ["1.3.0", "1.4.0", "1.3.0", "1.4.0", "1.3.0"]


def test_a_digest_that_comes_or_goes_is_a_landing() -> None:
    contents = kustomization("1"), kustomization("1", "a"), kustomization("1", "b"), kustomization(None, "b")
    assert versions(*contents, kustomization(None)) == [
        "1",
        f"1@{digest('a')}",
        f"1@{digest('b')}",
        f"@{digest('b')}",
        "(none)",
    ]


@pytest.mark.parametrize(
    "gap",
    [None, b"images: [", b"\xff", b"- no mapping", b"a: b\n---\nc: d\n", b"resources: []\n", b"images: []\n"],
    ids=["no file", "broken", "not UTF-8", "a list", "two documents", "no images", "an empty list"],
)
def test_what_cannot_be_read_or_is_gone_for_a_while_neither_went_nor_came_back(gap: bytes | None) -> None:
    assert versions(kustomization("1"), gap, kustomization("1"), gap, kustomization("2")) == ["1", "2"]
    assert versions(gap, kustomization("1")) == ["1"]
    assert versions(gap) == []


def test_what_comes_back_changed_after_a_while_has_moved() -> None:
    history = steps(kustomization("2"), None, kustomization("1"))
    assert [(found.version.tag, found.commit) for found in landed(history)] == [("2", "commit-0"), ("1", "commit-2")]


def test_older_steps_are_continued_from_what_stood_then() -> None:
    first, second = steps(kustomization("1")), steps(kustomization("1"), kustomization("2"))
    standing: dict[str, Version] = {}
    assert [each.version.tag for each in landed(first, standing)] == ["1"]
    assert standing == {key(entry()): Version("1")}
    assert [each.version.tag for each in landed(second, standing)] == ["2"]
    assert standing == {key(entry()): Version("2")}
    assert landed([], standing) == []


@given(st.lists(st.sampled_from([None, b"images: [", *map(kustomization, "123")]), max_size=8), st.integers(0, 8))
def test_history_read_in_two_parts_is_the_history(contents: list[bytes | None], cut: int) -> None:
    history, standing = steps(*contents), dict[str, Version]()
    assert landed(history[:cut], standing) + landed(history[cut:], standing) == landed(history)


# Which entry


def two(first: str, second: str, name: str = IMAGE) -> bytes:
    return f'images:\n- {{name: {IMAGE}, newTag: "{first}"}}\n- {{name: {name}, newTag: "{second}"}}\n'.encode()


def by_entry(*contents: bytes) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for place, landing in landings(PATH, steps(*contents), {}):
        found.setdefault(place, []).append(landing.version.tag)
    return found


def test_an_entry_that_moves_within_its_file_stands_as_before() -> None:
    other = "reg.example/models/model-b"
    swapped = f'images:\n- {{name: {other}, newTag: "9"}}\n- {{name: {IMAGE}, newTag: "1"}}\n'.encode()
    listed = swapped.replace(b"images:", b"imageTags:")
    found = by_entry(two("1", "9", other), swapped, listed)
    assert found == {f"{IMAGE}\n{IMAGE}": ["1"], f"{other}\n{other}": ["9"]}


def test_entries_that_come_twice_are_told_apart_by_their_order() -> None:
    same = f"{IMAGE}\n{IMAGE}"
    assert by_entry(two("1", "5"), two("1", "6"), two("2", "6")) == {same: ["1", "2"], f"{same}\n1": ["5", "6"]}


@pytest.mark.parametrize("list_name", ["images", "imageTags"])
def test_the_key_of_an_entry_is_its_image_its_name_and_how_many_alike_come_before(list_name: str) -> None:
    text = (
        f"{list_name}:\n- {{name: app, newName: {IMAGE}}}\n- {{name: {IMAGE}}}\n- {{name: app, newName: {IMAGE}}}\n"
        "- {name: <APP>}\n- {newTag: x}\n"
    )
    assert [key(each) for each in entries(PATH, text.encode())] == [
        f"{IMAGE}\napp",
        f"{IMAGE}\n{IMAGE}",
        f"{IMAGE}\napp\n1",
        "\n<APP>",
        "\n",
    ]


def test_an_entry_that_gets_another_image_starts_anew_and_remembers_the_old_one() -> None:
    here, mirror = (kustomization("1", name="app", new_name=each) for each in (IMAGE, "mirror.example/model-a"))
    back_at, back_with = kustomization("1", name="app", new_name=IMAGE), kustomization("2", name="app", new_name=IMAGE)
    assert by_entry(here, mirror, back_at, back_with) == {
        f"{IMAGE}\napp": ["1", "2"],
        "mirror.example/model-a\napp": ["1"],
    }


def test_a_placeholder_is_no_image_and_lands_nothing() -> None:
    assert landed(steps(kustomization("1", name="<MODEL_IMAGE>"), b"images: [{newTag: x}]")) == []


# When it was pushed


@pytest.mark.parametrize(
    ("message", "pushed_at", "event"),
    [
        ("by hand", 55, None),
        (ours("1.4.0", pushed_at=-7), -7, "generic/id-1"),
        (f"Merge (#7)\n\n* {ours('1.4.0', pushed_at=-7)}", -7, "generic/id-1"),
        (ours("1.5.0", pushed_at=-7), 55, None),
        (ours("1.4.0", "a", pushed_at=-7), 55, None),
        (ours("1.4.0", pushed_at=-7, image=f"{IMAGE}-b"), 55, None),
        (ours("1.5.0", pushed_at=-7) + ours("1.4.0", pushed_at=-9), -9, "generic/id-1"),
        (ours("1.4.0", pushed_at=58), 58, "generic/id-1"),
    ],
    ids=[
        "nothing is told",
        "told",
        "told in a squashed message",
        "told of another version",
        "told of another digest",
        "told of another image",
        "told of two versions",
        "told, and later than the commit's author",
    ],
)
def test_trailers_count_for_what_the_commit_really_wrote(message: str, pushed_at: float, event: str | None) -> None:
    found = landed(steps(kustomization("1.3.0"), (kustomization("1.4.0"), message)))[-1]
    assert (found.pushed_at, found.event) == (at(pushed_at), event)


def told(time: str) -> str:
    """Our message, with the push at that time."""
    return ours("1.4.0", pushed_at=0).replace("2026-11-20T12:00:00Z", time)


@pytest.mark.parametrize(
    ("time", "believed"),
    [
        ("2026-11-20T13:00:00Z", True),
        ("2026-11-20T13:00:59Z", True),
        ("2026-11-21T13:00:00Z", True),
        ("2026-11-21T13:00:00.000001Z", False),
        ("2099-01-01T00:00:00Z", False),
    ],
)
def test_no_trailer_is_believed_that_tells_of_a_push_long_after_its_own_commit(time: str, believed: bool) -> None:
    """Two clocks may be a day apart, no more."""
    (found,) = landed(steps(None, (kustomization("1.4.0"), told(time))))  # committed at 13:00
    assert (found.event is not None) is believed
    assert (found.pushed_at == at(55)) is not believed


@pytest.mark.parametrize(
    ("authored_at", "landed_at", "pushed_at"),
    [
        (BEFORE, at(0), BEFORE),
        (AFTER, at(0), at(0)),
        (at(-3), AFTER, at(-3)),
        (at(0), BEFORE, BEFORE),
        (AFTER, AFTER, AFTER),
    ],
    ids=["author in 1970", "author in 2099", "committer in 2099", "committer in 1970", "both in 2099"],
)
def test_a_version_by_hand_was_pushed_when_it_was_authored_and_never_after_it_landed(
    authored_at: datetime, landed_at: datetime, pushed_at: datetime
) -> None:
    step = Step("c0ffee", "alice", authored_at, landed_at, "by hand", kustomization("1"))
    assert landed([step]) == [Landing(Version("1"), "c0ffee", "alice", landed_at, pushed_at)]


def test_a_squash_that_moves_two_entries_tells_the_push_of_each() -> None:
    other = f"{IMAGE}-b"
    message = ours("2", pushed_at=-7) + ours("9", pushed_at=-9, image=other)
    found = landed([*steps(two("1", "8", other)), *steps(None, (two("2", "9", other), message))[1:]])
    assert [(each.version.tag, each.pushed_at) for each in found[2:]] == [("2", at(-7)), ("9", at(-9))]


# What stood


def asked(standing: Version, *wanted: Version) -> dict[Version, datetime]:
    known = {
        Version("1", digest("a")): at(1),
        Version("1", digest("b")): at(2),
        Version("2"): at(3),
        Version("2", digest("c")): at(4),
        Version(None, digest("d")): at(5),
    }
    return stood(Question(replace(entry(), version=standing), rule(), wanted), known)


@pytest.mark.parametrize(
    ("version", "since"),
    [
        (Version("1", digest("a")), 1),
        (Version("1", digest("b")), 2),
        (Version("1", digest("c")), None),
        (Version("1"), 1),
        (Version("2"), 3),
        (Version("2", digest("c")), 4),
        (Version("2", digest("a")), None),
        (Version("3"), None),
        (Version(None, digest("d")), 5),
        (Version(), 5),
    ],
)
def test_a_version_stood_as_it_was_written_and_a_tag_without_digest_with_any(
    version: Version, since: float | None
) -> None:
    assert asked(Version("9"), version) == ({} if since is None else {version: at(since)})


def test_the_tag_that_stands_is_not_one_of_its_older_digests() -> None:
    assert asked(Version("1", digest("b")), Version("1"), Version("1", digest("a"))) == {
        Version("1", digest("a")): at(1)
    }
    assert asked(Version("2", digest("c")), Version("2")) == {Version("2"): at(3)}


def test_only_what_is_asked_for_is_told() -> None:
    assert asked(Version("9")) == {}
    assert list(asked(Version("9"), Version("2"), Version("7"), Version("1"))) == [Version("2"), Version("1")]
