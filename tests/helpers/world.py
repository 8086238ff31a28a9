"""A repository for long stories: two environments on a branch each, two services in four overlays, and replicas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.helpers import story
from tests.helpers.events import at, digest
from tests.helpers.fake_repository import FakeCommit, FakeRepository, Files, StoppedClock, agree
from tests.helpers.trees import MemoryTree
from updater import config, pipeline
from updater.core.environment import Configuration
from updater.decoders import generic
from updater.model import Delivery
from updater.pipeline import Parts, Report
from updater.protocols import Tree
from updater.sight import Sight

TAGS = {
    "pushed": ("main-1", "main-2", "latest"),
    "semver": ("1.3.0", "v1.3.0", "1.3.1", "1.4.0", "1.10.0"),
    "numerical": ("7", "7.0", "9", "10"),
    "alphabetical": ("a", "b", "c"),
}
MODELS = ("reg.example/models/model-a", "reg.example/models/model-b")
OVERLAYS = {
    "main": {
        "overlays/test/east/model-a/kustomization.yaml": MODELS[0],
        "overlays/test/west/model-a/kustomization.yaml": MODELS[0],
        "overlays/test/east/model-b/kustomization.yaml": MODELS[1],
    },
    "edge": {"overlays/edge/east/model-a/kustomization.yaml": MODELS[0]},
}
BRANCHES = {"test": "main", "edge": "edge"}
FREEZE = 'freeze: [{from: "2026-11-20", to: "2026-11-20"}]\n'
PAUSED = "paused: an incident\n"
NEXT_DAY = 12 * 60


def environment(name: str, order: str) -> str:
    """The file of an environment."""
    return (
        f"overlays: overlays/{name}/*/{{service}}  # all clusters\nbranch: {BRANCHES[name]}\n"
        f"follow:\n- image: reg.example/models/*\n  order: {order}\n"
    )


def kustomization(path: str, tag: str | None, letter: str | None, note: str = "") -> str:
    """A file as people write it: in the west with CRLF, other quotes, and no end of line at the end."""
    quote, end = ("'", "\r\n") if "west" in path else ('"', "\n")
    image = next(paths[path] for paths in OVERLAYS.values() if path in paths)
    lines = [f"# ours {note}", "images:", "- name: redis", "  newTag: '7.2'  # not ours", f"- name: {image} # ours"]
    lines += [f"  newTag: {quote}{tag}{quote}   # moves"] if tag else []
    lines += [f"  digest: {digest(letter)}"] if letter else []
    return end.join([*lines, *([""] if end == "\n" else [])])


@cache
def _configuration(files: tuple[tuple[str, bytes], ...], branch: str) -> Configuration:
    return config.load(MemoryTree(dict(files)), branch)


def load(tree: Tree, branch: str) -> Configuration:
    """The configuration, read once for each content."""
    paths = [f"environments/{name}" for name in tree.names("environments")]
    return _configuration(tuple((path, tree.read(path)) for path in paths), branch)


@dataclass
class World:
    """A remote, the replicas that work on it, and what time it is, in minutes after noon."""

    replicas: list[FakeRepository]
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(at(0)))
    now: int = 0

    @property
    def remote(self) -> FakeRepository:
        """The first replica stands for the remote, too: people write to it."""
        return self.replicas[0]

    def tick(self, minutes: int = 1) -> None:
        """Time passes."""
        self.now += minutes
        self.clock.time = at(self.now)

    def parts(self, replica: int = 0) -> Parts:
        """What a replica works with."""
        repository = self.replicas[replica]
        return Parts(Sight(repository, repository, load, agree, self.clock), {"generic": generic.decode}, nothing)

    def handle(self, batch: Sequence[Delivery], replica: int = 0) -> Report:
        """Deliveries reach a replica."""
        return pipeline.handle(self.parts(replica), batch)

    def reconcile(self, replica: int = 0) -> Report:
        """A replica looks at what waits."""
        return pipeline.reconcile(self.parts(replica))

    def restart(self, replica: int = 0) -> None:
        """A replica begins anew, on an empty disk."""
        self.replicas[replica] = self.remote.elsewhere()

    def forked(self) -> World:
        """The same in another world, with one replica that is as far as the first."""
        return World([self.remote.forked()], self.clock, self.now)

    def trees(self) -> dict[str, Files]:
        """All files of the remote, by branch or ref."""
        return {ref: self.remote.commits[tip].files for ref, tip in self.remote.remote.items()}

    def knows_what_waits(self, replica: int) -> bool:
        """Whether a replica has heard the newest of the refs beside the branches."""
        heard = self.replicas[replica].tip
        return all(heard(ref) == tip for ref, tip in self.remote.remote.items() if ref.startswith("refs/"))

    def history(self, branch: str) -> list[tuple[str, FakeCommit]]:
        """The commits of a branch, oldest first."""
        return [(sha, self.remote.commits[sha]) for sha in story.branch(self.remote, self.remote.remote[branch])]

    def settings(self) -> dict[str, bytes]:
        """The environments' files."""
        return {name: self.remote.on_remote("main", f"environments/{name}.yaml").encode() for name in BRANCHES}

    def is_frozen(self, name: str) -> bool:
        """Whether an environment is paused or frozen now."""
        text = self.settings()[name].decode()
        return PAUSED in text or (FREEZE in text and self.now < NEXT_DAY)

    def is_stopped(self, name: str) -> bool:
        """Whether anything in an environment's file stops versions now."""
        return self.is_frozen(name) or b"hold:" in self.settings()[name]

    def waiting(self) -> dict[str, set[tuple[str, str, str | None]]]:
        """Image, tag and digest of what waits on the remote, by environment."""
        found = {}
        for name in BRANCHES:
            tip = self.remote.remote.get(f"refs/updater/waiting/{name}")
            lines = self.remote.commits[tip].files["waiting.ndjson"].splitlines() if tip else []
            found[name] = {(each["image"], each["tag"], each["digest"]) for each in map(json.loads, lines)}
        return found


def begun(order: str, letter: str | None) -> World:
    """The first tag of an order stands everywhere, with a digest of that letter or without any."""
    files: dict[str, dict[str, str]] = {
        branch: {path: kustomization(path, TAGS[order][0], letter) for path in paths}
        for branch, paths in OVERLAYS.items()
    }
    files["main"] |= {f"environments/{name}.yaml": environment(name, order) for name in BRANCHES}
    remote = FakeRepository(files)
    return World([remote, remote.elsewhere()])


def nothing(*_: object) -> None:
    """Nothing happens."""
