"""Where images were built from goes with them through the environments, and no registry is asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, delivery, pushed
from tests.helpers.promoted import HEAD, World, following, standing, world
from updater import as_json
from updater.by_hand.timeline import Record, history
from updater.core.messages import Line, Told, commit_message, told
from updater.model import Origin, Version
from updater.sight import Sight

REPOSITORY = "https://github.com/acme/model-a"
OLDER, NEWER = "8b2d4f0" + "0" * 33, "3fa9c1e" + "0" * 33
BUILT = {"2": Origin(REPOSITORY, OLDER), "3": Origin(REPOSITORY, NEWER, "3.0", at(-60))}
TRAILER = f"Updater-Source: {REPOSITORY} {NEWER} 3.0 2026-11-20T11:00:00Z"
COMPARED = f"{REPOSITORY}/compare/{OLDER}...{NEWER}"


def landed(ours: World, environment: str, tag: str, branch: str = "main") -> str:
    """A push of which the registry told the source lands in an environment."""
    ours.later(1)
    push = replace(pushed(tag), origin=BUILT[tag])
    message = commit_message(environment, "model-a", [Line(IMAGE, Version("1"), push.version, push, push.origin)])
    minutes = (ours.clock.time - at(0)).total_seconds() / 60
    return ours.repository.commit(branch, standing(environment, tag), message, minutes)


@pytest.fixture
def promoted() -> World:
    """Version 2 stands in both environments and 3 in test, from which it is proposed as #1."""
    ours = world()
    landed(ours, "test", "2")
    landed(ours, "staging", "2")
    landed(ours, "test", "3")
    ours.reconcile()
    return ours


def records(sight: Sight, environment: str) -> list[Record]:
    sight.repository.refresh()
    return history(sight, environment, ("model-a",), 99)[0]


def test_a_promotion_tells_the_source_that_the_environment_before_knows(promoted: World) -> None:
    text = promoted.pull().body
    commit = f"[github.com/acme/model-a at 3fa9c1e]({REPOSITORY}/commit/{NEWER})"
    assert f"- `model-a` `3`: {commit} ([compare]({COMPARED})), version 3.0, built 2026-11-20 11:00 UTC\n" in text


def test_a_promotion_keeps_the_source_in_its_commit_and_tells_what_changed(promoted: World) -> None:
    message = promoted.repository.commits[promoted.pull().commit].message
    assert f"\n{TRAILER}\n" in message
    assert f"{IMAGE}: 2 -> 3\n  changes: {COMPARED}\n" in message


def test_a_squash_of_the_pull_request_keeps_the_source_by_its_text(promoted: World) -> None:
    pull = promoted.pull()
    squashed = f"{pull.title} (#1)\n\n{pull.body}\n"
    assert told(squashed, IMAGE, Version("3")) == Told("generic/id-1", at(0), BUILT["3"])


def test_a_pass_later_nothing_has_changed(promoted: World) -> None:
    before = promoted.quiet()
    promoted.reconcile()
    promoted.elsewhere().reconcile()
    assert promoted.quiet() == before


def test_a_proposal_of_a_push_is_told_from_its_own_commit_when_it_is_planned_again() -> None:
    ours = following()
    ours.handle(delivery("2"))
    commit = ours.repository.commits[ours.pull().commit]
    ours.repository.commits[ours.pull().commit] = replace(commit, message=f"{commit.message}{TRAILER}\n")
    ours.commit(standing("staging", "1", "model-z"))
    ours.reconcile()
    assert f"- `model-a` `2`: [github.com/acme/model-a at 3fa9c1e]({REPOSITORY}/commit/{NEWER})" in ours.pull().body
    assert ours.open == {HEAD: "Deploy model-a 2 to staging"}


def test_history_tells_the_source_and_what_changed_since_the_version_before(promoted: World) -> None:
    newest, older, first = records(promoted.parts.sight, "test")
    assert (newest.origin, newest.origin_before) == (BUILT["3"], BUILT["2"])
    assert (older.origin_before, first.origin) == (None, None)
    assert as_json.record(newest)["source"] == {
        "url": REPOSITORY,
        "revision": NEWER,
        "version": "3.0",
        "created": "2026-11-20T11:00:00Z",
        "link": f"{REPOSITORY}/commit/{NEWER}",
        "compare": COMPARED,
    }
    assert as_json.record(first)["source"] is None


def test_a_version_that_somebody_puts_back_was_built_where_it_was_the_first_time(promoted: World) -> None:
    promoted.stand("test", "2")
    newest = records(promoted.parts.sight, "test")[0]
    assert (newest.landing.origin, newest.origin, newest.origin_before) == (None, BUILT["2"], BUILT["3"])
    assert as_json.record(newest)["source"] == {
        "url": REPOSITORY,
        "revision": OLDER,
        "version": None,
        "created": None,
        "link": f"{REPOSITORY}/commit/{OLDER}",
        "compare": f"{REPOSITORY}/compare/{NEWER}...{OLDER}",
    }
