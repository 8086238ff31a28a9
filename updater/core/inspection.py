"""`updater check`: everything that would go wrong later, found in the files as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from updater.core import matching, patterns
from updater.core.changes import Verify, refuse_second_kustomization
from updater.core.edit import EntryEdit, bump
from updater.core.environment import Configuration, NamedEnvironment
from updater.core.inventory import overlays
from updater.core.kustomization import FILE_NAMES
from updater.core.rendering import PlannedBump
from updater.core.rules import compile_rule
from updater.core.verification import PlannedEdit
from updater.errors import ConfigurationError, EditRefused, Location, UpdaterError
from updater.model import Entry, Target, Version
from updater.protocols import Tree

_TRIAL = Version("updater-check", f"sha256:{'0' * 64}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file that a person should look at. Warnings have exit code 0."""

    at: Location
    message: str
    hint: str | None = None
    exit_code: int = ConfigurationError.exit_code


def inspect(tree: Tree, configuration: Configuration, verify: Verify) -> tuple[Finding, ...]:
    """The findings in a GitOps repository's files, sorted by place. All branches are taken to be this tree."""
    findings = [_of(error) for error in configuration.errors]
    paths, links = _kustomizations(tree)
    claimed: dict[tuple[str, str, str, int], Target] = {}
    for environment in configuration.environments:
        findings += _links(environment, links)
        findings += _globs_without_overlay(environment, paths)
        found = overlays(environment, tree, paths)
        findings += [_of(problem) for problem in found.problems]
        findings += _rules_without_entry(environment, found.targets)
        findings += _claimed_twice(found.targets, claimed)
        for path, targets in groupby(found.targets, key=lambda target: target.entry.path):
            followable = [target for target in targets if target.entry.image is not None]
            findings += _trial(tree, environment, path, followable, verify)
    return in_order(findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by place, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: (each.at.path, each.at.line or 0, each.message)))


def standing(tree: Tree, configuration: Configuration) -> tuple[Target, ...]:
    """The entries of all overlays that can be read. All branches are taken to be this tree."""
    paths, _ = _kustomizations(tree)
    return tuple(
        target for environment in configuration.environments for target in overlays(environment, tree, paths).targets
    )


def _kustomizations(tree: Tree, folder: str = "") -> tuple[list[str], list[str]]:
    """The kustomization files below a folder, and the links that stand where a folder or such a file could."""
    paths: list[str] = []
    links: list[str] = []
    for name in tree.names(folder):
        path = f"{folder}/{name}".lstrip("/")
        node = tree.node(path)
        kind = None if node is None else node.kind
        if kind == "folder" and not name.startswith("."):
            below = _kustomizations(tree, path)
            paths += below[0]
            links += below[1]
        elif kind == "link":
            links.append(path)
        elif kind == "file" and name in FILE_NAMES:
            paths.append(path)
    return paths, links


def _links(environment: NamedEnvironment, links: Sequence[str]) -> Iterator[Finding]:
    for link in links:
        is_kustomization = link.rpartition("/")[2] in FILE_NAMES
        if matching.overlay(environment, link if is_kustomization else f"{link}/{FILE_NAMES[0]}") is not None:
            what = "kustomization" if is_kustomization else "overlay"
            yield Finding(Location(link), f"this {what} of {environment.name} is a link, which is never followed")


def _globs_without_overlay(environment: NamedEnvironment, paths: Sequence[str]) -> Iterator[Finding]:
    # Overlays on a branch of their own need not be in this folder.
    exit_code = ConfigurationError.exit_code if environment.settings.branch is None else 0
    for glob in environment.globs:
        pattern = patterns.compile(glob)
        if not any(pattern.match(path.rpartition("/")[0]) is not None for path in paths):
            message = f"no folder with a kustomization matches {glob!r}"
            yield Finding(environment.at("overlays"), message, exit_code=exit_code)


def _rules_without_entry(environment: NamedEnvironment, targets: Sequence[Target]) -> Iterator[Finding]:
    images = {target.entry.image for target in targets if target.entry.image is not None}
    for follow in environment.settings.follow:
        if not any(compile_rule(follow).follows(image) for image in images):
            yield Finding(
                environment.at("follow"), f"no entry of {environment.name} follows {follow.image!r}", exit_code=0
            )


def _claimed_twice(targets: Sequence[Target], claimed: dict[tuple[str, str, str, int], Target]) -> Iterator[Finding]:
    for target in targets:
        entry = target.entry
        other = claimed.setdefault((target.branch, entry.path, entry.list, entry.index), target)
        if other.environment != target.environment:
            message = f"{other.environment} and {target.environment} both claim the entry {entry.name}"
            yield Finding(Location(entry.path, entry.line), message, "narrow one of them with `entries:`")


def _trial(
    tree: Tree, environment: NamedEnvironment, path: str, targets: Sequence[Target], verify: Verify
) -> Iterator[Finding]:
    """Bumps all entries of a kustomization for a trial."""
    before = tree.read(path)
    edits, bumps = [], []
    for target in targets:
        entry = target.entry
        to = _trial_version(environment, entry)
        edit = EntryEdit(entry.list, entry.index, to)
        try:
            refuse_second_kustomization(tree, path)
            bump(path, before, (edit,))
        except EditRefused as error:
            yield _of(error)
            continue
        edits.append(edit)
        bumps.append(PlannedBump(entry, to))
    if bumps and environment.settings.verify == "render":
        try:
            verify(tree, PlannedEdit(path, before, bump(path, before, edits), tuple(bumps)))
        except UpdaterError as error:
            yield _of(error)


def _trial_version(environment: NamedEnvironment, entry: Entry) -> Version:
    """A version such as a push would write; where no rule follows the entry, one like that which stands."""
    rules = (follow for follow in environment.settings.follow if compile_rule(follow).follows(entry.image or ""))
    pin = next((follow.pin for follow in rules), "tag" if entry.version.digest is None else "digest")
    return Version(_TRIAL.tag) if pin == "tag" else _TRIAL


def _of(error: UpdaterError) -> Finding:
    """What has no place is about the machine, no kustomize for one, and is said once for the whole folder."""
    return Finding(error.at or Location("."), error.message, error.hint, error.exit_code)
