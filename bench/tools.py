"""What every part needs: git, words to the person who waits, and nobody's own settings."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UPDATER = (sys.executable, "-m", "updater")
_FILTERS = ("git", "commit-graph", "write", "--reachable", "--changed-paths", "--split", "--no-progress")
_TRIES = 600
_CLEAN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "alice",
    "GIT_AUTHOR_EMAIL": "alice@example.org",
    "GIT_COMMITTER_NAME": "alice",
    "GIT_COMMITTER_EMAIL": "alice@example.org",
}


def clean_environment() -> None:
    """Takes away what a person has set for git, Python and the updater, from this process and those that it starts."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "PYTHON", "UPDATER_")) and name != "UPDATER_KUSTOMIZE":
            del os.environ[name]
    os.environ.update(_CLEAN)


def run(folder: Path, *command: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """The output of a program. Ends the benchmark where it fails: a figure without its result is none."""
    done = subprocess.run(command, cwd=folder, input=stdin, env=env, capture_output=True)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise SystemExit(f"error: {shlex.join(command)} in {folder}: {said}")
    return done.stdout


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """The output of a git command in a folder."""
    return run(folder, "git", *arguments, stdin=stdin)


def write_filters(repository: Path) -> None:
    """Writes git's changed-path filters; where another process is at it already, waits for that one."""
    for _ in range(_TRIES):
        if subprocess.run(_FILTERS, cwd=repository, capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    raise SystemExit(f"error: {shlex.join(_FILTERS)} fails in {repository}")


def say(text: str) -> None:
    """Tells the person who waits how far it is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)  # noqa: T201
