"""Settings to wired parts: the only file that makes things."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from updater import config
from updater.adapters import git, kustomize
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.adapters.clock import SystemClock
from updater.adapters.mirror import Authorship, Mirror, open_mirror
from updater.core.changes import Verify
from updater.core.environment import Configuration
from updater.core.verification import prove, verify
from updater.errors import UsageError
from updater.pipeline import Parts
from updater.planning import ReadConfiguration, Sight
from updater.protocols import Decoder, Memo, Tree
from updater.settings import Settings

_LONGEST_PAUSE = 2.0
_CONFIGURATIONS = 16


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything that works on one repository, open."""

    parts: Parts
    mirror: Mirror
    catalog: Catalog


@contextmanager
def opened(settings: Settings) -> Iterator[Workshop]:
    """The parts for the repository that the settings name, closed at the end. Raises `UsageError`, `GitError`."""
    if settings.repository is None:
        raise UsageError("no repository is named", hint="give --repo or UPDATER_REPO, or stand in a clone of one")
    remote = git.remote(
        settings.repository, username=settings.username, password=settings.password, seconds=settings.git_seconds
    )
    clock = SystemClock()
    authorship = Authorship(settings.author, settings.committer)
    mirror = open_mirror(remote, settings.state, authorship, clock.now())
    memory = Cache(mirror.git.folder.with_suffix(".sqlite"))
    try:
        catalog = Catalog(mirror, memory)
        sight = Sight(mirror, catalog, _reader(), verifier(memory, memory.remembered), clock)
        yield Workshop(Parts(sight, decoders(), _pause), mirror, catalog)
    finally:
        memory.close()
        mirror.close()


def _reader() -> ReadConfiguration:
    """Reads the environments, once for each content of their folder: of the tips, and of old commits (releases)."""
    known: dict[tuple[str, str], Configuration] = {}

    def read(tree: Tree, default_branch: str) -> Configuration:
        folder = tree.node(config.FOLDER)
        key = (folder.id if folder else "", default_branch)
        if key not in known:
            if len(known) >= _CONFIGURATIONS:
                known.clear()
            known[key] = config.load(tree, default_branch)
        return known[key]

    return read


def verifier(memo: Memo, remembered: kustomize.Remembered | None = None) -> Verify:
    """Verification with the kustomize of this machine, which is looked for when it is first needed."""
    renderer = cache(lambda: kustomize.find(os.environ, remembered=remembered))
    return lambda tree, edit: verify(tree, edit, renderer(), memo)


def prover() -> Verify:
    """The same, but nothing is remembered: half the renderings, where each overlay is looked at once."""
    renderer = cache(lambda: kustomize.find(os.environ))
    return lambda tree, edit: prove(tree, edit, renderer())


def decoders() -> Mapping[str, Decoder]:
    """The decoders of all installed packages, by the name of their source; ours come through the same door."""
    return {entry.name: entry.load() for entry in entry_points(group="updater.decoders")}


def _pause(number: int) -> None:
    """Waits before another try: longer each time, and by chance, so that rivals do not stay in step."""
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2**number)))  # noqa: S311
