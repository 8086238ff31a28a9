"""A warm bare mirror of the GitOps repository: the branches in use, kept in the state folder.

No work tree and no index. What is known of the remote may be old: a push says so by being rejected,
and `refresh` asks with one listing. The mirror is whole, never shallow or partial: history decides
(reverts), and fetching old blobs one at a time would cost more than the clone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from updater.adapters import pushing, reading, storage
from updater.adapters.git import Git, Remote
from updater.adapters.git_tree import GitTree
from updater.adapters.objects import Objects
from updater.adapters.process import Finished
from updater.adapters.pushing import BESIDE, HEADS, ref
from updater.errors import BranchMissing
from updater.model import Identity
from updater.protocols import PushOutcome, Update

_PEELED = "^{}"
"""What follows the name of a tag where git tells the commit behind it; see git-ls-remote(1)."""
_RIVALS = 10
_EMPTY_HINT = "push a first commit, with overlays and `environments/*.yaml`"


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who our commits are by."""

    author: Identity
    committer: Identity


def open_mirror(remote: Remote, state: Path, authorship: Authorship, now: datetime) -> Mirror:
    """The mirror of `remote` in the state folder; cloned now if it is not there. Raises `UsageError`, `GitError`."""
    mirror = Mirror(Git(remote, storage.mirror_folder(remote, state, now)), authorship)
    if not mirror.has_commits():
        mirror.refresh()
    return mirror


class Mirror:
    """What is known here of one remote repository, and the way to write to it."""

    def __init__(self, git: Git, authorship: Authorship) -> None:
        self.git = git
        self.objects = Objects(git.folder)
        self._authorship = authorship
        self._tips = self._local_tips()
        self._signs: bool | None = None

    def close(self) -> None:
        """Gives files back; the mirror cannot be used afterwards."""
        self.objects.close()

    def has_commits(self) -> bool:
        """Whether anything was ever heard of the remote's branches."""
        return bool(self._tips)

    @property
    def default_branch(self) -> str:
        """The remote's default branch, as last heard. Raises `BranchMissing` where the repository is empty."""
        branch = self._head()
        if branch not in self._tips:
            raise BranchMissing(f"{self.git.remote.url} has no commit on its default branch {branch}", hint=_EMPTY_HINT)
        return branch

    def tip(self, branch: str) -> str | None:
        """The id of the newest commit of a branch, as last heard; None if it was never heard of."""
        return self._tips.get(branch)

    def names(self, prefix: str) -> list[str]:
        """The refs beside the branches whose names begin so, as last heard; sorted."""
        return sorted(name for name in self._tips if name.startswith(prefix))

    def tree(self, commit: str) -> GitTree:
        """The files of a commit."""
        return self.objects.tree(commit)

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for a root."""
        return self.objects.parent(commit)

    def as_of(self, branch: str, time: datetime) -> str:
        """The newest known commit of a branch that was made by `time`; its first one if none was."""
        tip = self._tips[branch]
        for choice in ((f"--before={int(time.timestamp())}", "--max-count=1"), ("--max-parents=0",)):
            found = self.git.check("rev-list", "--first-parent", *choice, tip).decode().split()
            if found:
                return found[-1]
        return tip

    def message(self, commit: str) -> str:
        """The text of a commit."""
        return self.objects.described(commit).message

    def changed(self, commit: str) -> list[str]:
        """The paths at which a commit differs from its first parent, sorted."""
        parent = self.parent(commit)
        return [] if parent is None else sorted(path for path, _ in reading.changes(self.git, parent, commit))

    def resolve(self, name: str) -> str:
        """The commit that a branch name or id stands for. Raises `BranchMissing`."""
        found = self.git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found.code != 0:
            raise self._missing(name)
        return found.stdout.decode().strip()

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        """Asks the remote for its tips, fetches what moved, and says whether anything did.

        `branches` are wanted beside the default branch; one that is not there (any more) is forgotten. Raises
        `BranchMissing` where the repository has no commit.
        """
        default, tips = self._listing(branches)
        if default is None or default not in tips:
            raise BranchMissing(f"{self.git.remote.url} has no commit on its default branch", hint=self._there())
        renamed = default != self._head()
        if renamed:
            self.git.check("symbolic-ref", "HEAD", HEADS + default)
        asked = branches | {default} | set(self.names(BESIDE))
        gone = {known for known in self._tips.keys() - tips.keys() if known in asked or _is_impossible(known, tips)}
        for branch in gone:
            self.git.check("update-ref", "-d", ref(branch))
            del self._tips[branch]
        moved = sorted(branch for branch, tip in tips.items() if self._tips.get(branch) != tip)
        self._fetch(moved)
        return bool(moved or gone) or renamed

    def build(self, parent: str, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit on `parent` in which `files` have new content, and gives its id.

        It is signed where git's configuration asks for it (`commit.gpgSign`).
        """
        return self._commit(self.objects.changed_tree(parent, files), parent, message, time)

    def build_note(self, parent: str | None, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit that holds these files alone, all in its root, and gives its id. It is signed as others."""
        return self._commit(self.objects.new_tree(files), parent, message, time)

    def _commit(self, tree: str, parent: str | None, message: str, time: datetime) -> str:
        author, committer = self._authorship.author, self._authorship.committer
        if not self._signing():
            return self.objects.commit(tree, parent, message, author, committer, time)
        self.objects.flush()
        arguments = ("commit-tree", "-S", *(("-p", parent) if parent else ()), tree)
        identity = _identity(author, committer, time)
        return self.git.check(*arguments, stdin=message.encode(), identity=identity).decode().strip()

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        """Pushes commits that were built here; see `pushing.push`."""
        self.objects.flush()
        outcomes = pushing.push(self.git, updates, self._settle)
        for update in updates:
            if outcomes[update.branch] == "landed" and self._tips.get(update.branch) == update.old:
                self._heard(update.branch, update.new)
        return outcomes

    def _settle(self, update: Update) -> PushOutcome:
        """A push broke off: the remote's refs tell what became of it (ours, or a descendant of ours, is success)."""
        _, tips = self._listing(frozenset({update.branch}))
        found = tips.get(update.branch)
        if found == update.new:
            return "landed"
        if found == update.old:
            return "unfinished"
        if found is None or update.new is None:
            return "moved"
        self._fetch([update.branch])
        descends = self.git.run("merge-base", "--is-ancestor", update.new, self._tips[update.branch]).code == 0
        return "landed" if descends else "moved"

    def _listing(self, branches: frozenset[str]) -> tuple[str | None, dict[str, str]]:
        wanted = [*(ref(branch) for branch in sorted(branches)), f"{BESIDE}*"]
        lines = _lines(self.git.check("ls-remote", "--symref", "origin", "HEAD", *wanted))
        default, tips = None, {}
        for value, name in (line.split("\t") for line in lines if not line.endswith(_PEELED)):
            if name == "HEAD" and value.startswith("ref: "):
                default = value.removeprefix(f"ref: {HEADS}")
            elif name == "HEAD" and default is not None:
                tips[default] = value
            elif name.removeprefix(HEADS) in branches or name.startswith(BESIDE):
                tips[name.removeprefix(HEADS)] = value
        return default, tips

    def _fetch(self, branches: Sequence[str]) -> None:
        if not branches:
            return
        refs = [f"+{ref(branch)}:{ref(branch)}" for branch in branches]
        with storage.fetching(self.git.folder):
            finished = self._fetched(refs)
            # Another process that pushes from this mirror moves the same refs, and may be in the middle of it.
            for _ in range(_RIVALS):
                if finished.code == 0 or "cannot lock ref" not in finished.message():
                    break
                finished = self._fetched(refs)
        if finished.code != 0:
            raise self.git.failure(finished, "fetch")
        self._tips = self._local_tips()

    def _fetched(self, refs: Sequence[str]) -> Finished:
        return self.git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "origin", *refs)

    def _local_tips(self) -> dict[str, str]:
        lines = _lines(self.git.check("for-each-ref", "--format=%(objectname) %(refname)", HEADS, BESIDE))
        return {name.removeprefix(HEADS): oid for oid, name in (line.split(" ", 1) for line in lines)}

    def _heard(self, name: str, tip: str | None) -> None:
        self._tips.pop(name, None)
        if tip is not None:
            self._tips[name] = tip

    def _head(self) -> str:
        return (self.git.folder / "HEAD").read_text().strip().removeprefix(f"ref: {HEADS}")

    def _missing(self, name: str) -> BranchMissing:
        return BranchMissing(f"{self.git.remote.url} has no branch or commit {name!r}", hint=self._there())

    def _there(self) -> str:
        heads = self.git.run("ls-remote", "--heads", "origin").stdout.decode(errors="replace").split()
        there = [head.removeprefix(HEADS) for head in heads if head.startswith(HEADS)]
        return f"there are: {', '.join(there[:10])}" if there else _EMPTY_HINT

    def _signing(self) -> bool:
        if self._signs is None:
            self._signs = self.git.run("config", "--type=bool", "--get", "commit.gpgSign").stdout.strip() == b"true"
        return self._signs


def _lines(output: bytes) -> list[str]:
    """The lines that are text; git lets a ref have any bytes for a name, but no configuration can ask for it."""
    lines = output.decode(errors="surrogateescape").splitlines()
    return [line for line in lines if reading.is_text(line)]


def _is_impossible(branch: str, others: Iterable[str]) -> bool:
    """Whether `branch` cannot be beside the others: git has no room for `env` where there is an `env/test`."""
    return any(other.startswith(f"{branch}/") or branch.startswith(f"{other}/") for other in others)


def _identity(author: Identity, committer: Identity, time: datetime) -> dict[str, str]:
    date = f"{int(time.timestamp())} +0000"
    return {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": date,
    }
