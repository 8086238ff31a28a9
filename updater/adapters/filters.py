"""Changed-path filters: with them git finds the commits that touched a file without comparing every tree.

They belong to git's commit graph (git-commit-graph(1), `--changed-paths`). Writing them takes seconds to a minute for
tens of thousands of commits, once, so it is done beside the work: by a process that nobody waits for, and that
outlives the command that started it. It holds a lock of ours while it runs, so there is one at a time.
"""

from __future__ import annotations

from updater.adapters import storage
from updater.adapters.git import Git

MANY_COMMITS = 2_000
"""So many commits without filters are worth writing some."""
_MANY_BYTES = 1024 * 1024
"""In the indexes of packs, where an object takes about thirty."""
_LOCK = "updater-filters.lock"
_WRITE = ("commit-graph", "write", "--reachable", "--changed-paths", "--split", "--no-progress")


def write_where_missing(git: Git) -> None:
    """Has filters written for a large repository that has none."""
    graph = git.folder / "objects" / "info"
    if (graph / "commit-graph").exists() or (graph / "commit-graphs" / "commit-graph-chain").exists():
        return
    if sum(index.stat().st_size for index in (git.folder / "objects" / "pack").glob("*.idx")) > _MANY_BYTES:
        write(git)


def write(git: Git) -> None:
    """Has filters written for all commits that have none, unless that is being done."""
    with storage.locked_if_free(git.folder / _LOCK) as lock:
        if lock is not None:
            git.start(*_WRITE, keeping=(lock,))
