"""What a commit object says of itself: the same as git's log would tell of it."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers import gitops
from tests.helpers.histories import Made, made, with_people
from updater.adapters import log
from updater.adapters.commits import Described, described, instant, shown
from updater.adapters.git import Git, Remote

LAST = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gitops.remote(tmp_path_factory.mktemp("commits") / "gitops.git", {"x": "1\n"})


def read(bare: Path, commit: str = "main") -> Described:
    done = subprocess.run(["git", "cat-file", "commit", commit], cwd=bare, capture_output=True, check=True)
    return described(done.stdout)


def logged(bare: Path) -> Described:
    newest = next(log.pages(Git(Remote(str(bare)), bare), "main"))
    return Described(newest.author, newest.authored_at, newest.landed_at, newest.message)


NAMES = st.text(st.characters(exclude_characters="\0\n<>", exclude_categories=["Cs"]), max_size=9).map(str.strip)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
TIMES = st.integers(0, 2**40)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=NAMES, message=TEXTS, authored=TIMES, committed=TIMES)
def test_a_commit_is_read_as_the_log_tells_of_it(
    bare: Path, name: str, message: str, authored: int, committed: int
) -> None:
    made(bare, Made({}, message, author=name.encode(), authored=authored, committed=committed))
    assert read(bare) == logged(bare)
    assert read(bare).message == message


def test_headers_beside_the_people_are_passed_over(bare: Path) -> None:
    signature = "gpgsig -----BEGIN-----\n author eve <e@e> 1 +0000\n \n committer eve <e@e> 1 +0000\n -----END-----"
    people = "author alice <a@b> 100 +0000\ncommitter bob <b@b> 200 -0930"
    text = f"tree {'0' * 40}\nparent {'1' * 40}\n{people}\n{signature}\nencoding UTF-8\n\nauthor eve <e@e> 9 +0000\n"
    times = (datetime.fromtimestamp(100, UTC), datetime.fromtimestamp(200, UTC))
    assert described(text.encode()) == Described("alice", *times, "author eve <e@e> 9 +0000\n")


@pytest.mark.parametrize(
    "rest", ["encoding x", "author alice\ncommitter bob", "author a <b> never +0000", "author <a@b> 1"]
)
def test_a_commit_that_does_not_say_who_and_when_is_read_all_the_same(rest: str) -> None:
    first = datetime(1970, 1, 1, tzinfo=UTC)
    assert described(f"tree x\n{rest}\n\nWhy\n".encode()) == Described("(unknown)", first, first, "Why\n")


def test_without_a_committer_the_authors_time_counts() -> None:
    when = datetime.fromtimestamp(100, UTC)
    assert described(b"tree x\nauthor a <a@b> 100 +0000\n\nWhy") == Described("a", when, when, "Why")


def test_odd_people_are_read_as_the_log_tells_of_them(bare: Path) -> None:
    for author in (b"<a@b> 7 +0000", b"a b  c <> 7 +0000", b"x\x1b[0m\xff <a@b> 99999999999999 +0000"):
        made(bare, Made({}, "Odd"))
        with_people(bare, author, b"b <b@b> 8 +0000")
        assert read(bare) == logged(bare)


@pytest.mark.parametrize(
    ("seconds", "time"),
    [
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("-5", datetime(1970, 1, 1, tzinfo=UTC)),
        ("", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"1795168800", datetime(2026, 11, 20, 10, tzinfo=UTC)),
        ("253370764799", LAST - timedelta(seconds=1)),
        ("253402300800", LAST),
        (b"9" * 40, LAST),
    ],
)
def test_every_time_is_one_that_can_be_reckoned_with(seconds: str | bytes, time: datetime) -> None:
    assert instant(seconds) == time


@pytest.mark.parametrize(
    ("name", "seen"), [("", "(unknown)"), ("Ana", "Ana"), ("a\nb\x00\u2028", "a?b??"), ("\ud800", "?"), ("ä ö", "ä ö")]
)
def test_a_name_is_shown_without_what_steers_a_terminal_or_a_line(name: str, seen: str) -> None:
    assert shown(name) == seen
