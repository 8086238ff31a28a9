"""What becomes of the branch and pull request of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, at, entry, pushed, rule, target
from updater.core.environment import PullRequests
from updater.core.proposals import Arrangement, Branch, Place, Proposed, arranged, is_approved, place
from updater.core.verdicts import Verdict
from updater.forge import Approval, PullRequest
from updater.model import Decision, Outcome, Target, Version

HEAD = "updater/staging/model-a"
SEMVER = rule("semver")
HERE = target("1.3.0")
OTHER = replace(HERE, entry=entry("1.3.0", path="overlays/test/model-b/kustomization.yaml"))
APPROVED = {"approvals": (Approval("ann", "abc"),)}


def verdict(tag: str, outcome: str = "proposed", at_: Target = HERE, minutes: float = 0, reason: str = "") -> Verdict:
    """A verdict on a tag for an entry."""
    event = pushed(tag, minutes=minutes)
    return Verdict(Decision(IMAGE, Version(tag), Outcome(outcome), reason or f"why {tag}", event, at_), SEMVER)


def proposed(*tags: str, targets: tuple[Target, ...] = (HERE, OTHER), **more: Any) -> Proposed:
    """A head that proposes these tags for these entries."""
    versions = {place(each): Version(tag) for each, tag in zip(targets, tags, strict=False)}
    return Proposed("f0", versions, frozenset(path for path, _ in versions), **more)


def pull(**more: Any) -> PullRequest:
    """An open pull request of the head."""
    return PullRequest(7, "open", "t", "b", HEAD, "main", "abc", "refs/pull/7/head", "updater", at(0), **more)


def branch(content: Proposed | None, **more: Any) -> Branch:
    """A branch with an open pull request."""
    return Branch(HEAD, "abc", content, pull(**more))


def arrange(
    *found: Verdict,
    on: Branch | None = None,
    move: Any = "until-approved",
    standing: Mapping[Place, Version] | None = None,
) -> Arrangement:
    """What becomes of a branch where 1.3.0 stands, if nothing else is said."""
    entries: dict[Target, list[Verdict]] = {}
    for each in found:
        entries.setdefault(each.target, []).append(each)
    stands = {place(HERE): Version("1.3.0"), place(OTHER): Version("1.3.0")}
    return arranged(PullRequests(move=move), entries, on, stands if standing is None else standing)


def told(found: Arrangement) -> tuple[str, list[str | None], list[str | None], str]:
    """The action, the tags that are to be on the branch, those that wait, and why."""
    return (
        found.action,
        [each.decision.to.tag for each in found.bumps],
        [each.decision.to.tag for each in found.waits],
        found.reason,
    )


# No pull request.


def test_what_may_land_is_opened_at_its_newest() -> None:
    found = arrange(verdict("1.6.0", "waiting"), verdict("1.5.0"), verdict("1.4.0"))
    assert told(found) == ("open", ["1.5.0"], [], "")


def test_where_nothing_may_land_there_is_nothing_to_do() -> None:
    assert told(arrange(verdict("1.5.0", "waiting"))) == ("none", [], [], "")


def test_what_lingers_of_a_closed_pull_request_stays_until_something_new_takes_its_place() -> None:
    lingering = Branch(HEAD, "abc", proposed("1.4.0"))
    assert told(arrange(on=lingering)) == ("none", [], [], "")
    assert told(arrange(verdict("1.5.0"), on=lingering)) == ("open", ["1.5.0"], [], "")


@pytest.mark.parametrize("content", [None, proposed("1.3.0")])
def test_a_branch_whose_versions_stand_is_taken_away(content: Proposed | None) -> None:
    assert told(arrange(on=Branch(HEAD, "abc", content)))[0] == "delete"


def test_a_branch_that_is_gone_already_is_not_taken_away() -> None:
    assert told(arrange(on=Branch(HEAD, None, None)))[0] == "none"


def test_a_branch_with_somebodys_work_is_left_alone_without_a_pull_request_too() -> None:
    lingering = Branch(HEAD, "abc", proposed("1.3.0", strangers=("bob", "eve")))
    reason = f"the branch {HEAD} carries commits of bob and eve, and is left alone"
    assert told(arrange(verdict("1.5.0"), on=lingering)) == ("leave", [], ["1.5.0"], reason)


# One that is ours.


def test_one_that_proposes_what_is_wanted_is_kept() -> None:
    assert told(arrange(verdict("1.4.0"), on=branch(proposed("1.4.0")))) == ("keep", ["1.4.0"], [], "")


def test_one_whose_gate_turns_red_or_that_meets_a_freeze_is_kept() -> None:
    assert told(arrange(verdict("1.4.0", "waiting"), on=branch(proposed("1.4.0")))) == ("keep", ["1.4.0"], [], "")


def test_a_newer_version_moves_it_and_one_that_has_to_wait_does_not() -> None:
    on = branch(proposed("1.4.0"))
    assert told(arrange(verdict("1.5.0"), verdict("1.4.0"), on=on)) == ("move", ["1.5.0"], [], "")
    assert told(arrange(verdict("1.5.0", "waiting"), verdict("1.4.0"), on=on)) == ("keep", ["1.4.0"], [], "")


def test_an_older_version_never_takes_the_place_of_one_that_only_waits() -> None:
    waiting, older = verdict("1.5.0", "waiting"), verdict("1.4.0")
    on = branch(proposed("1.5.0"))
    for found in ([waiting, older], [older, waiting]):
        assert told(arrange(*found, on=on, move="always")) == ("keep", ["1.5.0"], [], "")


@pytest.mark.parametrize(
    ("move", "approvals", "action"),
    [("until-approved", {}, "move"), ("until-approved", APPROVED, "keep"), ("always", APPROVED, "move"),
     ("always", {}, "move"), ("never", {}, "keep"), ("never", APPROVED, "keep")],
)  # fmt: skip
def test_a_newer_version_waits_where_the_pull_request_may_not_be_moved(
    move: str, approvals: dict[str, Any], action: str
) -> None:
    found = arrange(verdict("1.5.0"), verdict("1.4.0"), on=branch(proposed("1.4.0"), **approvals), move=move)
    expected = ("move", ["1.5.0"], [], "") if action == "move" else ("keep", ["1.4.0"], ["1.5.0"], "")
    assert told(found) == expected


def test_an_approval_of_an_older_head_counts_for_moving() -> None:
    assert is_approved(pull(approvals=(Approval("ann", "old"),)))
    assert not is_approved(pull())


def test_what_was_taken_back_in_the_source_is_withdrawn_with_the_reason() -> None:
    held = verdict("1.4.0", "held", reason="in test, 1.4.0 was reverted")
    for approvals in ({}, APPROVED):
        on = branch(proposed("1.4.0"), **approvals)
        assert told(arrange(held, on=on)) == ("withdraw", [], [], "in test, 1.4.0 was reverted")


def test_what_was_taken_back_is_replaced_by_what_may_land_unless_somebody_approved_it() -> None:
    found = (verdict("1.4.0", "held", reason="it was reverted"), verdict("1.3.5"))
    assert told(arrange(*found, on=branch(proposed("1.4.0")))) == ("move", ["1.3.5"], [], "")
    assert told(arrange(*found, on=branch(proposed("1.4.0"), **APPROVED))) == (
        "withdraw",
        [],
        ["1.3.5"],
        "it was reverted",
    )


def test_what_stands_already_is_withdrawn() -> None:
    stands = {place(HERE): Version("1.4.0")}
    assert told(arrange(on=branch(proposed("1.4.0")), standing=stands)) == ("withdraw", [], [], "1.4.0 stands already")


def test_what_stands_already_is_withdrawn_although_it_is_approved_and_a_newer_one_waits() -> None:
    stands = {place(HERE): Version("1.4.0")}
    found = arrange(verdict("1.5.0"), on=branch(proposed("1.4.0"), **APPROVED), standing=stands)
    assert told(found) == ("withdraw", [], ["1.5.0"], "1.4.0 stands already")


def test_what_is_for_an_entry_that_is_gone_is_withdrawn() -> None:
    found = arrange(on=branch(proposed("1.4.0")), standing={})
    assert told(found) == ("withdraw", [], [], "the entry that 1.4.0 was for is gone")


def test_what_nothing_calls_for_any_more_is_withdrawn() -> None:
    found = arrange(on=branch(proposed("1.4.0")), standing={place(HERE): Version("1.5.0")})
    assert told(found) == ("withdraw", [], [], "nothing calls for 1.4.0 any more, and 1.5.0 stands")


def test_one_whose_branch_holds_nothing_new_is_merged_already_and_others_wait() -> None:
    assert told(arrange(verdict("1.5.0"), on=branch(None))) == ("leave", [], ["1.5.0"], "#7 is merged already")


def test_one_that_proposes_nothing_that_can_be_read_is_withdrawn() -> None:
    assert told(arrange(on=branch(proposed()))) == ("withdraw", [], [], "nothing is left to do")


# Several entries.


def test_a_second_entry_joins_one_that_may_be_moved_and_waits_for_one_that_may_not() -> None:
    found = (verdict("1.4.0"), verdict("2.0.0", at_=OTHER))
    assert told(arrange(*found, on=branch(proposed("1.4.0")))) == ("move", ["1.4.0", "2.0.0"], [], "")
    approved = branch(proposed("1.4.0"), **APPROVED)
    assert told(arrange(*found, on=approved)) == ("keep", ["1.4.0"], ["2.0.0"], "")


def test_an_entry_that_stands_by_now_is_taken_out_of_one_that_may_be_moved() -> None:
    stands = {place(HERE): Version("1.4.0"), place(OTHER): Version("1.3.0")}
    found = verdict("2.0.0", at_=OTHER)
    assert told(arrange(found, on=branch(proposed("1.4.0", "2.0.0")), standing=stands)) == ("move", ["2.0.0"], [], "")
    approved = branch(proposed("1.4.0", "2.0.0"), **APPROVED)
    assert told(arrange(found, on=approved, standing=stands)) == ("keep", ["2.0.0"], [], "")


def test_an_approved_one_of_which_a_part_was_taken_back_is_withdrawn_and_the_reason_is_of_that_part() -> None:
    found = (verdict("1.4.0"), verdict("2.0.0", "held", at_=OTHER, reason="2.0.0 was reverted"))
    content = proposed("1.4.0", "2.0.0")
    assert told(arrange(*found, on=branch(content, **APPROVED))) == ("withdraw", [], ["1.4.0"], "2.0.0 was reverted")
    assert told(arrange(*found, on=branch(content))) == ("move", ["1.4.0"], [], "")


def test_a_reason_is_told_once() -> None:
    found = [verdict("1.4.0", "held", at_=each, reason="1.4.0 was reverted") for each in (HERE, OTHER)]
    assert told(arrange(*found, on=branch(proposed("1.4.0", "1.4.0"))))[3] == "1.4.0 was reverted"


# Those of others.


def test_one_with_somebodys_commits_is_left_alone_even_when_it_is_over() -> None:
    content = proposed("1.4.0", strangers=("bob",))
    reason = "#7 carries commits of bob, and is left alone"
    assert told(arrange(verdict("1.5.0"), on=branch(content))) == ("leave", [], ["1.5.0"], reason)
    stands = {place(HERE): Version("1.4.0")}
    assert told(arrange(on=branch(content), standing=stands)) == ("leave", [], [], reason)


def test_one_that_a_person_ordered_is_left_as_it_is_until_it_stands() -> None:
    content = proposed("1.4.0", by_hand="an emergency")
    reason = "#7 was ordered by hand, and is left as it is"
    assert told(arrange(verdict("1.5.0"), on=branch(content))) == ("leave", [], ["1.5.0"], reason)
    assert told(arrange(verdict("1.4.0"), on=branch(content))) == ("leave", ["1.4.0"], [], reason)
    stands = {place(HERE): Version("1.4.0")}
    over = ("withdraw", [], [], "what it proposes stands already")
    assert told(arrange(on=branch(content), standing=stands)) == over


def test_an_ordered_change_of_an_environments_file_is_left_as_it_is() -> None:
    assert told(arrange(on=branch(proposed(by_hand="a hold"))))[0] == "leave"


# What a head tells.


def test_a_head_tells_the_version_of_an_entry_and_its_push() -> None:
    message = (
        f"Deploy\n\nUpdater-Image: {IMAGE}:1.4.0\nUpdater-Previous: {IMAGE}:1.3.0\n"
        "Updater-Event: harbor/7 2026-11-20T12:00:00Z\n"
    )
    content = proposed("1.4.0", messages=("no trailers\n", message))
    assert (content.version(HERE), content.version(OTHER)) == (Version("1.4.0"), None)
    push = content.push(IMAGE, Version("1.4.0"))
    assert push is not None
    assert (push.event, push.time) == ("harbor/7", at(0))
    assert content.push(IMAGE, Version("1.5.0")) is None


TAGS = st.sampled_from(["1.4.0", "1.5.0", "1.6.0"])
FOUND = st.dictionaries(TAGS, st.sampled_from([str(each) for each in Outcome]), max_size=3)


@given(FOUND, st.none() | TAGS, st.booleans(), st.sampled_from(["until-approved", "always", "never"]))
def test_an_approved_one_is_never_moved_and_none_is_moved_back(
    found: dict[str, str], tag: str | None, approved: bool, move: str
) -> None:
    on = None if tag is None else branch(proposed(tag), **(APPROVED if approved else {}))
    verdicts = [verdict(each, outcome) for each, outcome in sorted(found.items(), reverse=True)]
    result = arrange(*verdicts, on=on, move=move)
    assert result == arrange(*verdicts, on=on, move=move)
    assert (result.action == "withdraw") == bool(result.reason)
    for each in result.bumps:
        assert each.is_valid
        assert result.action in ("open", "move", "keep")
        assert tag is None or each.decision.to == Version(tag) or result.action == "move"
    if result.action == "move":
        assert move == "always" or (move == "until-approved" and not approved)
        (bump,) = result.bumps
        kept = next((each for each in verdicts if each.decision.to == Version(tag) and each.is_valid), None)
        assert kept is None or bump.decision.to.tag > (tag or "")  # type: ignore[operator]
