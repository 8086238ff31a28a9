"""A closed pull request is a no to what it proposed, as long as nobody takes that back."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE, at, delivery
from tests.helpers.promoted import HEAD, World, following, promoting, standing, told, world
from updater.core.messages import BY_HAND
from updater.forge import WITHDRAWN, Draft
from updater.model import Outcome

PROPOSED, REJECTED, HELD = Outcome.PROPOSED, Outcome.REJECTED, Outcome.HELD
RELEASE = f"release: [{{service: model-a, image: {IMAGE}, version: '2'}}]"


def closed(*more: str) -> World:
    """Version 2 was proposed to staging, and alice closed that."""
    ours = world(*more)
    ours.stand("test", "2")
    ours.reconcile()
    ours.close(1)
    return ours


def refused(ours: World) -> None:
    """A pass finds version 2 refused, and proposes nothing."""
    report = ours.reconcile()
    assert [(each.to.tag, each.outcome, each.reason) for each in report.decisions] == [
        ("2", REJECTED, "2 was refused by alice (#1) on 2026-11-20")
    ]
    assert (ours.open, report.exit_code) == ({}, 0)


def test_what_a_person_closed_is_not_proposed_again() -> None:
    ours = closed()
    refused(ours)
    refused(ours)
    refused(ours.elsewhere())


def test_it_is_not_proposed_again_after_its_branch_is_deleted() -> None:
    ours = closed()
    del ours.repository.remote[HEAD]
    refused(ours)


def test_what_was_refused_is_read_from_the_commit_and_never_from_the_text() -> None:
    ours = world()
    ours.stand("test", "2")
    ours.reconcile()
    ours.forge.edited(1, title="Deploy model-a 9 to staging", body=f"Updater-Image: {IMAGE}:9")
    ours.close(1)
    refused(ours)


def test_a_newer_version_is_proposed_anew() -> None:
    ours = closed()
    ours.reconcile()
    ours.stand("test", "3")
    report = ours.reconcile()
    assert (told(report), ours.open) == ([("3", PROPOSED)], {HEAD: "Deploy model-a 3 to staging"})
    assert report.decisions[0].pull_request == 2


def test_an_older_version_that_stood_in_test_before_the_close_is_not_proposed_in_its_place() -> None:
    ours = world()
    ours.stand("test", "2")
    ours.stand("test", "3")
    ours.reconcile()
    ours.close(1)
    report = ours.reconcile()
    assert ours.open == {}
    assert [each.reason for each in report.decisions] == ["3 was refused by alice (#1) on 2026-11-20"]


def test_an_older_version_that_was_pushed_after_the_close_is_proposed() -> None:
    ours = world()
    ours.stand("test", "1.0")
    ours.commit(standing("test", "3"))
    ours.reconcile()
    ours.close(1)
    ours.commit(standing("test", "2"))
    report = ours.reconcile()
    assert (("2", PROPOSED) in told(report), ours.open) == (True, {HEAD: "Deploy model-a 2 to staging"})


def test_reopening_lifts_it() -> None:
    ours = closed()
    ours.reconcile()
    ours.forge.reopened(1)
    assert told(ours.reconcile()) == [("2", PROPOSED)]
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}


def test_a_release_that_was_written_after_the_close_lifts_it() -> None:
    ours = closed()
    ours.commit(promoting(RELEASE))
    assert told(ours.reconcile()) == [("2", PROPOSED)]
    assert set(ours.open) == {HEAD}


def test_a_release_that_was_there_before_the_close_does_not() -> None:
    refused(closed(RELEASE))


def test_a_close_after_the_release_refuses_it_again() -> None:
    ours = closed()
    ours.commit(promoting(RELEASE))
    ours.reconcile()
    ours.close(2)
    report = ours.reconcile()
    assert [each.reason for each in report.decisions] == ["2 was refused by alice (#2) on 2026-11-20"]


def test_a_later_one_that_a_person_ordered_lifts_it_even_if_it_was_withdrawn() -> None:
    ours = closed()
    tip = ours.repository.remote[HEAD]
    message = f"{ours.repository.commits[tip].message}{BY_HAND}: we need it\n"
    made = ours.repository.build(
        ours.repository.remote["main"], ours.repository.commits[tip].files, message, ours.clock.now()
    )
    ours.repository.remote[HEAD] = made
    ours.forge.acting("updater").open(Draft(HEAD, "main", made, "Deploy", "text"))
    ours.forge.edited(2, "updater", labels=(WITHDRAWN,), state="closed")
    del ours.repository.remote[HEAD]
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def test_a_withdrawn_one_between_does_not_lift_it() -> None:
    ours = closed()
    ours.forge.reopened(1)
    ours.reconcile()
    ours.close(1)
    refused(ours)


def test_closing_one_for_the_environment_refuses_all_that_it_proposed() -> None:
    ours = world("pull-request: {per: environment}", files={**standing("test", "1", "model-b"),
                                                            **standing("staging", "1", "model-b")})  # fmt: skip
    ours.stand("test", "2")
    ours.stand("test", "2", "model-b")
    ours.reconcile()
    ours.close(1)
    assert (told(ours.reconcile()), ours.open) == ([("2", REJECTED)] * 2, {})
    ours.stand("test", "3", "model-b")
    ours.reconcile()
    head = "updater/staging/@all"
    assert (ours.proposed("model-a", head=head), ours.proposed("model-b", head=head)) == ("1", "3")


@pytest.mark.parametrize("per", ["service", "environment"])
def test_what_was_refused_stays_refused_where_pull_requests_are_for_something_else_by_now(per: str) -> None:
    other = {"service": "environment", "environment": "service"}[per]
    ours = closed(f"pull-request: {{per: {per}}}")
    ours.commit(promoting(f"pull-request: {{per: {other}}}"))
    refused(ours)


def test_a_push_that_was_refused_is_rejected_when_it_comes_again() -> None:
    ours = following()
    ours.handle(delivery("2"))
    ours.close(1)
    assert (told(ours.handle(delivery("2"))), ours.open, ours.waits) == ([("2", REJECTED)], {}, {})
    assert told(ours.reconcile()) == [("2", REJECTED)]
    report = ours.handle(delivery("3", minutes=1))
    assert (("3", PROPOSED) in told(report), ours.open) == (True, {HEAD: "Deploy model-a 3 to staging"})


def test_refusals_of_a_hundred_services_are_asked_for_together() -> None:
    ours = world()
    services = [f"model-{number}" for number in range(100)]
    files: dict[str, str] = {}
    for service in services:
        files |= {**standing("test", "2", service), **standing("staging", "1", service)}
    ours.commit(files)
    ours.reconcile()
    assert (ours.forge.counted("settled"), len(ours.open)) == (1, 20)


def test_a_refusal_whose_commit_is_lost_counts_no_longer_and_stops_nothing() -> None:
    ours = closed()
    refused(ours)
    ours.repository.bring = lambda _commits: frozenset()  # type: ignore[method-assign]
    assert told(ours.reconcile()) == [("2", PROPOSED)]


def test_the_newest_of_several_refusals_is_told() -> None:
    ours = closed()
    ours.forge.reopened(1)
    ours.reconcile()
    ours.later(24 * 60)
    ours.close(1)
    (decision,) = ours.reconcile().decisions
    assert decision.reason == "2 was refused by alice (#1) on 2026-11-21"
    assert at(24 * 60) < ours.clock.time


def test_what_we_withdrew_and_a_person_reopened_is_a_no_once_a_person_closes_it() -> None:
    ours = world()
    landed = ours.stand("test", "2")
    ours.reconcile()
    back = ours.revert(landed)
    ours.reconcile()
    assert WITHDRAWN in ours.forge.all[1].labels
    ours.revert(back)
    ours.forge.reopened(1)
    ours.reconcile()
    assert (set(ours.open), WITHDRAWN in ours.forge.all[1].labels) == ({HEAD}, False)
    ours.close(1)
    refused(ours)
