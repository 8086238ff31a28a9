"""What a head of ours proposes, and whether somebody else worked on it.

Read from its commits, never from the text of the pull request: that anybody may edit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from updater.core import references
from updater.core.edit import EntryEdit, bump
from updater.core.history import key
from updater.core.kustomization import FILE_NAMES, entries
from updater.core.proposals import Place, Proposed
from updater.errors import EditRefused
from updater.model import Version
from updater.protocols import Beyond, Repository, Tree

_ORDERED = re.compile(r"^Updater-By-Hand: (.*)$", re.MULTILINE)
_SERVICE = re.compile(r"^Updater-Service: (.*)$", re.MULTILINE)
_SUPERSEDES = re.compile(r"^Updater-Supersedes: (.*)$", re.MULTILINE)


def proposed(repository: Repository, base: str, head: str) -> Proposed | None:
    """What the commit `head` proposes beyond `base`; None where all of it is in the base already."""
    missing = repository.beyond(base, head)
    if not missing:
        return None
    beneath = _beneath(missing, head)
    commits = [commit for commit in missing if commit.commit not in beneath]
    mine = [commit for commit in commits if commit.is_ours]
    fork = _fork(commits) or base
    before, after = repository.tree(fork), repository.tree(head)
    paths = frozenset(path for commit in mine for path in commit.paths)
    versions = _versions(before, after, paths)
    messages = tuple(commit.message for commit in mine)
    return Proposed(
        fork,
        versions,
        paths,
        messages,
        strangers=_strangers(commits, lambda: _is_planned(before, after, paths, versions)),
        by_hand=next((found[1] for message in messages if (found := _ORDERED.search(message))), None),
        superseded=tuple(dict.fromkeys(each for message in messages for each in _superseded(message))),
        is_stale=bool(beneath),
    )


def _beneath(commits: Sequence[Beyond], head: str) -> frozenset[str]:
    """What lies below our oldest commit: it was the base, of which somebody has taken it away since."""
    known = {commit.commit: commit for commit in commits}
    chain: list[Beyond] = []
    at: str | None = head
    while at in known:
        chain.append(known[at])
        at = next(iter(known[at].parents), None)
    oldest = next((commit for commit in reversed(chain) if commit.is_ours), None)
    below: set[str] = set()
    waiting = list(oldest.parents) if oldest is not None else []
    while waiting:
        sha = waiting.pop()
        if sha in known and sha not in below:
            below.add(sha)
            waiting += known[sha].parents
    return frozenset(below)


def _fork(commits: Sequence[Beyond]) -> str | None:
    """The commit of the base that a head (newest first) was made on, or that was merged into it last."""
    mine = {commit.commit for commit in commits}
    return next((parent for commit in commits for parent in commit.parents if parent not in mine), None)


def _strangers(commits: Sequence[Beyond], is_planned: Callable[[], bool]) -> tuple[str, ...]:
    """Who else has commits there. Who merged the base into it, as forges do for "Update branch", left it as planned."""
    others = [commit for commit in commits if not commit.is_ours]
    if not others or (all(len(commit.parents) > 1 for commit in others) and is_planned()):
        return ()
    return tuple(dict.fromkeys(commit.author for commit in others))


def _is_planned(before: Tree, after: Tree, paths: Collection[str], versions: Mapping[Place, Version]) -> bool:
    """Whether two trees differ in nothing but these versions, written as we write them."""
    try:
        return all(
            path in paths and after.read(path) == _bumped(before, path, versions) for path in _differing(before, after)
        )
    except (EditRefused, KeyError):
        return False


def _bumped(tree: Tree, path: str, versions: Mapping[Place, Version]) -> bytes:
    content = tree.read(path)
    places = ((entry, versions.get((path, key(entry)))) for entry in entries(path, content))
    edits = [EntryEdit(entry.list, entry.index, version) for entry, version in places if version is not None]
    return bump(path, content, edits)


def _differing(one: Tree, other: Tree, folder: str = "") -> Iterator[str]:
    """The paths at which two trees differ; folders that are the same are not looked into."""
    for name in sorted({*one.names(folder), *other.names(folder)}):
        path = f"{folder}/{name}".lstrip("/")
        nodes = [tree.node(path) for tree in (one, other)]
        if nodes[0] == nodes[1]:
            continue
        if all(node is None or node.kind == "folder" for node in nodes):
            yield from _differing(one, other, path)
        else:
            yield path


def _superseded(message: str) -> Iterator[tuple[str, str, Version]]:
    service = _SERVICE.search(message)
    for name in _SUPERSEDES.findall(message):
        found = references.parse(name)
        if service is not None and found is not None:
            yield service[1], found.image, found.version


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


def stands(tree: Tree, content: Proposed) -> bool:
    """Whether everything that a head proposes stands in a tree already."""
    found = {path: dict(_standing(tree, path)) for path, _ in content.versions}
    return all(found[path].get(name) == version for (path, name), version in content.versions.items())
