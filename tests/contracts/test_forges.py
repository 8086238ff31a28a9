"""What every forge does, whatever is behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from tests.helpers.forge_stands import ROBOT, STANDS, Stand
from updater.errors import ForgeRefused
from updater.forge import PER_HEAD, Approval, Draft, Edit, Method, PullRequest, Status, StatusState

HEAD = "updater/staging/model-a"
OTHER = "updater/staging/model-b"
UNKNOWN = "0123456789" * 4


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    with STANDS[request.param](tmp_path) as ready:
        yield ready


def drafted(commit: str, head: str = HEAD, **more: object) -> Draft:
    draft = Draft(head, "main", commit, "Deploy model-a 1.4.0 to staging", "| table |\n\nUpdater-Service: model-a\n")
    return replace(draft, **more)  # type: ignore[arg-type]


def proposed(stand: Stand, head: str = HEAD, value: str = "2", **more: object) -> PullRequest:
    """An open pull request that changes `a.yaml`."""
    return stand.forge.open(drafted(stand.push(head, {"a.yaml": f"a: {value}\n"}), head, **more))


def only(found: Sequence[PullRequest]) -> PullRequest:
    [one] = found
    return one


def status(context: str, state: StatusState = "success", description: str = "") -> Status:
    return Status(context, state, datetime(2020, 1, 1, tzinfo=UTC), description, "https://ci.example/1")


def test_what_is_opened_is_found_among_the_open_ones(stand: Stand) -> None:
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    opened = stand.forge.open(drafted(commit, labels=["promotion"]))
    found = only(stand.forge.opened())
    assert opened.number == found.number > 0
    assert (found.state, found.head, found.base, found.commit) == ("open", HEAD, "main", commit)
    assert (found.title, found.body) == (drafted(commit).title, drafted(commit).body)
    assert (found.author, found.labels, found.draft) == (ROBOT, frozenset({"promotion"}), False)
    assert (found.approvals, found.statuses, found.closed_at, found.closed_by) == ((), (), None, None)
    assert found.opened_at.tzinfo is UTC
    assert found.readiness in ("ready", "unknown")


def test_open_ones_are_told_by_number(stand: Stand) -> None:
    numbers = [proposed(stand, f"updater/staging/model-{letter}").number for letter in "zay"]
    assert numbers == sorted(set(numbers))
    assert [found.number for found in stand.forge.opened()] == numbers


def test_a_draft_is_told_as_one(stand: Stand) -> None:
    proposed(stand, draft=True)
    found = only(stand.forge.opened())
    assert found.draft
    assert found.readiness in ("blocked", "unknown")


def test_a_second_one_for_the_same_branches_is_the_first_one_labelled(stand: Stand) -> None:
    first = proposed(stand, labels=["one"])
    commit = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    again = stand.forge.open(drafted(commit, title="Another", labels=["two"]))
    assert (again.number, again.commit) == (first.number, commit)
    found = only(stand.forge.opened())
    assert (found.title, found.labels) == (first.title, frozenset({"one", "two"}))


def test_nothing_is_opened_where_there_is_nothing_to_merge(stand: Stand) -> None:
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    stand.push("main", {"a.yaml": "a: 2\n"}, since=commit)
    with pytest.raises(ForgeRefused):
        stand.forge.open(drafted(commit))
    assert list(stand.forge.opened()) == []


@pytest.mark.parametrize("missing", ["head", "base"])
def test_nothing_is_opened_for_a_branch_that_is_not_there(stand: Stand, missing: str) -> None:
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    with pytest.raises(ForgeRefused):
        stand.forge.open(drafted(commit, **{missing: "updater/nowhere/model-x"}))


def test_branches_of_others_are_not_told(stand: Stand) -> None:
    commit = stand.push("feature/x", {"a.yaml": "a: 2\n"})
    with contextlib.suppress(ForgeRefused):  # a forge may know of our branches alone
        stand.acting("alice").open(drafted(commit, "feature/x"))
    assert list(stand.forge.opened()) == []


def test_title_and_text_are_changed_in_place(stand: Stand) -> None:
    number = proposed(stand).number
    stand.forge.edit(number, Edit(title="Deploy model-a 1.5.0 to staging", body="new\n"))
    found = only(stand.forge.opened())
    assert (found.number, found.title, found.body) == (number, "Deploy model-a 1.5.0 to staging", "new\n")


def test_what_an_edit_does_not_name_stays(stand: Stand) -> None:
    before = proposed(stand, labels=["promotion"])
    stand.forge.edit(before.number, Edit(title="Another"))
    stand.forge.edit(before.number, Edit(comment="Nothing else"))
    found = only(stand.forge.opened())
    assert (found.body, found.base, found.state, found.labels) == (before.body, "main", "open", before.labels)


def test_a_label_is_taken_off_when_that_is_asked_for_and_one_that_is_not_there_is_no_failure(stand: Stand) -> None:
    number = proposed(stand, labels=["promotion", "updater:withdrawn"]).number
    stand.forge.edit(number, Edit(without=["updater:withdrawn", "nothing"]))
    assert only(stand.forge.opened()).labels == {"promotion"}


def test_labels_are_added_and_none_is_taken_away(stand: Stand) -> None:
    number = proposed(stand, labels=["promotion"]).number
    stand.forge.edit(number, Edit(labels=["urgent", "promotion"]))
    assert only(stand.forge.opened()).labels == {"promotion", "urgent"}


def test_the_base_is_changed(stand: Stand) -> None:
    stand.push("release", {"b.yaml": "b: 2\n"})
    number = proposed(stand).number
    stand.forge.edit(number, Edit(base="release"))
    assert only(stand.forge.opened()).base == "release"


def test_a_base_that_is_not_there_is_refused(stand: Stand) -> None:
    number = proposed(stand).number
    with pytest.raises(ForgeRefused):
        stand.forge.edit(number, Edit(base="nowhere"))
    assert only(stand.forge.opened()).base == "main"


def test_a_closed_one_is_settled_and_tells_who_closed_it(stand: Stand) -> None:
    opened = proposed(stand)
    stand.acting("alice").edit(opened.number, Edit(labels=["no"], comment="Not this one", state="closed"))
    assert list(stand.forge.opened()) == []
    found = only(stand.forge.settled([HEAD]))
    assert (found.number, found.state, found.closed_by) == (opened.number, "closed", "alice")
    assert (found.commit, found.merged_as, found.labels) == (opened.commit, None, frozenset({"no"}))
    assert found.closed_at is not None
    assert found.closed_at.tzinfo is UTC


def test_an_open_one_is_not_settled_nor_those_of_other_branches(stand: Stand) -> None:
    proposed(stand, HEAD)
    stand.forge.edit(proposed(stand, OTHER).number, Edit(state="closed"))
    assert list(stand.forge.settled([HEAD])) == []
    assert only(stand.forge.settled([OTHER, HEAD])).head == OTHER
    assert list(stand.forge.settled([])) == []


def test_closing_a_closed_one_changes_nothing(stand: Stand) -> None:
    number = proposed(stand).number
    stand.acting("alice").edit(number, Edit(state="closed"))
    stand.forge.edit(number, Edit(state="closed"))
    assert only(stand.forge.settled([HEAD])).closed_by == "alice"


def test_a_reopened_one_is_open_again(stand: Stand) -> None:
    opened = proposed(stand)
    stand.forge.edit(opened.number, Edit(state="closed"))
    stand.acting("alice").edit(opened.number, Edit(state="open"))
    found = only(stand.forge.opened())
    assert (found.number, found.commit, found.closed_by, found.closed_at) == (opened.number, opened.commit, None, None)
    assert list(stand.forge.settled([HEAD])) == []


def test_a_closed_one_is_not_reopened_beside_an_open_one(stand: Stand) -> None:
    first = proposed(stand)
    stand.forge.edit(first.number, Edit(state="closed"))
    second = stand.forge.open(drafted(first.commit))
    assert second.number > first.number
    with pytest.raises(ForgeRefused):
        stand.forge.edit(first.number, Edit(state="open"))
    assert only(stand.forge.opened()).number == second.number


@pytest.mark.parametrize("method", [None, *get_args(Method)])
def test_a_merged_one_lands_on_the_base_and_is_settled(stand: Stand, method: Method | None) -> None:
    opened = proposed(stand)
    stand.push("main", {"b.yaml": "b: 2\n"})
    assert stand.acting("alice").merge(opened.number, opened.commit, method) == "merged"
    assert list(stand.forge.opened()) == []
    found = only(stand.forge.settled([HEAD]))
    assert (found.number, found.state, found.closed_by, found.commit) == (
        opened.number, "merged", "alice", opened.commit,
    )  # fmt: skip
    assert found.merged_as in stand.on("main")
    assert found.merged_as == stand.tip("main")
    assert (stand.show("main", "a.yaml"), stand.show("main", "b.yaml")) == ("a: 2\n", "b: 2\n")
    assert stand.tip(HEAD) == opened.commit


def test_a_rebase_lands_every_commit(stand: Stand) -> None:
    proposed(stand)
    commit = stand.push(HEAD, {"b.yaml": "b: 3\n"})
    stand.push("main", {"c.yaml": "c: 2\n"})
    before = stand.on("main")
    stand.forge.merge(only(stand.forge.opened()).number, commit, "rebase")
    assert len(stand.on("main") - before) == 2
    assert [stand.show("main", f"{name}.yaml") for name in "abc"] == ["a: 2\n", "b: 3\n", "c: 2\n"]


def test_a_head_that_moved_on_is_not_merged(stand: Stand) -> None:
    opened = proposed(stand)
    stand.push(HEAD, {"a.yaml": "a: 3\n"})
    before = stand.tip("main")
    with pytest.raises(ForgeRefused):
        stand.forge.merge(opened.number, opened.commit, None)
    assert stand.tip("main") == before
    assert only(stand.forge.opened()).number == opened.number


@pytest.mark.parametrize("method", get_args(Method))
def test_a_conflict_is_told_and_not_merged(stand: Stand, method: Method) -> None:
    opened = proposed(stand)
    before = stand.push("main", {"a.yaml": "a: 9\n"})
    assert only(stand.forge.opened()).readiness in ("conflicting", "unknown")
    with pytest.raises(ForgeRefused):
        stand.forge.merge(opened.number, opened.commit, method)
    assert stand.tip("main") == before


def test_a_closed_one_is_not_merged_and_a_merged_one_neither_closed_nor_reopened(stand: Stand) -> None:
    opened = proposed(stand)
    stand.forge.edit(opened.number, Edit(state="closed"))
    with pytest.raises(ForgeRefused):
        stand.forge.merge(opened.number, opened.commit, None)
    stand.forge.edit(opened.number, Edit(state="open"))
    stand.forge.merge(opened.number, opened.commit, None)
    for state in ("closed", "open"):
        with pytest.raises(ForgeRefused):
            stand.forge.edit(opened.number, Edit(state=state))
    assert only(stand.forge.settled([HEAD])).state == "merged"


@pytest.mark.parametrize("act", ["edit", "approve", "merge"])
def test_a_number_that_nobody_has_is_refused(stand: Stand, act: str) -> None:
    commit = proposed(stand).commit
    acts: dict[str, Callable[[], object]] = {
        "edit": lambda: stand.forge.edit(4711, Edit(title="x")),
        "approve": lambda: stand.acting("alice").approve(4711, commit),
        "merge": lambda: stand.forge.merge(4711, commit, None),
    }
    with pytest.raises(ForgeRefused):
        acts[act]()


def test_an_approval_is_told_with_the_commit_that_it_was_for(stand: Stand) -> None:
    opened = proposed(stand)
    stand.acting("alice").approve(opened.number, opened.commit)
    newer = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    stand.acting("bob").approve(opened.number, newer)
    found = only(stand.forge.opened())
    assert found.commit == newer
    assert set(found.approvals) == {Approval("alice", opened.commit), Approval("bob", newer)}


def test_who_approves_again_approves_what_is_there_now(stand: Stand) -> None:
    opened = proposed(stand)
    stand.acting("alice").approve(opened.number, opened.commit)
    newer = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    stand.acting("alice").approve(opened.number, newer)
    assert Approval("alice", newer) in only(stand.forge.opened()).approvals


def test_approvals_are_told_of_merged_ones(stand: Stand) -> None:
    opened = proposed(stand)
    stand.acting("alice").approve(opened.number, opened.commit)
    stand.forge.merge(opened.number, opened.commit, None)
    assert only(stand.forge.settled([HEAD])).approvals == (Approval("alice", opened.commit),)


def test_the_newest_status_of_each_context_counts(stand: Stand) -> None:
    commit = stand.tip("main")
    for each in (status("smoke", "pending"), status("load"), status("smoke", "failure", "3 of 9 failed")):
        stand.forge.report(commit, each)
    found = stand.forge.statuses([commit])[commit]
    assert {(each.context, each.state, each.description, each.url) for each in found} == {
        ("load", "success", "", "https://ci.example/1"),
        ("smoke", "failure", "3 of 9 failed", "https://ci.example/1"),
    }
    assert len(found) == 2


def test_a_status_has_the_time_of_the_forge(stand: Stand) -> None:
    commit = stand.tip("main")
    stand.forge.report(commit, status("smoke"))
    [found] = stand.forge.statuses([commit])[commit]
    assert found.at > status("smoke").at
    assert found.at.tzinfo is UTC


def test_commits_of_which_nothing_is_known_are_left_out(stand: Stand) -> None:
    reported, silent = stand.tip("main"), stand.push("main", {"a.yaml": "a: 7\n"})
    stand.forge.report(reported, status("smoke"))
    assert stand.forge.statuses([silent, UNKNOWN, reported]).keys() == {reported}
    assert stand.forge.statuses([]) == {}


def test_a_commit_that_is_not_there_is_not_reported_on(stand: Stand) -> None:
    with pytest.raises(ForgeRefused):
        stand.forge.report(UNKNOWN, status("smoke"))


def test_the_statuses_of_the_newest_commit_are_told_with_the_pull_request(stand: Stand) -> None:
    opened = proposed(stand)
    stand.forge.report(opened.commit, status("updater/gates", "pending"))
    assert [each.context for each in only(stand.forge.opened()).statuses] == ["updater/gates"]
    stand.push(HEAD, {"a.yaml": "a: 3\n"})
    assert only(stand.forge.opened()).statuses == ()


def test_the_newest_settled_ones_of_each_branch_are_told(stand: Stand) -> None:
    stand.forge.edit(proposed(stand, OTHER).number, Edit(state="closed"))
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    numbers = []
    for _ in range(PER_HEAD + 2):
        numbers.append(stand.forge.open(drafted(commit)).number)
        stand.forge.edit(numbers[-1], Edit(state="closed"))
    found = stand.forge.settled([OTHER, HEAD])
    assert [each.number for each in found if each.head == HEAD] == numbers[:1:-1]
    assert [each.head for each in found][-1] == OTHER


def test_the_head_is_there_for_git_after_its_branch_is_gone(stand: Stand) -> None:
    number = proposed(stand).number
    commit = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    stand.forge.edit(number, Edit(state="closed"))
    stand.delete(HEAD)
    found = only(stand.forge.settled([HEAD]))
    assert found.commit == commit == stand.fetched(found.ref)


def test_a_newer_one_for_the_same_branch_gets_a_number_of_its_own(stand: Stand) -> None:
    first = proposed(stand)
    stand.forge.merge(first.number, first.commit, None)
    second = stand.forge.open(drafted(stand.push(HEAD, {"a.yaml": "a: 3\n"}, since=stand.tip("main"))))
    assert second.number > first.number
    assert only(stand.forge.opened()).number == second.number
    assert only(stand.forge.settled([HEAD])).number == first.number


def test_a_text_as_long_as_it_may_be_is_kept(stand: Stand) -> None:
    body = "x" * stand.forge.max_body
    proposed(stand, body=body)
    assert only(stand.forge.opened()).body == body


def test_any_text_is_kept_as_it_is(stand: Stand) -> None:
    body = "| ü | \U0001f680 |\n\n<details>\n\"'`\\\n</details>\n\t@alice #1\n"
    proposed(stand, title='Déploy "model-a" <1.4.0> & more', body=body)
    found = only(stand.forge.opened())
    assert (found.title, found.body) == ('Déploy "model-a" <1.4.0> & more', body)
