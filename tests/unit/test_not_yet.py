"""What this version understands and does not keep yet is told, and stops it where that would be unsafe."""

from __future__ import annotations

from dataclasses import fields

import pytest

from updater.core.environment import (
    Environment,
    Follow,
    Freeze,
    Hold,
    NamedEnvironment,
    Promote,
    PullRequests,
    Release,
    key_of,
)
from updater.core.not_yet import not_yet

PROMOTE = Promote(from_="test")


def named(settings: Environment, *keys: str) -> NamedEnvironment:
    """An environment whose file sets the first key on line 2, the next on line 3, and so on."""
    lines = tuple((key, line) for line, key in enumerate(keys, start=2))
    return NamedEnvironment("test", "environments/test.yaml", "main", settings, lines)


def test_what_is_in_force_is_not_told() -> None:
    settings = Environment(
        overlays="o",
        branch="b",
        entries=("x",),
        follow=(Follow(image="**"),),
        deliver="commit",
        verify="parse",
        freeze=(Freeze(from_="2026-12-20", to="2027-01-03"),),
        paused="broken sensors",
        hold=(Hold(service="a", reason="b"),),
        release=(Release(service="a", image="b", version="1"),),
    )
    keys = (key_of(each.name) for each in fields(Environment) if each.name not in ("promote", "pull_request"))
    assert not_yet(named(settings, *keys)) == ()


def test_a_pull_request_is_not_quietly_replaced_by_a_commit() -> None:
    (gap,) = not_yet(named(Environment(overlays="o", follow=(Follow(image="**"),), deliver="pull-request"), "deliver"))
    assert gap.stops
    assert gap.key == "deliver"
    assert str(gap) == (
        "environments/test.yaml:2: `deliver: pull-request` is not in force yet in this version, "
        "so nothing is written to test while it is set"
    )


@pytest.mark.parametrize("deliver", ["commit", "pull-request"])
def test_a_promoting_environment_is_told_once_that_nothing_reaches_it(deliver: str) -> None:
    settings = Environment(overlays="o", promote=PROMOTE, deliver=deliver)  # type: ignore[arg-type]
    (gap,) = not_yet(named(settings, "promote", "deliver"))
    assert (gap.key, gap.stops) == ("promote", False)
    assert gap.sentence == "`promote` is not in force yet in this version, so no version reaches test by itself"


def test_what_only_adds_comfort_stops_nothing_and_comes_in_the_order_of_the_file() -> None:
    settings = Environment(overlays="o", promote=PROMOTE, pull_request=PullRequests())
    gaps = not_yet(named(settings, "pull-request", "promote"))
    assert [(gap.key, gap.stops) for gap in gaps] == [("pull-request", False), ("promote", False)]
    assert str(gaps[0]) == (
        "environments/test.yaml:2: `pull-request` is not in force yet in this version, so it has no effect"
    )
