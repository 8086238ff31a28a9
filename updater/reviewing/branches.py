"""What stands in our pull requests: the versions that a head proposes, and whether somebody else worked on it.

Read from the commits of the head, never from the text of the pull request: that anybody may edit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from updater.core import heads, references
from updater.core.environment import NamedEnvironment
from updater.core.history import key
from updater.core.kustomization import FILE_NAMES, entries
from updater.core.promotion import BY_HAND
from updater.core.proposals import Branch, Place, Proposed
from updater.core.waiting import Waiting
from updater.errors import EditRefused, ForgeError, UpdaterError, UsageError
from updater.forge import PREFIX, PullRequest
from updater.model import Event, Version
from updater.protocols import Beyond, Repository, Tree
from updater.sight import Sight, tip_of

_ORDERED = re.compile(r"^Updater-By-Hand: (.*)$", re.MULTILINE)
_SERVICE = re.compile(r"^Updater-Service: (.*)$", re.MULTILINE)
_SUPERSEDES = re.compile(r"^Updater-Supersedes: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Review:
    """What is known of the pull requests of some environments: our branches there, by name, and why it is not more.

    `others` are the open pull requests of all other environments.
    """

    environments: Mapping[str, NamedEnvironment] = field(default_factory=dict)
    branches: Mapping[str, Branch] = field(default_factory=dict)
    problem: UpdaterError | None = None
    others: tuple[PullRequest, ...] = ()


def proposed(repository: Repository, base: str, head: str) -> Proposed | None:
    """What the commit `head` proposes beyond `base`; None where all of it is in the base already."""
    commits = repository.beyond(base, head)
    if not commits:
        return None
    mine = [commit for commit in commits if commit.is_ours]
    others = [commit for commit in commits if not commit.is_ours]
    first = commits[-1]
    fork = first.parents[0] if first.parents else base
    paths = frozenset(path for commit in mine for path in repository.changed(commit.commit))
    messages = tuple(commit.message for commit in mine)
    return Proposed(
        fork,
        _versions(repository.tree(fork), repository.tree(head), paths),
        paths,
        messages,
        tuple(dict.fromkeys(commit.author for commit in others if not _is_merge(commit))),
        any(_is_merge(commit) for commit in others),
        next((found[1] for message in messages if (found := _ORDERED.search(message))), None),
        tuple(dict.fromkeys(each for message in messages for each in _superseded(message))),
    )


def _superseded(message: str) -> Iterator[tuple[str, str, Version]]:
    service = _SERVICE.search(message)
    for name in _SUPERSEDES.findall(message):
        found = references.parse(name)
        if service is not None and found is not None:
            yield service[1], found.image, found.version


def _is_merge(commit: Beyond) -> bool:
    return len(commit.parents) > 1


def _versions(before: Tree, after: Tree, paths: Collection[str]) -> dict[Place, Version]:
    found: dict[Place, Version] = {}
    for path in sorted(paths):
        if path.rpartition("/")[2] in FILE_NAMES:
            old, new = (dict(_standing(tree, path)) for tree in (before, after))
            found |= {(path, name): version for name, version in new.items() if old.get(name) != version}
    return found


def _standing(tree: Tree, path: str) -> Iterator[tuple[str, Version]]:
    try:
        found = entries(path, tree.read(path))
    except (EditRefused, KeyError):
        return
    for entry in found:
        yield key(entry), entry.version


def has_branches(repository: Repository, environment: NamedEnvironment) -> bool:
    """Whether the remote has a branch for a pull request of this environment, as last heard."""
    return bool(repository.names(heads.prefix(environment.name)))


def look(sight: Sight, environments: Sequence[NamedEnvironment]) -> Review:
    """Our branches of these environments, with the open pull requests; one whose branch is gone is among them.

    A forge that cannot be asked is a problem of the review, and no failure.
    """
    known = {each.name: each for each in environments}
    try:
        pulls = sight.forge().opened()
    except (ForgeError, UsageError) as error:
        return Review(known, problem=error)
    branches = {each.head: each for each in _branches(sight, known, pulls)}
    return Review(known, branches, others=tuple(pull for pull in pulls if pull.head not in branches))


def _branches(sight: Sight, known: Mapping[str, NamedEnvironment], pulls: Sequence[PullRequest]) -> Iterator[Branch]:
    by_head = {pull.head: pull for pull in pulls}
    for name in dict.fromkeys((*sight.repository.names(PREFIX), *by_head)):
        head = heads.parsed(name)
        if head is not None and head.environment in known:
            base = tip_of(sight.repository, known[head.environment].branch)
            yield _branch(sight, name, base, by_head.get(name))


def _branch(sight: Sight, name: str, base: str, pull: PullRequest | None) -> Branch:
    tip = sight.repository.tip(name)
    if tip is None and pull is not None and sight.repository.bring({pull.commit: pull.ref}):
        return Branch(name, None, proposed(sight.repository, base, pull.commit), pull)
    return Branch(name, tip, None if tip is None else proposed(sight.repository, base, tip), pull)


def revived(review: Review, images: Collection[str], now: datetime) -> Waiting:
    """What branches of following environments propose, as pushes to decide on again: all, or those of some images."""
    found: dict[str, tuple[Event, ...]] = {}
    for branch in review.branches.values():
        head, content = heads.parsed(branch.head), branch.proposed
        if head is None or content is None or content.by_hand is not None:
            continue
        if review.environments[head.environment].settings.follow:
            events = tuple(each for each in _events(branch, content, now) if not images or each.image in images)
            found[head.environment] = (*found.get(head.environment, ()), *events)
    return found


def _events(branch: Branch, content: Proposed, now: datetime) -> Iterator[Event]:
    for (_, name), version in content.versions.items():
        image = name.partition("\n")[0]
        push = content.push(image, version)
        if push is not None:
            source, _, id_ = push.event.partition("/")
            yield Event(source, id_, image, version, push.time, push.time)
        else:
            time = branch.pull.opened_at if branch.pull else now
            yield Event(BY_HAND, branch.tip or branch.head, image, version, time, time)


def head_of(environment: NamedEnvironment, service: str) -> str:
    """The branch for a service of an environment, which may be one for all."""
    if environment.settings.pull_request.per == "environment":
        return heads.shared(environment.name, heads.ALL)
    return heads.head(environment.name, service)
