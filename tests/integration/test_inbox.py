"""The inbox as its worker and its senders meet it: what is put in is handed out, once, until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.events import IMAGE, at, digest, pushed
from tests.helpers.inboxes import Stand, ended, events, only
from updater.adapters.inbox import Inbox
from updater.adapters.inbox_changes import MAX_BODY, MAX_LETTERS
from updater.core.retrying import LONGEST
from updater.model import Delivery, Event


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "state" / "x.inbox")


@pytest.fixture
def inbox(stand: Stand) -> Iterator[Inbox]:
    with stand.opened() as inbox:
        yield inbox


def finish(inbox: Inbox, **how: Any) -> None:
    """Takes all that is due and settles it."""
    inbox.settle([ended(item, **how) for item in inbox.take(100)])


def letter(body: bytes = b"{}", **headers: str) -> Delivery:
    return Delivery("generic", body, at(60), headers, "/rest?registry=r")


# --- handing out


def test_a_push_comes_out_as_it_went_in(inbox: Inbox) -> None:
    sent = [
        pushed("1.0", "a", 0),
        pushed("1.1", None, None, received=60.123456),
        pushed("1.2", "b", image=f"{IMAGE}-b"),
    ]
    inbox.put(sent)
    assert events(inbox.take(10)) == sent


def test_each_is_handed_out_once_the_oldest_first_and_so_many_as_are_asked_for(inbox: Inbox) -> None:
    inbox.put([pushed(f"1.{number}") for number in range(5)])
    tags = [[event.version.tag for event in events(inbox.take(2))] for _ in range(4)]
    assert tags == [["1.0", "1.1"], ["1.2", "1.3"], ["1.4"], []]


def test_no_more_are_handed_out_than_are_asked_for_where_a_second_service_ends_the_first_ones(
    stand: Stand, inbox: Inbox
) -> None:
    inbox.put([pushed(f"1.{number}") for number in range(5)])
    inbox.take(2)
    with stand.opened() as second:
        second.settle([ended(item) for item in second.take(2)])
    assert [item.name for item in inbox.take(2)] == ["3", "4"]


def test_what_was_handed_out_and_not_settled_comes_again_after_a_restart(stand: Stand) -> None:
    with stand.opened() as inbox:
        inbox.put([pushed("1.0"), pushed("1.1")])
        (first, _) = inbox.take(10)
        inbox.settle([ended(first)])
    with stand.opened() as inbox:
        assert events(inbox.take(10)) == [pushed("1.1")]


def test_what_is_done_is_told_with_its_outcome_reason_and_commits(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.0")])
    finish(inbox, commits=("c0ffee", "decade"))
    row = only(inbox)
    assert (row.state, row.outcome, row.reason) == ("done", "committed", "committed because")
    assert (row.commits, row.ended_at, row.tries) == (("c0ffee", "decade"), stand.watch.time, 1)
    assert (inbox.take(10), inbox.due()) == ([], None)


def test_what_is_to_be_tried_again_is_handed_out_when_it_is_due(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.0")])
    later = stand.watch.time + timedelta(seconds=30)
    finish(inbox, state="again", outcome="failed", at=later)
    assert (inbox.take(10), inbox.due()) == ([], later)
    stand.watch.pass_by(seconds=30)
    assert inbox.due() == stand.watch.time
    (item,) = inbox.take(10)
    assert item.tries == 1
    assert (inbox.take(10), inbox.due()) == ([], None)


def test_a_try_that_does_not_count_is_not_counted_and_one_without_a_time_is_due_at_once(inbox: Inbox) -> None:
    inbox.put([pushed("1.0")])
    finish(inbox, state="again", counts=False)
    (item,) = inbox.take(10)
    assert item.tries == 0


def test_what_is_due_waits_for_no_other_that_is_not(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.0")])
    finish(inbox, state="again", at=stand.watch.time + timedelta(minutes=1))
    inbox.put([pushed("1.1")])
    assert inbox.due() == stand.watch.time
    assert events(inbox.take(10)) == [pushed("1.1")]
    assert inbox.due() == stand.watch.time + timedelta(minutes=1)


@pytest.mark.parametrize("jump", [{"days": -400}, {"days": 400}])
def test_a_clock_that_jumps_delays_nothing(stand: Stand, inbox: Inbox, jump: dict[str, float]) -> None:
    inbox.put([pushed("1.0")])
    finish(inbox, state="again", at=stand.watch.time + LONGEST)
    stand.watch.pass_by(**jump)
    assert inbox.due() == stand.watch.time
    assert events(inbox.take(10)) == [pushed("1.0")]


def test_who_is_to_be_woken_is_when_something_came_in_or_was_opened_again(inbox: Inbox) -> None:
    rings: list[str] = []
    inbox.on_put(lambda: rings.append("rung"))
    inbox.put([pushed("1.0")])
    inbox.retry([1])
    assert len(rings) == 2


# --- equal pushes


def test_equal_pushes_that_wait_are_one_with_the_earliest_times_and_the_first_name(inbox: Inbox) -> None:
    inbox.put([pushed("1.0", "a", None, id="one", received=50)])
    inbox.put([pushed("1.0", "a", 20, id="two", received=60), pushed("1.0", "a", 10, id="three", received=40)])
    inbox.put([pushed("1.0", "a", None, id="four", received=70)])
    row = only(inbox)
    assert (row.deliveries, row.newest) == (4, "generic/four")
    assert events(inbox.take(10)) == [pushed("1.0", "a", 10, id="one", received=40)]


@pytest.mark.parametrize("other", [{"tag": "1.1"}, {"letter": "b"}, {"letter": None}, {"image": f"{IMAGE}-b"}])
def test_pushes_that_differ_in_image_tag_or_digest_are_not_equal(inbox: Inbox, other: dict[str, Any]) -> None:
    inbox.put([pushed("1.0", "a"), pushed(**{"tag": "1.0", "letter": "a", **other})])
    assert len(inbox.rows()) == 2


def test_a_push_that_comes_while_an_equal_one_is_worked_on_is_looked_at_after_it(inbox: Inbox) -> None:
    """The tag may have moved after the registry was asked about it."""
    inbox.put([pushed("latest", id="one")])
    taken = inbox.take(10)
    inbox.put([pushed("latest", id="two")])
    assert inbox.take(10) == []
    inbox.settle([ended(item) for item in taken])
    assert only(inbox).state == "waiting"
    finish(inbox)
    assert only(inbox).state == "done"


def test_a_push_that_comes_while_an_equal_one_fails_is_looked_at_at_once(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("latest", id="one")])
    taken = inbox.take(10)
    inbox.put([pushed("latest", id="two")])
    inbox.settle([ended(item, "again", at=stand.watch.time + LONGEST) for item in taken])
    assert [item.tries for item in inbox.take(10)] == [0]


def test_a_push_is_not_forgotten_because_an_older_delivery_is_repeated_behind_it(inbox: Inbox) -> None:
    inbox.put([pushed("latest", id="one")])
    taken = inbox.take(10)
    inbox.put([pushed("latest", id="two"), pushed("latest", id="one")])
    inbox.settle([ended(item) for item in taken])
    assert (only(inbox).state, only(inbox).deliveries) == ("waiting", 3)


@pytest.mark.parametrize("how", [{}, {"outcome": "held"}, {"state": "dead", "outcome": "failed"}])
def test_another_delivery_after_the_end_opens_it_again(stand: Stand, inbox: Inbox, how: dict[str, Any]) -> None:
    inbox.put([pushed("1.0", "a", 5, id="one")])
    finish(inbox, commits=("c0ffee",), **how)
    stand.watch.pass_by(minutes=1)
    inbox.put([pushed("1.0", "a", 9, id="two", received=90)])
    row = only(inbox)
    assert (row.state, row.tries, row.next_try, row.outcome, row.reason, row.commits, row.ended_at) == (
        *("waiting", 0, None, "", "", (), None),
    )
    assert row.opened_at == stand.watch.time
    assert events(inbox.take(10)) == [pushed("1.0", "a", 5, id="one")]


def test_a_tag_without_digest_that_is_pushed_again_after_the_end_is_a_new_push(inbox: Inbox) -> None:
    inbox.put([pushed("latest", None, 5, id="one")])
    finish(inbox)
    inbox.put([pushed("latest", None, 9, id="two", received=90)])
    assert events(inbox.take(10)) == [pushed("latest", None, 9, id="two", received=90)]


@pytest.mark.parametrize("outcome", ["committed", "unchanged"])
@pytest.mark.parametrize("id_", ["one", "two"])
def test_a_delivery_that_is_repeated_after_it_landed_is_counted_and_no_more(
    stand: Stand, inbox: Inbox, outcome: str, id_: str
) -> None:
    inbox.put([pushed("1.0", "a", id="one"), pushed("1.0", "a", id="two")])
    finish(inbox, outcome=outcome)
    stand.watch.pass_by(minutes=59)
    inbox.put([pushed("1.0", "a", id=id_)])
    assert (only(inbox).state, only(inbox).deliveries) == ("done", 3)


@pytest.mark.parametrize(
    ("again", "how", "minutes"),
    [
        (pushed("1.0", "a"), {"outcome": "ignored"}, 1),
        (pushed("1.0", "a"), {"state": "dead"}, 1),
        (pushed("1.0", "a"), {}, 60),
        (pushed("1.0", "a"), {}, -60),
        (pushed("1.0", "a", id="id-2"), {}, 1),
        (pushed("1.0", "a", source="harbor"), {}, 1),
        (pushed("1.0"), {}, 1),
    ],
    ids=["did not land", "given up", "long ago", "clock put back", "another id", "another sender", "without digest"],
)
def test_a_repeated_delivery_is_looked_at_where_it_may_bring_something(
    stand: Stand, inbox: Inbox, again: Event, how: dict[str, Any], minutes: float
) -> None:
    inbox.put([pushed("1.0", again.version.digest and "a")])
    finish(inbox, **how)
    stand.watch.pass_by(minutes=minutes)
    inbox.put([again])
    assert only(inbox).state == "waiting"


# --- for people


def test_how_much_waits_and_since_when_is_told(stand: Stand, inbox: Inbox) -> None:
    assert (inbox.depth().waiting, inbox.depth().dead, inbox.depth().oldest) == (0, 0, None)
    began = stand.watch.time
    inbox.put([pushed("1.0")])
    stand.watch.pass_by(minutes=5)
    inbox.put([pushed("1.1"), pushed("1.2")])
    (first, second) = inbox.take(2)
    assert (inbox.depth().waiting, inbox.depth().oldest) == (3, began)
    inbox.settle([ended(first), ended(second, "dead")])
    assert (inbox.depth().waiting, inbox.depth().dead, inbox.depth().oldest) == (1, 1, stand.watch.time)


def test_rows_are_listed_newest_first_by_state_and_in_pages(inbox: Inbox) -> None:
    inbox.put([pushed(f"1.{number}") for number in range(6)])
    inbox.settle([ended(item, state) for item, state in zip(inbox.take(2), ("done", "dead"), strict=True)])
    assert [row.number for row in inbox.rows()] == [6, 5, 4, 3, 2, 1]
    assert [row.number for row in inbox.rows(limit=2, before=5)] == [4, 3]
    assert [row.number for row in inbox.rows(state="waiting", limit=2)] == [6, 5]
    assert [(row.number, row.version.tag) for row in inbox.rows(state="dead")] == [(2, "1.1")]
    assert (inbox.row(2), inbox.row(7)) == (inbox.rows(state="dead")[0], None)


@pytest.mark.parametrize("number", [0, -(10**30), 10**30])
def test_a_number_that_no_row_can_have_is_not_there(inbox: Inbox, number: int) -> None:
    inbox.put([pushed("1.0")])
    assert (inbox.row(number), inbox.letter(number), inbox.retry([number])) == (None, None, 0)
    assert len(inbox.rows(before=number, limit=10**30)) == (number > 0)


def test_a_row_that_a_person_opens_again_is_due_at_once_also_for_a_server_that_runs(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.0"), pushed("1.1"), pushed("1.2")])
    done, dead, later = inbox.take(3)
    pause = stand.watch.time + LONGEST
    inbox.settle([ended(done), ended(dead, "dead"), ended(later, "again", at=pause)])
    with stand.opened() as person:
        assert person.retry([1, 2, 3, 4]) == 3
    assert inbox.due() == stand.watch.time
    assert [(item.name, item.tries) for item in inbox.take(10)] == [("1", 0), ("2", 0), ("3", 0)]


def test_what_ended_is_forgotten_after_its_time_and_what_waits_never_is(stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.0"), pushed("1.1"), pushed("1.2")])
    done, dead, _ = inbox.take(3)
    inbox.settle([ended(done), ended(dead, "dead")])
    stand.watch.pass_by(days=14)
    assert inbox.prune() == 0
    stand.watch.pass_by(seconds=1)
    assert inbox.prune() == 2
    assert only(inbox).version.tag == "1.2"
    inbox.put([pushed("1.3")])
    assert [row.number for row in inbox.rows()] == [4, 3]


# --- deliveries that are no events


def test_an_unreadable_delivery_is_kept_as_it_came_for_a_person(inbox: Inbox) -> None:
    sent = letter(b'{"a": 1}', **{"content-type": "application/json", "ce-type": "x"})
    asyncio.run(inbox.bury(sent, "it has no image"))
    row = only(inbox)
    assert (row.state, row.outcome, row.reason, row.image) == ("dead", "unreadable", "it has no image", None)
    assert inbox.letter(row.number) == sent
    assert (inbox.depth().dead, inbox.take(10), inbox.letter(99)) == (1, [], None)


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "cookie", "x-hub-signature-256", "x-gitlab-token", "x-api-key", "x-jfrog-event-auth",
        "x-updater-token", "x-signature", "x-goog-iap-jwt-assertion", "proxy-authorization", "aeg-sas-key",
        "x-nexus-webhook-signature", "X-Secret", "x-forwarded-client-cert", "x-session", "x-password",
    ],
)  # fmt: skip
def test_no_header_is_kept_that_may_hold_a_secret(inbox: Inbox, name: str) -> None:
    asyncio.run(inbox.bury(letter(**{name: "hunter2", "user-agent": "x"}), "why"))
    kept = inbox.letter(1)
    assert kept is not None
    assert dict(kept.headers) == {"user-agent": "x"}


def test_a_large_body_is_cut_and_that_is_told(inbox: Inbox) -> None:
    asyncio.run(inbox.bury(letter(b"x" * (MAX_BODY + 5)), "too large"))
    assert only(inbox).reason == "too large (the last 5 bytes of the body are not kept)"
    kept = inbox.letter(1)
    assert kept is not None
    assert len(kept.body) == MAX_BODY


def test_an_unreadable_delivery_that_comes_again_is_counted(inbox: Inbox) -> None:
    async def bury_all() -> None:
        for body, reason in ((b"a", "one"), (b"b", "two"), (b"a", "three")):
            await inbox.bury(letter(body), reason)

    asyncio.run(bury_all())
    assert [(row.deliveries, row.reason) for row in inbox.rows()] == [(1, "two"), (2, "three")]


def test_half_a_character_in_what_somebody_sent_is_kept_as_its_escape(inbox: Inbox) -> None:
    asyncio.run(inbox.bury(Delivery("generic", b"x", at(0), {"a": "\ud800"}, "/\ud800"), "no \ud800"))
    kept = inbox.letter(1)
    assert kept is not None
    assert (only(inbox).reason, kept.address, kept.headers["a"]) == ("no \\ud800", "/\\ud800", "\ud800")


def test_what_a_person_had_read_again_is_put_in_and_answered(inbox: Inbox) -> None:
    asyncio.run(inbox.bury(letter(), "why"))
    assert inbox.retry([1]) == 0
    inbox.answer(1, [pushed("1.0")], "read again")
    answered = inbox.row(1)
    assert answered is not None
    assert (answered.state, answered.outcome, answered.reason) == ("done", "replayed", "read again")
    assert events(inbox.take(10)) == [pushed("1.0")]


def test_of_unreadable_deliveries_the_newest_are_kept(stand: Stand, inbox: Inbox) -> None:
    async def bury_all() -> None:
        await asyncio.gather(*(inbox.bury(letter(b"%d" % number), "why") for number in range(MAX_LETTERS)))
        stand.watch.pass_by(seconds=1)
        await inbox.bury(letter(b"newest"), "why")
        await inbox.bury(letter(b"0"), "why")

    asyncio.run(bury_all())
    inbox.put([pushed("1.0")])
    assert inbox.prune() == 1
    assert (inbox.depth().waiting, inbox.depth().dead) == (1, MAX_LETTERS)
    assert inbox.letter(1) == letter(b"0")
    assert inbox.letter(MAX_LETTERS + 1) == letter(b"newest")


# --- many


@pytest.mark.slow
def test_ten_thousand_rows_are_handed_out_and_settled(inbox: Inbox) -> None:
    inbox.put([pushed(f"1.0.{number}", "a") for number in range(10_000)])
    count = 0
    while taken := inbox.take(1000):
        count += len(taken)
        inbox.settle([ended(item) for item in taken])
    assert count == 10_000
    assert (inbox.depth().waiting, inbox.rows(state="done", limit=1)[0].version.digest) == (0, digest("a"))
