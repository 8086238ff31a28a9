"""The bare repository behind the stand-in: what GitHub asks of git and does with it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Signature:
    """Who wrote a commit, and when."""

    name: str
    email: str
    at: datetime


@dataclass(frozen=True)
class Commit:
    """A commit, as GitHub tells it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class Change:
    """One file that differs between two commits."""

    path: str
    status: str
    added: int
    removed: int
    blob: str


_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00%x01"
_STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}
NOTHING = "0" * 40


class MergeConflict(Exception):
    """Two commits that git cannot merge by itself."""


@dataclass(frozen=True)
class Bare:
    """A bare repository. What is asked of commits by their ids is remembered: they never change."""

    path: Path
    now: Callable[[], datetime]
    _known: dict[tuple[str, ...], str | None] = field(default_factory=dict)

    def tips(self) -> dict[str, str]:
        """All refs but those of pull requests, each with its commit."""
        lines = self._run("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        pairs = (line.split() for line in lines)
        return {name: commit for name, commit in pairs if not name.startswith("refs/pull/")}

    def head(self) -> str:
        """The name of the default branch."""
        return self._run("symbolic-ref", "--short", "HEAD").strip()

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, a ref or an id names; None if it names nothing."""
        for candidate in (f"refs/heads/{name}", f"refs/{name}", name):
            found = self._ask("rev-parse", "--quiet", "--verify", "--end-of-options", f"{candidate}^{{commit}}")
            if found:
                return found.strip()
        return None

    def move(self, changes: Mapping[str, str | None]) -> None:
        """Puts refs on commits, all or none; None deletes one."""
        lines = (f"update {name} {commit}" if commit else f"delete {name}" for name, commit in changes.items())
        self._run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in lines))

    def contains(self, tip: str, commit: str) -> bool:
        """Whether a commit is `tip` or one of its ancestors."""
        return self._remembered("merge-base", "--is-ancestor", commit, tip) is not None

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that both have."""
        found = self._remembered("merge-base", one, other)
        return found and found.strip()

    def between(self, base: str, head: str) -> list[Commit]:
        """The commits that `head` has and `base` has not, oldest first."""
        return self._log("--reverse", "--topo-order", f"{base}..{head}")

    def history(self, commit: str, count: int) -> list[Commit]:
        """A commit and those before it, newest first, so many at the most."""
        return self._log(f"--max-count={count}", commit)

    def commit(self, sha: str) -> Commit:
        return self._log("--max-count=1", sha)[0]

    def landing(self, base: str, commit: str) -> str:
        """The commit on the first-parent line of `base` that brought `commit`."""
        line = self._run("rev-list", "--first-parent", base).split()
        if commit in line:
            return commit
        return [step for step in line if self.contains(step, commit)][-1]

    def diff(self, base: str, head: str) -> str:
        """What `head` changes since it left `base`."""
        return self._remembered("diff", "--full-index", self.merge_base(base, head) or base, head) or ""

    def changes(self, base: str, head: str) -> list[Change]:
        """The files that `head` changes since it left `base`."""
        start = self.merge_base(base, head) or base
        raw = (self._remembered("diff-tree", "-r", "-z", "--no-renames", start, head) or "").split("\0")
        counts = (self._remembered("diff", "--numstat", "-z", "--no-renames", start, head) or "").split("\0")
        lines = dict(_counted(line) for line in counts if line)
        metas = zip(raw[::2], raw[1::2], strict=False)
        return [
            Change(path, _STATUS[meta.split()[4]], *lines[path], _blob(meta.split()[2], meta.split()[3]))
            for meta, path in metas
        ]

    def content(self, commit: str, path: str) -> str | None:
        """A file in a commit; None if it is not there."""
        return self._remembered("cat-file", "blob", f"{commit}:{path}")

    def merges(self, base: str, head: str) -> bool:
        """Whether git can merge two commits by itself."""
        return self._remembered("merge-tree", "--write-tree", base, head) is not None

    def merged(self, base: str, head: str, message: str, author: tuple[str, str], *, squash: bool = False) -> str:
        """A new commit on `base` with what `head` brings; raises `MergeConflict`."""
        tree = self._remembered("merge-tree", "--write-tree", base, head)
        if tree is None:
            raise MergeConflict
        parents = [base] if squash else [base, head]
        options = [option for parent in parents for option in ("-p", parent)]
        return self._run("commit-tree", tree.split()[0], *options, stdin=message, identity=author).strip()

    def rebased(self, base: str, head: str, committer: tuple[str, str]) -> str:
        """The commits of `head` anew on `base`; raises `MergeConflict`."""
        with tempfile.TemporaryDirectory() as folder:
            work = str(Path(folder) / "work")
            self._run("worktree", "add", "--quiet", "--detach", work, base)
            try:
                for commit in self.between(base, head):
                    if self._ask("-C", work, "cherry-pick", "--allow-empty", commit.sha, identity=committer) is None:
                        raise MergeConflict
                return self._run("-C", work, "rev-parse", "HEAD").strip()
            finally:
                self._run("worktree", "remove", "--force", work)

    def _log(self, *selection: str) -> list[Commit]:
        output = self._remembered("log", f"--format={_FORMAT}", *selection)
        assert output is not None, f"no such commits: {selection}"
        return [_commit(record.lstrip("\n")) for record in output.split("\x01") if record.strip("\n")]

    def _remembered(self, *arguments: str) -> str | None:
        if arguments not in self._known:
            self._known[arguments] = self._ask(*arguments)
        return self._known[arguments]

    def _run(self, *arguments: str, stdin: str = "", identity: tuple[str, str] | None = None) -> str:
        output = self._ask(*arguments, stdin=stdin, identity=identity)
        assert output is not None, f"git {' '.join(arguments)} failed"
        return output

    def _ask(self, *arguments: str, stdin: str = "", identity: tuple[str, str] | None = None) -> str | None:
        command: Sequence[str] = ["git", f"--git-dir={self.path}", *arguments]
        if arguments[0] == "-C":
            command = ["git", *arguments]
        done = subprocess.run(command, input=stdin.encode(), capture_output=True, env=self._environment(identity))
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def _environment(self, identity: tuple[str, str] | None) -> dict[str, str]:
        """The time is the stand-in's. What cherry-pick makes keeps its author all the same."""
        if identity is None:
            return dict(os.environ)
        date = f"@{int(self.now().timestamp())} +0000"
        parts = zip(("NAME", "EMAIL", "DATE"), (*identity, date), strict=True)
        who = {f"GIT_{role}_{part}": value for part, value in parts for role in ("AUTHOR", "COMMITTER")}
        return {**os.environ, **who}


def _commit(record: str) -> Commit:
    sha, tree, parents, name, email, at, by, by_email, by_at, message, _ = record.split("\0")
    author = Signature(name, email, datetime.fromtimestamp(int(at), UTC))
    committer = Signature(by, by_email, datetime.fromtimestamp(int(by_at), UTC))
    return Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def _counted(line: str) -> tuple[str, tuple[int, int]]:
    added, removed, path = line.split("\t", 2)
    return path, (0, 0) if added == "-" else (int(added), int(removed))


def _blob(before: str, after: str) -> str:
    return before if after == NOTHING else after
