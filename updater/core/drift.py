"""What has become of the standing versions in their registries, as `updater check --registry` tells it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from updater.core.environment import Configuration
from updater.core.inspection import Finding, standing
from updater.core.messages import reference
from updater.errors import Location, RegistryError
from updater.model import Version
from updater.protocols import Tree

Reference: TypeAlias = tuple[str, str]
"""An image, and a tag or digest of it."""
Answer: TypeAlias = str | RegistryError | None
"""The digest that a reference names; None where there is no such thing."""
Ask: TypeAlias = Callable[[Collection[Reference]], Mapping[Reference, Answer]]

_GONE = "no new node can pull it: push it again, or go to a version that is there"
_DRIFTED = "clusters go on with what is pinned; `updater reconcile --registry` offers what the tag names now"
_UNTAGGED = "it can be pulled until the registry tidies up what has no tag"


@dataclass(frozen=True, slots=True)
class _Stand:
    """A version that stands somewhere. It has a tag, or a digest, or both."""

    at: Location
    image: str
    version: Version

    @property
    def first(self) -> Reference:
        """What is asked about it. Where a tag names the digest that is pinned, that answers everything."""
        return self.image, self.version.tag or self.version.digest or ""

    def last(self, answers: Mapping[Reference, Answer]) -> Reference:
        """What tells whether it is there, given what the first answer was: the digest, if the tag does not name it."""
        answer, digest = answers[self.first], self.version.digest
        is_clear = digest in (None, answer) or isinstance(answer, RegistryError)
        return self.first if is_clear or digest is None else (self.image, digest)


def drift(tree: Tree, configuration: Configuration, ask: Ask) -> tuple[Finding, ...]:
    """The entries whose version is not in its registry any more, and those whose tag names another digest than theirs.

    Where a registry does not answer that is a finding, too, but one for all that it does not answer. All branches are
    taken to be this tree.
    """
    stands = list(_stands(tree, configuration))
    answers = dict(ask({each.first for each in stands}))
    answers.update(ask({each.last(answers) for each in stands} - answers.keys()))
    findings: list[Finding] = []
    unanswered: list[tuple[_Stand, RegistryError]] = []
    for each in stands:
        answer = answers[each.last(answers)]
        if isinstance(answer, RegistryError):
            unanswered.append((each, answer))
        else:
            findings += _findings(each, answers[each.first], answer)
    return (*findings, *_told(unanswered))


def _stands(tree: Tree, configuration: Configuration) -> Iterator[_Stand]:
    for target in standing(tree, configuration):
        entry = target.entry
        if entry.image is not None and entry.version != Version():
            yield _Stand(Location(entry.path, entry.line), entry.image, entry.version)


def _findings(stand: _Stand, named: Answer, there: str | None) -> Iterator[Finding]:
    """What is to be said of a version, given what its tag names and whether it is there itself."""
    name, tag = reference(stand.image, stand.version), stand.version.tag
    if there is None:
        yield Finding(stand.at, f"{name} is not in the registry any more", _GONE)
    elif named is None:
        yield Finding(stand.at, f"{name} has lost its tag: the registry has no {tag} any more", _UNTAGGED, exit_code=0)
    elif named != there:
        yield Finding(stand.at, f"{name} is pinned, and {tag} names {named} now", _DRIFTED, exit_code=0)


def _told(unanswered: Sequence[tuple[_Stand, RegistryError]]) -> Iterator[Finding]:
    """What registries did not answer: once for each of them and each reason, where the first such version stands."""
    alike: dict[str, list[tuple[_Stand, RegistryError]]] = {}
    for stand, error in unanswered:
        alike.setdefault(error.message, []).append((stand, error))
    for message, ((stand, error), *more) in alike.items():
        others = f" (the same for {len(more)} more entries)" if more else ""
        told = f"nobody knows whether {reference(stand.image, stand.version)} is there: {message}{others}"
        yield Finding(stand.at, told, error.hint, error.exit_code)
