"""What the updater is compared with: the least that git needs for a commit, and the shell job that most teams run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bench.generate import Monorepo, commit, file
from bench.tools import git, run

Bump = tuple[int, str]
"""A service by its number, and the tag that it gets."""


class Floor:
    """A warm bare mirror into which `git fast-import` writes ready-made files; then they are pushed."""

    def __init__(self, repository: Monorepo, remote: Path, mirror: Path) -> None:
        git(mirror.parent, "clone", "--quiet", "--bare", str(remote), mirror.name)
        self._repository = repository
        self._mirror = mirror

    def land(self, bumps: Sequence[Bump]) -> None:
        """One commit for each bump, all of them in one push."""
        start = "refs/heads/main^0"
        stream = b""
        for number, tag in bumps:
            content = self._repository.content(number, tag)
            stream += commit(f"Deploy {tag}\n", int(time.time()), start)
            stream += file(self._repository.kustomization(number), content)
            start = ""
        git(self._mirror, "fast-import", "--quiet", stdin=stream)
        git(self._mirror, "push", "--quiet", "origin", "main")


class ShellJob:
    """`git clone --depth 1`, an edit, a commit and a push, as a job of a build system does it."""

    def __init__(self, repository: Monorepo, remote: Path, folder: Path) -> None:
        self._repository = repository
        self._url = url(remote)
        self._folder = folder
        self._kustomize = shutil.which("kustomize")

    @property
    def steps(self) -> str:
        """What it does, in a line."""
        return f"clone --depth 1, {'kustomize edit set image' if self._kustomize else 'sed'}, commit, push"

    def land(self, bump: Bump) -> None:
        """One bump, from nothing to the remote."""
        shutil.rmtree(self._folder, ignore_errors=True)
        git(self._folder.parent, "clone", "--quiet", "--depth", "1", self._url, self._folder.name)
        self._edit(*bump)
        git(self._folder, "commit", "--quiet", "--all", "--message", "Bump")
        git(self._folder, "push", "--quiet", "origin", "main")

    def _edit(self, number: int, tag: str) -> None:
        overlay = self._folder / self._repository.folder(number)
        if self._kustomize:
            image = self._repository.image(number)
            run(overlay, self._kustomize, "edit", "set", "image", f"{image}={image}:{tag}")
        else:
            run(overlay, "sed", "-i", "-e", f"s/newTag: .*/newTag: {tag}/", "kustomization.yaml")


def url(folder: Path) -> str:
    """A folder as a remote that is really fetched from: a plain path would be copied by hard links."""
    return f"file://{quote(str(folder))}"


def tree(remote: Path) -> str:
    """The id of the files on the remote's main branch."""
    return git(remote, "rev-parse", "main^{tree}").decode().strip()
