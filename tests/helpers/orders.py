"""A repository in which people order things: test follows the registry, staging promotes from it by pull request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tests.helpers.events import at
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeRepository, StoppedClock, environment_file, overlay, sight
from updater.by_hand.overruling import Holding, Releasing, make_hold, make_release
from updater.by_hand.promotion import Wish as Promotion
from updater.by_hand.promotion import make_promotion
from updater.by_hand.rollback import Wish as Rollback
from updater.by_hand.rollback import planner
from updater.decoders import generic
from updater.forge import PullRequest
from updater.model import Delivery, Version
from updater.pipeline import Parts, Report, handle, perform, reconcile
from updater.planning import Plan
from updater.proposing import ordering
from updater.proposing.carrying_out import Settled
from updater.proposing.drafting import Order
from updater.sight import Sight

TEST_FILE = "environments/test.yaml"
STAGING_FILE = "environments/staging.yaml"
STAGING = "overlays: overlays/staging/{service}\npromote: {from: test}\ndeliver: pull-request\n"
HEAD = "updater/staging/model-a"
SETTINGS = "updater/staging/@settings"


def path(service: str = "model-a", environment: str = "staging") -> str:
    """The kustomization of a service."""
    return f"overlays/{environment}/{service}/kustomization.yaml"


class Orders:
    """Things happen one minute after the other, beginning an hour after noon; 1 stands everywhere."""

    def __init__(self, staging: str = STAGING, files: dict[str, str] | None = None, **branches: dict[str, str]) -> None:
        first = {**environment_file(order="numerical"), STAGING_FILE: staging}
        for environment in ("test", "staging"):
            for service in ("model-a", "model-b"):
                first |= overlay("1", "1", environment=environment, service=service)
        self.repository = FakeRepository({"main": {**first, **(files or {})}, **branches}, since=-9)
        self.clock = StoppedClock(at(60))
        self.forge = FakeForge(self.repository, self.clock.now)
        self.verify = sight(self.repository).verify

    def tick(self, minutes: float = 1) -> None:
        """Time passes."""
        self.clock.time += timedelta(minutes=minutes)

    @property
    def parts(self) -> Parts:
        """What works on it, a minute later."""
        self.tick()
        made = replace(sight(self.repository, self.verify, self.clock), forge=lambda: self.forge)
        return Parts(made, {"generic": generic.decode}, lambda _tries: None)

    def commit(self, files: dict[str, str], branch: str = "main", message: str = "by hand\n") -> str:
        """Alice pushes a commit."""
        self.tick()
        minutes = (self.clock.time - at(0)).total_seconds() / 60
        sha = self.repository.commit(branch, files, message, minutes)
        self.repository.refresh()
        return sha

    def push(self, *deliveries: Delivery) -> Report:
        """Images are pushed; test takes them."""
        self.repository.refresh()
        return handle(self.parts, deliveries)

    def reconcile(self) -> Report:
        """Automation looks at everything."""
        return reconcile(self.parts)

    def order(self, make: Callable[[Sight], Plan], order: Order) -> Settled:
        """A person orders something, by pull request."""
        self.repository.refresh(frozenset(self.repository.remote))
        parts = self.parts
        return ordering.propose(parts.sight, parts.pause, lambda: make(parts.sight), order)

    def back(
        self, *globs: str, to: str | None = None, reason: str | None = None, deliver: str | None = None
    ) -> Settled:
        """A rollback of staging."""
        wish = Rollback("staging", globs or ("model-a",), to, None, reason)
        return self.order(planner(wish), Order("staging", reason, deliver=deliver))

    def hold(self, *globs: str, reason: str = "INC-42") -> Settled:
        """A hold in staging."""
        wish = Holding("staging", globs or ("model-a",), reason)
        return self.order(lambda sight: make_hold(sight, wish), Order("staging", reason))

    def release(self, *globs: str, version: str | None = None) -> Settled:
        """A release in staging."""
        wish = Releasing("staging", globs or ("model-a",), None, None, version)
        return self.order(lambda sight: make_release(sight, wish), Order("staging"))

    def promote(
        self, *globs: str, version: Version | None = None, force: bool = False, reason: str | None = None
    ) -> Settled:
        """A promotion to staging, by pull request."""
        wish = Promotion("staging", globs or ("model-a",), version, None, reason, force)
        return self.order(lambda sight: make_promotion(sight, wish), Order("staging", reason, force))

    def perform(self, wish: Promotion) -> Report:
        """A promotion by commit."""
        self.repository.refresh(frozenset(self.repository.remote))
        parts = self.parts
        return perform(parts, lambda: make_promotion(parts.sight, wish))

    @property
    def open(self) -> list[PullRequest]:
        """The pull requests that are open."""
        return list(self.forge.acting("eve").opened())

    def message(self, branch: str = HEAD) -> str:
        """The text of the newest commit of a branch."""
        return self.repository.commits[self.repository.remote[branch]].message

    def stands(self, branch: str = "main", service: str = "model-a", environment: str = "staging") -> str:
        """What stands in the file of a service."""
        return self.repository.on_remote(branch, path(service, environment))
