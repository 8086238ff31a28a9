"""What stands everywhere, what is held and stopped, and what waits."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE, at, pushed
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, images, overlay, sight
from updater.by_hand.overview import Overview, overview
from updater.core import waiting
from updater.errors import BranchMissing, UsageError
from updater.model import Outcome

OTHER = "reg.example/models/model-b"
PROMOTED = {"environments/staging.yaml": "overlays: overlays/staging/{service}\npromote: {from: test}\n"}
FILES = {
    **environment_file(order="numerical"),
    **PROMOTED,
    **overlay("1"),
    **overlay("2", service="model-b"),
    **overlay("3", environment="staging"),
}


def repository(*more: dict[str, str]) -> FakeRepository:
    files = dict(FILES)
    for each in more:
        files |= each
    return FakeRepository({"main": files})


def seen(ours: FakeRepository, only: str | None = None, *globs: str, minutes: float = 60) -> Overview:
    ours.refresh()
    return overview(sight(ours, clock=StoppedClock(at(minutes))), only, globs)


def standing(found: Overview) -> list[tuple[str, str, str | None]]:
    return [(each.target.environment, each.target.service, each.target.entry.version.tag) for each in found.entries]


def test_everything_that_stands_comes_in_the_order_of_promotions() -> None:
    found = seen(repository())
    assert standing(found) == [("test", "model-a", "1"), ("test", "model-b", "2"), ("staging", "model-a", "3")]
    assert ({each.stopped for each in found.entries}, found.waiting, found.problems) == ({None}, {}, ())


def test_one_environment_or_some_services_can_be_asked_for() -> None:
    assert standing(seen(repository(), "staging")) == [("staging", "model-a", "3")]
    assert [place[1] for place in standing(seen(repository(), None, "*-b"))] == ["model-b"]
    both = standing(seen(repository(), None, "*-b", "*-a"))
    assert both == [("test", "model-a", "1"), ("test", "model-b", "2"), ("staging", "model-a", "3")]


@pytest.mark.parametrize(
    ("only", "told"), [("staging", "staging has no service *-b"), (None, "no environment has a service zzz")]
)
def test_a_name_or_glob_without_a_service_is_an_error(only: str | None, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        seen(repository(), only, "*-b", *(() if only else ("zzz",)))
    assert str(caught.value) == told


def test_files_of_services_that_were_not_asked_about_do_not_count() -> None:
    broken = {"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"}
    assert seen(repository(broken), None, "model-a").problems == ()


def test_since_when_it_stands_is_told() -> None:
    ours = repository()
    commit = ours.commit("main", overlay("2"), minutes=7)
    place = seen(ours, "test").entries[0]
    assert place.target.standing is not None
    assert (place.target.standing.commit, place.target.standing.landed_at) == (commit, at(7))


def test_what_was_taken_back_is_held_until_a_release() -> None:
    ours = repository()
    ours.commit("main", overlay("2"), minutes=1)
    back = ours.commit("main", overlay("1"), minutes=2)
    held = seen(ours, "test").entries[0].target.past.holds
    assert [(hold.version.tag, hold.commit, hold.author) for hold in held] == [("2", back, "alice")]
    release = f"release: [{{service: model-a, image: {IMAGE}, version: '2'}}]"
    ours.commit("main", environment_file("test", release, order="numerical"), minutes=3)
    assert seen(ours, "test").entries[0].target.past.holds == ()


def test_holds_of_a_promoting_environment_follow_the_order_at_the_root() -> None:
    ours = repository()
    ours.commit("main", overlay("10", environment="staging"), minutes=1)
    ours.commit("main", overlay("9", environment="staging"), minutes=2)
    (place,) = seen(ours, "staging").entries
    assert [hold.version.tag for hold in place.target.past.holds] == ["10"]


def test_what_the_file_stops_now_is_told_for_the_services_that_it_stops() -> None:
    hold = environment_file("test", "hold: [{service: '*-b', reason: INC-42}]", order="numerical")
    found = seen(repository(hold), "test")
    assert [each.stopped and (each.stopped.outcome, each.stopped.reason) for each in found.entries] == [
        None,
        (Outcome.HELD, "held: INC-42 (environments/test.yaml:2)"),
    ]


@pytest.mark.parametrize(("minutes", "is_stopped"), [(59, False), (60, True)])
def test_a_freeze_counts_by_the_clock(minutes: float, is_stopped: bool) -> None:
    freeze = environment_file("test", 'freeze: [{from: "FRI 13:00", to: "MON 06:00"}]', order="numerical")
    place = seen(repository(freeze), "test", minutes=minutes).entries[0]
    assert (place.stopped is not None) is is_stopped


def test_what_waits_is_told_for_the_environments_that_were_asked_about() -> None:
    ours = repository()
    for name, event in {"test": pushed("2"), "staging": pushed("9", image=OTHER), "gone": pushed("5")}.items():
        ours.commit(waiting.ref(name), {waiting.FILE: waiting.written([event]).decode()})
    assert dict(seen(ours).waiting) == {
        "test": (pushed("2"),),
        "staging": (pushed("9", image=OTHER),),
        "gone": (pushed("5"),),
    }
    assert dict(seen(ours, "test").waiting) == {"test": (pushed("2"),)}


def test_what_is_broken_is_told_and_hides_nothing_else() -> None:
    broken = {
        "environments/edge.yaml": "overlay: x\n",
        "overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n",
        **environment_file("far", "branch: env/far"),
    }
    found = seen(repository(broken))
    assert standing(found)[:3] == [("test", "model-a", "1"), ("test", "model-b", "2"), ("staging", "model-a", "3")]
    assert {problem.at.path for problem in found.problems if problem.at} == {
        "environments/edge.yaml",
        "environments/far.yaml",
        "overlays/test/broken/kustomization.yaml",
    }
    assert [type(problem) for problem in found.problems].count(BranchMissing) == 1


def test_an_entry_that_names_no_image_is_shown_as_well() -> None:
    two = images(("PLACEHOLDER", "x", None), (IMAGE, "1", None))
    found = seen(repository({"overlays/test/model-a/kustomization.yaml": two}), "test", "model-a")
    assert [(each.target.entry.image, each.target.entry.version.tag) for each in found.entries] == [
        (None, "x"),
        (IMAGE, "1"),
    ]


def test_an_environment_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        seen(repository(), "tset")
    assert str(caught.value) == "there is no environment 'tset'"
    assert caught.value.hint is not None
    assert "test" in caught.value.hint
