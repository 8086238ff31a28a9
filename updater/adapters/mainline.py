"""What a branch went through, commit by commit, although somebody merged it the wrong way round.

The first parent of a commit is where its branch was before, with one exception: who pulls the branch into a clone of
her own and pushes the result ("foxtrot merge") makes the branch the second parent. git then writes `Merge branch
'main' of …`, or `Merge remote-tracking branch 'origin/main'` (git-fmt-merge-msg(1)), and that tells; where the
names are others, the side with commits of ours is the branch. Without this a revert that was pulled that way would be
forgotten: along the first parents it never happened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from updater.adapters.git import Git
from updater.adapters.log import LoggedCommit, compared, log, pages


@dataclass(frozen=True, slots=True)
class Turn:
    """A merge whose second parent, `into`, is what the branch was before."""

    merge: str
    into: str


def turns(git: Git, branch: str, tip: str) -> tuple[Turn, ...]:
    """All turns on the way of a branch, newest first."""
    found: list[Turn] = []
    top: str | None = tip
    while top is not None:
        turn = next(_turns_below(git, branch, top), None)
        found += [turn] if turn else []
        top = turn.into if turn else None
    return tuple(found)


def steps(git: Git, tip: str, on_the_way: Sequence[Turn], path: str | None = None) -> Iterator[LoggedCommit]:
    """The steps of a branch, newest first; only those that changed `path`, if there is one."""
    top = tip
    for turn in on_the_way:
        yield from pages(git, top, turn.merge) if path is None else log(git, f"{turn.merge}..{top}", path)
        merged = compared(git, turn.merge, turn.into)
        if path is None or path in dict(merged.changes):
            yield merged
        top = turn.into
    yield from pages(git, top) if path is None else log(git, top, path)


def since(git: Git, branch: str, old: str, new: str) -> tuple[list[LoggedCommit], list[Turn]] | None:
    """The steps from one tip of a branch to a newer one, newest first, and the turns among them.

    None if the branch did not come that way: its history was rewritten.
    """
    found: list[LoggedCommit] = []
    turned: list[Turn] = []
    top = new
    while top != old:
        commits = list(pages(git, top, old))
        at = next((at for at, each in enumerate(commits) if _is_turn(git, branch, each.parents, each.message)), None)
        if at is None:
            found += commits
            return (found, turned) if commits and commits[-1].parents[:1] == (old,) else None
        turn = Turn(commits[at].sha, commits[at].parents[1])
        found += [*commits[:at], compared(git, turn.merge, turn.into)]
        turned.append(turn)
        top = turn.into
    return found, turned


def _turns_below(git: Git, branch: str, top: str) -> Iterator[Turn]:
    merges = git.check("log", "--first-parent", "--min-parents=2", "-z", "--format=%H%x00%P%x00%B", top)
    fields = merges.decode(errors="replace").split("\0")
    for sha, parents, message in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        if _is_turn(git, branch, parents.split(), message):
            yield Turn(sha, parents.split()[1])


def _is_turn(git: Git, branch: str, parents: Sequence[str], message: str) -> bool:
    """Whether the second parent of a merge is what the branch was before."""
    subject = message.partition("\n")[0]
    name = re.escape(branch)
    # Quotes behind `into` are those of a forge that merged a branch of the same name from somebody's fork.
    ours = rf"Merge (?:branch '{name}'|remote-tracking branch 'origin/{name}')(?: of (\S+))?(?: into [^\s']+)?"
    told = re.fullmatch(ours, subject)
    if len(parents) != 2:
        return False
    if told is not None and (told[1] is None or _name(told[1]) == _name(git.remote.url)):
        return True
    # Another name for our remote, or another repository, maybe a fork: our own commits tell which side is the branch.
    tracked = rf"remote-tracking branch '(?:[^']*/{name}|[^/']+)'"
    merged_by_hand = re.match(rf"Merge (?:{tracked}|commit '|branch '{name}' of )", subject)
    here, there = f"{parents[1]}..{parents[0]}", f"{parents[0]}..{parents[1]}"
    return merged_by_hand is not None and not _has_ours(git, here) and _has_ours(git, there)


def _has_ours(git: Git, revisions: str) -> bool:
    grep = ("--max-count=1", "--format=%H", "--grep=^Updater-Environment: ")
    return bool(git.check("log", "--first-parent", *grep, "--end-of-options", revisions).strip())


def _name(url: str) -> list[str]:
    """What of a repository's URL is the same over every protocol: its own name and its owner's."""
    return re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-2:]
