"""What pushed images call for on the newest known tips."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.events import IMAGE, pushed
from tests.helpers.fake_repository import FakeRepository, environment_file, images, overlay, sight
from updater.model import Decision, Event, Outcome
from updater.planning import Plan, make_plan

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
COMMITTED, REFUSED, IGNORED = Outcome.COMMITTED, Outcome.REFUSED, Outcome.IGNORED
RELEASE = f"release: [{{service: model-a, image: {IMAGE}, version: '2'}}]"


def planned(files: dict[str, str], *events: Event) -> Plan:
    return make_plan(sight(FakeRepository({"main": files})), events, lambda: {})


def only(decisions: tuple[Decision, ...]) -> Decision:
    (decision,) = decisions
    return decision


def places(decisions: tuple[Decision, ...]) -> list[tuple[str, str, Outcome]]:
    return [
        (decision.target.environment, decision.target.service, decision.outcome)
        for decision in decisions
        if decision.target is not None
    ]


def test_a_push_is_planned_into_every_environment_that_follows_it() -> None:
    files = {**environment_file(), **environment_file("edge"), **overlay("1"), **overlay("1", environment="edge")}
    plan = planned(files, pushed("2"))
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED), ("test", "model-a", COMMITTED)]
    assert [change.environment for change in plan.changes] == ["edge", "test"]
    assert (plan.left_over, plan.problems) == ((), ())


def test_decisions_come_by_environment_service_file_and_entry_with_the_best_version_last() -> None:
    two = {PATH: images((IMAGE, "1", None), (OTHER, "9", None))}
    files = {**environment_file(order="semver"), **two, **overlay("1", service="model-b")}
    events = pushed("2"), pushed("3"), pushed("2", image=OTHER)
    decisions = planned(files, *events).decisions
    assert [(*place, decision.to.tag) for place, decision in zip(places(decisions), decisions, strict=True)] == [
        ("test", "model-a", Outcome.SUPERSEDED, "2"),
        ("test", "model-a", COMMITTED, "3"),
        ("test", "model-a", Outcome.REJECTED, "2"),
        ("test", "model-b", COMMITTED, "2"),
    ]


def test_two_environments_that_claim_one_entry_are_refused_by_name() -> None:
    files = {**environment_file(), **overlay("1"), **environment_file("all")}
    files["environments/all.yaml"] = files["environments/all.yaml"].replace("overlays/all/", "overlays/*/")
    plan = planned(files, pushed("2"))
    assert places(plan.decisions) == [("all", "model-a", REFUSED), ("test", "model-a", REFUSED)]
    assert {decision.exit_code for decision in plan.decisions} == {3}
    assert {decision.reason for decision in plan.decisions} == {
        f"{PATH}:4: all and test both claim the entry {IMAGE}; narrow one with `entries:`"
    }
    assert plan.changes == ()


STOPS = [
    ("paused: true", Outcome.WAITING, "paused"),
    ("paused: broken sensors", Outcome.WAITING, "paused: broken sensors"),
    ('freeze: [{from: "FRI 13:00", to: "MON 06:00"}]', Outcome.WAITING, "frozen until MON 06:00 (UTC)"),
    ("hold: [{service: model-a, reason: x, until: 2026-11-21}]", Outcome.HELD, "held until 2026-11-21: x"),
]


@pytest.mark.parametrize(("line", "outcome", "why"), STOPS)
def test_an_environment_that_is_stopped_for_a_time_keeps_what_would_land_and_stops_no_other(
    line: str, outcome: Outcome, why: str
) -> None:
    files = {**environment_file("test", line), **overlay("1")}
    plan = planned({**files, **environment_file("edge"), **overlay("1", environment="edge")}, pushed("2"))
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED), ("test", "model-a", outcome)]
    assert [decision.keeps for decision in plan.decisions] == [False, True]
    stopped = plan.decisions[1]
    assert (stopped.reason, stopped.exit_code) == (f"{why} (environments/test.yaml:2)", 0)
    assert [change.environment for change in plan.changes] == ["edge"]


def test_a_hold_without_an_end_turns_its_service_away_for_good_and_lets_others_land() -> None:
    hold = "hold: [{service: model-a, reason: INC-42}]"
    files = {**environment_file("test", hold), **overlay("1"), **overlay("1", service="model-b")}
    plan = planned(files, pushed("2"), pushed("2", image=OTHER))
    assert places(plan.decisions) == [("test", "model-a", Outcome.HELD), ("test", "model-b", COMMITTED)]
    held = plan.decisions[0]
    assert (held.reason, held.keeps) == ("held: INC-42 (environments/test.yaml:2)", False)


@pytest.mark.parametrize(("tag", "outcome"), [("2", COMMITTED), ("3", Outcome.HELD)])
def test_a_release_lets_its_version_alone_past_a_hold(tag: str, outcome: Outcome) -> None:
    hold = "hold: [{service: model-a, reason: INC-42}]"
    files = {**environment_file("test", hold, RELEASE), **overlay("1")}
    assert only(planned(files, pushed(tag)).decisions).outcome is outcome


@pytest.mark.parametrize(("line", "outcome", "_why"), STOPS[:3])
def test_a_release_lets_nothing_past_a_freeze_or_a_pause(line: str, outcome: Outcome, _why: str) -> None:
    files = {**environment_file("test", line, RELEASE), **overlay("1")}
    assert only(planned(files, pushed("2")).decisions).outcome is outcome


@pytest.mark.parametrize("line", [line for line, _, _ in STOPS[:3]])
def test_a_release_that_lifts_a_hold_lifts_no_freeze_or_pause_beside_it(line: str) -> None:
    hold = "hold: [{service: model-a, reason: INC-42}]"
    files = {**environment_file("test", hold, line, RELEASE), **overlay("1")}
    assert only(planned(files, pushed("2")).decisions).outcome is Outcome.WAITING


@pytest.mark.parametrize("line", [line for line, _, _ in STOPS])
def test_only_what_would_land_is_stopped(line: str) -> None:
    files = {**environment_file("test", line), **overlay("2")}
    unchanged, rejected = planned(files, pushed("2"), pushed("1", minutes=-99)).decisions[::-1]
    assert (unchanged.outcome, rejected.outcome) == (Outcome.UNCHANGED, Outcome.REJECTED)
    assert (unchanged.keeps, rejected.keeps) == (False, False)


def test_a_released_version_lands_and_the_held_ones_beside_it_are_kept_or_not_as_they_would_be_alone() -> None:
    for until, keeps in ((", until: 2026-11-21", True), ("", False)):
        hold = f"hold: [{{service: model-a, reason: x{until}}}]"
        files = {**environment_file("test", hold, RELEASE, order="numerical"), **overlay("1")}
        plan = planned(files, pushed("2"), pushed("3"))
        told = [(each.to.tag, each.outcome, each.keeps) for each in plan.decisions]
        assert told == [("3", Outcome.HELD, keeps), ("2", COMMITTED, False)]
        assert len(plan.changes) == 1


def test_a_released_version_waits_for_the_end_of_a_freeze_beside_the_one_that_is_held() -> None:
    hold = "hold: [{service: model-a, reason: x, until: 2026-11-21}]"
    files = {**environment_file("test", hold, "paused: true", RELEASE, order="numerical"), **overlay("1")}
    told = [(each.to.tag, each.outcome, each.keeps) for each in planned(files, pushed("2"), pushed("3")).decisions]
    assert told == [("3", Outcome.HELD, True), ("2", Outcome.WAITING, True)]


def test_an_entry_that_is_claimed_twice_is_refused_even_where_it_is_stopped() -> None:
    files = {**environment_file("test", "paused: true"), **overlay("1"), **environment_file("all")}
    files["environments/all.yaml"] = files["environments/all.yaml"].replace("overlays/all/", "overlays/*/")
    assert [outcome for _, _, outcome in places(planned(files, pushed("2")).decisions)] == [REFUSED, REFUSED]


def test_an_environment_that_asks_for_pull_requests_where_no_forge_is_known_is_not_written_to_and_waits() -> None:
    files = {**environment_file("test", "deliver: pull-request"), **overlay("1")}
    plan = planned({**files, **environment_file("edge"), **overlay("1", environment="edge")}, pushed("2"))
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED), ("test", "model-a", Outcome.WAITING)]
    waits, (problem,) = plan.decisions[1], plan.problems
    assert (waits.reason, waits.keeps) == (str(problem), True)
    assert (problem.exit_code, [change.environment for change in plan.changes]) == (2, ["edge"])


def test_settings_that_stop_nothing_stop_nothing() -> None:
    files = {**environment_file("test", RELEASE, "paused: false"), **overlay("1")}
    assert only(planned(files, pushed("2")).decisions).outcome is COMMITTED


def test_a_broken_environment_file_stops_that_environment_alone() -> None:
    files = {**environment_file(), **overlay("1"), "environments/edge.yaml": "overlay: overlays/edge/*\n"}
    plan = planned({**files, **overlay("1", environment="edge")}, pushed("2"))
    assert places(plan.decisions) == [("test", "model-a", COMMITTED)]
    assert {problem.at and problem.at.path for problem in plan.problems} == {"environments/edge.yaml"}
    assert {problem.exit_code for problem in plan.problems} == {3}


def test_a_file_that_cannot_be_read_is_a_refusal_and_stops_no_other() -> None:
    broken = {"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"}
    plan = planned({**environment_file(), **overlay("1"), **broken}, pushed("2"))
    assert places(plan.decisions) == [("test", "model-a", COMMITTED)]
    (refused,) = plan.left_over
    assert (refused.outcome, refused.exit_code, refused.target) == (REFUSED, 3, None)
    assert refused.reason.startswith("overlays/test/broken/kustomization.yaml:4: ")


def test_an_image_whose_only_file_cannot_be_read_is_refused_and_not_ignored() -> None:
    broken = {"overlays/test/model-a/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"}
    plan = planned({**environment_file(order="semver"), **broken}, pushed("2.0.0"), pushed("latest"))
    assert [(each.to.tag, each.outcome) for each in plan.left_over] == [
        ("2.0.0", REFUSED),
        ("latest", Outcome.IGNORED),
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (pushed("2", image="reg.example/web/x"), "no environment follows reg.example/web/x"),
        (pushed("2", image=OTHER), f"no entry of test follows {OTHER}"),
        (pushed("latest"), "test: tag latest is not a semantic version"),
    ],
)
def test_a_push_that_nothing_takes_is_ignored_with_the_reason(event: Event, reason: str) -> None:
    plan = planned({**environment_file(order="semver"), **overlay("1.0.0")}, event)
    ignored = only(plan.left_over)
    assert (ignored.outcome, ignored.reason, ignored.event, ignored.target) == (IGNORED, reason, event, None)
    assert (plan.decisions, ignored.exit_code) == ((), 0)


def test_a_push_that_one_environment_takes_is_not_ignored_for_another() -> None:
    files = {**environment_file(), **environment_file("edge"), **overlay("1")}
    assert planned(files, pushed("2")).left_over == ()


def test_an_image_may_have_a_push_that_lands_and_one_that_is_ignored() -> None:
    plan = planned({**environment_file(order="semver"), **overlay("1.0.0")}, pushed("1.1.0"), pushed("latest"))
    assert only(plan.decisions).to.tag == "1.1.0"
    assert only(plan.left_over).to.tag == "latest"


# Branches


def on_branch(*, there: bool) -> FakeRepository:
    files = {**environment_file("test", "branch: env/test"), **environment_file("edge")}
    branches = {"main": {**files, **overlay("1", environment="edge")}}
    return FakeRepository({**branches, "env/test": overlay("1")} if there else branches)


def test_an_environment_is_planned_on_its_own_branch() -> None:
    repository = on_branch(there=True)
    plan = make_plan(sight(repository), (pushed("2"),), lambda: {})
    assert [change.branch for change in plan.changes] == ["main", "env/test"]
    assert plan.tips == repository.remote


def test_a_missing_branch_is_a_problem_for_its_environment_alone() -> None:
    plan = make_plan(sight(on_branch(there=False)), (pushed("2"), pushed("2", image=OTHER)), lambda: {})
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED)]
    (problem,) = plan.problems
    assert str(problem) == "environments/test.yaml:2: the branch 'env/test' of test is not on the remote"
    assert problem.exit_code == 5
    reasons = f"no entry of edge follows {OTHER}; test: its branch 'env/test' is not on the remote"
    assert only(plan.left_over).reason == reasons


def test_a_configuration_that_comes_with_a_missing_branch_is_in_force_at_once() -> None:
    repository = on_branch(there=True)
    repository.commit("main", environment_file("edge", "paused: true"))
    plan = make_plan(sight(repository), (pushed("2"),), lambda: {})
    assert places(plan.decisions) == [("edge", "model-a", Outcome.WAITING), ("test", "model-a", COMMITTED)]
    assert plan.tips == repository.remote


def test_a_default_branch_that_turns_out_renamed_is_planned_on_by_its_new_name() -> None:
    repository = on_branch(there=True)
    repository.remote["trunk"] = repository.remote.pop("main")
    repository.remote_default = "trunk"
    plan = make_plan(sight(repository), (pushed("2"),), lambda: {})
    assert [change.branch for change in plan.changes] == ["trunk", "env/test"]


@pytest.mark.parametrize(
    ("settle", "proved"),
    [(lambda files: files, True), (lambda files: {**files, **overlay("2")}, False)],
    ids=["all branches are written to", "nothing is written"],
)
def test_a_plan_is_proved_by_pushing_if_every_branch_it_read_is_written_to(
    settle: Callable[[dict[str, str]], dict[str, str]], proved: bool
) -> None:
    files = settle({**environment_file(), **overlay("1")})
    assert planned(files, pushed("2")).is_proved_by_pushing() is proved


def test_a_plan_that_does_not_write_where_its_configuration_stands_is_not_proved_by_pushing() -> None:
    files = environment_file("test", "branch: env/test")
    repository = FakeRepository({"main": files, "env/test": overlay("1")})
    plan = make_plan(sight(repository), (pushed("2"),), lambda: {})
    assert [change.branch for change in plan.changes] == ["env/test"]
    assert not plan.is_proved_by_pushing()


# Pushes that waited


def test_what_waits_is_for_its_environment_alone() -> None:
    files = {**environment_file(), **environment_file("edge"), **overlay("1"), **overlay("1", environment="edge")}
    plan = make_plan(sight(FakeRepository({"main": files})), (), lambda: {"edge": (pushed("2"),)})
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED)]
    assert (plan.woken, plan.left_over) == ({"edge": (pushed("2"),)}, ())


def test_what_waits_is_superseded_by_a_newer_push_that_comes_now() -> None:
    files = {**environment_file(order="semver"), **overlay("1.0.0")}
    plan = make_plan(sight(FakeRepository({"main": files})), (pushed("3.0.0"),), lambda: {"test": (pushed("2.0.0"),)})
    assert [(each.to.tag, each.outcome) for each in plan.decisions] == [
        ("2.0.0", Outcome.SUPERSEDED),
        ("3.0.0", COMMITTED),
    ]


def test_what_waits_and_is_followed_no_longer_is_ignored_from_the_view_of_its_environment_alone() -> None:
    files = {**environment_file(order="semver"), **environment_file("edge", order="numerical")}
    repository = FakeRepository({"main": {**files, **overlay("1.0.0"), **overlay("1", environment="edge")}})
    plan = make_plan(sight(repository), (), lambda: {"test": (pushed("latest"),)})
    assert only(plan.left_over).reason == "test: tag latest is not a semantic version"
    assert (plan.decisions, plan.woken) == ((), {"test": (pushed("latest"),)})


def test_what_its_environment_follows_no_longer_is_ignored_although_another_one_would_take_it() -> None:
    files = {**environment_file(order="semver"), **environment_file("edge")}
    repository = FakeRepository({"main": {**files, **overlay("1.0.0"), **overlay("1", environment="edge")}})
    plan = make_plan(sight(repository), (pushed("2.0.0"),), lambda: {"test": (pushed("latest"),)})
    assert [(each.to.tag, each.outcome) for each in plan.left_over] == [("latest", IGNORED)]


def test_what_waits_is_planned_by_a_configuration_that_comes_with_a_missing_branch() -> None:
    repository = on_branch(there=True)
    repository.commit("main", {"README": "newer"})
    plan = make_plan(sight(repository), (), lambda: {"test": (pushed("2"),)})
    assert places(plan.decisions) == [("test", "model-a", COMMITTED)]
    assert plan.tips == repository.remote


def test_what_waits_is_read_again_only_where_asking_for_a_branch_brought_news() -> None:
    files = {**environment_file("test"), **overlay("1"), **environment_file("far", "branch: far")}
    repository = FakeRepository({"main": files})
    reads: list[int] = []

    def wake() -> dict[str, tuple[Event, ...]]:
        reads.append(len(repository.listings))
        return {}

    make_plan(sight(repository), [pushed("2")], wake)
    assert reads == [0]
    repository.commit("refs/updater/waiting/test", {"x": ""})
    make_plan(sight(repository), [pushed("2")], wake)
    assert reads == [0, 1, 2]


def test_what_waits_for_environments_that_are_not_there_is_told_in_the_order_of_their_names() -> None:
    names = ["d", "a", "c", "e", "b"]
    repository = FakeRepository({"main": {**environment_file("test"), **overlay("1")}})
    plan = make_plan(sight(repository), [], lambda: {name: (pushed(name),) for name in names})
    assert [each.to.tag for each in plan.left_over] == sorted(names)


def test_what_waits_for_an_environment_that_is_not_there_is_told_and_was_not_decided() -> None:
    repository = on_branch(there=False)
    waiting = {"test": (pushed("2"),), "gone": (pushed("2", image=OTHER),)}
    plan = make_plan(sight(repository), (), lambda: waiting)
    assert [(each.event, each.reason) for each in plan.left_over] == [
        (pushed("2"), "test: its branch 'env/test' is not on the remote"),
        (
            pushed("2", image=OTHER),
            "it waits in refs/updater/waiting/gone, and environments/gone.yaml is gone or cannot be read",
        ),
    ]
    assert (plan.decisions, plan.woken) == ((), {})


# History


def test_a_version_that_was_taken_back_is_held_until_the_file_releases_it() -> None:
    repository = FakeRepository({"main": {**environment_file(order="numerical"), **overlay("1")}})
    repository.commit("main", overlay("2"), minutes=1)
    repository.commit("main", overlay("1"), minutes=2)
    repository.refresh()
    held = only(make_plan(sight(repository), (pushed("2"),), lambda: {}).decisions)
    assert (held.outcome, held.keeps) == (Outcome.HELD, False)
    repository.commit("main", environment_file("test", RELEASE, order="numerical"), minutes=3)
    repository.refresh()
    assert only(make_plan(sight(repository), (pushed("2"),), lambda: {}).decisions).outcome is COMMITTED
