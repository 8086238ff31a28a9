"""What the service knows of itself: its log, its figures, its health."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, pushed, target
from updater.errors import (
    ConfigurationError,
    ForgeUnavailable,
    GitError,
    Location,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    RemoteUnavailable,
)
from updater.feeds import Ending, Item
from updater.model import Decision, Outcome, Version
from updater.pipeline import Report
from updater.registry import Listing
from updater.service.state import State
from updater.telling.metrics import Metrics
from updater.working.looking import Look


def state(heard: list[Report] | None = None, tidied: list[str] | None = None) -> State:
    return State(
        Metrics({"generic"}), lambda: at(62), ([] if heard is None else heard).append,
        lambda: ([] if tidied is None else tidied).append("tidied"),
    )  # fmt: skip


def exposed(found: State) -> str:
    return found.metrics.exposed()[0].decode()


EVENT = pushed("1.1.0", minutes=0, received=60)
ITEM = Item("1", (EVENT,))
COMMITTED = Decision(
    IMAGE, Version("1.1.0"), Outcome.COMMITTED, "1.1.0 is newer", EVENT, target("1.0.0"), commit="c0ffee"
)


def test_a_landing_is_logged_with_the_id_that_its_commit_bears(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        state().worked([(ITEM, Ending("done", "committed", "", ("c0ffee",)))], Report((COMMITTED,)), 0.1)
    (record,) = caplog.records
    assert record.getMessage() == "test/model-a 1.1.0 committed: 1.1.0 is newer"
    told = vars(record)
    assert (told["event"], told["commit"], told["environment"], told["service"]) == (
        "generic/id-1", "c0ffee", "test", "model-a",
    )  # fmt: skip


def test_a_landing_is_measured_from_its_push_and_from_its_arrival() -> None:
    found = state()
    found.worked([(ITEM, Ending("done", "committed", "", ("c0ffee",)))], Report((COMMITTED,)), 0.1)
    text = exposed(found)
    assert 'updater_events_total{outcome="committed",source="generic"} 1.0' in text
    assert "updater_push_to_commit_seconds_sum 3720.0" in text
    assert "updater_acceptance_to_commit_seconds_sum 120.0" in text


def test_what_stands_already_is_not_measured_as_if_it_had_landed_now() -> None:
    found = state()
    found.worked([(ITEM, Ending("done", "unchanged", "it stands already"))], Report(), 0.1)
    text = exposed(found)
    assert 'updater_events_total{outcome="unchanged",source="generic"} 1.0' in text
    assert "updater_push_to_commit_seconds_count 0.0" in text


def test_another_try_is_no_outcome_and_a_given_up_one_is_loud(caplog: pytest.LogCaptureFixture) -> None:
    found = state()
    again, dead = Ending("again", "failed", "down", at=at(63)), Ending("dead", "failed", "refused 12 times")
    with caplog.at_level(logging.INFO):
        found.worked([(ITEM, again), (ITEM, dead)], Report(), 0.1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert 'outcome="dead",source="generic"} 1.0' in exposed(found)
    assert 'outcome="failed"' not in exposed(found)


def test_what_a_pass_finds_unchanged_and_what_nobody_follows_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    unchanged = Decision(IMAGE, Version("1"), Outcome.UNCHANGED, "stands already", None, target("1"))
    ignored = Decision(IMAGE, Version("1"), Outcome.IGNORED, "no environment follows it", EVENT)
    told = Decision(IMAGE, Version("1"), Outcome.UNCHANGED, "stands already", EVENT, target("1"))
    with caplog.at_level(logging.INFO):
        state().passed(Report((unchanged, ignored, told)), 0.1)
    assert [record.getMessage() for record in caplog.records] == ["test/model-a 1 unchanged: stands already"]


def test_what_does_not_work_is_told_by_its_part_until_it_works_again() -> None:
    found = state()
    problems = (
        RemoteUnavailable("the remote does not answer"),
        ForgeUnavailable("the forge does not answer"),
        ConfigurationError("`follow` is missing", at=Location("environments/test.yaml", 1)),
    )
    found.passed(Report(problems=problems), 0.1)
    assert found.doubts == {
        "remote": "the remote does not answer",
        "forge": "the forge does not answer",
        "configuration": "environments/test.yaml:1: `follow` is missing",
    }
    found.passed(Report(), 0.1)
    assert not found.doubts


def test_trouble_with_the_repository_is_told_until_it_is_open() -> None:
    found = state()
    found.troubled("the repository cannot be used: no")
    assert (found.is_open, found.doubts) == (False, {"repository": "the repository cannot be used: no"})
    found.opened()
    assert (found.is_open, found.doubts) == (True, {})


def test_what_else_does_not_work_is_told_although_the_repository_was_opened_anew() -> None:
    found = state()
    found.passed(Report(problems=(GitError("no commit on its default branch"),)), 0.1)
    found.opened()
    assert found.doubts == {"remote": "no commit on its default branch"}


def test_others_hear_of_batches_and_passes_and_a_pass_tidies() -> None:
    heard: list[Report] = []
    tidied: list[str] = []
    found = state(heard, tidied)
    found.worked([], Report(notes=("one",)), 0.1)
    assert not tidied
    found.passed(Report(notes=("two",)), 0.1)
    assert [report.notes for report in heard] == [("one",), ("two",)]
    assert tidied == ["tidied"]


# --- looks at registries

DOWN = RegistryUnavailable("reg.example did not answer", hint="is it there?")
LISTED = replace(COMMITTED, event=pushed("1.1.0", source="registry"))


def looked(found: State, *errors: RegistryError, decisions: Sequence[Decision] = ()) -> None:
    """A look at an image with tags and some of which nothing was learned."""
    failed = {f"reg.example/failed-{number}": error for number, error in enumerate(errors)}
    found.looked(Look({IMAGE: Listing({}, at(0)), **failed}, 1.5), Report(tuple(decisions), problems=errors))


def test_a_look_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        looked(state(), decisions=[LISTED, LISTED, COMMITTED])
        looked(state(), DOWN)
    assert caplog.messages[:2] == [
        "looked at 1 image(s) in 1 registry(s): 1 version(s) offered",
        "looked at 2 image(s) in 1 registry(s), 1 of them without an answer: 0 version(s) offered",
    ]


def test_what_a_registry_does_not_answer_is_told_once_and_so_is_that_it_answers_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = state()
    with caplog.at_level(logging.INFO):
        for errors in ((DOWN, DOWN), (DOWN,), (), ()):
            looked(found, *errors)
    told = [message for message in caplog.messages if not message.startswith("looked at")]
    assert told == ["reg.example did not answer (is it there?)", "all registries answer again"]


def test_five_hundred_reasons_are_not_five_hundred_lines(caplog: pytest.LogCaptureFixture) -> None:
    errors = [RegistryRefused(f"no right to read {number}") for number in range(500)]
    with caplog.at_level(logging.INFO):
        looked(state(), *errors)
        state().passed(Report(problems=tuple(errors)), 0.1)
    (_, told) = caplog.messages
    assert told.startswith("no right to read 0; no right to read 1;")
    assert told.endswith("and 495 more")


def test_a_registry_that_does_not_answer_is_a_doubt_until_it_does() -> None:
    found = state()
    looked(found, DOWN)
    found.passed(Report(), 0.1)
    assert found.doubts == {"registry": "reg.example did not answer (is it there?)"}
    looked(found)
    found.passed(Report(), 0.1)
    assert found.doubts == {}


def test_a_look_is_measured() -> None:
    found = state()
    looked(found, DOWN)
    text = exposed(found)
    assert "updater_registry_look_seconds_sum 1.5" in text
    assert "updater_registry_unanswered_images 1.0" in text
