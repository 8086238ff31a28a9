"""What this machine has: Python and git, kustomize, and a state folder that can be written."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from updater import __version__
from updater.adapters import kustomize, process
from updater.doctor.checks import Check, fault, looked_at, ok, warning
from updater.errors import GitError, RenderError, UsageError

OLDEST_GIT = (2, 39)
LITTLE = 1024**3
"""Bytes that ought to be free: a mirror, and room for git to pack it."""
_SECONDS = 10.0
_GIT = re.compile(r"git version (\d+)\.(\d+)\S*")


def python() -> Check:
    """What runs."""
    return ok("updater", f"{__version__} on Python {platform.python_version()}")


def git(environ: Mapping[str, str]) -> Check:
    """The git of this machine, and whether it is recent enough."""
    try:
        command = ("git", "version")
        told = process.run(command, folder=Path("/"), environment=environ, seconds=_SECONDS).stdout.decode()
    except FileNotFoundError:
        return fault("git", GitError("git is not installed", hint="install git, and see that it is on the PATH"))
    found = _GIT.match(told)
    if found is None:
        return fault("git", GitError("git does not tell its version", hint="see what `git version` prints"))
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        return warning("git", f"{found[0]} is older than what this is tried with", f"install git {oldest} or later")
    return ok("git", found[0])


def renderer(environ: Mapping[str, str], *, is_needed: bool) -> Check:
    """The kustomize that would be used, or that none is; no fault where nothing is rendered."""
    try:
        subcommand, version, *_ = kustomize.find(environ).version.split()
    except (RenderError, UsageError) as error:
        return fault("kustomize", error) if is_needed else warning("kustomize", str(error), error.hint)
    return ok("kustomize", f"{version}, in kubectl" if subcommand == "kustomize" else version)


def state(folder: Path) -> Check:
    """Whether the state folder can be written, and has room."""
    check = looked_at("state folder", lambda: _written(folder))
    if check.state == "fault":
        return check
    free = shutil.disk_usage(folder).free
    told = f"{folder}, {free / LITTLE:.1f} GiB free"
    if free < LITTLE:
        return warning("state folder", told, "give it more room: what does not fit is not accepted")
    return ok("state folder", told)


def _written(folder: Path) -> str:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        message = f"the state folder {folder} cannot be written: {error.strerror}"
        raise UsageError(message, hint="name one that can be with UPDATER_STATE_DIR") from error
    return str(folder)
