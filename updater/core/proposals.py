"""What becomes of the pull request of a service (or environment): opened, moved, kept, left alone or withdrawn. Pure.

One pull request lives for each branch of ours. What is wanted comes from the verdicts; what it proposes now was read
from its head. Nothing here asks whether it was there before: equal input, equal answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from updater.core.environment import PullRequests
from updater.core.history import key
from updater.core.messages import Told, short, told
from updater.core.promotion import rank
from updater.core.verdicts import Verdict
from updater.forge import PullRequest
from updater.model import Target, Version

Place: TypeAlias = tuple[str, str]
"""An entry: the path of its file, and its key there (`core.history.key`)."""

Action: TypeAlias = Literal["none", "open", "move", "keep", "leave", "withdraw", "delete"]
"""`delete` takes away a branch whose pull request is over and whose versions stand."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a head proposes beyond its base, since the commit `fork` of it.

    `versions` are by entry, `paths` the files that our commits change, `messages` those of these commits. `strangers`
    are the authors of commits that are not ours (a merge of the base that leaves it as planned is none).
    `by_hand` says why a person ordered it, None if nobody did; `superseded` is what it proposed before: service, image
    and version. `is_stale` is whether it was made on commits that are not in the base any more.
    """

    fork: str
    versions: Mapping[Place, Version]
    paths: frozenset[str]
    messages: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    by_hand: str | None = None
    superseded: tuple[tuple[str, str, Version], ...] = ()
    is_stale: bool = False

    def version(self, target: Target) -> Version | None:
        """What it proposes for an entry."""
        return self.versions.get(place(target))

    def push(self, image: str, version: Version) -> Told | None:
        """The push of a version that its trailers tell."""
        found = (told(message, image, version) for message in self.messages)
        return next((each for each in found if each is not None), None)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of ours on the remote, what it proposes, and its open pull request if there is one."""

    head: str
    tip: str | None
    proposed: Proposed | None
    pull: PullRequest | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is to become of one branch.

    `bumps` are to be on it where it is opened, moved or kept, and are on it where others work on it; `waits` are newer
    versions that have to wait for what it proposes, and `reason` says why it is withdrawn or left alone.
    """

    action: Action
    bumps: tuple[Verdict, ...] = ()
    waits: tuple[Verdict, ...] = ()
    reason: str = ""


def arranged(
    settings: PullRequests,
    entries: Mapping[Target, Sequence[Verdict]],
    branch: Branch | None,
    standing: Mapping[Place, Version],
) -> Arrangement:
    """What becomes of a branch, given the verdicts of its entries (newest first) and what stands in its base now."""
    mine = {place(target): found for target, found in entries.items()}
    best = {at: verdict for at, found in mine.items() if (verdict := _best(found)) is not None}
    if branch is None or branch.pull is None:
        return _without_pull(best, branch, standing)
    if branch.proposed is None:
        return Arrangement("leave", waits=tuple(best.values()), reason=f"#{branch.pull.number} is merged already")
    content = branch.proposed
    gone = {at for at, version in content.versions.items() if standing.get(at) == version}
    if content.strangers or content.by_hand is not None:
        there = [each for at, found in mine.items() for each in found if each.decision.to == content.versions.get(at)]
        return _of_others(best, there, branch, content, is_over=bool(gone) and gone == content.versions.keys())
    valid = {at: verdict for at, found in mine.items() if (verdict := _kept(found, content.versions.get(at)))}
    chosen = valid | {at: each for at, each in best.items() if at not in valid or _is_newer(each, valid[at])}
    if chosen and {at: each.decision.to for at, each in chosen.items()} == content.versions:
        return Arrangement("keep", tuple(chosen.values()))
    if chosen and _may_move(settings, branch.pull):
        return Arrangement("move", tuple(chosen.values()))
    void = content.versions.keys() - valid.keys() - gone
    if void or not valid:
        reason = _why_void(content, void or gone, mine, standing)
        return Arrangement("withdraw", waits=tuple(chosen.values()), reason=reason)
    waits = tuple(each for at, each in chosen.items() if each is not valid.get(at))
    return Arrangement("keep", tuple(valid.values()), waits)


def _of_others(
    best: Mapping[Place, Verdict], there: Sequence[Verdict], branch: Branch, content: Proposed, *, is_over: bool
) -> Arrangement:
    """A pull request that carries what others committed or ordered is theirs."""
    if is_over and not content.strangers:
        return Arrangement("withdraw", reason="what it proposes stands already")
    waits = tuple(each for at, each in best.items() if content.versions.get(at) != each.decision.to)
    return Arrangement("leave", tuple(there), waits, _alone(branch, content))


def _without_pull(
    best: Mapping[Place, Verdict], branch: Branch | None, standing: Mapping[Place, Version]
) -> Arrangement:
    content = None if branch is None else branch.proposed
    if branch is not None and content is not None and content.strangers:
        return Arrangement("leave", waits=tuple(best.values()), reason=_alone(branch, content))
    if best:
        return Arrangement("open", tuple(best.values()))
    is_over = content is None or all(standing.get(at) == version for at, version in content.versions.items())
    return Arrangement("delete" if branch is not None and branch.tip is not None and is_over else "none")


def is_approved(pull: PullRequest) -> bool:
    """Whether somebody has agreed to it, as it is or as it was: then a newer version does not move it by itself."""
    return bool(pull.approvals)


def place(target: Target) -> Place:
    """Where an entry is in a head."""
    return (target.entry.path, key(target.entry))


def _best(mine: Sequence[Verdict]) -> Verdict | None:
    return next((verdict for verdict in mine if verdict.may_land), None)


def _kept(mine: Sequence[Verdict], version: Version | None) -> Verdict | None:
    """The verdict on what is proposed for an entry, if that may still land."""
    return next((each for each in mine if each.decision.to == version and each.is_valid), None)


def _is_newer(one: Verdict, other: Verdict) -> bool:
    """Whether a verdict is on a newer version of the same entry than another one."""
    ranks = [rank(one.order, each.decision.to, each.event.time if each.event else None) for each in (one, other)]
    return bool(ranks[0] > ranks[1])


def _may_move(settings: PullRequests, pull: PullRequest) -> bool:
    return settings.move == "always" or (settings.move == "until-approved" and not is_approved(pull))


def _alone(branch: Branch, content: Proposed) -> str:
    what = f"#{branch.pull.number}" if branch.pull else f"the branch {branch.head}"
    if content.strangers:
        return f"{what} carries commits of {' and '.join(content.strangers)}, and is left alone"
    return f"{what} was ordered by hand, and is left as it is"


def _why_void(
    content: Proposed,
    void: Collection[Place],
    mine: Mapping[Place, Sequence[Verdict]],
    standing: Mapping[Place, Version],
) -> str:
    """Why nothing is left to do for some of the entries of a head, each reason once."""
    reasons = (
        _why(version, mine.get(at, ()), standing.get(at)) for at, version in content.versions.items() if at in void
    )
    return "; ".join(dict.fromkeys(reasons)) or "nothing is left to do"


def _why(version: Version, mine: Sequence[Verdict], here: Version | None) -> str:
    """Why a version is not wanted (any more) in an entry in which another one stands; None: the entry is gone."""
    if here is None:
        return f"the entry that {short(version)} was for is gone"
    if here == version:
        return f"{short(version)} stands already"
    reasons = (each.decision.reason for each in mine if each.decision.to == version)
    return next(reasons, f"nothing calls for {short(version)} any more, and {short(here)} stands")
