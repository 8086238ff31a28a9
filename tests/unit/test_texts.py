"""Any text survives being written into YAML, whoever reads it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from updater.config import document
from updater.core.texts import plain_or_quoted, quoted

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text("ab1 _.-:#?,[]{}'\"\\!&*%@|>=~<\n\t\r", max_size=8),
    st.from_regex(r"[0-9yYnN0_.:xobeEfZ+-]{1,10}", fullmatch=True),
)


@pytest.mark.parametrize(
    "text",
    [
        "model-a", "INC-42", "1.4.0", "2026-12-01", "rolled back twice", "acme/model-a", "it's late", "a#b", "C",
        "größer", "모델", "v1", "1.4.0-rc.1", "_", "a  b", "a - b", "50% (of 3)", 'say "no"',
    ],
)  # fmt: skip
def test_a_text_that_everybody_reads_as_a_text_stays_plain(text: str) -> None:
    assert plain_or_quoted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", " a", "a ", "-", "- a", "-a", "?", "? a", ":", "a:", "a: b", "host:5000/a", "a # b", "#a", "a, b",
        "{a}", "[a]", "*", "*-canary", "&a", "!a", "|", ">", "'a", "%a", "@a", "`a", "=", "<<", "~", "null", "yes",
        "Off", "y", "true", "1", "1.4", "0574", "1e5", "0x1f", "1_000", "12:30", "2026-1-2", "2026-02-30", "+1",
        ".5", ".inf", "-1", "a?b", "---",
    ],
)  # fmt: skip
def test_a_text_that_some_reader_takes_for_something_else_gets_quotes(text: str) -> None:
    assert plain_or_quoted(text) == f'"{text}"'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('"', '"\\""'),
        ("a\\b:", '"a\\\\b:"'),
        ("a\nb", '"a\\nb"'),
        ("a\tb", '"a\\tb"'),
        ("\x00\x1b[31m\x7f", '"\\u0000\\u001b[31m\\u007f"'),
        ("a\x85b\u2028c\u2029d", '"a\\u0085b\\u2028c\\u2029d"'),
        ("\ufeffa\u202eb\u00a0", '"\\ufeffa\\u202eb\\u00a0"'),
        ("😀: 한국어", '"😀: 한국어"'),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, written: str) -> None:
    assert plain_or_quoted(text) == written


@given(texts)
@settings(max_examples=150, deadline=None)
def test_quotes_give_json_as_well_as_yaml(text: str) -> None:
    assert json.loads(quoted(text)) == text


@given(texts)
@settings(max_examples=150, deadline=None)
def test_every_reader_gives_the_text_back(text: str) -> None:
    written = plain_or_quoted(text)
    whole = f"- {written} # c\n- {{a: {written}, b: [{written}]}}\n- a:   {written}\n"
    expected = [text, {"a": text, "b": [text]}, {"a": text}]
    assert document.read(whole).value == expected
    assert days_as_texts(reader((1, 1)).load(whole)) == expected
    assert days_as_texts(reader((1, 2)).load(whole)) == expected


def reader(version: tuple[int, int]) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml


def days_as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: days_as_texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [days_as_texts(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
