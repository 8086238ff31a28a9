"""The state folder: where each remote's mirror and cache lie, made once and safe to share between processes.

A process that is killed leaves no lock of ours behind (the system gives those back), but git's own lock
files stay. Each is held for an instant only, so an old one has nobody behind it and is cleared away.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from updater.adapters.git import Git, Remote
from updater.errors import UsageError

_ABANDONED = timedelta(minutes=1)
_OUR_LOCK = "updater.lock"
_OURS = "updater"


def mirror_folder(remote: Remote, state: Path, now: datetime) -> Path:
    """The bare clone of `remote` in the state folder; made now if it is not there.

    Raises `UsageError` where the state folder cannot be written, and `GitError` where cloning fails.
    """
    folder = _place(remote, state, ".git")
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(folder.with_suffix(".lock")):
            if all((folder / part).exists() for part in ("HEAD", "config", "objects", "refs")):
                _clear_abandoned_locks(folder, now)
            else:
                _clone(remote, folder)
    except OSError as error:
        message = f"the state folder {state} cannot be used: {error.strerror}"
        raise UsageError(message, hint="name one that can be written with UPDATER_STATE_DIR") from error
    return folder


def inbox_file(remote: Remote, state: Path) -> Path:
    """Where the inbox of `remote` is kept, whether it is there or not: beside its mirror."""
    return _place(remote, state, ".inbox")


def other_inboxes(remote: Remote, state: Path) -> list[Path]:
    """The inboxes in the state folder that are of other remotes, or of this one by another address."""
    return sorted(set(state.glob("*.inbox")) - {inbox_file(remote, state)})


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes out while the block runs; given back by the system if this one dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_if_free(path: Path) -> Iterator[int | None]:
    """The descriptor of a lock that is kept until the last process that has it ends; None if another one has it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file.fileno()


@contextmanager
def fetching(folder: Path) -> Iterator[None]:
    """Lets one process at a time fetch into a mirror."""
    with locked(folder / _OUR_LOCK):
        yield


def _place(remote: Remote, state: Path, ending: str) -> Path:
    return state / f"{hashlib.sha256(remote.url.encode()).hexdigest()[:16]}{ending}"


def _clone(remote: Remote, folder: Path) -> None:
    unfinished = folder.with_suffix(".part")
    for rest in (unfinished, folder):
        shutil.rmtree(rest, ignore_errors=True)
    git = Git(remote, folder.parent)
    git.check("clone", "--quiet", "--bare", "--single-branch", "--no-tags", "--", remote.url, unfinished.name)
    unfinished.rename(folder)


def _clear_abandoned_locks(folder: Path, now: datetime) -> None:
    graphs = (folder / "objects" / "info").rglob("*.lock")
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock"), *graphs):
        if lock.name.startswith(_OURS):
            continue
        if now.timestamp() - lock.stat().st_mtime > _ABANDONED.total_seconds():
            lock.unlink(missing_ok=True)
