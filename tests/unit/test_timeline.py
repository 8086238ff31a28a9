"""What landed where, newest first, and how it got there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.helpers.events import IMAGE, at, delivery
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, images, overlay, sight
from updater import pipeline
from updater.by_hand.rollback import Wish, make_rollback
from updater.by_hand.timeline import How, history
from updater.decoders import generic
from updater.errors import Location, UsageError
from updater.model import Entry, Landing
from updater.pipeline import Parts

FILES = {**environment_file(order="numerical"), **overlay("1"), **overlay("1", service="model-b")}
Told = list[tuple[str, str | None, str | None, How]]


def repository() -> FakeRepository:
    return FakeRepository({"main": FILES}, since=-9)


def parts(repository: FakeRepository, minutes: float) -> Parts:
    made = sight(repository, clock=StoppedClock(at(minutes)))
    return Parts(made, {"generic": generic.decode}, lambda _tries: None)


def told(repository: FakeRepository, *globs: str, limit: int = 99) -> Told:
    """Service, what stood before, what landed, and how."""
    repository.refresh()
    records, _ = history(sight(repository), "test", globs, limit)
    return [
        (
            record.target.service,
            None if record.before is None else record.before.tag,
            record.landing.version.tag,
            record.how,
        )
        for record in records
    ]


def test_an_event_a_hand_and_a_revert_are_told_apart_newest_first() -> None:
    ours = repository()
    (commit,) = pipeline.handle(parts(ours, 60), [delivery("2")]).commits
    ours.revert("main", commit.sha, minutes=61)
    ours.commit("main", overlay("3"), minutes=62)
    assert told(ours, "model-a") == [
        ("model-a", "1", "3", How.BY_HAND),
        ("model-a", "2", "1", How.REVERT),
        ("model-a", "1", "2", How.EVENT),
        ("model-a", None, "1", How.BY_HAND),
    ]


def test_a_record_names_the_commit_its_author_and_the_push() -> None:
    ours = repository()
    (commit,) = pipeline.handle(parts(ours, 60), [delivery("2", None, 5)]).commits
    records, problems = history(sight(ours), "test", ("model-a",), 1)
    (landing,) = (record.landing for record in records)
    assert (landing.commit, landing.author, landing.event) == (commit.sha, "updater", "generic/id-1")
    assert (landing.landed_at, landing.pushed_at, problems) == (at(60), at(5), ())


@pytest.mark.parametrize("tag", [None, "1"])
def test_our_own_rollback_is_a_revert_whether_of_a_commit_or_of_versions(tag: str | None) -> None:
    ours = repository()
    pipeline.handle(parts(ours, 60), [delivery("2")])
    late = parts(ours, 70)
    pipeline.perform(late, lambda: make_rollback(late.sight, Wish("test", ("model-a",), tag)))
    assert told(ours, "model-a", limit=1) == [("model-a", "2", "1", How.REVERT)]


def test_bringing_a_version_again_by_hand_is_no_revert() -> None:
    ours = repository()
    for minutes, tag in enumerate(["2", "1", "2"]):
        ours.commit("main", overlay(tag), minutes=minutes)
    assert [how for *_, how in told(ours, "model-a")] == [How.BY_HAND, How.REVERT, How.BY_HAND, How.BY_HAND]


def test_a_step_back_to_a_version_that_never_stood_is_a_revert_too() -> None:
    ours = repository()
    ours.commit("main", overlay("5"), minutes=1)
    ours.commit("main", overlay("4"), minutes=2)
    assert told(ours, "model-a", limit=1) == [("model-a", "5", "4", How.REVERT)]


def test_a_step_forward_below_what_is_held_is_no_revert() -> None:
    ours = repository()
    for minutes, tag in enumerate("534"):
        ours.commit("main", overlay(tag), minutes=minutes)
    assert [(new, how) for _, _, new, how in told(ours, "model-a", limit=2)] == [("4", How.BY_HAND), ("3", How.REVERT)]


def test_a_version_that_stood_before_is_as_old_as_it_was_then() -> None:
    ours = FakeRepository({"main": {**environment_file(order="pushed"), **overlay("x")}}, since=-9)
    ours.commit("main", overlay("y"), minutes=1)
    ours.commit("main", overlay("x"), minutes=2)
    assert [(new, how) for _, _, new, how in told(ours, "model-a", limit=1)] == [("x", How.REVERT)]


def test_of_landings_at_the_same_moment_the_later_commit_comes_first() -> None:
    ours = repository()
    for tag in "23":
        ours.commit("main", overlay(tag), minutes=1)
    assert [new for _, _, new, _ in told(ours, "model-a")] == ["3", "2", "1"]


class Asked(FakeRepository):
    """Remembers about which files history was asked."""

    paths_asked: tuple[str, ...] = ()

    def landings(self, branch: str, tip: str, entries: Sequence[Entry]) -> Sequence[Sequence[Landing]]:
        self.paths_asked = tuple(entry.path for entry in entries)
        return super().landings(branch, tip, entries)


def test_services_come_by_time_and_no_more_than_asked_for() -> None:
    ours = repository()
    ours.commit("main", overlay("2"), minutes=1)
    ours.commit("main", overlay("2", service="model-b"), minutes=2)
    ours.commit("main", overlay("3"), minutes=3)
    newest = [("model-a", "2", "3"), ("model-b", "1", "2"), ("model-a", "1", "2")]
    for globs in ((), ("model-*",)):
        assert [(service, old, new) for service, old, new, _ in told(ours, *globs, limit=3)] == newest


def test_without_a_service_only_what_changed_lately_is_read() -> None:
    ours = Asked({"main": FILES}, since=-9)
    ours.commit("main", overlay("2"), minutes=1)
    ours.commit("main", overlay("2", service="model-b"), minutes=2)
    assert [record[:3] for record in told(ours, limit=1)] == [("model-b", "1", "2")]
    assert ours.paths_asked == tuple(overlay(service="model-b"))
    ours.commit("main", {"README": "x", **environment_file("edge")}, minutes=3)
    assert [record[:3] for record in told(ours, limit=1)] == [("model-b", "1", "2")]


def test_every_image_of_a_service_has_records_of_its_own() -> None:
    ours = repository()
    both = images((IMAGE, "1", None), ("web.example/x", "7", None))
    ours.commit("main", {"overlays/test/model-a/kustomization.yaml": both}, minutes=1)
    assert {(old, new) for _, old, new, _ in told(ours, "model-a")} == {(None, "1"), (None, "7")}


@pytest.mark.parametrize("globs", [(), ("*",)])
def test_what_cannot_be_read_is_told_beside_the_rest(globs: tuple[str, ...]) -> None:
    ours = repository()
    ours.commit("main", {"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    ours.refresh()
    records, problems = history(sight(ours), "test", globs, 9)
    assert len(records) == 2
    assert [problem.at for problem in problems] == [Location("overlays/test/broken/kustomization.yaml", 4)]


def test_what_was_broken_long_ago_or_elsewhere_is_not_told() -> None:
    ours = repository()
    ours.commit("main", {"overlays/test/broken/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: [\n"})
    ours.commit("main", overlay("2"), minutes=1)
    ours.refresh()
    assert [history(sight(ours), "test", *some)[1] for some in (((), 1), (("model-a",), 9))] == [(), ()]


@pytest.mark.parametrize(("environment", "globs"), [("none", ()), ("test", ("none",))])
def test_an_environment_or_service_that_is_not_there_is_an_error(environment: str, globs: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        history(sight(repository()), environment, globs, 9)
