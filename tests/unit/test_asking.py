"""What is asked of registries before a push lands, and what becomes of it with what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import events
from tests.helpers.events import IMAGE, at, delivery, digest
from tests.helpers.fake_registries import DOWN, KEY, FakeRegistries
from tests.helpers.fake_repository import FakeRepository, environment_file, images, overlay, sight
from updater.decoders import generic
from updater.errors import ConfigurationError, RegistryRefused
from updater.model import Decision, Delivery, Event, Origin, Outcome, Version
from updater.pipeline import Parts, handle
from updater.planning import Plan, make_plan
from updater.registry import Registries

COMMITTED, REFUSED, SUPERSEDED, HELD = Outcome.COMMITTED, Outcome.REFUSED, Outcome.SUPERSEDED, Outcome.HELD
SIGNED = "  signed-by: {key: cosign.pub}"
ORIGIN = Origin("https://github.com/acme/model-a", "c0ffee0", "2.0", datetime(2026, 11, 20, tzinfo=UTC))


def rules(*more: str, order: str = "pushed", environment: tuple[str, ...] = ()) -> dict[str, str]:
    """The environment test with more lines in its only rule."""
    ((path, text),) = environment_file("test", *environment, order=order).items()
    return {path: text + "".join(f"{line}\n" for line in more), "cosign.pub": KEY}


def planned(files: dict[str, str], asked: Registries | None, *events: Event) -> Plan:
    repository = FakeRepository({"main": files})
    return make_plan(replace(sight(repository), registries=asked), events, lambda: {})


def pushed(tag: str, letter: str | None = None, minutes: float = 5, image: str = IMAGE) -> Event:
    return events.pushed(tag, letter, minutes, image=image)


def told(plan: Plan) -> list[tuple[Version, Outcome, str]]:
    return [(each.to, each.outcome, each.reason) for each in plan.decisions]


def only(plan: Plan) -> Decision:
    (decision,) = plan.decisions
    return decision


def version(tag: str, letter: str | None = None) -> Version:
    return Version(tag, None if letter is None else digest(letter))


def test_a_digest_that_no_event_told_is_asked_of_the_registry_once() -> None:
    asked = FakeRegistries({"2": "b"})
    plan = planned({**rules(), **overlay("1", "a")}, asked, pushed("2"))
    assert (only(plan).to, only(plan).outcome) == (version("2", "b"), COMMITTED)
    assert asked.asked == [{"2"}]
    assert (only(plan).is_open, plan.problems) == (False, ())


def test_a_missing_digest_is_asked_of_a_registry_that_nobody_has_a_login_for() -> None:
    asked = FakeRegistries({"2": "b"}, is_known=False)
    assert only(planned({**rules(), **overlay("1", "a")}, asked, pushed("2"))).to == version("2", "b")


def test_where_no_digest_stands_a_registry_that_is_not_known_is_not_asked() -> None:
    asked = FakeRegistries({"2": "b"}, is_known=False)
    assert only(planned({**rules(), **overlay("1")}, asked, pushed("2"))).to == version("2")
    assert asked.asked == []


def test_a_registry_that_is_known_gives_the_digest_to_an_entry_that_had_none() -> None:
    assert only(planned({**rules(), **overlay("1")}, FakeRegistries({"2": "b"}), pushed("2"))).to == version("2", "b")


@pytest.mark.parametrize("stands", [("1", "a"), ("1", None)])
def test_with_confirm_false_nobody_is_asked(stands: tuple[str, str | None]) -> None:
    asked = FakeRegistries({"2": "b"})
    decision = only(planned({**rules("  confirm: false"), **overlay(*stands)}, asked, pushed("2")))
    assert decision.outcome == (REFUSED if stands[1] else COMMITTED)
    assert (decision.to, asked.asked) == (version("2"), [])


def test_with_confirm_true_a_registry_without_a_login_is_asked_too() -> None:
    asked = FakeRegistries({"2": "b"}, is_known=False)
    planned({**rules("  confirm: true"), **overlay("1", "a")}, asked, pushed("2", "b"))
    assert asked.asked == [{"2"}]


def test_only_what_would_land_is_asked_about() -> None:
    asked = FakeRegistries({"1": "a", "2": "b", "3": "c"})
    files = {**rules(order="semver"), **overlay("2", "b")}
    planned(files, asked, pushed("1", "a"), pushed("2", "b"), pushed("3", "c"), pushed("2.5", "d"))
    assert asked.asked == [{"3"}]


def test_all_that_would_land_is_asked_about_together() -> None:
    other = IMAGE.replace("model-a", "model-b")
    asked = FakeRegistries({"2": "b"})
    files = {**rules(), **overlay("1", "a"), **overlay("1", "a", service="model-b")}
    planned(files, asked, pushed("2", "b"), pushed("3", "c", image=other))
    assert asked.asked == [{"2", "3"}]


def test_an_event_that_names_what_the_tag_names_now_lands() -> None:
    assert (
        only(planned({**rules(), **overlay("1", "a")}, FakeRegistries({"2": "b"}), pushed("2", "b"))).outcome
        is COMMITTED
    )


def test_where_the_tag_has_moved_on_the_newer_push_decides() -> None:
    files = {**rules(), **overlay("1", "a")}
    moved = (version("2", "b"), SUPERSEDED, "2 names sha256:cccccccccccc now: the push of that decides")
    assert told(planned(files, FakeRegistries({"2": "c"}), pushed("2", "b"))) == [moved]
    both = told(planned(files, FakeRegistries({"2": "b"}), pushed("2", "b", 6), pushed("2", "c", 7)))
    assert [each[:2] for each in both] == [(version("2", "c"), SUPERSEDED), (version("2", "b"), COMMITTED)]


PUSHES = st.tuples(st.sampled_from(["1.0", "1.1", "2.0"]), st.sampled_from("abc"), st.integers(1, 9))


@given(
    st.data(),
    st.lists(PUSHES, min_size=1, max_size=6, unique_by=lambda each: each[:2]),
    st.sampled_from(["pushed", "semver"]),
)
def test_whatever_the_order_of_events_the_same_lands_as_the_registry_names_it(
    data: st.DataObject, pushes: list[tuple[str, str, int]], order: str
) -> None:
    """Each tag names what was pushed to it last: all of it was pushed before we hear of any."""
    newest = {tag: letter for tag, letter, _ in sorted(pushes, key=lambda each: (each[2], each[1]))}
    events = [delivery(tag, letter, minutes) for tag, letter, minutes in pushes]
    asked = FakeRegistries(newest)

    def landed(batches: list[list[Delivery]]) -> str:
        repository = FakeRepository({"main": {**rules(order=order), **overlay("0.1", "d")}})
        parts = Parts(replace(sight(repository), registries=asked), {"generic": generic.decode}, lambda _: None)
        for batch in batches:
            handle(parts, batch)
        return repository.on_remote("main", "overlays/test/model-a/kustomization.yaml")

    together = landed([events])
    assert landed([[event] for event in data.draw(st.permutations(events))]) == together
    assert any(f'"{tag}"' in together and digest(letter) in together for tag, letter in newest.items())


def test_a_tag_that_is_gone_is_refused_and_the_next_best_lands() -> None:
    files = {**rules(order="semver"), **overlay("1", "a")}
    plan = planned(files, FakeRegistries({"2": "b"}), pushed("2", "b"), pushed("3", "c"))
    assert told(plan)[0] == (version("3", "c"), REFUSED, "3 is not in the registry any more")
    assert told(plan)[1][:2] == (version("2", "b"), COMMITTED)
    assert (plan.decisions[0].exit_code, plan.decisions[0].retry, plan.problems) == (4, False, ())


def test_what_was_decided_on_stays_decided_while_the_next_best_of_another_image_is_asked_about() -> None:
    other = IMAGE.replace("model-a", "model-b")
    files = {**rules(order="semver"), **overlay("1", "a"), **overlay("1", "a", service="model-b")}
    three = [pushed("2", "b"), pushed("3", "c"), pushed("2", "b", image=other)]
    plan = planned(files, FakeRegistries({"2": "b"}), *three)
    assert sorted((each.image, each.to.tag, each.outcome) for each in plan.decisions) == [
        (IMAGE, "2", COMMITTED),
        (IMAGE, "3", REFUSED),
        (other, "2", REFUSED),
    ]


def test_a_push_whose_digest_only_the_registry_knows_waits_while_that_is_down() -> None:
    plan = planned({**rules(), **overlay("1", "a")}, FakeRegistries(down=DOWN), pushed("2"))
    decision = only(plan)
    assert (decision.outcome, decision.reason, decision.retry) == (REFUSED, str(DOWN), True)
    assert plan.problems == (DOWN,)


def test_a_push_with_its_digest_goes_on_with_a_note_while_the_registry_is_down() -> None:
    plan = planned({**rules(), **overlay("1", "a")}, FakeRegistries(down=DOWN), pushed("2", "b"))
    assert only(plan).outcome is COMMITTED
    assert only(plan).reason.endswith("(not confirmed: reg.example did not answer)")
    assert plan.problems == ()


def test_where_tags_alone_are_written_a_push_goes_on_while_the_registry_is_down() -> None:
    plan = planned({**rules("  pin: tag"), **overlay("1")}, FakeRegistries(down=DOWN), pushed("2"))
    assert (only(plan).outcome, only(plan).to) == (COMMITTED, version("2"))


def test_where_tags_alone_are_written_another_digest_is_no_other_version() -> None:
    plan = planned({**rules("  pin: tag"), **overlay("1")}, FakeRegistries({"2": "c"}), pushed("2", "b"))
    assert [(each.to, each.outcome) for each in plan.decisions] == [(version("2"), COMMITTED)]


def test_a_registry_that_says_no_is_tried_again_like_any_right_that_is_missing() -> None:
    refused = RegistryRefused("reg.example wants a login", hint="name one")
    plan = planned({**rules(), **overlay("1", "a")}, FakeRegistries(down=refused), pushed("2"))
    assert (only(plan).outcome, only(plan).retry, plan.problems) == (REFUSED, True, (refused,))


def test_a_push_that_has_to_wait_is_not_asked_about_before_it_may_land() -> None:
    asked = FakeRegistries({"2": "b"})
    plan = planned({**rules(environment=("paused: true",)), **overlay("1", "a")}, asked, pushed("2"))
    assert (only(plan).outcome, only(plan).keeps, asked.asked) == (Outcome.WAITING, True, [])


def test_a_new_push_under_a_tag_that_was_taken_back_is_asked_about_and_lands_if_it_is_another_image() -> None:
    repository = FakeRepository({"main": {**rules(), **overlay("1", "a")}})
    repository.revert("main", repository.commit("main", overlay("latest", "b"), minutes=1), minutes=2)
    repository.refresh()

    def outcomes(letter: str) -> list[tuple[Version, Outcome]]:
        seen = replace(sight(repository), registries=FakeRegistries({"latest": letter}))
        plan = make_plan(seen, [pushed("latest", minutes=3)], lambda: {})
        return [(each.to, each.outcome) for each in plan.decisions]

    assert outcomes("b") == [(version("latest", "b"), HELD)]
    assert outcomes("c") == [(version("latest", "c"), COMMITTED)]


def test_a_push_without_digest_that_orders_below_what_was_taken_back_is_held_and_nobody_is_asked() -> None:
    repository = FakeRepository({"main": {**rules(order="semver"), **overlay("1.0.0", "a")}})
    repository.revert("main", repository.commit("main", overlay("1.2.0", "b"), minutes=1), minutes=5)
    repository.refresh()
    asked = FakeRegistries({"1.1.0": "c"})
    plan = make_plan(replace(sight(repository), registries=asked), [pushed("1.1.0", minutes=3)], lambda: {})
    assert (only(plan).outcome, asked.asked) == (HELD, [])


# --- signatures


def test_an_image_that_is_not_signed_is_refused_kept_and_lets_the_next_best_land() -> None:
    asked = FakeRegistries({"2": "b", "3": "c"}, unsigned={"c"})
    files = {**rules(SIGNED, order="semver"), **overlay("1", "a")}
    plan = planned(files, asked, pushed("2", "b"), pushed("3", "c"))
    unsigned, lands = plan.decisions
    assert (unsigned.outcome, unsigned.reason, unsigned.keeps) == (REFUSED, "3 is not signed", True)
    assert (lands.to, lands.outcome) == (version("2", "b"), COMMITTED)
    assert (asked.asked, asked.keys) == ([{"3"}, {"2"}], {(KEY.encode(),)})


def test_signatures_are_asked_for_whatever_confirm_says() -> None:
    asked = FakeRegistries({"2": "b"}, is_known=False, unsigned={"b"})
    assert (
        only(planned({**rules(SIGNED, "  confirm: false"), **overlay("1", "a")}, asked, pushed("2", "b"))).outcome
        is REFUSED
    )


def test_nothing_lands_while_nobody_can_say_whether_it_is_signed() -> None:
    plan = planned({**rules(SIGNED), **overlay("1", "a")}, FakeRegistries(down=DOWN), pushed("2", "b"))
    assert (only(plan).outcome, only(plan).retry, plan.problems) == (REFUSED, True, (DOWN,))


def test_where_no_registry_can_be_asked_a_rule_with_a_key_lets_nothing_in() -> None:
    plan = planned({**rules(SIGNED), **overlay("1", "a")}, None, pushed("2", "b"))
    assert (only(plan).outcome, only(plan).exit_code, only(plan).keeps) == (REFUSED, ConfigurationError.exit_code, True)
    assert "environments/test.yaml:2: no registry can be asked here" in only(plan).reason


def test_a_key_that_is_not_there_is_told_with_its_place_and_what_was_pushed_is_kept_until_it_is() -> None:
    files = {**rules(SIGNED), **overlay("1", "a")}
    del files["cosign.pub"]
    decision = only(planned(files, FakeRegistries({"2": "b"}), pushed("2", "b")))
    assert (decision.outcome, decision.exit_code, decision.keeps) == (REFUSED, ConfigurationError.exit_code, True)
    assert decision.reason.startswith("environments/test.yaml:2: ")
    assert "cosign.pub" in decision.reason


# --- where it came from


def test_a_bump_knows_where_its_image_was_built_from() -> None:
    asked = FakeRegistries({"2": "b"}, origins={"b": ORIGIN})
    decision = only(planned({**rules(), **overlay("1", "a")}, asked, pushed("2", "b")))
    assert decision.event is not None
    assert decision.event.origin == ORIGIN


def test_each_entry_of_a_file_is_decided_with_the_words_on_its_own_image() -> None:
    other = IMAGE.replace("model-a", "model-b")
    file = {"overlays/test/model-a/kustomization.yaml": images((IMAGE, "1", "a"), (other, "1", "a"))}
    plan = planned({**rules(), **file}, FakeRegistries({"2": "b"}), pushed("2", "b"), pushed("2", "b", image=other))
    assert [(each.image, each.outcome) for each in plan.decisions] == [(IMAGE, COMMITTED), (other, REFUSED)]


def test_what_a_look_has_found_lands_with_its_digest_even_where_none_stood() -> None:
    asked = FakeRegistries({"2": "b"}, is_known=False)
    listed = replace(pushed("2"), earliest=at(4))
    assert only(planned({**rules(), **overlay("1")}, asked, listed)).to == version("2", "b")
    assert only(planned({**rules("  pin: tag"), **overlay("1")}, asked, listed)).to == version("2")
    assert asked.asked == [{"2"}, {"2"}]


def test_a_registry_that_did_not_answer_is_not_asked_about_the_next_best() -> None:
    asked = FakeRegistries(down=DOWN)
    files = {**rules(order="semver"), **overlay("1", "a")}
    plan = planned(files, asked, pushed("2"), pushed("3"), pushed("4"))
    assert [(each.outcome, each.reason) for each in plan.decisions] == [(REFUSED, str(DOWN))] * 3
    assert (asked.asked, plan.problems) == ([{"4"}], (DOWN,))
