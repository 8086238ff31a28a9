"""A gate's result goes to the commits that landed what stands in a service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE
from tests.helpers.fake_repository import images
from tests.helpers.promoted import OTHER, World, standing, world
from updater.by_hand.reporting import Posted, post
from updater.by_hand.services import refresh
from updater.errors import ForgeRefused, UsageError
from updater.forge import GATES, Status
from updater.model import Outcome
from updater.protocols import Catalog
from updater.sight import Sight, no_forge


def posted(made: World, service: str = "model-a", context: str = "smoke", commit: str | None = None) -> list[Posted]:
    sight = made.parts.sight
    refresh(sight)
    return post(sight, "test", service, Status(context, "success", made.clock.now(), "fine"), commit)


def contexts(made: World, commit: str) -> dict[str, str]:
    return {name: status.state for name, status in made.forge.reports.get(commit, {}).items()}


def test_it_goes_to_the_commit_that_landed_what_stands_there() -> None:
    made = world()
    made.stand("test", "2")
    newest = made.stand("test", "3")
    made.commit({"README": "x"})
    (place,) = posted(made)
    assert (place.commit, contexts(made, newest)) == (newest, {"smoke": "success"})
    assert [(target.overlay, landing.version.tag) for target, landing in place.landed] == [
        ("overlays/test/model-a", "3")
    ]


def test_it_opens_the_gate_that_asked_for_it() -> None:
    made = world()
    settings = made.repository.on_remote("main", "environments/staging.yaml")
    made.commit({"environments/staging.yaml": f"{settings}".replace("from: test", "from: test\n  statuses: [smoke]")})
    made.stand("test", "2")
    assert [each.outcome for each in made.reconcile().decisions] == [Outcome.WAITING]
    posted(made)
    assert [each.outcome for each in made.reconcile().decisions] == [Outcome.PROPOSED]


def test_a_version_that_came_back_is_reported_where_it_came_back() -> None:
    made = world()
    for tag in ("2", "1"):
        made.stand("test", tag)
    again = made.stand("test", "2")
    assert [place.commit for place in posted(made)] == [again]


def test_each_image_of_a_service_has_a_commit_of_its_own() -> None:
    made = world()
    path = "overlays/test/model-a/kustomization.yaml"
    first = made.commit({path: images((IMAGE, "1", None), (OTHER, "7", None))})
    second = made.commit({path: images((IMAGE, "2", None), (OTHER, "7", None))})
    assert {place.commit for place in posted(made)} == {first, second}


def test_entries_that_came_together_are_reported_once() -> None:
    made = world()
    both = made.commit({**standing("test", "2"), **standing("test", "2", "model-b")})
    (place,) = posted(made, "model-*")
    assert (place.commit, [target.service for target, _ in place.landed]) == (both, ["model-a", "model-b"])
    assert made.forge.counted("report") == 1


def test_it_goes_to_the_commit_that_is_named() -> None:
    made = world()
    first = made.stand("test", "2")
    made.stand("test", "3")
    assert posted(made, commit=first) == [Posted(first)]
    assert contexts(made, first) == {"smoke": "success"}


@pytest.mark.parametrize("commit", [None, "c0ffee"])
def test_a_service_that_is_not_there_is_told_and_nothing_posted(commit: str | None) -> None:
    made = world()
    with pytest.raises(UsageError, match="test has no service modle-a"):
        posted(made, "modle-a", commit=commit)
    assert made.forge.calls == []


def test_where_no_version_stands_there_is_nothing_to_report() -> None:
    made = world()
    made.commit({"overlays/test/model-a/kustomization.yaml": images((IMAGE, None, None), ("PLACEHOLDER", "x", None))})
    with pytest.raises(UsageError, match="no version stands in model-a in test") as caught:
        posted(made)
    assert caught.value.hint == "give --commit to report on a commit of your choice"


@pytest.mark.parametrize("known", [0, 1])
def test_a_history_that_does_not_tell_is_an_error(known: int) -> None:
    made = world()
    made.stand("test", "2")
    sight = made.parts.sight
    refresh(sight)
    made.repository.landings = forgetting(sight, known)  # type: ignore[method-assign]
    with pytest.raises(UsageError, match="history does not tell which commit brought 2 of model-a in test"):
        post(sight, "test", "model-a", Status("smoke", "success", made.clock.now()))
    assert made.forge.calls == []


def forgetting(sight: Sight, known: int):  # type: ignore[no-untyped-def]
    """History that has forgotten all but the first few landings."""
    catalog: Catalog = sight.catalog
    told = catalog.landings
    return lambda branch, tip, entries: [landings[:known] for landings in told(branch, tip, entries)]


def test_our_own_status_is_not_for_others_to_report() -> None:
    made = world()
    with pytest.raises(UsageError, match="updater/gates is what the updater itself reports"):
        posted(made, context=GATES)
    assert made.forge.calls == []


def test_a_commit_that_the_forge_does_not_know_is_its_refusal() -> None:
    with pytest.raises(ForgeRefused):
        posted(world(), commit="0" * 40)


def test_without_a_forge_there_is_nowhere_to_report() -> None:
    made = world()
    sight = replace(made.parts.sight, forge=no_forge)
    refresh(sight)
    with pytest.raises(UsageError, match="no forge is known"):
        post(sight, "test", "model-a", Status("smoke", "success", made.clock.now()))
