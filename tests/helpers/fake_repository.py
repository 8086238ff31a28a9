"""A remote and what was last heard of it, in memory: a `protocols.Repository` and its `protocols.Catalog`.

Pushes compare the tips as git does under a lease, `refresh` hears only of the branches it asks for, and history
is read by the same code as from git. So what the pipeline does here it does to a remote, too, only faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from tests.helpers.events import IMAGE, at, digest
from tests.helpers.trees import MemoryTree
from updater import config
from updater.core import history, holds, looks, waiting
from updater.core.changes import Verify
from updater.core.history import Step
from updater.core.kustomization import FILE_NAMES, mentioned_images
from updater.core.verification import PlannedEdit
from updater.errors import BranchMissing, GitError, PushRefused
from updater.forge import PREFIX
from updater.model import Entry, Landing, Past
from updater.protocols import Beyond, Clock, PushOutcome, Question, Tree, Update
from updater.sight import Sight

Files = Mapping[str, bytes]


def environment_file(name: str = "test", *more: str, order: str = "pushed") -> dict[str, str]:
    """An environment that follows the models into its overlays, with more lines of its file, by path."""
    follow = ("follow:", "- image: reg.example/models/*", f"  order: {order}")
    lines = (f"overlays: overlays/{name}/{{service}}", *more, *follow, "")
    return {f"environments/{name}.yaml": "\n".join(lines)}


def images(*entries: tuple[str, str | None, str | None]) -> str:
    """A kustomization with these entries: name, tag and the letter of the digest."""
    lines = ["resources:", "- ../../../base", "images:"]
    for name, tag, letter in entries:
        lines += [f"- name: {name}", *([f'  newTag: "{tag}"'] if tag else [])]
        lines += [f'  digest: "{digest(letter)}"'] if letter else []
    return "\n".join(lines) + "\n"


def overlay(
    tag: str | None = None, letter: str | None = None, *, environment: str = "test", service: str = "model-a"
) -> dict[str, str]:
    """The kustomization of a service, with one entry for the model of its name, by path."""
    image = IMAGE.replace("model-a", service)
    return {f"overlays/{environment}/{service}/kustomization.yaml": images((image, tag, letter))}


def agree(_tree: Tree, _edit: PlannedEdit) -> None:
    """Verification that has no objection."""


@dataclass
class StoppedClock:
    """A clock that stands still until somebody sets it."""

    time: datetime = field(default_factory=lambda: at(60))

    def now(self) -> datetime:
        return self.time


def sight(repository: FakeRepository, verify: Verify = agree, clock: Clock | None = None) -> Sight:
    """What plans on this repository are made with: everything real but the rendering."""
    return Sight(repository, repository, config.load, verify, clock or StoppedClock())


@dataclass(frozen=True)
class FakeCommit:
    parent: str | None
    files: Files
    message: str
    time: datetime
    author: str


class FakeRepository:
    """A repository whose branches start with one commit each; at first only the default branch was heard of."""

    def __init__(self, branches: Mapping[str, Mapping[str, str]], *, default: str = "main", since: float = 0) -> None:
        self.commits: dict[str, FakeCommit] = {}
        self.remote: dict[str, str] = {}
        self.remote_default = default
        self.refuses: dict[str, str] = {}
        """Branches that nobody may push to, and what the remote says then."""
        self.rivals: list[Callable[[], object]] = []
        """What somebody else does just before each of the next pushes."""
        self.pushes: list[tuple[str, ...]] = []
        """The branches of each push so far."""
        self.listings: list[frozenset[str]] = []
        """The branches that each listing of refs asked for."""
        for branch, files in branches.items():
            self.commit(branch, files, minutes=since)
        self._default = default
        self._heard = {name: tip for name, tip in self.remote.items() if name == default}

    def elsewhere(self) -> FakeRepository:
        """Another replica, or this one on an empty disk: the same remote, of which it has heard the default branch."""
        other = FakeRepository({}, default=self.remote_default)
        other.commits, other.remote, other.refuses = self.commits, self.remote, self.refuses
        other._heard = {other._default: self.remote[other._default]}
        return other

    def forked(self) -> FakeRepository:
        """The same in another world: what happens there is not seen here."""
        other = self.elsewhere()
        other.remote, other._heard = dict(self.remote), dict(self._heard)
        return other

    # What other people do, and see, on the remote.

    def commit(self, branch: str, files: Mapping[str, str], message: str = "by hand\n", minutes: float = 0) -> str:
        """Somebody pushes a commit with these files changed, `minutes` after noon; a new branch starts empty."""
        parent = self.remote.get(branch)
        content = {path: text.encode() for path, text in files.items()}
        self.remote[branch] = self._add(parent, content, message, at(minutes), "alice")
        return self.remote[branch]

    def revert(self, branch: str, commit: str, minutes: float = 0) -> str:
        """Somebody takes back what a commit changed."""
        made = self.commits[commit]
        before = self.commits[made.parent or ""].files
        changed = {path: text.decode() for path, text in before.items() if made.files.get(path) != text}
        return self.commit(branch, changed, f'Revert "{made.message.splitlines()[0]}"\n', minutes)

    def on_remote(self, branch: str, path: str) -> str:
        """What stands in a file of the remote."""
        return self.commits[self.remote[branch]].files[path].decode()

    def log(self, branch: str) -> list[str]:
        """The subjects of a branch of the remote, newest first."""
        return [commit.message.splitlines()[0] for _, commit in self._ancestors(self.remote[branch])]

    # protocols.Repository

    @property
    def default_branch(self) -> str:
        if self._default not in self._heard:
            raise BranchMissing("no commit on the default branch")
        return self._default

    def tip(self, branch: str) -> str | None:
        return self._heard.get(branch)

    def names(self, prefix: str) -> Sequence[str]:
        return sorted(name for name in self._heard if name.startswith(prefix))

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        self.listings.append(branches)
        before = (self._default, dict(self._heard))
        self._default = self.remote_default
        ours = {name for name in {*self.remote, *self._heard} if name.startswith((PREFIX, waiting.REFS, looks.REFS))}
        for branch in branches | {self._default} | ours:
            self._heard.pop(branch, None)
            if branch in self.remote:
                self._heard[branch] = self.remote[branch]
        return before != (self._default, self._heard)

    def tree(self, commit: str) -> MemoryTree:
        if commit not in self.commits:
            raise GitError(f"object {commit} is no commit")
        return MemoryTree(self.commits[commit].files)

    def parent(self, commit: str) -> str | None:
        return self.commits[commit].parent

    def newest(self, commit: str, count: int) -> Sequence[str]:
        return [sha for sha, _ in islice(self._ancestors(commit), count)]

    def beyond(self, base: str, head: str) -> Sequence[Beyond]:
        known = dict(self._ancestors(base))
        missing = [(sha, commit) for sha, commit in self._ancestors(head) if sha not in known]
        return [replace(_told(sha, commit), paths=tuple(self.changed(sha))) for sha, commit in missing]

    def bring(self, commits: Mapping[str, str]) -> frozenset[str]:
        return frozenset(commits.keys() & self.commits.keys())

    def as_of(self, branch: str, time: datetime) -> str:
        ancestors = list(self._ancestors(self._heard[branch]))
        return next((sha for sha, commit in ancestors if commit.time <= time), ancestors[-1][0])

    def message(self, commit: str) -> str:
        return self.commits[commit].message

    def changed(self, commit: str) -> Sequence[str]:
        files = self.commits[commit].files
        parent = self.commits[commit].parent
        before = {} if parent is None else self.commits[parent].files
        return sorted(path for path in files if before.get(path) != files[path])

    def build(self, parent: str, files: Files, message: str, time: datetime) -> str:
        return self._add(parent, files, message, time, "updater")

    def build_note(self, parent: str | None, files: Files, message: str, time: datetime) -> str:
        return self._add(parent, files, message, time, "updater")

    def push(self, updates: Sequence[Update]) -> dict[str, PushOutcome]:
        self.pushes.append(tuple(update.branch for update in updates))
        if self.rivals:
            self.rivals.pop(0)()
        return {update.branch: self._push(update) for update in updates}

    # protocols.Catalog

    def paths(self, branch: str, tip: str, image: str) -> Sequence[str]:
        files = self.commits[tip].files
        mentioning = (path for path in files if image in mentioned_images(files[path]))
        return sorted(path for path in mentioning if path.rpartition("/")[2] in FILE_NAMES)

    def all_paths(self, branch: str, tip: str) -> Sequence[str]:
        files = self.commits[tip].files
        return sorted(path for path in files if path.rpartition("/")[2] in FILE_NAMES and mentioned_images(files[path]))

    def recent(self, tip: str, count: int, is_wanted: Callable[[str], bool]) -> Sequence[str]:
        touched = ([path for path in self.changed(sha) if is_wanted(path)] for sha, _ in self._ancestors(tip))
        return list(dict.fromkeys(path for paths in [each for each in touched if each][:count] for path in paths))

    def landings(self, branch: str, tip: str, entries: Sequence[Entry]) -> Sequence[Sequence[Landing]]:
        return [self._landings(tip, entry.path, history.key(entry)) for entry in entries]

    def pasts(self, branch: str, tip: str, questions: Sequence[Question]) -> Sequence[Past]:
        return [self._past(tip, question) for question in questions]

    def landed(self, update: Update, commits: Sequence[tuple[str, Files]]) -> None:
        """What is told has to be what was pushed."""
        assert commits[-1][0] == update.new
        for sha, files in commits:
            assert all(self.commits[sha].files[path] == content for path, content in files.items())

    def _past(self, tip: str, question: Question) -> Past:
        landings = self._landings(tip, question.entry.path, history.key(question.entry))
        pasts = [past for _, _, past in holds.folded(landings, question.order)]
        stood = history.stood(question, history.first_pushed(landings))
        return replace(pasts[-1] if pasts else Past(), stood=stood)

    def _landings(self, tip: str, path: str, key: str) -> Sequence[Landing]:
        steps = reversed(list(self._steps(tip, path)))
        return [landing for place, landing in history.landings(path, steps, {}) if place == key]

    def _push(self, update: Update) -> PushOutcome:
        if not update.branch.startswith((PREFIX, "refs/")):
            assert update.new is not None, "never taken away"
            assert update.old in dict(self._ancestors(update.new)), "never anything but a descendant"
        if self.remote.get(update.branch) != update.old:
            return "moved"
        if update.branch in self.refuses:
            return PushRefused(self.refuses[update.branch])
        for refs in (self.remote, self._heard):
            refs.pop(update.branch, None)
            if update.new is not None:
                refs[update.branch] = update.new
        return "landed"

    def _add(self, parent: str | None, files: Files, message: str, time: datetime, author: str) -> str:
        before = {} if parent is None else self.commits[parent].files
        commit = FakeCommit(parent, {**before, **files}, message, time, author)
        sha = hashlib.sha1(repr((parent, sorted(files.items()), message, time)).encode()).hexdigest()
        self.commits[sha] = commit
        return sha

    def _ancestors(self, tip: str) -> Iterator[tuple[str, FakeCommit]]:
        sha: str | None = tip
        while sha is not None:
            yield sha, self.commits[sha]
            sha = self.commits[sha].parent

    def _steps(self, tip: str, path: str) -> Iterator[Step]:
        for sha, commit in self._ancestors(tip):
            before = None if commit.parent is None else self.commits[commit.parent].files.get(path)
            content = commit.files.get(path)
            if before != content:
                yield Step(sha, commit.author, commit.time, commit.time, commit.message, content)


def _told(sha: str, commit: FakeCommit) -> Beyond:
    parents = () if commit.parent is None else (commit.parent,)
    return Beyond(sha, parents, commit.author, commit.message, is_ours=commit.author == "updater")
