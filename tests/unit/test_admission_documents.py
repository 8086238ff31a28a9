"""Keys and certificates from outside: fetched once, renewed seldom, kept while nothing newer can be had."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from tests.helpers.senders import Clock, Internet, run
from updater.admission import documents
from updater.admission.documents import Shelf

URL = "https://keys.example.org/a"


class Stand:
    """A shelf of numbers, its clock and its internet."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.internet = Internet({URL: b"1"})
        self.shelf: Shelf[int] = Shelf(self.internet.fetch, int, self.clock.now, pause=timedelta(seconds=10))


def test_nothing_is_here_before_it_was_fetched() -> None:
    stand = Stand()
    assert (stand.shelf.kept(URL), stand.shelf.is_fresh(URL)) == (None, False)
    assert run(stand.shelf.renewed(URL)) == 1
    assert (stand.shelf.kept(URL), stand.shelf.is_fresh(URL)) == (1, True)


def test_what_was_fetched_gets_old() -> None:
    stand = Stand()
    run(stand.shelf.renewed(URL))
    stand.clock.pass_by(3599)
    assert stand.shelf.is_fresh(URL)
    stand.clock.pass_by(1)
    assert (stand.shelf.kept(URL), stand.shelf.is_fresh(URL)) == (1, False)


def test_however_often_it_is_asked_for_there_is_one_fetch_in_a_while() -> None:
    stand = Stand()
    run(stand.shelf.renewed(URL))
    stand.internet.documents[URL] = b"2"
    for _ in range(100):
        stand.clock.pass_by(0.09)
        assert not stand.shelf.may_renew()
        assert run(stand.shelf.renewed(URL)) == 1
    stand.clock.pass_by(1)
    assert stand.shelf.may_renew()
    assert run(stand.shelf.renewed(URL)) == 2
    assert len(stand.internet.asked) == 2


def test_other_urls_are_no_way_around_the_pause() -> None:
    stand = Stand()
    for number in range(100):
        assert run(stand.shelf.renewed(f"https://keys.example.org/other-{number}")) is None
    assert len(stand.internet.asked) == 1


@pytest.mark.parametrize("broken", [None, b"not a number"])
def test_what_stands_here_is_kept_while_nothing_newer_can_be_had(broken: bytes | None) -> None:
    stand = Stand()
    found = [(run(stand.shelf.renewed(URL)), stand.shelf.is_failing)]
    stand.internet.documents = {} if broken is None else {URL: broken}
    stand.clock.pass_by(7200)
    found.append((run(stand.shelf.renewed(URL)), stand.shelf.is_failing))
    stand.internet.documents[URL] = b"2"
    stand.clock.pass_by(10)
    found.append((run(stand.shelf.renewed(URL)), stand.shelf.is_failing))
    assert found == [(1, False), (1, True), (2, False)]


def test_who_asks_during_a_fetch_waits_for_it_and_makes_no_other() -> None:
    clock, asked, may_answer = Clock(), threading.Event(), threading.Event()
    urls: list[str] = []

    def fetch(url: str) -> bytes:
        urls.append(url)
        asked.set()
        assert may_answer.wait(10)
        return b"1"

    shelf = Shelf(fetch, int, clock.now, pause=timedelta(seconds=10))

    async def two() -> list[int | None]:
        first = asyncio.ensure_future(shelf.renewed(URL))
        await asyncio.to_thread(asked.wait, 10)
        assert shelf.may_renew()
        clock.pass_by(100)
        second = asyncio.ensure_future(shelf.renewed(URL))
        await asyncio.sleep(0)
        may_answer.set()
        return [await first, await second]

    assert run(two()) == [1, 1]
    assert urls == [URL]


def test_a_clock_that_is_set_back_does_not_stop_the_fetching() -> None:
    stand = Stand()
    run(stand.shelf.renewed(URL))
    stand.clock.pass_by(-3600)
    assert not stand.shelf.is_fresh(URL)
    assert stand.shelf.may_renew()


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_SIZE", 2)
    stand = Stand()
    urls = [f"https://keys.example.org/{number}" for number in range(3)]
    stand.internet.documents = dict.fromkeys(urls, b"1")
    for url in urls:
        run(stand.shelf.renewed(url))
        stand.clock.pass_by(10)
    assert [stand.shelf.kept(url) for url in urls] == [None, 1, 1]
