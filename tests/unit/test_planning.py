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


def planned(files: dict[str, str], *events: Event) -> Plan:
    return make_plan(sight(FakeRepository({"main": files})), events)


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


def test_what_would_not_be_written_anyway_needs_no_refusal() -> None:
    files = {**environment_file("test", "paused: true"), **overlay("2")}
    assert only(planned(files, pushed("2")).decisions).outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("paused: true", "`paused`"),
        ("paused: broken sensors", "`paused`"),
        ("hold: [{service: model-b, reason: INC-42}]", "`hold`"),
        ('freeze: [{from: "FRI 16:00", to: "MON 06:00"}]', "`freeze`"),
        ("deliver: pull-request", "`deliver: pull-request`"),
    ],
)
def test_an_environment_with_a_stop_that_is_not_in_force_yet_is_not_written_to(line: str, key: str) -> None:
    files = {**environment_file("test", line), **overlay("1")}
    plan = planned({**files, **environment_file("edge"), **overlay("1", environment="edge")}, pushed("2"))
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED), ("test", "model-a", REFUSED)]
    refusal = plan.decisions[1]
    assert refusal.exit_code == 3
    assert refusal.reason == (
        f"environments/test.yaml:2: {key} is not in force yet in this version, "
        "so nothing is written to test while it is set"
    )


def test_settings_that_stop_nothing_stop_nothing() -> None:
    release = f"release: [{{service: model-a, image: {IMAGE}, version: v1}}]"
    files = {**environment_file("test", release), **overlay("1")}
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
    plan = make_plan(sight(repository), (pushed("2"),))
    assert [change.branch for change in plan.changes] == ["main", "env/test"]
    assert plan.tips == repository.remote


def test_a_missing_branch_is_a_problem_for_its_environment_alone() -> None:
    plan = make_plan(sight(on_branch(there=False)), (pushed("2"), pushed("2", image=OTHER)))
    assert places(plan.decisions) == [("edge", "model-a", COMMITTED)]
    (problem,) = plan.problems
    assert str(problem) == "environments/test.yaml:2: the branch 'env/test' of test is not on the remote"
    assert problem.exit_code == 5
    reasons = f"no entry of edge follows {OTHER}; test: its branch 'env/test' is not on the remote"
    assert only(plan.left_over).reason == reasons


def test_a_configuration_that_comes_with_a_missing_branch_is_in_force_at_once() -> None:
    repository = on_branch(there=True)
    repository.commit("main", environment_file("edge", "paused: true"))
    plan = make_plan(sight(repository), (pushed("2"),))
    assert places(plan.decisions) == [("edge", "model-a", REFUSED), ("test", "model-a", COMMITTED)]
    assert plan.tips == repository.remote


def test_a_default_branch_that_turns_out_renamed_is_planned_on_by_its_new_name() -> None:
    repository = on_branch(there=True)
    repository.remote["trunk"] = repository.remote.pop("main")
    repository.remote_default = "trunk"
    plan = make_plan(sight(repository), (pushed("2"),))
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
    plan = make_plan(sight(repository), (pushed("2"),))
    assert [change.branch for change in plan.changes] == ["env/test"]
    assert not plan.is_proved_by_pushing()
