"""What landed on a branch since it was looked at last, and which pull requests brought it: git and the forge tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from updater.core import heads, inventory, matching
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.kustomization import FILE_NAMES
from updater.core.outcomes import Move, moves
from updater.errors import UpdaterError
from updater.forge import Forge, PullRequest
from updater.protocols import Catalog, Repository, Tree

COMMITS = 500
"""As many of a branch are looked at together."""
_HISTORY = 100_000
_logger = logging.getLogger(__name__)


class Sight(Protocol):
    """Where one sees what landed: what plans are made with, as far as it is needed here."""

    @property
    def repository(self) -> Repository: ...

    @property
    def catalog(self) -> Catalog: ...

    @property
    def configuration(self) -> Callable[[Tree, str], Configuration]: ...

    @property
    def forge(self) -> Callable[[], Forge]: ...


@dataclass(frozen=True, slots=True)
class _Merged:
    """A merged pull request, and the texts of its commits that are in the base under other names: a rebase's."""

    pull: PullRequest
    texts: frozenset[str]


def environments(sight: Sight) -> dict[str, NamedEnvironment]:
    """The environments that are in order, by name, as last heard of the default branch."""
    repository = sight.repository
    default = repository.default_branch
    configuration = sight.configuration(repository.tree(repository.tip(default) or ""), default)
    return {each.name: each for each in configuration.environments}


def goal_of(repository: Repository, start: str, tip: str) -> str:
    """The commit up to which a branch is looked at now: its tip, or one on the way there that is near enough.

    What is not among the first parents was merged the wrong way round, or its history was rewritten: there is no way.
    """
    if start in repository.newest(tip, COMMITS + 1):
        return tip
    way = repository.newest(tip, _HISTORY)
    return way[way.index(start) - COMMITS] if start in way else tip


def landed(
    sight: Sight, branch: str, known: Mapping[str, NamedEnvironment], start: str, goal: str
) -> list[tuple[Move, PullRequest | None]]:
    """What landed in the commits after `start`, up to `goal`, oldest first, each with the pull request that brought it.

    Raises `UpdaterError` where the forge may tell later.
    """
    commits = sight.repository.beyond(start, goal)
    age = {each.commit: number for number, each in enumerate(commits)}
    paths = {path for each in commits for path in each.paths if path.rpartition("/")[2] in FILE_NAMES}
    here = [each for each in known.values() if each.branch == branch]
    found = [move for each in here for move in _moves(sight, each, known, paths) if move.landing.commit in age]
    merged = _merged(sight, [move for move in found if known[move.target.environment].proposes], age)
    found.sort(key=lambda move: -age[move.landing.commit])
    return [(move, _brought(sight, move, merged)) for move in found]


def _moves(
    sight: Sight, environment: NamedEnvironment, known: Mapping[str, NamedEnvironment], paths: Collection[str]
) -> Iterator[Move]:
    """Everything that ever landed in an environment's entries in these files, as far as they stand now."""
    branch = environment.branch
    tip = sight.repository.tip(branch) or ""
    tree = sight.repository.tree(tip)
    mine = sorted(path for path in paths if matching.overlay(environment, path) and _is_file(tree, path))
    targets = inventory.overlays(environment, tree, mine).targets
    landings = sight.catalog.landings(branch, tip, [each.entry for each in targets])
    for target, these in zip(targets, landings, strict=True):
        yield from moves(target, these, matching.order_of(known, environment.name, target.entry.image or ""))


def _merged(sight: Sight, found: Sequence[Move], commits: Collection[str]) -> list[_Merged]:
    """The pull requests of these services that were merged in one of these commits; the forge is asked once."""
    targets = [move.target for move in found]
    wanted = {heads.head(each.environment, each.service) for each in targets}
    wanted |= {heads.shared(each.environment, heads.ALL) for each in targets}
    try:
        pulls = [each for each in sight.forge().settled(wanted) if each.merged_as in commits] if wanted else []
    except UpdaterError as error:
        if error.retry:
            raise
        _logger.warning("who approved what has landed is not known: %s", error)
        return []
    there = sight.repository.bring({pull.commit: pull.ref for pull in pulls})
    return [_Merged(pull, _texts(sight.repository, pull) if pull.commit in there else frozenset()) for pull in pulls]


def _texts(repository: Repository, pull: PullRequest) -> frozenset[str]:
    tip = repository.tip(pull.base)
    return frozenset(() if tip is None else (each.message.strip() for each in repository.beyond(tip, pull.commit)))


def _brought(sight: Sight, move: Move, merged: Sequence[_Merged]) -> PullRequest | None:
    """The pull request that brought a landing: merged in that commit, or rebased into some of which it is one."""
    commit, environment = move.landing.commit, move.target.environment
    mine = [each for each in merged if (about := heads.parsed(each.pull.head)) and about.environment == environment]
    text = sight.repository.message(commit).strip() if mine else ""
    found = [each.pull for each in mine if each.pull.merged_as == commit or text in each.texts]
    return next(iter(found), None)


def _is_file(tree: Tree, path: str) -> bool:
    node = tree.node(path)
    return node is not None and node.kind == "file"
