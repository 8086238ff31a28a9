"""When what a registry lists was pushed, as looks and events tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import at, digest
from updater.core.sightings import FORGOTTEN, NEAR, Knowledge, Sighting, is_news, looked, sightings
from updater.model import APART, Version
from updater.registry import Listing, Pushes, Tagged

A, B = digest("a"), digest("b")
NAMELESS = Tagged()
Listed = Mapping[str, Tagged]


def after(*looks: tuple[float, Listed]) -> Knowledge:
    """What is known after looks at these minutes."""
    known: Knowledge | None = None
    for minute, listed in looks:
        known = looked(known, Listing(listed, at(minute)))
    assert known is not None
    return known


def seen(*looks: tuple[float, Listed], pushes: Pushes | None = None) -> dict[str, Sighting]:
    """What the last of these looks tells."""
    minute, listed = looks[-1]
    return sightings(after(*looks), Listing(listed, at(minute), pushes or {}))


def test_of_what_was_there_at_the_first_look_nobody_knows_when_it_was_pushed() -> None:
    assert seen((0, {"1": Tagged(A), "2": NAMELESS})) == {"1": Sighting(A), "2": Sighting()}


def test_that_stays_so_at_later_looks() -> None:
    assert seen((0, {"1": Tagged(A)}), (60, {"1": Tagged(A)})) == {"1": Sighting(A)}


@pytest.mark.parametrize("tagged", [NAMELESS, Tagged(A)])
def test_a_tag_that_was_not_there_before_was_pushed_since_the_look_before(tagged: Tagged) -> None:
    found = Sighting(tagged.digest, at(60), at(0))
    assert seen((0, {}), (60, {"1": tagged})) == {"1": found}
    assert seen((0, {}), (60, {"1": tagged}), (120, {"1": tagged})) == {"1": found}, "and no look changes that"


def test_a_tag_that_names_something_else_was_pushed_since_it_was_last_seen_to_name_the_old() -> None:
    assert seen((0, {"1": Tagged(A)}), (60, {"1": Tagged(B)})) == {"1": Sighting(B, at(60), at(0))}


def test_looks_that_did_not_ask_what_a_tag_names_do_not_count_as_the_look_before() -> None:
    found = seen((0, {"1": Tagged(A)}), (60, {"1": NAMELESS}), (90, {"1": NAMELESS}), (120, {"1": Tagged(B)}))
    assert found == {"1": Sighting(B, at(120), at(0))}
    again = seen((0, {"1": Tagged(A)}), (60, {"1": NAMELESS}), (90, {"1": Tagged(A)}), (120, {"1": Tagged(B)}))
    assert again == {"1": Sighting(B, at(120), at(90))}


def test_a_tag_of_which_it_was_not_asked_what_it_names_is_told_without_a_digest() -> None:
    assert seen((0, {"1": Tagged(A)}), (60, {"1": NAMELESS})) == {"1": Sighting()}


def test_a_tag_that_is_asked_for_the_first_time_is_not_new() -> None:
    assert seen((0, {"1": NAMELESS}), (60, {"1": Tagged(A)})) == {"1": Sighting(A)}
    found = seen((0, {}), (60, {"1": NAMELESS}), (120, {"1": Tagged(A)}))
    assert found == {"1": Sighting(A, at(60), at(0))}


def test_a_list_that_misses_a_tag_for_once_does_not_make_it_new() -> None:
    assert seen((0, {"1": Tagged(A)}), (60, {}), (120, {"1": Tagged(A)})) == {"1": Sighting(A)}
    assert seen((0, {"1": NAMELESS}), (60, {}), (90, {}), (120, {"1": NAMELESS})) == {"1": Sighting()}


def test_a_tag_that_comes_back_as_something_else_was_pushed_since_it_was_last_told() -> None:
    found = seen((0, {"1": Tagged(A)}), (60, {}), (90, {}), (120, {"1": Tagged(B)}))
    assert found == {"1": Sighting(B, at(120), at(0))}


def test_a_tag_that_was_away_for_long_is_forgotten() -> None:
    long = FORGOTTEN / timedelta(minutes=1)
    other = {"2": NAMELESS}
    assert "1" in after((0, {"1": Tagged(A), **other}), (60, other), (60 + long, other)).tags
    assert "1" not in after((0, {"1": Tagged(A), **other}), (60, other), (61 + long, other)).tags


def test_what_was_hidden_for_long_is_not_new_when_it_is_there_again() -> None:
    """Registries say of what one may not read that it is not there."""
    long = FORGOTTEN / timedelta(minutes=1)
    listed = {"1": NAMELESS, "2": Tagged(A)}
    assert seen((0, listed), (60, {}), (61 + long, {}), (90 + long, listed)) == {"1": Sighting(), "2": Sighting(A)}


# --- what registries and events tell


def test_an_event_knows_better_than_a_look() -> None:
    told = {"1": [(A, at(20))]}
    assert seen((0, {}), (60, {"1": Tagged(A)}), pushes=told) == {"1": Sighting(A, at(20), at(20))}


def test_an_event_that_comes_late_is_believed_at_the_next_look() -> None:
    looks: Sequence[tuple[float, Listed]] = ((0, {}), (60, {"1": Tagged(A)}), (120, {"1": Tagged(A)}))
    assert seen(*looks, pushes={"1": [(A, at(20))]}) == {"1": Sighting(A, at(20), at(20))}


def test_what_was_there_at_the_first_look_was_pushed_when_an_event_told() -> None:
    assert seen((0, {"1": Tagged(A)}), pushes={"1": [(A, at(-20))]}) == {"1": Sighting(A, at(-20), at(-20))}


def test_the_earliest_push_of_a_digest_counts() -> None:
    told = {"1": [(A, at(50)), (A, at(-20)), (B, at(-30))]}
    assert seen((0, {}), (60, {"1": Tagged(A)}), pushes=told) == {"1": Sighting(A, at(-20), at(-20))}


@pytest.mark.parametrize("pushed", [A, None])
def test_an_event_that_is_told_again_later_does_not_make_it_younger(pushed: str | None) -> None:
    assert seen((0, {"1": Tagged(A)}), (60, {"1": Tagged(A)}), pushes={"1": [(pushed, at(30))]}) == {"1": Sighting(A)}


def test_an_event_without_a_digest_counts_where_it_came_between_two_looks() -> None:
    looks: Sequence[tuple[float, Listed]] = ((0, {"1": Tagged(A)}), (60, {"1": Tagged(B)}))
    assert seen(*looks, pushes={"1": [(None, at(20)), (None, at(40))]}) == {"1": Sighting(B, at(20), at(20))}
    assert seen(*looks, pushes={"1": [(None, at(-20))]}) == {"1": Sighting(B, at(60), at(0))}


def test_an_event_about_another_digest_says_nothing() -> None:
    assert seen((0, {}), (60, {"1": Tagged(A)}), pushes={"1": [(B, at(20))]}) == {"1": Sighting(A, at(60), at(0))}


def test_where_it_is_not_known_what_a_tag_names_any_push_of_it_in_that_time_counts() -> None:
    assert seen((0, {}), (60, {"1": NAMELESS}), pushes={"1": [(B, at(20))]}) == {"1": Sighting(None, at(20), at(20))}


@pytest.mark.parametrize(("uploaded", "pushed"), [(20, 20), (90, 60)])
def test_the_time_of_an_upload_is_believed_between_two_looks(uploaded: float, pushed: float) -> None:
    """A registry's clock may be wrong."""
    found = seen((0, {}), (60, {"1": Tagged(A, at(uploaded))}))
    assert found == {"1": Sighting(A, at(pushed), at(pushed))}


@pytest.mark.parametrize("uploaded", [-30, 0])
@pytest.mark.parametrize("before", [{}, {"1": Tagged(B, at(-60))}])
def test_of_what_was_uploaded_before_its_tag_named_it_nobody_knows_when_that_was(
    before: Listed, uploaded: float
) -> None:
    """Whoever tags an image anew uploads nothing."""
    assert seen((0, before), (60, {"1": Tagged(A, at(uploaded))})) == {"1": Sighting(A, at(60), at(0))}


def test_the_time_of_an_upload_tells_how_old_is_what_was_there_at_the_first_look() -> None:
    assert seen((0, {"1": Tagged(A, at(-30))})) == {"1": Sighting(A, at(-30), at(-30))}
    assert seen((0, {"1": Tagged(A, at(30))})) == {"1": Sighting(A, at(0), at(0))}


def test_the_same_thing_that_is_uploaded_again_is_not_younger() -> None:
    assert seen((0, {"1": Tagged(A, at(-30))}), (60, {"1": Tagged(A, at(30))})) == {"1": Sighting(A, at(-30), at(-30))}


def test_a_clock_that_was_put_back_leaves_nothing_in_the_time_to_come() -> None:
    ahead = seen((600, {}), (660, {"1": Tagged(A)}), (60, {"1": Tagged(A)}), (120, {"1": Tagged(B)}))
    assert ahead == {"1": Sighting(B, at(120), at(60))}


def test_so_may_what_it_was_told_of_a_tag_that_is_older_than_that() -> None:
    looks: Sequence[tuple[float, Listed]] = ((0, {"1": Tagged(A)}), (660, {"1": Tagged(A)}), (670, {"1": NAMELESS}))
    assert seen(*looks, (60, {"1": Tagged(B)})) == {"1": Sighting(B, at(60), at(60) - APART)}


def test_what_a_clock_that_was_ahead_has_seen_may_have_been_seen_a_day_before() -> None:
    """Otherwise what it missed would be taken for newer than what came by its event meanwhile."""
    found = {"1": Sighting(A, at(60), at(60) - APART)}
    assert seen((600, {}), (60, {"1": Tagged(A)})) == found
    assert seen((600, {}), (660, {"1": Tagged(A)}), (60, {"1": Tagged(A)})) == found
    first = seen((660, {"1": Tagged(A)}), (670, {"1": NAMELESS}), (60, {"1": NAMELESS}), (90, {"1": Tagged(B)}))
    assert first == {"1": Sighting(B, at(90), at(60) - APART)}


def test_a_clock_that_was_a_little_ahead_is_taken_for_one_that_was_so_by_some_minutes() -> None:
    assert seen((61, {}), (60, {"1": Tagged(A)})) == {"1": Sighting(A, at(60), at(60) - NEAR)}


def test_a_look_by_a_clock_that_was_wrong_is_replaced() -> None:
    old = after((600, {}))
    assert is_news(old, looked(old, Listing({}, at(594))))
    assert not is_news(old, looked(old, Listing({}, at(596))))


# --- what is kept


def test_a_look_that_changes_nothing_is_no_news() -> None:
    old = after((0, {"1": Tagged(A), "2": NAMELESS}))
    assert not is_news(old, after((0, {"1": Tagged(A), "2": NAMELESS}), (60, {"1": Tagged(A), "2": NAMELESS})))


@pytest.mark.parametrize("listed", [{}, {"1": Tagged(B)}, {"1": Tagged(A), "2": NAMELESS}])
def test_what_came_went_or_moved_is_news(listed: Listed) -> None:
    old = after((0, {"1": Tagged(A)}))
    assert is_news(old, looked(old, Listing(listed, at(60))))


def test_so_is_the_first_look_and_what_else_stands_by_now() -> None:
    listing = Listing({"1": Tagged(A)}, at(60))
    old = looked(None, listing, frozenset({Version("1", A)}))
    assert is_news(None, old)
    assert not is_news(old, looked(old, listing, frozenset({Version("1", A)})))
    assert is_news(old, looked(old, listing, frozenset({Version("2")})))


# --- laws

TAGS = st.sampled_from(["1", "2"])
LISTED = st.dictionaries(TAGS, st.builds(Tagged, st.sampled_from([None, A, B]), st.none() | st.just(at(7))))
LOOKS = st.lists(LISTED, min_size=1, max_size=6).map(lambda listed: [(10.0 * n, each) for n, each in enumerate(listed)])
PUSHES = st.dictionaries(
    TAGS, st.lists(st.tuples(st.sampled_from([None, A, B]), st.integers(-20, 80).map(at)), max_size=4)
)


@given(LOOKS, PUSHES)
def test_nothing_was_pushed_after_it_was_looked_at_or_before_it_can_have_been(
    looks: list[tuple[float, Listed]], pushes: Pushes
) -> None:
    for each in seen(*looks, pushes=pushes).values():
        if each.pushed_at is not None:
            assert each.pushed_at <= at(looks[-1][0])
            assert each.earliest is None or each.earliest <= each.pushed_at
        else:
            assert each.earliest is None


@given(LOOKS, PUSHES)
def test_a_look_that_finds_nothing_new_changes_nothing(looks: list[tuple[float, Listed]], pushes: Pushes) -> None:
    again = [*looks, (looks[-1][0] + 10, looks[-1][1])]
    assert seen(*again, pushes=pushes) == seen(*looks, pushes=pushes)


@given(LOOKS, PUSHES)
def test_the_order_in_which_events_came_does_not_matter(looks: list[tuple[float, Listed]], pushes: Pushes) -> None:
    turned = {tag: list(reversed(list(these))) for tag, these in pushes.items()}
    assert seen(*looks, pushes=pushes) == seen(*looks, pushes=turned)


@given(LOOKS, PUSHES)
def test_looks_that_were_no_news_may_be_forgotten_and_nothing_is_taken_for_older(
    looks: list[tuple[float, Listed]], pushes: Pushes
) -> None:
    """What stands in a tag is known as well, and from an earlier look at the most."""
    kept: Knowledge | None = None
    for minute, listed in looks:
        new = looked(kept, Listing(listed, at(minute)))
        kept = new if is_news(kept, new) else kept
    minute, listed = looks[-1]
    last = Listing(listed, at(minute), pushes)
    assert kept is not None
    found, whole = sightings(looked(kept, last), last), seen(*looks, pushes=pushes)
    assert found.keys() == whole.keys()
    for tag, each in found.items():
        exact = whole[tag]
        assert (each.earliest is None) == (exact.earliest is None)
        assert each.earliest is None or exact.earliest is None or each.earliest <= exact.earliest


@given(LOOKS)
def test_what_is_found_is_not_older_than_the_look_that_did_not_find_it(looks: list[tuple[float, Listed]]) -> None:
    for each in seen(*looks).values():
        assert each.earliest is None or (each.pushed_at is not None and each.pushed_at >= each.earliest)


@given(LOOKS, LISTED)
def test_every_tag_that_is_listed_is_told_and_no_other(looks: list[tuple[float, Listed]], last: Listed) -> None:
    found = seen(*looks, (looks[-1][0] + 10, last))
    assert {tag: each.digest for tag, each in found.items()} == {tag: each.digest for tag, each in last.items()}
