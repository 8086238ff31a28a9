"""Where one series is measured: copies of a generated repository, the updater on one and the floor on the other."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bench.floor import Bump, Floor, tree
from bench.generate import Monorepo, commit, digest, file, generated
from bench.tools import git, write_filters
from updater import bootstrap, pipeline, settings
from updater.adapters import kustomize
from updater.errors import UpdaterError
from updater.model import Delivery


@dataclass(frozen=True, slots=True)
class Lab:
    """What is measured on, and how often. `rounds` is for quick things; slow ones take a part of it."""

    cache: Path
    sizes: tuple[int, ...]
    flat: int | None
    commits: int
    flat_commits: int
    rounds: int
    burst: int
    burst_on: int

    @property
    def repositories(self) -> tuple[Monorepo, ...]:
        """All of them, from small to large, the flat one last."""
        nested = tuple(self.nested(size) for size in self.sizes)
        return nested if self.flat is None else (*nested, Monorepo("flat", self.flat, self.flat_commits))

    def nested(self, size: int) -> Monorepo:
        """The one with that many overlays by team."""
        return Monorepo("nested", size, self.commits)

    def few(self, at_most: int) -> int:
        """The number of rounds for something slow."""
        return min(self.rounds, at_most)


@dataclass(frozen=True, slots=True)
class Stand:
    """Two copies of one repository: `remote` for the updater, `other` for what it is compared with."""

    repository: Monorepo
    folder: Path

    @property
    def remote(self) -> Path:
        """What the updater pushes to."""
        return self.folder / "remote.git"

    @property
    def other(self) -> Path:
        """What the floor pushes to."""
        return self.folder / "other.git"

    def settings(self, remote: str = "", state: str = "state") -> settings.Settings:
        """Settings for the updater on this stand."""
        return settings.read(self.environment(remote, state))

    def environment(self, remote: str = "", state: str = "state") -> dict[str, str]:
        """The same as variables for a process."""
        named = {"UPDATER_REPO": remote or str(self.remote), "UPDATER_STATE_DIR": str(self.folder / state)}
        return {**os.environ, **named}

    @contextmanager
    def shop(self) -> Iterator[bootstrap.Workshop]:
        """The updater, open and settled."""
        with bootstrap.opened(self.settings()) as shop:
            self.settle()
            yield shop

    def settle(self, state: str = "state") -> None:
        """Waits for what the updater builds beside its work, so that it takes no time from what is measured next."""
        for mirror in (self.folder / state).glob("*.git"):
            write_filters(mirror)

    def floor(self) -> Floor:
        """The floor, on its copy."""
        return Floor(self.repository, self.other, self.folder / "floor.git")

    def delivery(self, bump: Bump) -> Delivery:
        """What a build system sends when it has pushed that version."""
        return Delivery("generic", self.payload(bump), datetime.now(UTC))

    def payload(self, bump: Bump) -> bytes:
        """Its body."""
        number, tag = bump
        now = datetime.now(UTC).isoformat()
        pushed = {"image": f"{self.repository.image(number)}:{tag}", "digest": digest(number, tag), "pushed_at": now}
        return json.dumps(pushed).encode()

    def land(self, shop: bootstrap.Workshop, bumps: Sequence[Bump]) -> None:
        """The updater handles these pushes as one batch, and has to commit all of them."""
        report = pipeline.handle(shop.parts, [self.delivery(bump) for bump in bumps])
        if len(report.commits) != len(bumps) or report.exit_code:
            reasons = {decision.reason for decision in report.decisions} | {str(error) for error in report.problems}
            raise SystemExit(
                f"error: the updater made {len(report.commits)} of {len(bumps)} commits: {sorted(reasons)}"
            )

    def land_each(self, shop: bootstrap.Workshop, bumps: Sequence[Bump]) -> None:
        """The same one by one."""
        for bump in bumps:
            self.land(shop, [bump])

    def check_equal(self) -> None:
        """Both remotes must hold the same files in the end: otherwise unlike things were compared."""
        if tree(self.remote) != tree(self.other):
            raise SystemExit(f"error: updater and floor differ on {self.repository.title}")


@contextmanager
def stand(lab: Lab, repository: Monorepo) -> Iterator[Stand]:
    """A stand that is gone afterwards. The copies share the packs with the cache, which nobody writes to."""
    source = generated(repository, lab.cache)
    with tempfile.TemporaryDirectory(dir=lab.cache, prefix="run-") as name:
        made = Stand(repository, Path(name))
        for copy in (made.remote, made.other):
            shutil.copytree(source, copy, copy_function=os.link)
            if not can_render():
                _verify_by_parsing(copy)
        yield made


@cache
def can_render() -> bool:
    """Whether there is a kustomize; without one the updater is told to verify by parsing."""
    try:
        return kustomize.find(os.environ).is_recent()
    except UpdaterError:
        return False


def _verify_by_parsing(remote: Path) -> None:
    old = git(remote, "cat-file", "blob", "main:environments/test.yaml")
    stream = commit("Verify by parsing\n", int(datetime.now(UTC).timestamp()), "refs/heads/main^0")
    git(remote, "fast-import", "--quiet", stdin=stream + file("environments/test.yaml", old + b"verify: parse\n"))
