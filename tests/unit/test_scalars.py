"""Which tags may stand in YAML without quotes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from updater.core.scalars import needs_quotes, written


@pytest.mark.parametrize(
    "tag",
    [
        *("0", "5", "20260214", "0574186", "0777", "1" * 40),  # whole numbers, octal ones too
        *("1.10", "18.0", "1.", "1.5", "1_000.5", "1._5"),
        *("1e5", "1E5", "1e10", "706798e8", "8e29825", "1e-5", "1.e5", "12e999", "1e_5"),
        *("0x1f", "0X1F", "0o17", "0O17", "0b11", "0B11", "0_x1f", "0x_"),
        *("1_000", "1__"),
        *(
            "y",
            "Y",
            "n",
            "N",
            "yes",
            "Yes",
            "YES",
            "no",
            "on",
            "On",
            "OFF",
            "true",
            "True",
            "FALSE",
            "null",
            "Null",
            "NULL",
        ),
        *("2026-01-02", "2026-1-2"),
        "12:30",
    ],
)
def test_a_tag_that_some_reader_takes_for_something_else_needs_quotes(tag: str) -> None:
    assert needs_quotes(tag)
    assert written(tag, "") == f'"{tag}"'


@pytest.mark.parametrize(
    "tag",
    [
        *("v1", "1.2.3", "8.0.3", "1.27.0-rc.1", "latest", "1f6a4c1", "0bffd43", "91fe4fe", "1e5e", "1.e", "e5"),
        *(
            "0o8",
            "0b2",
            "0x1p-2",
            "0xg",
            "_1",
            "_",
            "1-2",
            "2026-01-02-1",
            "20260102-abc",
            "RELEASE.2018-02-09T22-40-05Z",
        ),
        *("nULL", "yEs", "nan", "inf", "yesterday", "nullable", "on-prem"),
        *("ghcr.io/acme/app:1", "localhost:5000/app:1.10", "sha256:" + "1" * 64),
    ],
)
def test_a_tag_that_every_reader_takes_for_text_stays_plain(tag: str) -> None:
    assert not needs_quotes(tag)
    assert written(tag, "") == tag


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_that_are_there_stay(quote: str) -> None:
    assert written("v1", quote) == f"{quote}v1{quote}"
    assert written("1.10", quote) == f"{quote}1.10{quote}"


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True), st.sampled_from(["1.1", "1.2"]))
@settings(deadline=None)
def test_what_is_written_reads_as_the_same_text_in_both_versions_of_yaml(tag: str, version: str) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    assert yaml.load(f"tag: {written(tag, '')}\n") == {"tag": tag}
