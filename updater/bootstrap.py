"""Settings to wired parts: the only file that makes things."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from updater import config
from updater.adapters import git, kustomize
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.adapters.clock import SystemClock
from updater.adapters.mirror import Authorship, Mirror, open_mirror
from updater.core.changes import Verify
from updater.core.environment import Configuration
from updater.core.verification import prove, renderings, verify
from updater.errors import UsageError
from updater.forge import Connection, Forge, Watch, unwatched
from updater.pipeline import Parts
from updater.protocols import Decoder, Memo, Tree
from updater.registry import Registries
from updater.settings import Settings
from updater.sight import ReadConfiguration, Render, Sight, no_forge

_LONGEST_PAUSE = 2.0
_CONFIGURATIONS = 16
_SCP_LIKE = re.compile(r"[^/]+:(?!//)")


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything that works on one repository, open. `forge` gives its forge, when that is first needed."""

    parts: Parts
    mirror: Mirror
    catalog: Catalog
    forge: Callable[[], Forge]


@contextmanager
def opened(settings: Settings, watch: Watch = unwatched, asked: Registries | None = None) -> Iterator[Workshop]:
    """The parts for the repository that the settings name, closed at the end. Raises `UsageError`, `GitError`.

    `watch` is told of each request to the forge (`forge.Connection`); `asked` are the registries, if any can be asked.
    """
    if settings.repository is None:
        raise UsageError("no repository is named", hint="give --repo or UPDATER_REPO, or stand in a clone of one")
    clock = SystemClock()
    remote = git.remote(
        settings.repository, username=settings.username, password=settings.password, seconds=settings.git_seconds
    )
    with ExitStack() as stack:
        forge = _forge(settings, remote.url, clock, watch, stack)
        if _has_login(os.environ) and _forge_name(settings, remote.url) == "github":
            remote = replace(remote, credentials=lambda: forge().credentials())
        mirror = open_mirror(remote, settings.state, Authorship(settings.author, settings.committer), clock.now())
        stack.callback(mirror.close)
        memory = Cache(mirror.git.folder.with_suffix(".sqlite"))
        stack.callback(memory.close)
        catalog = Catalog(mirror, memory)
        proof, show = _renderers(memory, memory.remembered)
        sight = Sight(mirror, catalog, _reader(), proof, clock, forge, show, memory, asked)
        yield Workshop(Parts(sight, decoders(), _pause), mirror, catalog, forge)


@contextmanager
def registries(environ: Mapping[str, str], state: Path) -> Iterator[Registries | None]:
    """All registries, as far as they can be asked: None where what is needed for that is not installed.

    Nothing is asked, and nothing needed for it imported, before somebody does. Raises `UsageError` where a setting is
    wrong.
    """
    if find_spec("httpx") is None or find_spec("cryptography") is None:
        if environ.get("UPDATER_REGISTRIES"):
            hint = "install manifest-updater[registry]"
            raise UsageError("UPDATER_REGISTRIES is set, and registries cannot be asked", hint=hint)
        yield None
        return
    from updater.registries import connect

    made = connect(environ, state, SystemClock())
    try:
        yield made
    finally:
        made.close()


def _forge(settings: Settings, url: str, clock: SystemClock, watch: Watch, stack: ExitStack) -> Callable[[], Forge]:
    """The forge of a repository, made when it is first needed, and closed with the rest."""
    name = _forge_name(settings, url)
    if name is None:
        return no_forge

    @cache
    def made() -> Forge:
        found = forge_called(name)
        connection = Connection(url, settings.author, os.environ, clock.now, time.sleep, settings.git_seconds, watch)
        forge: Forge = found.load()(connection)
        stack.callback(forge.close)
        return forge

    return made


def forge_called(name: str) -> EntryPoint:
    """The forge of that name, of all installed packages. Raises `UsageError` where there is none."""
    known = {entry.name: entry for entry in entry_points(group="updater.forges")}
    if name not in known:
        raise UsageError(f"UPDATER_FORGE is {name!r}", hint=f"there are: {', '.join(sorted(known))}")
    return known[name]


def _forge_name(settings: Settings, url: str) -> str | None:
    """The forge that is named, else the one that a repository of this URL is on."""
    if settings.forge is not None:
        return settings.forge
    if "://" not in url and not _SCP_LIKE.match(url):
        return "local"
    parts = urlsplit(url if "://" in url else f"ssh://{url.replace(':', '/', 1)}")
    ours = urlsplit(os.environ.get("UPDATER_GITHUB_API", "")).hostname
    if parts.scheme == "file":
        return "local"
    return "github" if parts.hostname in ("github.com", "ssh.github.com") or (ours and parts.hostname == ours) else None


def _has_login(environ: Mapping[str, str]) -> bool:
    return any(
        environ.get(name) for name in ("UPDATER_GITHUB_TOKEN", "UPDATER_GITHUB_TOKEN_FILE", "UPDATER_GITHUB_APP_ID")
    )


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
    return _renderers(memo, remembered)[0]


def _renderers(memo: Memo, remembered: kustomize.Remembered | None = None) -> tuple[Verify, Render]:
    renderer = cache(lambda: kustomize.find(os.environ, remembered=remembered))
    return (
        lambda tree, edit: verify(tree, edit, renderer(), memo),
        lambda tree, files, overlay: renderings(tree, files, overlay, renderer()),
    )


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
