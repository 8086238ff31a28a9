"""Merging, closing, reopening and approving by hand: what it does, and what a person is told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.helpers.promoted import HEAD, World, promoting, standing, told, world
from updater.by_hand import pulls, settling
from updater.by_hand.services import refresh
from updater.by_hand.settling import Done
from updater.errors import ForgeRefused, ForgeUnavailable
from updater.forge import WITHDRAWN, Draft, Edit, Method, Status
from updater.model import Outcome

TWO = {**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")}


def begun(*more: str) -> World:
    """#1 proposes model-a 2 to staging, #2 model-b."""
    made = world(*more, test="2", files=TWO)
    made.reconcile()
    made.forge.person = "ana"
    return made


def merged(made: World, *wanted: str, method: Method | None = None) -> list[Done]:
    sight = made.parts.sight
    refresh(sight)
    return settling.merge(sight, pulls.chosen(sight, wanted, None), method)


def closed(made: World, *wanted: str, reason: str | None = None) -> list[Done]:
    sight = made.parts.sight
    return settling.close(sight, pulls.chosen(sight, wanted, None), reason)


def doubts(made: World) -> list[str]:
    sight = made.parts.sight
    refresh(sight)
    return list(settling.doubts(sight, pulls.opened(sight)))


def test_a_merge_brings_the_version_and_tells_the_commit_and_how_to_take_it_back() -> None:
    made = begun()
    (done,) = merged(made, "model-a")
    commit = made.repository.remote["main"]
    assert (made.tag(), made.tag(service="model-b")) == ("2", "1")
    assert (done.told, done.undo, done.error) == (
        f"merged as {commit[:12]}",
        f"git revert {commit[:12]}",
        None,
    )
    assert (done.pull.state, done.pull.merged_as, done.pull.closed_by) == ("merged", commit, "ana")


def test_what_moved_since_it_was_listed_is_not_merged_and_the_others_are() -> None:
    made = begun()
    sight = made.parts.sight
    refresh(sight)
    listed = pulls.opened(sight)
    made.commit(standing("staging", "9"), branch=HEAD)
    moved, other = settling.merge(sight, listed, None)
    assert isinstance(moved.error, ForgeRefused)
    assert (moved.pull.state, moved.undo, other.error) == ("open", None, None)
    assert (made.tag(), made.tag(service="model-b")) == ("1", "2")


def test_each_failure_is_told_and_stops_no_other() -> None:
    made = begun()
    made.forge.fails["merge"] = [ForgeUnavailable("down")]
    first, second = merged(made, "*")
    assert (str(first.error), first.told, second.error) == ("down", "down", None)
    assert made.pull(2).state == "merged"


@pytest.mark.parametrize(("asked", "used"), [(None, "squash"), ("rebase", "rebase")])
def test_the_method_is_the_one_asked_for_else_that_of_the_environment(asked: Method | None, used: Method) -> None:
    made = begun("pull-request: {method: squash}")
    merged(made, "1", method=asked)
    assert [call[3] for call in made.forge.calls if call[0] == "merge"] == [used]


def test_one_of_an_environment_that_is_gone_is_merged_as_the_forge_likes() -> None:
    made = begun("pull-request: {method: squash}")
    made.delete("environments/staging.yaml")
    merged(made, "1")
    assert [call[3] for call in made.forge.calls if call[0] == "merge"] == [None]


@pytest.mark.parametrize(
    ("per", "method", "commits"),
    [("environment", "squash", 1), ("environment", "rebase", 2), ("service", "rebase", 1)],
)
def test_what_was_rebased_is_taken_back_commit_by_commit(per: str, method: Method, commits: int) -> None:
    made = begun(f"pull-request: {{per: {per}}}")
    (done,) = merged(made, "1", method=method)
    commit = made.repository.remote["main"][:12]
    assert done.undo == (f"git revert {commit}" if commits == 1 else f"git revert {commit}~2..{commit}")


def test_a_merge_queue_has_the_last_word() -> None:
    made = begun()
    made.forge.settings["queue"] = True
    (done,) = merged(made, "1")
    assert (done.told, done.pull.queued, done.pull.state, done.undo) == ("given to the merge queue", True, "open", None)


def test_a_merge_of_which_the_commit_cannot_be_asked_is_a_merge() -> None:
    made = begun()
    made.forge.fails["settled"] = [ForgeUnavailable("down")]
    (done,) = merged(made, "1")
    assert (done.told, done.undo, done.error, made.pull(1).state) == ("merged", None, None, "merged")


def test_a_merge_of_which_the_commit_is_not_here_tells_no_way_back() -> None:
    made = begun()
    made.repository.bring = lambda _: frozenset()  # type: ignore[method-assign, assignment]
    (done,) = merged(made, "1")
    assert (done.told, done.undo) == (f"merged as {made.repository.remote['main'][:12]}", None)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("paused: an incident", "paused: an incident (environments/staging.yaml:2)"),
        (
            "freeze: [{from: 2026-11-20, to: 2026-11-21}]",
            "frozen until the end of 2026-11-21 (UTC) (environments/staging.yaml:2)",
        ),
    ],
)
def test_a_person_may_merge_where_we_may_not_and_is_warned(line: str, told: str) -> None:
    made = begun()
    made.commit(promoting(line))
    assert doubts(made) == [
        f"#{at} staging/model-{x} is merged although it is {told}" for at, x in ((1, "a"), (2, "b"))
    ]
    assert [done.error for done in merged(made, "*")] == [None, None]


def test_gates_that_are_not_green_are_told_before_a_merge() -> None:
    made = begun()
    assert doubts(made) == []
    made.forge.reported(made.pull(2).commit, "updater/gates", "pending")
    assert doubts(made) == ["#2 staging/model-b is merged although its gates are not green: "]


def refused(made: World) -> Sequence[tuple[str | None, Outcome]]:
    return told(made.reconcile())


def test_a_close_by_hand_is_a_no_that_its_commands_lift() -> None:
    made = begun()
    (done,) = closed(made, "1", reason="too slow")
    assert (made.pull(1).state, made.pull(1).closed_by, made.pull(1).labels) == ("closed", "ana", frozenset())
    assert [(each.by, each.text) for each in made.forge.comments[1]] == [("ana", "too slow")]
    assert done.told == "closed: a no to what it proposes; anything newer is proposed anew"
    assert done.lift == (
        "updater pr reopen 1",
        "updater release model-a --env staging",
        "updater promote model-a --to staging",
    )
    assert ("2", Outcome.REJECTED) in refused(made)
    made.stand("test", "3")
    assert ("3", Outcome.PROPOSED) in refused(made)


def test_services_that_a_shell_would_take_apart_are_quoted() -> None:
    both = {**standing("test", "2"), **standing("staging", "1")}
    made = world(files={path.replace("model-a", "a b"): text for path, text in both.items()})
    made.reconcile()
    (done,) = closed(made, "a b")
    assert done.lift[1:] == ("updater release 'a b' --env staging", "updater promote 'a b' --to staging")


def test_one_for_all_services_is_lifted_by_reopening_it() -> None:
    made = begun("pull-request: {per: environment}")
    assert [done.lift for done in closed(made, "1")] == [("updater pr reopen 1",)]


def test_closing_what_bears_our_own_label_refuses_nothing_and_says_so() -> None:
    made = begun()
    made.forge.edited(1, labels=[WITHDRAWN])
    (done,) = closed(made, "1")
    assert (done.lift, done.told) == ((), f"closed; it bears the label {WITHDRAWN}, so this refuses nothing")


def test_closing_a_change_of_the_environments_file_refuses_no_version() -> None:
    made = begun()
    head = "updater/staging/@settings"
    made.commit(promoting("paused: true"), branch="main")
    made.repository.remote[head] = made.repository.build(
        made.repository.remote["main"], {"environments/staging.yaml": b"x"}, "Hold\n", made.clock.now()
    )
    made.forge.open(Draft(head, "main", made.repository.remote[head], "Hold", ""))
    (done,) = closed(made, "@settings")
    assert (done.told, done.lift) == ("closed", ())


def test_reopening_lifts_the_no() -> None:
    made = begun()
    closed(made, "1")
    refused(made)
    sight = made.parts.sight
    done = settling.reopen(sight, pulls.one(sight, "1"))
    assert (done.pull.state, done.told) == ("open", "reopened: what it proposes is wanted again")
    assert ("2", Outcome.PROPOSED) in refused(made)
    assert made.pull(1).state == "open"


def test_what_is_open_is_not_opened_again() -> None:
    made = begun()
    done = settling.reopen(made.parts.sight, made.pull(1))
    assert (done.told, made.forge.counted("edit")) == ("open already", 0)


def test_an_approval_is_of_what_was_listed_and_keeps_it_from_moving() -> None:
    made = begun()
    sight = made.parts.sight
    refresh(sight)
    listed = pulls.opened(sight)
    made.commit(standing("staging", "9", "model-b"), branch="updater/staging/model-b")
    mine, moved = settling.approve(sight, listed)
    assert (mine.told, isinstance(moved.error, ForgeRefused)) == (f"approved at {listed[0].commit[:12]}", True)
    assert pulls.approved_by(made.pull(1)) == ["ana"]
    made.stand("test", "3")
    made.reconcile()
    assert made.proposed() == "2"


def test_the_status_of_others_says_nothing_of_our_gates() -> None:
    made = begun()
    made.forge.report(made.pull(1).commit, Status("lint", "failure", made.clock.now()))
    made.forge.edit(1, Edit(title="x"))
    assert doubts(made) == []
