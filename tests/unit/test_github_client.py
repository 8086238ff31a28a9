"""The policy under which GitHub is asked: what is repeated, what is looked for first, how writes are paced."""

from __future__ import annotations

import pytest

from tests.helpers.gitops import AUTHOR
from tests.helpers.wires import PLACE, Script, Wire
from updater.errors import ForgeRefused, ForgeUnavailable
from updater.forge import Connection
from updater.forges.github.answers import Answer, Later
from updater.forges.github.client import PATIENCE, TRIES, Client
from updater.forges.github.queries import last_comment

BROKEN = Later("broken off")


def limited(seconds: int) -> Answer:
    return Answer(403, {"retry-after": str(seconds)}, "{}")


def test_a_write_whose_fate_is_unclear_is_looked_for_before_it_is_repeated() -> None:
    wire = Wire([BROKEN])
    assert wire.write(lambda: "found") == "found"
    assert len(wire.asked) == 1
    wire = Wire([BROKEN])
    assert wire.write() == {"data": {}}
    assert len(wire.asked) == 2


def test_what_a_limit_kept_back_was_not_done_and_is_not_looked_for() -> None:
    wire = Wire([limited(5), limited(7)])
    assert wire.write(lambda: "found") == {"data": {}}
    assert wire.pauses == [5, 7]


@pytest.mark.parametrize("script", [[BROKEN] * TRIES, [limited(1)] * TRIES, [limited(61)]])
def test_it_ends_after_some_tries_or_a_wait_that_is_too_long(script: Script) -> None:
    wire = Wire([*script])
    with pytest.raises(ForgeUnavailable):
        wire.write()
    assert len(wire.asked) == len(script)
    assert all(pause <= PATIENCE for pause in wire.pauses)


def test_a_refusal_is_not_repeated() -> None:
    wire = Wire([Answer(422, {}, '{"message": "No"}')])
    with pytest.raises(ForgeRefused, match="^cannot do it: No$"):
        wire.write()
    assert (len(wire.asked), wire.pauses) == (1, [])


def test_writes_keep_the_pace_and_count_from_when_they_were_answered() -> None:
    wire = Wire([])
    for _ in range(161):
        wire.write()
    answered = [time + 0.5 for time in wire.times]
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(answered, wire.times[80:], strict=False))
    assert wire.pauses == [20.5, 20.5]


def test_a_write_counts_whatever_came_of_it_and_reading_does_not() -> None:
    wire = Wire([Answer(422, {}, "{}")] * 80)
    for _ in range(80):
        with pytest.raises(ForgeRefused):
            wire.write()
    wire.client.read("/x", "read")
    assert wire.pauses == []
    wire.write()
    assert len(wire.pauses) == 1


def test_after_as_many_writes_as_an_hour_takes_the_next_is_left_to_who_asks() -> None:
    wire = Wire([])
    for _ in range(500):
        wire.write()
    with pytest.raises(ForgeUnavailable, match="^500 writes in an hour") as caught:
        wire.write()
    assert caught.value.hint == "try again at 2026-11-20 13:00:00 UTC"
    assert len(wire.asked) == 500


def test_closing_gives_the_connections_back() -> None:
    wire = Wire([])
    wire.client.close()
    assert wire.is_closed


def test_whoever_counts_requests_is_told_of_each_try_and_what_the_limit_leaves() -> None:
    script: Script = [BROKEN, limited(1), Answer(200, {"x-ratelimit-remaining": "4999"}, "{}")]
    wire, told = Wire([*script, Answer(200, {"x-ratelimit-remaining": "many"}, '{"data": {}}')]), []
    connection = Connection("", AUTHOR, {}, lambda: wire.now, wire.pause, watch=lambda *each: told.append(each))
    client = Client(wire, lambda: "hush", PLACE, connection)
    client.read("/x", "read")
    client.query(last_comment(1), "read")
    assert told == [(None, None), (403, None), (200, 4999), (200, None)]
