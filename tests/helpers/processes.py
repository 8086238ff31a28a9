"""The processes that run below one of ours."""

from __future__ import annotations

from pathlib import Path

import pytest


def descendants(ancestor: int) -> list[tuple[int, list[str]]]:
    """Id and argument list of every living process that was started by `ancestor` or below it; see proc(5)."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("no /proc here")
    parents = {pid: parent for pid in _all() if (parent := _parent(pid)) is not None}
    found = [pid for pid in parents if _is_below(pid, ancestor, parents)]
    return [(pid, command) for pid in found if (command := _command(pid))]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _is_below(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []
