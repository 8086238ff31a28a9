"""Forges that fail, people who meddle, processes that die: nothing is lost or doubled, and the next pass mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from tests.helpers.events import IMAGE, at, delivery
from tests.helpers.fake_repository import FakeRepository, images
from tests.helpers.promoted import HEAD, World, following, promoting, standing, told, world
from updater import pipeline
from updater.core.messages import BY_HAND
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable, PushContended, RemoteUnavailable
from updater.forge import GATES, WITHDRAWN
from updater.model import Outcome
from updater.protocols import PushOutcome, Update

PROPOSED, WAITING, REFUSED = Outcome.PROPOSED, Outcome.WAITING, Outcome.REFUSED
STAGING = "overlays/staging/model-a/kustomization.yaml"
DOWN = ForgeUnavailable("the forge does not answer")
DENIED = ForgeRefused("the token may not do that")


def wanted() -> World:
    """Version 2 is to be proposed to staging."""
    ours = world()
    ours.stand("test", "2")
    return ours


def opened(*more: str) -> World:
    """Version 2 is proposed as #1."""
    ours = world(*more)
    ours.stand("test", "2")
    ours.reconcile()
    return ours


def state(ours: World) -> tuple[object, ...]:
    """All that people see: what is open, with text, head and status, and our branches."""
    pulls = [each for each in map(ours.forge.told, sorted(ours.forge.all))]
    trees = {name: ours.repository.commits[ours.repository.remote[name]].files for name in sorted(ours.branches)}
    return (
        [(each.head, each.state, each.title, each.body, sorted(each.labels), each.base) for each in pulls],
        [sorted((status.context, status.state, status.description) for status in each.statuses) for each in pulls],
        trees,
        ours.tag(),
        ours.waits,
    )


def mended(ours: World) -> tuple[object, ...]:
    """The state after another pass, after which there is nothing more to do."""
    ours.reconcile()
    before = ours.quiet()
    ours.reconcile()
    assert ours.quiet() == before
    return state(ours)


# The forge is down, denies, or loses its answer, in any call


def as_it_should_be(make: Callable[[], World]) -> tuple[object, ...]:
    ours = make()
    return mended(ours)


def to_be_moved() -> World:
    ours = opened()
    ours.clock.time = at(90)
    ours.stand("test", "3")
    return ours


def to_be_withdrawn() -> World:
    ours = opened()
    ours.clock.time = at(90)
    ours.stand("staging", "2")
    return ours


def to_be_merged() -> World:
    ours = opened("pull-request: {merge: when-green}")
    ours.clock.time = at(90)
    return ours


CASES = [
    (wanted, "opened"), (wanted, "settled"), (wanted, "open"), (wanted, "report"),
    (to_be_moved, "opened"), (to_be_moved, "settled"), (to_be_moved, "edit"), (to_be_moved, "report"),
    (to_be_withdrawn, "opened"), (to_be_withdrawn, "edit"),
    (to_be_merged, "opened"), (to_be_merged, "merge"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "call"), CASES)
@pytest.mark.parametrize("error", [DOWN, DENIED, ForgeError("the forge answers nonsense")], ids=["down", "denied", "?"])
@pytest.mark.parametrize("is_done", [False, True], ids=["nothing-done", "answer-lost"])
def test_a_call_that_fails_is_told_and_mended_by_the_next_pass(
    make: Callable[[], World], call: str, error: ForgeError, is_done: bool
) -> None:
    wants = as_it_should_be(make)
    ours = make()
    (ours.forge.breaks if is_done else ours.forge.fails)[call] = [error]
    report = ours.reconcile()
    is_told = error in report.problems or any(kept.told == str(error) for kept in report.pulls)
    assert is_told
    assert report.exit_code == (0 if (call, error) == ("merge", DENIED) else 6)
    assert mended(ours) == wants
    assert len(ours.forge.all) == 1


def test_a_failure_with_one_of_them_stops_no_other() -> None:
    ours = world(files={**standing("test", "1", "model-b"), **standing("staging", "1", "model-b")})
    ours.commit({**standing("test", "2"), **standing("test", "2", "model-b")})
    ours.forge.fails["open"] = [DENIED]
    report = ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-b"}
    assert sorted(outcome for _, outcome in told(report)) == [PROPOSED, REFUSED]


def test_a_forge_that_is_down_is_not_asked_about_each_of_the_others() -> None:
    ours = world()
    for service in "bcd":
        ours.commit({**standing("test", "2", f"model-{service}"), **standing("staging", "1", f"model-{service}")})
    ours.forge.fails["open"] = [DOWN] * 9
    report = ours.reconcile()
    assert (ours.forge.counted("open"), report.problems, len(ours.branches)) == (1, (DOWN,), 3)
    assert [outcome for _, outcome in told(report)] == [WAITING] * 3
    ours.forge.fails.clear()
    ours.reconcile()
    assert (len(ours.open), len(ours.repository.pushes)) == (3, 1)


def test_commits_land_although_the_forge_is_down() -> None:
    ours = wanted()
    ours.commit(promoting("deliver: commit", name="edge"))
    ours.commit(standing("edge", "1"))
    ours.forge.fails["opened"] = [DOWN]
    report = ours.reconcile()
    assert (ours.tag("edge"), ours.tag(), report.exit_code) == ("2", "1", 6)
    assert [(each.outcome, each.reason) for each in report.decisions if each.outcome is WAITING] == [
        (WAITING, str(DOWN))
    ]


# People who meddle


def test_a_title_and_a_text_that_somebody_changed_are_as_they_were_with_the_next_pass() -> None:
    ours = opened()
    before = state(ours)
    ours.forge.edited(1, title="Mine", body="")
    ours.reconcile()
    assert state(ours) == before


def test_a_label_that_somebody_added_stays() -> None:
    ours = opened()
    ours.forge.edited(1, labels=("mine",))
    ours.reconcile()
    assert ours.pull().labels == {"mine"}


def test_a_branch_that_somebody_deleted_comes_back() -> None:
    ours = opened()
    before = state(ours)
    del ours.repository.remote[HEAD]
    ours.reconcile()
    assert state(ours) == before


def test_a_base_that_somebody_changed_is_changed_back() -> None:
    ours = opened()
    ours.repository.remote["other"] = ours.repository.remote["main"]
    ours.forge.edited(1, base="other")
    ours.reconcile()
    assert ours.pull().base == "main"


def test_a_default_branch_that_is_renamed_is_the_new_base() -> None:
    ours = opened()
    ours.repository.remote["trunk"] = ours.repository.remote.pop("main")
    ours.repository.remote_default = "trunk"
    report = ours.reconcile()
    assert (report.exit_code, ours.pull().base, set(ours.open)) == (0, "trunk", {HEAD})


def foreign(ours: World) -> str:
    """Somebody pushes a commit to our branch."""
    return ours.commit({"NOTES": "mine"}, branch=HEAD)


def test_one_that_carries_commits_of_somebody_else_is_left_alone_and_that_is_told() -> None:
    ours = opened()
    theirs = foreign(ours)
    (decision,) = ours.reconcile().decisions
    assert (decision.outcome, decision.pull_request, decision.commit) == (PROPOSED, 1, theirs)
    ours.stand("test", "3")
    before = ours.quiet()
    report = ours.reconcile()
    assert (ours.repository.remote[HEAD], ours.quiet(), report.exit_code) == (theirs, before, 0)
    reason = "#1 carries commits of alice, and is left alone"
    assert [(kept.pull.number, kept.told) for kept in report.pulls] == [(1, reason)]
    assert [(each.to.tag, each.outcome, each.reason) for each in report.decisions][0] == ("3", WAITING, reason)


@pytest.mark.parametrize("settled", ["taken back", "gone", "merge"])
def test_what_carries_commits_of_somebody_else_is_neither_withdrawn_nor_merged_nor_deleted(settled: str) -> None:
    ours = opened("pull-request: {merge: when-green}") if settled == "merge" else opened()
    theirs = foreign(ours)
    if settled == "taken back":
        ours.stand("staging", "5")
    elif settled == "gone":
        ours.delete("environments/staging.yaml")
    report = ours.reconcile()
    assert (ours.repository.remote.get(HEAD), ours.pull().state) == (theirs, "open")
    assert "carries commits of alice" in report.pulls[0].told


def test_a_push_to_our_branch_while_we_plan_is_not_overwritten() -> None:
    ours = opened()
    ours.stand("test", "3")
    ours.repository.rivals = [lambda: foreign(ours)]
    report = ours.reconcile()
    assert ours.repository.on_remote(HEAD, "NOTES") == "mine"
    assert [kept.told for kept in report.pulls] == ["#1 carries commits of alice, and is left alone"]


def test_a_push_to_our_branch_while_we_merge_is_not_merged() -> None:
    ours = opened("pull-request: {merge: when-green}")
    ours.forge.rivals = [lambda: foreign(ours)]
    ours.reconcile()
    assert (ours.pull().state, ours.tag()) == ("open", "1")


def test_a_push_to_our_branch_while_we_withdraw_keeps_the_branch() -> None:
    ours = opened()
    ours.stand("staging", "2")
    ours.repository.rivals = [lambda: foreign(ours)]
    report = ours.reconcile()
    assert ours.repository.on_remote(HEAD, "NOTES") == "mine"
    assert (ours.pull().state, report.exit_code) == ("closed", 0)


def test_one_that_somebody_merges_while_we_move_it_is_merged_and_the_newer_version_comes_after_it() -> None:
    ours = opened()
    ours.stand("test", "3")
    ours.forge.rivals = [lambda: None, lambda: None, lambda: ours.merge(1)]
    ours.reconcile()
    ours.reconcile()
    assert ours.tag() in ("2", "3")
    assert [each.state for each in map(ours.forge.told, ours.forge.all)][0] == "merged"
    mended(ours)
    assert ours.tag() == "3" or set(ours.open) == {HEAD}


def test_one_that_somebody_merges_just_before_our_push_is_followed_by_a_new_one() -> None:
    ours = opened()
    ours.stand("test", "3")
    ours.repository.rivals = [lambda: ours.merge(1)]
    ours.reconcile()
    assert (ours.tag(), ours.pull(1).state) == ("2", "merged")
    mended(ours)
    assert (ours.open, ours.pull(2).number) == ({HEAD: "Deploy model-a 3 to staging"}, 2)


def test_one_that_somebody_closes_while_we_move_it_is_a_no_to_the_older_version_alone_or_both() -> None:
    ours = opened()
    ours.stand("test", "3")
    ours.forge.rivals = [lambda: None, lambda: None, lambda: ours.forge.closed(1)]
    ours.reconcile()
    mended(ours)
    assert (ours.open, ours.pull().state) == ({}, "closed")


def test_of_one_for_all_that_was_merged_in_part_the_rest_stays() -> None:
    ours = world("pull-request: {per: environment}",
                 files={**standing("test", "1", "model-b"), **standing("staging", "1", "model-b")})  # fmt: skip
    ours.commit({**standing("test", "2"), **standing("test", "2", "model-b")})
    ours.reconcile()
    ours.forge.approved(1)
    pushes = len(ours.repository.pushes)
    ours.stand("staging", "2", "model-b")
    ours.reconcile()
    assert (ours.open, len(ours.repository.pushes)) == (
        {"updater/staging/@all": "Deploy model-a 2 to staging"},
        pushes,
    )
    ours.merge(1)
    assert (mended(ours)[3], ours.tag(service="model-b"), ours.branches) == ("2", "2", set())


# What a person ordered


def by_hand(ours: World) -> None:
    """The commit on our branch says that a person ordered it."""
    tip = ours.repository.commits[ours.repository.remote[HEAD]]
    message = f"{tip.message}{BY_HAND}: we need it\n"
    ours.repository.remote[HEAD] = ours.repository.build(tip.parent or "", tip.files, message, ours.clock.now())


def test_what_a_person_ordered_is_neither_moved_nor_withdrawn() -> None:
    ours = opened()
    by_hand(ours)
    ours.stand("test", "3")
    report = ours.reconcile()
    assert [kept.told for kept in report.pulls] == ["#1 was ordered by hand, and is left as it is"]
    assert ours.gates() == ("success", "ordered by hand")
    before = ours.quiet()
    ours.delete("environments/staging.yaml")
    ours.reconcile()
    assert (ours.pull().state, ours.quiet()) == ("open", before)


def test_what_a_person_ordered_is_withdrawn_once_it_stands() -> None:
    ours = opened()
    by_hand(ours)
    ours.stand("staging", "2")
    ours.reconcile()
    assert (ours.pull().state, ours.branches) == ("closed", set())


# Pushes


def test_a_branch_that_others_keep_moving_is_given_up_and_told_and_the_rest_is_done() -> None:
    ours = world(files={**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")})
    ours.stand("test", "2")
    ours.repository.rivals = [
        lambda number=number: ours.commit({"NOTES": str(number)}, branch=f"{HEAD}")  # type: ignore[misc]
        for number in range(20)
    ]
    # Somebody else's branch of our name is no branch of ours.
    report = ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-b"}
    assert "carries commits of alice" in " ".join(each.reason for each in report.decisions)


class Broken(FakeRepository):
    """A remote that never says what became of pushes to our branches."""

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        if any(update.branch == HEAD for update in updates):
            return {update.branch: "unfinished" for update in updates}
        return super().push(updates)


def test_a_remote_that_breaks_off_every_push_is_told_and_loses_nothing() -> None:
    ours = wanted()
    ours.repository.__class__ = Broken
    report = ours.reconcile()
    assert [type(problem) for problem in report.problems] == [PushContended]
    assert (told(report), report.exit_code) == ([("2", WAITING)], 5)
    ours.repository.__class__ = FakeRepository
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def test_a_remote_that_goes_away_between_is_told_and_loses_nothing() -> None:
    ours = following()
    other = ours.elsewhere()

    def gone(_branches: frozenset[str] = frozenset()) -> bool:
        raise RemoteUnavailable("the remote does not answer")

    def meddle() -> None:
        other.handle(delivery("2"))
        ours.repository.refresh = gone  # type: ignore[method-assign]

    ours.repository.rivals = [meddle]
    report = ours.handle(delivery("2"))
    assert (told(report), report.exit_code) == ([("2", WAITING)], 5)
    assert [problem.retry for problem in report.problems if isinstance(problem, RemoteUnavailable)]
    del ours.repository.refresh
    ours.reconcile()
    assert (set(ours.open), ours.waits, len(ours.forge.all)) == ({HEAD}, {}, 1)


def test_branches_that_cannot_be_deleted_are_told_and_deleted_later() -> None:
    ours = opened()
    ours.merge(1)
    push = ours.repository.push

    def broken(_updates: Sequence[Update]) -> dict[str, PushOutcome]:
        raise RemoteUnavailable("the remote does not answer")

    ours.repository.push = broken  # type: ignore[method-assign]
    assert ours.reconcile().exit_code == 5
    ours.repository.push = push  # type: ignore[method-assign]
    ours.repository.refuses = {HEAD: "protected"}
    assert ours.reconcile().exit_code == 5
    ours.repository.refuses = {}
    assert (ours.reconcile().exit_code, ours.branches) == (0, set())


def test_a_status_that_cannot_be_written_in_a_freeze_leaves_the_decision_as_it_is() -> None:
    ours = opened()
    ours.commit(promoting("paused: INC-42"))
    ours.forge.fails["report"] = [DENIED]
    report = ours.reconcile()
    assert [(each.outcome, "INC-42" in each.reason) for each in report.decisions] == [(WAITING, True)]
    assert report.problems == (DENIED,)
    ours.reconcile()
    assert ours.gates()[0] == "pending"


def test_a_stray_that_cannot_be_withdrawn_is_told_and_withdrawn_later() -> None:
    ours = opened()
    ours.delete("environments/staging.yaml")
    ours.forge.fails["edit"] = [DOWN]
    assert (ours.reconcile().exit_code, ours.pull().state) == (6, "open")
    assert (ours.reconcile().exit_code, ours.pull().state, ours.branches) == (0, "closed", set())


def test_a_remote_that_lets_us_not_push_our_branches_is_told() -> None:
    ours = wanted()
    ours.repository.refuses = {HEAD: "protected"}
    report = ours.reconcile()
    assert (told(report), report.exit_code, ours.open) == ([("2", REFUSED)], 5, {})
    ours.repository.refuses = {}
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def test_what_was_pushed_is_kept_where_others_move_the_branch_every_time() -> None:
    ours = following()
    ours.repository.__class__ = Broken
    report = ours.handle(delivery("2"))
    assert (told(report), ours.waits) == ([("2", WAITING)], {"staging": ["2"]})
    ours.repository.__class__ = FakeRepository
    ours.reconcile()
    assert (set(ours.open), ours.waits) == ({HEAD}, {})


# Several replicas


def test_what_is_done_is_told_once_although_another_branch_has_to_be_planned_again() -> None:
    ours = world(files={**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")})
    ours.stand("test", "2")
    ours.repository.rivals = [lambda: ours.commit({"NOTES": "mine"}, branch=HEAD)]
    report = ours.reconcile()
    assert [(kept.pull.number, kept.told) for kept in report.pulls] == [(1, "opened")]
    assert sorted((each.target.service, each.outcome) for each in report.decisions if each.target) == [
        ("model-a", WAITING),
        ("model-b", PROPOSED),
    ]


def test_of_two_replicas_that_open_it_at_once_one_does() -> None:
    ours = wanted()
    other = ours.elsewhere()
    ours.repository.rivals = [lambda: other.reconcile()]
    report = ours.reconcile()
    assert (len(ours.forge.all), told(report), report.exit_code) == (1, [("2", PROPOSED)], 0)


@pytest.mark.parametrize("call", range(4))
def test_of_two_replicas_one_of_which_is_between_its_calls_one_opens_it(call: int) -> None:
    ours = wanted()
    other = ours.elsewhere()
    nothing: list[Callable[[], object]] = [lambda: None] * call
    ours.forge.rivals = [*nothing, lambda: other.reconcile()]
    ours.reconcile()
    assert (len(ours.forge.all), len(ours.open)) == (1, 1)
    mended(ours)
    assert len(ours.forge.all) == 1


@pytest.mark.parametrize("call", range(4))
def test_a_replica_that_moves_it_meanwhile_leaves_one_with_the_newest_version(call: int) -> None:
    ours = to_be_moved()
    wants = as_it_should_be(to_be_moved)
    other = ours.elsewhere()
    nothing: list[Callable[[], object]] = [lambda: None] * call
    ours.forge.rivals = [*nothing, lambda: other.reconcile()]
    ours.reconcile()
    mended(ours)
    assert (len(ours.forge.all), ours.proposed()) == (1, "3")
    assert [entry[0] for entry in wants[0]] == [HEAD]  # type: ignore[attr-defined]


# A kill at any point


class Killed(BaseException):
    """The process ends, in the middle of anything."""


def dying(ours: World, number: int, *, before: bool) -> None:
    """The process dies at one of its calls of the forge or its pushes, counted together, before or after it is done."""
    left = [number]

    def doomed() -> bool:
        left[0] -= 1
        return left[0] == -1

    repository, push = ours.repository, ours.repository.push

    def pushing(updates: Sequence[Update]) -> dict[str, PushOutcome]:
        dies = doomed()
        if dies and before:
            raise Killed
        landed = push(updates)
        if dies:
            raise Killed
        return landed

    repository.push = pushing  # type: ignore[method-assign]
    for name in ("opened", "settled", "open", "edit", "merge", "report"):
        setattr(ours.forge, name, _mortal(getattr(ours.forge, name), doomed, before=before))


def _mortal(call: Callable[..., object], doomed: Callable[[], bool], *, before: bool) -> Callable[..., object]:
    def called(*arguments: object) -> object:
        dies = doomed()
        if dies and before:
            raise Killed
        answer = call(*arguments)
        if dies:
            raise Killed
        return answer

    return called


def revived(ours: World) -> World:
    """A process elsewhere, on an empty disk."""
    for name in ("opened", "settled", "open", "edit", "merge", "report"):
        ours.forge.__dict__.pop(name, None)
    return ours.elsewhere()


@pytest.mark.parametrize("make", [wanted, to_be_moved, to_be_withdrawn, to_be_merged])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(6))
def test_a_kill_at_any_point_ends_in_the_same_as_no_kill(make: Callable[[], World], before: bool, number: int) -> None:
    wants = as_it_should_be(make)
    ours = make()
    dying(ours, number, before=before)
    try:
        ours.reconcile()
    except Killed:
        ours.clock.time -= at(1) - at(0)
    assert mended(revived(ours)) == wants
    assert len(ours.forge.all) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(6))
def test_a_kill_while_a_push_is_handled_loses_nothing(before: bool, number: int) -> None:
    ours = following()
    dying(ours, number, before=before)
    with suppress(Killed):
        ours.handle(delivery("2"))
    other = revived(ours)
    other.handle(delivery("2"))
    other.reconcile()
    assert (set(other.open), other.waits, len(other.forge.all)) == ({HEAD}, {}, 1)
    assert other.forge.reports[other.pull().commit][GATES].state == "success"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(6))
def test_a_kill_while_one_for_all_is_withdrawn_for_one_service_loses_no_other(before: bool, number: int) -> None:
    ours = following("pull-request: {per: environment}", files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2"), delivery("5", image="reg.example/models/model-b"))
    ours.forge.approved(1)
    ours.revert(ours.stand("staging", "2"))
    dying(ours, number, before=before)
    with suppress(Killed):
        ours.reconcile()
    other = revived(ours)
    other.reconcile()
    mended(other)
    assert (other.open, other.waits) == ({"updater/staging/@all": "Deploy model-b 5 to staging"}, {})


def test_what_is_foreseen_while_the_forge_is_down_waits() -> None:
    ours = wanted()
    ours.forge.fails["opened"] = [DOWN] * 9
    changes, report = pipeline.rehearse(ours.parts)
    assert (changes, told(report), report.exit_code) == ([], [("2", WAITING)], 6)


def test_what_stands_in_staging_is_never_touched_by_any_of_this() -> None:
    ours = opened()
    assert ours.repository.on_remote("main", STAGING) == images((IMAGE, "1", None))


# What others work on is judged, too: the status may be required


def test_the_gates_of_what_somebody_works_on_are_told_on_their_commit() -> None:
    ours = opened()
    theirs = ours.commit({"overlays/staging/model-a/notes.txt": "tuned\n"}, branch=HEAD)
    ours.reconcile()
    assert (ours.pull().commit, ours.gates()) == (theirs, ("success", "all gates are green"))
    ours.commit(promoting("freeze: [{from: 2026-11-20, to: 2026-11-20, reason: holidays}]"))
    ours.reconcile()
    assert ours.gates()[0] == "pending"


def test_what_somebody_proposes_that_never_ran_is_not_green() -> None:
    ours = opened()
    ours.commit({STAGING: images((IMAGE, "77", None))}, branch=HEAD)
    ours.reconcile()
    assert ours.gates() == ("pending", "#1 carries commits of alice, and is left alone")


def test_a_withdrawal_that_cannot_close_is_explained_once() -> None:
    ours = world()
    landed = ours.stand("test", "2")
    ours.reconcile()
    ours.revert(landed)
    ours.forge.edited(1, labels=(WITHDRAWN,))
    ours.reconcile()
    assert (ours.pull().state, ours.forge.comments[1]) == ("closed", [])
