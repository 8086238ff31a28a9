"""The forge in memory meddles as tests ask it to; that it is a forge is seen by the contract tests."""

from __future__ import annotations

import pytest

from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeRepository
from updater.errors import ForgeUnavailable
from updater.forge import Draft, Edit

HEAD = "updater/staging/model-a"


@pytest.fixture
def forge() -> FakeForge:
    repository = FakeRepository({"main": {"a": "1"}})
    repository.remote[HEAD] = repository.build(
        repository.remote["main"], {"a": b"2"}, "Deploy\n", FakeForge(repository).now()
    )
    forge = FakeForge(repository)
    forge.open(Draft(HEAD, "main", repository.remote[HEAD], "Deploy", ""))
    return forge


def test_a_call_fails_as_often_as_asked_and_does_nothing(forge: FakeForge) -> None:
    forge.fails["edit"] = [ForgeUnavailable("down")]
    with pytest.raises(ForgeUnavailable):
        forge.edit(1, Edit(title="x"))
    assert forge.told(1).title == "Deploy"
    forge.edit(1, Edit(title="x"))
    assert forge.told(1).title == "x"


def test_an_answer_that_is_lost_leaves_the_work_done(forge: FakeForge) -> None:
    forge.breaks["edit"] = [ForgeUnavailable("down")]
    with pytest.raises(ForgeUnavailable):
        forge.edit(1, Edit(title="x"))
    assert forge.told(1).title == "x"


def test_calls_are_counted_and_those_of_others_are_not(forge: FakeForge) -> None:
    forge.approved(1, "bob")
    forge.closed(1)
    forge.reopened(1)
    forge.opened()
    assert [call[0] for call in forge.calls] == ["open", "opened"]
    assert forge.counted("opened") == 1


def test_a_rival_acts_just_before_a_call(forge: FakeForge) -> None:
    forge.rivals.append(lambda: forge.closed(1))
    assert forge.opened() == []


def test_what_people_do_stands_under_their_names(forge: FakeForge) -> None:
    forge.edited(1, "bob", comment="no", labels=["x"])
    forge.unlabelled(1, "x")
    forge.approved(1)
    made = forge.merged(1, "carol", "squash")
    [settled] = forge.settled([HEAD])
    assert (settled.closed_by, settled.merged_as, settled.labels) == ("carol", made, frozenset())
    assert [approval.by for approval in settled.approvals] == ["alice"]
    assert [comment.by for comment in forge.comments[1]] == ["bob"]
    assert forge.repository.commits[made].author == "carol"


def test_a_queue_takes_what_is_to_be_merged(forge: FakeForge) -> None:
    forge.settings["queue"] = True
    assert forge.merge(1, forge.told(1).commit, None) == "queued"
    [found] = forge.opened()
    assert (found.state, found.queued) == ("open", True)


def test_what_the_forge_says_of_readiness_can_be_set(forge: FakeForge) -> None:
    forge.says[1] = "blocked"
    assert [found.readiness for found in forge.opened()] == ["blocked"]
