"""The laws of promotion, in whatever order things happen, in memory.

The same few stories are told every time; `UPDATER_LONG_TESTS=N` tells N others.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.helpers.events import delivery
from tests.helpers.promotion_machine import Promotions
from tests.helpers.promotion_world import MODELS, Layout, Memory, handle, kustomization, reconcile

FEW = 60
STORIES = int(os.environ.get("UPDATER_LONG_TESTS", FEW))


class InMemory(Promotions):
    """On a repository and a forge in memory."""

    def made(self, layout: Layout) -> Memory:
        return Memory(layout)


def test_what_waits_behind_an_approved_pull_request_is_proposed_once_that_is_withdrawn() -> None:
    """It waits in no pull request: were it forgotten when the approved one is void, nothing would bring it back."""
    world = Memory(Layout())
    handle(world, [delivery("1.1.0", "a", image=MODELS[1])], 0)
    approved = world.forge.all[1]
    world.forge.approved(1)
    handle(world, [delivery("1.3.0", "a", image=MODELS[1])], 0)
    path = "overlays/pilot/east/model-b/kustomization.yaml"
    world.write("main", {path: kustomization(path, "1.2.0", "a")}, "By hand\n")
    reconcile(world, 0)
    reconcile(world, 1)
    first, second = world.forge.told(1), world.forge.told(2)
    assert (first.state, first.commit) == ("closed", approved.commit)
    assert (second.state, second.title) == ("open", "Deploy model-b 1.3.0 to pilot")


@pytest.mark.slow
@pytest.mark.no_cover
def test_the_laws_of_promotion_hold_whatever_happens() -> None:
    size = settings(max_examples=STORIES, stateful_step_count=30, deadline=None, derandomize=STORIES == FEW)
    run_state_machine_as_test(InMemory, settings=size)
