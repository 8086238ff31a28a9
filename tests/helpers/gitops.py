"""A GitOps repository to try things on: a bare remote made from a dictionary, and people who work on it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from updater.adapters.clock import SystemClock
from updater.adapters.git import remote as remote_at
from updater.adapters.mirror import Authorship, Mirror, open_mirror
from updater.model import Identity

AUTHOR = Identity("Updater", "updater@example.org")
COMMITTER = Identity("Robot", "robot@example.org")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OpenMirror = Callable[..., Mirror]
"""The fixture `mirror`: like `opened` below, and closed at the end of the test."""
UNTIDY = ("-c", "maintenance.auto=false")
Files = Mapping[str, bytes | str | None]
"""Path to new content; None takes the file away."""


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """The output of a git command that has to succeed; it does not stop to tidy up what will not be kept."""
    done = subprocess.run(["git", *UNTIDY, *arguments], cwd=folder, input=stdin, capture_output=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode(errors="surrogateescape").rstrip("\n")


def empty_remote(folder: Path) -> Path:
    """A bare repository without a commit, to which one may push over HTTP."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=")
    with (folder / "config").open("a") as config:
        config.write("[http]\n\treceivepack = true\n[receive]\n\tautogc = false\n")
    return folder


def remote(folder: Path, files: Files) -> Path:
    """A bare repository with these files on its branch `main`."""
    bare, work = empty_remote(folder), folder.with_name(f"{folder.name}-first")
    work.mkdir()
    for path, content in files.items():
        _write(work / path, content)
    here = (f"--git-dir={bare}", "--work-tree=.")
    git(work, *here, "add", "--all")
    git(work, *here, "commit", "--quiet", "--allow-empty", "--message=Start")
    return bare


def opened(url: object, state: Path, seconds: float = 60.0) -> Mirror:
    """Our mirror of a repository, by path or URL."""
    return open_mirror(remote_at(str(url), seconds=seconds), state, Authorship(AUTHOR, COMMITTER), SystemClock().now())


def hook(bare: Path, name: str, script: str) -> None:
    """Gives a repository a hook, a shell script."""
    file = bare / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def tip(bare: Path, branch: str = "main") -> str:
    """The commit that a branch of a repository is at."""
    return git(bare, "rev-parse", "--verify", f"refs/heads/{branch}")


def show(bare: Path, path: str, commit: str = "main") -> str:
    """The content of a file in a commit."""
    return git(bare, "show", f"{commit}:{path}")


def refs(bare: Path, prefix: str) -> list[str]:
    """The whole names of the refs below a name, sorted."""
    return git(bare, "for-each-ref", "--format=%(refname)", prefix).splitlines()


def shallow(bare: Path, folder: Path, depth: int) -> Path:
    """A bare copy of a repository whose history is cut short, to which one may push."""
    git(folder.parent, "clone", "--quiet", "--bare", f"--depth={depth}", f"file://{bare}", str(folder))
    return folder


class Person:
    """Somebody with a clone of her own. Whatever she does is on the remote when it returns."""

    def __init__(self, bare: Path, folder: Path) -> None:
        self.bare = bare
        self.folder = folder
        git(bare, "clone", "--quiet", str(bare), str(folder))

    def commit(self, files: Files, message: str = "Change", branch: str = "main") -> str:
        """Commits these changes on top of a branch, which is made from `main` if it is not there."""
        self._stand_on(branch)
        for path, content in files.items():
            _write(self.folder / path, content)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._publish(branch)

    def merge(self, other: str, branch: str = "main") -> str:
        """Merges another branch, with a commit of its own."""
        self._stand_on(branch)
        git(self.folder, "merge", "--quiet", "--no-ff", "--no-edit", f"origin/{other}")
        return self._publish(branch)

    def revert(self, commit: str, branch: str = "main", *, mainline: int | None = None) -> str:
        """Takes one commit back; a merge as seen from its parent of this number."""
        self._stand_on(branch)
        git(self.folder, "revert", "--no-edit", *(["--mainline", str(mainline)] if mainline else []), commit)
        return self._publish(branch)

    def squash(self, other: str, message: str = "Squashed", branch: str = "main") -> str:
        """Brings what is on another branch as one commit, as forges do."""
        self._stand_on(branch)
        git(self.folder, "merge", "--quiet", "--squash", f"origin/{other}")
        git(self.folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._publish(branch)

    def rebase(self, other: str, branch: str = "main") -> str:
        """Puts the commits of another branch on top of this one."""
        self._stand_on(other)
        git(self.folder, "rebase", "--quiet", f"origin/{branch}")
        return self._publish(branch)

    def foxtrot(
        self, files: Files, since: str, *merging: str, name: str = "main", branch: str = "main", message: str = "Local"
    ) -> str:
        """Commits on an older commit, on a local branch `name`, merges what is on the remote, and pushes that.

        `merging` is the git command that does it, by default `git pull`. The branch is the second parent.
        """
        git(self.folder, "fetch", "--quiet", "origin")
        git(self.folder, "checkout", "--quiet", "--force", "-B", name, since)
        for path, content in files.items():
            _write(self.folder / path, content)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
        git(self.folder, *(merging or ("pull", "--quiet", "--no-rebase", "--no-edit", "origin", branch)))
        return self._publish(branch)

    def force(self, commit: str, branch: str = "main") -> str:
        """Puts a branch on a commit, whatever stood there."""
        git(self.folder, "push", "--quiet", "--force", "origin", f"{commit}:refs/heads/{branch}")
        return commit

    def delete(self, branch: str) -> None:
        """Deletes a branch, the default branch too."""
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")

    def rename(self, old: str, new: str) -> None:
        """Renames the default branch."""
        git(self.bare, "branch", "--move", old, new)
        git(self.bare, "symbolic-ref", "HEAD", f"refs/heads/{new}")

    def _stand_on(self, branch: str) -> None:
        git(self.folder, "fetch", "--quiet", "--prune", "origin")
        known = refs(self.folder, "refs/remotes/origin")
        start = f"origin/{branch}" if f"refs/remotes/origin/{branch}" in known else "origin/main"
        if known:
            git(self.folder, "checkout", "--quiet", "--force", "--detach", start)

    def _publish(self, branch: str) -> str:
        git(self.folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.folder, "rev-parse", "HEAD")


def _write(file: Path, content: bytes | str | None) -> None:
    if content is None:
        file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
