"""What was last heard of a remote's branches, and of our refs beside them.

It may be old: a push says so by being rejected, and `refresh` asks with one listing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from updater.adapters import wire
from updater.adapters.git import Git
from updater.adapters.pushing import HEADS, MIRRORED, ref
from updater.adapters.wire import OURS
from updater.errors import BranchMissing
from updater.protocols import PushOutcome, Update

_EMPTY_HINT = "push a first commit, with overlays and `environments/*.yaml`"


class RemoteRefs:
    """The tips in one mirror: branches by their own name, others (`refs/...`) by their whole one."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._tips = self._local_tips()

    @property
    def default_branch(self) -> str:
        """The remote's default branch, as last heard. Raises `BranchMissing` where the repository is empty."""
        branch = wire.head(self._git.folder)
        if branch not in self._tips:
            url = self._git.remote.url
            raise BranchMissing(f"{url} has no commit on its default branch {branch}", hint=_EMPTY_HINT)
        return branch

    def tip(self, name: str) -> str | None:
        """The commit of a ref, as last heard."""
        return self._tips.get(name)

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, as last heard; sorted."""
        return sorted(name for name in self._tips if name.startswith(prefix))

    def resolve(self, name: str) -> str:
        """The commit that a branch name or id stands for. Raises `BranchMissing`."""
        found = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.code != 0:
            raise BranchMissing(f"{self._git.remote.url} has no branch or commit {name!r}", hint=self._there())
        return found.stdout.decode().strip()

    def refresh(self, branches: frozenset[str]) -> bool:
        """See `protocols.Repository`. Raises `BranchMissing` where the repository has no commit."""
        default, tips = self._listed(branches)
        if default is None or default not in tips:
            raise BranchMissing(f"{self._git.remote.url} has no commit on its default branch", hint=self._there())
        renamed = default != wire.head(self._git.folder)
        if renamed:
            self._git.check("symbolic-ref", "HEAD", HEADS + default)
        asked = branches | {default}
        unheard = self._tips.keys() - tips.keys()
        gone = {name for name in unheard if name in asked or ref(name).startswith(OURS) or _is_impossible(name, tips)}
        self._forget(gone)
        moved = sorted(name for name, tip in tips.items() if self._tips.get(name) != tip)
        self._fetch(moved)
        return bool(moved or gone) or renamed

    def settle(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        """A push broke off: the remote's refs tell what became of it (ours, or a descendant of ours, is success)."""
        _, tips = self._listed(frozenset(update.branch for update in updates))
        outcomes = {update.branch: _settled(update, tips.get(update.branch)) for update in updates}
        self._fetch([branch for branch, outcome in outcomes.items() if outcome == "moved" and branch in tips])
        for update in updates:
            if outcomes[update.branch] == "moved" and update.branch in tips and update.new is not None:
                pair = (update.new, self._tips[update.branch])
                if self._git.run("merge-base", "--is-ancestor", *pair).code == 0:
                    outcomes[update.branch] = "landed"
        return outcomes

    def landed(self, update: Update) -> None:
        """Notes what our own push did, so that nobody has to be asked; no more than that if more was heard since."""
        if self._tips.get(update.branch) != update.old:
            return
        self._tips.pop(update.branch, None)
        if update.new is not None:
            self._tips[update.branch] = update.new

    def _listed(self, branches: frozenset[str]) -> tuple[str | None, dict[str, str]]:
        wanted = {ref(branch) for branch in branches}
        listing = wire.listing(self._git, *sorted(wanted), *(f"{prefix}*" for prefix in OURS))
        found = {name: tip for name, tip in listing.refs.items() if name in wanted or name.startswith(OURS)}
        tips = {name.removeprefix(HEADS): tip for name, tip in found.items()}
        if listing.default is not None and listing.head is not None:
            tips[listing.default] = listing.head
        return listing.default, tips

    def _fetch(self, names: Sequence[str]) -> None:
        if names:
            wire.fetch(self._git, [f"+{ref(name)}:{ref(name)}" for name in names])
            self._tips = self._local_tips()

    def _forget(self, names: Iterable[str]) -> None:
        deletions = "".join(f"delete {ref(name)}\n" for name in names)
        if deletions:
            self._git.check("update-ref", "--stdin", stdin=deletions.encode())
        for name in names:
            del self._tips[name]

    def _local_tips(self) -> dict[str, str]:
        lines = wire.lines(self._git.check("for-each-ref", "--format=%(objectname) %(refname)", *MIRRORED))
        return {name.removeprefix(HEADS): oid for oid, name in (line.split(" ", 1) for line in lines)}

    def _there(self) -> str:
        heads = self._git.run("ls-remote", "--heads", "origin").stdout.decode(errors="replace").split()
        there = [head.removeprefix(HEADS) for head in heads if head.startswith(HEADS)]
        return f"there are: {', '.join(there[:10])}" if there else _EMPTY_HINT


def _settled(update: Update, found: str | None) -> PushOutcome:
    if found == update.new:
        return "landed"
    return "unfinished" if found == update.old else "moved"


def _is_impossible(branch: str, others: Mapping[str, str]) -> bool:
    """Whether `branch` cannot be beside the others: git has no room for `env` where there is an `env/test`."""
    return any(other.startswith(f"{branch}/") or branch.startswith(f"{other}/") for other in others)
