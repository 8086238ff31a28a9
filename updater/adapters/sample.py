"""The sample GitOps repository, as a bare repository to try things on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from updater.adapters import process
from updater.errors import GitError, UpdaterError

FOLDERS = ("base", "overlays", "environments")
_SECONDS = 60.0


def make(folder: Path, time: datetime, additions: Mapping[str, str] | None = None) -> Path:
    """Makes the sample, committed at `time`, in a new bare repository below `folder`, and gives its path.

    `additions` are texts to be put at the end of files (by path).
    """
    files, bare = folder / "files", folder / "gitops.git"
    home = _home()
    for name in FOLDERS:
        shutil.copytree(home / name, files / name, ignore=shutil.ignore_patterns("*.schema.json"))
    for path, text in (additions or {}).items():
        with (files / path).open("a") as file:
            file.write(text)
    _git(files, time, "init", "--quiet", "--initial-branch=main")
    _git(files, time, "add", "--all")
    _git(files, time, "commit", "--quiet", "--message=Start from the sample")
    _git(folder, time, "clone", "--quiet", "--bare", "files", bare.name)
    return bare


def revert(bare: Path) -> None:
    """Somebody takes back the newest merge, as people do it: in a clone, with `git revert`."""
    clone = bare.with_suffix(".clone")
    _git(bare.parent, None, "clone", "--quiet", str(bare), clone.name)
    _git(clone, None, "revert", "--no-edit", "--mainline=1", "HEAD")
    _git(clone, None, "push", "--quiet", "origin", "HEAD")
    shutil.rmtree(clone)


def log(bare: Path) -> str:
    """The history of the repository's branch, a line a commit, newest first; a merge is one."""
    return _git(bare, None, "log", "--first-parent", "--format=%h  %<(17)%an %s", "main")


def show(bare: Path, commit: str) -> str:
    """Message and diff of a commit."""
    return _git(bare, None, "show", "--format=%B", commit)


def _home() -> Path:
    """Inside the package when it is installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for home in (package / "sample", package.parent):
        if all((home / name).is_dir() for name in FOLDERS):
            return home
    raise UpdaterError(
        "the sample repository is not installed", hint="install the package anew, or run from a checkout"
    )


def _git(folder: Path, time: datetime | None, *arguments: str) -> str:
    date = "" if time is None else time.isoformat()
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        person = {"NAME": "alice", "EMAIL": "alice@example.org", "DATE": date}
        environment |= {f"GIT_{role}_{key}": value for key, value in person.items()}
    finished = process.run(("git", *arguments), folder=folder, environment=environment, seconds=_SECONDS)
    if finished.code != 0:
        raise GitError(f"`git {arguments[0]}` failed: {finished.message()}")
    return finished.stdout.decode()
