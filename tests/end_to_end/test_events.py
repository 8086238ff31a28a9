"""`updater events`: a person looks at what the service has accepted, and has it tried again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cli import CommandLine, Ran
from tests.helpers.events import IMAGE, at, digest, pushed
from tests.helpers.inboxes import Stand, ended, events
from updater.adapters import git, storage
from updater.adapters.inbox import Inbox
from updater.model import Delivery

REPO = "https://git.example/team/gitops.git"


@pytest.fixture
def stand(updater: CommandLine) -> Stand:
    return Stand(storage.inbox_file(git.remote(REPO), updater.state))


@pytest.fixture
def inbox(stand: Stand) -> Iterator[Inbox]:
    """As the service has it, with one of each."""
    with stand.opened() as inbox:
        inbox.put([pushed("1.0", "a", id="one"), pushed("1.1"), pushed("1.2")])
        done, dead = inbox.take(2)
        inbox.settle([ended(done, commits=("c0ffee",)), ended(dead, "dead", "failed")])
        yield inbox


def bury(inbox: Inbox, source: str, body: object, reason: str = "it was not to be read") -> None:
    sent = Delivery(source, json.dumps(body).encode(), at(0), {"content-type": "application/json"}, "/rest")
    asyncio.run(inbox.bury(sent, reason))


def run(updater: CommandLine, *words: object) -> Ran:
    return updater("events", *words, "--repo", REPO)


def numbers(updater: CommandLine, *words: object) -> list[int]:
    ran = run(updater, "list", *words, "--output", "json")
    assert ran.code == 0, ran.err
    return [each["number"] for each in ran.json["events"]]


def test_where_no_service_ever_was_there_is_an_empty_list_and_no_file_is_made(
    updater: CommandLine, stand: Stand
) -> None:
    assert numbers(updater) == []
    assert (run(updater, "list").out, run(updater, "list").err) == ("", "the inbox is empty\n")
    assert run(updater, "show", "1").code == 2
    assert run(updater, "retry", "--dead").code == 0
    assert run(updater, "retry", "1").code == 2
    assert not stand.file.exists()


def test_an_inbox_is_found_by_its_repository(updater: CommandLine, inbox: Inbox) -> None:
    assert numbers(updater) == [3, 2, 1]
    other = updater("events", "list", "--repo", "https://git.example/team/other.git", "--output", "json")
    assert other.json == {"events": []}


def test_an_inbox_lies_beside_the_mirror_of_its_repository(updater: CommandLine, bare: Path) -> None:
    assert updater("status", "--repo", bare).code == 0
    file = storage.inbox_file(git.remote(str(bare)), updater.state)
    assert file.with_suffix(".git").is_dir()


def test_events_are_listed_as_a_table_and_as_json(updater: CommandLine, inbox: Inbox) -> None:
    rows = [line.split() for line in run(updater, "list").out.splitlines()]
    assert rows[0] == ["NUMBER", "STATE", "IMAGE", "VERSION", "FROM", "ARRIVED", "TOLD"]
    assert rows[3] == [
        "#1",
        "done",
        IMAGE,
        "1.0",
        "generic",
        "2026-11-20",
        "13:00:00Z",
        *["committed:", "committed", "because"],
    ]
    told = run(updater, "list", "--state", "done", "--output", "json").json["events"]
    assert told == [
        {
            "number": 1,
            "image": IMAGE,
            "version": {"tag": "1.0", "digest": digest("a")},
            "source": "generic",
            "id": "one",
            "pushed_at": "2026-11-20T12:00:00Z",
            "received_at": "2026-11-20T13:00:00Z",
            "deliveries": 1,
            "state": "done",
            "tries": 1,
            "next_try": None,
            "outcome": "committed",
            "reason": "committed because",
            "commits": ["c0ffee"],
            "ended_at": "2026-11-20T13:00:00Z",
        }
    ]


def test_a_list_is_limited_and_says_when_nothing_is_in_it(updater: CommandLine, inbox: Inbox) -> None:
    assert numbers(updater, "--limit", "2") == [3, 2]
    assert [numbers(updater, "--state", state) for state in ("waiting", "done", "dead")] == [[3], [1], [2]]
    run(updater, "retry", "2")
    assert "no event is dead" in run(updater, "list", "--state", "dead").err


def test_one_is_shown_with_what_became_of_it(updater: CommandLine, stand: Stand, inbox: Inbox) -> None:
    inbox.put([pushed("1.2", id="again")])
    (item,) = inbox.take(1)
    inbox.settle([ended(item, "again", "failed", at=at(65))])
    ran = run(updater, "show", "3")
    assert "image:    reg.example/models/model-a:1.2\n" in ran.out
    assert "sent:     2 times, at last as generic/again\n" in ran.out
    assert "next try: 2026-11-20T13:05:00Z\n" in ran.out
    assert "(tried again at 13:05:00Z)" in run(updater, "list").out
    told = run(updater, "show", "3", "--output", "json").json
    assert (told["state"], told["reason"], told["newest"]) == ("waiting", "failed because", "generic/again")


def test_a_delivery_that_could_not_be_read_is_shown_as_it_came(updater: CommandLine, inbox: Inbox) -> None:
    bury(inbox, "generic", {"image": "\u001b[31m?"})
    ran = run(updater, "show", "4")
    assert '{"image": "\\u001b[31m?"}' in ran.out
    assert "  content-type: application/json\n" in ran.out
    told = run(updater, "show", "4", "--output", "json").json
    assert (told["body"], told["address"], told["image"]) == ('{"image": "\\u001b[31m?"}', "/rest", None)
    assert told["headers"] == {"content-type": "application/json"}


def test_events_are_tried_again_by_number_and_all_that_are_dead(updater: CommandLine, inbox: Inbox) -> None:
    ran = run(updater, "retry", "1", "--output", "json")
    assert (ran.code, [(each["number"], each["state"]) for each in ran.json["events"]]) == (0, [(1, "waiting")])
    assert run(updater, "retry", "--dead").out.splitlines()[1].split()[:2] == ["#2", "waiting"]
    assert [item.name for item in inbox.take(10)] == ["3", "1", "2"]


def test_a_delivery_is_read_again_by_a_release_that_can(updater: CommandLine, inbox: Inbox) -> None:
    bury(inbox, "generic", {"image": f"{IMAGE}:2.0"})
    bury(inbox, "distribution", {"events": []})
    ran = run(updater, "retry", "4", "5", "--output", "json")
    assert [(each["state"], each["outcome"]) for each in ran.json["events"]] == [("done", "replayed")] * 2
    assert "read again: 1 event(s)" in ran.json["events"][0]["reason"]
    assert [event.version.tag for event in events(inbox.take(10))] == ["1.2", "2.0"]


def test_what_still_cannot_be_read_is_told_and_stays_and_stops_no_other(updater: CommandLine, inbox: Inbox) -> None:
    bury(inbox, "generic", {"image": 5})
    status = {"service": "a", "environment": "test", "context": "smoke", "state": "success"}
    bury(inbox, "status", status)
    ran = run(updater, "retry", "--dead", "--output", "json")
    assert ran.code == 4
    assert [(each["number"], each["state"]) for each in ran.json["events"]] == [
        (5, "dead"),
        (4, "dead"),
        (2, "waiting"),
    ]
    assert "error: #4: `image`" in ran.err
    assert "hint: `updater report` tells that" in ran.err


@pytest.mark.parametrize("words", [("retry",), ("retry", "1", "--dead"), ("retry", "1", "99"), ("show", "99")])
def test_what_is_asked_wrongly_changes_nothing(updater: CommandLine, inbox: Inbox, words: tuple[str, ...]) -> None:
    ran = run(updater, *words)
    assert (ran.code, "error: " in ran.err, "hint: " in ran.err) == (2, True, True)
    assert numbers(updater, "--state", "done") == [1]


def test_a_damaged_inbox_is_told_with_what_to_do(updater: CommandLine, stand: Stand) -> None:
    stand.file.parent.mkdir(parents=True)
    stand.file.write_bytes(b"x" * 5000)
    ran = run(updater, "list")
    assert (ran.code, ran.out) == (1, "")
    assert "is damaged" in ran.err
    assert "hint: it is left as it is: move it away" in ran.err
    assert stand.file.read_bytes() == b"x" * 5000


def test_a_repository_has_to_be_named(updater: CommandLine, tmp_path: Path) -> None:
    assert updater("events", "list", cwd=tmp_path).code == 2
