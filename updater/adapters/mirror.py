"""A warm bare mirror of the GitOps repository: the branches in use, kept in the state folder.

No work tree and no index. What is asked of the remote is in `remote_refs`; here its history is read, commits are
built on it and pushed. The mirror is whole, never shallow or partial: history decides (reverts), and fetching
old blobs one at a time would cost more than the clone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from updater.adapters import pushing, reading, storage, wire
from updater.adapters.beyond import beyond
from updater.adapters.git import Git, Remote
from updater.adapters.git_tree import GitTree
from updater.adapters.objects import Objects
from updater.adapters.remote_refs import RemoteRefs
from updater.errors import GitError
from updater.forge import PREFIX
from updater.model import Identity
from updater.protocols import Beyond, PushOutcome, Update


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
        self._refs = RemoteRefs(git)
        self._signs: bool | None = None

    def close(self) -> None:
        """Gives files back; the mirror cannot be used afterwards."""
        self.objects.close()

    def has_commits(self) -> bool:
        """Whether anything was ever heard of the remote's branches."""
        return bool(self._refs.names(""))

    @property
    def default_branch(self) -> str:
        """The remote's default branch, as last heard. Raises `BranchMissing` where the repository is empty."""
        return self._refs.default_branch

    def tip(self, branch: str) -> str | None:
        """The id of the newest commit of a branch, as last heard; None if it was never heard of."""
        return self._refs.tip(branch)

    def names(self, prefix: str) -> list[str]:
        """The branches, and the whole names of refs beside them, that begin so, as last heard; sorted."""
        return self._refs.names(prefix)

    def tree(self, commit: str) -> GitTree:
        """The files of a commit."""
        return self.objects.tree(commit)

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for a root."""
        return self.objects.parent(commit)

    def as_of(self, branch: str, time: datetime) -> str:
        """The newest known commit of a branch that was made by `time`; its first one if none was."""
        tip = self.tip(branch) or self.resolve(branch)
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

    def newest(self, commit: str, count: int) -> list[str]:
        """A commit and its first parents, newest first, `count` at the most."""
        self.objects.flush()
        found = self.git.check("rev-list", "--first-parent", f"--max-count={count}", "--end-of-options", commit)
        return found.decode().split()

    def beyond(self, base: str, head: str) -> list[Beyond]:
        """The commits that `head` has in its history and `base` has not, newest first."""
        self.objects.flush()
        return beyond(self.git, base, head, self._authorship.committer)

    def bring(self, commits: Mapping[str, str]) -> frozenset[str]:
        """Of these commits those that are here now; see `wire.bring`. Raises `GitError`."""
        return wire.bring(self.git, self.objects, commits)

    def resolve(self, name: str) -> str:
        """The commit that a branch name or id stands for. Raises `BranchMissing`."""
        return self._refs.resolve(name)

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        """Asks the remote for its tips, fetches what moved, and says whether anything did.

        `branches` are wanted beside the default branch, what waits and the branches of our pull requests; one that is
        not there (any more) is forgotten. Raises `BranchMissing` where the repository has no commit.
        """
        return self._refs.refresh(branches)

    def build(self, parent: str, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit on `parent` in which `files` have new content, and gives its id.

        It is signed where git's configuration asks for it (`commit.gpgSign`).
        """
        return self._commit(self.objects.changed_tree(parent, files), parent, message, time)

    def build_note(self, parent: str | None, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit that holds these files, all in its root, beside those of `parent`, and gives its id.

        Nothing but files is taken over. It is signed as others.
        """
        return self._commit(self.objects.new_tree(files, parent), parent, message, time)

    def _commit(self, tree: str, parent: str | None, message: str, time: datetime) -> str:
        author, committer = self._authorship.author, self._authorship.committer
        if not self._signing():
            return self.objects.commit(tree, parent, message, author, committer, time)
        self.objects.flush()
        arguments = ("commit-tree", "-S", *(("-p", parent) if parent else ()), tree)
        identity = _identity(author, committer, time)
        return self.git.check(*arguments, stdin=message.encode(), identity=identity).decode().strip()

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        """Pushes commits that were built here; see `pushing.push`.

        Raises `GitError` before anything is pushed where a branch that is not of a pull request would lose commits.
        """
        for update in updates:
            if not update.branch.startswith((PREFIX, "refs/")) and not self._descends(update.old, update.new):
                raise GitError(f"{update.branch} is not pushed: what it would be moved to does not descend from it")
        self.objects.flush()
        outcomes = pushing.push(self.git, updates, self._refs.settle)
        for update in updates:
            if outcomes[update.branch] == "landed":
                self._refs.landed(update)
        return outcomes

    def _descends(self, old: str | None, new: str | None) -> bool:
        """Whether `old` is among the first parents of `new`, as it is below all that is built here."""
        while new is not None and new != old:
            new = self.objects.parent(new)
        return new is not None

    def _signing(self) -> bool:
        if self._signs is None:
            self._signs = self.git.run("config", "--type=bool", "--get", "commit.gpgSign").stdout.strip() == b"true"
        return self._signs


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
