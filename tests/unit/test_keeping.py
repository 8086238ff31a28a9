"""What has to wait is kept on the remote, in one ref for each environment, whoever else writes there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, delivery, digest, pushed
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, overlay, sight
from updater import notes, pipeline
from updater.core import waiting
from updater.decoders import generic
from updater.errors import PushContended, RemoteUnavailable
from updater.keeping import kept, kept_of
from updater.model import Delivery, Event, Outcome
from updater.pipeline import Parts, Report
from updater.protocols import PushOutcome, Update

OTHER = "reg.example/models/model-b"
LATER = at(1e8)
FREEZE = "freeze: [{from: 2026-11-20, to: 2026-11-21, reason: show}]"
TEST, EDGE = "refs/updater/waiting/test", "refs/updater/waiting/edge"
COMMITTED, WAITING, HELD, REFUSED = Outcome.COMMITTED, Outcome.WAITING, Outcome.HELD, Outcome.REFUSED


def frozen(*more: dict[str, str], line: str = FREEZE) -> FakeRepository:
    """Model A and model B at 1 in an environment in which nothing lands now."""
    files = {**environment_file("test", line, order="numerical"), **overlay("1"), **overlay("1", service="model-b")}
    for each in more:
        files |= each
    return FakeRepository({"main": files})


def parts(repository: FakeRepository, clock: StoppedClock | None = None) -> Parts:
    return Parts(sight(repository, clock=clock), {"generic": generic.decode}, lambda _tries: None)


def handle(repository: FakeRepository, *deliveries: Delivery) -> Report:
    return pipeline.handle(parts(repository), deliveries)


def outcomes(report: Report) -> list[tuple[str | None, Outcome]]:
    return [(decision.to.tag, decision.outcome) for decision in report.decisions]


def on_ref(repository: FakeRepository, name: str = TEST) -> list[str | None]:
    """The tags that wait on the remote."""
    return [event.version.tag for event in stored(repository, name)]


def stored(repository: FakeRepository, name: str = TEST) -> tuple[Event, ...]:
    events, unreadable = waiting.read(repository.on_remote(name, waiting.FILE).encode(), LATER)
    assert unreadable == ()
    return events


def write(repository: FakeRepository, *events: Event, name: str = TEST) -> str:
    """Another replica writes what waits."""
    return repository.commit(name, {waiting.FILE: waiting.written(events).decode()})


# What is written


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (FREEZE, WAITING),
        ("paused: no power", WAITING),
        ("hold: [{service: model-*, reason: trial, until: 2026-11-21}]", HELD),
    ],
)
def test_a_push_that_meets_a_stop_with_an_end_is_kept_on_the_remote_whole(line: str, outcome: Outcome) -> None:
    repository = frozen(line=line)
    tip = repository.remote["main"]
    report = handle(repository, delivery("2", "b", 5))
    assert (outcomes(report), report.exit_code, report.commits) == ([("2", outcome)], 0, ())
    assert stored(repository) == (pushed("2", "b", 5),)
    assert (repository.pushes, repository.remote["main"]) == ([(TEST,)], tip)
    made = repository.commits[repository.remote[TEST]]
    assert set(made.files) == {waiting.FILE}
    assert made.message == f"Keep 1 image(s) waiting for test\n\n{IMAGE}\n"


def test_a_hold_without_an_end_keeps_nothing() -> None:
    repository = frozen(line="hold: [{service: model-a, reason: INC-42}]")
    report = handle(repository, delivery("2"))
    assert (outcomes(report), list(repository.remote)) == ([("2", HELD)], ["main"])


@pytest.mark.parametrize("id", ["id-1", "id-2", "another"])
def test_the_same_push_again_writes_nothing_more(id: str) -> None:
    repository = frozen()
    handle(repository, delivery("2", "b", 5))
    again = handle(repository, delivery("2", "b", 5, id=id))
    assert (outcomes(again), repository.pushes) == ([("2", WAITING)], [(TEST,)])


def test_the_earliest_time_of_a_push_is_the_one_that_is_kept() -> None:
    repository = frozen()
    handle(repository, delivery("2", "b", 5))
    handle(repository, delivery("2", "b", 3, id="id-2"))
    assert stored(repository) == (pushed("2", "b", 3, id="id-2"),)


@pytest.mark.parametrize("tags", [("2", "3"), ("3", "2")])
def test_of_several_versions_of_an_image_only_the_best_is_kept(tags: tuple[str, str]) -> None:
    repository = frozen()
    reports = [handle(repository, delivery(tag)) for tag in tags]
    assert on_ref(repository) == ["3"]
    assert dict(outcomes(reports[1])) == {"2": Outcome.SUPERSEDED, "3": WAITING}


def test_images_wait_beside_each_other() -> None:
    repository = frozen()
    handle(repository, delivery("2"))
    handle(repository, delivery("5", image=OTHER))
    assert stored(repository) == (pushed("2"), pushed("5", image=OTHER))


def test_each_environment_keeps_its_own_and_others_go_on() -> None:
    edge = {**environment_file("edge", FREEZE), **overlay("1", environment="edge")}
    production = {**environment_file("production"), **overlay("1", environment="production")}
    repository = frozen(edge, production)
    report = handle(repository, delivery("2"))
    assert sorted(outcomes(report)) == [("2", COMMITTED), ("2", WAITING), ("2", WAITING)]
    assert repository.pushes == [("main",), (EDGE,), (TEST,)]
    assert on_ref(repository, EDGE) == on_ref(repository, TEST) == ["2"]


def test_services_of_one_image_that_wait_and_that_are_held_for_good_keep_it_once() -> None:
    hold = "hold: [{service: second, reason: INC-42}]\n" + FREEZE
    repository = frozen({"overlays/test/second/kustomization.yaml": next(iter(overlay("1").values()))}, line=hold)
    report = handle(repository, delivery("2"))
    assert (sorted(outcomes(report)), on_ref(repository)) == ([("2", HELD), ("2", WAITING)], ["2"])


def test_what_would_not_land_anyway_is_not_kept() -> None:
    repository = frozen()
    report = handle(repository, delivery("0"), delivery("1"), delivery("x"), delivery("1", image="web.example/x"))
    assert {outcome for _, outcome in outcomes(report)} == {Outcome.REJECTED, Outcome.UNCHANGED, Outcome.IGNORED}
    assert list(repository.remote) == ["main"]


# What is read


def test_what_waits_is_read_by_environment_and_by_image() -> None:
    repository = frozen()
    write(repository, pushed("2"), pushed("5", image=OTHER))
    write(repository, pushed("7", image=OTHER), name=EDGE)
    assert kept(sight(repository)) == {}
    repository.refresh()
    assert kept(sight(repository)) == {
        "edge": (pushed("7", image=OTHER),),
        "test": (pushed("2"), pushed("5", image=OTHER)),
    }
    assert kept_of(sight(repository), {IMAGE}) == {"test": (pushed("2"),)}
    assert kept_of(sight(repository), {"reg.example/models/none"}) == {}


@pytest.mark.parametrize("path", ["README", f"{waiting.FILE}/inside"])
def test_a_ref_without_the_file_keeps_nothing(path: str) -> None:
    repository = frozen()
    repository.commit(TEST, {path: "x"})
    repository.refresh()
    assert kept(sight(repository)) == {"test": ()}


def test_lines_that_cannot_be_read_are_passed_over_and_stay_as_they_are() -> None:
    repository = frozen()
    good = waiting.written([pushed("5", image=OTHER)]).decode()
    forged = json.dumps({"image": "a b", "tag": "$(x)", "received_at": "2026-11-20T12:00:00Z"})
    repository.commit(TEST, {waiting.FILE: f"{{\n{good}{forged}\n[]\n\n"})
    repository.refresh()
    assert kept(sight(repository)) == {"test": (pushed("5", image=OTHER),)}
    handle(repository, delivery("2"))
    assert repository.on_remote(TEST, waiting.FILE) == (
        waiting.written([pushed("2"), pushed("5", image=OTHER)]).decode() + f"{{\n{forged}\n[]\n"
    )


def test_a_ref_with_nothing_but_such_lines_stays() -> None:
    repository = frozen()
    repository.commit(TEST, {waiting.FILE: waiting.written([pushed("2")]).decode() + "[]\n"})
    repository.commit("main", overlay("3"))
    handle(repository, delivery("2"))
    assert repository.on_remote(TEST, waiting.FILE) == "[]\n"


def test_a_ref_that_is_no_commit_keeps_nothing_is_told_and_written_over(caplog: pytest.LogCaptureFixture) -> None:
    repository = frozen()
    repository.remote[TEST] = "b10b"
    repository.refresh()
    assert kept(sight(repository)) == {"test": ()}
    assert f"{TEST} is no commit with a file {waiting.FILE}" in caplog.text
    assert outcomes(handle(repository, delivery("2"))) == [("2", WAITING)]
    assert stored(repository) == (pushed("2"),)


def test_a_file_that_is_too_big_is_not_read_and_never_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    repository = frozen()
    handle(repository, delivery("2"))
    monkeypatch.setattr(waiting, "MAX_BYTES", len(waiting.written([pushed("2")])))
    report = handle(repository, delivery("5", image=OTHER))
    assert (outcomes(report), report.exit_code, caplog.text) == ([("5", REFUSED)], 5, "")
    assert "bytes; up to " in report.decisions[0].reason
    assert stored(repository) == (pushed("2"),)
    monkeypatch.setattr(waiting, "MAX_BYTES", 9)
    assert kept(sight(repository)) == {"test": ()}
    assert f"{TEST} is no commit with a file {waiting.FILE} that can be read" in caplog.text


def test_what_waits_is_written_on_top_of_what_waited_and_no_push_is_forced() -> None:
    repository = frozen()
    handle(repository, delivery("2"))
    before = repository.remote[TEST]
    handle(repository, delivery("5", image=OTHER))
    assert repository.commits[repository.remote[TEST]].parent == before
    assert stored(repository) == (pushed("2"), pushed("5", image=OTHER))


def test_pushes_of_other_images_stay_when_one_is_decided() -> None:
    repository = frozen()
    handle(repository, delivery("2"), delivery("5", image=OTHER))
    repository.commit("main", overlay("3"))
    handle(repository, delivery("2"))
    assert stored(repository) == (pushed("5", image=OTHER),)


# Others who write there


def test_what_another_replica_keeps_meanwhile_stays_there() -> None:
    repository = frozen()
    repository.rivals = [lambda: write(repository, pushed("5", image=OTHER))]
    report = handle(repository, delivery("2"))
    assert (outcomes(report), report.exit_code) == ([("2", WAITING)], 0)
    assert stored(repository) == (pushed("2"), pushed("5", image=OTHER))
    assert repository.pushes == [(TEST,), (TEST,)]


def test_a_ref_that_was_not_heard_of_is_added_to() -> None:
    repository = frozen()
    write(repository, pushed("5", image=OTHER))
    handle(repository, delivery("2"))
    assert stored(repository) == (pushed("2"), pushed("5", image=OTHER))


def test_what_another_replica_has_kept_already_is_not_written_again() -> None:
    repository = frozen()
    repository.rivals = [lambda: write(repository, pushed("2"))]
    report = handle(repository, delivery("2"))
    assert (outcomes(report), repository.pushes) == ([("2", WAITING)], [(TEST,)])


def test_a_ref_that_another_replica_took_away_meanwhile_is_made_again() -> None:
    repository = frozen()
    handle(repository, delivery("5", image=OTHER))
    repository.rivals = [lambda: repository.remote.pop(TEST)]
    handle(repository, delivery("2"))
    assert stored(repository) == (pushed("2"),)


def test_others_who_are_faster_every_time_end_in_a_refusal_that_may_be_tried_again() -> None:
    repository = frozen()
    repository.rivals = [
        lambda number=number: write(repository, pushed(str(number), image=OTHER))  # type: ignore[misc]
        for number in range(notes.TRIES)
    ]
    pauses: list[int] = []
    report = pipeline.handle(replace(parts(repository), pause=pauses.append), [delivery("2")])
    assert pauses == list(range(1, notes.TRIES))
    (problem,) = report.problems
    assert isinstance(problem, PushContended)
    assert str(problem) == f"{TEST} was changed by others {notes.TRIES} times in a row"
    assert (problem.retry, report.exit_code) == (True, 5)
    (decision,) = report.decisions
    assert (decision.outcome, decision.reason, decision.keeps) == (REFUSED, str(problem), False)
    assert repository.pushes == [(TEST,)] * notes.TRIES
    assert outcomes(handle(repository, delivery("2"))) == [("2", WAITING)]
    assert stored(repository)[0] == pushed("2")


# A remote that does not take it


def test_what_the_remote_does_not_keep_is_refused_and_not_taken_for_finished() -> None:
    edge = {**environment_file("edge", FREEZE), **overlay("1", environment="edge")}
    repository = frozen(edge, overlay("2", service="model-b"))
    repository.refuses = {EDGE: "no refs but branches"}
    report = handle(repository, delivery("2"), delivery("2", image=OTHER))
    assert [(each.target and each.target.environment, each.outcome, each.exit_code) for each in report.decisions] == [
        ("edge", REFUSED, 5),
        ("test", WAITING, 0),
        ("test", Outcome.UNCHANGED, 0),
    ]
    assert report.decisions[0].reason == "no refs but branches"
    assert ([str(problem) for problem in report.problems], report.exit_code) == (["no refs but branches"], 5)
    assert on_ref(repository) == ["2"]


def frozen_files() -> dict[str, str]:
    return {**environment_file("test", FREEZE, order="numerical"), **overlay("1")}


class Breaking(FakeRepository):
    """A remote that breaks off pushes, so many times: before anything has changed there, or after it has."""

    breaks = 0
    is_late = False
    is_dead = False

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        if self.is_dead:
            raise RemoteUnavailable("nobody answers")
        if not self.breaks:
            return super().push(updates)
        self.breaks -= 1
        if self.is_late:
            heard = dict(self._heard)
            super().push(updates)
            self._heard = heard
        return {update.branch: "unfinished" for update in updates}


@pytest.mark.parametrize("is_late", [False, True])
def test_a_push_of_what_waits_that_breaks_off_is_looked_after_and_made_again(is_late: bool) -> None:
    repository = Breaking({"main": frozen_files()})
    repository.breaks, repository.is_late = 1, is_late
    report = handle(repository, delivery("2"))
    assert (outcomes(report), report.exit_code) == ([("2", WAITING)], 0)
    assert stored(repository) == (pushed("2"),)
    assert repository.pushes == [(TEST,)]


def test_a_remote_that_dies_before_it_keeps_a_push_refuses_it() -> None:
    repository = Breaking({"main": frozen_files()})
    repository.is_dead = True
    report = handle(repository, delivery("2"))
    assert outcomes(report) == [("2", REFUSED)]
    assert [(type(problem), problem.retry) for problem in report.problems] == [(RemoteUnavailable, True)]


def test_the_time_of_the_commit_that_keeps_is_the_clocks() -> None:
    repository = frozen()
    clock = StoppedClock(at(120))
    pipeline.handle(parts(repository, clock), [replace(delivery("2"), received_at=at(61))])
    assert repository.commits[repository.remote[TEST]].time == at(120)


def test_two_digests_of_a_tag_are_two_versions_of_which_the_later_is_kept() -> None:
    repository = FakeRepository({"main": {**environment_file("test", FREEZE), **overlay("1", "a")}}, since=-9)
    handle(repository, delivery("main", "b", 1))
    handle(repository, delivery("main", "c", 2))
    assert [event.version.digest for event in stored(repository)] == [digest("c")]


def test_lines_that_are_no_pushes_are_told(caplog: pytest.LogCaptureFixture) -> None:
    repository = frozen()
    repository.commit(TEST, {waiting.FILE: waiting.written([pushed("2")]).decode() + "[]\n"})
    repository.refresh()
    assert kept(sight(repository)) == {"test": (pushed("2"),)}
    assert f"1 line(s) in {TEST} cannot be read as pushes" in caplog.text
