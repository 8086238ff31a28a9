"""What plans are made with: the repository as last heard of, the forge, how to read and prove it, and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from updater.core.changes import Verify
from updater.core.environment import Configuration, NamedEnvironment
from updater.errors import BranchMissing, Location, RenderError, UsageError
from updater.forge import Forge
from updater.model import Hold
from updater.protocols import Catalog, Clock, Memo, Repository, Tree
from updater.registry import Registries

Render = Callable[[Tree, Mapping[str, bytes], str], tuple[bytes, bytes]]
"""Renders an overlay as it stands in a tree, and with files (by path) in the place of those that it has there."""
ReadConfiguration = Callable[[Tree, str], Configuration]
"""Reads the environments from the files of a commit or folder, given the remote's default branch."""
ConfigurationAt = Callable[[str, Hold], Configuration]
"""The environments as they were described when a hold began on a branch."""


def unrendered(_tree: Tree, _files: Mapping[str, bytes], overlay: str) -> tuple[bytes, bytes]:
    """Where nothing renders. Raises `RenderError`."""
    raise RenderError("there is no kustomize here", at=Location(overlay))


def no_forge() -> Forge:
    """Where no forge is known. Raises `UsageError`."""
    hint = "set UPDATER_FORGE (local or github), or let the environment `deliver: commit`"
    raise UsageError("no forge is known for this repository, so there can be no pull requests", hint=hint)


@dataclass(frozen=True, slots=True)
class Sight:
    """What plans are made with: the repository as it was last heard of, how to read and prove it, and the time.

    `forge` gives the forge when it is first needed (raising `UsageError` where none is known), `memo` remembers which
    texts were right, `registries` is None where no registry can be asked.
    """

    repository: Repository
    catalog: Catalog
    configuration: ReadConfiguration
    verify: Verify
    clock: Clock
    forge: Callable[[], Forge] = no_forge
    render: Render = unrendered
    memo: Memo = field(default_factory=set[str])
    registries: Registries | None = None


def past_configurations(sight: Sight) -> ConfigurationAt:
    """Reads the environments as they were when a hold began."""
    repository, default = sight.repository, sight.repository.default_branch

    def read(branch: str, hold: Hold) -> Configuration:
        commit = hold.commit if branch == default else repository.as_of(default, hold.at)
        return sight.configuration(repository.tree(commit), default)

    return read


def missing_branches(repository: Repository, environments: Sequence[NamedEnvironment]) -> dict[str, BranchMissing]:
    """The branches of these environments that the remote does not have, each with what to do about it."""
    unheard = {each.branch for each in environments if repository.tip(each.branch) is None}
    if unheard:
        repository.refresh(frozenset(unheard))
    return {
        environment.branch: BranchMissing(
            f"the branch {environment.branch!r} of {environment.name} is not on the remote",
            at=environment.at("branch"),
            hint="push it, or correct `branch`",
        )
        for environment in environments
        if repository.tip(environment.branch) is None
    }


def tip_of(repository: Repository, branch: str) -> str:
    """The newest known commit of a branch that was heard of."""
    tip = repository.tip(branch)
    assert tip is not None, f"{branch} was heard of before it is read"
    return tip
