"""What this version understands and does not keep yet is told, and stops it where that would be unsafe."""

from __future__ import annotations

import pytest

from updater.core.environment import Environment, Follow, Freeze, Hold, NamedEnvironment, Promote, PullRequests, Release
from updater.core.not_yet import not_yet

FOLLOW = (Follow(image="**"),)
PROMOTE = Promote(from_="test")


def named(settings: Environment, *keys: str) -> NamedEnvironment:
    """An environment whose file sets the first key on line 2, the next on line 3, and so on."""
    lines = tuple((key, line) for line, key in enumerate(keys, start=2))
    return NamedEnvironment("test", "environments/test.yaml", "main", settings, lines)


def test_what_is_in_force_is_not_told() -> None:
    settings = Environment(overlays="o", branch="b", entries=("x",), follow=FOLLOW, deliver="commit", verify="parse")
    assert not_yet(named(settings, "overlays", "branch", "entries", "follow", "deliver", "verify")) == ()


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("freeze", Environment(overlays="o", follow=FOLLOW, freeze=(Freeze(from_="a", to="b"),))),
        ("paused", Environment(overlays="o", follow=FOLLOW, paused=True)),
        ("paused", Environment(overlays="o", follow=FOLLOW, paused="broken sensors")),
        ("hold", Environment(overlays="o", follow=FOLLOW, hold=(Hold(service="a", reason="b"),))),
    ],
)
def test_a_safety_setting_that_cannot_be_kept_stops_all_writing(key: str, settings: Environment) -> None:
    (gap,) = not_yet(named(settings, "follow", key))
    assert gap.stops
    assert gap.key == key
    assert str(gap) == (
        f"environments/test.yaml:3: `{key}` is not in force yet in this version, "
        "so nothing is written to test while it is set"
    )


def test_a_pull_request_is_not_quietly_replaced_by_a_commit() -> None:
    (gap,) = not_yet(named(Environment(overlays="o", follow=FOLLOW, deliver="pull-request"), "deliver"))
    assert gap.stops
    assert str(gap).startswith("environments/test.yaml:2: `deliver: pull-request` is not in force yet")


@pytest.mark.parametrize("deliver", ["commit", "pull-request"])
def test_a_promoting_environment_is_told_once_that_nothing_reaches_it(deliver: str) -> None:
    settings = Environment(overlays="o", promote=PROMOTE, deliver=deliver)  # type: ignore[arg-type]
    (gap,) = not_yet(named(settings, "promote", "deliver"))
    assert (gap.key, gap.stops) == ("promote", False)
    assert gap.sentence == "`promote` is not in force yet in this version, so no version reaches test by itself"


def test_what_only_adds_comfort_stops_nothing_and_comes_in_the_order_of_the_file() -> None:
    settings = Environment(
        overlays="o",
        promote=PROMOTE,
        pull_request=PullRequests(),
        release=(Release(service="a", image="b", version="1"),),
    )
    gaps = not_yet(named(settings, "release", "pull-request", "promote"))
    assert [(gap.key, gap.stops) for gap in gaps] == [("release", False), ("pull-request", False), ("promote", False)]


def test_settings_that_are_not_set_or_switched_off_are_not_told() -> None:
    assert not_yet(named(Environment(overlays="o", follow=FOLLOW, paused=False, hold=()), "paused", "hold")) == ()
