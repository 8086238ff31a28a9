"""The GitOps repository: whether it answers, what its files say, and what we may write there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace

from updater.core import signing_keys, waiting
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.inspection import Finding, inspect
from updater.core.verification import PlannedEdit
from updater.doctor.checks import Check, fault, looked_at, ok, warning
from updater.errors import ConfigurationError, GitError, PushRefused, UpdaterError
from updater.forge import PREFIX
from updater.protocols import Repository, Tree, Update
from updater.sight import Sight, missing_branches, tip_of

SCRATCH = f"{PREFIX}doctor-"
"""Branches that begin so are of no environment: what is about one has another `/` in its name (`core.heads`)."""
_CHECK = "`updater check` in a clone tells all of it"
_TITLE = "Try what the updater may write [skip ci]\n"


def answers(repository: Repository, url: str) -> Check:
    """Whether the remote answers, and with a branch."""

    def look() -> str:
        repository.refresh()
        default = repository.default_branch
        return f"{url}, {default} is at {tip_of(repository, default)[:12]}"

    return looked_at("repository", look)


def read(sight: Sight) -> Configuration:
    """What the environments' files say at the newest known tip. Raises `GitError`."""
    default = sight.repository.default_branch
    return sight.configuration(sight.repository.tree(tip_of(sight.repository, default)), default)


def branches(repository: Repository, environments: Sequence[NamedEnvironment]) -> Iterator[Check]:
    """Whether the branch of each environment is there."""
    try:
        missing = missing_branches(repository, environments)
    except GitError as error:
        yield fault("branches", error)
        return
    for branch in dict.fromkeys(each.branch for each in environments):
        names = ", ".join(each.name for each in environments if each.branch == branch)
        absent = missing.get(branch)
        yield ok("branch", f"{branch}, for {names}") if absent is None else fault("branch", absent)


def configuration(sight: Sight, found: Configuration) -> Check:
    """What `updater check` would say, in a line; nothing is rendered for it."""
    findings = [finding for part in _by_branch(sight.repository, found) for finding in inspect(*part, _unrendered)]
    errors = [finding for finding in findings if finding.exit_code]
    told = f"{len(errors)} errors, {len(findings) - len(errors)} warnings"
    if errors:
        return fault("configuration", _first(errors[0], told))
    if findings:
        return warning("configuration", f"{told}, such as {findings[0].at}: {findings[0].message}", _CHECK)
    return ok("configuration", f"in order: {', '.join(each.name for each in found.environments)}")


def rights(sight: Sight) -> Iterator[Check]:
    """Tries to make, and to take away again, a ref of each kind that the updater writes beside the branches.

    Whether it may push to the branches themselves cannot be tried without doing it.
    """
    repository, now = sight.repository, sight.clock.now()
    token = secrets.token_hex(4)
    note = repository.build_note(None, {waiting.FILE: b""}, _TITLE, now)
    kinds = {
        f"{waiting.REFS}doctor-{token}": f"{waiting.REFS}*",
        f"{SCRATCH}{token}": f"the branches {PREFIX}**",
    }
    try:
        made = repository.push([Update(ref, None, note) for ref in kinds])
        there = [ref for ref, outcome in made.items() if outcome == "landed"]
        taken = repository.push([Update(ref, note, None) for ref in there]) if there else {}
    except GitError as error:
        yield fault("push", error)
        return
    for ref, kind in kinds.items():
        outcome = taken.get(ref, made[ref])
        yield _right(ref, kind, outcome if isinstance(outcome, PushRefused) else None, was_made=ref in there)


def _right(ref: str, kind: str, refusal: PushRefused | None, *, was_made: bool) -> Check:
    if refusal is None:
        return ok("push", f"{kind} can be made and taken away")
    if was_made:
        return warning("push", f"{refusal}", f"let this identity delete {kind}; take away {ref} by hand")
    return fault("push", refusal)


def _by_branch(repository: Repository, found: Configuration) -> Iterator[tuple[Tree, Configuration]]:
    """Each branch's files, with what is configured for it. Errors of the files go with the default branch."""
    default = repository.default_branch
    errors = found.errors + tuple(signing_keys.problems(repository.tree(tip_of(repository, default)), found))
    for branch in dict.fromkeys((default, *(each.branch for each in found.environments))):
        tip = repository.tip(branch)
        if tip is not None:
            mine = tuple(each for each in found.environments if each.branch == branch)
            yield repository.tree(tip), replace(found, environments=mine, errors=errors * (branch == default))


def _unrendered(_tree: Tree, _edit: PlannedEdit) -> None:
    """Rendering every overlay of a large repository would take an hour."""


def _first(finding: Finding, told: str) -> UpdaterError:
    return ConfigurationError(f"{told}, first: {finding.message}", at=finding.at, hint=finding.hint or _CHECK)
