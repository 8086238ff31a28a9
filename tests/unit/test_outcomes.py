"""What others are told: what landed, as git tells it, and what was proposed or failed, as reports do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.helpers.events import IMAGE, NOON, at, delivery, digest, pushed
from tests.helpers.promoted import World, following, promoting, standing, world
from updater.core.cloud_events import CloudEvent, as_json, as_message, source
from updater.core.outcomes import APPROVED, DEPLOYED, FAILED, PROPOSED, REVERTED, mark, of_report
from updater.errors import ConfigurationError, ForgeRefused, ForgeUnavailable, GitError, RemoteUnavailable, UpdaterError
from updater.forge import Forge
from updater.model import Decision, Entry, Outcome, Target, Version
from updater.telling import landed, outcomes
from updater.telling.outcomes import Outcomes

MARK = mark("main")


@dataclass
class Follower:
    """Somebody who is told outcomes, once `takes` allows it."""

    events: list[CloudEvent] = field(default_factory=list)
    failures: list[UpdaterError] = field(default_factory=list)
    """Why the next ones are not taken."""

    def take(self, event: CloudEvent) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.events.append(event)

    def told(self) -> list[tuple[str, str, str | None]]:
        """What it was told since it was asked last: kind, subject and the tag."""
        found = [
            (each.type.partition("updater.")[2], each.subject or "", (each.data["to"] or {}).get("tag"))
            for each in self.events
        ]
        self.events.clear()
        return found


def following_from(world: World) -> tuple[Outcomes, Follower]:
    """Somebody follows from now on."""
    follower = Follower()
    teller = Outcomes(follower.take)
    teller.catch_up(world.parts.sight)
    return teller, follower


def test_a_branch_of_which_nothing_was_told_begins_where_it_stands() -> None:
    there = world()
    there.stand("test", "2")
    _, follower = following_from(there)
    assert follower.told() == []
    assert there.repository.remote[MARK] == there.repository.remote["main"]


def test_what_lands_is_told_once_whoever_wrote_it() -> None:
    there = world()
    teller, follower = following_from(there)
    there.handle(delivery("2"))
    there.stand("test", "3")
    assert teller.catch_up(there.parts.sight)
    assert follower.told() == [
        ("image.deployed", "test/model-a", "2"),
        ("image.deployed", "test/model-a", "3"),
    ]
    assert teller.catch_up(there.parts.sight)
    assert follower.told() == []


def test_an_event_says_what_landed_where_and_by_which_push() -> None:
    there = world()
    teller, follower = following_from(there)
    commit = there.handle(delivery("2", "a", id="id-7")).commits[0].sha
    teller.catch_up(there.parts.sight)
    (event,) = follower.events
    assert (event.type, event.subject) == (DEPLOYED, "test/model-a")
    assert event.time == there.repository.commits[commit].time
    assert event.data == {
        "environment": "test",
        "service": "model-a",
        "overlay": "overlays/test/model-a",
        "entry": IMAGE,
        "image": IMAGE,
        "from": {"tag": "1", "digest": None},
        "to": {"tag": "2", "digest": digest("a")},
        "commit": commit,
        "pull_request": None,
        "event": "generic/id-7",
        "reason": "1 -> 2 by updater",
    }


@pytest.mark.parametrize(
    "take_back", [lambda there, commit: there.revert(commit), lambda there, _: there.stand("test", "1")]
)
def test_a_move_back_is_told_as_a_revert_however_it_is_made(take_back: Callable[[World, str], str]) -> None:
    there = world()
    teller, follower = following_from(there)
    take_back(there, there.stand("test", "2"))
    teller.catch_up(there.parts.sight)
    deployed, reverted = follower.events
    assert (deployed.type, reverted.type) == (DEPLOYED, REVERTED)
    assert (reverted.data["from"]["tag"], reverted.data["to"]["tag"]) == ("2", "1")
    assert reverted.data["reason"].startswith("2 was reverted in ")


def test_a_merge_of_our_pull_request_is_an_approval_and_a_landing() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("test", "2")
    there.reconcile()
    teller.catch_up(there.parts.sight)
    assert follower.told() == [("image.deployed", "test/model-a", "2")]
    commit = there.merge(1, by="alice")
    teller.catch_up(there.parts.sight)
    approved, deployed = follower.events
    assert (approved.type, deployed.type) == (APPROVED, DEPLOYED)
    assert approved.data == {**deployed.data, "reason": "#1 was merged by alice"}
    assert (approved.data["pull_request"], approved.data["commit"]) == (1, commit)
    assert approved.id != deployed.id


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_it_is_an_approval_however_it_is_merged(method: str) -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("test", "2")
    there.reconcile()
    there.merge(1, method=method)
    teller.catch_up(there.parts.sight)
    assert [kind for kind, subject, _ in follower.told() if subject == "staging/model-a"] == [
        "promotion.approved",
        "image.deployed",
    ]


def test_a_hand_edit_where_pull_requests_are_the_rule_is_no_approval() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("staging", "2")
    teller.catch_up(there.parts.sight)
    assert follower.told() == [("image.deployed", "staging/model-a", "2")]


def test_a_merge_approves_nothing_in_another_environment_that_came_along() -> None:
    there = world(files={**promoting(name="production", source="staging"), **standing("production", "1")})
    teller, follower = following_from(there)
    there.stand("test", "2")
    there.reconcile()
    there.commit(standing("production", "2"), "updater/staging/model-a")
    there.merge(1)
    teller.catch_up(there.parts.sight)
    assert sorted(follower.told()) == [
        ("image.deployed", "production/model-a", "2"),
        ("image.deployed", "staging/model-a", "2"),
        ("image.deployed", "test/model-a", "2"),
        ("promotion.approved", "staging/model-a", "2"),
    ]


def test_the_forge_is_asked_only_where_something_landed_that_it_may_have_brought() -> None:
    there = world()
    teller, _ = following_from(there)
    there.stand("test", "2")
    there.forge.calls.clear()
    teller.catch_up(there.parts.sight)
    assert there.forge.calls == []


class Silent:
    """A forge that cannot be asked."""

    def __init__(self, error: UpdaterError) -> None:
        self.error = error

    def settled(self, _heads: object) -> list[object]:
        raise self.error


def without_forge(there: World, error: UpdaterError) -> landed.Sight:
    forge: Callable[[], Forge] = lambda: Silent(error)  # type: ignore[assignment,return-value]  # noqa: E731
    return replace(there.parts.sight, forge=forge)


def test_a_forge_that_is_down_is_waited_for() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("staging", "2")
    with pytest.raises(ForgeUnavailable):
        teller.catch_up(without_forge(there, ForgeUnavailable("down")))
    assert follower.told() == []
    teller.catch_up(there.parts.sight)
    assert follower.told() == [("image.deployed", "staging/model-a", "2")]


def test_a_forge_that_will_never_tell_keeps_nothing_back(caplog: pytest.LogCaptureFixture) -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("staging", "2")
    teller.catch_up(without_forge(there, ForgeRefused("no right")))
    assert follower.told() == [("image.deployed", "staging/model-a", "2")]
    assert "no right" in caplog.text


def test_what_could_not_be_sent_is_told_by_the_next_call_and_the_rest_not_again() -> None:
    there = world()
    teller, follower = following_from(there)
    told = there.repository.remote[MARK]
    there.stand("test", "2")
    there.stand("test", "3")
    follower.failures = [RemoteUnavailable("down")]
    with pytest.raises(RemoteUnavailable):
        teller.catch_up(there.parts.sight)
    assert there.repository.remote[MARK] == told
    teller.catch_up(there.parts.sight)
    assert [tag for _, _, tag in follower.told()] == ["2", "3"]
    assert there.repository.remote[MARK] == there.repository.remote["main"]


def test_a_crash_before_the_mark_moves_tells_the_same_ids_again() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("test", "2")
    there.repository.refuses[MARK] = "no right to refs/updater"
    with pytest.raises(GitError, match="no right to refs/updater"):
        teller.catch_up(there.parts.sight)
    there.repository.refuses.clear()
    again = Follower()
    Outcomes(again.take).catch_up(there.elsewhere().parts.sight)
    assert [each.id for each in again.events] == [each.id for each in follower.events]
    assert len(again.events) == 1


def test_a_replica_goes_on_where_another_stopped() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("test", "2")
    teller.catch_up(there.parts.sight)
    other, follower_too = following_from(there.elsewhere())
    there.stand("test", "3")
    other.catch_up(there.elsewhere().parts.sight)
    teller.catch_up(there.parts.sight)
    assert [tag for _, _, tag in follower.told()] == ["2"]
    assert [tag for _, _, tag in follower_too.told()] == ["3"]


def test_whoever_loses_the_race_for_the_mark_leaves_it_to_the_winner() -> None:
    there = world()
    teller, follower = following_from(there)
    there.stand("test", "2")
    first = there.repository.remote[MARK]
    tip = there.repository.remote["main"]
    there.repository.rivals.append(lambda: there.repository.remote.update({MARK: tip}))
    assert teller.catch_up(there.parts.sight)
    assert there.repository.remote[MARK] == tip != first
    teller.catch_up(there.parts.sight)
    assert len(follower.told()) == 1


def test_a_branch_that_was_put_back_tells_nothing_and_goes_on_from_there() -> None:
    there = world()
    teller, follower = following_from(there)
    start = there.repository.remote["main"]
    there.stand("test", "2")
    teller.catch_up(there.parts.sight)
    follower.events.clear()
    there.repository.remote["main"] = start
    teller.catch_up(there.parts.sight)
    assert follower.told() == []
    there.stand("test", "3")
    teller.catch_up(there.parts.sight)
    assert follower.told() == [("image.deployed", "test/model-a", "3")]


def test_a_long_way_is_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed, "COMMITS", 2)
    there = world()
    teller, follower = following_from(there)
    for number in range(2, 7):
        there.stand("test", str(number))
    parts = []
    for is_all in (False, False, True):
        assert teller.catch_up(there.parts.sight) is is_all
        parts.append([tag for _, _, tag in follower.told()])
    assert parts == [["2", "3"], ["4", "5"], ["6"]]


def test_one_branch_of_which_there_is_more_is_enough_for_another_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed, "COMMITS", 1)
    there = world(files=promoting("branch: live"))
    there.commit(standing("staging", "1"), "live")
    teller, _ = following_from(there)
    there.commit(standing("staging", "2"), "live")
    there.commit(standing("staging", "3"), "live")
    assert not teller.catch_up(there.parts.sight)
    assert teller.catch_up(there.parts.sight)


def test_every_branch_has_a_mark_of_its_own_and_a_failure_of_one_stops_no_other() -> None:
    there = world(files=promoting("branch: live"))
    there.commit(standing("staging", "1"), "live")
    teller, follower = following_from(there)
    assert mark("live") in there.repository.remote
    there.commit(standing("staging", "2"), "live")
    there.stand("test", "2")
    there.repository.refuses[mark("live")] = "protected"
    with pytest.raises(GitError, match="protected"):
        teller.catch_up(there.parts.sight)
    assert sorted(follower.told()) == [
        ("image.deployed", "staging/model-a", "2"),
        ("image.deployed", "test/model-a", "2"),
    ]
    assert there.repository.remote[MARK] == there.repository.remote["main"]


def test_a_branch_that_is_not_there_is_left_out() -> None:
    there = world(files=promoting("branch: nowhere"))
    teller, _ = following_from(there)
    assert teller.catch_up(there.parts.sight)
    assert mark("nowhere") not in there.repository.remote


@pytest.mark.parametrize(
    "files",
    [
        {"overlays/test/model-a/kustomization.yaml": "images: {broken\n"},
        {"overlays/test/model-a/kustomization.yaml": f"images:\n- name: {IMAGE}\n"},
        {"overlays/test/model-a/kustomization.yaml": "images:\n- name: A_PLACEHOLDER\n  newTag: '2'\n"},
        {
            "elsewhere/kustomization.yaml": f"images:\n- name: {IMAGE}\n  newTag: '9'\n",
            "overlays/test/model-a/x.yaml": "a",
        },
    ],
    ids=["unreadable", "without a version", "a placeholder", "in no overlay"],
)
def test_what_is_no_version_of_an_entry_is_not_told(files: dict[str, str]) -> None:
    there = world()
    teller, follower = following_from(there)
    there.commit(files)
    assert teller.catch_up(there.parts.sight)
    assert follower.told() == []


def test_an_overlay_that_is_gone_again_is_not_told() -> None:
    there = world()
    teller, follower = following_from(there)
    there.commit(standing("test", "1", "model-b"))
    there.delete("overlays/test/model-b/kustomization.yaml")
    assert teller.catch_up(there.parts.sight)
    assert follower.told() == []


def test_the_first_version_of_an_entry_is_told_without_one_before() -> None:
    there = world()
    teller, follower = following_from(there)
    there.commit(standing("test", "5", "model-b"))
    teller.catch_up(there.parts.sight)
    (event,) = follower.events
    assert (event.type, event.data["from"], event.data["to"]["tag"]) == (DEPLOYED, None, "5")
    assert event.data["reason"] == "(none) -> 5 by alice"


# What reports say.


@dataclass(frozen=True)
class Report:
    decisions: Sequence[Decision] = ()
    problems: Sequence[UpdaterError] = ()


ENTRY = Entry("overlays/staging/s/kustomization.yaml", "images", 0, "i", "i", Version("1"), 1)
TARGET = Target("staging", "s", "main", "overlays/staging/s", ENTRY)


def decision(outcome: Outcome, reason: str = "because", exit_code: int = 0, pull: int | None = None) -> Decision:
    return Decision("i", Version("2"), outcome, reason, None, TARGET, exit_code, "c0ffee", pull)


def test_a_proposal_is_told_once_for_as_long_as_it_is_open() -> None:
    there = world()
    follower = Follower()
    teller = Outcomes(follower.take)
    there.stand("test", "2")
    for _ in range(2):
        teller.reported(there.reconcile(), there.clock.now())
    (event,) = follower.events
    assert (event.type, event.subject) == (PROPOSED, "staging/model-a")
    assert (event.data["from"]["tag"], event.data["to"]["tag"], event.data["pull_request"]) == ("1", "2", 1)
    there.stand("test", "3")
    teller.reported(there.reconcile(), there.clock.now())
    assert [each.data["to"]["tag"] for each in follower.events] == ["2", "3"]


def test_a_proposal_of_a_push_names_the_event() -> None:
    there = following()
    (event,) = of_report(there.handle(delivery("2", id="id-3")), NOON)
    assert (event.type, event.data["event"]) == (PROPOSED, "generic/id-3")


def test_a_failure_that_lasts_is_told_once_a_day() -> None:
    report = Report([decision(Outcome.REFUSED, exit_code=7)])
    (morning,), (evening,), (next_day,) = (of_report(report, at(minutes)) for minutes in (0, 300, 1440))
    assert (morning.type, morning.subject, morning.data["reason"]) == (FAILED, "staging/s", "because")
    assert morning.id == evening.id != next_day.id


def test_the_same_version_failing_for_another_reason_is_told_anew() -> None:
    one, other = (Report([decision(Outcome.REFUSED, reason, 7)]) for reason in ("a", "b"))
    assert of_report(one, NOON)[0].id != of_report(other, NOON)[0].id


def test_what_mends_itself_is_no_failure() -> None:
    down = RemoteUnavailable("no answer")
    report = Report(
        [decision(Outcome.REFUSED, str(down), 5), decision(Outcome.HELD), decision(Outcome.COMMITTED)], [down]
    )
    assert of_report(report, NOON) == []


def test_a_problem_of_no_entry_is_told_without_a_subject_and_not_beside_its_decisions() -> None:
    broken, known = ConfigurationError("no such key"), GitError("refused")
    report = Report([decision(Outcome.REFUSED, "refused", 5)], [broken, known])
    with_subject, without = of_report(report, NOON)
    assert (with_subject.subject, without.subject) == ("staging/s", None)
    assert (without.type, without.data["reason"], without.data["environment"]) == (FAILED, "no such key", None)
    assert with_subject.data.keys() == without.data.keys()


def test_a_failed_push_that_no_entry_follows_is_told_by_its_image() -> None:
    event = pushed("2", image="i")
    nowhere = replace(decision(Outcome.REFUSED, exit_code=4), target=None, event=event)
    (told,) = of_report(Report([nowhere]), NOON)
    assert (told.subject, told.data["image"], told.data["event"]) == (None, "i", "generic/id-1")


def test_a_failure_that_could_not_be_told_is_told_by_the_next_report_though_it_is_over() -> None:
    follower = Follower(failures=[RemoteUnavailable("down")])
    teller = Outcomes(follower.take)
    with pytest.raises(RemoteUnavailable):
        teller.reported(Report([decision(Outcome.REFUSED, "a", 7), decision(Outcome.REFUSED, "b", 7)]), NOON)
    for _ in range(2):
        teller.reported(Report(), NOON)
    assert [each.data["reason"] for each in follower.events] == ["a", "b"]


def test_what_cannot_be_told_for_long_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_REMEMBERED", 1)
    follower = Follower(failures=[RemoteUnavailable("down")])
    teller = Outcomes(follower.take)
    with pytest.raises(RemoteUnavailable):
        teller.reported(Report([decision(Outcome.REFUSED, reason, 7) for reason in "abc"]), NOON)
    teller.reported(Report(), NOON)
    assert [each.data["reason"] for each in follower.events] == ["a"]


def test_no_more_is_remembered_than_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "_REMEMBERED", 1)
    follower = Follower()
    teller = Outcomes(follower.take)
    for reason in ("a", "b", "b", "a"):
        teller.reported(Report([decision(Outcome.REFUSED, reason, 7)]), NOON)
    assert [each.data["reason"] for each in follower.events] == ["a", "b", "a"]


# How events are written.

EVENT = CloudEvent("id-1", DEPLOYED, "test/model-ä", at(0.5), {"to": {"tag": "1"}})
ATTRIBUTES = {
    "specversion": "1.0",
    "id": "id-1",
    "source": "https://example.org/acme/gitops",
    "type": DEPLOYED,
    "subject": "test/model-ä",
    "time": "2026-11-20T12:00:30Z",
    "datacontenttype": "application/json",
}


def test_the_json_format_has_attributes_and_data_side_by_side() -> None:
    assert json.loads(as_json(EVENT, "https://example.org/acme/gitops")) == {**ATTRIBUTES, "data": EVENT.data}


def test_a_message_has_the_data_and_the_attributes_beside_it() -> None:
    data, attributes = as_message(EVENT, "https://example.org/acme/gitops")
    kind = {"content-type": "application/json"}
    assert json.loads(data) == EVENT.data
    assert attributes == {f"ce-{name}": value for name, value in ATTRIBUTES.items() if name != "datacontenttype"} | kind


def test_an_event_about_no_service_has_no_subject() -> None:
    event = replace(EVENT, subject=None)
    assert "subject" not in json.loads(as_json(event, "x"))
    assert "ce-subject" not in as_message(event, "x")[1]


@pytest.mark.parametrize(
    ("repository", "told"),
    [
        ("https://alice:hush@example.org/acme/x.git?a=b#c", "https://example.org/acme/x.git"),
        ("git@example.org:acme/x.git", "ssh://example.org/acme/x.git"),
        ("ssh://git@example.org:2222/x", "ssh://example.org:2222/x"),
        ("/srv/git ops.git", "/srv/git%20ops.git"),
        ("file:///srv/gitops.git", "file:///srv/gitops.git"),
    ],
)
def test_a_source_is_the_repository_without_who_reads_it(repository: str, told: str) -> None:
    assert source(repository) == told


DOCUMENT = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()


def test_the_document_shows_an_event_of_each_type_with_just_the_keys_that_events_have() -> None:
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
    assert sorted(each["type"] for each in shown) == sorted((APPROVED, DEPLOYED, FAILED, PROPOSED, REVERTED))
    (event,) = of_report(Report([decision(Outcome.REFUSED, exit_code=7)]), NOON)
    for each in shown:
        assert each.keys() == {*ATTRIBUTES, "data"}
        assert each["data"].keys() == event.data.keys()
        assert each["subject"] == f"{each['data']['environment']}/{each['data']['service']}"
        assert len(each["id"]) == len(event.id)
    for kind in (APPROVED, DEPLOYED, FAILED, PROPOSED, REVERTED):
        assert f"| `{kind}` |" in DOCUMENT
