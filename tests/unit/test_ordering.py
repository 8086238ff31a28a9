"""What people order where pull requests deliver: which branch, which pull request, and what becomes of open ones."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE, delivery, digest
from tests.helpers.fake_repository import environment_file, images, overlay
from tests.helpers.orders import HEAD, SETTINGS, STAGING, STAGING_FILE, TEST_FILE, Orders, path
from updater.by_hand.rollback import Wish, planner
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable, PushContended, UsageError
from updater.forge import GATES, WITHDRAWN
from updater.model import Outcome, Version
from updater.planning import Plan
from updater.proposing import ordering
from updater.proposing.carrying_out import Settled
from updater.proposing.drafting import Order

OTHER = IMAGE.replace("model-a", "model-b")
PER_ENVIRONMENT = f"{STAGING}pull-request: {{per: environment}}\n"
ALL = "updater/staging/@all"
ONE, TWO, THREE = (images((IMAGE, tag, tag)) for tag in "123")


def outcomes(settled: Settled) -> list[tuple[str | None, Outcome, int | None]]:
    """Tag, outcome and pull request of each decision."""
    return [(each.to.tag, each.outcome, each.pull_request) for each in settled.decisions]


def deployed(*services: str, staging: str = STAGING) -> Orders:
    """Version 2 stands in staging as well, of one service or several."""
    ours = Orders(staging)
    changes: dict[str, str] = {}
    for service in services or ("model-a",):
        changes |= overlay("2", "2", environment="staging", service=service)
    ours.commit(changes, message="Deploy\n")
    return ours


# What is opened


def test_a_rollback_is_a_pull_request_and_the_branch_stays_as_it_is() -> None:
    ours = deployed()
    before = ours.repository.remote["main"]
    settled = ours.back()
    assert (ours.repository.remote["main"], ours.stands(), ours.stands(HEAD)) == (before, TWO, ONE)
    (pull,) = ours.open
    assert (pull.head, pull.base, pull.title) == (HEAD, "main", "Roll model-a back to 1 in staging")
    assert outcomes(settled) == [("1", Outcome.PROPOSED, pull.number)]
    assert settled.decisions[0].commit == pull.commit == ours.repository.remote[HEAD]
    assert [(kept.pull.number, kept.told) for kept in settled.pulls] == [(pull.number, "opened")]


@pytest.mark.parametrize(("reason", "told"), [("INC-42", "INC-42"), (None, 'Revert "Deploy"')])
def test_the_commit_and_the_text_say_that_a_person_ordered_it_and_why(reason: str | None, told: str) -> None:
    ours = deployed()
    ours.back(reason=reason)
    last = ours.message().rstrip("\n").split("\n\n")[-1].splitlines()
    assert (last[0], last[-1]) == ("Updater-Environment: staging", f"Updater-By-Hand: {told}")
    (pull,) = ours.open
    assert f"- Ordered by hand{f': {reason}' if reason else '.'}\n" in pull.body
    assert pull.body.splitlines()[-1] == f"Updater-By-Hand: {told}"


def test_the_status_of_an_order_is_green() -> None:
    ours = deployed()
    ours.back()
    (status,) = ours.open[0].statuses
    assert (status.context, status.state, status.description) == (GATES, "success", "ordered by hand")


def test_labels_and_reviewers_are_those_of_the_environment() -> None:
    ours = deployed(staging=f"{STAGING}pull-request: {{labels: [promotion], reviewers: [alice], draft: true}}\n")
    ours.back()
    assert (ours.forge.drafts[1].labels, ours.forge.drafts[1].reviewers) == (("promotion",), ("alice",))
    assert ours.open[0].draft


def test_several_services_are_a_pull_request_each_and_one_push() -> None:
    ours = deployed("model-a", "model-b")
    settled = ours.back("model-*")
    assert outcomes(settled) == [("1", Outcome.PROPOSED, 1), ("1", Outcome.PROPOSED, 2)]
    assert ours.repository.pushes[-1] == (HEAD, "updater/staging/model-b")


def test_one_pull_request_for_the_environment_holds_all_services_of_an_order() -> None:
    ours = deployed("model-a", "model-b", staging=PER_ENVIRONMENT)
    assert {number for _, _, number in outcomes(ours.back("*"))} == {1}
    (pull,) = ours.open
    assert (pull.head, pull.title) == (ALL, "Roll model-a back to 1 in staging and 1 more")
    assert ours.stands(ALL) == ONE
    assert ours.stands(ALL, "model-b") == images((OTHER, "1", "1"))


def test_where_nothing_is_to_be_done_the_forge_is_not_asked() -> None:
    ours = Orders()
    settled = ours.back()
    assert outcomes(settled) == [("1", Outcome.UNCHANGED, None)]
    assert (ours.forge.calls, ours.repository.pushes) == ([], [])


def test_what_is_left_alone_is_told_beside_what_is_ordered() -> None:
    settled = deployed().back("model-*")
    assert outcomes(settled) == [("1", Outcome.PROPOSED, 1), ("1", Outcome.UNCHANGED, None)]


def test_files_that_cannot_be_read_are_problems_of_an_order() -> None:
    ours = deployed()
    ours.commit({path("model-b"): f"images:\n- name: {OTHER}\n  newTag: [\n"})
    assert [problem.exit_code for problem in ours.back("*").problems] == [3]


# How it is delivered


@pytest.mark.parametrize(
    ("deliver", "order", "is_proposed"),
    [
        ("pull-request", None, True),
        ("commit", None, False),
        ("pull-request", "commit", False),
        ("commit", "pull-request", True),
    ],
)
def test_an_order_goes_as_the_environment_delivers_unless_it_says_otherwise(
    deliver: str, order: str | None, is_proposed: bool
) -> None:
    ours = Orders(STAGING.replace("deliver: pull-request", f"deliver: {deliver}"))
    assert ordering.is_by_pull_request(ours.parts.sight, Order("staging", deliver=order)) is is_proposed


def test_an_environment_that_is_not_there_is_for_the_plan_to_tell() -> None:
    ours = Orders()
    assert not ordering.is_by_pull_request(ours.parts.sight, Order("none"))
    with pytest.raises(UsageError, match="there is no environment 'none'"):
        ours.order(planner(Wish("none", ("model-a",))), Order("none"))


def test_a_dry_run_tells_what_would_be_proposed() -> None:
    ours = deployed()
    made: Plan = planner(Wish("staging", ("model-*",)))(ours.parts.sight)
    told = ordering.as_proposals(made)
    assert [each.outcome for each in told.decisions] == [Outcome.PROPOSED, Outcome.UNCHANGED]


def test_what_is_ordered_where_commits_deliver_is_left_alone_by_automation() -> None:
    ours = deployed(staging=STAGING.replace("deliver: pull-request\n", ""))
    ours.back(deliver="pull-request")
    ours.reconcile()
    assert [pull.state for pull in ours.forge.all.values()] == ["open"]
    assert HEAD in ours.repository.remote


# What is open already


def test_the_same_order_twice_changes_nothing() -> None:
    ours = deployed()
    ours.back()
    pushes, calls = len(ours.repository.pushes), len(ours.forge.calls)
    settled = ours.back()
    assert outcomes(settled) == [("1", Outcome.PROPOSED, 1)]
    assert [kept.told for kept in settled.pulls] == ["it proposes that already"]
    assert len(ours.repository.pushes) == pushes
    assert [call[0] for call in ours.forge.calls[calls:]] == ["opened"]


def test_the_same_order_leaves_what_somebody_has_approved_as_it_is() -> None:
    ours = deployed()
    ours.back()
    ours.forge.approved(1)
    assert [kept.told for kept in ours.back().pulls] == ["it proposes that already"]
    assert (ours.open[0].number, ours.forge.comments[1]) == (1, [])


def test_an_order_is_the_same_when_the_base_has_moved_on() -> None:
    ours = deployed()
    ours.back()
    ours.commit({"README": "x"})
    pushes = len(ours.repository.pushes)
    ours.back()
    assert len(ours.repository.pushes) == pushes


def test_another_order_moves_the_pull_request_and_names_what_it_supersedes() -> None:
    ours = deployed()
    ours.commit(overlay("3", "3", environment="staging"))
    ours.back()
    assert ours.stands(HEAD) == TWO
    settled = ours.back(to="1", reason="INC-7")
    (pull,) = ours.open
    assert (pull.number, pull.title, settled.pulls[0].told) == (1, "Roll model-a back to 1 in staging", "moved")
    assert "Takes the place of `model-a` `2`, which was proposed here before" in pull.body
    assert "Ordered by hand: INC-7" in pull.body
    assert f"Updater-Supersedes: {IMAGE}:2@{digest('2')}\n" in ours.message()
    assert ours.stands(HEAD) == ONE


def test_an_order_moves_what_automation_has_open_which_then_leaves_it() -> None:
    ours = deployed()
    ours.push(delivery("3", "3"))
    ours.reconcile()
    assert (ours.open[0].number, ours.stands(HEAD)) == (1, THREE)
    ours.back()
    assert (ours.open[0].number, ours.stands(HEAD)) == (1, ONE)
    assert "Takes the place of `model-a` `3`" in ours.open[0].body
    moved = ours.repository.remote[HEAD]
    ours.reconcile()
    assert (ours.repository.remote[HEAD], ours.open[0].title) == (moved, "Roll model-a back to 1 in staging")


def test_what_somebody_has_approved_is_withdrawn_and_a_new_one_opened() -> None:
    ours = deployed()
    ours.push(delivery("3", "3"))
    ours.reconcile()
    ours.forge.approved(1)
    approved = ours.open[0].commit
    settled = ours.back()
    old, new = ours.forge.all[1], ours.open[0]
    assert (old.state, old.commit, WITHDRAWN in old.labels) == ("closed", approved, True)
    assert "a person ordered something else" in ours.forge.comments[1][0].text
    assert (new.number, new.approvals, ours.stands(HEAD)) == (2, (), ONE)
    assert "Takes the place of `#1` that was approved and is withdrawn" in new.body
    assert [(kept.pull.number, kept.pull.state) for kept in settled.pulls] == [(1, "closed"), (2, "open")]


def test_what_carries_commits_of_others_is_not_touched_and_nothing_is_pushed() -> None:
    ours = deployed("model-a", "model-b")
    ours.back()
    ours.commit({"README": "mine"}, branch=HEAD)
    before, pushes = dict(ours.repository.remote), len(ours.repository.pushes)
    with pytest.raises(ForgeRefused) as caught:
        ours.back("*", to="1")
    assert (str(caught.value), caught.value.exit_code) == ("#1 carries commits of alice", 6)
    assert caught.value.hint == "merge or close it first: updater pr merge 1, or updater pr close 1"
    assert (ours.repository.remote, len(ours.repository.pushes)) == (before, pushes)


def test_a_branch_of_others_without_a_pull_request_is_not_touched() -> None:
    ours = deployed()
    ours.repository.remote[HEAD] = ours.repository.remote["main"]
    ours.commit({"README": "mine"}, branch=HEAD)
    with pytest.raises(ForgeRefused, match=f"the branch {HEAD} carries commits of alice"):
        ours.back()


def test_a_branch_that_was_merged_long_ago_is_used_again() -> None:
    ours = deployed()
    ours.repository.remote[HEAD] = ours.repository.remote["main"]
    assert outcomes(ours.back()) == [("1", Outcome.PROPOSED, 1)]
    assert ours.stands(HEAD) == ONE


def test_one_branch_for_several_services_loses_no_order_of_another_one() -> None:
    ours = deployed("model-a", "model-b", staging=PER_ENVIRONMENT)
    ours.back("model-a")
    with pytest.raises(ForgeRefused, match="#1 is open, which was ordered by hand as well: Roll model-a back"):
        ours.back("model-b")
    assert outcomes(ours.back("*")) == [("1", Outcome.PROPOSED, 1), ("1", Outcome.PROPOSED, 1)]
    assert ours.open[0].title == "Roll model-a back to 1 in staging and 1 more"


def test_automation_does_not_merge_what_a_person_ordered() -> None:
    ours = deployed(staging=f"{STAGING}pull-request: {{merge: when-green}}\n")
    ours.back()
    for _ in range(2):
        ours.reconcile()
    assert ours.open[0].state == "open"
    settled = ours.back(to="1", reason="again")
    assert (settled.pulls[0].pull.state, ours.forge.counted("merge")) == ("open", 0)


def test_an_order_is_withdrawn_once_what_it_proposes_stands() -> None:
    ours = deployed()
    ours.back()
    ours.commit(overlay("1", "1", environment="staging"))
    ours.reconcile()
    assert (ours.forge.all[1].state, WITHDRAWN in ours.forge.all[1].labels) == ("closed", True)


# Others, and faults


def test_it_is_planned_again_where_somebody_moved_the_branch() -> None:
    ours = deployed()
    ours.back()
    ours.commit(overlay("3", "3", environment="staging"))
    ours.repository.rivals = [lambda: ours.repository.commit(HEAD, {"README": "theirs"}, minutes=99)]
    with pytest.raises(ForgeRefused, match="#1 carries commits of alice"):
        ours.back()
    assert ours.repository.on_remote(HEAD, "README") == "theirs"


def test_what_landed_is_not_pushed_again_where_another_branch_moved() -> None:
    ours = deployed("model-a", "model-b")
    taken = ours.repository.remote["main"]
    ours.repository.rivals = [lambda: ours.repository.remote.update({HEAD: taken})]
    settled = ours.back("*")
    assert ours.repository.pushes == [(HEAD, "updater/staging/model-b"), (HEAD,)]
    assert sorted(outcomes(settled)) == [("1", Outcome.PROPOSED, 1), ("1", Outcome.PROPOSED, 2)]
    assert {pull.head for pull in ours.open} == {HEAD, "updater/staging/model-b"}


def test_an_order_that_is_overtaken_every_time_ends() -> None:
    ours = deployed()
    tips = [ours.commit({"README": str(number)}) for number in range(ordering.TRIES)]
    ours.repository.rivals = [
        lambda tip=tip: ours.repository.remote.update({HEAD: tip})  # type: ignore[misc]
        for tip in tips
    ]
    with pytest.raises(PushContended):
        ours.back()
    assert ours.open == []


def test_a_branch_that_may_not_be_written_refuses_its_order_and_no_other() -> None:
    ours = deployed("model-a", "model-b")
    ours.repository.refuses = {HEAD: "no branches here"}
    settled = ours.back("*")
    assert outcomes(settled) == [("1", Outcome.REFUSED, None), ("1", Outcome.PROPOSED, 1)]
    assert (settled.decisions[0].reason, settled.decisions[0].exit_code) == ("no branches here", 5)
    assert [str(problem) for problem in settled.problems] == ["no branches here"]


def test_a_pull_request_that_cannot_be_opened_is_told_and_the_same_order_heals_it() -> None:
    ours = deployed()
    ours.forge.fails["open"] = [ForgeUnavailable("the forge is asleep")]
    settled = ours.back()
    assert outcomes(settled) == [("1", Outcome.REFUSED, None)]
    assert [problem.exit_code for problem in settled.problems] == [6]
    pushes = len(ours.repository.pushes)
    assert outcomes(ours.back()) == [("1", Outcome.PROPOSED, 1)]
    assert len(ours.repository.pushes) == pushes
    assert ours.open[0].statuses[0].description == "ordered by hand"


@pytest.mark.parametrize("method", ["opened", "edit"])
def test_a_forge_that_does_not_answer_stops_an_order_before_anything_is_pushed(method: str) -> None:
    ours = deployed()
    ours.back()
    ours.commit(overlay("3", "3", environment="staging"))
    ours.forge.approved(1)
    ours.forge.fails[method] = [ForgeUnavailable("the forge is asleep")]
    pushes = len(ours.repository.pushes)
    with pytest.raises(ForgeError, match="asleep"):
        ours.back()
    assert len(ours.repository.pushes) == pushes


# The environment's file


def test_a_hold_is_a_pull_request_of_its_own() -> None:
    ours = Orders()
    settled = ours.hold(reason="INC-42: slow")
    (pull,) = ours.open
    assert (pull.head, pull.base, pull.title) == (SETTINGS, "main", "Hold model-a in staging")
    assert ours.repository.on_remote(SETTINGS, STAGING_FILE) != ours.repository.on_remote("main", STAGING_FILE)
    assert (settled.decisions, settled.problems) == ([], [])
    assert pull.body.splitlines() == [
        "- Hold model-a in staging",
        "- Ordered by hand: INC-42: slow",
        "",
        "Updater-Environment: staging",
        "Updater-Service: model-a",
        "Updater-By-Hand: INC-42: slow",
    ]


def test_the_file_is_on_the_default_branch_wherever_the_overlays_are() -> None:
    ours = Orders(f"branch: env/staging\n{STAGING}", **{"env/staging": overlay("1", "1", environment="staging")})
    ours.hold()
    assert ours.open[0].base == "main"
    assert [kept.told for kept in ours.hold().pulls] == ["it proposes that already"]
    ours.reconcile()
    assert ours.open[0].state == "open"


def test_automation_leaves_a_hold_that_is_not_merged_yet() -> None:
    ours = Orders()
    ours.hold()
    before = dict(ours.repository.remote)
    ours.reconcile()
    assert (ours.open[0].state, ours.repository.remote) == ("open", before)


def test_a_second_hold_does_not_take_the_place_of_the_first() -> None:
    ours = Orders()
    ours.hold("model-a")
    with pytest.raises(ForgeRefused) as caught:
        ours.hold("model-b")
    assert str(caught.value) == "#1 is open, which was ordered by hand as well: Hold model-a in staging"
    ours.forge.merged(1)
    ours.hold("model-b")
    assert ours.open[0].title == "Hold model-b in staging"


def test_an_environment_that_only_parses_says_nothing_of_rendering_in_a_hold() -> None:
    ours = Orders(f"{STAGING}verify: parse\n")
    ours.hold()
    assert "verify" not in ours.open[0].body


# What people refused


def refused() -> Orders:
    """Version 2 was proposed to staging, and somebody closed that."""
    ours = Orders()
    ours.push(delivery("2", "2"))
    ours.reconcile()
    ours.forge.closed(1)
    ours.tick()
    ours.reconcile()
    assert ours.open == []
    return ours


@pytest.mark.parametrize("version", ["2", None])
def test_what_was_refused_is_released_and_proposed_again(version: str | None) -> None:
    ours = refused()
    ours.release(version=version)
    assert ours.open[0].title == "Release model-a 2 in staging"
    ours.forge.merged(ours.open[0].number)
    ours.reconcile()
    assert [pull.title for pull in ours.open] == ["Deploy model-a 2 to staging"]


def test_a_promotion_that_a_person_orders_lifts_a_refusal() -> None:
    ours = refused()
    assert outcomes(ours.promote()) == [("2", Outcome.PROPOSED, 2)]
    assert ours.forge.all[2].head == HEAD


def test_a_refusal_of_what_is_older_than_what_stands_is_nothing_to_release() -> None:
    ours = refused()
    ours.commit(overlay("3", "3", environment="staging"))
    with pytest.raises(UsageError, match="nothing of model-a is held in staging"):
        ours.release()


def test_a_version_that_was_not_refused_is_told_with_those_that_were() -> None:
    with pytest.raises(UsageError) as caught:
        refused().release(version="7")
    assert (str(caught.value), caught.value.hint) == ("7 of model-a is not held in staging", "held are: 2")


def test_where_commits_deliver_nobody_is_asked_about_refusals() -> None:
    ours = Orders(STAGING.replace("deliver: pull-request\n", ""))
    with pytest.raises(UsageError, match="nothing of model-a is held"):
        ours.release()
    assert ours.forge.calls == []


def test_a_forge_that_is_down_is_an_error_where_nothing_else_is_held() -> None:
    ours = refused()
    ours.forge.fails["settled"] = [ForgeUnavailable("the forge is asleep")]
    with pytest.raises(ForgeUnavailable):
        ours.release()


def test_a_forge_that_is_down_keeps_no_other_hold_in_force(caplog: pytest.LogCaptureFixture) -> None:
    ours = Orders(f"{STAGING}hold: [{{service: model-a, reason: INC-1}}]\n")
    ours.forge.fails["settled"] = [ForgeUnavailable("the forge is asleep")]
    ours.release()
    assert ours.open[0].title == "Release model-a in staging"
    assert "the forge is asleep" in caplog.text


def test_a_rollback_of_what_follows_a_registry_by_pull_request_is_not_undone() -> None:
    ours = Orders(files={TEST_FILE: environment_file("test", "deliver: pull-request", order="numerical")[TEST_FILE]})
    ours.commit(overlay("2", "2"))
    wish = Wish("test", ("model-a",))
    ours.order(planner(wish), Order("test"))
    ours.push(delivery("3", "3"))
    assert ours.stands("updater/test/model-a", environment="test") == ONE


def test_a_version_with_its_digest_is_named_in_the_push_that_passes_on() -> None:
    ours = Orders()
    ours.push(delivery("2", "2", 7))
    ours.promote(version=Version("2"))
    assert "\nUpdater-Event: generic/id-1 2026-11-20T12:07:00Z\n" in ours.message()
