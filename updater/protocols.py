"""What the replaceable parts are. Nothing here is inherited from: a part fits, or mypy says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from updater.errors import PushRefused
from updater.model import Decoded, Entry, Message, Standing, Version

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
    """A branch that is to move from `old` to `new`, a descendant of it."""

    branch: str
    old: str
    new: str


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

    def refresh(self, branches: frozenset[str] = frozenset()) -> bool:
        """Asks the remote for its tips, fetches what moved, and says whether anything did. Raises `GitError`."""
        ...

    def tree(self, commit: str) -> Tree:
        """The files of a commit."""
        ...

    def build(self, parent: str, files: Mapping[str, bytes], message: str, time: datetime) -> str:
        """Builds a commit on `parent` in which `files` have new content, and gives its id."""
        ...

    def push(self, updates: Sequence[Update]) -> Mapping[str, PushOutcome]:
        """Pushes commits built before, all at once, and gives the outcome of each branch. Raises `GitError`."""
        ...


class Catalog(Protocol):
    """Questions about the overlays of the repository."""

    def paths(self, branch: str, tip: str, image: str) -> Sequence[str]:
        """The kustomization files that mention an image at `tip`, sorted; there may be too many, never too few."""
        ...

    def standing(self, branch: str, tip: str, entry: Entry) -> Standing | None:
        """How the version that stands in an entry at `tip` got there, as far as history tells."""
        ...

    def stood(self, tip: str, entry: Entry, version: Version) -> Standing | None:
        """How another version last got into an entry, if it ever stood there before `tip`."""
        ...

    def landed(self, update: Update, files: Mapping[str, bytes], standing: Sequence[tuple[Entry, Standing]]) -> None:
        """Notes what our own push changed, so that nobody has to be asked: new contents, and how entries stand now."""
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

    def add(self, key: str) -> None:
        """Remember `key`."""
        ...
