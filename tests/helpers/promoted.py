"""Environments in memory that deliver by pull request: what people do there, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.helpers.events import IMAGE, at
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeRepository, StoppedClock, agree, environment_file, images, overlay, sight
from updater import pipeline
from updater.core import waiting
from updater.core.changes import Verify
from updater.core.kustomization import entries
from updater.decoders import generic
from updater.forge import GATES, PullRequest, Status
from updater.model import Decision, Delivery, Outcome
from updater.pipeline import Parts, Report
from updater.protocols import Memo
from updater.registry import Registries
from updater.sight import Render, unrendered

HEAD = "updater/staging/model-a"
OTHER = "reg.example/models/model-b"
READING = ("opened", "settled", "statuses")
"""The calls of a forge that change nothing."""


def promoting(*more: str, name: str = "staging", source: str = "test") -> dict[str, str]:
    """An environment that promotes by pull request, with more lines of its file, by path."""
    lines = (f"overlays: overlays/{name}/{{service}}", *more)
    lines += ("promote:", f"  from: {source}", "deliver: pull-request") if "deliver: commit" not in more else (
        "promote:", f"  from: {source}")  # fmt: skip
    return {f"environments/{name}.yaml": "\n".join([*lines, ""])}


def standing(environment: str, tag: str | None, service: str = "model-a", letter: str | None = None) -> dict[str, str]:
    """The overlay of a service with that tag."""
    return overlay(tag, letter, environment=environment, service=service)


@dataclass
class World:
    """A repository with its forge, and a replica of the updater that works on it. A minute goes by with each act."""

    repository: FakeRepository
    forge: FakeForge
    clock: StoppedClock
    verify: Verify = agree
    memo: Memo = field(default_factory=set[str])
    render: Render = unrendered
    registries: Registries | None = None

    @property
    def parts(self) -> Parts:
        """What the updater works with."""
        made = sight(self.repository, self.verify, self.clock)
        made = replace(made, forge=lambda: self.forge, memo=self.memo, render=self.render, registries=self.registries)
        return Parts(made, {"generic": generic.decode}, lambda _tries: None)

    # What the updater does.

    def reconcile(self) -> Report:
        """A pass."""
        self.later(1)
        return pipeline.reconcile(self.parts)

    def handle(self, *deliveries: Delivery) -> Report:
        """Deliveries arrive."""
        self.later(1)
        return pipeline.handle(self.parts, deliveries)

    def elsewhere(self) -> World:
        """Another replica, or this one on an empty disk."""
        return World(self.repository.elsewhere(), self.forge, self.clock, self.verify)

    # What people do.

    def later(self, minutes: float) -> None:
        """Time goes by."""
        self.clock.time = max(self.clock.time, at(0)) + (at(minutes) - at(0))

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Somebody pushes."""
        self.later(1)
        minutes = (self.clock.time - at(0)).total_seconds() / 60
        return self.repository.commit(branch, files, minutes=minutes)

    def stand(self, environment: str, tag: str, service: str = "model-a") -> str:
        """Somebody writes a version into an environment."""
        return self.commit(standing(environment, tag, service))

    def revert(self, commit: str) -> str:
        """Somebody reverts a commit on main."""
        self.later(1)
        return self.repository.revert("main", commit, (self.clock.time - at(0)).total_seconds() / 60)

    def merge(self, number: int, **how: str) -> str:
        """Somebody merges a pull request."""
        self.later(1)
        return self.forge.merged(number, **how)  # type: ignore[arg-type]

    def close(self, number: int) -> None:
        """Somebody closes a pull request."""
        self.later(1)
        self.forge.closed(number)

    def delete(self, path: str) -> None:
        """Somebody deletes a file on main."""
        made = self.repository.commits[self.commit({})]
        self.repository.commits[self.repository.remote["main"]] = replace(
            made, files={name: content for name, content in made.files.items() if name != path}
        )

    # What is there.

    def pull(self, number: int = 1) -> PullRequest:
        """A pull request as it is now."""
        return self.forge.told(number)

    @property
    def open(self) -> dict[str, str]:
        """The titles of what is open, by head."""
        return {each.head: each.title for each in map(self.forge.told, self.forge.all) if each.state == "open"}

    @property
    def branches(self) -> set[str]:
        """Our branches on the remote."""
        return {name for name in self.repository.remote if name.startswith("updater/")}

    @property
    def waits(self) -> dict[str, list[str | None]]:
        """The tags that wait on the remote, by environment."""
        found = {}
        for ref in self.repository.remote:
            if ref.startswith(waiting.REFS):
                events, _ = waiting.read(self.repository.on_remote(ref, waiting.FILE).encode(), at(1e8))
                found[ref.removeprefix(waiting.REFS)] = [event.version.tag for event in events]
        return found

    def tag(self, environment: str = "staging", service: str = "model-a", branch: str = "main") -> str | None:
        """The tag that stands in an overlay."""
        path = f"overlays/{environment}/{service}/kustomization.yaml"
        return entries(path, self.repository.on_remote(branch, path).encode())[0].version.tag

    def proposed(self, service: str = "model-a", environment: str = "staging", head: str | None = None) -> str | None:
        """The tag that a branch of ours has."""
        return self.tag(environment, service, head or f"updater/{environment}/{service}")

    def gates(self, number: int = 1) -> tuple[str, str]:
        """State and description of our status on a head."""
        status: Status = self.forge.reports[self.pull(number).commit][GATES]
        return status.state, status.description

    def quiet(self) -> tuple[int, int]:
        """How much was pushed, and how often the forge was asked for a change, so far."""
        return len(self.repository.pushes), sum(call[0] not in READING for call in self.forge.calls)


def world(*more: str, test: str = "1", staging: str = "1", files: Mapping[str, str] | None = None) -> World:
    """The model stands in test and staging, which is promoted to by pull request; `more` are lines of its file."""
    main = {
        **environment_file("test", order="numerical"),
        **promoting(*more),
        **standing("test", test),
        **standing("staging", staging),
        **(files or {}),
    }
    return _world(main)


def following(*more: str, files: Mapping[str, str] | None = None) -> World:
    """One environment follows the registry by pull request; `more` are lines of its file."""
    main = {
        **environment_file("staging", "deliver: pull-request", *more, order="numerical"),
        **standing("staging", "1"),
    }
    return _world({**main, **(files or {})})


def _world(main: Mapping[str, str]) -> World:
    repository, clock = FakeRepository({"main": main}, since=-99), StoppedClock()
    return World(repository, FakeForge(repository, clock.now), clock)


def told(report: Report) -> list[tuple[str | None, Outcome]]:
    """Tag and outcome of each decision about an entry."""
    return [(each.to.tag, each.outcome) for each in report.decisions if each.target is not None]


def on(report: Report, environment: str = "staging") -> list[Decision]:
    """The decisions about an environment."""
    return [each for each in report.decisions if each.target is not None and each.target.environment == environment]


__all__ = ["HEAD", "IMAGE", "OTHER", "World", "following", "images", "on", "promoting", "standing", "told", "world"]
