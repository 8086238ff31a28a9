"""The processes that run at the moment, found by what they were given: orphans are found as well."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from tests.helpers import patience

SECONDS = 10.0
"""A killed process needs a moment; one that hangs at a server of ours does so for longer."""


def running_with(variable: str, value: str) -> list[list[str]]:
    """The argument lists of all living processes that have this variable in their environment; see proc(5)."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    wanted = f"{variable}={value}"
    folders = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [_words(folder / "cmdline") for folder in folders if wanted in _words(folder / "environ")]


def running_git() -> list[list[str]]:
    """The argument lists of git's processes that these tests have started, us included: they share a home."""
    return [command for command in running_with("HOME", os.environ["HOME"]) if "git" in Path(command[0]).name]


def end_with(variable: str, value: str) -> bool:
    """Whether all those processes are gone within seconds."""
    return patience.eventually(lambda: running_with(variable, value) == [], SECONDS)


def git_ends() -> bool:
    """Whether nothing of git is left within seconds."""
    return patience.eventually(lambda: running_git() == [], SECONDS)


def ends(process: int) -> bool:
    """Whether a process that need not be ours ends within seconds; see pidfd_open(2)."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], SECONDS)[0])
    finally:
        os.close(descriptor)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").split("\0")[:-1]
    except OSError:  # ended meanwhile, or somebody else's
        return []
