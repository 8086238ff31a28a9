"""Pushing several branches at once, each on its own condition and with its own outcome."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from updater.adapters.git import Git
from updater.adapters.process import Finished
from updater.core.looks import REFS as LOOKS
from updater.core.outcomes import MARKS
from updater.core.waiting import REFS as WAITING
from updater.errors import PushRefused
from updater.forge import PREFIX
from updater.protocols import PushOutcome, Update

Settle: TypeAlias = Callable[[Sequence[Update]], Mapping[str, PushOutcome]]
HEADS = "refs/heads/"
MIRRORED = (HEADS, WAITING, MARKS, LOOKS)
"""What the names of the refs begin with that are known here as last heard of the remote."""
_TRACKED = tuple(part for refs in MIRRORED for part in ("-c", f"remote.origin.fetch=+{refs}*:{refs}*"))
"""With this git itself moves our own refs along with the remote's, which saves a process."""
_OVERTAKEN = re.compile(
    r"fetch first|stale info|(?<!remote rejected\] \()non-fast-forward|needs force|(cannot|unable to|failed to) lock"
    r"|failed to update ref|incorrect old value|reference already exists",
    re.IGNORECASE,
)
_MANY = r"too many|more than|at most|no more|exceed\w*|limit\w*|maximum"
_REFS = r"refs|references|branches|tags"
_TOO_MANY = re.compile(rf"\b({_MANY})\b.*\b({_REFS})\b|\b({_REFS})\b.*\b({_MANY})\b", re.IGNORECASE)
"""What remotes say that take only so many refs at once, each in words of its own."""
_IN_THE_WAY = re.compile(r"'([^']+)' exists; cannot create '([^']+)'")
"""What git says where there cannot be two names of which one is the folder of the other."""
_ALL_OF_IT = 1_000_000
"""Characters of what is said; a remote may say it again for every ref."""


def push(git: Git, updates: Sequence[Update], settle: Settle) -> dict[str, PushOutcome]:
    """Pushes all updates in one go and gives the outcome of each branch.

    Where the remote says that these are too many at once, they are pushed in halves, and those again. `settle` reads
    the remote's refs to learn what became of updates that the push does not tell of. Raises `GitError` where the
    remote does not let us push at all.
    """
    outcomes: dict[str, PushOutcome] = {}
    rest, size = list(updates), len(updates)
    while rest:
        portion = rest[:size]
        pushed = _push(git, portion)
        if len(portion) > 1 and pushed.is_too_much():
            size = (len(portion) + 1) // 2
            continue
        outcomes |= _outcomes(git, portion, pushed, settle)
        rest = rest[size:]
    return outcomes


@dataclass(frozen=True, slots=True)
class _Pushed:
    """What git says of a push: how it ended, and flag and summary of each branch."""

    finished: Finished
    told: Mapping[str, tuple[str, str]]

    def is_too_much(self) -> bool:
        """Whether nothing was taken because it was too many refs for one push."""
        taken = any(flag in " *+-" for flag, _ in self.told.values())
        said = [self.finished.message(_ALL_OF_IT), *(summary for _, summary in self.told.values())]
        return bool(self.finished.code) and not taken and any(map(_TOO_MANY.search, said))


def _push(git: Git, updates: Sequence[Update]) -> _Pushed:
    finished = git.run(*_TRACKED, "push", "--porcelain", *_arguments(updates))
    return _Pushed(finished, _porcelain(finished.stdout.decode(errors="replace")))


def _outcomes(git: Git, updates: Sequence[Update], pushed: _Pushed, settle: Settle) -> dict[str, PushOutcome]:
    told = {update.branch: _told(*pushed.told.get(update.branch, ("?", ""))) for update in updates}
    doubtful = [update for update in updates if told[update.branch] is None]
    settled = settle(doubtful) if doubtful else {}
    outcomes = {branch: outcome or settled[branch] for branch, outcome in told.items()}
    finished = pushed.finished
    outcomes |= _impossible(git, updates, finished)
    if finished.code and not pushed.told and "landed" not in outcomes.values() and not git.is_cut_off(finished):
        raise git.failure(finished, "push")
    said = "; ".join(_words(finished))
    for update in doubtful:
        flag, summary = pushed.told.get(update.branch, ("?", ""))
        if outcomes[update.branch] == "unfinished" and flag == "!" and "remote rejected" in summary:
            outcomes[update.branch] = _refusal(git, update.branch, said or summary)
    return outcomes


def ref(name: str) -> str:
    """The whole name of a ref, of which a branch is called by its own name only."""
    return name if name.startswith("refs/") else HEADS + name


def _arguments(updates: Sequence[Update]) -> list[str]:
    # The lease is a condition, and force only for branches of pull requests: what is pushed to others descends from
    # the id that it names. Without it git would compare with whatever the remote has by now, and bring back commits
    # that a person took out. An empty id is the condition that there is no such ref, and an empty commit takes it
    # away (git-push(1)).
    leases = [f"--force-with-lease={ref(update.branch)}:{update.old or ''}" for update in updates]
    return [*leases, "origin", *(f"{update.new or ''}:{ref(update.branch)}" for update in updates)]


def _told(flag: str, summary: str) -> PushOutcome | None:
    """What became of a branch as far as the push tells; None where the remote's refs have to tell."""
    if flag in " *=+-":
        return "landed"
    # Moved, or being moved: somebody holds the lock.
    return "moved" if flag == "!" and _OVERTAKEN.search(summary) else None


def _words(finished: Finished) -> list[str]:
    """What the remote says for people, each line once."""
    lines = finished.message().splitlines()
    words = (line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:"))
    return list(dict.fromkeys(word for word in words if word))


def _impossible(git: Git, updates: Sequence[Update], finished: Finished) -> dict[str, PushOutcome]:
    """The branches that another one is in the way of, which no other try would change."""
    others = {name: other for other, name in _IN_THE_WAY.findall(finished.message(_ALL_OF_IT))}
    found: dict[str, PushOutcome] = {}
    for update in updates:
        if ref(update.branch) in others:
            other = others[ref(update.branch)]
            name = other.removeprefix(HEADS)
            there = name if name == other else f"a branch {name}"
            said = f"{git.remote.url} has {there}: there cannot be {update.branch} beside it"
            found[update.branch] = PushRefused(said, hint=f"rename or delete {name}")
    return found


def _refusal(git: Git, branch: str, said: str) -> PushRefused:
    hint = f"let this identity push to {branch}, or keep the overlays on a branch to which it may"
    if branch.startswith("refs/"):
        hint = "let this identity make, push and delete refs/updater/**: what the updater has to know is kept there"
    elif branch.startswith(PREFIX):
        hint = f"let this identity make, force-push and delete the branches {PREFIX}**: they are our pull requests"
    return PushRefused(f"{git.remote.url} refuses our push to {branch}: {git.without_secrets(said)}", hint=hint)


def _porcelain(output: str) -> dict[str, tuple[str, str]]:
    """Flag and summary of each branch in what `git push --porcelain` prints (git-push(1), OUTPUT)."""
    told = {}
    for line in output.split("\n"):
        fields = line.split("\t")
        if len(fields) == 3 and len(fields[0]) == 1:
            told[fields[1].rpartition(":")[2].removeprefix(HEADS)] = (fields[0], fields[2])
    return told
