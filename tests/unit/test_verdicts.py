"""What becomes of each version that sources offer to an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, environment, landing, recalled, rule, target
from updater.core.environment import Freeze, Hold, Promote, StatusGate
from updater.core.gates import GateState, filled
from updater.core.promotion import BY_HAND, Offer, Offers, Ran, rank
from updater.core.rules import Rule
from updater.core.verdicts import Case, Verdict, nothing, refused_before, shown, verdicts
from updater.model import Decision, Event, Landing, Outcome, Past, Target, Version
from updater.model import Hold as Refusal

NOW = at(60)
SEMVER = rule("semver")
PUSHED = rule("pushed")
GATE = filled(Promote("test", statuses=("smoke-test", StatusGate("e2e-*"))), [{"service": "model-a"}])


def offer(tag: str | None, letter: str | None = None, minutes: float = 0, **more: Any) -> Offer:
    """A version that was pushed so many minutes after noon and stood in test."""
    version = Version(tag, None if letter is None else digest(letter))
    event = Event("harbor", f"id-{tag}", IMAGE, version, at(minutes), at(minutes))
    return Offer(version, more.pop("event", event), more.pop("ran", (Ran("test", at(minutes), None, ("c1",)),)), **more)


def case(here: Target, *offers: Offer, order: Rule = SEMVER, has_copy: bool = False, **settings: Any) -> Case:
    """An entry of staging to which these are offered, newest first by the order."""
    settings = {"follow": (), "promote": Promote("test"), "deliver": "pull-request", **settings}
    ranked = sorted(offers, key=lambda each: rank(order, each.version, each.event.time), reverse=True)
    known = {each.version: each.event.time for each in offers}
    return Case(environment("staging", **settings), here, order, Offers(tuple(ranked), pushed=known), has_copy)


def green(_: Offer) -> Sequence[GateState]:
    return ()


def judged(each: Case, now: datetime = NOW) -> list[tuple[str | None, str, str]]:
    """Tag, outcome and reason of each verdict."""
    found = verdicts(each, green, now)
    return [(one.decision.to.tag, str(one.decision.outcome), one.decision.reason) for one in found]


def past(*landings: Landing, order: Rule = SEMVER) -> Target:
    """An entry in which these landed."""
    here = target()
    return replace(here, entry=replace(here.entry, version=landings[-1].version), past=recalled(order, *landings))


def test_what_stood_in_the_source_is_proposed_with_where_and_since_when() -> None:
    stood = (Ran("test", at(0), at(30), ("c1",)), Ran("perf", at(10), None, ("c2",)))
    ((tag, outcome, reason),) = judged(case(target("1.3.0"), offer("1.4.0", ran=stood)))
    assert (tag, outcome) == ("1.4.0", "proposed")
    assert reason == (
        "1.4.0 stood in test from 2026-11-20T12:00:00Z to 2026-11-20T12:30:00Z and perf since 2026-11-20T12:10:00Z, "
        "and is newer than 1.3.0"
    )


def test_an_environment_that_delivers_by_commit_commits_it() -> None:
    assert judged(case(target("1.3.0"), offer("1.4.0"), deliver="commit"))[0][1] == "committed"


@pytest.mark.parametrize("here", [("1.4.0", None), ("1.5.0", None), ("1.4.0", "a"), ("1.4.0", "b")])
def test_nothing_that_stands_or_is_older_gets_a_verdict(here: tuple[str, str | None]) -> None:
    assert judged(case(target(*here, since=100), offer("1.4.0"), offer("1.4.0", "a", 5))) == [
        *([("1.4.0", "proposed", judged(case(target(*here, since=100), offer("1.4.0", "a", 5)))[0][2])]
          if here == ("1.4.0", None) else [])
    ]  # fmt: skip


def test_the_digest_of_the_tag_that_stands_is_learned_and_never_taken_away() -> None:
    found = verdicts(case(target("1.4.0", since=50), offer("1.4.0", "a", 60)), green, NOW)
    assert [each.decision.to for each in found] == [Version("1.4.0", digest("a"))]
    assert verdicts(case(target("1.4.0", "a", since=0), offer("1.4.0", minutes=50)), green, NOW) == ()


def test_a_newer_push_of_the_tag_that_stands_is_newer() -> None:
    found = verdicts(case(target("1.4.0", "a", since=0), offer("1.4.0", "b", 10)), green, NOW)
    assert [each.decision.to.digest for each in found] == [digest("b")]


def test_an_entry_without_a_version_takes_any() -> None:
    assert [each[0] for each in judged(case(target(since=50), offer("1.4.0", minutes=1), order=PUSHED))] == ["1.4.0"]


def test_what_stands_here_and_was_never_in_the_source_counts_by_the_order() -> None:
    assert judged(case(target("2.0.0", since=0), offer("1.4.0", minutes=50))) == []
    assert judged(case(target("main-9", since=40), offer("main-8", minutes=30), order=PUSHED)) == []
    assert judged(case(target("main-9", since=40), offer("main-10", minutes=50), order=PUSHED))[0][0] == "main-10"


def test_a_merge_by_a_person_is_no_push_so_what_came_between_is_newer() -> None:
    here = target("main-1", since=45)
    found = judged(case(here, offer("main-1", minutes=0), offer("main-2", minutes=20), order=PUSHED))
    assert [each[0] for each in found] == ["main-2"]


def test_the_push_time_counts_even_where_what_stands_never_soaked_in_the_source() -> None:
    made = case(target("main-1", since=45), offer("main-2", minutes=20), order=PUSHED)
    known = {**made.offers.pushed, Version("main-1"): at(0)}
    assert [each[0] for each in judged(replace(made, offers=replace(made.offers, pushed=known)))] == ["main-2"]


def test_what_stood_here_before_was_pushed_when_it_came_the_first_time() -> None:
    here = past(landing("main-1"), landing("main-2", minutes=10), order=PUSHED)
    assert judged(case(here, offer("main-1", minutes=50), order=PUSHED)) == []


def test_what_was_reverted_here_is_held_and_so_is_what_was_pushed_before() -> None:
    here = past(landing("1.3.0"), landing("1.5.0", minutes=10), landing("1.3.0", minutes=30, commit="abcdef0"))
    found = judged(case(here, offer("1.5.0", minutes=10), offer("1.4.0", minutes=5)))
    assert [each[:2] for each in found] == [("1.5.0", "held"), ("1.4.0", "held")]
    assert found[0][2] == "1.5.0 was reverted in abcdef0 by alice on 2026-11-20"


def test_a_hotfix_that_was_pushed_after_a_revert_here_lands() -> None:
    here = past(landing("1.3.0"), landing("1.5.0", minutes=10), landing("1.3.0", minutes=30))
    found = judged(case(here, offer("1.5.0", minutes=10), offer("1.3.1", minutes=40)))
    assert [each[:2] for each in found] == [("1.5.0", "held"), ("1.3.1", "proposed")]


def test_a_version_that_stood_here_before_is_held_whatever_its_push_says() -> None:
    here = past(
        landing("1.3.0"), landing("1.4.0", minutes=5), landing("1.5.0", minutes=10), landing("1.3.0", minutes=30)
    )
    assert judged(case(here, offer("1.4.0", minutes=50)))[0][1] == "held"


def test_what_was_pushed_after_a_reverted_version_lands_although_that_was_merged_later() -> None:
    merged = landing("main-2", minutes=30)
    here = past(landing("main-1"), merged, landing("main-1", minutes=0, landed=40), order=PUSHED)
    found = judged(case(here, offer("main-1"), offer("main-2", minutes=10), offer("main-3", minutes=20), order=PUSHED))
    assert [each[:2] for each in found] == [("main-3", "proposed"), ("main-2", "held")]


def test_what_was_taken_back_in_the_source_is_held() -> None:
    found = judged(case(target("1.3.0"), offer("1.4.0", taken_back="in test, 1.4.0 was reverted")))
    assert found == [("1.4.0", "held", "in test, 1.4.0 was reverted")]


def test_a_copy_is_refused_without_a_digest_and_lands_with_one() -> None:
    found = verdicts(case(target("1.3.0"), offer("1.4.0"), offer("1.3.1", "a"), has_copy=True), green, NOW)
    assert [str(each.decision.outcome) for each in found] == ["refused", "proposed"]
    assert found[0].decision.exit_code == 3
    assert "without a digest" in found[0].decision.reason


@pytest.mark.parametrize(("until", "due"), [(None, None), ("2026-11-21", at(12 * 60))])
def test_a_hold_by_hand_keeps_everything_out_as_long_as_it_lasts(until: str | None, due: datetime | None) -> None:
    each = case(target("1.3.0"), offer("1.4.0", due=at(90)), hold=(Hold("model-*", "INC-42", until=until),))
    (verdict,) = verdicts(each, green, NOW)
    decision = verdict.decision
    assert (decision.outcome, decision.due, decision.keeps, verdict.is_valid) == (Outcome.HELD, due, False, True)
    assert "INC-42" in decision.reason


def test_what_has_not_soaked_waits_until_it_has() -> None:
    (verdict,) = verdicts(case(target("1.3.0"), offer("1.4.0", due=at(90)), paused=True), green, NOW)
    assert verdict.decision.outcome is Outcome.WAITING
    assert verdict.decision.due == at(90)
    assert verdict.decision.reason == "1.4.0 has to stand in test until 2026-11-20T13:30:00Z"


def test_a_gate_that_is_not_green_keeps_a_version_waiting_and_is_told() -> None:
    states = [GateState(GATE[0], "green", "smoke-test is green", None, ()),
              GateState(GATE[1], "pending", "waits for e2e-*: nobody has reported it", None, ())]  # fmt: skip
    (verdict,) = verdicts(case(target("1.3.0"), offer("1.4.0")), lambda _: states, NOW)
    assert (verdict.decision.outcome, verdict.gates) == (Outcome.WAITING, tuple(states))
    assert verdict.decision.reason == "1.4.0 waits for e2e-*: nobody has reported it"


@pytest.mark.parametrize(
    ("settings", "due"),
    [({"paused": "an incident"}, None), ({"freeze": (Freeze("2026-11-20", "2026-11-20"),)}, at(12 * 60))],
)
def test_what_may_land_but_for_a_freeze_waits_for_its_end_and_nothing_is_kept(
    settings: Any, due: datetime | None
) -> None:
    (verdict,) = verdicts(case(target("1.3.0"), offer("1.4.0"), **settings), green, NOW)
    decision = verdict.decision
    assert (decision.outcome, decision.due, decision.keeps, decision.is_stopped) == (Outcome.WAITING, due, False, True)


def test_a_version_by_hand_is_decided_on_without_an_event() -> None:
    by_hand = Event(BY_HAND, "abc", IMAGE, Version("1.4.0"), at(0), at(0))
    (verdict,) = verdicts(case(target("1.3.0"), offer("1.4.0", event=by_hand)), green, NOW)
    assert verdict.decision.event is None
    assert verdict.event == by_hand
    assert verdict.target.entry.version == Version("1.3.0")


def test_people_are_shown_the_newest_of_each_outcome_down_to_what_may_land() -> None:
    found = verdicts(
        case(
            target("1.0.0"),
            offer("1.9.0", due=at(99)),
            offer("1.8.0", due=at(90)),
            offer("1.7.0", taken_back="it was taken back"),
            offer("1.6.0"),
            offer("1.5.0", taken_back="it was taken back, too"),
        ),
        green,
        NOW,
    )
    assert [each.to.tag for each in shown(found)] == ["1.9.0", "1.7.0", "1.6.0"]
    assert shown(found[:2]) == [found[0].decision]


def test_where_nothing_is_offered_the_entry_waits_and_is_told_why() -> None:
    each = case(target("1.3.0"))
    assert nothing(each) is None
    decision = nothing(replace(each, offers=Offers(nothing="the overlays disagree")))
    assert decision == Decision(IMAGE, Version("1.3.0"), Outcome.WAITING, "the overlays disagree", None, each.target)


def refusal(tag: str, minutes: float = 0, letter: str | None = None, closed: float = 40) -> Refusal:
    """A pull request for a version, as ann closed it."""
    version = Version(tag, None if letter is None else digest(letter))
    return Refusal(version, at(minutes), "abc", "ann (#3)", at(closed))


def outcomes(found: Sequence[Verdict], *refusals: Refusal) -> list[tuple[str | None, str]]:
    return [(each.decision.to.tag, str(each.decision.outcome)) for each in refused_before(found, refusals)]


def test_a_closed_pull_request_is_a_no_to_its_version_and_to_what_came_before_and_to_nothing_newer() -> None:
    found = verdicts(
        case(target("1.0.0"), offer("1.5.0", minutes=30), offer("1.4.0"), offer("1.3.0"), offer("1.3.5", minutes=50)),
        green,
        NOW,
    )
    assert outcomes(found, refusal("1.4.0")) == [
        ("1.5.0", "proposed"), ("1.4.0", "rejected"), ("1.3.5", "proposed"), ("1.3.0", "rejected"),
    ]  # fmt: skip
    reasons = [each.decision.reason for each in refused_before(found, [refusal("1.4.0")])]
    assert reasons[1] == "1.4.0 was refused by ann (#3) on 2026-11-20"
    assert reasons[3] == "1.3.0 came before 1.4.0, which was refused by ann (#3) on 2026-11-20"


def test_a_refused_version_counts_by_its_push_and_not_by_when_it_was_proposed() -> None:
    found = verdicts(
        case(target("main-1"), offer("main-2", minutes=5), offer("main-3", minutes=10), order=PUSHED), green, NOW
    )
    assert outcomes(found, refusal("main-2", minutes=30)) == [("main-3", "proposed"), ("main-2", "rejected")]


def test_what_is_held_anyway_is_not_told_as_refused() -> None:
    found = verdicts(case(target("1.0.0"), offer("1.4.0", taken_back="it was taken back")), green, NOW)
    assert outcomes(found, refusal("1.4.0")) == [("1.4.0", "held")]


def test_a_verdict_without_a_push_is_not_compared_with_refusals() -> None:
    found = [Verdict(Decision(IMAGE, Version("1.4.0"), Outcome.PROPOSED, "", None, target("1.0.0")), SEMVER)]
    assert outcomes(found, refusal("1.4.0")) == [("1.4.0", "proposed")]


@pytest.mark.parametrize(
    ("outcome", "stopped", "valid"),
    [("proposed", False, True), ("committed", False, True), ("waiting", False, True), ("superseded", False, True),
     ("held", True, True), ("held", False, False), ("rejected", False, False), ("refused", False, False),
     ("unchanged", False, False), ("ignored", False, False)],
)  # fmt: skip
def test_valid_is_what_may_land_now_or_later_by_itself(outcome: str, stopped: bool, valid: bool) -> None:
    decision = Decision(IMAGE, Version("1"), Outcome(outcome), "", None, target(), is_stopped=stopped)
    assert Verdict(decision, SEMVER).is_valid is valid


TAGS = st.sampled_from(["1.0.0", "v1.0.0", "1.1.0", "2.0.0", "latest"])
OFFERS = st.lists(
    st.builds(offer, TAGS, st.sampled_from([None, "a", "b"]), st.integers(0, 50)), unique_by=lambda each: each.version
)


@given(OFFERS, TAGS, st.sampled_from([None, "a", "b"]), st.integers(0, 60), st.sampled_from([SEMVER, PUSHED]))
def test_no_verdict_is_on_what_ranks_lower_than_or_like_what_stands(
    offers: list[Offer], tag: str, letter: str | None, since: float, order: Rule
) -> None:
    here = target(tag, letter, since)
    made = case(here, *offers, order=order)
    standing = here.entry.version
    pushed_at = min(at(since), made.offers.pushed.get(standing, at(since)))
    for each in verdicts(made, green, NOW):
        version = each.decision.to
        assert version != standing
        learned = version.tag == standing.tag and standing.digest is None and version.digest is not None
        assert each.event is not None
        assert learned or rank(order, version, each.event.time) > rank(order, standing, pushed_at)


@given(OFFERS, st.randoms())
def test_verdicts_do_not_depend_on_the_order_in_which_offers_were_found(offers: list[Offer], random: Any) -> None:
    mixed = sorted(offers, key=lambda _: random.random())
    one, other = (verdicts(case(target("1.0.0", since=20), *some), green, NOW) for some in (offers, mixed))
    assert one == other


def test_an_unknown_past_is_no_past() -> None:
    assert judged(case(replace(target("1.0.0"), past=Past()), offer("1.4.0")))[0][1] == "proposed"
