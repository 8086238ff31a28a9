"""How branches of a bare repository stand to each other, and merging them without a work tree."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from updater.adapters.commits import instant, shown
from updater.errors import ForgeError, ForgeRefused
from updater.forge import Method
from updater.forges.local.records import Record, clean
from updater.forges.local.store import Signature, Store

Standing: TypeAlias = Literal["contained", "ahead", "apart"]
"""A head is contained in its base, or has all of it and more, or each has something of its own."""


@dataclass(frozen=True, slots=True)
class Landed:
    """The commit of a branch in which a head came in, who made it, and when."""

    commit: str
    by: str
    at: datetime


def standings(store: Store, base: str, tips: Collection[str]) -> dict[str, Standing]:
    """How each of these commits stands to the commit `base`; one walk over what they have and it has not."""
    asked = "".join(f"{line}\n" for line in (f"^{base}", *tips)).encode()
    parents = _parents(store.output("rev-list", "--parents", "--stdin", stdin=asked)) if tips else {}
    return {tip: _standing(base, tip, parents) for tip in tips}


def landed(store: Store, tip: str, base: str) -> Landed:
    """How the commit `tip`, which is contained in the commit `base`, came into it: on its line of first parents."""
    parents = _parents(store.output("rev-list", "--parents", "--ancestry-path", f"{tip}..{base}"))
    found = base
    while found in parents and parents[found][0] in parents:
        found = parents[found][0]
    if found in parents and parents[found][0] == tip:
        found = tip
    name, _, seconds = (
        store.output("show", "--no-patch", "--format=%cn%x00%ct", found).decode(errors="replace").partition("\0")
    )
    return Landed(found, shown(name), instant(seconds.strip()))


def merged_trees(store: Store, pairs: Sequence[tuple[str, str]]) -> list[str | None]:
    """The tree of each two commits merged; None where they conflict. All in one process."""
    return _merged(store, pairs, {})


def can_merge(store: Store, pairs: Sequence[tuple[str, str]]) -> list[bool]:
    """Whether each two commits merge without a conflict. What git makes to find out does not stay."""
    if not pairs:
        return []
    with tempfile.TemporaryDirectory(prefix="updater-") as scratch:
        kept = {
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(Path(store.git.folder, "objects")),
        }
        return [tree is not None for tree in _merged(store, pairs, kept)]


def merged(store: Store, record: Record, base: str, tip: str, method: Method, by: Signature) -> str:
    """Makes what `base` becomes when the pull request with the head `tip` is merged, and gives its commit.

    Raises `ForgeRefused` where they conflict, and for a rebase of what was merged itself.
    """
    if method == "rebase":
        return _rebased(store, record, base, tip, by)
    [tree] = merged_trees(store, [(base, tip)])
    if tree is None:
        raise _conflict(record)
    if method == "squash":
        return store.commit(tree, [base], _squashed(store, record, base, tip), by)
    subject = f"Merge pull request #{record.number} from {record.head}"
    return store.commit(tree, [base, tip], f"{subject}\n\n{record.title}\n", by)


def _rebased(store: Store, record: Record, base: str, tip: str, by: Signature) -> str:
    """Each commit anew on the base. On a straight line the content of one is the base merged with it, as a whole."""
    commits = _commits(store, base, tip)
    if any(len(each.parents) != 1 for each in commits):
        raise ForgeRefused(
            f"#{record.number} cannot be rebased: {record.head} has a merge in it",
            hint="choose the method merge or squash",
        )
    top = base
    for each, tree in zip(commits, merged_trees(store, [(base, each.id) for each in commits]), strict=True):
        if tree is None:
            raise _conflict(record)
        top = store.commit(tree, [top], each.message, by, each.author)
    return top


def _squashed(store: Store, record: Record, base: str, tip: str) -> str:
    """The message of a squash: the pull request's title, and below it what its commits say."""
    texts = [each.message.strip() for each in _commits(store, base, tip) if len(each.parents) == 1]
    below = texts[0].partition("\n")[2].strip() if len(texts) == 1 else "\n\n".join(f"* {text}" for text in texts)
    return f"{record.title} (#{record.number})\n\n{below}".strip() + "\n"


@dataclass(frozen=True, slots=True)
class _Commit:
    id: str
    parents: Sequence[str]
    author: Mapping[str, str]
    message: str


def _commits(store: Store, base: str, tip: str) -> list[_Commit]:
    """What is in a head and not in its base, oldest first."""
    fields = "%H%x00%P%x00%an%x00%ae%x00%ad%x00%B%x00"
    arguments = ("log", "--reverse", "--topo-order", "--date=raw", f"--format=tformat:{fields}", f"{base}..{tip}")
    parts = store.output(*arguments).decode(errors="replace").split("\0")
    groups = zip(*(iter(parts[:-1]),) * 6, strict=True)
    return [
        _Commit(oid.strip(), parents.split(), _author(name, email, date), clean(message))
        for oid, parents, name, email, date, message in groups
    ]


def _author(name: str, email: str, date: str) -> dict[str, str]:
    return {"GIT_AUTHOR_NAME": name or "unknown", "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": f"@{date}"}


def _merged(store: Store, pairs: Sequence[tuple[str, str]], environment: Mapping[str, str]) -> list[str | None]:
    """See git-merge-tree(1): of each merge whether it is clean, its tree, the files in conflict, and an empty field."""
    lines = "".join(f"{ours} {theirs}\n" for ours, theirs in pairs).encode()
    options = ("--stdin", "--no-messages", "--name-only", "--allow-unrelated-histories")
    output = store.output("merge-tree", "--write-tree", *options, stdin=lines, environment=environment)
    fields = iter(output.decode(errors="replace").split("\0"))
    trees: list[str | None] = []
    for is_clean, tree in zip(fields, fields, strict=False):
        if not tree:
            break
        trees.append(tree if is_clean == "1" else None)
        while next(fields, ""):
            pass
    if len(trees) != len(pairs):
        raise ForgeError("git does not tell how the branches merge", hint="it has to be 2.39 or newer")
    return trees


def _standing(base: str, tip: str, parents: Mapping[str, Sequence[str]]) -> Standing:
    if tip not in parents:
        return "contained"
    seen, waiting = {tip}, [tip]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent == base:
                return "ahead"
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return "apart"


def _parents(output: bytes) -> dict[str, list[str]]:
    """Each commit and its parents, from `git rev-list --parents`."""
    return {commit: parents for commit, *parents in (line.split(" ") for line in output.decode().splitlines())}


def _conflict(record: Record) -> ForgeRefused:
    return ForgeRefused(
        f"#{record.number} conflicts with {record.base} and cannot be merged",
        hint="it is planned again on the newest state with `updater reconcile`",
    )
