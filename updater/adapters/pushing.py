"""Pushing several branches at once, each on its own condition and with its own outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from updater.adapters.git import Git
from updater.adapters.process import Finished
from updater.errors import PushRefused
from updater.protocols import PushOutcome, Update

HEADS = "refs/heads/"
BESIDE = "refs/updater/"
"""Our refs beside the branches."""
_TRACKED = tuple(part for refs in (HEADS, BESIDE) for part in ("-c", f"remote.origin.fetch=+{refs}*:{refs}*"))
"""With this git itself moves our own refs along with the remote's, which saves a process."""
_OVERTAKEN = re.compile(
    r"fetch first|stale info|non-fast-forward|needs force|(cannot|unable to|failed to) lock|failed to update ref"
    r"|incorrect old value|reference already exists",
    re.IGNORECASE,
)


def push(git: Git, updates: Sequence[Update], settle: Callable[[Update], PushOutcome]) -> dict[str, PushOutcome]:
    """Pushes all updates in one go and gives the outcome of each branch.

    `settle` reads the remote's refs to learn what became of an update that the push does not tell of.
    Raises `GitError` where the remote does not let us push at all.
    """
    finished = git.run(*_TRACKED, "push", "--porcelain", *_arguments(updates))
    told = _porcelain(finished.stdout.decode(errors="replace"))
    outcomes = {update.branch: _outcome(git, update, told, finished, settle) for update in updates}
    if finished.code and not told and "landed" not in outcomes.values() and not git.is_cut_off(finished):
        raise git.failure(finished, "push")
    return outcomes


def ref(name: str) -> str:
    """The whole name of a ref, of which a branch is called by its own name only."""
    return name if name.startswith("refs/") else HEADS + name


def _arguments(updates: Sequence[Update]) -> list[str]:
    # The lease is a condition, not force: what is pushed descends from the id that it names. Without it
    # git would compare with whatever the remote has by now, and bring back commits that a person took out.
    # An empty id is the condition that there is no such ref, and an empty commit takes it away (git-push(1)).
    leases = [f"--force-with-lease={ref(update.branch)}:{update.old or ''}" for update in updates]
    return [*leases, "origin", *(f"{update.new or ''}:{ref(update.branch)}" for update in updates)]


def _outcome(
    git: Git,
    update: Update,
    told: Mapping[str, tuple[str, str]],
    finished: Finished,
    settle: Callable[[Update], PushOutcome],
) -> PushOutcome:
    flag, summary = told.get(update.branch, ("?", ""))
    if flag in " *=+-":
        return "landed"
    if flag == "!" and _OVERTAKEN.search(summary):
        return "moved"  # or is being moved: somebody holds the lock
    outcome = settle(update)
    if outcome == "unfinished" and flag == "!" and "remote rejected" in summary:
        return _refusal(git, update.branch, summary, finished)
    return outcome


def _refusal(git: Git, branch: str, summary: str, finished: Finished) -> PushRefused:
    lines = finished.message().splitlines()
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    said = git.without_secrets("; ".join(word for word in words if word) or summary)
    return PushRefused(
        f"{git.remote.url} refuses our push to {branch}: {said}",
        hint=f"let this identity push to {branch}, or keep the overlays on a branch to which it may",
    )


def _porcelain(output: str) -> dict[str, tuple[str, str]]:
    """Flag and summary of each branch in what `git push --porcelain` prints (git-push(1), OUTPUT)."""
    told = {}
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and len(fields[0]) == 1:
            told[fields[1].rpartition(":")[2].removeprefix(HEADS)] = (fields[0], fields[2])
    return told
