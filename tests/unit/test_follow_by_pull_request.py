"""Environments that follow the registry and deliver by pull request: events open, move and wait."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE, delivery, digest
from tests.helpers.fake_registries import DOWN, KEY, FakeRegistries
from tests.helpers.fake_repository import environment_file, images
from tests.helpers.promoted import HEAD, OTHER, World, following, standing, told
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable
from updater.model import Outcome

PROPOSED, WAITING, SUPERSEDED, HELD = Outcome.PROPOSED, Outcome.WAITING, Outcome.SUPERSEDED, Outcome.HELD
FREEZE = "freeze: [{from: 2026-11-20, to: 2026-11-20, reason: holidays}]"


def with_settings(*lines: str) -> dict[str, str]:
    return environment_file("staging", "deliver: pull-request", *lines, order="numerical")


def opened(*more: str) -> World:
    """Version 2 was pushed, and is proposed as #1."""
    ours = following(*more, files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2"))
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}
    return ours


def test_an_event_opens_it() -> None:
    ours = following()
    report = ours.handle(delivery("2", "b"))
    (decision,) = report.decisions
    assert (decision.outcome, decision.pull_request, report.exit_code) == (PROPOSED, 1, 0)
    assert (ours.tag(), ours.proposed(), ours.waits) == ("1", "2", {})
    assert "Updater-Event: generic/id-1 2026-11-20T12:00:00Z" in ours.repository.commits[ours.pull().commit].message


def test_a_newer_event_moves_it() -> None:
    ours = opened()
    report = ours.handle(delivery("3"))
    assert (ours.open, len(ours.forge.all)) == ({HEAD: "Deploy model-a 3 to staging"}, 1)
    assert told(report) == [("3", PROPOSED), ("2", SUPERSEDED)]


def test_an_older_event_does_not() -> None:
    ours = following()
    ours.handle(delivery("3"))
    before = ours.quiet()
    report = ours.handle(delivery("2"))
    assert (ours.proposed(), ours.quiet(), ours.waits) == ("3", before, {})
    assert ("2", SUPERSEDED) in told(report)


def test_the_same_event_again_changes_nothing() -> None:
    ours = opened()
    before = ours.quiet()
    assert told(ours.handle(delivery("2"))) == [("2", PROPOSED)]
    assert told(ours.elsewhere().handle(delivery("2"))) == [("2", PROPOSED)]
    ours.reconcile()
    assert (ours.quiet(), ours.waits) == (before, {})


def test_an_event_for_one_service_leaves_the_pull_requests_of_others_alone() -> None:
    ours = opened()
    ours.handle(delivery("5", image=OTHER))
    assert ours.open == {HEAD: "Deploy model-a 2 to staging", "updater/staging/model-b": "Deploy model-b 5 to staging"}
    before = ours.quiet()
    ours.handle(delivery("5", image=OTHER))
    assert ours.quiet() == before


def test_an_event_for_one_service_stays_beside_the_others_in_one_for_the_environment() -> None:
    ours = following("pull-request: {per: environment}", files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2"))
    ours.handle(delivery("5", image=OTHER))
    head = "updater/staging/@all"
    assert (ours.proposed("model-a", head=head), ours.proposed("model-b", head=head)) == ("2", "5")


def test_an_event_while_it_is_approved_is_kept_and_comes_after_the_merge() -> None:
    ours = opened()
    ours.forge.approved(1)
    report = ours.handle(delivery("3"))
    assert [(each.to.tag, each.outcome, each.keeps) for each in report.decisions] == [
        ("2", PROPOSED, False),
        ("3", WAITING, True),
    ]
    assert (ours.waits, ours.proposed(), ours.gates()[0]) == ({"staging": ["3"]}, "2", "success")
    ours.reconcile()
    assert ours.waits == {"staging": ["3"]}
    ours.merge(1)
    ours.elsewhere().reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_an_event_while_it_is_approved_comes_after_a_close_as_well() -> None:
    ours = opened()
    ours.forge.approved(1)
    ours.handle(delivery("3"))
    ours.close(1)
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_what_waits_for_a_merge_is_merged_when_green_all_the_same() -> None:
    ours = opened("pull-request: {merge: when-green}")
    ours.forge.approved(1)
    ours.handle(delivery("3"))
    assert (ours.tag(), ours.waits) == ("2", {"staging": ["3"]})
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_before_a_pull_request_is_touched_the_remote_is_asked_once_also_where_a_push_would_tell() -> None:
    files = {**environment_file("test", order="numerical"), **standing("test", "1")}
    ours = following(files=files)
    ours.handle(delivery("2"))
    theirs = ours.commit({"NOTES": "mine"}, branch=HEAD)
    listings = len(ours.repository.listings)
    report = ours.handle(delivery("3"))
    assert (len(ours.repository.listings), ours.tag("test")) == (listings + 1, "3")
    assert ours.repository.remote[HEAD] == theirs
    assert [kept.told for kept in report.pulls] == ["#1 carries commits of alice, and is left alone"]


def test_nothing_is_withdrawn_by_what_was_heard_of_the_remote_before() -> None:
    files = {**environment_file("test", order="numerical"), **standing("test", "1", "model-b")}
    ours = following(files=files)
    ours.handle(delivery("2"))
    ours.stand("staging", "2")
    ours.repository.refresh()
    theirs = ours.commit({"NOTES": "mine"}, branch=HEAD)
    ours.handle(delivery("5", image=OTHER))
    assert (ours.tag("test", "model-b"), ours.pull().state, ours.repository.remote.get(HEAD)) == ("5", "open", theirs)


def test_an_event_in_a_freeze_is_kept_and_opens_it_later() -> None:
    ours = following(FREEZE)
    report = ours.handle(delivery("2"))
    assert (told(report), ours.open, ours.waits) == ([("2", WAITING)], {}, {"staging": ["2"]})
    ours.reconcile()
    assert ours.waits == {"staging": ["2"]}
    ours.later(24 * 60)
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 2 to staging"}, {})


def test_a_freeze_that_begins_later_is_its_status_and_keeps_newer_events() -> None:
    ours = opened()
    ours.commit(with_settings(FREEZE))
    ours.handle(delivery("3"))
    state, description = ours.gates()
    assert (state, "holidays" in description, ours.waits) == ("pending", True, {"staging": ["3"]})
    ours.later(24 * 60)
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_of_more_than_may_be_open_events_wait_and_come_when_there_is_room() -> None:
    ours = opened("pull-request: {max-open: 1}")
    ours.handle(delivery("5", image=OTHER))
    assert (set(ours.open), ours.waits) == ({HEAD}, {"staging": ["5"]})
    ours.merge(1)
    ours.reconcile()
    assert (set(ours.open), ours.waits) == ({"updater/staging/model-b"}, {})


def test_of_one_for_all_that_is_withdrawn_for_one_service_the_others_come_back() -> None:
    ours = following("pull-request: {per: environment}", files=standing("staging", "1", "model-b"))
    ours.handle(delivery("2"), delivery("5", image=OTHER))
    ours.forge.approved(1)
    ours.revert(ours.stand("staging", "2"))
    report = ours.reconcile()
    assert (ours.open, ours.pull().state) == ({}, "closed")
    reasons = [each.reason for each in report.decisions if each.image == OTHER]
    assert [reason.partition(":")[0] for reason in reasons] == ["#1 is withdrawn first"]
    ours.elsewhere().reconcile()
    assert (ours.open, ours.waits) == ({"updater/staging/@all": "Deploy model-b 5 to staging"}, {})


def test_what_is_proposed_stays_open_where_the_environment_delivers_by_commit_by_now() -> None:
    ours = opened()
    ours.commit(environment_file("staging", order="numerical"))
    report = ours.elsewhere().reconcile()
    assert (ours.tag(), set(ours.open)) == ("1", {HEAD})
    assert [kept.told for kept in report.pulls] == ["staging delivers by commit by now: merge this, or close it"]
    ours.stand("staging", "2")
    ours.reconcile()
    assert (ours.open, ours.branches) == ({}, set())


def test_what_others_committed_to_our_branch_lands_nowhere_by_itself() -> None:
    ours = opened()
    ours.repository.commit(
        HEAD, {"overlays/staging/model-a/kustomization.yaml": images((IMAGE, "77", None))}, minutes=5
    )
    ours.commit(environment_file("staging", order="numerical"))
    report = ours.elsewhere().reconcile()
    assert (ours.tag(), [kept.told for kept in report.pulls]) == (
        "1", ["it carries commits of alice, and is left alone"]
    )  # fmt: skip


def test_several_events_at_once_open_one_for_the_newest() -> None:
    ours = following()
    report = ours.handle(delivery("2"), delivery("4"), delivery("3"))
    assert ours.open == {HEAD: "Deploy model-a 4 to staging"}
    assert sorted(told(report), key=str) == [("2", SUPERSEDED), ("3", SUPERSEDED), ("4", PROPOSED)]


def test_of_a_push_that_comes_with_its_digest_and_without_one_is_proposed() -> None:
    ours = following()
    report = ours.handle(delivery("2"), delivery("2", "b"))
    assert [(each.outcome, each.reason) for each in report.decisions if each.to.digest is None] == [
        (SUPERSEDED, "2 came with its digest as well")
    ]
    assert "sha256:bbbb" in ours.repository.on_remote(HEAD, "overlays/staging/model-a/kustomization.yaml")


def test_of_several_events_while_the_service_is_held_for_a_time_the_newest_is_kept() -> None:
    ours = following("hold: [{service: model-a, reason: INC-42, until: 2026-11-21}]")
    report = ours.handle(delivery("2"), delivery("3"))
    assert (told(report), ours.waits) == ([("2", SUPERSEDED), ("3", HELD)], {"staging": ["3"]})
    ours.later(24 * 60)
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_a_merge_that_is_reverted_is_held_when_its_event_comes_again() -> None:
    ours = opened()
    ours.revert(ours.merge(1))
    assert (told(ours.handle(delivery("2"))), ours.open) == ([("2", HELD)], {})


@pytest.mark.parametrize("call", ["opened", "settled", "open"])
@pytest.mark.parametrize("error", [ForgeUnavailable("it is down"), ForgeRefused("the token is unknown")])
def test_nothing_is_lost_while_the_forge_does_not_work(call: str, error: ForgeError) -> None:
    ours = following()
    ours.forge.fails[call] = [error] * 9
    report = ours.handle(delivery("2"))
    assert (report.exit_code, error in report.problems, ours.open) == (6, True, {})
    assert [(each.reason, each.outcome) for each in report.decisions if each.to.tag == "2"] == [
        (str(error), WAITING if error.retry or call != "open" else Outcome.REFUSED)
    ]
    ours.forge.fails.clear()
    ours.elsewhere().reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 2 to staging"}, {})


def test_a_newer_event_while_the_forge_is_down_moves_it_later() -> None:
    ours = opened()
    ours.forge.fails["opened"] = [ForgeUnavailable("it is down")] * 9
    ours.handle(delivery("3"))
    assert ours.waits == {"staging": ["3"]}
    ours.forge.fails.clear()
    ours.reconcile()
    assert (ours.open, ours.waits) == ({HEAD: "Deploy model-a 3 to staging"}, {})


def test_one_whose_branch_somebody_deleted_is_not_moved_back_by_an_older_event() -> None:
    ours = following()
    ours.handle(delivery("3"))
    del ours.repository.remote[HEAD]
    ours.handle(delivery("2"))
    assert (ours.proposed(), ours.open) == ("3", {HEAD: "Deploy model-a 3 to staging"})


def test_what_is_left_over_of_a_squash_with_a_strangers_commit_keeps_nothing_newer_out() -> None:
    ours = opened()
    ours.repository.commit(HEAD, {"overlays/staging/model-a/notes.txt": "tuned\n"}, minutes=5)
    ours.merge(1, method="squash")
    report = ours.handle(delivery("3"))
    assert (told(report)[0], ours.open) == (("3", PROPOSED), {HEAD: "Deploy model-a 3 to staging"})


def test_it_stays_and_may_not_be_merged_while_nobody_can_say_whether_it_is_still_signed() -> None:
    (settings,) = with_settings().items()
    signed = {settings[0]: f"{settings[1]}  signed-by: {{key: cosign.pub}}\n", "cosign.pub": KEY}
    ours = following(files=signed)
    ours.registries = FakeRegistries({"2": "b"})
    ours.handle(delivery("2", "b"))
    assert ours.gates()[0] == "success"
    ours.registries = FakeRegistries(down=DOWN)
    ours.reconcile()
    assert (ours.open, ours.gates()) == ({HEAD: "Deploy model-a 2 to staging"}, ("pending", str(DOWN)))
    ours.registries = FakeRegistries({"2": "b"}, unsigned={"b"})
    ours.reconcile()
    assert (ours.open, ours.waits) == ({}, {"staging": ["2"]})


def test_one_that_was_approved_may_be_merged_though_its_tag_names_another_image_by_now() -> None:
    ours = following(files=environment_file("staging", "deliver: pull-request"))
    ours.registries = FakeRegistries({"main": "b"})
    ours.handle(delivery("main", "b"))
    ours.forge.approved(1)
    ours.registries = FakeRegistries({"main": "c"})
    report = ours.handle(delivery("main", "c", 30))
    assert [(each.to.digest, each.outcome) for each in report.decisions] == [
        (digest("b"), PROPOSED),
        (digest("c"), WAITING),
    ]
    assert (ours.gates()[0], ours.waits) == ("success", {"staging": ["main"]})


def test_one_that_nobody_approved_is_moved_to_what_its_tag_names_now() -> None:
    ours = following(files=environment_file("staging", "deliver: pull-request"))
    ours.registries = FakeRegistries({"main": "b"})
    ours.handle(delivery("main", "b"))
    ours.registries = FakeRegistries({"main": "c"})
    report = ours.handle(delivery("main", "c", 30))
    assert [(each.to.digest, each.outcome) for each in report.decisions][0] == (digest("c"), PROPOSED)
    assert (len(ours.open), ours.waits) == (1, {})
