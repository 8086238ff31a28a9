"""What a move back keeps out, and what ends that."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, landing, pushed, recalled, rule, stories
from updater.core.environment import OrderName
from updater.core.holds import hold_on, is_same, reason
from updater.model import Event, Hold, Landing, Origin, Past, Standing, Version

SEMVER, PUSHED = rule("semver"), rule("pushed")
EVERY_ORDER: list[OrderName] = ["pushed", "semver", "numerical", "alphabetical"]

ONE, TWO, THREE = landing("1", "a", 10), landing("2", "b", 20), landing("3", "c", 30)


def held(past: Past) -> list[str | None]:
    """The tags that are held, oldest hold first."""
    return [hold.version.tag for hold in past.holds]


def again(old: Landing, minutes: float, commit: str = "4e4e7f0") -> Landing:
    """The same version comes back by somebody's hand: no trailers tell when it was pushed."""
    return replace(old, pushed_at=at(minutes), landed_at=at(minutes), commit=commit)


def keeps_out(past: Past, event: Event, order: OrderName = "semver") -> bool:
    """Whether a hold is on this push."""
    return hold_on(past.holds, rule(order), event, stood=event.version in past.stood) is not None


def test_what_stands_was_built_where_its_own_landing_tells() -> None:
    built = [replace(each, origin=Origin(version=each.version.tag)) for each in (ONE, TWO)]
    assert recalled(SEMVER, *built).standing == Standing("c0ffee0", at(20), at(20), origin=Origin(version="2"))
    assert recalled(SEMVER, *built, THREE).standing == Standing("c0ffee0", at(30), at(30))


# What begins a hold


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_moves_forward_hold_nothing(order: OrderName) -> None:
    past = recalled(rule(order), ONE, TWO, THREE)
    assert past.holds == ()
    assert past.standing == Standing("c0ffee0", at(30), at(30))


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_revert_holds_the_version_that_was_moved_away_from(order: OrderName) -> None:
    past = recalled(rule(order), ONE, TWO, again(ONE, 40))
    assert past.holds == (Hold(TWO.version, at(20), "4e4e7f0", "alice", at(40)),)
    assert past.standing == Standing("4e4e7f0", pushed_at=at(10), landed_at=at(40))


def test_a_version_that_never_stood_and_is_older_holds_as_well() -> None:
    by_hand = landing("1.3.9", "d", 50)
    assert held(recalled(SEMVER, landing("1.4.0", "b", 20), by_hand)) == ["1.4.0"]
    assert held(recalled(PUSHED, landing("1.4.0", "b", 20), by_hand)) == []


def test_going_back_over_several_versions_holds_the_last_one_alone() -> None:
    past = recalled(SEMVER, ONE, TWO, THREE, again(ONE, 40))
    assert held(past) == ["3"]
    assert keeps_out(past, pushed("2", "b", 20))


def test_a_new_service_holds_nothing() -> None:
    assert recalled(SEMVER, ONE) == Past(Standing("c0ffee0", at(10), at(10)), (), {ONE.version: at(10)})


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_mutable_tag_that_goes_back_to_its_older_digest_holds_the_newer_one(order: OrderName) -> None:
    old, new = landing("latest", "a", 10), landing("latest", "b", 20)
    assert [hold.version for hold in recalled(rule(order), old, new, again(old, 30)).holds] == [new.version]


def test_a_move_from_an_ordered_tag_to_one_without_order_is_back_and_from_it_is_forward() -> None:
    assert held(recalled(SEMVER, landing("1.0.0", "a", 10), landing("latest", "b", 20))) == ["1.0.0"]
    assert held(recalled(SEMVER, landing("latest", "b", 20), landing("1.0.0", "a", 10))) == []


def test_of_tags_that_nothing_orders_the_one_that_stood_before_is_the_older() -> None:
    first, second = landing("edge", "a", 10), landing("latest", "b", 20)
    assert held(recalled(SEMVER, first, second)) == []
    assert held(recalled(SEMVER, first, second, again(first, 30))) == ["latest"]


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_an_entry_that_loses_the_version_it_never_lacked_holds_it(order: OrderName) -> None:
    past = recalled(rule(order), landing("1", "a", 10), landing("2", "b", 20), landing(None, None, 30))
    assert held(past) == ["2"]


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_an_entry_that_goes_back_to_the_image_of_its_base_holds_what_it_had(order: OrderName) -> None:
    bare = landing(None, None, 0)
    assert held(recalled(rule(order), bare, ONE, again(bare, 20))) == ["1"]
    assert held(recalled(rule(order), bare, ONE)) == []


# Digests


@pytest.mark.parametrize("pushed_at", [5, 15], ids=["pushed before the tag was written", "after"])
def test_a_digest_that_is_learned_moves_nothing_back(pushed_at: float) -> None:
    learned = replace(landing("1", "a", pushed_at), landed_at=at(30))
    past = recalled(PUSHED, landing("1", None, 10), learned)
    assert past.holds == ()
    assert past.standing == Standing("c0ffee0", at(pushed_at), at(30), tag_since=at(10))


def test_a_digest_that_is_taken_back_is_held_where_the_tag_stood_without() -> None:
    bare, learned = landing("1", None, 10), landing("1", "a", 20)
    past = recalled(SEMVER, bare, learned, again(bare, 30))
    assert [hold.version for hold in past.holds] == [learned.version]
    assert keeps_out(past, pushed("1", "a", 20))
    assert not keeps_out(past, pushed("1", "b", 50))


def test_a_digest_that_somebody_deletes_from_an_entry_that_always_had_one_is_no_move_back() -> None:
    assert recalled(SEMVER, landing("1", "a", 10), landing("1", None, 30)).holds == ()


def test_the_time_of_a_tag_without_digest_lasts_over_its_digests_and_no_further() -> None:
    bare, a, b = landing("main", None, 20), landing("main", "a", 5), landing("main", "b", 8)
    since = [
        each.standing and each.standing.tag_since
        for each in (
            recalled(PUSHED, bare),
            recalled(PUSHED, bare, a),
            recalled(PUSHED, bare, a, b),
            recalled(PUSHED, bare, a, b, again(bare, 40)),
            recalled(PUSHED, bare, a, landing("next", "c", 50)),
            recalled(PUSHED, bare, a, landing("next", "c", 50), landing("main", "b", 60)),
            recalled(PUSHED, a, b),
        )
    ]
    assert since == [None, at(20), at(20), None, None, None, None]


# What ends a hold


@pytest.mark.parametrize("order", EVERY_ORDER)
@pytest.mark.parametrize(
    ("comes", "left"),
    [(again(TWO, 50), []), (landing("3", "c", 50), []), (landing("0", "d", -5, landed=50), ["2", "1"])],
    ids=["the version itself", "a newer one", "an older one"],
)
def test_a_hold_ends_by_the_version_or_a_newer_one_and_by_no_older_one(
    order: OrderName, comes: Landing, left: list[str]
) -> None:
    assert held(recalled(rule(order), ONE, TWO, again(ONE, 40), comes)) == left


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_revert_of_a_revert_ends_the_hold_and_a_third_revert_begins_it_again(order: OrderName) -> None:
    steps = [ONE, TWO, again(ONE, 40), again(TWO, 50), again(ONE, 60, "third")]
    assert [held(recalled(rule(order), *steps[:count])) for count in range(1, 6)] == [[], [], ["2"], [], ["2"]]
    assert recalled(rule(order), *steps).holds[0].commit == "third"


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_two_reverts_one_after_the_other_hold_both_and_end_one_by_one(order: OrderName) -> None:
    back = [ONE, TWO, THREE, again(TWO, 40), again(ONE, 50)]
    assert held(recalled(rule(order), *back)) == ["3", "2"]
    assert held(recalled(rule(order), *back, again(TWO, 60))) == ["3"]
    assert held(recalled(rule(order), *back, again(THREE, 60))) == []


def test_a_hotfix_between_what_stands_and_what_is_held_ends_no_hold() -> None:
    first = landing("1.3.2", "a", 10)
    past = recalled(SEMVER, first, landing("1.4.0", "b", 20), again(first, 30), landing("1.3.3", "c", 40))
    assert held(past) == ["1.4.0"]
    assert keeps_out(past, pushed("1.3.9", "d", 25))
    assert not keeps_out(past, pushed("1.3.4", "d", 45))


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_held_version_that_is_put_back_with_an_earlier_time_than_before_ends_its_hold(order: OrderName) -> None:
    assert held(recalled(rule(order), ONE, TWO, again(ONE, 40), landing("2", "b", 15, landed=50))) == []


# What is kept out

REVERTED = recalled(SEMVER, landing("1.3.2", "a", 10), landing("1.4.0", "b", 20), landing("1.3.2", "a", 10, landed=30))


@pytest.mark.parametrize(
    ("event", "out"),
    [
        (pushed("1.4.0", "b", 20), True),
        (pushed("1.4.0", "b", 55), True),
        (pushed("1.4.0", None, 55), True),
        (pushed("1.4.0", "c", 55), False),
        (pushed("1.4.0", "c", 15), True),
        (pushed("1.3.3", "c", 29), True),
        (pushed("1.3.3", "c", 30), True),
        (pushed("1.3.3", "c", 31), False),
        (pushed("1.3.2", "a", 55), True),
        (pushed("1.4.1", "c", 1), False),
        (pushed("1.5.0", "c", 55), False),
    ],
    ids=[
        "the version that was moved away from",
        "the same, pushed again",
        "the same without its digest",
        "its tag with a later digest",
        "its tag with an earlier digest",
        "between both, pushed before the revert",
        "between both, pushed with the revert",
        "a hotfix pushed after it",
        "what stood before, whenever it is pushed again",
        "newer than the held one, pushed long ago",
        "newer than the held one",
    ],
)
def test_held_are_the_version_and_what_came_between_before_the_revert(event: Event, out: bool) -> None:
    assert keeps_out(REVERTED, event) is out


def test_a_tag_that_was_held_without_its_digest_is_held_with_any() -> None:
    past = recalled(SEMVER, landing("1.3.2", None, 10), landing("1.4.0", None, 20), landing("1.3.2", None, 30))
    assert keeps_out(past, pushed("1.4.0", "c", 55))
    assert keeps_out(past, pushed("1.4.0", None, 55))
    assert not keeps_out(past, pushed("1.4.1", "c", 55))


def test_by_the_time_of_the_push_a_hold_keeps_out_what_was_pushed_before_the_held_version() -> None:
    past = recalled(PUSHED, ONE, THREE, again(ONE, 40))
    kept = [(minutes, keeps_out(past, pushed("x", "f", minutes), "pushed")) for minutes in (15, 29, 31, 45)]
    assert kept == [(15, True), (29, True), (31, False), (45, False)]


def test_the_newest_hold_is_told_where_several_keep_a_version_out() -> None:
    past = recalled(SEMVER, ONE, TWO, THREE, again(TWO, 40, "first"), again(ONE, 50, "second"))
    told = [hold_on(past.holds, SEMVER, pushed(tag, None), stood=True) for tag in ("2", "3", "2.5")]
    assert [hold and hold.commit for hold in told] == ["second", "first", "first"]


def test_a_release_lets_its_tags_through_one_hold_and_no_other_tag() -> None:
    (hold,) = REVERTED.holds
    spared = (replace(hold, spares=frozenset({"1.4.0", "1.3.3"})),)
    let = [hold_on(spared, SEMVER, pushed(tag, "c", 15), stood=False) is None for tag in ("1.4.0", "1.3.3", "1.3.4")]
    assert let == [True, True, False]


def test_a_tag_that_is_released_from_one_hold_may_be_kept_out_by_an_older_one() -> None:
    past = recalled(SEMVER, ONE, TWO, THREE, again(TWO, 40, "first"), again(ONE, 50, "second"))
    holds = (past.holds[0], replace(past.holds[1], spares=frozenset({"2"})))
    hold = hold_on(holds, SEMVER, pushed("2", "b", 20), stood=True)
    assert hold is not None
    assert hold.commit == "first"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Version("1", digest("a")), Version("1", digest("a")), True),
        (Version("1", digest("a")), Version("1", digest("b")), False),
        (Version("1", digest("a")), Version("1"), True),
        (Version("1"), Version("1", digest("a")), True),
        (Version("1"), Version("1"), True),
        (Version("1", digest("a")), Version("2", digest("a")), False),
        (Version(None, digest("a")), Version("1", digest("a")), False),
        (Version(), Version("1"), False),
    ],
)
def test_a_tag_without_digest_is_that_tag_with_any(one: Version, other: Version, same: bool) -> None:
    assert is_same(one, other) is same


# Times that lie


@pytest.mark.parametrize(
    ("bump", "revert", "held_at"),
    [(20, 30, 30), (20, -30_000_000, 20), (40_000_000, 30, 40_000_000)],
    ids=["clocks that go right", "a revert from 1969", "a bump from 2102"],
)
def test_a_hold_is_no_older_than_what_it_holds(bump: float, revert: float, held_at: float) -> None:
    moves = landing("1", "a", 10), landing("2", "b", 20, landed=bump), landing("1", "a", 10, landed=revert)
    (hold,) = recalled(SEMVER, *moves).holds
    assert hold.at == at(held_at)
    assert keeps_out(recalled(SEMVER, *moves), pushed("1.5.0", "c", 15))


def test_the_earliest_time_that_any_landing_tells_counts_for_a_version() -> None:
    by_hand, by_event = landing("2", "b", 50), landing("2", "b", 20, landed=60)
    past = recalled(PUSHED, ONE, by_hand, landing("3", "c", 55), by_event)
    assert past.standing == Standing("c0ffee0", pushed_at=at(20), landed_at=at(60))
    assert held(past) == ["3"]
    assert keeps_out(past, pushed("x", "d", 54), "pushed")


# What is told


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (Version("1.4.0", digest("b")), "1.4.0 was reverted in 3fa9c1e by Ana on 2026-11-20"),
        (Version("1.4.0"), "1.4.0 was reverted in 3fa9c1e by Ana on 2026-11-20"),
        (Version("1.3.9"), "1.3.9 came before 1.4.0, which was reverted in 3fa9c1e by Ana on 2026-11-20"),
        (
            Version("1.4.0", digest("a")),
            "1.4.0@sha256:aaaaaaaaaaaa came before 1.4.0@sha256:bbbbbbbbbbbb, which was reverted in 3fa9c1e"
            " by Ana on 2026-11-20",
        ),
    ],
)
def test_a_reason_says_who_reverted_what_when_and_where(version: Version, words: str) -> None:
    hold = Hold(Version("1.4.0", digest("b")), at(20), "3fa9c1e" + "0" * 33, "Ana", at(30))
    assert reason(hold, version) == words


# The law


@given(stories("ab"), st.sampled_from(EVERY_ORDER))
def test_whatever_stood_is_older_than_what_stands_or_held(story: list[Landing], order: OrderName) -> None:
    past = recalled(rule(order), *story)
    here = rule(order).rank(story[-1].version, story[-1].pushed_at)
    for each in story:
        event = Event("generic", "id", IMAGE, each.version, received_at=at(1000), pushed_at=each.pushed_at)
        if rule(order).rank(event.version, event.time) > here:
            assert keeps_out(past, event, order)


@given(stories("ab"), st.sampled_from(EVERY_ORDER))
def test_every_hold_is_on_something_newer_than_what_stands(story: list[Landing], order: OrderName) -> None:
    past = recalled(rule(order), *story)
    here = rule(order).rank(story[-1].version, story[-1].pushed_at)
    assert all(rule(order).rank(hold.version, hold.pushed_at) > here for hold in past.holds)
    assert [hold.at for hold in past.holds] == sorted(hold.at for hold in past.holds)
    assert len({hold.version for hold in past.holds}) == len(past.holds)
