"""How tags compare: semantic versions, numbers, letters, and the time of the push."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.environment import OrderName
from updater.core.orders import ORDERS, alphabetical, numerical, pushed, semver

# The precedence that items 9 and 11 of Semantic Versioning 2.0.0 ask for, oldest first.
PRECEDENCE = [
    "0.0.1-0",
    "0.0.1",
    "0.9.0",
    "1.0.0-0",
    "1.0.0-9",
    "1.0.0-10",
    "1.0.0-99999999999999999999999",
    "1.0.0--",
    "1.0.0-RC",
    "1.0.0-alpha",
    "1.0.0-alpha.0",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-alpha.beta.0",
    "1.0.0-beta",
    "1.0.0-rc.2",
    "1.0.0-rc.11",
    "1.0.0-rc1",
    "1.0.0",
    "1.0.1",
    "1.9.0",
    "1.10.0",
    "2.0.0",
    "20251120.0.0",
]


def test_semantic_versions_have_the_precedence_of_the_specification() -> None:
    keys = [key for key in map(semver, PRECEDENCE) if key is not None]
    assert len(keys) == len(PRECEDENCE)
    assert sorted(reversed(keys)) == keys
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("v1.2.3", "1.2.3"),
        ("v1.2", "1.2.0"),
        ("1", "1.0.0"),
        ("v1-rc.1", "1.0.0-rc.1"),
        ("2025.07.03", "2025.7.3"),
        ("v2025.07", "2025.7.0"),
        ("1.2.3+build.7", "1.2.3"),
        ("1.2.3-rc.1+001", "1.2.3-rc.1"),
    ],
)
def test_what_helm_and_flux_read_as_a_version_is_one(text: str, same_as: str) -> None:
    assert semver(text) == semver(same_as) is not None
    assert hash(semver(text)) == hash(semver(same_as))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v",
        "latest",
        "V1.2.3",
        "vv1.2.3",
        "1.2.3.4",
        "1..2",
        "1.",
        ".1",
        "-1.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.3+",
        "1.2.3_4",
        "release-1.2.3",
        " 1.2.3",
        "1.2.3\n",
        "\u0661.2.3",
        "1.x",
        "9" * 129,
        "1.2.3-" + "9" * 5_000,
    ],
)
def test_what_is_no_version_has_no_place_among_versions(text: str) -> None:
    assert semver(text) is None


def test_the_longest_tag_is_still_a_version() -> None:
    assert semver("9" * 128) is not None


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("1.10001", "1.9"),
        ("1.09", "1.1"),
        ("0099", "100"),
        ("20261120235959", "20261121000000"),
        ("9007199254740992", "9007199254740993"),
        ("0.10000000000000000000000000000000001", "0.10000000000000000000000000000000002"),
        ("9" * 127, "1" + "0" * 127),
        ("9" * 5_000, "1" + "0" * 5_000),
    ],
)
def test_numbers_compare_exactly_whatever_their_length(older: str, newer: str) -> None:
    low, high = numerical(older), numerical(newer)
    assert low is not None
    assert high is not None
    assert low < high


@pytest.mark.parametrize("same", ["007", "7.0", "7.000"])
def test_zeros_that_say_nothing_make_no_difference_between_numbers(same: str) -> None:
    assert numerical(same) == numerical("7") == Decimal(7)


@pytest.mark.parametrize(
    "text", ["", "latest", "-5", "+5", "1e5", "1.", ".5", "1.2.3", "1_000", "0x1f", "NaN", "\u0663", "7\n"]
)
def test_what_is_no_plain_number_has_no_place_among_numbers(text: str) -> None:
    assert numerical(text) is None


@given(st.decimals(min_value=0, allow_nan=False, allow_infinity=False).map(lambda number: format(number, "f")))
def test_a_number_keeps_its_exact_value(text: str) -> None:
    assert numerical(text) == Decimal(text)


@given(st.text(), st.text())
def test_letters_compare_by_code_point(one: str, other: str) -> None:
    assert (alphabetical(one) < alphabetical(other)) == ([*map(ord, one)] < [*map(ord, other)])


@given(st.text(), st.text())
def test_every_text_has_the_same_place_where_the_time_of_the_push_decides(one: str, other: str) -> None:
    assert pushed(one) == pushed(other) is not None


def test_every_order_of_the_configuration_is_there() -> None:
    assert set(ORDERS) == set(get_args(OrderName))


@given(st.text(max_size=300))
def test_no_text_makes_an_order_fail(text: str) -> None:
    for order in ORDERS.values():
        key = order(text)
        assert key is None or not key < key
