"""Lists of tags as registries write them, with what Google's tell beside."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import digest
from updater.core.references import is_tag
from updater.registries.pages import tags
from updater.registry import Tagged

A, B = digest("a"), digest("b")
UPLOADED = datetime(2026, 11, 20, 10, tzinfo=UTC)
MILLISECONDS = str(int(UPLOADED.timestamp() * 1000))


def page(listed: object, manifests: object = None) -> bytes:
    return json.dumps({"name": "acme/a", "tags": listed, "manifest": manifests}).encode()


def test_tags_keep_their_order_and_what_is_none_is_left_out() -> None:
    assert list(tags(page(["2", "1", "-no", "", "x" * 129, None, 7, ["3"], "2"]))) == ["2", "1"]


@pytest.mark.parametrize("body", [b'{"tags": null}', b'{"tags": []}'])
def test_an_empty_list_is_one(body: bytes) -> None:
    assert tags(body) == {}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b'{"tags": {"a": 1}}', b'{"tags": "a"}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_list_of_tags_is_none(body: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        tags(body)


def test_what_is_told_beside_a_list_is_read() -> None:
    manifests = {A: {"tag": ["1", "latest"], "timeUploadedMs": MILLISECONDS}, B: {"tag": [], "timeUploadedMs": "1"}}
    found = tags(page(["1", "latest", "2"], manifests))
    assert found == {"1": Tagged(A, UPLOADED), "latest": Tagged(A, UPLOADED), "2": Tagged()}


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        ({A: {"tag": ["1"]}}, Tagged(A)),
        ({A: {"tag": ["1"], "timeUploadedMs": "0"}}, Tagged(A)),
        ({A: {"tag": ["1"], "timeUploadedMs": "9" * 400}}, Tagged(A)),
        ({A: {"tag": ["1"], "timeUploadedMs": "now"}}, Tagged(A)),
        ({A: {"tag": ["1"], "timeUploadedMs": int(MILLISECONDS)}}, Tagged(A, UPLOADED)),
        ({A: {"tag": ["1"]}, B: {"tag": ["1"]}}, Tagged()),
        ({"sha256:abc": {"tag": ["1"]}}, Tagged()),
        ({A: {"tag": "1"}}, Tagged()),
        ({A: {"tag": [["1"]]}}, Tagged()),
        ({A: ["1"]}, Tagged()),
        ([A], Tagged()),
        ("1", Tagged()),
    ],
)
def test_of_what_is_told_beside_only_what_makes_sense_counts(manifests: object, expected: Tagged) -> None:
    assert tags(page(["1"], manifests)) == {"1": expected}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([A, "tag", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just(A), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5), JSON)
def test_whatever_is_in_a_page_nothing_but_tags_comes_out(listed: list[object], manifests: object) -> None:
    assert all(map(is_tag, tags(page(listed, manifests))))
