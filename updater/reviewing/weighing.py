"""Verdicts in the light of pull requests: what people refused, what cannot be asked, and what nobody wants any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from updater.core import heads
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.proposals import Branch
from updater.core.verdicts import Verdict
from updater.errors import ForgeError
from updater.forge import PREFIX
from updater.model import Outcome
from updater.protocols import Repository, Tree
from updater.reviewing.branches import Review, branch_of, has_branches, look
from updater.reviewing.contents import stands
from updater.reviewing.refusals import unless_refused
from updater.sight import Sight


@dataclass(frozen=True, slots=True)
class Stray:
    """A branch with an open pull request of no environment that delivers so; `left` says why it is not withdrawn."""

    branch: Branch
    left: str = ""


def with_branches(repository: Repository, environments: Iterable[NamedEnvironment]) -> list[NamedEnvironment]:
    """Those of which the remote has branches for pull requests."""
    return [each for each in environments if repository.tip(each.branch) and has_branches(repository, each)]


def reviewed(
    sight: Sight,
    configuration: Configuration,
    review: Review,
    promoted: Sequence[NamedEnvironment],
    verdicts: Sequence[Verdict],
) -> tuple[Review, list[Verdict]]:
    """What is known of pull requests where they matter, and the verdicts, given what people refused there.

    They matter where something may land, and where something was `promoted` to before.
    """
    landing = {verdict.target.environment for verdict in verdicts if verdict.may_land}
    known = {each.name: each for each in configuration.environments if each.proposes}
    wanted = {each.name: each for each in with_branches(sight.repository, [each for each in promoted if each.proposes])}
    wanted |= {name: known[name] for name in landing if name in known}
    if not wanted.keys() <= review.environments.keys():
        review = look(sight, list(wanted.values()), review)
    if review.problem is None:
        try:
            found, merged = unless_refused(sight, review, verdicts)
            return _without(review, merged), found
        except ForgeError as error:
            review = replace(review, problem=error)
    return review, [_unasked(review, verdict) for verdict in verdicts]


def _without(review: Review, merged: Collection[str]) -> Review:
    """The review, in which branches that are left over from a merge propose nothing."""
    over = {head: replace(each, proposed=None) for head, each in review.branches.items() if head in merged}
    return replace(review, branches={**review.branches, **over})


def _unasked(review: Review, verdict: Verdict) -> Verdict:
    """The verdict where the forge could not be asked: what would be proposed has to wait, and its push is kept."""
    if verdict.decision.outcome is not Outcome.PROPOSED:
        return verdict
    keeps = verdict.offer is None
    decision = replace(verdict.decision, outcome=Outcome.WAITING, reason=str(review.problem), keeps=keeps)
    return replace(verdict, decision=decision)


def has_strays(repository: Repository, configuration: Configuration) -> bool:
    """Whether there are branches of ours for an environment that does not deliver by pull request (any more)."""
    return any(_is_stray(configuration, name) for name in repository.names(PREFIX))


def strays(sight: Sight, configuration: Configuration, review: Review) -> Iterator[Stray]:
    """The open pull requests, with their branches, of environments that do not deliver so (any more)."""
    repository = sight.repository
    for pull in review.pulls or ():
        if _is_stray(configuration, pull.head):
            base = repository.tip(pull.base) or repository.tip(repository.default_branch)
            assert base is not None, "the default branch was heard of"
            branch = branch_of(sight, pull.head, base, pull)
            yield Stray(branch, _why_left(configuration, branch, repository.tree(base)))


def _why_left(configuration: Configuration, branch: Branch, tree: Tree) -> str:
    """What people ordered or worked on is theirs; and a push is known to nobody else."""
    head, content = heads.parsed(branch.head), branch.proposed
    if head is None or content is None:
        return "it is merged already, or cannot be read"
    if content.strangers:
        return f"it carries commits of {' and '.join(content.strangers)}, and is left alone"
    if content.by_hand is not None:
        return "it was ordered by hand, and is left as it is"
    follows = any(each.name == head.environment and each.settings.follow for each in configuration.environments)
    if follows and not stands(tree, content):
        return f"{head.environment} delivers by commit by now: merge this, or close it"
    return ""


def _is_stray(configuration: Configuration, branch: str) -> bool:
    """Whether no environment delivers by such a branch. Of one whose file is broken nobody can tell."""
    head = heads.parsed(branch)
    if head is None:
        return False
    file = f"environments/{head.environment}.yaml"
    is_broken = any(error.at is not None and error.at.path == file for error in configuration.errors)
    return not is_broken and not any(
        each.name == head.environment and each.proposes for each in configuration.environments
    )
