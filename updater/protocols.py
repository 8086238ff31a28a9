"""What the replaceable parts are. Nothing here is inherited from: a part fits, or mypy says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from updater.errors import PushRefused
from updater.model import Decoded, Entry, Landing, Message, Past, Version

Kind = Literal["file", "folder", "link", "submodule"]


@dataclass(frozen=True, slots=True)
class Node:
    """One name in a folder. `id` is git's object id of the content (SHA-1 of the blob or tree)."""

    kind: Kind
    id: str
    executable: bool = False


class Tree(Protocol):
    """The files of one commit, or of a folder on disk. Paths are relative, with `/`, no `.` or `..`."""

    def node(self, path: str) -> Node | None:
        """What stands at `path` ("" is the root), without following links; None if nothing does."""
        ...

    def read(self, path: str) -> bytes:
        """The content of a file, or the target of a link. Raises KeyError if there is neither."""
        ...

    def names(self, folder: str) -> Sequence[str]:
        """The names in a folder, sorted; empty if there is no such folder."""
        ...


@dataclass(frozen=True, slots=True)
class Update:
    """A branch that is to move from `old` to `new`: a descendant of it, but for the branches of our pull requests.

    Names that begin with `refs/` are whole ones, of refs beside the branches. None in `old` is a ref that is to be
    made, in `new` one that is to be taken away.
    """

    branch: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Beyond:
    """A commit that one commit has in its history and another has not. `is_ours` is whether the updater made it.

    `paths` are those that it changes; a merge names none.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    message: str
    is_ours: bool
    paths: tuple[str, ...] = ()


PushOutcome: TypeAlias = Literal["landed", "moved", "unfinished"] | PushRefused
"""The branch has our commit; or somebody else moved it and ours is to be planned again; or nobody did and it has not
got there all the same, because the push broke off; or we may not write."""


class Repository(Protocol):
    """The GitOps repository: what was last heard of its branches, and the way to write to them."""

    @property
    def default_branch(self) -> str:
        """The remote's default branch. Raises `BranchMissing` where the repository is empty."""
        ...

    def tip(self, branch: str) -> str | None:
        """The id of the newest commit of a branch, as last heard; None if it was never heard of."""
        ...

    def names(self, prefix: str) -> Sequence[str]:
        """The refs that begin with `prefix`, as last heard; sorted: whole names as `refs/updater/waiting/test`, and
        branches by their own name, as `updater/staging/model-a`.
        """
        ...

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        """Asks the remote for its tips, fetches what moved, and says whether anything did. Raises `GitError`.

        What waits (`refs/updater/waiting/`), what looks found (`refs/updater/looks/`) and the branches of our pull
        requests (`updater/`) are always asked for.
        """
        ...

    def tree(self, commit: str) -> Tree:
        """The files of a commit."""
        ...

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for a root."""
        ...

    def newest(self, commit: str, count: int) -> Sequence[str]:
        """A commit and its first parents, newest first, `count` at the most."""
        ...

    def beyond(self, base: str, head: str) -> Sequence[Beyond]:
        """The commits that `head` has in its history and `base` has not, newest first."""
        ...

    def bring(self, commits: Mapping[str, str]) -> frozenset[str]:
        """Of these commits those that are here now. What is not is fetched, each by a ref that is given for it.

        A ref that is not there any more, or has another commit now, is no failure. Raises `GitError` where the
        remote does not answer.
        """
        ...

    def as_of(self, branch: str, time: datetime) -> str:
        """The newest known commit of a branch that was made by `time`; its first one if none was."""
        ...

    def message(self, commit: str) -> str:
        """The text of a commit."""
        ...

    def changed(self, commit: str) -> Sequence[str]:
        """The paths at which a commit differs from its first parent, sorted."""
        ...

    def build(self, parent: str, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit on `parent` in which `files` have new content, and gives its id."""
        ...

    def build_note(self, parent: str | None, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit that holds these files, all in its root, beside those of `parent`, and gives its id."""
        ...

    def push(self, updates: Sequence[Update]) -> Mapping[str, PushOutcome]:
        """Pushes commits built before, all at once, and gives the outcome of each branch. Raises `GitError`."""
        ...


class Ranking(Protocol):
    """The order in which the versions of an entry are compared. What ranks alike has one name."""

    @property
    def name(self) -> str: ...

    def rank(self, version: Version, pushed_at: datetime | None) -> Any:
        """Where a version stands: the greater rank is the newer version."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an entry's history: what holds in an order, and which of these versions stood there before.

    A version without a digest is that tag with any digest, unless it is the tag that stands.
    """

    entry: Entry
    order: Ranking
    versions: tuple[Version, ...] = ()


class Catalog(Protocol):
    """Questions about the overlays of the repository."""

    def paths(self, branch: str, tip: str, image: str) -> Sequence[str]:
        """The kustomization files that mention an image at `tip`, sorted; there may be too many, never too few."""
        ...

    def all_paths(self, branch: str, tip: str) -> Sequence[str]:
        """The kustomization files that mention any image at `tip`, sorted."""
        ...

    def recent(self, tip: str, count: int, is_wanted: Callable[[str], bool]) -> Sequence[str]:
        """The files that are wanted among those that the newest commits changed, `count` such commits at the most."""
        ...

    def landings(self, branch: str, tip: str, entries: Sequence[Entry]) -> Sequence[Sequence[Landing]]:
        """What landed in each of these entries that stand at `tip`, oldest first."""
        ...

    def pasts(self, branch: str, tip: str, questions: Sequence[Question]) -> Sequence[Past]:
        """What history says of entries that stand at `tip`, an answer for each question."""
        ...

    def landed(self, update: Update, commits: Sequence[tuple[str, Mapping[str, bytes]]]) -> None:
        """Notes what our own push changed, so that nobody has to be asked: its commits, oldest first, each with the
        new content of the files that it changed."""
        ...


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


class Decoder(Protocol):
    """One sender's dialect. Registered under `updater.decoders` by the name of its source."""

    def __call__(self, message: Message) -> Decoded:
        """The pushes a message tells of, or why there are none.

        Raises `EventError` where the message is not of this dialect at all.
        """
        ...


class Order(Protocol):
    """How tags of one rule compare."""

    def __call__(self, text: str) -> Any | None:
        """A key that compares with the keys of this order, or None if `text` has no place in it."""
        ...


class Renderer(Protocol):
    """Renders a kustomize folder."""

    @property
    def version(self) -> str:
        """Name, version and options: renderings of equal input by equal versions are equal."""
        ...

    def render(self, files: Mapping[str, bytes], links: Mapping[str, str], folder: str) -> bytes:
        """The rendered manifests of `folder`, given only these files and links (path to content or target).

        Raises `RenderError` where kustomize fails or does not end in time.
        """
        ...


class Memo(Protocol):
    """Remembers keys between runs. May forget at any time."""

    def __contains__(self, key: str) -> bool: ...

    def add(self, key: str, /) -> None:
        """Remember `key`."""
        ...
