"""When a server wants to be asked again, whatever its clock says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import NOON
from updater.core.later import LONGEST, seconds

LONG_AGO = "Fri, 31 Dec 1999 23:59:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "9" * 5_000}, LONGEST),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 99 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": LONG_AGO}, 59.0),
        ({"retry-after": "Friday, 31-Dec-99 23:59:30 GMT", "date": LONG_AGO}, 30.0),
        ({"retry-after": "31 Dec 1999 23:59:30 -0000", "date": LONG_AGO}, 30.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:58:00 GMT", "date": LONG_AGO}, 0.0),
        ({"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT", "date": LONG_AGO}, LONGEST),
        ({"retry-after": f"{NOON:%a, %d %b %Y %H:%M:05 GMT}"}, 5.0),
        ({"retry-after": f"{NOON:%a, %d %b %Y %H:%M:05 GMT}", "date": "today"}, 5.0),
    ],
)
def test_a_wait_is_counted_by_the_clock_of_who_asked_for_it(headers: dict[str, str], wait: float | None) -> None:
    assert seconds(headers, NOON) == wait


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_makes_us_wait_for_ever(told: str, date: str) -> None:
    found = seconds({"retry-after": told, "date": date}, NOON)
    assert found is None or 0 <= found <= LONGEST
