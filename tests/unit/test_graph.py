"""The promotion graph: what it reaches, and every way in which it can be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core import graph
from updater.core.environment import Environment, Follow, Promote

RULE = Follow(image="reg.example/models/*", order="semver")


def root(*rules: Follow) -> Environment:
    return Environment(overlays="o/{service}", follow=rules or (RULE,))


def after(*names: str) -> Environment:
    return Environment(overlays="o/{service}", promote=Promote(from_=names[0] if len(names) == 1 else names))


def messages(environments: dict[str, Environment], broken: tuple[str, ...] = ()) -> list[tuple[str, str | None, str]]:
    return [(fault.environment, fault.source, fault.message) for fault in graph.faults(environments, broken)]


def test_a_following_environment_has_no_sources_and_a_promoting_one_those_that_it_names() -> None:
    assert graph.sources(root()) == ()
    assert graph.sources(after("test")) == ("test",)
    assert graph.sources(after("canary", "test")) == ("canary", "test")


def test_the_roots_are_where_all_chains_end() -> None:
    environments = {"t": root(), "u": root(), "s": after("t"), "p": after("s", "u")}
    assert graph.roots(environments, "p") == ("t", "u")
    assert graph.roots(environments, "s") == ("t",)
    assert graph.roots(environments, "t") == ("t",)


def test_roots_pass_over_names_that_do_not_exist_and_end_in_circles() -> None:
    assert graph.roots({"a": after("b", "ghost"), "b": after("a")}, "a") == ()


def test_a_chain_with_waves_and_joins_has_no_fault() -> None:
    waves = {"test": root(), "canary": after("test"), "eu": after("canary"), "us": after("canary")}
    assert graph.faults({**waves, "rest": after("eu", "us", "test")}) == ()


def test_an_unknown_source_is_named_with_a_near_miss() -> None:
    (fault,) = graph.faults({"test": root(), "staging": after("tset")})
    assert (fault.environment, fault.source, fault.hint) == ("staging", "tset", "did you mean `test`?")
    assert fault.message == "`staging` promotes from an environment that does not exist: 'tset'"


def test_an_unknown_source_is_not_mistaken_for_the_environment_itself() -> None:
    (fault,) = graph.faults({"staging": after("stagin")})
    assert fault.hint == "an environment is a file in environments/, and named like it"


def test_a_source_named_twice_is_told_of_once() -> None:
    assert len(graph.faults({"staging": after("ghost", "ghost")})) == 1


def test_an_environment_that_promotes_from_itself_is_a_fault() -> None:
    assert messages({"a": after("a")}) == [("a", "a", "`a` promotes from itself")]


def test_a_circle_is_told_at_each_of_its_environments_in_the_order_of_the_arrows() -> None:
    environments = {"a": after("b"), "b": after("c"), "c": after("a")}
    assert messages(environments) == [
        ("a", "b", "`promote.from` leads in a circle: a -> b -> c -> a"),
        ("b", "c", "`promote.from` leads in a circle: b -> c -> a -> b"),
        ("c", "a", "`promote.from` leads in a circle: c -> a -> b -> c"),
    ]


def test_the_shortest_of_several_circles_is_told() -> None:
    environments = {"a": after("b"), "b": after("c", "a"), "c": after("a")}
    assert ("a", "b", "`promote.from` leads in a circle: a -> b -> a") in messages(environments)


def test_what_hangs_on_a_circle_is_told_that_its_source_is_broken() -> None:
    found = messages({"a": after("b"), "b": after("a"), "leaf": after("a"), "test": root()})
    assert found[-1] == ("leaf", "a", "`leaf` promotes from `a`, which is broken itself")
    assert len(found) == 3


def test_a_broken_source_breaks_the_whole_chain_behind_it_and_nothing_else() -> None:
    environments = {"q": after("p"), "p": after("s"), "s": after("t"), "other": root(), "o2": after("other")}
    assert messages(environments, ("t",)) == [
        ("p", "s", "`p` promotes from `s`, which is broken itself"),
        ("q", "p", "`q` promotes from `p`, which is broken itself"),
        ("s", "t", "`s` promotes from `t`, which is broken itself"),
    ]
    assert graph.faults(environments, ("t",))[-1].hint == "mend environments/t.yaml first"


def test_every_bad_source_of_one_environment_is_told() -> None:
    found = messages({"a": after("a", "ghost", "broken", "test"), "test": root()}, ("broken",))
    assert [source for _, source, _ in found] == ["a", "ghost", "broken"]


@pytest.mark.parametrize(
    "other",
    [
        Follow(image="reg.example/models/*", order="pushed"),
        Follow(image="reg.example/models/*", order="semver", tags="^v(?P<key>.+)"),
    ],
)
def test_roots_that_order_versions_differently_are_a_fault(other: Follow) -> None:
    (fault,) = graph.faults({"t": root(), "u": root(other), "s": after("t", "u")})
    assert (fault.environment, fault.source) == ("s", None)
    assert fault.message == "`s` gets its versions from `t` and `u`, whose `follow` rules order tags differently"
    assert fault.hint == "give them rules with the same `image`, `order` and `tags`"


def test_roots_that_disagree_far_down_are_found_where_their_chains_meet() -> None:
    environments = {"t": root(), "u": root(Follow(image="**")), "a": after("t"), "b": after("u"), "c": after("a", "b")}
    assert [fault.environment for fault in graph.faults({**environments, "d": after("c")})] == ["c", "d"]


@pytest.mark.parametrize(
    "other",
    [
        (Follow(image="reg.example/models/*", order="semver", range="<2", pin="tag"),),
        (Follow(image="reg.example/other/*", order="semver"), Follow(image="**", order="semver")),
    ],
)
def test_roots_agree_whatever_else_they_say_if_they_order_every_image_alike(other: tuple[Follow, ...]) -> None:
    assert graph.faults({"t": root(), "u": root(*other), "s": after("t", "u")}) == ()


def test_roots_with_several_orders_agree_only_rule_by_rule() -> None:
    web = Follow(image="reg.example/web/*", order="pushed")
    assert graph.faults({"t": root(RULE, web), "u": root(RULE, web), "s": after("t", "u")}) == ()
    assert len(graph.faults({"t": root(RULE, web), "u": root(web, RULE), "s": after("t", "u")})) == 1


def test_roots_with_several_orders_for_unlike_images_are_a_fault() -> None:
    one = root(Follow(image="a/*", order="semver"), Follow(image="**"))
    other = root(Follow(image="a/b", order="semver"), Follow(image="**"))
    assert len(graph.faults({"t": one, "u": other, "s": after("t", "u")})) == 1


def test_a_long_chain_needs_no_deep_stack() -> None:
    chain = {"e0": root(), **{f"e{n}": after(f"e{n - 1}") for n in range(1, 1500)}}
    assert graph.roots(chain, "e1499") == ("e0",)
    assert graph.faults({name: chain[name] for name in list(chain)[-50:]}, ("e1449",))[0].environment == "e1450"


NAMES = st.sampled_from("abcdef")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(lambda names: after(*names) if names else root()))


@given(GRAPHS, st.sets(NAMES, max_size=2))
def test_what_has_no_fault_reaches_only_sound_environments_and_a_root(
    environments: dict[str, Environment], broken: set[str]
) -> None:
    broken -= environments.keys()
    faulty = {fault.environment for fault in graph.faults(environments, broken)}
    assert faulty <= environments.keys()
    sound = environments.keys() - faulty
    for name in sound:
        assert set(graph.sources(environments[name])) <= sound
        assert graph.roots(environments, name)


def test_stages_follow_the_way_of_a_version_and_else_the_alphabet() -> None:
    environments = {
        "production": after("staging", "canary"),
        "canary": after("test"),
        "staging": after("test"),
        "test": root(),
        "a": root(),
    }
    assert graph.stages(environments) == ("a", "test", "canary", "staging", "production")
    assert graph.stages({"alone": after("gone")}) == ("alone",)
