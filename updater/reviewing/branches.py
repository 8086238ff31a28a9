"""Our branches and their pull requests, as they stand now on the remote and on the forge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from updater.core import heads
from updater.core.environment import NamedEnvironment
from updater.core.proposals import Branch, Proposed
from updater.core.waiting import Waiting
from updater.errors import ForgeError, UpdaterError, UsageError
from updater.forge import PREFIX, PullRequest
from updater.model import Event
from updater.protocols import Repository
from updater.reviewing.contents import proposed
from updater.sight import Sight, tip_of


@dataclass(frozen=True, slots=True)
class Review:
    """What is known of the pull requests of some environments: our branches there, by name, and why it is not more.

    `pulls` are all open ones of all environments, None as long as the forge was not asked.
    """

    environments: Mapping[str, NamedEnvironment] = field(default_factory=dict)
    branches: Mapping[str, Branch] = field(default_factory=dict)
    problem: UpdaterError | None = None
    pulls: tuple[PullRequest, ...] | None = None


def has_branches(repository: Repository, environment: NamedEnvironment) -> bool:
    """Whether the remote has a branch for a pull request of this environment, as last heard."""
    return bool(repository.names(heads.prefix(environment.name)))


def look(sight: Sight, environments: Sequence[NamedEnvironment], before: Review | None = None) -> Review:
    """Our branches of these environments, with the open pull requests; one whose branch is gone is among them.

    What was seen `before` is seen still: the forge is asked once. One that cannot be asked is a problem of the review,
    and no failure.
    """
    found = before or Review()
    if found.pulls is None and found.problem is None:
        try:
            found = replace(found, pulls=tuple(sight.forge().opened()))
        except (ForgeError, UsageError) as error:
            found = replace(found, problem=error)
    known = {**found.environments, **{each.name: each for each in environments}}
    branches = {each.head: each for each in _branches(sight, known, found.pulls)} if found.pulls is not None else {}
    return replace(found, environments=known, branches=branches)


def _branches(sight: Sight, known: Mapping[str, NamedEnvironment], pulls: Sequence[PullRequest]) -> Iterator[Branch]:
    for name in dict.fromkeys((*sight.repository.names(PREFIX), *(pull.head for pull in pulls))):
        head = heads.parsed(name)
        if head is not None and head.environment in known:
            base = _base(sight, head, known[head.environment])
            yield branch_of(sight, name, tip_of(sight.repository, base), of_head(pulls, name, base))


def of_head(pulls: Sequence[PullRequest], head: str, base: str) -> PullRequest | None:
    """The open pull request of a branch. People may have opened more of them, into other branches than `base`."""
    mine = [pull for pull in pulls if pull.head == head]
    return min(mine, key=lambda pull: (pull.base != base, pull.number), default=None)


def _base(sight: Sight, head: heads.Head, environment: NamedEnvironment) -> str:
    """The branch into which a branch is to be merged: environments' files are on the default branch."""
    is_file = not head.is_service and head.service == heads.SETTINGS
    return sight.repository.default_branch if is_file else environment.branch


def branch_of(sight: Sight, name: str, base: str, pull: PullRequest | None) -> Branch:
    """A branch of ours with what it proposes beyond the commit `base`; where it is gone, what its pull request has."""
    repository, tip = sight.repository, sight.repository.tip(name)
    if tip is None and pull is not None and repository.bring({pull.commit: pull.ref}):
        return Branch(name, None, proposed(repository, base, pull.commit), pull)
    return Branch(name, tip, None if tip is None else proposed(repository, base, tip), pull)


def revived(branches: Iterable[Branch], following: Collection[str]) -> Waiting:
    """What branches propose of which the environment follows the registry, as pushes to decide on again.

    Nothing counts but what our own commits tell: what others committed there nobody has pushed.
    """
    found: dict[str, tuple[Event, ...]] = {}
    for branch in branches:
        head, content = heads.parsed(branch.head), branch.proposed
        if head is None or content is None or content.strangers or content.by_hand is not None:
            continue
        if head.environment in following:
            found[head.environment] = (*found.get(head.environment, ()), *_events(content))
    return found


def _events(content: Proposed) -> Iterator[Event]:
    for (_, name), version in content.versions.items():
        image = name.partition("\n")[0]
        push = content.push(image, version)
        if push is not None:
            source, _, id_ = push.event.partition("/")
            yield Event(source, id_, image, version, push.time, push.time, origin=push.origin)


def head_of(environment: NamedEnvironment, service: str) -> str:
    """The branch for a service of an environment, which may be one for all."""
    if environment.settings.pull_request.per == "environment":
        return heads.shared(environment.name, heads.ALL)
    return heads.head(environment.name, service)
