"""The inbox between processes, some of which are killed: what was answered is there."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import pytest

from tests.helpers.inbox_processes import fill_up, opened, push_all

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(file: Path, run: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process that serves, and what it says."""
    command = [sys.executable, "-m", "tests.helpers.inbox_processes", str(file), run]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def words(lines: Iterator[str]) -> list[tuple[str, str]]:
    """What was said in whole lines, each of them a word and a tag."""
    return [(word, tag) for word, _, tag in (line[:-1].partition(" ") for line in lines if line.endswith("\n"))]


@pytest.mark.slow
def test_a_process_that_is_killed_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    file = tmp_path / "x.inbox"
    said: list[tuple[str, str]] = []
    for run, lines in (("a", 40), ("b", 300)):
        with serving(file, run) as (process, told):
            said += words(islice(told, lines))
            process.kill()
            said += words(told)
    with opened(file) as inbox:
        states = {row.version.tag: row.state for row in inbox.rows(limit=1_000_000)}
        due = {item.events[0].version.tag for item in inbox.take(1_000_000)}
    assert len(said) >= 340
    assert {tag for _, tag in said} <= states.keys()
    assert {states[tag] for word, tag in said if word == "done"} == {"done"}
    assert due == {tag for tag, state in states.items() if state == "waiting"}


@pytest.mark.slow
def test_several_processes_put_into_one_file_from_its_first_moment(tmp_path: Path) -> None:
    file = tmp_path / "state" / "x.inbox"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(push_all, [(file, letter, 30) for letter in "abc"])
    with opened(file) as inbox:
        rows = inbox.rows(limit=10_000)
    assert Counter(row.deliveries for row in rows) == {1: 90, 3: 30}


@pytest.mark.slow
def test_where_there_is_no_more_room_it_is_refused_and_goes_on_when_there_is(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        accepted, told, problem, waiting = pool.apply(fill_up, (tmp_path / "x.inbox",))
    assert "room on the disk" in told
    assert "cannot be used" in (problem or "")
    assert (accepted > 0, waiting) == (True, accepted + 1)
