"""Pushes, deliveries and entries with few words. What a test does not name is the same everywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from updater.core.environment import Environment, Follow, NamedEnvironment, OrderName
from updater.core.history import first_pushed
from updater.core.holds import folded
from updater.core.matching import Followed
from updater.core.rules import Rule, compile_rule
from updater.model import Delivery, Entry, Event, Landing, Past, Standing, Target, Version
from updater.protocols import Ranking

IMAGE = "reg.example/models/model-a"
PATH = "overlays/test/model-a/kustomization.yaml"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def digest(letter: str) -> str:
    """A digest of one hexadecimal digit."""
    return "sha256:" + letter * 64


def pushed(
    tag: str,
    letter: str | None = None,
    minutes: float | None = 0,
    *,
    image: str = IMAGE,
    source: str = "generic",
    id: str = "id-1",
    received: float = 60,
) -> Event:
    """A push `minutes` after noon, None where the sender does not tell; `letter` is that of its digest."""
    version = Version(tag, None if letter is None else digest(letter))
    return Event(source, id, image, version, at(received), None if minutes is None else at(minutes))


def delivery(
    tag: str | None, letter: str | None = None, minutes: float | None = 0, *, image: str = IMAGE, id: str = "id-1"
) -> Delivery:
    """The same as a source of the updater's own format would send it, an hour after noon."""
    told = {
        "image": image,
        "tag": tag,
        "digest": None if letter is None else digest(letter),
        "pushed_at": None if minutes is None else at(minutes).isoformat(),
        "id": id,
    }
    body = json.dumps({key: value for key, value in told.items() if value is not None})
    return Delivery("generic", body.encode(), at(60))


def entry(
    tag: str | None = None, letter: str | None = None, *, name: str = IMAGE, index: int = 0, path: str = PATH
) -> Entry:
    """An entry of `images:` that follows the image it is named after."""
    version = Version(tag, None if letter is None else digest(letter))
    return Entry(path, "images", index, name, name, version, line=2 + index)


def target(tag: str | None = None, letter: str | None = None, since: float | None = None) -> Target:
    """An entry in the environment test, standing since so many minutes after noon, None if that is not known."""
    standing = None if since is None else Standing("c0ffee", at(since), at(since))
    return Target("test", "model-a", "main", "overlays/test/model-a", entry(tag, letter), Past(standing))


def environment(
    name: str = "test", *, branch: str = "main", image: str = "reg.example/models/*", **settings: Any
) -> NamedEnvironment:
    """An environment that follows `image` into `overlays/<name>/{service}`, if its settings do not say otherwise."""
    settings = {"overlays": f"overlays/{name}/{{service}}", "follow": (Follow(image=image),), **settings}
    return NamedEnvironment(name, f"environments/{name}.yaml", branch, Environment(**settings))


def following(*events: Event, **rule: Any) -> Followed:
    """These pushes of one image, as the environment test follows them by one rule."""
    follow = Follow(image="reg.example/models/*", **rule)
    return Followed(environment(follow=(follow,)), compile_rule(follow), IMAGE, events)


def rule(order: OrderName = "pushed", **more: Any) -> Rule:
    """A rule with this order."""
    return compile_rule(Follow(image="reg.example/models/*", order=order, **more))


def landing(
    tag: str | None,
    letter: str | None = None,
    minutes: float = 0,
    *,
    landed: float | None = None,
    commit: str = "c0ffee0",
    author: str = "alice",
) -> Landing:
    """A version that was pushed so many minutes after noon and landed then, too, if it does not say otherwise."""
    version = Version(tag, None if letter is None else digest(letter))
    return Landing(version, commit, author, at(minutes if landed is None else landed), at(minutes))


def recalled(order: Ranking, *landings: Landing) -> Past:
    """What is told of an entry in which these landed, oldest first."""
    pasts = [past for _, _, past in folded(landings, order)]
    return replace(pasts[-1] if pasts else Past(), stood=first_pushed(landings))


@st.composite
def stories(draw: st.DrawFn, letters: str) -> list[Landing]:
    """What people and events may do to one entry at honest times: each version was pushed once, before it landed.

    Digests are of these letters; `-` is for none.
    """
    first: dict[tuple[str, str], float] = {}
    found: list[Landing] = []
    for now in range(10, 10 + 10 * draw(st.integers(1, 8)), 10):
        tag, letter = draw(st.sampled_from(["1.0", "1.1", "2.0", "latest"])), draw(st.sampled_from(letters))
        minutes = first.setdefault((tag, letter), now - draw(st.integers(0, 25)))
        found.append(landing(tag, letter.strip("-") or None, minutes, landed=now, commit=f"at-{now}"))
    return found
