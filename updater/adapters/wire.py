"""Asking a remote for its refs, and fetching from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from updater.adapters import storage
from updater.adapters.git import Git
from updater.adapters.objects import Objects
from updater.adapters.process import Finished
from updater.adapters.pushing import HEADS
from updater.adapters.reading import is_text
from updater.core.looks import REFS as LOOKS
from updater.core.waiting import REFS as WAITING
from updater.forge import PREFIX

OURS = (f"{HEADS}{PREFIX}", WAITING, LOOKS)
"""What the names of refs that are ours begin with: branches of pull requests, what waits, and what looks found."""
_BROUGHT = "refs/updater-brought/"
"""Here alone: they keep what was brought from being pruned, and are no branches."""
_PEELED = "^{}"
"""What follows the name of a tag where git tells the commit behind it; see git-ls-remote(1)."""
_RIVALS = 10
_COMMIT = re.compile(r"[0-9a-f]{40}")
_WHOLE_NAME = re.compile(r"refs/[^:*?\[\\^~\x00-\x20\x7f-\U0010ffff]+")
"""Of one ref, in ASCII: nothing that would be a pattern in a refspec, or its other half (git-check-ref-format(1))."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote has: its default branch and that one's tip where there are any, and refs by their whole names."""

    default: str | None
    head: str | None
    refs: Mapping[str, str]


def listing(git: Git, *patterns: str) -> Listing:
    """Asks for the default branch and the refs that match. There may be more than that: names that end alike."""
    default, refs = None, {}
    for line in lines(git.check("ls-remote", "--symref", "origin", "HEAD", *patterns)):
        value, name = line.split("\t")
        if name == "HEAD" and value.startswith("ref: "):
            default = value.removeprefix(f"ref: {HEADS}")
        elif not name.endswith(_PEELED):
            refs[name] = value
    return Listing(default, refs.pop("HEAD", None), refs)


def fetch(git: Git, refspecs: Sequence[str]) -> None:
    """Fetches, one process at a time. Raises `GitError`."""
    with storage.fetching(git.folder):
        finished = _fetched(git, refspecs)
        # Another process that pushes from this mirror moves the same refs, and may be in the middle of it.
        for _ in range(_RIVALS):
            if finished.code == 0 or "cannot lock ref" not in finished.message():
                break
            finished = _fetched(git, refspecs)
    if finished.code != 0:
        raise git.failure(finished, "fetch")


def bring(git: Git, objects: Objects, commits: Mapping[str, str]) -> frozenset[str]:
    """Of these commits (each with the whole name of a ref that leads to it) those that are here, or could be fetched.

    Git fails as a whole where one ref is missing, so the remote is asked first which there are. Raises `GitError`.
    """
    commits = {sha: name for sha, name in commits.items() if _COMMIT.fullmatch(sha)}
    missing = sorted({name for sha, name in commits.items() if sha not in objects and _WHOLE_NAME.fullmatch(name)})
    if missing:
        there = listing(git, *missing).refs
        tips = {there[name]: name for name in missing if name in there}
        refspecs = [f"+{name}:{_BROUGHT}{tip}" for tip, name in tips.items() if tip not in objects]
        if refspecs:
            fetch(git, refspecs)
    return frozenset(sha for sha in commits if sha in objects)


def head(folder: Path) -> str:
    """The default branch as last heard, in a bare repository."""
    return (folder / "HEAD").read_text().strip().removeprefix(f"ref: {HEADS}")


def lines(output: bytes) -> list[str]:
    """The lines that are text; git lets a ref have any bytes for a name, but no configuration can ask for it."""
    # Not `splitlines`: a name may hold what only Python takes for the end of a line.
    found = output.decode(errors="surrogateescape").split("\n")
    return [line for line in found if line and is_text(line)]


def _fetched(git: Git, refspecs: Sequence[str]) -> Finished:
    return git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", *refspecs)
