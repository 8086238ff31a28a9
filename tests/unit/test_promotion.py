"""Which versions an environment may take over: what stood in all sources long enough and was not moved back since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, digest, landing, recalled, rule, stories, target
from updater.core import holds
from updater.core.promotion import BY_HAND, Offer, Offers, Origin, first_pushed, offers
from updater.core.rules import Rule
from updater.model import Landing, Version
from updater.model import Origin as Built

SOAK = timedelta(minutes=30)
SEMVER = rule("semver")
PUSHED = rule("pushed")


def origin(*landings: Landing, overlay: str = "east", order: Rule = SEMVER) -> Origin:
    """An entry in which these landed, oldest first, each in a commit of its own."""
    landings = tuple(
        replace(each, commit=f"{at_:07}") if each.commit == "c0ffee0" else each for at_, each in enumerate(landings)
    )
    entry = replace(target().entry, version=landings[-1].version, path=f"overlays/test/{overlay}/kustomization.yaml")
    past = recalled(order, *landings)
    place = replace(target(), overlay=f"overlays/test/{overlay}", entry=entry, past=past)
    return Origin(place, landings, tuple(holds.begun(landings, order)))


def offered(*origins: Origin, now: float = 1000, soak: timedelta = SOAK, order: Rule = SEMVER) -> Offers:
    """What one source with these entries offers."""
    return offers({"test": origins}, IMAGE, soak, order, at(now))


def at_once(found: Offers) -> list[str | None]:
    """The tags that may be taken over now."""
    return [each.version.tag for each in found.offers if each.due is None and each.taken_back is None]


def of(found: Offers, tag: str) -> Offer:
    """The offer of a tag."""
    return next(each for each in found.offers if each.version.tag == tag)


@pytest.mark.parametrize(("now", "waits"), [(29.99, True), (30, False), (31, False)])
def test_a_version_is_due_at_the_moment_at_which_it_has_stood_for_the_soak(now: float, waits: bool) -> None:
    (offer,) = offered(origin(landing("1.0.0", minutes=0)), now=now).offers
    assert offer.due == (at(30) if waits else None)


def test_without_a_soak_what_has_just_landed_is_offered() -> None:
    assert at_once(offered(origin(landing("1.0.0")), now=0, soak=timedelta())) == ["1.0.0"]


def test_a_commit_that_is_dated_in_the_future_waits_for_its_time() -> None:
    (offer,) = offered(origin(landing("1.0.0", minutes=20)), now=10, soak=timedelta()).offers
    assert offer.due == at(20)


def test_what_was_replaced_before_it_soaked_is_not_offered() -> None:
    found = offered(origin(landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.2.0", minutes=60)))
    assert at_once(found) == ["1.2.0", "1.0.0"]


def test_what_soaked_and_was_replaced_since_is_offered_while_the_newer_one_soaks() -> None:
    found = offered(origin(landing("1.0.0"), landing("1.1.0", minutes=30)), now=40)
    assert [(each.version.tag, each.due) for each in found.offers] == [("1.1.0", at(60)), ("1.0.0", None)]
    assert of(found, "1.0.0").ran[0].until == at(30)
    assert of(found, "1.0.0").ran[0].ended_by == "0000001"


def test_an_offer_tells_where_the_image_was_built_from_as_its_first_landing_does() -> None:
    first = replace(landing("1.0.0"), origin=Built("https://github.com/acme/model-a", "3fa9c1e"))
    again = replace(landing("1.0.0", minutes=20), origin=Built(version="other"))
    (offer,) = offered(origin(first), origin(again, overlay="west")).offers
    assert offer.event.origin == first.origin


def test_a_break_starts_the_soak_anew() -> None:
    landings = (landing("1.0.0"), landing("1.1.0", minutes=20), landing("1.0.0", minutes=25))
    assert of(offered(origin(*landings), now=45), "1.0.0").due == at(55)


def test_of_two_stays_that_were_long_enough_the_newest_is_told() -> None:
    letters = ("a", "b", "a")
    landings = [landing("latest", each, minutes=0, landed=40 * at_) for at_, each in enumerate(letters)]
    found = offered(origin(*landings, order=PUSHED), order=PUSHED, now=200)
    assert next(each for each in found.offers if each.version.digest == digest("a")).ran[0].since == at(80)


def test_the_best_comes_first_by_the_order_and_not_by_time() -> None:
    landings = (landing("1.10.0"), landing("1.9.0", minutes=100))
    found = offers({"test": [Origin(replace(origin(*landings).target, past=target().past), landings)]}, IMAGE, SOAK,
                   SEMVER, at(500))  # fmt: skip
    assert [each.version.tag for each in found.offers] == ["1.10.0", "1.9.0"]


def test_a_version_that_was_moved_back_is_told_with_who_and_when() -> None:
    back = landing("1.0.0", minutes=100, commit="abcdef012345", author="Ana")
    found = offered(origin(landing("1.0.0"), landing("1.1.0", minutes=40), back), now=2000)
    assert of(found, "1.1.0").taken_back == "in test, 1.1.0 was reverted in abcdef0 by Ana on 2026-11-20"


def test_the_version_that_was_moved_back_to_is_not_held_by_that() -> None:
    found = offered(origin(landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.0.0", minutes=100)))
    assert at_once(found) == ["1.0.0"]


def test_a_reverted_version_stays_out_although_a_newer_one_has_ended_its_hold() -> None:
    landings = (
        landing("1.0.0"),
        landing("1.1.0", minutes=40),
        landing("1.0.0", minutes=100),
        landing("1.2.0", minutes=200),
    )
    found = offered(origin(*landings), now=210)
    assert origin(*landings).target.past.holds == ()
    assert at_once(found) == ["1.0.0"]
    assert of(found, "1.1.0").taken_back is not None
    assert of(found, "1.2.0").due == at(230)


def test_a_reverted_version_that_is_brought_in_again_soaks_anew() -> None:
    landings = (
        landing("1.0.0"),
        landing("1.1.0", minutes=40),
        landing("1.0.0", minutes=100),
        landing("1.1.0", minutes=200),
    )
    assert of(offered(origin(*landings), now=210), "1.1.0").due == at(230)
    assert of(offered(origin(*landings), now=210), "1.1.0").taken_back is None
    assert at_once(offered(origin(*landings), now=230)) == ["1.1.0", "1.0.0"]


def test_a_hotfix_that_landed_after_a_revert_is_offered() -> None:
    landings = (
        landing("1.0.0"),
        landing("1.1.0", minutes=40),
        landing("1.0.0", minutes=100),
        landing("1.0.1", minutes=200),
    )
    found = offered(origin(*landings))
    assert origin(*landings).target.past.holds, "1.1.0 is held on"
    assert at_once(found) == ["1.0.1", "1.0.0"]


def test_what_orders_between_and_stood_before_a_revert_is_taken_back_with_it() -> None:
    landings = (
        landing("1.0.0"),
        landing("1.1.0", minutes=40),
        landing("1.2.0", minutes=80),
        landing("1.0.0", minutes=120),
    )
    assert of(offered(origin(*landings)), "1.1.0").taken_back == (
        "in test, 1.1.0 came before 1.2.0, which was reverted in 0000003 by alice on 2026-11-20"
    )


def test_what_a_release_has_lifted_in_the_source_is_offered_again() -> None:
    landings = (landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.0.0", minutes=100, commit="back"))
    held = origin(*landings)
    lifted = replace(held, target=replace(held.target, past=replace(held.target.past, holds=())), backs=())
    assert at_once(offered(lifted)) == ["1.1.0", "1.0.0"]


def test_overlays_that_disagree_promote_nothing_and_say_so() -> None:
    found = offered(
        origin(landing("1.0.0"), landing("1.1.0", "a", minutes=1)),
        origin(landing("1.0.0"), landing("1.1.0", "b", minutes=1), overlay="west"),
    )
    assert found.offers == ()
    assert found.nothing == (
        "the overlays of test disagree, and promote nothing: "
        "overlays/test/east has 1.1.0@sha256:aaaaaaaaaaaa, overlays/test/west has 1.1.0@sha256:bbbbbbbbbbbb"
    )


def test_an_overlay_that_was_moved_back_alone_does_not_count_and_is_named() -> None:
    before = (landing("1.0.0"), landing("1.1.0", minutes=40))
    back = landing("1.0.0", minutes=100, commit="back")
    found = offered(origin(*before, back), origin(*before, overlay="west"))
    assert found.nothing is None
    assert found.beside == ("test: overlays/test/east does not count, since 1.0.0 was put back there",)
    assert at_once(found) == ["1.0.0"]
    assert "reverted in back" in (of(found, "1.1.0").taken_back or "")


def test_what_landed_after_another_overlay_was_moved_back_is_not_taken_back() -> None:
    east = origin(landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.0.0", minutes=100, commit="back"))
    west = origin(landing("1.0.0"), landing("1.0.5", minutes=150), overlay="west")
    assert of(offered(east, west), "1.0.5").taken_back is None
    before = origin(landing("1.0.0"), landing("1.0.5", minutes=50), overlay="west")
    assert "1.0.5 came before 1.1.0, which was reverted in back" in (
        of(offered(east, before), "1.0.5").taken_back or ""
    )


def test_where_every_overlay_was_moved_back_all_count() -> None:
    landings = (landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.0.0", minutes=100))
    found = offered(origin(*landings), origin(*landings, overlay="west"))
    assert (found.beside, at_once(found)) == ((), ["1.0.0"])


def test_a_version_must_have_stood_long_enough_in_every_overlay_even_at_different_times() -> None:
    east = origin(landing("1.0.0"), landing("1.1.0", minutes=40))
    west = origin(
        landing("0.9.0"), landing("1.0.0", minutes=90), landing("1.1.0", minutes=130, commit="late"), overlay="west"
    )
    (offer,) = [each for each in offered(east, west, now=140).offers if each.due is None]
    assert (offer.version.tag, offer.ran[0].since, offer.ran[0].until) == ("1.0.0", at(90), at(40))
    assert of(offered(east, west, now=140), "1.1.0").due == at(160)
    assert of(offered(east, west, now=140), "1.1.0").ran[0].commits == ("0000001", "late")


def test_all_sources_must_have_run_a_version() -> None:
    fast, slow = origin(landing("1.0.0"), landing("1.1.0", minutes=40)), origin(landing("1.0.0", minutes=5))
    found = offers({"test": [fast], "perf": [slow]}, IMAGE, SOAK, SEMVER, at(500))
    assert at_once(found) == ["1.0.0"]
    assert [ran.environment for ran in found.offers[0].ran] == ["test", "perf"]


def test_sources_that_have_nothing_in_common_offer_nothing_and_say_so() -> None:
    found = offers(
        {"test": [origin(landing("1.0.0"))], "perf": [origin(landing("2.0.0"))]}, IMAGE, SOAK, SEMVER, at(500)
    )
    assert found.nothing == "no version has stood in all of test and perf"


def test_an_entry_that_names_no_version_offers_none() -> None:
    assert offered(origin(landing(None))).nothing == "no version has stood in all of test"


def test_the_push_is_told_by_the_earliest_landing_and_by_one_of_an_event_before_one_by_hand() -> None:
    told = replace(landing("1.0.0", minutes=3), event="harbor/7", commit="told")
    late = landing("1.0.0", minutes=9)
    by_hand = replace(told, event=None, commit="by-hand")
    for landings in ([late, told, by_hand], [by_hand, told, late]):
        assert first_pushed({"test": [Origin(target(), tuple(landings))]}) == {Version("1.0.0"): told}
    (offer,) = offered(origin(told)).offers
    assert (offer.event.source, offer.event.id, offer.event.time) == ("harbor", "7", at(3))
    (offer,) = offered(origin(landing("1.0.0", commit="abc"))).offers
    assert (offer.event.source, offer.event.id) == (BY_HAND, "abc")


def test_the_push_times_of_versions_that_never_soaked_are_told_as_well() -> None:
    found = offered(origin(landing("1.0.0"), landing("1.1.0", minutes=40), landing("1.2.0", minutes=41)))
    assert found.pushed[Version("1.1.0")] == at(40)


def _stood(landings: list[Landing], version: Version, soak: timedelta, now: float) -> bool:
    ends = [each.landed_at for each in landings[1:]] + [at(now)]
    return any(
        each.version == version and end - each.landed_at >= soak for each, end in zip(landings, ends, strict=True)
    )


@given(
    st.lists(stories("abc-"), min_size=1, max_size=3),
    st.sampled_from([0, 10, 20]),
    st.sampled_from(["semver", "pushed"]),
)
def test_nothing_is_offered_at_once_that_did_not_stand_for_the_soak_in_every_entry_that_counts(
    histories: list[list[Landing]], minutes: int, order: str
) -> None:
    ranking = rule(order)  # type: ignore[arg-type]
    origins = [origin(*mine, overlay=str(at_), order=ranking) for at_, mine in enumerate(histories)]
    counted = [each for each in origins if not each.target.past.holds] or origins
    found = offered(*origins, soak=timedelta(minutes=minutes), order=ranking, now=100)
    for offer in found.offers:
        if offer.due is None and offer.taken_back is None:
            assert all(_stood([*each.landings], offer.version, timedelta(minutes=minutes), 100) for each in counted)


@given(stories("ab-"))
def test_nothing_is_offered_that_was_moved_back_since_it_stood(landings: list[Landing]) -> None:
    landings = [next(same) for _, same in groupby(landings, lambda each: each.version)]
    found = offered(origin(*landings), soak=timedelta(), now=100)
    for offer in found.offers:
        if offer.taken_back is None:
            last = max(at_ for at_, each in enumerate(landings) if each.version == offer.version)
            for later in range(last + 1, len(landings)):
                past = recalled(SEMVER, *landings[: later + 1])
                assert all(hold.version != offer.version for hold in past.holds)


@given(st.lists(stories("ab-"), min_size=2, max_size=3), st.randoms())
def test_the_order_of_overlays_and_of_sources_does_not_matter(histories: list[list[Landing]], shuffled: object) -> None:
    origins = [origin(*mine, overlay=str(at_)) for at_, mine in enumerate(histories)]
    mixed = sorted(origins, key=lambda _: shuffled.random())  # type: ignore[attr-defined]
    one, other = offered(*origins, now=100), offered(*mixed, now=100)
    assert [(each.version, each.event, each.due, each.taken_back is None) for each in one.offers] == [
        (each.version, each.event, each.due, each.taken_back is None) for each in other.offers
    ]
    names = {str(at_): [each] for at_, each in enumerate(origins)}
    assert at_once(offers(names, IMAGE, SOAK, SEMVER, at(100))) == at_once(
        offers(dict(reversed(names.items())), IMAGE, SOAK, SEMVER, at(100))
    )
