"""What happens to an entry when versions of its image were pushed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, PATH, following, pushed, target
from updater.core.decide import decide, ignored, needs_time
from updater.model import Decision, Event, Outcome, Target, Version

COMMITTED, UNCHANGED, REJECTED = Outcome.COMMITTED, Outcome.UNCHANGED, Outcome.REJECTED
SUPERSEDED, REFUSED = Outcome.SUPERSEDED, Outcome.REFUSED
FRESH = target()


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
    assert outcomes(decisions) == [("1.4.0", COMMITTED), ("1.3.0", REJECTED)]


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


# Which questions are asked of history


@pytest.mark.parametrize(
    ("event", "rule", "standing", "asked"),
    [
        (pushed("b", "b"), {}, target("a", "a"), True),
        (pushed("a", "a"), {}, target("a", "a"), False),
        (pushed("a"), {}, target("a", "a"), True),
        (pushed("a", "a"), {}, FRESH, False),
        (pushed("a", "a"), {}, target(None, "b"), True),
        (pushed("1.1.0", "b"), {"order": "semver"}, target("1.0.0", "a"), False),
        (pushed("v1.0.0", "b"), {"order": "semver"}, target("1.0.0", "a"), True),
        (pushed("1.0.0", "b"), {"order": "semver"}, target("latest", "a"), False),
        (pushed("b", "b"), {"tags": "^a"}, target("a", "a"), False),
        (pushed("a", "b"), {"pin": "tag"}, target("a"), False),
    ],
)
def test_history_is_asked_only_where_the_time_may_decide(
    event: Event, rule: dict[str, str], standing: Target, asked: bool
) -> None:
    assert needs_time(following(event, **rule), standing) is asked


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
