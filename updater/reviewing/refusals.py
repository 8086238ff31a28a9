"""What people refused by closing pull requests: a closed one is a no to what it proposed, and to nothing newer.

What was proposed is read from the head commit of the pull request, never from its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from updater.core import heads
from updater.core.environment import Configuration
from updater.core.proposals import Proposed, place
from updater.core.verdicts import Verdict, refused_before
from updater.forge import WITHDRAWN, PullRequest
from updater.model import Hold, Target, Version
from updater.reviewing.branches import Review, head_of, proposed
from updater.sight import Sight, tip_of
from updater.survey import unlifted

_UNKNOWN = "somebody"


def unless_refused(sight: Sight, review: Review, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, given what people refused by closing pull requests. Raises `ForgeError`.

    They are asked for together, of the branches on which something new would be proposed.
    """
    new = {each.target: head for each in verdicts if each.may_land and (head := _new_on(review, each)) is not None}
    if not new:
        return list(verdicts)
    settled: dict[str, list[PullRequest]] = {}
    for pull in sight.forge().settled(list(dict.fromkeys(new.values()))):
        settled.setdefault(pull.head, []).append(pull)
    contents = _contents(sight, review, [pull for pulls in settled.values() for pull in pulls])
    found: dict[Target, tuple[Verdict, ...]] = {}
    for target, mine in groupby(verdicts, key=lambda verdict: verdict.target):
        pulls = settled.get(new.get(target, ""), ())
        refused = _refusals(sight, review, [(pull, contents[pull.number]) for pull in pulls], target)
        found[target] = (*found.get(target, ()), *refused_before(list(mine), refused))
    return [verdict for mine in found.values() for verdict in mine]


def _new_on(review: Review, verdict: Verdict) -> str | None:
    """The branch on which a version would be proposed, if it is not proposed there already."""
    environment = review.environments.get(verdict.target.environment)
    if environment is None:
        return None
    head = head_of(environment, verdict.target.service)
    branch = review.branches.get(head)
    if branch is None or branch.pull is None or branch.proposed is None:
        return head
    return None if branch.proposed.versions.get(place(verdict.target)) == verdict.decision.to else head


def _contents(sight: Sight, review: Review, pulls: Sequence[PullRequest]) -> dict[int, Proposed | None]:
    """What each of these pull requests proposed; None where that is not known any more."""
    here = sight.repository.bring({pull.commit: pull.ref for pull in pulls})
    found: dict[int, Proposed | None] = {}
    for pull in pulls:
        head = heads.parsed(pull.head)
        environment = review.environments[head.environment] if head else None
        base = None if environment is None else tip_of(sight.repository, environment.branch)
        found[pull.number] = proposed(sight.repository, base, pull.commit) if base and pull.commit in here else None
    return found


def _refusals(
    sight: Sight, review: Review, pulls: Sequence[tuple[PullRequest, Proposed | None]], target: Target
) -> list[Hold]:
    """What people refused of an entry by closing these pull requests (newest first), unless a `release:` lifted it.

    Of a version the newest counts: a later one that a person ordered lifts what was refused before.
    """
    seen: dict[Version, Hold | None] = {}
    for pull, content in pulls:
        version = None if content is None else content.versions.get(place(target))
        if content is None or version is None or version in seen:
            continue
        is_refused = pull.state == "closed" and WITHDRAWN not in pull.labels
        if pull.state == "closed" and not is_refused and content.by_hand is None:
            continue
        seen[version] = _refusal(pull, content, target, version) if is_refused else None
    holds = [hold for hold in seen.values() if hold is not None]
    environment = review.environments[target.environment]
    repository, default = sight.repository, sight.repository.default_branch

    def then(_branch: str, hold: Hold) -> Configuration:
        return sight.configuration(repository.tree(repository.as_of(default, hold.at)), default)

    return list(unlifted(holds, environment, target.service, target.entry.image or "", then))


def _refusal(pull: PullRequest, content: Proposed, target: Target, version: Version) -> Hold:
    push = content.push(target.entry.image or "", version)
    at = pull.closed_at or pull.opened_at
    return Hold(
        version,
        push.time if push else pull.opened_at,
        pull.commit,
        f"{pull.closed_by or _UNKNOWN} (#{pull.number})",
        at,
    )
