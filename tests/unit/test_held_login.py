"""One login for the many threads that want it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.helpers.events import NOON
from tests.helpers.patience import eventually
from updater.errors import RegistryUnavailable
from updater.registries.credentials import Secret
from updater.registries.held_login import HeldLogin


class Counted:
    """A login that takes until it is let go, and gives or raises what a test says."""

    def __init__(self, outcome: Callable[[], Secret | None]) -> None:
        self.outcome = outcome
        self.begun = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> Secret | None:
        self.begun += 1
        assert self.may_end.wait(30)
        return self.outcome()


def secret() -> Secret:
    return Secret("basic", "alice", "hush")


def fail() -> Secret:
    raise RegistryUnavailable("the helper did not say")


def together(login: Counted, held: HeldLogin, refused: Secret | None) -> list[Secret | Exception | None]:
    """What eight threads get that ask while the first of them logs in."""
    arrived = threading.Semaphore(0)

    def ask(_: int) -> Secret | Exception | None:
        arrived.release()
        try:
            return held.secret(refused)
        except RegistryUnavailable as error:
            return error

    before = login.begun
    login.may_end.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(ask, range(8))
        for _ in range(8):
            assert arrived.acquire(timeout=30)
        assert eventually(lambda: login.begun > before)
        login.may_end.set()
        return list(answers)


def test_threads_whose_secret_was_refused_together_log_in_anew_once() -> None:
    login = Counted(secret)
    held = HeldLogin(login, lambda: NOON)
    first = held.secret(None)
    found = together(login, held, first)
    assert login.begun == 2
    assert len({id(each) for each in found}) == 1
    assert found[0] is not first


def test_what_another_thread_has_renewed_since_is_not_renewed_again() -> None:
    login = Counted(secret)
    held = HeldLogin(login, lambda: NOON)
    first = held.secret(None)
    second = held.secret(first)
    assert held.secret(first) is second
    assert held.secret(None) is second
    assert login.begun == 2


def test_a_login_that_failed_is_not_tried_again_by_those_who_waited_for_it() -> None:
    login = Counted(fail)
    held = HeldLogin(login, lambda: NOON)
    found = together(login, held, None)
    assert all(isinstance(each, RegistryUnavailable) for each in found)
    assert login.begun < 8, "who came after its end has to try"


def test_a_login_that_failed_is_tried_again_by_the_next_one() -> None:
    login = Counted(fail)
    held = HeldLogin(login, lambda: NOON)
    with pytest.raises(RegistryUnavailable, match="the helper"):
        held.secret(None)
    login.outcome = secret
    assert held.secret(None) == secret()


def test_a_secret_is_held_until_its_time_is_over() -> None:
    now = NOON
    login = Counted(lambda: Secret("basic", "alice", "hush", until=NOON + timedelta(hours=1)))
    held = HeldLogin(login, lambda: now)
    for minutes, logins in ((0, 1), (59, 1), (60, 2)):
        now = NOON + timedelta(minutes=minutes)
        held.secret(None)
        assert login.begun == logins


def test_where_nobody_logs_in_there_is_no_secret() -> None:
    assert HeldLogin(None, lambda: NOON).secret(None) is None
    assert HeldLogin(lambda: None, lambda: NOON).secret(None) is None
