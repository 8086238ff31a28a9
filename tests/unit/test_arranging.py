"""Which task each branch of ours gets from a plan, on values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.events import IMAGE, at, delivery, rule
from tests.helpers.fake_repository import images
from tests.helpers.promoted import HEAD, World, following, promoting, standing, told, world
from updater import pipeline
from updater.core.proposals import Branch
from updater.core.verdicts import Verdict
from updater.errors import PushContended
from updater.forge import Readiness, Status
from updater.model import Decision, Outcome
from updater.planning import Plan
from updater.proposing.arranging import Task, tasks

STAGING = "overlays/staging/model-a/kustomization.yaml"
GREEN = "pull-request: {merge: when-green}"


def planned(ours: World) -> Plan:
    """What a pass would do."""
    ours.repository.refresh()
    return pipeline.preview(ours.parts, pipeline.for_everything(ours.parts))


def actions(ours: World) -> dict[str, str]:
    """What is to be done, by branch."""
    return {task.head: task.arrangement.action for task in tasks(ours.parts.sight, planned(ours))}


def opened(*more: str, services: str = "a") -> World:
    """Version 2 of these services is proposed."""
    ours = world(*more)
    for service in services:
        ours.commit({**standing("test", "2", f"model-{service}"), **standing("staging", "1", f"model-{service}")})
    ours.reconcile()
    return ours


def test_there_is_a_task_for_each_branch_with_something_to_do() -> None:
    ours = opened(services="ab")
    ours.stand("test", "3", "model-b")
    ours.commit({**standing("test", "2", "model-c"), **standing("staging", "1", "model-c")})
    ours.stand("staging", "2", "model-a")
    assert actions(ours) == {
        "updater/staging/model-a": "withdraw",
        "updater/staging/model-b": "move",
        "updater/staging/model-c": "open",
    }


def test_nothing_is_done_where_nothing_differs() -> None:
    assert actions(world()) == {}


def test_a_branch_is_built_on_the_newest_commit_of_its_base() -> None:
    ours = opened()
    (task,) = tasks(ours.parts.sight, planned(ours))
    assert (task.base, task.pull and task.pull.number) == (ours.repository.remote["main"], 1)


def test_a_file_that_cannot_be_read_leaves_what_is_open() -> None:
    ours = opened()
    ours.commit({STAGING: f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    (task,) = tasks(ours.parts.sight, planned(ours))
    assert (task.arrangement.action, task.arrangement.reason.startswith(f"{STAGING}:")) == ("leave", True)


def test_of_several_entries_in_one_nothing_is_taken_out_in_doubt() -> None:
    ours = opened("pull-request: {per: environment}", services="ab")
    head = "updater/staging/@all"
    ours.commit({"overlays/test/model-b/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    ours.reconcile()
    assert (ours.proposed("model-b", head=head), ours.pull().state) == ("2", "open")
    ours.stand("test", "3", "model-a")
    ours.reconcile()
    assert (ours.proposed("model-a", head=head), ours.proposed("model-b", head=head)) == ("2", "2")


def test_doubts_about_one_service_do_not_keep_another_one_open() -> None:
    ours = opened(services="ab")
    file = ours.repository.on_remote("main", "environments/test.yaml").replace("test/{service}", "test*/{service}")
    ours.commit({"environments/test.yaml": file, **standing("test-2", "9", "model-b")})
    ours.stand("staging", "2", "model-a")
    assert actions(ours) == {"updater/staging/model-a": "withdraw", "updater/staging/model-b": "leave"}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_what_is_withdrawn_makes_room_at_once(limit: int) -> None:
    ours = opened(f"pull-request: {{max-open: {limit}}}")
    for service in "bc":
        ours.commit({**standing("test", "2", f"model-{service}"), **standing("staging", "1", f"model-{service}")})
    ours.stand("staging", "2", "model-a")
    opening = [head for head, action in actions(ours).items() if action == "open"]
    assert opening == ["updater/staging/model-b", "updater/staging/model-c"][:limit]


def test_pushed_versions_that_were_pushed_first_come_first() -> None:
    other = "reg.example/models/model-b"
    ours = following("pull-request: {max-open: 1}", files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2", minutes=5), delivery("2", minutes=1, image=other))
    assert set(ours.open) == {"updater/staging/model-b"}


def test_more_than_may_be_open_by_now_stay_open() -> None:
    ours = opened(services="abc")
    ours.commit(promoting("pull-request: {max-open: 1}"))
    assert set(actions(ours).values()) == {"keep"}


def behind(ours: World, *readiness: Readiness, **changes: Any) -> list[int]:
    """The numbers of those that are to be brought up to date, where this is how they are, by number."""
    for number, each in enumerate(readiness, 1):
        ours.forge.says[number] = each
    made = planned(ours)
    branches = {head: _changed(branch, changes) for head, branch in made.review.branches.items()}
    made = replace(made, review=replace(made.review, branches=branches))
    return _late(tasks(ours.parts.sight, made))


def _changed(branch: Branch, changes: dict[str, Any]) -> Branch:
    """The branch, and if it is that of #1 with changes in its pull request."""
    if branch.pull is None or branch.pull.number != 1:
        return branch
    return replace(branch, pull=replace(branch.pull, **changes))


def _late(found: Sequence[Task]) -> list[int]:
    return [task.pull.number for task in found if task.is_behind and task.pull is not None]


def test_the_oldest_that_is_behind_is_brought_up_to_date() -> None:
    assert behind(opened(GREEN, services="abc"), "behind", "behind", "behind") == [1]
    assert behind(opened(GREEN, services="abc"), "blocked", "behind", "behind") == [2]
    assert behind(opened(GREEN, services="abc"), "conflicting", "blocked", "behind") == [3]


@pytest.mark.parametrize("readiness", ["ready", "unknown"])
def test_none_is_while_another_one_can_be_merged(readiness: Readiness) -> None:
    assert behind(opened(GREEN, services="ab"), readiness, "behind") == []


def test_none_is_while_another_one_is_queued_or_its_checks_are_running() -> None:
    assert behind(opened(GREEN, services="ab"), "blocked", "behind", queued=True) == []
    running = (Status("ci", "pending", at(0)),)
    assert behind(opened(GREEN, services="ab"), "blocked", "behind", statuses=running) == []
    ours_alone = (Status("updater/gates", "pending", at(0)),)
    assert behind(opened(GREEN, services="ab"), "blocked", "behind", statuses=ours_alone) == [2]


def test_where_people_merge_none_is() -> None:
    assert behind(opened(services="ab"), "behind", "behind") == []


def test_one_whose_gates_are_not_green_is_not_brought_up() -> None:
    ours = opened(GREEN)
    ours.commit(promoting(GREEN, "paused: true"))
    assert behind(ours, "behind") == []


def test_a_version_of_unknown_age_comes_first() -> None:
    ours = following("pull-request: {max-open: 1}", files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2"))
    made = planned(ours)
    (verdict,) = made.verdicts
    unknown = Verdict(replace(verdict.decision, event=None), rule("numerical"))
    other = replace(verdict.decision, target=replace(verdict.target, service="model-b"))
    plan = replace(made, verdicts=(replace(verdict, decision=other), unknown), review=replace(made.review, branches={}))
    found = {task.head: task.arrangement.action for task in tasks(ours.parts.sight, plan)}
    assert found == {HEAD: "open", "updater/staging/model-b": "leave"}


def test_a_problem_with_the_forge_is_no_reason_to_do_anything() -> None:
    ours = opened()
    made = planned(ours)
    down = replace(made, review=replace(made.review, problem=PushContended("x")))
    assert tasks(ours.parts.sight, down) == []


def test_one_for_all_and_one_for_each_know_of_each_other() -> None:
    ours = opened("pull-request: {per: environment}", services="ab")
    ours.commit(promoting())
    ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-a", "updater/staging/model-b"}
    assert ours.forge.comments[1][-1].text.startswith("Withdrawn: staging has one pull request for each service now")


def test_of_two_images_of_a_service_one_lands_and_the_other_stays_proposed() -> None:
    other = "reg.example/models/model-b"
    both = {name: images((IMAGE, tag, None), (other, tag, None)) for name, tag in (("test", "2"), ("staging", "1"))}
    ours = world(files={f"overlays/{name}/model-a/kustomization.yaml": text for name, text in both.items()})
    ours.reconcile()
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}
    pushes = len(ours.repository.pushes)
    ours.forge.says[1] = "ready"
    ours.commit({STAGING: images((IMAGE, "2", None), (other, "1", None))})
    report = ours.reconcile()
    assert told(report) == [("2", Outcome.PROPOSED)]
    assert (len(ours.repository.pushes), f"`{other}`" in ours.pull().body) == (pushes, True)
    assert f"`{IMAGE}`" not in ours.pull().body
    assert isinstance(report.decisions[0], Decision)


def test_one_that_conflicts_with_its_base_is_built_anew_once_though_it_holds_the_same_bytes() -> None:
    ours = opened()
    before, pushes = ours.pull().commit, len(ours.repository.pushes)
    ours.commit({STAGING: images((IMAGE, "1.5", None))})
    ours.forge.says[1] = "conflicting"
    ours.reconcile()
    ours.reconcile()
    assert (ours.pull().commit != before, len(ours.repository.pushes)) == (True, pushes + 1)
