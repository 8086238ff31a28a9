"""A rule, compiled: what it follows, what it refuses and why, and the one order of versions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.environment import Follow, OrderName
from updater.core.rules import Rule, RuleError, compile_rule
from updater.model import Version

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EARLIER = NOON - timedelta(hours=1)
DIGEST = "sha256:" + "a" * 64
HIGHER_DIGEST = "sha256:" + "b" * 64


def rule(order: OrderName = "pushed", **settings: Any) -> Rule:
    return compile_rule(Follow(image="reg.example/acme/*", order=order, **settings))


def newer(a_rule: Rule, one: str, other: str) -> bool:
    """Whether tag `one` is newer than `other`, all else being equal."""
    return a_rule.rank(Version(one), NOON) > a_rule.rank(Version(other), NOON)


def test_a_rule_follows_the_repositories_that_its_image_pattern_matches() -> None:
    assert rule().follows("reg.example/acme/model-a")
    assert not rule().follows("reg.example/other/model-a")
    assert compile_rule(Follow(image="acme/*")).follows("docker.io/acme/app")


def test_a_rule_is_compiled_once() -> None:
    assert rule("semver", range="1.x") is rule("semver", range="1.x")


def test_rules_that_are_written_alike_have_the_same_name_and_no_others() -> None:
    assert rule("semver", range="1.x").name == rule("semver", range="1.x").name
    assert rule("semver", range="1.x").name != rule("semver", range="2.x").name


@pytest.mark.parametrize(
    ("order", "settings", "tag", "reason"),
    [
        ("pushed", {"tags": "^v"}, "1.4.0", "tag 1.4.0 does not contain '^v'"),
        ("pushed", {"tags": "-gpu"}, "1.4.0-gpu.2", None),
        ("pushed", {"ignore": ("^latest$", "-debug$")}, "1.4.0-debug", "tag 1.4.0-debug is ignored by '-debug$'"),
        ("pushed", {"ignore": ("^latest$", "-debug$")}, "1.4.0", None),
        ("pushed", {"tags": "^v", "ignore": ("x",)}, "x", "tag x does not contain '^v'"),
        ("pushed", {}, "anything", None),
        ("pushed", {"tags": r"^main-(?P<key>\d+)?"}, "main-", None),
        ("semver", {}, "latest", "tag latest is not a semantic version"),
        ("semver", {}, "v1.4.0", None),
        ("semver", {}, "1.4.0-rc.1", "tag 1.4.0-rc.1 is a pre-release"),
        ("semver", {"prereleases": True}, "0.0.0-0", None),
        ("semver", {"range": ">=1.0.0 <2"}, "3.0.0", "tag 3.0.0 is outside >=1.0.0 <2"),
        ("semver", {"range": ">=1.0.0 <2"}, "1.4.0", None),
        ("semver", {"range": ">=1.0.0 <2"}, "1.4.0-rc.1", "tag 1.4.0-rc.1 is a pre-release"),
        ("semver", {"range": ">=1.0.0 <2"}, "3.0.0-rc.1", "tag 3.0.0-rc.1 is outside >=1.0.0 <2"),
        ("semver", {"range": ">=1.0.0-0 <2"}, "1.4.0-rc.1", None),
        ("semver", {"range": "<2", "prereleases": True}, "1.4.0-rc.1", None),
        ("semver", {"range": "<2", "prereleases": True}, "2.0.0-rc.1", "tag 2.0.0-rc.1 is outside <2"),
        ("semver", {"tags": "^main-(?P<key>.+)$"}, "main-1.4.0", None),
        ("semver", {"tags": "^main-(?P<key>.+)$"}, "main-x", "'x' in tag main-x is not a semantic version"),
        ("semver", {"tags": "^main-(?P<key>.+)$", "range": "<1"}, "main-1.4.0", "tag main-1.4.0 is outside <1"),
        ("numerical", {}, "1.4.0", "tag 1.4.0 is not a number"),
        ("numerical", {"tags": r"^main-[0-9a-f]+-(?P<key>\d+)$"}, "main-1e5-1700", None),
        (
            "numerical",
            {"tags": r"^main-(?P<key>\d+)?"},
            "main-",
            r"tag main- has nothing in the group `key` of '^main-(?P<key>\\d+)?'",
        ),
        ("alphabetical", {}, "whatever", None),
        ("alphabetical", {"tags": "^(?P<key>.*)-x$"}, "a", "tag a does not contain '^(?P<key>.*)-x$'"),
    ],
)
def test_a_tag_that_may_not_land_is_refused_with_a_reason(
    order: OrderName, settings: dict[str, Any], tag: str, reason: str | None
) -> None:
    assert rule(order, **settings).refusal(tag) == reason


@pytest.mark.parametrize(
    ("order", "settings", "older", "younger"),
    [
        ("semver", {}, "1.9.0", "1.10.0"),
        ("semver", {}, "1.4.0-rc.1", "v1.4.0"),
        ("semver", {"tags": "^main-(?P<key>.+)$"}, "main-9.0.0", "main-10.0.0"),
        ("numerical", {}, "9", "10"),
        ("numerical", {"tags": r"-(?P<key>\d+)$"}, "f00-9", "a00-10"),
        ("alphabetical", {}, "2026-11-20", "2026-11-21"),
        ("alphabetical", {"tags": r"-(?P<key>\d+)$"}, "b-20261120", "a-20261121"),
    ],
)
def test_the_key_decides_what_is_newer_whenever_it_was_pushed(
    order: OrderName, settings: dict[str, Any], older: str, younger: str
) -> None:
    a_rule = rule(order, **settings)
    assert a_rule.rank(Version(younger), EARLIER) > a_rule.rank(Version(older, DIGEST), NOON)


@pytest.mark.parametrize(
    ("order", "settings", "standing", "candidate"),
    [
        ("semver", {}, "latest", "0.0.1"),
        ("numerical", {}, "latest", "0"),
        ("semver", {"tags": "^main-(?P<key>.+)$"}, "2.0.0", "main-1.0.0"),
        ("alphabetical", {"tags": "^[0-9]{8}$"}, "latest", "20261120"),
        ("alphabetical", {"tags": "^(?P<key>[0-9]{8})$"}, "latest", "20261120"),
        ("semver", {}, None, "0.0.1"),
        ("alphabetical", {}, None, "a"),
    ],
)
def test_a_standing_tag_that_the_rule_cannot_order_is_older_than_every_tag_it_can(
    order: OrderName, settings: dict[str, Any], standing: str | None, candidate: str
) -> None:
    a_rule = rule(order, **settings)
    assert a_rule.rank(Version(candidate), EARLIER) > a_rule.rank(Version(standing, HIGHER_DIGEST), NOON)


@pytest.mark.parametrize(
    ("settings", "standing"),
    [
        ({"range": "<2"}, "3.0.0"),
        ({"ignore": ("-debug$",)}, "1.9.0-debug"),
        ({"tags": "^v"}, "1.9.0"),
        ({"prereleases": False}, "2.0.0-rc.1"),
    ],
)
def test_a_standing_tag_that_may_not_land_again_is_still_not_replaced_by_an_older_one(
    settings: dict[str, Any], standing: str
) -> None:
    a_rule = rule("semver", **settings)
    assert a_rule.refusal(standing) is not None
    assert newer(a_rule, standing, "v1.4.0")


@pytest.mark.parametrize("settings", [{}, {"tags": "^main-"}, {"tags": "^main-(?P<key>.)"}, {"ignore": ("^x$",)}])
@pytest.mark.parametrize("standing", ["x", "main-0", None])
def test_by_push_time_the_later_push_wins_whatever_the_tags_are(settings: dict[str, Any], standing: str | None) -> None:
    a_rule = rule("pushed", **settings)
    assert a_rule.rank(Version("main-1"), NOON) > a_rule.rank(Version(standing, DIGEST), EARLIER)
    assert a_rule.rank(Version("main-1", DIGEST), EARLIER) < a_rule.rank(Version(standing), NOON)


@pytest.mark.parametrize("order", ["pushed", "semver", "numerical", "alphabetical"])
def test_between_equal_keys_the_push_time_decides_then_the_digest(order: OrderName) -> None:
    a_rule = rule(order)
    steps = [
        a_rule.rank(Version("1", None), None),
        a_rule.rank(Version("1", DIGEST), None),
        a_rule.rank(Version("1", HIGHER_DIGEST), EARLIER),
        a_rule.rank(Version("1", None), NOON),
        a_rule.rank(Version("1", DIGEST), NOON),
        a_rule.rank(Version("1", HIGHER_DIGEST), NOON),
    ]
    assert sorted(reversed(steps)) == steps
    assert len(set(steps)) == len(steps)


def test_tags_with_equal_keys_that_were_pushed_together_have_one_order() -> None:
    assert newer(rule("semver"), "v1.4.0", "1.4.0")
    assert newer(rule("pushed"), "latest", "1.4.0")


RULES = [
    rule("pushed"),
    rule("semver"),
    rule("semver", range="1.x", tags="^v?(?P<key>.+)$"),
    rule("numerical", tags="(?P<key>[0-9]+)?$"),
    rule("alphabetical", tags="^[a-z]"),
]
tags = (
    st.none()
    | st.sampled_from(["1.0.0", "v1.0.0", "1", "1.0.0-rc.1", "2", "2.0", "latest", "a", "b-7"])
    | st.text(max_size=3)
)
times = st.none() | st.sampled_from([EARLIER, NOON]) | st.datetimes(timezones=st.just(UTC))
candidates = st.tuples(
    st.builds(Version, tags, st.none() | st.sampled_from([DIGEST, HIGHER_DIGEST])),
    times,
)


@given(st.sampled_from(RULES), candidates, candidates, candidates)
def test_ranks_are_a_total_order(
    a_rule: Rule,
    one: tuple[Version, datetime | None],
    two: tuple[Version, datetime | None],
    three: tuple[Version, datetime | None],
) -> None:
    a, b, c = (a_rule.rank(*candidate) for candidate in (one, two, three))
    assert (a < b) + (a == b) + (a > b) == 1
    assert (a < b) == (b > a)
    assert not (a <= b <= c) or a <= c


@given(st.sampled_from(RULES), candidates, candidates)
def test_only_equal_versions_pushed_at_the_same_time_have_equal_ranks(
    a_rule: Rule, one: tuple[Version, datetime | None], two: tuple[Version, datetime | None]
) -> None:
    def told(candidate: tuple[Version, datetime | None]) -> tuple[object, ...]:
        version, pushed_at = candidate
        return (version.tag or "", version.digest, pushed_at)

    assert (a_rule.rank(*one) == a_rule.rank(*two)) == (told(one) == told(two))


@given(st.sampled_from(RULES), st.lists(candidates, min_size=1, max_size=4))
def test_the_best_candidate_does_not_depend_on_who_came_first(
    a_rule: Rule, batch: list[tuple[Version, datetime | None]]
) -> None:
    winners = {
        (version.tag or "", version.digest, pushed_at)
        for version, pushed_at in (max(order, key=lambda each: a_rule.rank(*each)) for order in permutations(batch))
    }
    assert len(winners) == 1


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"image": "reg.example/{a}/{a}"}, "image", "captures {a} twice"),
        ({"image": "*"}, "image", "names a host alone"),
        ({"order": "semver", "range": ">>1"}, "range", "'>>1' in the range '>>1' is no comparison"),
        ({"order": "semver", "range": ""}, "range", "write `*` for all versions"),
        ({"range": "1.x"}, "range", "is for `order: semver`, not for `order: pushed`"),
        ({"order": "numerical", "range": ""}, "range", "not for `order: numerical`"),
        ({"order": "alphabetical", "prereleases": True}, "prereleases", "not for `order: alphabetical`"),
        ({"tags": "("}, "tags", "'(' is not a regular expression: missing )"),
        ({"tags": "a{99999999999999999999}"}, "tags", "is not a regular expression"),
        ({"tags": "(" * 5_000 + ")" * 5_000}, "tags", "is not a regular expression"),
        ({"ignore": ("fine", "*bad")}, "ignore", "'*bad' is not a regular expression: nothing to repeat"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_and_names_its_key(
    settings: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(RuleError, match=re.escape(message)) as raised:
        compile_rule(Follow(**{"image": "reg.example/acme/*", **settings}))
    assert raised.value.key == key


ENDLESS = "a" * 100 + "_"


@pytest.mark.parametrize("expressions", [{"tags": "^(a|aa)+$"}, {"ignore": ("^(a|aa)+$",)}])
def test_an_expression_that_backtracks_without_end_is_given_up(expressions: dict[str, Any]) -> None:
    assert "too long" in str(rule(**expressions).refusal(ENDLESS))


def test_what_is_compared_of_a_tag_on_which_the_expression_does_not_end_is_not_known() -> None:
    assert rule("alphabetical", tags="^(?P<key>(a|aa)+)$").key(ENDLESS) is None
