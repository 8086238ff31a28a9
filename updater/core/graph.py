"""The promotion graph: which environment takes its versions from which, and where that cannot work.

An arrow leads from an environment to each one that its `promote.from` names. All ways along the arrows
must end at environments that follow a registry (the roots): a promotion compares versions by their order.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TypeAlias

from updater.core.environment import Environment

Environments: TypeAlias = Mapping[str, Environment]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why `environment` cannot promote; `source` is the name in its `promote.from` at fault, if it is one alone."""

    environment: str
    source: str | None
    message: str
    hint: str


def sources(environment: Environment) -> tuple[str, ...]:
    """The environments that this one promotes from, as written."""
    if environment.promote is None:
        return ()
    names = environment.promote.from_
    return (names,) if isinstance(names, str) else names


def roots(environments: Environments, name: str) -> tuple[str, ...]:
    """The environments at the ends of all ways from `name` (itself, if it promotes from none), sorted.

    Names that do not exist, and circles, have no roots.
    """
    seen, waiting = {name}, [name]
    while waiting:
        new = {source for source in sources(environments[waiting.pop()]) if source in environments} - seen
        seen |= new
        waiting += new
    return tuple(sorted(each for each in seen if environments[each].promote is None))


def stages(environments: Environments) -> tuple[str, ...]:
    """The names in the order in which a version passes through: each after those it promotes from, else by name.

    The environments have no circle.
    """
    known = {name: set(sources(environment)) & environments.keys() for name, environment in environments.items()}
    waiting = TopologicalSorter(known)
    waiting.prepare()
    order: list[str] = []
    while waiting:
        ready = sorted(waiting.get_ready())
        order += ready
        waiting.done(*ready)
    return tuple(order)


def faults(environments: Environments, broken: Collection[str] = ()) -> tuple[Fault, ...]:
    """Whatever keeps an environment from promoting, sorted by the environment's name.

    `broken` are the names of environments whose files cannot be used. An environment that promotes from
    one of these, or from one that has a fault itself, has a fault.
    """
    circles = {
        (name, source): way
        for name, environment in environments.items()
        for source in sources(environment)
        if (way := _way(environments, source, name))
    }
    arrows = {name: [s for s in sources(each) if (name, s) not in circles] for name, each in environments.items()}
    useless = set(broken)
    found: list[Fault] = []
    for name in TopologicalSorter(arrows).static_order():
        if name in environments:
            new = [*_bad_sources(environments, name, circles, useless)] or [*_disagreement(environments, name)]
            found += new
            useless |= {fault.environment for fault in new}
    return tuple(sorted(found, key=lambda fault: fault.environment))


def _way(environments: Environments, start: str, end: str) -> tuple[str, ...] | None:
    """The shortest way along the arrows, both ends included."""
    before: dict[str, str | None] = {start: None}
    waiting = deque([start])
    while waiting and end not in before:
        here = waiting.popleft()
        for source in sources(environments[here]) if here in environments else ():
            if source not in before:
                before[source] = here
                waiting.append(source)
    if end not in before:
        return None
    way: list[str] = []
    step: str | None = end
    while step is not None:
        way.append(step)
        step = before[step]
    return tuple(reversed(way))


def _bad_sources(
    environments: Environments,
    name: str,
    circles: Mapping[tuple[str, str], tuple[str, ...]],
    useless: Collection[str],
) -> Iterator[Fault]:
    for source in dict.fromkeys(sources(environments[name])):
        if source == name:
            yield Fault(name, source, f"`{name}` promotes from itself", "name the environment before it")
        elif (name, source) in circles:
            circle = " -> ".join((name, *circles[name, source]))
            yield Fault(name, source, f"`promote.from` leads in a circle: {circle}", "take one of these arrows out")
        elif source in useless:
            hint = f"mend environments/{source}.yaml first"
            yield Fault(name, source, f"`{name}` promotes from `{source}`, which is broken itself", hint)
        elif source not in environments:
            yield _unknown(environments, name, source)


def _unknown(environments: Environments, name: str, source: str) -> Fault:
    near = difflib.get_close_matches(source[:80], sorted(set(environments) - {name}), n=1)
    hint = f"did you mean `{near[0]}`?" if near else "an environment is a file in environments/, and named like it"
    return Fault(name, source, f"`{name}` promotes from an environment that does not exist: {source[:80]!r}", hint)


def _disagreement(environments: Environments, name: str) -> Iterator[Fault]:
    first, *others = roots(environments, name)
    for other in others:
        if not _agree(environments[first], environments[other]):
            message = (
                f"`{name}` gets its versions from `{first}` and `{other}`, whose `follow` rules order tags differently"
            )
            yield Fault(name, None, message, "give them rules with the same `image`, `order` and `tags`")
            return


def _agree(one: Environment, other: Environment) -> bool:
    """Whether both order every image alike: rule by rule, or because all rules have one order."""
    orders = {(rule.order, rule.tags) for rule in (*one.follow, *other.follow)}
    return len(orders) == 1 or _orders(one) == _orders(other)


def _orders(environment: Environment) -> tuple[tuple[str, str, str | None], ...]:
    return tuple((rule.image, rule.order, rule.tags) for rule in environment.follow)
