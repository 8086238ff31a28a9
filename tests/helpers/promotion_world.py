"""A repository with a forge for long stories: what is pushed reaches test, and staging when somebody merges.

Four environments, two services: model-a runs in two clusters. `edge` takes over from staging by commits on a branch of
its own, `pilot` follows the registry by pull requests. The world in memory and the one on git tell the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import takewhile
from typing import Any, Protocol

from tests.helpers import promotion_story, world
from tests.helpers.events import at, digest
from tests.helpers.fake_forge import FakeForge
from tests.helpers.fake_repository import FakeCommit, FakeRepository, StoppedClock, agree
from tests.helpers.promotion_story import OURS, Line, Pull, View
from tests.helpers.story import Pair
from updater import pipeline
from updater.decoders import generic
from updater.forge import Forge, PullRequest
from updater.model import Delivery
from updater.pipeline import Parts, Report
from updater.sight import Sight

MODELS = world.MODELS
TAGS = {"pushed": ("v1", "v2", "v3", "v4", "v5"), "semver": ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "2.0.0")}
BRANCHES = {"test": "main", "staging": "main", "pilot": "main", "edge": "edge"}
CLUSTERS = {"model-a": ("east", "west"), "model-b": ("east",)}
PATHS = {
    name: {
        f"overlays/{name}/{cluster}/{service}/kustomization.yaml": image
        for (service, clusters), image in zip(CLUSTERS.items(), MODELS, strict=True)
        for cluster in clusters
    }
    for name in BRANCHES
}
FREEZE = 'freeze: [{from: "2026-11-20", to: "2026-11-20"}]\n'
PAUSED = "paused: an incident\n"
HOLD = "hold: [{service: '*', reason: an incident, until: '2026-11-22'}]\n"
STOPS = (FREEZE, PAUSED, HOLD)
NEXT_DAY = 24 * 60
CONTEXT = "smoke-test"


@dataclass(frozen=True)
class Layout:
    """How the environments are set up: all that a story may vary."""

    order: str = "semver"
    letter: str | None = "a"
    per: str = "service"
    move: str = "until-approved"
    soak: int = 30
    gated: bool = False

    def files(self) -> dict[str, dict[str, str]]:
        """The files of each branch at first."""
        follow = f"follow:\n- image: reg.example/models/*\n  order: {self.order}\n"
        statuses = f"  statuses: [{CONTEXT}]\n" if self.gated else ""
        pulls = f"pull-request: {{per: {self.per}, move: {self.move}, labels: [promotion]}}\n"
        about = {
            "test": follow,
            "staging": f"promote:\n  from: test\n  soak: {self.soak}m\n{statuses}deliver: pull-request\n{pulls}",
            "pilot": f"{follow}deliver: pull-request\n{pulls}",
            "edge": "promote:\n  from: staging\n",
        }
        files: dict[str, dict[str, str]] = {"main": {}, "edge": {}}
        for name, branch in BRANCHES.items():
            head = f"overlays: overlays/{name}/*/{{service}}\nbranch: {branch}\nverify: parse\n"
            files["main"][f"environments/{name}.yaml"] = head + about[name]
            for path in PATHS[name]:
                files[branch][path] = kustomization(path, TAGS[self.order][0], self.letter)
        return files


def kustomization(path: str, tag: str, letter: str | None) -> str:
    """A file as people write it."""
    image = PATHS[path.split("/")[1]][path]
    pin = f'  digest: "{digest(letter)}"\n' if letter else ""
    return f'resources: []\nimages:\n- name: {image}  # ours\n  newTag: "{tag}"\n{pin}'


@dataclass
class Meddled:
    """A repository or forge of which some calls are watched: what somebody else does first, and what breaks."""

    inner: Any
    watched: frozenset[str]
    writes: list[str] = field(default_factory=list)
    before: list[Callable[[], object]] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)
        return self._watching(name, method) if name in self.watched else method

    def _watching(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.writes.append(name)
            if self.before:
                self.before.pop(0)()
            answer = method(*arguments)
            if self.after:
                self.after.pop(0)()
            return answer

        return call

    def calm(self) -> None:
        """Nothing of what was to happen will."""
        self.before.clear()
        self.after.clear()


class World(Protocol):
    """A remote with its forge, replicas that work on them, and the time in minutes after noon."""

    layout: Layout
    clock: StoppedClock
    pushed: dict[tuple[str, Pair], datetime]
    """When each version of an image was pushed, as events have told."""

    def parts(self, replica: int) -> Parts: ...

    def write(self, branch: str, files: Mapping[str, str], message: str) -> None:
        """A person pushes a commit to a branch that is there."""
        ...

    def delete(self, branch: str) -> None: ...

    def refs(self) -> dict[str, str]:
        """Every ref of the remote."""
        ...

    def behind(self, commit: str) -> Iterable[tuple[str, FakeCommit]]:
        """A commit and its first parents, newest first."""
        ...

    def alice(self) -> Forge:
        """The forge as a person uses it."""
        ...

    def pulls(self) -> Sequence[PullRequest]:
        """Every pull request there ever was."""
        ...

    def restart(self, replica: int, *, is_empty: bool) -> None:
        """A replica begins anew, on the disk that it has or on an empty one."""
        ...

    def watched(self, replica: int) -> tuple[Meddled, Meddled]:
        """The repository and the forge that a replica works with."""
        ...


FORGE_WRITES = frozenset({"open", "edit", "merge", "approve", "report"})


@dataclass
class Memory:
    """All of it in memory."""

    layout: Layout
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(0)))
    pushed: dict[tuple[str, Pair], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.remote = FakeRepository(self.layout.files())
        self.forge = FakeForge(self.remote, self.clock.now, OURS)
        self.replicas: list[tuple[Meddled, Meddled, set[str]]] = [self._replica(), self._replica()]

    def _replica(self) -> tuple[Meddled, Meddled, set[str]]:
        return Meddled(self.remote.elsewhere(), frozenset({"push"})), Meddled(self.forge, FORGE_WRITES), set()

    def parts(self, replica: int) -> Parts:
        repository, forge, memo = self.replicas[replica]
        looking: Any = repository
        made = Sight(looking, looking, world.load, agree, self.clock, lambda: forge, memo=memo)
        return Parts(made, {"generic": generic.decode}, world.nothing)

    def write(self, branch: str, files: Mapping[str, str], message: str) -> None:
        minutes = (self.clock.time - at(0)).total_seconds() / 60
        self.remote.commit(branch, files, message, minutes)

    def delete(self, branch: str) -> None:
        del self.remote.remote[branch]

    def refs(self) -> dict[str, str]:
        return dict(self.remote.remote)

    def behind(self, commit: str) -> Iterable[tuple[str, FakeCommit]]:
        sha: str | None = commit
        while sha is not None:
            yield sha, self.remote.commits[sha]
            sha = self.remote.commits[sha].parent

    def alice(self) -> Forge:
        return self.forge.acting("alice")

    def pulls(self) -> Sequence[PullRequest]:
        return [self.forge.told(number) for number in self.forge.all]

    def restart(self, replica: int, *, is_empty: bool) -> None:
        if is_empty:
            self.replicas[replica] = self._replica()

    def watched(self, replica: int) -> tuple[Meddled, Meddled]:
        repository, forge, _ = self.replicas[replica]
        return repository, forge


def view(world: World) -> View:
    """All that can be seen now."""
    refs = world.refs()
    lines: dict[str, Line] = {branch: list(world.behind(refs[branch]))[::-1] for branch in ("main", "edge")}
    mainline = {sha for sha, _ in lines["main"]}
    forge = world.alice()

    @cache
    def statuses(commit: str) -> dict[str, tuple[str, datetime]]:
        return {each.context: (each.state, each.at) for each in forge.statuses([commit]).get(commit, ())}

    pulls = [Pull(pull, *promotion_story.proposed(list(world.behind(pull.commit)), mainline)) for pull in world.pulls()]
    return View(world.clock.time, world.layout.order, lines, pulls, statuses, BRANCHES, refs, dict(world.pushed))


def strangers(world: World, seen: View) -> dict[str, str]:
    """The branches of ours on which somebody else has committed, with their tips."""
    mainline = {sha for sha, _ in seen.lines["main"]}
    return {
        name: tip
        for name, tip in seen.refs.items()
        if name.startswith("updater/")
        and any(
            commit.author != OURS for _, commit in takewhile(lambda each: each[0] not in mainline, world.behind(tip))
        )
    }


def reconcile(world: World, replica: int) -> Report:
    """A pass of a replica."""
    return pipeline.reconcile(world.parts(replica))


def handle(world: World, batch: Sequence[Delivery], replica: int) -> Report:
    """Deliveries reach a replica."""
    return pipeline.handle(world.parts(replica), batch)
