"""What the forge built in keeps is read back as it was written, and nothing else is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import NOON
from updater.core import heads
from updater.forge import Approval, Status
from updater.forges.local import checked_json, records
from updater.forges.local.records import Comment, Record

LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=30)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100)
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
NAMES = st.text(min_size=1, max_size=10).filter(lambda name: name.isprintable())
HEADS = st.builds(heads.head, NAMES, NAMES) | st.builds(heads.shared, NAMES, st.just(heads.ALL))
RECORDS = st.builds(
    Record,
    number=st.integers(1, 10**9),
    title=LINES,
    body=TEXTS,
    state=st.sampled_from(["open", "merged", "closed"]),
    head=HEADS,
    base=LINES,
    commit=COMMITS,
    author=LINES,
    opened_at=TIMES,
    labels=st.lists(LINES).map(tuple),
    draft=st.booleans(),
    reviewers=st.lists(LINES).map(tuple),
    comments=st.lists(st.builds(Comment, LINES, TIMES, TEXTS), max_size=5).map(tuple),
    approvals=st.lists(st.builds(Approval, LINES, COMMITS), max_size=5).map(tuple),
    closed_at=st.none() | TIMES,
    closed_by=st.none() | LINES,
    merged_as=st.none() | COMMITS,
)
STATUSES = st.builds(
    Status, LINES, st.sampled_from(["success", "pending", "failure", "error"]), TIMES, LINES, st.none() | LINES
)
RECORD = Record(7, "Deploy", "text", "open", "updater/staging/model-a", "main", "a" * 40, "updater", NOON)


@given(RECORDS)
def test_what_is_written_is_read_back(record: Record) -> None:
    assert checked_json.read(checked_json.written(record)) == record


@given(st.lists(STATUSES))
def test_statuses_that_are_written_are_read_back(statuses: list[Status]) -> None:
    assert checked_json.read_statuses(checked_json.written_statuses(statuses)) == tuple(statuses)


@given(st.binary() | st.from_regex(r"\A[\[\]{}0-9eE\",:a-z ]*\Z").map(str.encode))
def test_nothing_else_is_read_nor_harms(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        checked_json.read(content)


@pytest.mark.parametrize("line", ["a\nb", "a\x1b[31mb", "a\u202eb", "a\u2028b"])
def test_a_line_that_would_not_show_as_one_is_read_without_what_breaks_it(line: str) -> None:
    record = replace(RECORD, title=line, author=line, labels=(line,), approvals=(Approval(line, "b" * 40),))
    read = checked_json.read(checked_json.written(record))
    for text in (read.title, read.author, *read.labels, read.approvals[0].by):
        assert text.isprintable()
        assert (text[0], text[-1]) == ("a", "b")


@pytest.mark.parametrize(
    ("branch", "is_ours"),
    [
        ("updater/staging/model-a", True),
        ("updater/staging/@all", True),
        ("updater/st%20aging/a%2Fb", True),
        ("updater/staging", False),
        ("updater/staging/a/b", False),
        ("updater/staging/a b", False),
        ("updater/staging/..", False),
        ("updater/staging/a.lock", False),
        ("updater/staging/*", False),
        ("updater/stag\ning/a", False),
        ("feature/staging/a", False),
    ],
)
def test_a_branch_is_ours_if_we_would_name_it_so(branch: str, is_ours: bool) -> None:
    assert records.is_ours(branch) is is_ours
