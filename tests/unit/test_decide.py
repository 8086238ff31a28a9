"""What happens to an entry when versions of its image were pushed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import (
    IMAGE,
    PATH,
    at,
    digest,
    entry,
    following,
    landing,
    pushed,
    recalled,
    rule,
    stories,
    target,
)
from updater.core import decide as deciding
from updater.core.decide import ignored, needs_past
from updater.core.environment import Hold, OrderName, Release
from updater.core.matching import Followed, merge
from updater.model import Decision, Event, Landing, Outcome, Past, Standing, Target, Version

COMMITTED, UNCHANGED, REJECTED = Outcome.COMMITTED, Outcome.UNCHANGED, Outcome.REJECTED
SUPERSEDED, REFUSED, HELD = Outcome.SUPERSEDED, Outcome.REFUSED, Outcome.HELD
FRESH = target()


def decide(followed: Followed, here: Target) -> tuple[Decision, ...]:
    return deciding.decide(followed, here, at(60))


def outcomes(decisions: tuple[Decision, ...]) -> list[tuple[str | None, Outcome]]:
    return [(decision.to.tag, decision.outcome) for decision in decisions]


def only(decisions: tuple[Decision, ...]) -> tuple[Outcome, str, int]:
    (decision,) = decisions
    return decision.outcome, decision.reason, decision.exit_code


def test_the_best_of_several_wins_and_the_others_are_superseded() -> None:
    events = pushed("1.3.0", "b"), pushed("1.5.0", "d"), pushed("1.4.0", "c")
    decisions = decide(following(*events, order="semver"), target("1.2.0", "a"))
    assert outcomes(decisions) == [("1.3.0", SUPERSEDED), ("1.4.0", SUPERSEDED), ("1.5.0", COMMITTED)]
    assert decisions[0].reason == "1.5.0 is newer and came with it"
    assert decisions[2].reason == "1.5.0 is newer than 1.2.0 (semver)"
    assert decisions[2] == Decision(
        IMAGE, events[1].version, COMMITTED, decisions[2].reason, events[1], decisions[2].target
    )


def test_what_stands_already_is_unchanged_and_older_ones_are_rejected() -> None:
    followed = following(pushed("1.3.0", "b"), pushed("1.4.0", "c"), order="semver")
    decisions = decide(followed, target("1.4.0", "c"))
    assert outcomes(decisions) == [("1.3.0", REJECTED), ("1.4.0", UNCHANGED)]
    assert [decision.reason for decision in decisions] == [
        "1.3.0 is older than 1.4.0, which stands (semver)",
        "1.4.0 stands already",
    ]
    assert {decision.exit_code for decision in decisions} == {0}


def test_each_version_that_is_older_than_what_stands_is_rejected() -> None:
    followed = following(pushed("1.3.0", "b"), pushed("1.2.0", "c"), order="semver")
    assert outcomes(decide(followed, target("1.4.0", "a"))) == [("1.2.0", REJECTED), ("1.3.0", REJECTED)]


def test_a_push_before_what_stands_is_rejected_with_both_times() -> None:
    reason = "b was pushed 2026-11-20T12:04:00Z, not after a, which stands (pushed 2026-11-20T12:05:00Z)"
    assert only(decide(following(pushed("b", "b", 4)), target("a", "a", 5))) == (REJECTED, reason, 0)
    assert only(decide(following(pushed("b", "b", 6)), target("a", "a", 5)))[0] is COMMITTED


def test_where_a_version_stands_that_was_pushed_last_nothing_older_lands_whatever_history_knows() -> None:
    # The tag was written by hand before the image was pushed, so history has an earlier time for it.
    followed = following(pushed("b", None, 3), pushed("a", None, 4))
    decisions = decide(followed, target("a", None, since=1))
    assert outcomes(decisions) == [("b", REJECTED), ("a", UNCHANGED)]
    assert decisions[0].reason == "b is older than a, which stands (pushed)"


def test_what_stands_counts_as_older_where_history_does_not_know_it() -> None:
    assert only(decide(following(pushed("b", "b", -60)), target("a", "a", None)))[0] is COMMITTED


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (pushed("v1.0", "b", 6), COMMITTED),
        (pushed("v1.0", "b", 4), REJECTED),
        (pushed("v1.0", "c", 5), COMMITTED),
        (pushed("v1.0", "a", 5), REJECTED),
    ],
    ids=["later", "earlier", "same time, higher digest", "same time, lower digest"],
)
def test_equal_keys_are_decided_by_push_time_then_digest(event: Event, outcome: Outcome) -> None:
    assert only(decide(following(event, order="semver"), target("1.0.0", "b", 5)))[0] is outcome


@pytest.mark.parametrize("letter", ["a", None, "c"])
@pytest.mark.parametrize("standing", [("main-10", "b"), ("main-10", None)])
def test_what_may_have_been_pushed_before_what_the_same_look_found_is_older_whatever_its_digest(
    letter: str | None, standing: tuple[str, str | None]
) -> None:
    found = replace(pushed("main-9", letter, minutes=None), earliest=at(5))
    outcome, reason, _ = only(decide(following(found), target(*standing, 5)))
    assert (outcome, "nobody knows whether it was pushed after main-10" in reason) == (REJECTED, True)
    assert only(decide(following(replace(found, earliest=at(6))), target("main-10", None, 5)))[0] is COMMITTED


@pytest.mark.parametrize(("order", "there"), [("pushed", "main-3"), ("semver", "v1.0")])
def test_what_was_there_at_the_first_look_is_newer_by_its_tag_alone(order: OrderName, there: str) -> None:
    """Another entry may want it: the tag that stands there names something else by now."""
    unknown = replace(pushed(there, "c", minutes=None), earliest=datetime.min.replace(tzinfo=UTC))
    outcome, reason, _ = only(decide(following(unknown, order=order), target("1.0.0", "b", 5)))
    assert (outcome, reason[:30]) == (REJECTED, f"nobody knows whether {there} was pushed"[:30])
    assert only(decide(following(unknown, order=order), target(there, "b", 5)))[0] is COMMITTED
    if order == "semver":
        assert only(decide(following(unknown, order=order), target("0.9.0", "b", 5)))[0] is COMMITTED


def test_a_standing_tag_that_the_rule_cannot_order_is_older_than_every_tag_it_can() -> None:
    outcome, reason, _ = only(decide(following(pushed("0.0.1", "b"), order="semver"), target("latest", "a", 99)))
    assert (outcome, reason) == (COMMITTED, "0.0.1 is newer than latest (semver)")


def test_a_mutable_tag_moves_to_its_new_digest_and_not_back() -> None:
    assert only(decide(following(pushed("latest", "b", 6)), target("latest", "a", 5)))[0] is COMMITTED
    assert only(decide(following(pushed("latest", "b", 4)), target("latest", "a", 5)))[0] is REJECTED


@pytest.mark.parametrize("order", ["pushed", "semver", "numerical", "alphabetical"])
@pytest.mark.parametrize("letter", ["a", None])
def test_a_fresh_entry_takes_anything_that_is_followed(order: str, letter: str | None) -> None:
    event = pushed("1", letter, -999)
    (decision,) = decide(following(event, order=order), FRESH)
    assert (decision.outcome, decision.to) == (COMMITTED, event.version)
    assert decision.reason == f"1 is newer than (none) ({order})"


def test_a_tag_that_the_rule_filters_out_gets_no_decision_and_blocks_no_other() -> None:
    followed = following(pushed("1.4.0-debug", "b", 9), pushed("1.3.0", "c", 3), ignore=("-debug$",))
    assert outcomes(decide(followed, target("1.2.0", "a", 1))) == [("1.3.0", COMMITTED)]
    assert decide(following(pushed("x-debug"), ignore=("-debug$",)), FRESH) == ()


# The digest


@pytest.mark.parametrize("since", [-5, 5, None], ids=["pushed since", "pushed before the tag was written", "unknown"])
def test_the_digest_is_learned_as_soon_as_it_is_known(since: float | None) -> None:
    (decision,) = decide(following(pushed("1.4.0", "a", 0)), target("1.4.0", None, since))
    assert (decision.outcome, decision.to) == (COMMITTED, pushed("1.4.0", "a").version)
    assert decision.reason == "1.4.0 stands without its digest, which is known now"


def test_the_digest_is_learned_beside_an_older_push_that_ranks_higher_than_it() -> None:
    followed = following(pushed("1.4.0", "a", 1), pushed("1.3.0", "b", 2))
    decisions = decide(followed, target("1.4.0", None, since=5))
    assert sorted(outcomes(decisions)) == [("1.3.0", REJECTED), ("1.4.0", COMMITTED)]


def test_a_push_without_digest_moves_the_tag_alone_where_no_digest_stands() -> None:
    (decision,) = decide(following(pushed("1.5.0"), order="semver"), target("1.4.0"))
    assert (decision.outcome, decision.to) == (COMMITTED, Version("1.5.0"))


@pytest.mark.parametrize("standing", [target("1.4.0", "a", -5), target("1.4.0", None, -5)], ids=["pinned", "tag only"])
def test_a_push_that_another_source_tells_with_its_digest_is_one_push(standing: Target) -> None:
    bare, whole = pushed("1.5.0", minutes=3, source="docker-hub"), pushed("1.5.0", "b", 2)
    decisions = decide(following(bare, whole), standing)
    assert [(decision.event, decision.outcome) for decision in decisions] == [(bare, SUPERSEDED), (whole, COMMITTED)]
    assert decisions[0].reason == "1.5.0 came with its digest as well"


def test_a_tag_without_digest_is_refused_where_a_digest_stands_and_says_where() -> None:
    outcome, reason, exit_code = only(decide(following(pushed("1.5.0"), order="semver"), target("1.4.0", "a")))
    assert (outcome, exit_code) == (REFUSED, 4)
    assert reason == (
        f"{PATH}:2 pins a digest, and the event names none for 1.5.0: "
        "writing the tag alone would leave the old image running"
    )


def test_a_tag_without_digest_does_not_keep_the_best_that_can_be_written_from_landing() -> None:
    followed = following(pushed("1.6.0"), pushed("1.5.0", "b"), pushed("1.4.5", "c"), pushed("1.4.1"), order="semver")
    decisions = decide(followed, target("1.4.0", "a"))
    assert outcomes(decisions) == [
        ("1.4.1", SUPERSEDED),
        ("1.4.5", SUPERSEDED),
        ("1.6.0", REFUSED),
        ("1.5.0", COMMITTED),
    ]


def test_several_tags_without_digest_are_each_refused_or_older() -> None:
    followed = following(pushed("1.5.0"), pushed("1.3.0"), order="semver")
    assert outcomes(decide(followed, target("1.4.0", "a"))) == [("1.3.0", REJECTED), ("1.5.0", REFUSED)]


@pytest.mark.parametrize(
    ("minutes", "since", "outcome"),
    [(5, 5, UNCHANGED), (4, 5, UNCHANGED), (5, None, UNCHANGED), (6, 5, REFUSED)],
    ids=["the same push", "an earlier one", "history does not know", "pushed anew"],
)
def test_a_standing_tag_that_comes_without_digest_is_news_only_if_it_was_pushed_anew(
    minutes: float, since: float | None, outcome: Outcome
) -> None:
    followed = following(pushed("latest", None, minutes))
    assert only(decide(followed, target("latest", "a", since)))[0] is outcome


def test_an_entry_with_a_digest_alone_takes_a_later_push_and_no_earlier_one() -> None:
    pinned = target(None, "a", 5)
    outcome, reason, _ = only(decide(following(pushed("b", "b", 6)), pinned))
    assert (outcome, reason) == (COMMITTED, "b is newer than sha256:aaaaaaaaaaaa (pushed 2026-11-20T12:06:00Z)")
    assert only(decide(following(pushed("b", "b", 4)), pinned))[0] is REJECTED
    assert only(decide(following(pushed("b", None, 6)), pinned))[0] is REFUSED
    assert only(decide(following(pushed("1.0.0", "b", 4), order="semver"), pinned))[0] is COMMITTED


def test_under_pin_tag_digests_are_neither_written_nor_missed() -> None:
    (decision,) = decide(following(pushed("1.5.0", "b"), order="semver", pin="tag"), target("1.4.0"))
    assert (decision.outcome, decision.to) == (COMMITTED, Version("1.5.0"))
    for letter in (None, "a"):
        assert only(decide(following(pushed("1.5.0", "b", 9), pin="tag"), target("1.5.0", letter, 1)))[0] is UNCHANGED
    assert only(decide(following(pushed("1.5.0", None, 9), pin="tag"), target("1.4.0", "a", 1)))[0] is COMMITTED


def test_under_pin_tag_a_tag_with_two_digests_is_written_once() -> None:
    followed = following(pushed("1.5.0", "a"), pushed("1.5.0", "b"), order="semver", pin="tag")
    assert outcomes(decide(followed, target("1.4.0"))) == [("1.5.0", SUPERSEDED), ("1.5.0", COMMITTED)]
    assert outcomes(decide(followed, target("1.5.0"))) == [("1.5.0", UNCHANGED), ("1.5.0", UNCHANGED)]


def test_a_tag_without_digest_that_is_older_than_what_stands_is_rejected_whatever_is_held() -> None:
    assert only(decide(following(pushed("1.3.0"), order="semver"), reverted("1.4.0", "1.5.0")))[0] is REJECTED


# One entry takes one version


def test_other_digests_of_a_tag_without_digest_do_not_land_beside_each_other() -> None:
    followed = following(pushed("main", "b", 8), pushed("main", "c", 10), pushed("next", "d", 15))
    decisions = decide(followed, target("main", None, since=20))
    assert sorted((str(each.to), each.outcome) for each in decisions) == [
        (str(Version("main", digest("b"))), SUPERSEDED),
        (str(Version("main", digest("c"))), COMMITTED),
        (str(Version("next", digest("d"))), REJECTED),
    ]


def test_newer_digests_of_a_tag_that_learned_its_own_do_not_land_beside_each_other() -> None:
    standing = Standing("c0ffee", at(5), at(30), tag_since=at(20))
    followed = following(pushed("main", "b", 8), pushed("main", "c", 10), pushed("next", "d", 15))
    decisions = decide(followed, replace(target("main", "a"), past=Past(standing)))
    assert outcomes(decisions).count(("main", COMMITTED)) == 1


def test_a_tag_that_learned_an_old_digest_still_beats_what_its_tag_has_beaten() -> None:
    here = replace(target("main", "a"), past=Past(Standing("c0ffee", at(5), at(30), tag_since=at(20))))
    outcome, reason, _ = only(decide(following(pushed("next", "d", 15)), here))
    assert outcome is REJECTED
    assert reason.endswith("not after main, which stands (pushed 2026-11-20T12:20:00Z)")
    assert only(decide(following(pushed("next", "d", 25)), here))[0] is COMMITTED
    assert only(decide(following(pushed("main", "b", 8)), here))[0] is COMMITTED
    assert only(decide(following(pushed("main", "b", 4)), here))[0] is REJECTED


# Holds


def reverted(to: str, *back_from: str, **rule_of: Any) -> Target:
    """The entry that was moved from these versions (all with a digest) back to one, at 12:30."""
    moves = [landing(to, "a", 1), *(landing(tag, "b", 2 + number) for number, tag in enumerate(back_from))]
    past = recalled(rule(**{"order": "semver", **rule_of}), *moves, landing(to, "a", 1, landed=30))
    return replace(target(to, "a"), past=past)


def test_what_was_reverted_is_held_and_says_who_did_it() -> None:
    outcome, reason, code = only(
        decide(following(pushed("1.4.0", "b", 50), order="semver"), reverted("1.3.2", "1.4.0"))
    )
    assert (outcome, reason, code) == (HELD, "1.4.0 was reverted in c0ffee0 by alice on 2026-11-20", 0)


def test_where_the_best_is_held_a_lesser_one_that_came_after_the_revert_lands() -> None:
    followed = following(pushed("1.4.0", "b", 50), pushed("1.3.3", "c", 40), pushed("1.3.4", "d", 20), order="semver")
    decisions = decide(followed, reverted("1.3.2", "1.4.0"))
    assert outcomes(decisions) == [("1.3.4", HELD), ("1.4.0", HELD), ("1.3.3", COMMITTED)]
    assert decisions[0].reason == "1.3.4 came before 1.4.0, which was reverted in c0ffee0 by alice on 2026-11-20"
    assert decisions[2].reason == "1.3.3 is newer than 1.3.2 (semver)"


def test_a_held_version_among_lesser_ones_is_held_and_not_superseded() -> None:
    followed = following(pushed("1.4.0", "b"), pushed("1.3.9", "c", 40), pushed("1.5.0", "d", 40), order="semver")
    decisions = decide(followed, reverted("1.3.2", "1.4.0"))
    assert outcomes(decisions) == [("1.3.9", SUPERSEDED), ("1.4.0", HELD), ("1.5.0", COMMITTED)]


def test_where_everything_is_held_nothing_lands() -> None:
    followed = following(pushed("1.4.0", "b"), pushed("1.3.9", "c", 20), pushed("1.3.1", "d", 50), order="semver")
    decisions = decide(followed, reverted("1.3.2", "1.4.0"))
    assert sorted(outcomes(decisions)) == [("1.3.1", REJECTED), ("1.3.9", HELD), ("1.4.0", HELD)]


def test_a_hold_does_not_change_what_is_said_of_the_version_that_stands() -> None:
    followed = following(pushed("1.3.2", "a", 50), pushed("1.4.0", "b", 50), order="semver")
    decisions = decide(followed, reverted("1.3.2", "1.4.0"))
    assert sorted(outcomes(decisions)) == [("1.3.2", UNCHANGED), ("1.4.0", HELD)]


def test_what_stood_between_and_is_pushed_again_after_the_revert_is_held() -> None:
    here = reverted("1.3.2", "1.3.9", "1.4.0")
    for letter, outcome in (("b", HELD), ("c", COMMITTED)):
        assert only(decide(following(pushed("1.3.9", letter, 50), order="semver"), here))[0] is outcome


def test_what_is_newer_than_the_held_version_lands_whenever_it_was_pushed() -> None:
    followed = following(pushed("1.4.1", "c", -99), order="semver")
    assert only(decide(followed, reverted("1.3.2", "1.4.0")))[0] is COMMITTED


def test_a_release_lets_its_version_in_and_what_came_between_stays_out() -> None:
    here = reverted("1.3.2", "1.4.0")
    (hold,) = here.past.holds
    spared = replace(here, past=replace(here.past, holds=(replace(hold, spares=frozenset({"1.3.9"})),)))
    followed = following(pushed("1.4.0", "b"), pushed("1.3.9", "c", 20), pushed("1.3.8", "d", 20), order="semver")
    assert outcomes(decide(followed, spared)) == [("1.3.8", HELD), ("1.4.0", HELD), ("1.3.9", COMMITTED)]


def test_a_hold_that_is_lifted_lets_in_only_what_did_not_stand() -> None:
    here = reverted("1.3.2", "1.3.9", "1.4.0")
    stood = {version: time for version, time in here.past.stood.items() if version.tag != "1.4.0"}
    lifted = replace(here, past=replace(here.past, holds=(), stood=stood))
    followed = following(pushed("1.4.0", "b"), pushed("1.3.9", "b"), pushed("1.3.8", "c", 20), order="semver")
    decisions = decide(followed, lifted)
    assert outcomes(decisions) == [("1.3.8", SUPERSEDED), ("1.3.9", HELD), ("1.4.0", COMMITTED)]
    assert decisions[1].reason == "1.3.9 stood there before, and no event writes it again"


@pytest.mark.parametrize("order", ["pushed", "semver"])
def test_a_digest_that_was_left_by_way_of_the_tag_alone_is_not_written_again(order: OrderName) -> None:
    first, second, bare = landing("1", "a", 10), landing("1", "b", 20), landing("1", None, 30)
    here = replace(target("1", "a"), past=recalled(rule(order), first, second, bare, replace(first, landed_at=at(40))))
    assert only(decide(following(pushed("1", "b", 20), order=order), here))[0] is HELD


def test_a_held_tag_without_digest_is_held_and_not_refused() -> None:
    followed = following(pushed("1.4.0", None, 50), order="semver")
    assert only(decide(followed, reverted("1.3.2", "1.4.0")))[:1] == (HELD,)
    assert only(decide(following(pushed("1.4.1", None, 50), order="semver"), reverted("1.3.2", "1.4.0")))[0] is REFUSED


def test_a_twin_of_a_held_push_is_no_way_around_the_hold() -> None:
    followed = following(pushed("1.4.0", "b", 50), pushed("1.4.0", None, 55, source="docker-hub"), order="semver")
    assert outcomes(decide(followed, reverted("1.3.2", "1.4.0"))) == [("1.4.0", HELD), ("1.4.0", HELD)]


# What somebody holds by hand


def held_by_hand(*events: Event, until: str | None = None, released: tuple[str, ...] = ()) -> Followed:
    """Pushes of an image that is held in its service, but for these tags."""
    followed = following(*events, order="semver")
    hold, release = (Hold("model-a", "x", until=until),), tuple(Release("model-a", IMAGE, tag) for tag in released)
    settings = replace(followed.environment.settings, hold=hold, release=release)
    return replace(followed, environment=replace(followed.environment, settings=settings))


PUSHES = tuple(pushed(f"1.3.{number}", "b") for number in (7, 8, 9))


def test_each_version_is_held_on_its_own_where_a_hold_has_no_end() -> None:
    decisions = decide(held_by_hand(*PUSHES), target("1.3.0", "a"))
    assert outcomes(decisions) == [("1.3.7", HELD), ("1.3.8", HELD), ("1.3.9", HELD)]
    assert {(each.reason, each.keeps) for each in decisions} == {("held: x (environments/test.yaml)", False)}


def test_of_versions_that_are_held_for_a_time_the_best_is_kept_and_supersedes_the_others() -> None:
    decisions = decide(held_by_hand(*PUSHES, until="2026-11-21"), target("1.3.0", "a"))
    assert outcomes(decisions) == [("1.3.7", SUPERSEDED), ("1.3.8", SUPERSEDED), ("1.3.9", HELD)]
    assert [each.keeps for each in decisions] == [False, False, True]
    assert decisions[0].reason == "1.3.9 is newer and came with it"


@pytest.mark.parametrize(
    ("until", "lesser", "keeps"), [(None, HELD, [False] * 3), ("2026-11-21", SUPERSEDED, [False, True, False])]
)
def test_a_held_version_hides_no_lesser_one_that_is_released(
    until: str | None, lesser: Outcome, keeps: list[bool]
) -> None:
    decisions = decide(held_by_hand(*PUSHES, until=until, released=("1.3.8",)), target("1.3.0", "a"))
    assert outcomes(decisions) == [("1.3.7", lesser), ("1.3.9", HELD), ("1.3.8", COMMITTED)]
    assert [each.keeps for each in decisions] == keeps


def test_of_what_is_held_for_a_time_above_one_that_lands_the_best_alone_is_kept() -> None:
    decisions = decide(held_by_hand(*PUSHES, until="2026-11-21", released=("1.3.7",)), target("1.3.0", "a"))
    assert outcomes(decisions) == [("1.3.8", SUPERSEDED), ("1.3.9", HELD), ("1.3.7", COMMITTED)]
    assert [each.keeps for each in decisions] == [False, True, False]


def test_a_hold_by_hand_changes_nothing_about_what_would_not_land_anyway() -> None:
    followed = held_by_hand(pushed("1.3.0", "a"), pushed("1.2.0", "b"), pushed("1.5.0"))
    expected = [("1.2.0", REJECTED), ("1.3.0", UNCHANGED), ("1.5.0", REFUSED)]
    assert outcomes(decide(followed, target("1.3.0", "a"))) == expected


@given(
    st.permutations(PUSHES),
    st.sets(st.sampled_from(["1.3.7", "1.3.8", "1.3.9"])),
    st.sampled_from([None, "2099-01-01"]),
)
def test_versions_that_come_one_by_one_past_a_hold_end_where_they_end_together(
    pushes: list[Event], released: set[str], until: str | None
) -> None:
    def landed(here: Target, *events: Event) -> Target:
        decisions = decide(held_by_hand(*events, until=until, released=tuple(released)), here)
        tags = [each.to for each in decisions if each.outcome is COMMITTED]
        return standing_in(tags[0], Past()) if tags else here

    start = standing_in(Version("1.3.0", digest("a")), Past())
    alone = start
    for event in pushes:
        alone = landed(alone, event)
    assert alone.entry.version == landed(start, *pushes).entry.version
    assert alone.entry.version.tag == max(released, default="1.3.0")


def test_under_pin_tag_a_reverted_tag_is_held_with_whatever_digest_it_comes() -> None:
    followed = following(pushed("1.4.0", "f", 50), order="semver", pin="tag")
    assert only(decide(followed, reverted("1.3.2", "1.4.0", pin="tag")))[0] is HELD


def test_a_digest_that_was_taken_back_is_not_learned_again_and_a_later_one_is() -> None:
    bare, whole = landing("1.4.0", None, 1), landing("1.4.0", "a", 2)
    here = replace(target("1.4.0"), past=recalled(rule("semver"), bare, whole, landing("1.4.0", None, 1, landed=30)))
    assert only(decide(following(pushed("1.4.0", "a", 2), order="semver"), here))[0] is HELD
    assert only(decide(following(pushed("1.4.0", "c", 50), order="semver"), here))[0] is COMMITTED


@pytest.mark.parametrize("order", ["pushed", "semver"])
def test_a_version_that_was_taken_out_of_its_entry_is_not_put_back(order: OrderName) -> None:
    past = recalled(rule(order), landing("1.3.0", "a", 1), landing("1.4.0", "b", 2), landing(None, None, 30))
    followed = following(pushed("1.3.0", "a", 1), pushed("1.4.0", "b", 2), order=order)
    assert {each.outcome for each in decide(followed, replace(target(), past=past))} == {HELD}


# The laws, whatever comes

MOMENTS = st.integers(0, 50)
EVENTS = st.lists(
    st.builds(
        pushed, st.sampled_from(["1.0", "v1.0", "1.1", "2.0", "latest"]), st.none() | st.sampled_from("ab"), MOMENTS
    ),
    min_size=1,
    max_size=5,
)
WHOLE = EVENTS.map(lambda events: [event for event in events if event.version.digest is not None])
STORIES = st.lists(
    st.builds(
        lambda tag, letter, minutes, landed: landing(tag, letter, minutes, landed=landed),
        st.sampled_from(["1.0", "1.1", "2.0", "latest"]),
        st.none() | st.sampled_from("ab"),
        MOMENTS,
        MOMENTS,
    ),
    min_size=1,
    max_size=5,
)
"""At whatever times: those of commits may lie."""
RULES = st.fixed_dictionaries(
    {"order": st.sampled_from(["pushed", "semver", "alphabetical"]), "pin": st.sampled_from(["digest", "tag"])}
)


def standing_in(version: Version, past: Past) -> Target:
    return replace(target(), entry=replace(entry(), version=version), past=past)


def standing_after(story: list[Landing], rule_of: dict[str, Any]) -> Target:
    return standing_in(story[-1].version, recalled(rule(**rule_of), *story))


@given(EVENTS, STORIES, RULES)
def test_every_push_that_may_land_gets_one_decision_in_any_order(
    events: list[Event], story: list[Landing], rule_of: dict[str, Any]
) -> None:
    here, merged = standing_after(story, rule_of), merge(events)
    decisions = decide(following(*merged, **rule_of), here)
    may_land = [event for event in merged if rule(**rule_of).refusal(event.version.tag or "") is None]
    assert len(decisions) == len(may_land)
    again = decide(following(*reversed(merged), **rule_of), here)
    assert sorted(map(told, again)) == sorted(map(told, decisions))


def told(decision: Decision) -> tuple[str, str, str]:
    assert decision.event is not None
    return str(decision.event.version), decision.outcome, decision.reason


@given(EVENTS, STORIES, RULES)
def test_at_most_one_push_lands_in_an_entry(events: list[Event], story: list[Landing], rule_of: dict[str, Any]) -> None:
    decisions = decide(following(*merge(events), **rule_of), standing_after(story, rule_of))
    assert [each.outcome for each in decisions].count(COMMITTED) <= 1


@given(EVENTS, STORIES, RULES)
def test_nothing_lands_unless_history_was_asked(
    events: list[Event], story: list[Landing], rule_of: dict[str, Any]
) -> None:
    here, followed = standing_after(story, rule_of), following(*merge(events), **rule_of)
    outcomes_of = {each.outcome for each in decide(followed, here)}
    unasked = {each.outcome for each in decide(followed, replace(here, past=Past()))}
    assert needs_past(followed, here) or not ({COMMITTED, HELD, REFUSED} & (outcomes_of | unasked))


@given(WHOLE, stories("ab"), st.sampled_from(["pushed", "semver", "alphabetical"]))
def test_the_same_pushes_again_change_nothing(events: list[Event], story: list[Landing], order: OrderName) -> None:
    followed, past = following(*merge(events), order=order), recalled(rule(order), *story)
    for decision in decide(followed, standing_in(story[-1].version, past)):
        if decision.outcome is COMMITTED and decision.event is not None:
            new = Landing(decision.to, "ours", "updater", at(999), decision.event.time)
            again = decide(followed, standing_in(decision.to, recalled(rule(order), *story, new)))
            assert COMMITTED not in {each.outcome for each in again}


@given(stories("ab-"), RULES)
def test_what_stood_in_an_entry_is_never_written_there_again(story: list[Landing], rule_of: dict[str, Any]) -> None:
    here = standing_in(story[-1].version, recalled(rule(**rule_of), *story))
    for version, first in here.past.stood.items():
        event = Event("generic", "id", IMAGE, version, received_at=at(999), pushed_at=first)
        is_its_digest = here.entry.version == Version(version.tag)
        for decision in decide(following(event, **rule_of), here):
            assert decision.outcome is not COMMITTED or is_its_digest


# Which questions are asked of history


@pytest.mark.parametrize(
    ("event", "rule", "standing", "asked"),
    [
        (pushed("b", "b"), {}, target("a", "a"), True),
        (pushed("a", "a"), {}, target("a", "a"), False),
        (pushed("a"), {}, target("a", "a"), True),
        (pushed("a", "a"), {}, FRESH, True),
        (pushed("a", "a"), {}, target(None, "b"), True),
        (pushed("1.1.0", "b"), {"order": "semver"}, target("1.0.0", "a"), True),
        (pushed("1.0.0", "b"), {"order": "semver"}, target("1.1.0", "a"), False),
        (pushed("v1.0.0", "b"), {"order": "semver"}, target("1.0.0", "a"), True),
        (pushed("1.0.0", "b"), {"order": "semver"}, target("latest", "a"), True),
        (pushed("b", "b"), {"tags": "^a"}, target("a", "a"), False),
        (pushed("a", "b"), {"pin": "tag"}, target("a"), False),
        (pushed("b", "b"), {"pin": "tag"}, target("a"), True),
    ],
)
def test_history_is_asked_only_where_a_push_may_be_newer(
    event: Event, rule: dict[str, str], standing: Target, asked: bool
) -> None:
    assert needs_past(following(event, **rule), standing) is asked


# What nobody takes


def test_an_image_that_no_environment_follows_is_ignored_with_that_reason() -> None:
    event = pushed("1.0", "a")
    decision = ignored(event, (), ())
    assert decision == Decision(IMAGE, event.version, Outcome.IGNORED, f"no environment follows {IMAGE}", event)


def test_an_ignored_event_says_why_from_the_view_of_each_environment() -> None:
    event = pushed("1.0")
    filtered = following(event, tags="^v")
    empty = replace(filtered, rule=following(event).rule, environment=replace(filtered.environment, name="edge"))
    lost = replace(empty, environment=replace(filtered.environment, name="far", branch="env/far"))
    assert ignored(event, (filtered, empty, lost), {"env/far"}).reason == (
        f"test: tag 1.0 does not contain '^v'; no entry of edge follows {IMAGE}; "
        "far: its branch 'env/far' is not on the remote"
    )
