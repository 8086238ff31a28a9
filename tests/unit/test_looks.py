"""What looks at registries have found: the file of an image, and how the remote comes to have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, overlay, sight
from updater import looks as keeping
from updater import notes, polling
from updater.core import looks
from updater.core.sightings import NEAR, Knowledge, Seen
from updater.errors import RegistryUnavailable
from updater.model import APART, Version
from updater.polling import Listings
from updater.registry import Listing, Tagged

OTHER = IMAGE.replace("model-a", "model-b")
FILES = {**environment_file(), **overlay("main-1", "a"), **overlay("main-1", "a", service="model-b")}
STANDING = frozenset({Version("main-1", digest("a"))})
FULL = Seen(at(5), at(1), digest("a"), at(2), at(3), at(4))

TIMES = st.integers(-10_000_000, 10_000_000).map(at)
MAYBE = st.none() | TIMES
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
DIGESTS = st.none() | st.sampled_from("abc").map(digest)
SEEN = st.builds(Seen, TIMES, MAYBE, DIGESTS, MAYBE, MAYBE, MAYBE)
VERSIONS = st.builds(Version, st.none() | TAGS, DIGESTS)
KNOWN = st.builds(Knowledge, TIMES, st.dictionaries(TAGS, SEEN, max_size=5), st.frozensets(VERSIONS, max_size=3))


@given(KNOWN)
def test_what_is_written_is_read_again_whole(known: Knowledge) -> None:
    assert looks.read(looks.written(IMAGE, known)) == known


def test_a_tag_that_comes_and_goes_is_a_line_that_comes_and_goes() -> None:
    tags = {"main-10": Seen(at(0)), "main-1": FULL}
    one, both = (
        looks.written(IMAGE, Knowledge(at(9), part, STANDING)).splitlines() for part in ({"main-1": FULL}, tags)
    )
    assert both == [*one, b'{"tag": "main-10", "found": "2026-11-20T12:00:00Z"}']


GOOD = looks.written(IMAGE, Knowledge(at(9), {"main-1": FULL, "main-2": Seen(at(0))}, STANDING))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"main-2"', b'"main 2"'),
        (b'"main-2"', b"2"),
        (b'"tag": "main-2"', b'"name": "main-2"'),
        (b'"found": "2026-11-20T12:00:00Z"', b'"found": "yesterday"'),
        (b'"found": "2026-11-20T12:00:00Z"', b'"found": null'),
        (b'"looked_at": ', b'"at": '),
        (b'"standing": [[', b'"standing": [["more", '),
        (b'"standing": [[', b'"standing": 7, "others": [['),
        (b'"digest": "sha256:', b'"digest": "md5:'),
        (b'{"tag": "main-2"', b'["tag", "main-2"'),
        (b'{"tag": "main-2"', b"[" * 100_000),
        (b"}\n", b"}\n\xff\n"),
    ],
)
def test_a_file_with_anything_wrong_in_it_counts_for_nothing(old: bytes, new: bytes) -> None:
    """A tag that is missing would be taken for new."""
    assert looks.read(GOOD) is not None
    assert old in GOOD
    assert looks.read(GOOD.replace(old, new)) is None


@given(st.binary(max_size=200))
def test_nothing_that_anybody_may_have_written_there_is_an_error(content: bytes) -> None:
    known = looks.read(content)
    assert known is None or looks.read(looks.written(IMAGE, known)) == known


def test_an_empty_file_counts_for_nothing() -> None:
    assert looks.read(b"") is None


@pytest.mark.parametrize("image", ["localhost:5000/model-a", "docker.io/library/nginx", "reg.example/a/b/c__d-e.f"])
def test_every_image_has_a_file_of_its_own_in_one_folder(image: str) -> None:
    name = looks.file_name(image)
    assert "/" not in name
    assert name != looks.file_name(image + "/x")


# --- on the remote


def repository() -> FakeRepository:
    return FakeRepository({"main": FILES})


def listed(minutes: float, *tags: str, **more: str) -> Listings:
    """A list of both images that was asked for then."""
    told = {tag: Tagged(digest(letter)) for tag, letter in more.items()}
    listing = Listing({**{tag: Tagged() for tag in tags}, **told}, at(minutes))
    return {IMAGE: listing, OTHER: listing}


def keep(where: FakeRepository, listings: Listings, pauses: list[int] | None = None) -> list[str]:
    """What went wrong."""
    where.refresh()
    pause: Callable[[int], None] = (pauses if pauses is not None else []).append
    seen = sight(where, clock=StoppedClock(at(90)))
    return [str(error) for error in keeping.keep(seen, pause, listings, polling.standing(seen))]


def known(where: FakeRepository, image: str = IMAGE) -> Knowledge | None:
    where.refresh()
    return polling.known(sight(where), image)


def test_what_was_listed_and_what_stands_is_known_on_an_empty_disk() -> None:
    there = repository()
    assert keep(there, listed(10, "main-1")) == []
    assert known(there.elsewhere()) == Knowledge(at(10), {"main-1": Seen(at(10))}, STANDING)
    message = there.commits[there.remote[looks.REF]].message
    assert message == f"Keep what registries have of 2 image(s)\n\n{IMAGE}\n{OTHER}\n"


def test_a_look_that_finds_nothing_new_writes_nothing() -> None:
    there = repository()
    keep(there, listed(10, "main-1"))
    before = list(there.pushes)
    assert keep(there, listed(20, "main-1")) == []
    assert there.pushes == before
    assert known(there) == Knowledge(at(10), {"main-1": Seen(at(10))}, STANDING), "and the time of the first will do"


def test_only_the_files_of_images_with_news_are_written() -> None:
    there = repository()
    keep(there, listed(10, "main-1"))
    keep(there, {**listed(20, "main-1"), OTHER: listed(20, "main-1", "main-2")[OTHER]})
    assert known(there) == Knowledge(at(10), {"main-1": Seen(at(10))}, STANDING)
    assert known(there, OTHER) == Knowledge(at(20), {"main-1": Seen(at(10)), "main-2": Seen(at(20), at(10))}, STANDING)


def test_where_something_else_stands_by_now_the_newer_look_counts() -> None:
    there = repository()
    keep(there, listed(10, "main-1", "main-2"))
    there.commit("main", overlay("main-2"))
    keep(there, listed(20, "main-1", "main-2"))
    now = known(there)
    assert now is not None
    assert (now.looked_at, now.standing) == (at(20), frozenset({Version("main-2")}))


def test_nothing_is_kept_of_an_image_that_nobody_follows_any_more_or_that_did_not_answer() -> None:
    there = repository()
    errors: Listings = {IMAGE: RegistryUnavailable("down"), "reg.example/other": listed(10, "1")[IMAGE]}
    assert keep(there, errors) == []
    assert keep(there, {}) == []
    assert there.pushes == []


def test_somebody_else_who_looked_meanwhile_is_added_to() -> None:
    there = repository()
    there.rivals = [lambda: keep(there.elsewhere(), listed(12, "main-1", "main-2"))]
    pauses: list[int] = []
    assert keep(there, listed(10, "main-1"), pauses) == []
    assert pauses == [1]
    now = known(there)
    assert now is not None
    assert now.tags == {"main-1": Seen(at(10)), "main-2": Seen(at(12), missing=at(10))}


def test_who_is_overtaken_every_time_gives_up_and_says_so() -> None:
    there = repository()

    def rival(number: int) -> None:
        there.commit(looks.REF, {"x": str(number)})

    there.rivals = [lambda number=number: rival(number) for number in range(notes.TRIES)]  # type: ignore[misc]
    (problem,) = keep(there, listed(10, "main-1"))
    assert problem == f"{looks.REF} was changed by others {notes.TRIES} times in a row"


def test_a_remote_that_takes_no_such_ref_is_a_problem_that_is_told() -> None:
    there = repository()
    there.refuses[looks.REF] = "deny updating a hidden ref"
    assert keep(there, listed(10, "main-1")) == ["deny updating a hidden ref"]


def test_an_image_with_more_tags_than_are_kept_is_told_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(looks, "MAX_BYTES", 400)
    there = repository()
    many = listed(10, *(f"main-{number}" for number in range(20)))
    assert keep(there, {**listed(10, "main-1"), OTHER: many[OTHER]}) == []
    assert f"{OTHER} has too many tags" in caplog.text
    assert (known(there) is None, known(there, OTHER)) == (False, None)
    assert keep(there, {OTHER: many[OTHER]}) == []


def test_a_file_that_cannot_be_read_counts_as_none_is_told_and_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    there = repository()
    there.commit(looks.REF, {looks.file_name(IMAGE): "junk\n", "another-release.json": "keep me"})
    assert known(there) is None
    assert "counts as looked at for the first time" in caplog.text
    keep(there, listed(10, "main-1"))
    assert known(there) == Knowledge(at(10), {"main-1": Seen(at(10))}, STANDING)
    assert there.on_remote(looks.REF, "another-release.json") == "keep me"


def test_a_file_that_is_larger_than_any_of_ours_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    there = repository()
    keep(there, listed(10, "main-1"))
    monkeypatch.setattr(looks, "MAX_BYTES", 20)
    assert known(there) is None


def test_over_something_that_is_no_commit_the_ref_begins_anew() -> None:
    there = repository()
    there.remote[looks.REF] = "0" * 40
    assert known(there) is None
    assert keep(there, listed(10, "main-1")) == []
    tip = there.remote[looks.REF]
    assert there.commits[tip].parent is None
    assert known(there) == Knowledge(at(10), {"main-1": Seen(at(10))}, STANDING)


def test_what_stands_in_all_environments_counts() -> None:
    there = FakeRepository({"main": {**FILES, **environment_file("edge"), **overlay("main-0", environment="edge")}})
    keep(there, listed(10, "main-1"))
    now = known(there)
    assert now is not None
    assert now.standing == STANDING | {Version("main-0")}


def test_a_look_by_a_clock_that_was_wrong_is_replaced_and_nothing_counts_as_found_after_it() -> None:
    there = repository()
    keep(there, listed(600, "main-1"))
    keep(there, listed(10, "main-1", "main-2"))
    now = known(there)
    assert now is not None
    assert now.looked_at == at(10)
    assert now.tags == {"main-1": Seen(at(10)), "main-2": Seen(at(10), at(10) - APART)}


def test_clocks_may_differ_a_little() -> None:
    there = repository()
    keep(there, listed(11, "main-1"))
    keep(there, listed(10, "main-1", "main-2"))
    now = known(there)
    assert now is not None
    assert now.tags["main-2"] == Seen(at(10), at(10) - NEAR)
