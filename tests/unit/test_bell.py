"""How the worker is woken."""

from __future__ import annotations

import threading

from updater.working.bell import Bell

LONG = 20.0


def test_a_ring_before_anybody_waits_is_heard_at_once_and_once() -> None:
    bell = Bell()
    bell.ring()
    assert bell.wait(LONG)
    assert not bell.wait(0)


def test_a_ring_of_another_thread_ends_the_wait() -> None:
    bell = Bell()
    thread = threading.Timer(0.01, bell.ring)
    thread.start()
    assert bell.wait(LONG)
    thread.join()


def test_news_end_the_wait_and_are_told_once() -> None:
    bell = Bell()
    bell.tell()
    assert not bell.wait(LONG), "news are no ring: nothing came in"
    assert bell.news()
    assert not bell.news()


def test_the_end_ends_waits_and_pauses() -> None:
    bell = Bell()
    thread = threading.Timer(0.01, bell.stop)
    thread.start()
    bell.pause(LONG)
    assert bell.stopped
    assert not bell.wait(LONG)
    thread.join()


def test_a_ring_does_not_shorten_a_pause() -> None:
    bell = Bell()
    bell.ring()
    bell.pause(0.01)
    assert bell.wait(0), "the ring is still to be heard"
