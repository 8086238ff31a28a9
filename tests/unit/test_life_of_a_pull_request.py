"""A pull request from the day it is opened until it is merged, withdrawn or closed, seen from outside."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.events import IMAGE, at, delivery
from tests.helpers.fake_repository import environment_file, images
from tests.helpers.promoted import HEAD, World, on, promoting, standing, told, world
from updater import pipeline
from updater.core.verification import PlannedEdit
from updater.errors import RenderError
from updater.forge import GATES, WITHDRAWN
from updater.model import Outcome
from updater.protocols import Tree

COMMITTED, PROPOSED, WAITING, REJECTED = Outcome.COMMITTED, Outcome.PROPOSED, Outcome.WAITING, Outcome.REJECTED
HELD, REFUSED, UNCHANGED = Outcome.HELD, Outcome.REFUSED, Outcome.UNCHANGED
FREEZE = "freeze: [{from: 2026-11-20, to: 2026-11-20, reason: holidays}]"
STAGING = "overlays/staging/model-a/kustomization.yaml"


def with_settings(*lines: str) -> dict[str, str]:
    """The file of staging with more lines."""
    return promoting(*lines)


def opened(*more: str, **files: Any) -> World:
    """Version 2 is proposed to staging as #1."""
    ours = world(*more, **files)
    ours.stand("test", "2")
    ours.reconcile()
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}
    return ours


# Opened


def test_it_is_opened_when_nothing_speaks_against_it() -> None:
    ours = world()
    ours.stand("test", "2")
    report = ours.reconcile()
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}
    (decision,) = report.decisions
    assert (decision.outcome, decision.pull_request) == (PROPOSED, 1)
    assert decision.commit == ours.repository.remote[HEAD] == ours.pull().commit
    assert [(kept.pull.number, kept.told) for kept in report.pulls] == [(1, "opened")]
    assert (report.exit_code, report.commits, ours.tag()) == (0, (), "1")


def test_its_branch_is_the_base_and_one_commit_with_the_facts() -> None:
    ours = opened()
    made = ours.repository.commits[ours.pull().commit]
    assert made.parent == ours.repository.remote["main"]
    assert made.message.startswith("Deploy model-a 2 to staging\n")
    assert "Updater-Environment: staging\nUpdater-Service: model-a\n" in made.message
    assert made.files[STAGING].decode() == images((IMAGE, "2", None))


def test_its_text_tells_what_moves_where_it_ran_and_the_facts() -> None:
    body = opened().pull().body
    assert f"| `model-a` | `{IMAGE}` | `1` | `2` |" in body
    assert "`model-a` `2` stands in `test` since 2026-11-20 13:01 UTC" in body
    assert body.splitlines()[-1] == f"Updater-Previous: {IMAGE}:1"


def test_opening_takes_four_calls_of_the_forge_at_the_most() -> None:
    assert [call[0] for call in opened().forge.calls] == ["opened", "settled", "open", "report"]


def test_it_gets_labels_and_reviewers_and_may_be_a_draft() -> None:
    ours = opened("pull-request:", "  labels: [promotion]", "  reviewers: [alice, team:ml]", "  draft: true")
    draft = ours.forge.drafts[1]
    assert (draft.labels, draft.reviewers, draft.draft) == (("promotion",), ("alice", "team:ml"), True)


@pytest.mark.parametrize("passes", [1, 3])
def test_a_pass_in_which_nothing_has_changed_asks_what_is_open_and_no_more(passes: int) -> None:
    ours = opened()
    before, calls = ours.quiet(), len(ours.forge.calls)
    for _ in range(passes):
        report = ours.reconcile()
        assert told(report) == [("2", PROPOSED)]
    assert ours.quiet() == before
    assert [call[0] for call in ours.forge.calls[calls:]] == ["opened"] * passes


def test_another_replica_on_an_empty_disk_changes_nothing_either() -> None:
    ours = opened()
    calls = len(ours.forge.calls)
    other = ours.elsewhere()
    other.reconcile()
    assert (other.repository.pushes, [call[0] for call in ours.forge.calls[calls:]]) == ([], ["opened"])


def test_a_base_that_merely_moved_on_changes_nothing() -> None:
    ours = opened()
    before = ours.quiet()
    ours.commit({"README": "news"})
    ours.stand("staging", "7", service="model-z")
    ours.reconcile()
    assert ours.quiet() == before


# Waiting


def test_it_is_opened_once_the_version_stood_long_enough_and_the_report_says_when() -> None:
    ours = world()
    ours.commit(soaking("30m"))
    landed = ours.stand("test", "2")
    report = ours.reconcile()
    at_ = ours.repository.commits[landed].time
    assert (told(report), report.exit_code, ours.open) == ([("2", WAITING)], 0, {})
    assert report.due == at_ + (at(30) - at(0))
    ours.later(30)
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def soaking(soak: str) -> dict[str, str]:
    return {name: text.replace("promote:\n", f"promote:\n  soak: {soak}\n") for name, text in promoting().items()}


def gated(context: str = "smoke-test") -> dict[str, str]:
    return {
        name: text.replace("promote:\n", f"promote:\n  statuses: [{context}]\n") for name, text in promoting().items()
    }


def test_it_is_opened_once_its_statuses_are_green() -> None:
    ours = world()
    ours.commit(gated())
    landed = ours.stand("test", "2")
    report = ours.reconcile()
    assert [(each.outcome, each.reason) for each in report.decisions] == [
        (WAITING, "2 waits for smoke-test: nobody has reported it")
    ]
    ours.forge.reported(landed, "smoke-test")
    assert told(ours.reconcile()) == [("2", PROPOSED)]
    assert "smoke-test is green" in ours.pull().body


def test_it_is_not_opened_in_a_freeze_and_is_after_it() -> None:
    ours = world(FREEZE)
    ours.stand("test", "2")
    report = ours.reconcile()
    assert (told(report), ours.open, ours.branches) == ([("2", WAITING)], {}, set())
    assert report.due == at(12 * 60)
    ours.later(24 * 60)
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def many(*more: str) -> World:
    """Three services, of which c was the first to have a newer version in test, then b, then a."""
    ours = world(*more)
    for service in "abc":
        ours.stand("test", "1", f"model-{service}")
        ours.stand("staging", "1", f"model-{service}")
    for service in "cba":
        ours.stand("test", "2", f"model-{service}")
    return ours


def test_no_more_are_open_than_may_be_and_what_waited_longest_comes_first() -> None:
    ours = many("pull-request: {max-open: 2}")
    report = ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-c", "updater/staging/model-b"}
    (late,) = [each for each in report.decisions if each.outcome is WAITING]
    assert late.reason == "2 pull requests of staging are open at a time (`max-open`)"
    ours.merge(1)
    ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-a", ours.pull(2).head}


def test_all_branches_are_pushed_at_once() -> None:
    ours = many()
    ours.reconcile()
    assert [sorted(push) for push in ours.repository.pushes] == [[f"updater/staging/model-{each}" for each in "abc"]]
    assert len(ours.open) == 3


# One for all services


def test_one_for_the_environment_has_a_commit_for_each_service() -> None:
    ours = many("pull-request: {per: environment}")
    ours.reconcile()
    assert ours.open == {"updater/staging/@all": "Deploy 3 services to staging"}
    log = ours.repository.log("updater/staging/@all")
    assert log[:4] == [f"Deploy model-{each} 2 to staging" for each in "cba"] + ["by hand"]


def test_one_for_the_environment_takes_in_a_service_that_comes_later() -> None:
    ours = many("pull-request: {per: environment}")
    ours.reconcile()
    ours.stand("test", "3", "model-b")
    ours.reconcile()
    assert [ours.proposed(f"model-{each}", head="updater/staging/@all") for each in "abc"] == ["2", "3", "2"]
    assert len(ours.forge.all) == 1


def test_of_one_for_the_environment_what_landed_by_hand_drops_out_of_the_text_without_a_push() -> None:
    ours = many("pull-request: {per: environment}")
    ours.reconcile()
    pushes = len(ours.repository.pushes)
    ours.stand("staging", "2", "model-b")
    ours.reconcile()
    assert ours.pull().title == "Deploy 2 services to staging"
    assert (len(ours.repository.pushes), ours.pull().state) == (pushes, "open")


def test_a_change_from_one_for_each_service_to_one_for_all_moves_what_is_open() -> None:
    ours = opened()
    ours.commit(with_settings("pull-request: {per: environment}"))
    ours.reconcile()
    assert set(ours.open) == {"updater/staging/@all"}
    assert ours.forge.comments[1][-1].text.startswith("Withdrawn: staging has one pull request for each environment")


# Moved


def test_a_newer_version_moves_it_in_place_and_says_what_it_takes_the_place_of() -> None:
    ours = opened()
    ours.stand("test", "3")
    report = ours.reconcile()
    assert ours.open == {HEAD: "Deploy model-a 3 to staging"}
    assert (ours.proposed(), [kept.told for kept in report.pulls]) == ("3", ["moved"])
    assert "Takes the place of `model-a` `2`" in ours.pull().body
    assert f"Updater-Supersedes: {IMAGE}:2\n" in ours.repository.commits[ours.pull().commit].message


def test_it_remembers_everything_that_it_took_the_place_of() -> None:
    ours = opened()
    for tag in "34":
        ours.stand("test", tag)
        ours.reconcile()
    body = ours.pull().body
    assert ("`model-a` `2`" in body, "`model-a` `3`" in body) == (True, True)
    before = ours.quiet()
    ours.elsewhere().reconcile()
    assert ours.quiet() == before


def test_the_moved_branch_is_one_commit_on_the_newest_base() -> None:
    ours = opened()
    ours.stand("test", "3")
    ours.reconcile()
    assert ours.repository.commits[ours.pull().commit].parent == ours.repository.remote["main"]


def test_what_somebody_has_approved_stays_and_the_newer_one_waits_and_is_named() -> None:
    ours = opened()
    ours.forge.approved(1)
    ours.stand("test", "3")
    report = ours.reconcile()
    assert told(report) == [("2", PROPOSED), ("3", WAITING)]
    assert report.decisions[1].reason == "#1 was approved by alice: this waits until it is merged or closed"
    assert (ours.proposed(), ours.gates()[0]) == ("2", "success")
    assert "`model-a` `3` is newer, and waits" in ours.pull().body
    ours.merge(1)
    assert told(ours.reconcile()) == [("3", PROPOSED)]


def test_a_newer_version_moves_even_what_is_approved_where_that_is_asked_for() -> None:
    ours = opened("pull-request: {move: always}")
    ours.forge.approved(1)
    ours.stand("test", "3")
    ours.reconcile()
    assert ours.open == {HEAD: "Deploy model-a 3 to staging"}


def test_a_newer_version_moves_nothing_where_that_is_asked_for() -> None:
    ours = opened("pull-request: {move: never}")
    ours.stand("test", "3")
    report = ours.reconcile()
    assert told(report) == [("2", PROPOSED), ("3", WAITING)]
    assert report.decisions[1].reason == "#1 is open, and is not moved (`move: never`)"


def test_a_newer_version_that_has_to_soak_still_does_not_move_it() -> None:
    ours = world()
    ours.commit(soaking("30m"))
    ours.stand("test", "2")
    ours.later(30)
    ours.reconcile()
    ours.stand("test", "3")
    ours.later(5)
    report = ours.reconcile()
    assert (("3", WAITING) in told(report), ours.open) == (True, {HEAD: "Deploy model-a 2 to staging"})


def test_it_is_planned_again_when_its_bytes_differ_on_the_new_base() -> None:
    ours = opened()
    ours.commit({STAGING: "# mine\n" + images((IMAGE, "1", None))})
    ours.reconcile()
    assert ours.repository.on_remote(HEAD, STAGING) == "# mine\n" + images((IMAGE, "2", None))
    assert (len(ours.forge.all), ours.pull().readiness) == (1, "ready")


def test_it_is_planned_again_when_it_conflicts_although_its_bytes_are_the_same() -> None:
    ours = opened()
    ours.forge.approved(1)
    ours.stand("staging", "0")
    assert ours.pull().readiness == "conflicting"
    ours.reconcile()
    assert (ours.proposed(), ours.pull().readiness) == ("2", "ready")
    assert ours.repository.commits[ours.pull().commit].parent == ours.repository.remote["main"]


# Withdrawn


def withdrawn(ours: World, number: int = 1) -> str:
    """The comment with which a pull request was withdrawn, its branch taken away, and in that order."""
    pull = ours.pull(number)
    assert (pull.state, WITHDRAWN in pull.labels, pull.head in ours.branches) == ("closed", True, False)
    return ours.forge.comments[number][-1].text.splitlines()[0]


def test_it_is_withdrawn_when_its_version_is_taken_back_in_test() -> None:
    ours = world()
    landed = ours.stand("test", "2")
    ours.reconcile()
    back = ours.revert(landed)
    report = ours.reconcile()
    assert withdrawn(ours) == f"Withdrawn: in test, 2 was reverted in {back[:7]} by alice on 2026-11-20"
    assert told(report) == [("2", HELD)]
    assert [(kept.pull.state, kept.pull.number) for kept in report.pulls] == [("closed", 1)]


def test_it_is_withdrawn_when_its_version_came_in_by_hand() -> None:
    ours = opened()
    ours.stand("staging", "2")
    ours.reconcile()
    assert withdrawn(ours) == "Withdrawn: 2 stands already"


def test_it_is_withdrawn_when_a_newer_version_came_in_by_hand() -> None:
    ours = opened()
    ours.stand("staging", "5")
    ours.reconcile()
    assert withdrawn(ours) == "Withdrawn: nothing calls for 2 any more, and 5 stands"


def test_it_is_withdrawn_when_its_overlay_is_gone() -> None:
    ours = opened()
    ours.delete(STAGING)
    ours.reconcile()
    assert withdrawn(ours) == "Withdrawn: the entry that 2 was for is gone"


GONE = "Withdrawn: its environment is gone, or does not deliver by pull request any more"


def test_it_is_withdrawn_when_its_environment_is_gone() -> None:
    ours = opened()
    ours.delete("environments/staging.yaml")
    ours.reconcile()
    assert withdrawn(ours) == GONE


def test_it_is_withdrawn_when_its_environment_delivers_by_commit_by_now() -> None:
    ours = opened()
    ours.commit(promoting("deliver: commit"))
    ours.reconcile()
    assert (withdrawn(ours), ours.tag()) == (GONE, "2")


def test_it_stays_while_its_environment_cannot_be_read() -> None:
    ours = opened()
    ours.commit({"environments/staging.yaml": "overlay: x\n"})
    report = ours.reconcile()
    assert (report.exit_code, set(ours.open)) == (3, {HEAD})


def test_it_stays_while_an_overlay_cannot_be_read() -> None:
    for path in (STAGING, STAGING.replace("staging", "test")):
        ours = opened()
        ours.commit({path: f"images:\n- name: {IMAGE}\n  newTag: [\n"})
        report = ours.reconcile()
        assert (report.exit_code, set(ours.open)) == (3, {HEAD})


def test_it_stays_while_the_overlays_of_test_disagree_and_that_is_told() -> None:
    ours = opened()
    file = ours.repository.on_remote("main", "environments/test.yaml").replace("test/{service}", "test*/{service}")
    ours.commit({"environments/test.yaml": file, **standing("test-2", "9")})
    report = ours.reconcile()
    assert set(ours.open) == {HEAD}
    assert [(each.outcome, each.reason) for each in report.decisions] == [
        (WAITING, "the overlays of test disagree, and promote nothing: "
         "overlays/test-2/model-a has 9, overlays/test/model-a has 2")
    ]  # fmt: skip


def test_what_was_withdrawn_is_no_refusal() -> None:
    ours = opened()
    first = ours.stand("staging", "2")
    ours.reconcile()
    ours.revert(first)
    report = ours.reconcile()
    assert told(report) == [("2", HELD)]
    ours.commit(promoting(f"release: [{{service: model-a, image: {IMAGE}, version: '2'}}]"))
    assert told(ours.reconcile()) == [("2", PROPOSED)]


# Gates that change their mind


def test_a_freeze_that_begins_leaves_it_open_and_its_status_says_so() -> None:
    ours = opened()
    assert ours.gates() == ("success", "all gates are green")
    ours.commit(with_settings(FREEZE))
    report = ours.reconcile()
    state, description = ours.gates()
    assert (state, "holidays" in description, set(ours.open)) == ("pending", True, {HEAD})
    assert [(each.outcome, each.pull_request) for each in report.decisions] == [(WAITING, 1)]
    assert report.exit_code == 0
    ours.later(24 * 60)
    ours.reconcile()
    assert ours.gates() == ("success", "all gates are green")


def test_a_status_that_turns_red_later_leaves_it_open_and_its_own_status_says_so() -> None:
    ours = world()
    ours.commit(gated())
    landed = ours.stand("test", "2")
    ours.forge.reported(landed, "smoke-test")
    ours.reconcile()
    ours.later(1)
    ours.forge.reported(landed, "smoke-test", "failure")
    ours.reconcile()
    assert (ours.gates()[0], set(ours.open)) == ("failure", {HEAD})
    assert "❌ red" in ours.pull().body
    ours.later(1)
    ours.forge.reported(landed, "smoke-test")
    ours.reconcile()
    assert ours.gates() == ("success", "all gates are green")


def test_a_newer_version_does_not_move_it_in_a_freeze() -> None:
    ours = opened()
    ours.commit(with_settings(FREEZE))
    ours.stand("test", "3")
    pushes = len(ours.repository.pushes)
    ours.reconcile()
    assert (ours.proposed(), len(ours.repository.pushes)) == ("2", pushes)


def test_a_description_is_no_longer_than_forges_take() -> None:
    ours = opened()
    ours.commit(with_settings(FREEZE.replace("holidays", "x" * 300)))
    ours.reconcile()
    assert len(ours.gates()[1]) == 140


# Merged


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_after_a_merge_there_is_nothing_left_to_do_but_to_delete_the_branch(method: str) -> None:
    ours = opened()
    ours.merge(1, method=method)
    report = ours.reconcile()
    assert (ours.tag(), told(report), ours.open, ours.branches) == ("2", [], {}, set())
    before = ours.quiet()
    assert (ours.reconcile().decisions, ours.quiet()) == ((), before)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_that_is_reverted_is_held_and_a_newer_version_is_proposed(method: str) -> None:
    ours = opened()
    landed = ours.merge(1, method=method)
    ours.reconcile()
    back = ours.revert(landed)
    report = ours.reconcile()
    assert (told(report), ours.open) == ([("2", HELD)], {})
    assert report.decisions[0].reason == f"2 was reverted in {back[:7]} by alice on 2026-11-20"
    ours.stand("test", "3")
    assert told(ours.reconcile()) == [("3", PROPOSED)]
    assert "Lifts a hold" in ours.pull(2).body


def test_a_revert_before_the_next_pass_is_held_as_well() -> None:
    ours = opened()
    ours.revert(ours.merge(1))
    assert (told(ours.reconcile()), ours.open) == ([("2", HELD)], {})


# We merge ourselves


GREEN = "pull-request: {merge: when-green}"


def test_it_is_merged_once_everything_is_green_and_its_branch_goes() -> None:
    ours = opened(GREEN)
    head = ours.pull().commit
    report = ours.reconcile()
    assert [call for call in ours.forge.calls if call[0] == "merge"] == [("merge", 1, head, None)]
    assert (ours.tag(), ours.branches, ours.pull().state) == ("2", set(), "merged")
    assert told(report) == [("2", COMMITTED)]
    before = ours.quiet()
    assert (ours.reconcile().decisions, ours.quiet()) == ((), before)


def test_it_is_merged_by_the_method_that_the_environment_names() -> None:
    ours = opened("pull-request: {merge: when-green, method: squash}")
    ours.reconcile()
    assert ours.repository.log("main")[0] == "Deploy model-a 2 to staging (#1)"


def test_it_is_not_merged_in_a_freeze_or_before_its_gates_are_green() -> None:
    ours = opened(GREEN)
    ours.commit(with_settings(GREEN, FREEZE))
    ours.reconcile()
    assert (ours.pull().state, ours.forge.counted("merge")) == ("open", 0)


def test_approvals_count_for_the_head_that_they_were_given_to_alone() -> None:
    ours = opened("pull-request: {merge: when-green, move: always}")
    ours.forge.says[1] = "blocked"
    ours.forge.approved(1)
    ours.stand("test", "3")
    ours.reconcile()
    del ours.forge.says[1]
    report = ours.reconcile()
    (kept,) = report.pulls
    assert kept.told == "it was approved before it changed, and waits for an approval as it is now"
    ours.forge.approved(1)
    assert told(ours.reconcile()) == [("3", COMMITTED)]


@pytest.mark.parametrize("readiness", ["blocked", "conflicting"])
def test_it_is_not_merged_before_the_forge_would_let_us(readiness: Any) -> None:
    ours = opened(GREEN)
    ours.forge.says[1] = readiness
    ours.reconcile()
    assert ours.forge.counted("merge") == 0


def test_a_draft_is_not_merged() -> None:
    ours = opened("pull-request: {merge: when-green, draft: true}")
    ours.forge.says[1] = "ready"
    ours.reconcile()
    assert ours.forge.counted("merge") == 0


def test_what_was_moved_just_now_is_not_merged_before_the_forge_has_looked_at_it() -> None:
    ours = opened(GREEN)
    ours.forge.says[1] = "blocked"
    ours.reconcile()
    del ours.forge.says[1]
    ours.stand("test", "3")
    ours.reconcile()
    assert (ours.proposed(), ours.forge.counted("merge")) == ("3", 0)
    assert told(ours.reconcile()) == [("3", COMMITTED)]


def test_it_is_given_to_the_queue_once() -> None:
    ours = opened(GREEN)
    ours.forge.settings["queue"] = True
    (kept,) = ours.reconcile().pulls
    assert (kept.told, kept.pull.queued) == ("given to the merge queue: all gates are green", True)
    ours.reconcile()
    assert ours.forge.counted("merge") == 1


def test_a_merge_that_is_refused_is_told_and_tried_again() -> None:
    ours = opened("pull-request: {merge: when-green, method: rebase}")
    ours.forge.settings["methods"] = ["merge"]
    report = ours.reconcile()
    assert ([kept.told for kept in report.pulls], told(report)) == (["rebase is not allowed here"], [("2", PROPOSED)])
    ours.forge.settings["methods"] = ["rebase"]
    assert told(ours.reconcile()) == [("2", COMMITTED)]


def test_of_those_that_are_behind_their_base_one_at_a_time_is_brought_up_the_oldest_first() -> None:
    ours = many(GREEN)
    ours.reconcile()
    ours.commit({"README": "news"})
    ours.forge.says.update({1: "behind", 2: "behind", 3: "behind"})
    pushes = len(ours.repository.pushes)
    ours.reconcile()
    assert ours.repository.pushes[pushes:] == [(ours.pull(1).head,)]
    assert ours.repository.commits[ours.pull(1).commit].parent == ours.repository.remote["main"]
    del ours.forge.says[1]
    ours.reconcile()
    assert ([ours.pull(number).state for number in (1, 2, 3)], len(ours.repository.pushes)) == (
        ["merged", "open", "open"],
        pushes + 2,
    )
    ours.reconcile()
    assert ours.repository.pushes[-1] == (ours.pull(2).head,)


def test_one_that_is_behind_waits_for_another_one_whose_checks_are_running() -> None:
    ours = many(GREEN)
    ours.reconcile()
    ours.forge.says.update({1: "blocked", 2: "behind", 3: "behind"})
    ours.forge.reported(ours.pull(1).commit, "ci", "pending")
    pushes = len(ours.repository.pushes)
    ours.reconcile()
    assert len(ours.repository.pushes) == pushes


def test_one_that_is_behind_is_left_to_people_where_people_merge() -> None:
    ours = opened()
    ours.forge.says[1] = "behind"
    before = ours.quiet()
    ours.reconcile()
    assert ours.quiet() == before


# A refused bump


def test_what_does_not_render_is_refused_and_stops_no_other() -> None:
    def verify(_tree: Tree, edit: PlannedEdit) -> None:
        if "model-b" in edit.path:
            raise RenderError("matches no container")

    ours = many()
    ours.verify = verify
    report = ours.reconcile()
    assert set(ours.open) == {"updater/staging/model-a", "updater/staging/model-c"}
    assert sorted(told(report), key=str) == [("2", PROPOSED), ("2", PROPOSED), ("2", REFUSED)]
    assert report.exit_code == 7


def test_chains_go_on_by_pull_request_one_step_after_the_other() -> None:
    ours = world(files={**promoting(name="production", source="staging"), **standing("production", "1")})
    ours.stand("test", "2")
    ours.reconcile()
    assert set(ours.open) == {HEAD}
    ours.merge(1)
    ours.reconcile()
    assert set(ours.open) == {"updater/production/model-a"}


def test_a_commit_and_pull_requests_come_of_one_batch() -> None:
    files = {**environment_file("edge", "deliver: pull-request", order="numerical"), **standing("edge", "1")}
    ours = world(files=files)
    report = ours.handle(delivery("2"))
    assert sorted(told(report), key=str) == [("2", COMMITTED), ("2", PROPOSED)]
    assert (ours.tag("test"), ours.open) == ("2", {"updater/edge/model-a": "Deploy model-a 2 to edge"})
    assert set(on(report, "edge")) | set(on(report, "test")) == set(report.decisions)
    assert GATES in ours.forge.reports[ours.pull().commit]


def test_what_would_be_proposed_is_foreseen_with_its_changes_and_nothing_is_written() -> None:
    ours = world()
    ours.stand("test", "2")
    (change,), report = pipeline.rehearse(ours.parts)
    assert (change.environment, change.subject) == ("staging", "Deploy model-a 2 to staging")
    assert (told(report), ours.branches, ours.open) == ([("2", PROPOSED)], set(), {})
    ours.reconcile()
    changes, report = pipeline.rehearse(ours.parts)
    assert (changes, [(each.outcome, each.pull_request) for each in report.decisions]) == ([], [(PROPOSED, 1)])


def test_what_may_not_be_open_now_is_foreseen_as_waiting() -> None:
    ours = many("pull-request: {max-open: 1}")
    changes, report = pipeline.rehearse(ours.parts)
    assert (len(changes), sorted(outcome for _, outcome in told(report))) == (1, [PROPOSED, WAITING, WAITING])
