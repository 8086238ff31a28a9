"""From pushed images to the entries that follow them: environments, rules, overlays and claims."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.helpers.events import IMAGE, PATH, at, entry, environment, pushed
from updater.core import matching
from updater.core.environment import Follow, NamedEnvironment, Promote
from updater.model import Event

OTHER = "reg.example/models/model-b"


@pytest.mark.parametrize(
    ("events", "earliest"),
    [
        ((pushed("1.0", "a", 5), pushed("1.0", "a", 3), pushed("1.0", "a", 4)), at(3)),
        ((pushed("1.0", "a", 5), pushed("1.0", "a", None, received=9)), at(5)),
        ((pushed("1.0", "a", 5), pushed("1.0", "a", None, received=1)), at(1)),
        ((pushed("1.0", "a", 90, received=60), pushed("1.0", "a", 70, received=65)), at(70)),
        ((pushed("1.0", "a", None, received=9), pushed("1.0", "a", None, received=8)), at(8)),
    ],
    ids=["the earliest told", "told", "seen before it was told", "told by a clock ahead of ours", "the first arrival"],
)
def test_equal_pushes_are_one_with_the_earliest_time_that_any_source_knows(
    events: tuple[Event, ...], earliest: object
) -> None:
    assert [event.time for event in matching.merge(events)] == [earliest]


def test_what_is_merged_does_not_depend_on_the_order_even_among_equal_times() -> None:
    events = [pushed("1.0", "a", source="z"), pushed("1.0", "a", source="y"), pushed("1.0", "a", source="y", id="id-0")]
    for order in permutations(events):
        assert matching.merge(order) == (events[2],)


def test_of_equal_times_the_one_that_a_sender_told_counts() -> None:
    told, seen = pushed("1.0", "a", 9, source="z"), pushed("1.0", "a", None, received=9, source="a")
    assert matching.merge([seen, told]) == matching.merge([told, seen]) == (told,)


def test_pushes_that_differ_in_image_tag_or_digest_stay_apart_and_are_sorted() -> None:
    events = (pushed("1.0"), pushed("1.0", "a"), pushed("1.0", "b"), pushed("1.1"), pushed("1.0", image=OTHER))
    assert matching.merge(reversed(events)) == events


def test_the_first_rule_whose_image_matches_decides_alone() -> None:
    first, second = Follow(image="reg.example/models/*-a", tags="^v"), Follow(image="reg.example/models/*")
    test = environment(follow=(first, second))
    of_a, of_b = matching.followed([test], [pushed("1.0"), pushed("1.0", image=OTHER), pushed("1.1")], {})
    assert (of_a.image, of_a.rule.follow, [event.version.tag for event in of_a.events]) == (
        IMAGE,
        first,
        ["1.0", "1.1"],
    )
    assert (of_b.image, of_b.rule.follow, [event.version.tag for event in of_b.events]) == (OTHER, second, ["1.0"])
    assert of_a.rule.refusal("1.0") is not None


def test_every_environment_that_follows_an_image_gets_it_and_no_other() -> None:
    environments = [environment("test"), environment("edge"), environment("web", image="reg.example/web/*")]
    found = matching.followed(environments, [pushed("1.0")], {})
    assert [match.environment.name for match in found] == ["test", "edge"]


# What waits


def test_what_waits_is_seen_by_its_own_environment_alone() -> None:
    environments = [environment("test"), environment("edge")]
    found = matching.followed(environments, [pushed("1.1")], {"edge": [pushed("1.0")], "gone": [pushed("0.9")]})
    assert [(match.environment.name, [each.version.tag for each in match.events]) for match in found] == [
        ("test", ["1.1"]),
        ("edge", ["1.0", "1.1"]),
    ]
    (alone,) = matching.followed(environments, [], {"edge": [pushed("1.0")]})
    assert alone.environment.name == "edge"


def test_what_waits_and_comes_again_is_one_push_with_its_earliest_time() -> None:
    (match,) = matching.followed([environment()], [pushed("1.0", "a", 9)], {"test": [pushed("1.0", "a", 3)]})
    assert [event.time for event in match.events] == [at(3)]


def test_what_waits_and_is_followed_no_longer_is_left_alone() -> None:
    assert matching.followed([environment(image="reg.example/web/*")], [], {"test": [pushed("1.0")]}) == ()


# Under which order


def test_a_rule_is_found_by_the_image() -> None:
    test = environment(follow=(Follow("reg.example/*/model-a", order="semver"), Follow("reg.example/**")))
    found = [matching.rule_for(test, image) for image in (IMAGE, OTHER, "elsewhere.example/x")]
    assert [each and each.follow.order for each in found] == ["semver", "pushed", None]


def promoting(name: str, *sources: str) -> NamedEnvironment:
    return environment(name, follow=(), promote=Promote(from_=sources))


@pytest.mark.parametrize(
    ("name", "image", "order"),
    [
        ("test", IMAGE, "semver"),
        ("staging", IMAGE, "semver"),
        ("production", IMAGE, "semver"),
        ("production", OTHER, "numerical"),
        ("production", "elsewhere.example/x", "pushed"),
        ("test", OTHER, "pushed"),
    ],
)
def test_a_promoting_environment_takes_the_order_of_those_at_its_root(name: str, image: str, order: str) -> None:
    known = {
        each.name: each
        for each in (
            environment("test", follow=(Follow(IMAGE, order="semver"),)),
            environment("canary", follow=(Follow(OTHER, order="numerical"),)),
            promoting("staging", "test", "canary"),
            promoting("production", "staging"),
        )
    }
    assert matching.order_of(known, name, image).follow.order == order


def test_the_order_of_a_copy_is_that_of_the_image_under_its_name_at_the_root() -> None:
    copies = {"reg.example/models/*": "prod.example/models/*"}
    known = {
        "test": environment("test", follow=(Follow("reg.example/models/*", order="semver"),)),
        "prod": environment("prod", follow=(), promote=Promote(from_="test", images=copies)),
    }
    assert matching.order_of(known, "prod", "prod.example/models/model-a").follow.order == "semver"
    assert matching.order_of(known, "prod", "other.example/models/model-a").follow.order == "pushed"


def test_a_source_that_is_not_there_orders_nothing() -> None:
    known = {"staging": promoting("staging", "gone")}
    assert matching.order_of(known, "staging", IMAGE).follow.order == "pushed"


# Which entries


@pytest.mark.parametrize(
    ("globs", "path", "place"),
    [
        ("overlays/test/{service}", PATH, ("overlays/test/model-a", "model-a")),
        ("overlays/test/*", PATH, ("overlays/test/model-a", "model-a")),
        ("{service}/overlays/test", "model-a/overlays/test/kustomization.yml", ("model-a/overlays/test", "model-a")),
        ("clusters/{cluster}/{service}/x", "clusters/eu/a/x/Kustomization", ("clusters/eu/a/x", "a")),
        ("apps/{service=**}", "apps/kustomization.yaml", ("apps", "apps")),
        (("one/*", "two/{service}/*"), "two/a/b/kustomization.yaml", ("two/a/b", "a")),
        ("overlays/test/{service}", "overlays/staging/model-a/kustomization.yaml", None),
        ("overlays/test/{service}", "overlays/test/kustomization.yaml", None),
        ("*", "kustomization.yaml", None),
    ],
)
def test_the_service_is_what_the_glob_captures_else_the_last_folder(
    globs: str | tuple[str, ...], path: str, place: tuple[str, str] | None
) -> None:
    assert matching.overlay(environment(overlays=globs), path) == place


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ((), ["app", "app-canary", "web"]),
        (("app*",), ["app", "app-canary"]),
        (("*-canary",), ["app-canary"]),
        (("!*-canary",), ["app", "web"]),
        (("app*", "!*-canary"), ["app"]),
        (("!*-canary", "app*"), ["app"]),
        (("APP",), []),
    ],
)
def test_entries_narrow_an_environment_and_an_exclamation_mark_excludes(
    globs: tuple[str, ...], names: list[str]
) -> None:
    test = environment(entries=globs)
    assert [name for name in ("app", "app-canary", "web") if matching.claims(test, entry(name=name))] == names


def test_targets_are_the_claimed_entries_that_follow_the_image() -> None:
    mine, other, canary = entry("1.0"), entry(name=OTHER, index=1), entry(name=f"{IMAGE}-canary", index=2)
    elsewhere = entry("1.0", path="overlays/staging/model-a/kustomization.yaml")
    test = environment(branch="env/test", entries=("!*-canary",))
    (found,) = matching.targets(test, IMAGE, (mine, other, canary, elsewhere))
    assert (found.environment, found.service, found.branch) == ("test", "model-a", "env/test")
    assert (found.overlay, found.entry, found.standing) == ("overlays/test/model-a", mine, None)
    assert matching.targets(test, canary.name, (canary,)) == ()


def test_entries_are_sorted_by_environment_service_file_list_and_index() -> None:
    tenth, second = entry(index=10), entry(index=2)
    places = [matching.place(found) for found in matching.targets(environment(), IMAGE, (tenth, second))]
    assert sorted(places) == [
        ("test", "model-a", PATH, "images", 2),
        ("test", "model-a", PATH, "images", 10),
    ]
