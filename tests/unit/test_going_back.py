"""Which version a rollback goes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import entry, landing, rule, target
from updater.core.environment import OrderName
from updater.core.going_back import Step, before, to
from updater.errors import UsageError
from updater.model import Landing, Target, Version

EVERY_ORDER: list[OrderName] = ["pushed", "semver", "numerical", "alphabetical"]
ONE, TWO, THREE = (landing(tag, None, 10 * number, commit=f"up-{tag}") for number, tag in enumerate("123", 1))


def overlay(cluster: str, tag: str | None, letter: str | None = None) -> Target:
    """The entry of one cluster's overlay of the service."""
    folder = f"clusters/{cluster}/model-a"
    return replace(target(), overlay=folder, entry=entry(tag, letter, path=f"{folder}/kustomization.yaml"))


def back(tag: str, minutes: float, commit: str = "back") -> Landing:
    """Somebody brings an old version back; no trailers tell when it was pushed."""
    return landing(tag, None, minutes, commit=commit)


def steps(here: Target, *landings: Landing, order: OrderName = "pushed") -> tuple[Step, ...]:
    return before({here: landings}, {here: rule(order)})


# To what stood before


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_rollback_undoes_the_newest_deployment(order: OrderName) -> None:
    here = overlay("eu", "3")
    assert steps(here, ONE, TWO, THREE, order=order) == (Step(here, Version("2"), undoes="up-3"),)


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_each_further_rollback_goes_one_version_further_back(order: OrderName) -> None:
    once, twice = back("2", 40), back("1", 50)
    assert [step.to.tag for step in steps(overlay("eu", "2"), ONE, TWO, THREE, once, order=order)] == ["1"]
    assert steps(overlay("eu", "1"), ONE, TWO, THREE, once, twice, order=order) == ()


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_a_rollback_after_a_new_start_undoes_the_new_start(order: OrderName) -> None:
    redeployed = replace(THREE, commit="again", landed_at=back("3", 50).landed_at)
    found = steps(overlay("eu", "3"), ONE, TWO, THREE, back("2", 40), redeployed, order=order)
    assert found == (Step(overlay("eu", "3"), Version("2"), undoes="again"),)


def test_a_mutable_tag_goes_back_to_its_digest_before() -> None:
    here = overlay("eu", "latest", "b")
    a, b = landing("latest", "a", 10), landing("latest", "b", 20, commit="up-b")
    assert steps(here, a, b) == (Step(here, a.version, undoes="up-b"),)


@pytest.mark.parametrize("pushed_at", [15, 25], ids=["pushed before the tag was written", "after"])
def test_a_digest_that_was_only_learned_is_not_what_a_rollback_undoes(pushed_at: float) -> None:
    here = overlay("eu", "2", "b")
    learned = replace(landing("2", "b", pushed_at), landed_at=back("2", 30).landed_at)
    assert [step.to for step in steps(here, ONE, TWO, learned)] == [Version("1")]


def test_nothing_is_undone_where_nothing_stood_before() -> None:
    here = overlay("eu", "1")
    assert steps(here, ONE) == ()
    assert steps(here) == ()
    assert before({}, {}) == ()


def test_what_came_by_a_move_back_alone_has_nothing_before_it() -> None:
    assert steps(overlay("eu", "1"), TWO, replace(ONE, landed_at=back("1", 40).landed_at), order="semver") == ()


def test_overlays_that_one_commit_moved_go_back_together() -> None:
    eu, us = overlay("eu", "2"), overlay("us", "2")
    found = before({eu: (ONE, TWO), us: (landing("0", None, 0), TWO)}, dict.fromkeys((eu, us), rule()))
    assert found == (Step(eu, Version("1"), "up-2"), Step(us, Version("0"), "up-2"))


@pytest.mark.parametrize("reverse", [False, True])
def test_overlays_that_moved_earlier_stay_where_they_are(reverse: bool) -> None:
    eu, us = overlay("eu", "3"), overlay("us", "2")
    landings = {eu: (ONE, TWO, THREE), us: (ONE, TWO)}
    some = dict(sorted(landings.items(), key=lambda each: each[0].overlay, reverse=reverse))
    assert before(some, dict.fromkeys((eu, us), rule())) == (Step(eu, Version("2"), "up-3"),)


# To a tag


def test_a_tag_is_brought_back_as_it_stood_last() -> None:
    here = overlay("eu", "3", "c")
    old, new = landing("2", "a", 10), landing("2", "b", 20)
    assert to("2", {here: (ONE, old, new, THREE)}) == (Step(here, new.version),)


def test_a_tag_is_brought_back_wherever_it_stood_and_does_not_stand() -> None:
    eu, us, asia = overlay("eu", "3"), overlay("us", "1"), overlay("asia", "3")
    landings = {eu: (ONE, TWO, THREE), us: (TWO, ONE), asia: (TWO, THREE)}
    assert to("1", landings) == (Step(eu, Version("1")),)
    assert to("2", landings) == (Step(eu, Version("2")), Step(us, Version("2")), Step(asia, Version("2")))


def test_a_tag_that_stands_everywhere_already_is_nothing_to_do() -> None:
    here = overlay("eu", "3")
    assert to("3", {here: (ONE, THREE)}) == ()


def test_a_tag_that_stands_in_one_overlay_is_known_although_it_stood_in_no_other() -> None:
    eu, us = overlay("eu", "3"), overlay("us", "1")
    assert to("3", {eu: (ONE, THREE), us: (ONE,)}) == ()


def test_a_tag_that_never_stood_is_refused_and_the_newest_that_did_are_named() -> None:
    eu, us = overlay("eu", "7"), overlay("us", "3")
    seven = [landing(str(number), None, number) for number in range(1, 8)]
    with pytest.raises(UsageError) as refused:
        to("9.9", {eu: seven, us: (landing(None, "a", 6.5), landing("7", "b", 7))})
    assert refused.value.message == "9.9 never stood there"
    assert refused.value.hint == "there stood: 7, sha256:aaaaaaaaaaaa, 6, 5, 4"


def test_where_nothing_ever_stood_there_is_nothing_to_name() -> None:
    with pytest.raises(UsageError) as refused:
        to("1", {})
    assert (refused.value.message, refused.value.hint) == ("1 never stood there", None)
