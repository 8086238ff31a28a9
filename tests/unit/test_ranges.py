"""Ranges of semantic versions: the syntax of Helm and Flux, and where pre-releases belong."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from updater.core.orders import semver
from updater.core.ranges import parse_range

# range, versions in it, versions outside it
RANGES = [
    ("*", "0.0.0 1.2.3 99.0.0", ""),
    ("x", "0.0.0 1.2.3", ""),
    ("~*", "0.0.1 1.2.3", ""),
    ("^*", "0.0.1 1.2.3", ""),
    (">=*", "0.0.1 1.2.3", ""),
    ("1.2.3", "1.2.3 v1.2.3 1.2.3+build", "1.2.2 1.2.4"),
    ("=1.2.3", "1.2.3", "1.2.2 1.2.4"),
    ("v1.2.3", "1.2.3", "1.2.4"),
    ("1.2.3+build", "1.2.3", "1.2.4"),
    ("1.2", "1.2.0 1.2.99", "1.1.9 1.3.0"),
    ("=1.2", "1.2.0 1.2.99", "1.1.9 1.3.0"),
    ("1", "1.0.0 1.99.0", "0.9.0 2.0.0"),
    ("1.x", "1.0.0 1.99.0", "0.9.9 2.0.0"),
    ("1.X.x", "1.0.0 1.99.0", "0.9.9 2.0.0"),
    ("1.2.*", "1.2.0 1.2.99", "1.1.9 1.3.0"),
    ("1.*.3", "1.0.0 1.99.0", "2.0.0"),
    ("!=1.2.3", "1.2.2 1.2.4", "1.2.3"),
    ("!=1.2", "1.1.9 1.3.0", "1.2.0 1.2.3"),
    ("!=1.x", "0.9.0 2.0.0", "1.0.0 1.9.9"),
    (">1.2.3", "1.2.4 2.0.0", "1.2.3 1.2.2"),
    (">1.2", "1.3.0", "1.2.0 1.2.9"),
    (">1", "2.0.0", "1.0.0 1.9.9"),
    (">=1.2.3", "1.2.3 9.0.0", "1.2.2"),
    (">=1.2", "1.2.0 9.0.0", "1.1.9"),
    ("=>1.2", "1.2.0", "1.1.9"),
    ("<1.2.3", "0.0.0 1.2.2", "1.2.3"),
    ("<1.2", "1.1.9", "1.2.0 1.2.1"),
    ("<2", "1.9.9", "2.0.0"),
    ("<=1.2.3", "1.2.3 0.0.1", "1.2.4"),
    ("<=1.2", "1.2.0 1.2.9", "1.3.0"),
    ("=<1.2", "1.2.9", "1.3.0"),
    ("<=1", "1.9.9", "2.0.0"),
    ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
    ("~1.2", "1.2.0 1.2.9", "1.1.0 1.3.0"),
    ("~1", "1.0.0 1.9.9", "0.9.0 2.0.0"),
    ("~1.x", "1.0.0 1.9.9", "2.0.0"),
    ("~0.2.3", "0.2.3 0.2.9", "0.3.0"),
    ("~>1.2.3", "1.2.9", "1.3.0"),
    ("~> 1.2", "1.2.9", "1.3.0"),
    ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
    ("^1.2", "1.2.0 1.9.0", "1.1.9 2.0.0"),
    ("^1", "1.0.0 1.9.0", "0.9.0 2.0.0"),
    ("^1.x", "1.0.0 1.9.0", "2.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
    ("^0.2", "0.2.0 0.2.9", "0.3.0"),
    ("^0.0.3", "0.0.3", "0.0.2 0.0.4"),
    ("^0.0.0", "0.0.0", "0.0.1"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("^0", "0.0.0 0.9.9", "1.0.0"),
    ("1.2 - 2.3.4", "1.2.0 2.3.4", "1.1.9 2.3.5"),
    ("1.2.3 - 2", "1.2.3 2.9.9", "1.2.2 3.0.0"),
    ("v1.2  -  v2.3", "1.2.0 2.3.9", "2.4.0"),
    ("1 - 2, 1.5 - 4", "1.5.0 2.9.0", "1.4.0 3.0.0"),
    ("1 - 2 !=1.5.0", "1.4.0", "1.5.0"),
    ("1 - 2 || 4 - 5", "2.9.0 4.0.0", "3.0.0 6.0.0"),
    (">=1.0.0 <2", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    (">=1.0.0,<2", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    ("  >= 1.0.0 ,\t<  2 ", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    (">=1.1 <2 !=1.2.3", "1.2.2 1.2.4", "1.0.9 1.2.3 2.0.0"),
    (">=1.1, <2, !=1.2.3 || > 3", "1.1.0 4.0.0", "1.2.3 2.0.0 3.0.0 3.9.9"),
    ("1.x||>=3", "1.9.0 3.0.0", "2.0.0"),
    (">=2025.07.01", "2025.07.01 2025.10.1", "2025.06.30"),
    (">2 <1", "", "0.9.0 1.5.0 3.0.0"),
]


def contains(text: str, version: str, prereleases: bool = False) -> bool:
    key = semver(version)
    assert key is not None
    return parse_range(text).contains(key, prereleases)


@pytest.mark.parametrize(("text", "inside", "outside"), RANGES)
def test_a_range_has_the_meaning_it_has_in_helm_and_flux(text: str, inside: str, outside: str) -> None:
    assert [version for version in inside.split() if not contains(text, version)] == []
    assert [version for version in outside.split() if contains(text, version)] == []


@pytest.mark.parametrize(("text", "inside", "outside"), RANGES)
def test_letting_in_prereleases_changes_nothing_for_releases(text: str, inside: str, outside: str) -> None:
    assert [version for version in inside.split() if not contains(text, version, prereleases=True)] == []
    assert [version for version in outside.split() if contains(text, version, prereleases=True)] == []


@pytest.mark.parametrize("text", [text for text, _, _ in RANGES])
def test_a_range_that_names_no_prerelease_lets_none_in_by_itself(text: str) -> None:
    candidates = ("0.0.1-0", "1.2.3-rc.1", "1.2.4-rc.1", "1.5.0-alpha", "2.0.0-rc.1", "4.0.0-rc.1")
    assert not any(contains(text, version) for version in candidates)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.0.0-0", "1.0.0-0 1.0.0-rc.1 1.0.0 1.5.0-alpha 2.0.0-rc.1", "0.9.9-rc.1"),
        (">=1-0", "1.0.0-alpha 1.5.0-alpha", "0.9.0-alpha"),
        ("*-0", "0.0.0-0 1.2.3-alpha.1", ""),
        ("1.x-0", "1.0.0-alpha 1.9.0-alpha", "2.0.0-0 2.0.0-alpha"),
        ("^1.2.0-0", "1.2.0-0 1.3.0-alpha", "1.1.0 2.0.0-rc.1"),
        ("^1.2.0-alpha.2", "1.2.0-alpha.2 1.2.0-alpha.10 1.2.0-beta", "1.2.0-alpha.1"),
        ("^0.2.3-beta.2", "0.2.3-beta.4 0.2.4-beta.2", "0.3.0-0 0.3.4-beta.2"),
        ("~1.2.3-beta.2", "1.2.3-beta.4 1.2.4-beta.2 1.2.3", "1.2.3-beta.1 1.3.0-beta.2"),
        ("~1.1-alpha", "1.1.0-alpha 1.1.1-beta", "1.2.0-alpha"),
        ("1.2.3-rc.1", "1.2.3-rc.1", "1.2.3 1.2.3-rc.1.0 1.2.3-rc.2"),
        ("!=1.2.3-rc.1", "1.2.3-rc.2 1.2.3-rc.0 1.2.3", "1.2.3-rc.1"),
        (">1.2.3-rc.1", "1.2.3-rc.1.0 1.2.3-rc.2 1.2.3", "1.2.3-rc.1 1.2.3-rc.0"),
        ("<=1.2.3-rc.1", "1.2.3-rc.1 1.2.3-beta 1.2.2", "1.2.3-rc.1.0 1.2.3"),
        ("<1.2.3-rc.1", "1.2.3-rc.0 1.0.0-alpha", "1.2.3-rc.1 1.2.3"),
        ("1.0.0-alpha - 1.0.0", "1.0.0-alpha 1.0.0-rc.1 1.0.0", "1.0.1-alpha"),
        (">=1.0.0-beta <2", "1.5.0-rc.1", "2.0.0-rc.1 1.0.0-alpha"),
        (">=1.0.0 <2.0.0-rc.3", "1.5.0-rc.1 2.0.0-rc.1", "1.0.0-rc.1 2.0.0-rc.3"),
    ],
)
def test_a_group_that_names_a_prerelease_lets_in_those_between_its_ends(text: str, inside: str, outside: str) -> None:
    assert [version for version in inside.split() if not contains(text, version)] == []
    assert [version for version in outside.split() if contains(text, version)] == []


def test_a_prerelease_in_one_group_lets_none_into_another() -> None:
    assert contains(">=1.0.0-0 <2 || >=3", "1.5.0-rc.1")
    assert not contains(">=1.0.0-0 <2 || >=3", "3.5.0-rc.1")
    assert contains(">=1.0.0-0 <2 || >=3", "3.5.0-rc.1", prereleases=True)


@pytest.mark.parametrize("text", ["<2.0.0", "<2", "^1.2", "^1.2.3", "~1", "1.x", "<=1", "1 - 1", "!=2.x", "!=2 <3"])
def test_what_ends_before_a_version_keeps_out_its_prereleases_too(text: str) -> None:
    assert contains(text, "1.9.0-rc.1", prereleases=True)
    assert not contains(text, "2.0.0-0", prereleases=True)
    assert not contains(text, "2.0.0-rc.1", prereleases=True)


@pytest.mark.parametrize("text", [">=2.0.0", ">=2", "^2", "~2.0", "2.x", "=2.0.0"])
def test_what_begins_at_a_release_begins_after_its_prereleases(text: str) -> None:
    assert not contains(text, "2.0.0-rc.1", prereleases=True)
    assert contains(text, "2.0.0", prereleases=True)


@pytest.mark.parametrize(
    ("text", "version"), [("*", "0.0.0-0"), ("!=2.0.0", "2.0.0-rc.1"), ("<=2.0.0", "2.0.0-rc.1"), (">1", "2.0.0-rc.1")]
)
def test_elsewhere_plain_precedence_holds_for_prereleases(text: str, version: str) -> None:
    assert contains(text, version, prereleases=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "write `*` for all versions"),
        ("   ", "write `*` for all versions"),
        ("1.x ||", "one side of `||`"),
        ("|| 1.x", "one side of `||`"),
        ("1.x | 2.x", "'|' in the range '1.x | 2.x' is no comparison"),
        ("foo", "'foo' in the range"),
        (">= bar", "'>=bar' in the range"),
        (">=1.0.0<2.0.0", "is no comparison"),
        ("12.3.34~ 1.2.3", "is no comparison"),
        ("1.2.3.4", "is no comparison"),
        ("1.2.3-01", "is no comparison"),
        ("1.2.3-", "is no comparison"),
        ("1..2", "is no comparison"),
        ("== 1.2", "is no comparison"),
        ("vv1.2", "is no comparison"),
        ("vv1 - 2", "is no comparison"),
        ("<> 1.2", "is no comparison"),
        ("> > 1.2", "is no comparison"),
        (">=1.0,", "'' in the range"),
        (">=1.0,,<2", "'' in the range"),
        (">=1 && <2", "'&&' in the range"),
        ("1.2 -2", "'-2' in the range"),
        (">=1 - 2", "'-' in the range"),
        ("1 - 2 - 3", "'-' in the range"),
        ("\u0661.2.3", "is no comparison"),
        ("9" * 5_000, "is no comparison"),
        (">*", "matches no version at all"),
        ("<x", "matches no version at all"),
        ("!=*", "matches no version at all"),
    ],
)
def test_a_range_that_cannot_be_read_is_refused_with_the_piece_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_range(text)


def test_a_range_keeps_the_text_that_its_author_wrote() -> None:
    assert parse_range(" >=1.0.0  <2").text == " >=1.0.0  <2"


small = st.integers(0, 1)
prereleases = st.none() | st.lists(st.sampled_from(["0", "1", "10", "a", "b", "-"]), min_size=1, max_size=3).map(
    ".".join
)
versions = st.builds(Version, small, small, small, prereleases)


@given(versions, versions)
def test_comparisons_with_a_whole_version_follow_precedence(limit: Version, version: Version) -> None:
    def holds(operator: str) -> bool:
        return parse_range(f"{operator}{limit}").contains(version, prereleases=True)

    before_its_release = version.finalize_version() == limit and bool(version.prerelease)
    assert holds("=") == (version == limit)
    assert holds("!=") == (version != limit)
    assert holds(">") == (version > limit)
    assert holds(">=") == (version >= limit)
    assert holds("<=") == (version <= limit)
    assert holds("<") == (version < limit and not before_its_release)


@given(versions, st.sampled_from(["1", "0", "1.0", "0.x", "1.0.1", "1.0.0-a"]))
def test_greater_is_the_opposite_of_less_or_equal_and_nothing_equals_what_it_does_not(
    version: Version, limit: str
) -> None:
    def holds(operator: str) -> bool:
        return parse_range(f"{operator}{limit}").contains(version, prereleases=True)

    assert holds(">") != holds("<=")
    assert not (holds("=") and holds("!="))
    assert version.prerelease or holds("=") != holds("!=")


@given(st.text(alphabet="0123456789.xv*<>=!~^|, -+ab", max_size=30))
def test_any_text_is_a_range_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_range(text).text == text
