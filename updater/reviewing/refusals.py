"""What people refused by closing pull requests: a closed one is a no to what it proposed, and to nothing newer.

What was proposed is read from the head commit of the pull request, never from its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TypeAlias

from updater.core import heads
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.proposals import Proposed
from updater.core.verdicts import Verdict, refused_before
from updater.forge import WITHDRAWN, PullRequest
from updater.model import Hold, Target, Version
from updater.reviewing.branches import Review, head_of
from updater.reviewing.contents import proposed
from updater.sight import Sight, tip_of
from updater.survey import unlifted

Settled: TypeAlias = Mapping[str, Sequence[tuple[PullRequest, Proposed | None]]]
"""The settled pull requests of each branch, newest first, with what they proposed, as far as that is known."""

_UNKNOWN = "somebody"
_A_MOMENT = timedelta(seconds=1)
"""What git's whole seconds may hide: a release right after the no counts."""


def unless_refused(sight: Sight, review: Review, verdicts: Sequence[Verdict]) -> tuple[list[Verdict], frozenset[str]]:
    """The verdicts (those on an entry newest first), given what people refused by closing pull requests.

    Closed ones are asked for together, and only where something new would be proposed. Told are, too, those of their
    branches that are left over from a merge, whoever has committed to them. Raises `ForgeError`.
    """
    by_entry = [(target, list(mine)) for target, mine in groupby(verdicts, key=lambda verdict: verdict.target)]
    new = [target for target, mine in by_entry if _is_new(review, mine)]
    pulls = _asked(sight, [head for target in new for head in _heads(target)])
    settled = _settled(sight, review, pulls)
    found: list[Verdict] = []
    for target, mine in by_entry:
        found += refused_before(mine, _refusals(sight, review, settled, target)) if target in new else mine
    merged = (pull for pull in pulls if pull.state == "merged" and pull.commit == sight.repository.tip(pull.head))
    return found, frozenset(pull.head for pull in merged)


def refused(sight: Sight, environment: NamedEnvironment, targets: Sequence[Target]) -> dict[Target, list[Hold]]:
    """What people refused of these entries by closing pull requests, and nothing has lifted. Raises `ForgeError`.

    The environment's branch was heard of.
    """
    review = Review({environment.name: environment})
    settled = _settled(sight, review, _asked(sight, [head for target in targets for head in _heads(target)]))
    return {target: _refusals(sight, review, settled, target) for target in targets}


def _is_new(review: Review, verdicts: Sequence[Verdict]) -> bool:
    """Whether the newest version that may land in an entry is proposed nowhere yet."""
    first = next((verdict for verdict in verdicts if verdict.may_land), None)
    environment = None if first is None else review.environments.get(first.target.environment)
    if first is None or environment is None:
        return False
    branch = review.branches.get(head_of(environment, first.target.service))
    if branch is None or branch.pull is None or branch.proposed is None:
        return True
    return branch.proposed.version(first.target) != first.decision.to


def _heads(target: Target) -> tuple[str, str]:
    """The branches on which an entry's versions were proposed: `per` may have been another one then."""
    return heads.head(target.environment, target.service), heads.shared(target.environment, heads.ALL)


def _asked(sight: Sight, names: Sequence[str]) -> Sequence[PullRequest]:
    return sight.forge().settled(list(dict.fromkeys(names))) if names else ()


def _settled(sight: Sight, review: Review, asked: Sequence[PullRequest]) -> Settled:
    pulls = list(_telling(asked))
    here = sight.repository.bring({pull.commit: pull.ref for pull in pulls})
    found: dict[str, list[tuple[PullRequest, Proposed | None]]] = {}
    for pull in pulls:
        head = heads.parsed(pull.head)
        assert head is not None, "only our branches were asked for"
        base = tip_of(sight.repository, review.environments[head.environment].branch)
        content = proposed(sight.repository, base, pull.commit) if pull.commit in here else None
        found.setdefault(pull.head, []).append((pull, content))
    return found


def _telling(pulls: Sequence[PullRequest]) -> Iterator[PullRequest]:
    """Those of each branch (newest first) down to the oldest that a person closed: what came before tells nothing."""
    for head in dict.fromkeys(pull.head for pull in pulls):
        mine = [pull for pull in pulls if pull.head == head]
        oldest = max((at for at, pull in enumerate(mine) if _is_refused(pull)), default=-1)
        yield from mine[: oldest + 1]


def _is_refused(pull: PullRequest) -> bool:
    return pull.state == "closed" and WITHDRAWN not in pull.labels


def _refusals(sight: Sight, review: Review, settled: Settled, target: Target) -> list[Hold]:
    """What people refused of an entry by closing pull requests, unless a `release:` lifted it.

    Of a version the newest counts: a later one that a person ordered lifts what was refused before.
    """
    pulls = [each for head in _heads(target) for each in settled.get(head, ())]
    seen: dict[Version, Hold | None] = {}
    for pull, content in sorted(pulls, key=lambda each: each[0].number, reverse=True):
        version = None if content is None else content.version(target)
        if content is None or version is None or version in seen:
            continue
        is_withdrawn = pull.state == "closed" and not _is_refused(pull)
        if not is_withdrawn or content.by_hand is not None:
            seen[version] = _refusal(pull, content, target, version) if _is_refused(pull) else None
    holds = [hold for hold in seen.values() if hold is not None]
    repository, default = sight.repository, sight.repository.default_branch

    def then(_branch: str, hold: Hold) -> Configuration:
        return sight.configuration(repository.tree(repository.as_of(default, hold.at - _A_MOMENT)), default)

    environment = review.environments[target.environment]
    return list(unlifted(holds, environment, target.service, target.entry.image or "", then))


def _refusal(pull: PullRequest, content: Proposed, target: Target, version: Version) -> Hold:
    push = content.push(target.entry.image or "", version)
    pushed_at, closed_at = push.time if push else pull.opened_at, pull.closed_at or pull.opened_at
    return Hold(version, pushed_at, pull.commit, f"{pull.closed_by or _UNKNOWN} (#{pull.number})", closed_at)
