"""What waited lands when its time has come, if it is still the best, and is not lost before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, delivery, pushed
from tests.helpers.fake_repository import (
    FakeRepository,
    StoppedClock,
    agree,
    environment_file,
    images,
    overlay,
    sight,
)
from updater import keeping, pipeline
from updater.core import waiting
from updater.core.changes import Verify
from updater.core.verification import PlannedEdit
from updater.decoders import generic
from updater.errors import PushContended, RemoteUnavailable, RenderError
from updater.model import Delivery, Event, Outcome
from updater.pipeline import Parts, Report
from updater.protocols import PushOutcome, Tree, Update

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
LATER = at(1e8)
FREEZE = "freeze: [{from: 2026-11-20, to: 2026-11-21}]"
FRIDAY, SUNDAY = at(60), datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TEST, EDGE = "refs/updater/waiting/test", "refs/updater/waiting/edge"
COMMITTED, WAITING, HELD, REFUSED = Outcome.COMMITTED, Outcome.WAITING, Outcome.HELD, Outcome.REFUSED
SUPERSEDED, REJECTED, UNCHANGED, IGNORED = (
    Outcome.SUPERSEDED,
    Outcome.REJECTED,
    Outcome.UNCHANGED,
    Outcome.IGNORED,
)
FILES = {**environment_file("test", FREEZE, order="numerical"), **overlay("1")}


@dataclass
class World:
    """A repository, and the time in it. It starts inside a freeze."""

    repository: FakeRepository
    clock: StoppedClock
    verify: Verify = agree

    @property
    def parts(self) -> Parts:
        made = sight(self.repository, self.verify, self.clock)
        return Parts(made, {"generic": generic.decode}, lambda _tries: None)

    def handle(self, *deliveries: Delivery) -> Report:
        return pipeline.handle(self.parts, deliveries)

    def reconcile(self) -> Report:
        return pipeline.reconcile(self.parts)

    def on_sunday(self) -> Report:
        """The pass after the freeze."""
        self.clock.time = SUNDAY
        return self.reconcile()

    def commit(self, files: dict[str, str], minutes: float = 70) -> str:
        return self.repository.commit("main", files, minutes=minutes)

    @property
    def waits(self) -> list[str | None]:
        """The tags that wait for test on the remote."""
        if TEST not in self.repository.remote:
            return []
        events, _ = waiting.read(self.repository.on_remote(TEST, waiting.FILE).encode(), LATER)
        return [event.version.tag for event in events]

    @property
    def stands(self) -> str:
        return self.repository.on_remote("main", PATH)


def world(*deliveries: Delivery, **more: dict[str, str]) -> World:
    """A repository in which these deliveries have just been handled, with more branches, or more files on main."""
    main = {**FILES, **more.pop("main", {})}
    made = World(FakeRepository({"main": main, **more}, since=-99), StoppedClock(FRIDAY))
    if deliveries:
        made.handle(*deliveries)
        made.repository.pushes.clear()
    return made


def outcomes(report: Report) -> list[tuple[str | None, Outcome]]:
    return [(decision.to.tag, decision.outcome) for decision in report.decisions]


# Landing


def test_what_waited_lands_when_its_time_has_come_and_waits_no_longer() -> None:
    ours = world(delivery("2", "b", 5))
    report = ours.on_sunday()
    (commit,) = report.commits
    assert (outcomes(report), report.exit_code) == ([("2", COMMITTED)], 0)
    assert ours.stands == images((IMAGE, "2", "b"))
    made = ours.repository.commits[commit.sha]
    assert made.message.endswith("Updater-Event: generic/id-1 2026-11-20T12:05:00Z\n")
    assert made.time == SUNDAY
    assert TEST not in ours.repository.remote


def test_it_is_on_the_branch_before_it_leaves_the_ref() -> None:
    ours = world(delivery("2"))
    ours.on_sunday()
    assert ours.repository.pushes == [("main",), (TEST,)]


def test_while_it_has_to_wait_nothing_is_written() -> None:
    ours = world(delivery("2"))
    report = ours.reconcile()
    assert (outcomes(report), ours.waits) == ([("2", WAITING)], ["2"])
    assert (ours.repository.pushes, report.exit_code) == ([], 0)


def test_nothing_is_done_where_nothing_waits() -> None:
    ours = world()
    assert ours.reconcile() == Report()
    assert ours.repository.pushes == []


def test_a_pass_asks_for_the_refs_once_and_reads_what_waits_once(caplog: pytest.LogCaptureFixture) -> None:
    ours = world(delivery("2"))
    ours.repository.commit(TEST, {waiting.FILE: waiting.written([pushed("2")]).decode() + "[]\n"})
    ours.repository.listings.clear()
    assert outcomes(ours.reconcile()) == [("2", WAITING)]
    assert ours.repository.listings == [frozenset()]
    assert caplog.text.count("cannot be read") == 1


def test_a_pass_asks_for_other_branches_before_it_says_that_nothing_is_to_be_done() -> None:
    edge = {**environment_file("edge", "branch: edge", FREEZE)}
    ours = world(delivery("2"), main=edge, edge=overlay("1", environment="edge"))
    ours.repository.listings.clear()
    assert outcomes(ours.reconcile()) == [("2", WAITING), ("2", WAITING)]
    assert ours.repository.listings == [frozenset(), frozenset({"main", "edge"})]


def test_any_replica_lands_what_another_one_kept() -> None:
    first = world(delivery("2"))
    fresh = FakeRepository({"main": FILES}, since=-99)
    fresh.commits, fresh.remote = first.repository.commits, first.repository.remote
    assert outcomes(World(fresh, StoppedClock(SUNDAY)).reconcile()) == [("2", COMMITTED)]
    assert list(fresh.remote) == ["main"]


def test_a_hold_with_an_end_lets_what_waited_land_on_that_day() -> None:
    hold = environment_file("test", "hold: [{service: model-a, reason: x, until: 2026-11-22}]", order="numerical")
    ours = world(delivery("2"), main=hold)
    ours.clock.time = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
    assert outcomes(ours.reconcile()) == [("2", HELD)]
    assert ours.waits == ["2"]
    ours.clock.time = datetime(2026, 11, 22, tzinfo=UTC)
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]
    assert ours.waits == []


def test_what_waited_for_a_pause_lands_once_it_is_taken_out() -> None:
    ours = world(delivery("2"), main=environment_file("test", "paused: true", order="numerical"))
    ours.commit(environment_file(order="numerical"))
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]


def test_a_freeze_that_begins_between_two_pushes_keeps_the_second() -> None:
    ours = world()
    ours.clock.time = datetime(2026, 11, 19, 23, 59, tzinfo=UTC)
    early = replace(delivery("2", None, -900), received_at=ours.clock.time)
    assert outcomes(ours.handle(early)) == [("2", COMMITTED)]
    ours.clock.time = FRIDAY
    assert outcomes(ours.handle(delivery("3"))) == [("3", WAITING)]
    assert (ours.stands, ours.waits) == (images((IMAGE, "2", None)), ["3"])


def test_a_push_after_the_freeze_takes_along_what_waited_of_its_image() -> None:
    ours = world(delivery("2"), delivery("7", image=OTHER), main=overlay("1", service="model-b"))
    ours.clock.time = SUNDAY
    report = ours.handle(delivery("3"))
    assert sorted(outcomes(report)) == [("2", SUPERSEDED), ("3", COMMITTED)]
    assert ours.waits == ["7"]


def test_an_older_push_after_the_freeze_brings_what_waited() -> None:
    ours = world(delivery("3"))
    ours.clock.time = SUNDAY
    assert sorted(outcomes(ours.handle(delivery("2")))) == [("2", SUPERSEDED), ("3", COMMITTED)]
    assert (ours.stands, ours.waits) == (images((IMAGE, "3", None)), [])


def test_each_environment_lands_when_its_own_freeze_ends() -> None:
    edge = {**environment_file("edge", FREEZE.replace("21}", "29}")), **overlay("1", environment="edge")}
    ours = world(delivery("2"), main=edge)
    report = ours.on_sunday()
    assert sorted(outcomes(report)) == [("2", COMMITTED), ("2", WAITING)]
    assert [commit.environment for commit in report.commits] == ["test"]
    assert set(ours.repository.remote) == {"main", EDGE}


def test_services_of_one_image_wait_until_the_last_of_them_may_land() -> None:
    second = {"overlays/test/second/kustomization.yaml": images((IMAGE, "1", None))}
    hold = environment_file("test", "hold: [{service: second, reason: x, until: 2026-11-22}]", order="numerical")
    ours = world(delivery("2"), main={**second, **hold})
    assert (ours.stands, ours.waits) == (images((IMAGE, "2", None)), ["2"])
    assert sorted(outcomes(ours.on_sunday())) == [("2", COMMITTED), ("2", UNCHANGED)]
    assert (ours.repository.on_remote("main", *second), ours.waits) == (images((IMAGE, "2", None)), [])


def test_what_would_land_is_shown_without_writing_anything() -> None:
    ours = world(delivery("2"))
    ours.clock.time = SUNDAY
    refs = dict(ours.repository.remote)
    made = pipeline.preview(ours.parts, pipeline.for_everything(ours.parts))
    assert outcomes(pipeline.told(made)) == [("2", COMMITTED)]
    assert (ours.repository.remote, ours.repository.pushes) == (refs, [])


# What happened meanwhile


@pytest.mark.parametrize(
    ("tag", "outcome", "reason"),
    [("2", UNCHANGED, "2 stands already"), ("3", REJECTED, "2 is older than 3, which stands (numerical)")],
)
def test_what_somebody_brought_meanwhile_ends_the_waiting(tag: str, outcome: Outcome, reason: str) -> None:
    ours = world(delivery("2"))
    ours.commit(overlay(tag))
    (decision,) = ours.on_sunday().decisions
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert (ours.stands, ours.waits, ours.repository.pushes) == (images((IMAGE, tag, None)), [], [(TEST,)])


def test_what_somebody_took_back_meanwhile_is_held_and_waits_no_longer() -> None:
    ours = world(delivery("2"))
    ours.commit(overlay("3"), minutes=70)
    back = ours.commit(overlay("1"), minutes=80)
    (decision,) = ours.on_sunday().decisions
    reason = f"2 came before 3, which was reverted in {back[:7]} by alice on 2026-11-20"
    assert (decision.outcome, decision.reason, decision.keeps) == (HELD, reason, False)
    assert (ours.stands, ours.waits) == (images((IMAGE, "1", None)), [])


def test_a_hold_without_an_end_that_comes_meanwhile_turns_away_what_waited() -> None:
    ours = world(delivery("2"))
    ours.commit(environment_file("test", FREEZE, "hold: [{service: model-a, reason: INC-42}]", order="numerical"))
    assert outcomes(ours.reconcile()) == [("2", HELD)]
    assert ours.waits == []


def test_what_is_followed_no_longer_waits_no_longer() -> None:
    ours = world(delivery("2"))
    ours.commit({PATH: images(("web.example/x", "1", None))})
    (decision,) = ours.reconcile().decisions
    assert (decision.outcome, decision.reason) == (IGNORED, f"no entry of test follows {IMAGE}")
    assert ours.waits == []


ALIASED = f"images:\n- &x {{name: {IMAGE}, newTag: '1'}}\n- *x\n"


def test_what_its_file_refuses_stays_until_somebody_mends_the_file() -> None:
    ours = world(delivery("2"))
    ours.commit({PATH: ALIASED})
    report = ours.on_sunday()
    assert ({outcome for _, outcome in outcomes(report)}, report.exit_code) == ({REFUSED}, 3)
    assert (ours.waits, ours.repository.pushes) == (["2"], [])
    ours.commit({PATH: images((IMAGE, "1", None))})
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]
    assert ours.waits == []


def test_what_stands_in_a_file_that_cannot_be_read_stays() -> None:
    ours = world(delivery("2"))
    ours.commit({PATH: f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    report = ours.on_sunday()
    assert (outcomes(report), report.exit_code, ours.waits) == ([("2", REFUSED)], 3, ["2"])


def test_what_does_not_render_stays() -> None:
    ours = world(delivery("2"))

    def verify(_tree: Tree, _edit: PlannedEdit) -> None:
        raise RenderError("matches no container")

    ours.verify = verify
    report = ours.on_sunday()
    assert (outcomes(report), report.exit_code, ours.waits) == ([("2", REFUSED)], 7, ["2"])


def test_what_two_environments_claim_stays() -> None:
    ours = world(delivery("2"))
    both = environment_file("all", order="numerical")["environments/all.yaml"]
    ours.commit({"environments/all.yaml": both.replace("overlays/all/", "overlays/*/")})
    assert outcomes(ours.on_sunday()) == [("2", REFUSED)]
    assert ours.waits == ["2"]


def test_what_waits_for_an_environment_that_is_gone_stays_and_is_told() -> None:
    ours = world(delivery("2"))
    del ours.repository.commits[ours.commit({"README": "x"})].files["environments/test.yaml"]  # type: ignore[attr-defined]
    (decision,) = ours.on_sunday().decisions
    reason = f"it waits in {TEST}, and environments/test.yaml is gone or cannot be read"
    assert (decision.outcome, decision.reason) == (WAITING, reason)
    assert (ours.waits, ours.repository.pushes) == (["2"], [])


def test_what_waits_for_an_environment_whose_file_is_broken_stays_and_lands_once_it_is_mended() -> None:
    ours = world(delivery("2"))
    ours.commit({"environments/test.yaml": "overlay: x\n"})
    report = ours.on_sunday()
    assert {problem.at and problem.at.path for problem in report.problems} == {"environments/test.yaml"}
    assert (report.exit_code, ours.waits, [each.event for each in report.decisions]) == (3, ["2"], [pushed("2")])
    ours.commit(environment_file(order="numerical"))
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]


def test_what_waits_for_an_environment_whose_branch_is_missing_stays() -> None:
    ours = world(delivery("2"))
    ours.commit(environment_file("test", "branch: env/test", order="numerical"))
    report = ours.on_sunday()
    reason = "test: its branch 'env/test' is not on the remote"
    assert [(each.outcome, each.reason) for each in report.decisions] == [(IGNORED, reason)]
    assert (report.exit_code, ours.waits) == (5, ["2"])
    ours.repository.commit("env/test", overlay("1"))
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]
    assert ours.waits == []


def test_what_cannot_land_in_one_environment_does_not_hold_up_another() -> None:
    edge = {**environment_file("edge", FREEZE), **overlay("1", environment="edge")}
    ours = world(delivery("2"), main=edge)
    ours.commit({PATH: ALIASED})
    report = ours.on_sunday()
    assert {(each.target and each.target.environment, each.outcome) for each in report.decisions} == {
        ("edge", COMMITTED),
        ("test", REFUSED),
    }
    assert (ours.waits, set(ours.repository.remote)) == (["2"], {"main", TEST})


def test_a_file_that_cannot_be_read_keeps_a_version_waiting_for_its_own_environment_alone() -> None:
    edge = {**environment_file("edge", FREEZE), **overlay("1", environment="edge")}
    ours = world(delivery("2"), main=edge)
    ours.commit({PATH: f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    assert sorted(outcomes(ours.on_sunday())) == [("2", COMMITTED), ("2", REFUSED)]
    assert (ours.waits, set(ours.repository.remote)) == (["2"], {"main", TEST})


def test_what_waited_with_its_digest_lands_and_goes_where_only_tags_are_written_by_now() -> None:
    ours = world(delivery("2", "b"))
    file = environment_file(order="numerical")["environments/test.yaml"]
    ours.commit({"environments/test.yaml": f"{file}  pin: tag\n"})
    assert [outcome for _, outcome in outcomes(ours.on_sunday())] == [COMMITTED]
    assert (ours.stands, ours.waits) == (images((IMAGE, "2", None)), [])


# Others, and remotes, that come between


def test_a_remote_that_refuses_the_branch_leaves_it_waiting() -> None:
    ours = world(delivery("2"))
    ours.repository.refuses = {"main": "protected branch"}
    report = ours.on_sunday()
    assert (outcomes(report), report.exit_code) == ([("2", REFUSED)], 5)
    assert (ours.waits, ours.repository.pushes) == (["2"], [("main",)])


def test_what_is_superseded_by_a_push_that_the_remote_refuses_stays() -> None:
    ours = world(delivery("2"))
    ours.clock.time = SUNDAY
    ours.repository.refuses = {"main": "protected"}
    assert outcomes(ours.handle(delivery("3"))) == [("2", SUPERSEDED), ("3", REFUSED)]
    assert ours.waits == ["2"]
    ours.repository.refuses = {}
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]


def test_what_is_superseded_by_a_push_that_does_not_render_stays() -> None:
    def refuse_3(_tree: Tree, edit: PlannedEdit) -> None:
        if any(bump.to.tag == "3" for bump in edit.bumps):
            raise RenderError("3 does not render")

    ours = world(delivery("2"))
    ours.clock.time, ours.verify = SUNDAY, refuse_3
    assert outcomes(ours.handle(delivery("3"))) == [("2", SUPERSEDED), ("3", REFUSED)]
    assert ours.waits == ["2"]
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]


def test_what_is_superseded_by_a_push_that_lands_is_dropped_although_another_entry_is_refused() -> None:
    ours = world(delivery("2"), main=overlay("1", service="model-b"))
    ours.commit({"overlays/test/model-b/kustomization.yaml": ALIASED.replace(IMAGE, OTHER)})
    ours.clock.time = SUNDAY
    report = ours.handle(delivery("3"), delivery("7", image=OTHER))
    assert sorted(outcomes(report)) == [("2", SUPERSEDED), ("3", COMMITTED), ("7", REFUSED), ("7", REFUSED)]
    assert ours.waits == []


def test_others_who_are_faster_every_time_leave_it_waiting() -> None:
    ours = world(delivery("2"))
    ours.repository.rivals = [
        lambda number=number: ours.commit({"README": str(number)})  # type: ignore[misc]
        for number in range(pipeline.TRIES)
    ]
    report = ours.on_sunday()
    assert [type(problem) for problem in report.problems] == [PushContended]
    assert (outcomes(report), ours.waits) == ([("2", REFUSED)], ["2"])
    assert outcomes(ours.reconcile()) == [("2", COMMITTED)]


def test_a_freeze_that_somebody_adds_meanwhile_leaves_it_waiting() -> None:
    ours = world(delivery("2"))
    ours.repository.rivals = [lambda: ours.commit(environment_file("test", "paused: true", order="numerical"))]
    assert outcomes(ours.on_sunday()) == [("2", WAITING)]
    assert (ours.waits, ours.repository.pushes) == (["2"], [("main",)])


def test_of_two_replicas_that_land_it_at_once_one_does() -> None:
    ours = world(delivery("2"))
    other = FakeRepository({"main": FILES}, since=-99)
    other.commits, other.remote = ours.repository.commits, ours.repository.remote
    ours.repository.rivals = [lambda: World(other, StoppedClock(SUNDAY)).reconcile()]
    report = ours.on_sunday()
    assert (outcomes(report), report.commits, report.exit_code) == ([], (), 0)
    assert ours.repository.log("main") == ["Deploy model-a 2 to test", "by hand"]
    assert list(ours.repository.remote) == ["main"]


def test_what_a_replica_adds_while_another_one_drops_stays() -> None:
    ours = world(delivery("2"))
    newer = waiting.written([pushed("2"), pushed("5", image=OTHER)]).decode()
    ours.repository.rivals = [
        lambda: None,
        lambda: ours.repository.commit(TEST, {waiting.FILE: newer}),
    ]
    ours.on_sunday()
    assert ours.repository.pushes == [("main",), (TEST,), (TEST,)]
    assert ours.waits == ["5"]


def test_a_ref_that_cannot_be_written_is_told_and_cleared_by_the_next_pass() -> None:
    ours = world(delivery("2"))
    ours.repository.refuses = {TEST: "locked"}
    report = ours.on_sunday()
    assert (outcomes(report), [str(problem) for problem in report.problems]) == ([("2", COMMITTED)], ["locked"])
    assert (report.exit_code, ours.waits) == (5, ["2"])
    ours.repository.refuses = {}
    assert outcomes(ours.reconcile()) == [("2", UNCHANGED)]
    assert list(ours.repository.remote) == ["main"]


def test_one_ref_that_cannot_be_written_stops_no_other() -> None:
    edge = {**environment_file("edge", FREEZE), **overlay("1", environment="edge")}
    ours = world(delivery("2"), main=edge)
    ours.repository.refuses = {EDGE: "locked"}
    ours.on_sunday()
    assert set(ours.repository.remote) == {"main", EDGE}


# Law 6: a kill at any point, then a restart, ends in the same repository as no kill


class Killed(BaseException):
    """The process ends, in the middle of anything."""


class Mortal(FakeRepository):
    """A repository from which the process is killed before or after the push with a number."""

    dies_at = -1
    before = True

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        dies = len(self.pushes) == self.dies_at
        if dies and self.before:
            self.dies_at = -1
            raise Killed
        outcomes = super().push(updates)
        if dies:
            raise Killed
        return outcomes


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_kill_around_either_push_loses_nothing_and_lands_once(number: int, before: bool) -> None:
    repository = Mortal({"main": FILES}, since=-99)
    ours = World(repository, StoppedClock(FRIDAY))
    ours.handle(delivery("2"))
    repository.pushes.clear()
    repository.dies_at, repository.before = number, before
    with pytest.raises(Killed):
        ours.on_sunday()
    assert ours.waits == ["2"] or repository.log("main")[0] == "Deploy model-a 2 to test"
    ours.reconcile()
    assert repository.log("main") == ["Deploy model-a 2 to test", "by hand"]
    assert list(repository.remote) == ["main"]


Batch = tuple[bool, tuple[Event, ...]]


@st.composite
def batches(draw: st.DrawFn) -> list[Batch]:
    """Pushes of two images in any order and grouping, each batch inside the freeze or after it."""
    numbers = draw(st.lists(st.tuples(st.sampled_from("23456"), st.sampled_from([IMAGE, OTHER])), max_size=6))
    events = [pushed(tag, image=image, minutes=int(tag)) for tag, image in numbers]
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=3)))
    groups = [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    return [(draw(st.booleans()), tuple(group)) for group in groups]


def told(batch: Sequence[Event]) -> list[Delivery]:
    return [delivery(each.version.tag, None, int(each.version.tag or ""), image=each.image) for each in batch]


def end_of(heard: Sequence[Batch], dies_at: int = -1, before: bool = True) -> dict[str, str]:
    """What stands in the end, after a pass outside of the freeze. A killed process starts again with the same batch."""
    files = {**environment_file("test", FREEZE), **overlay("1"), **overlay("1", service="model-b")}
    repository = Mortal({"main": files}, since=-99)
    repository.dies_at, repository.before = dies_at, before
    ours = World(repository, StoppedClock())
    for is_frozen, batch in (*heard, (False, ())):
        ours.clock.time = FRIDAY if is_frozen else SUNDAY
        for _ in range(2):
            try:
                ours.handle(*told(batch))
                ours.reconcile()
                break
            except Killed:
                repository.refresh()
    assert list(repository.remote) == ["main"]
    return {path: repository.on_remote("main", path) for path in files}


@given(batches())
def test_a_freeze_changes_when_things_land_and_not_what_stands_in_the_end(heard: list[Batch]) -> None:
    assert end_of(heard) == end_of([(False, batch) for _, batch in heard])


@given(batches(), st.integers(0, 6), st.booleans())
def test_a_kill_at_any_push_ends_in_the_same_tree_as_no_kill(heard: list[Batch], number: int, before: bool) -> None:
    assert end_of(heard, number, before) == end_of(heard)


class Broken(FakeRepository):
    """A remote that breaks off every push to main before anything has changed there."""

    breaks = False

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        if self.breaks and any(update.branch == "main" for update in updates):
            return {update.branch: "unfinished" for update in updates}
        return super().push(updates)


def test_a_remote_that_breaks_off_leaves_it_waiting() -> None:
    repository = Broken({"main": FILES}, since=-99)
    ours = World(repository, StoppedClock(FRIDAY))
    ours.handle(delivery("2"))
    repository.breaks = True
    report = ours.on_sunday()
    assert [type(problem) for problem in report.problems] == [RemoteUnavailable]
    assert (outcomes(report), ours.waits) == ([("2", REFUSED)], ["2"])
    assert repository.pushes == [(TEST,)]


def test_what_waits_is_forgotten_by_no_number_of_passes() -> None:
    ours = world(delivery("2"))
    for _ in range(3):
        ours.reconcile()
    assert keeping.kept(sight(ours.repository)) == {"test": (pushed("2"),)}
