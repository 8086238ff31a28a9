"""What servers ask for in `WWW-Authenticate`: read as RFC 9110 has it, and never more than is there."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.challenges import Challenge, best, read

WORDS = st.text(alphabet=f"{string.ascii_letters}{string.digits}!#$%&'*+.^_`|~-", min_size=1, max_size=12)
TEXTS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ('Basic realm="registry"', [Challenge("basic", {"realm": "registry"})]),
        ("bearer Realm=plain , SERVICE = x", [Challenge("bearer", {"realm": "plain", "service": "x"})]),
        (
            'Bearer realm="https://auth.example/token",service="a, b",scope="repository:acme/a:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.example/token",
                        "service": "a, b",
                        "scope": "repository:acme/a:pull,push",
                    },
                )
            ],
        ),
        (
            'Negotiate YWJj==, Basic realm="x", , Digest',
            [Challenge("negotiate"), Challenge("basic", {"realm": "x"}), Challenge("digest")],
        ),
        (r'Basic realm="a \"b\" \\c"', [Challenge("basic", {"realm": r'a "b" \c'})]),
        ("Basic realm=first, realm=second", [Challenge("basic", {"realm": "first"})]),
        ("realm=nobody's, Basic", [Challenge("basic")]),
        ('Basic realm="x" é Bearer', [Challenge("basic", {"realm": "x"})]),
        ('Basic realm="never closed', [Challenge("basic")]),
        ("", []),
        ("=", []),
        ("é", []),
    ],
)
def test_challenges_are_read_up_to_where_they_make_no_sense(header: str, challenges: list[Challenge]) -> None:
    assert read(header) == challenges


def test_a_header_that_is_longer_than_any_honest_one_is_not_read() -> None:
    assert read("Basic realm=x") != []
    assert read(f"Basic realm={'x' * 9_000}") == []


@given(WORDS, st.dictionaries(WORDS.map(str.lower), TEXTS, max_size=4))
def test_what_was_written_as_the_grammar_has_it_is_read_back(scheme: str, parameters: dict[str, str]) -> None:
    quoted = [name + '="' + text.replace("\\", r"\\").replace('"', r"\"") + '"' for name, text in parameters.items()]
    header = f"{scheme} {', '.join(quoted)}"
    assert read(header) == [Challenge(scheme.lower(), parameters)]


@given(st.text(max_size=200))
def test_no_header_is_too_bad_to_be_read(header: str) -> None:
    for challenge in read(header):
        assert challenge.scheme.lower() in header.lower()


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        ('Basic realm="a", Bearer realm="https://a/"', "bearer"),
        ('Negotiate, Basic realm="a"', "basic"),
        ('Bearer, Basic realm="a"', "basic"),
        ("Basic", "basic"),
        ("Bearer service=x", None),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_token_server_is_met_before_a_password_and_other_kinds_never(header: str, scheme: str | None) -> None:
    found = best(header)
    assert (found and found.scheme) == scheme
