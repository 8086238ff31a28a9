"""A repository with people in it, our mirror of it, and catalogues that come to know it in different ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.helpers import gitops
from tests.helpers.gitops import Files, Person
from updater.adapters import process
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.adapters.git import Git, Remote
from updater.adapters.mirror import Mirror
from updater.core.environment import Follow
from updater.core.kustomization import entries
from updater.core.rules import compile_rule
from updater.errors import EditRefused
from updater.model import Entry, Past, Version
from updater.protocols import Question, Ranking

A = "overlays/test/a/kustomization.yaml"
B = "overlays/test/b/kustomization.yaml"
C = "overlays/test/c/Kustomization"
IMAGE = "reg.example/acme/app"
OTHER = "reg.example/acme/other"
PUSHED = compile_rule(Follow(image="reg.example/**"))
SEMVER = compile_rule(Follow(image="reg.example/**", order="semver"))


def mentioning(*images: str, tag: str = "1.0.0") -> str:
    """A kustomization with these images, all at one tag."""
    return "images:\n" + "".join(f"- name: {image}\n  newTag: '{tag}'\n" for image in images)


class CountingGit(Git):
    """git as it is, that notes how many blobs are read and which commands are run."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        super().__init__(remote, folder)
        self.blobs = 0
        self.commands: list[tuple[str, ...]] = []
        self.meanwhile: Callable[[], object] | None = None
        """What somebody else does before the next log."""

    def names(self) -> list[str]:
        """The commands that were run, without their arguments."""
        return [command[0] for command in self.commands]

    def run(self, *arguments: str, stdin: bytes = b"") -> process.Finished:
        self.commands.append(arguments)
        return super().run(*arguments, stdin=stdin)

    def start(self, *arguments: str, keeping: Sequence[int] = ()) -> None:
        self.commands.append(arguments)
        super().start(*arguments, keeping=keeping)

    def check(self, *arguments: str, stdin: bytes = b"", identity: Mapping[str, str] | None = None) -> bytes:
        if arguments[0] == "cat-file":
            self.blobs += stdin.count(b"\n")
        if arguments[0] == "log" and self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        self.commands.append(arguments)
        return super().check(*arguments, stdin=stdin, identity=identity)


@dataclass
class Setting:
    """A remote, a person, our mirror and the catalogues of it."""

    bare: Path
    alice: Person
    ours: Mirror
    git: CountingGit
    stack: ExitStack = field(default_factory=ExitStack)
    fresh_ones: int = 0

    def file(self, name: str = "cache") -> Path:
        """Where the cache of this name is."""
        return self.bare.with_name(f"{name}.sqlite")

    def catalog(self, name: str = "cache") -> Catalog:
        """A catalogue as a new process would open it, on the cache of this name."""
        return Catalog(self.ours, self.stack.enter_context(closing(Cache(self.file(name)))))

    def fresh(self) -> Catalog:
        """A catalogue that knows nothing."""
        self.fresh_ones += 1
        return self.catalog(f"fresh-{self.fresh_ones}")

    def refreshed(self, branch: str = "main") -> str:
        """The newest tip of a branch."""
        self.ours.refresh(frozenset({branch}))
        return self.ours.tip(branch) or ""

    def entries(self, tip: str, *paths: str) -> list[Entry]:
        """All entries of files at a tip, as far as they can be read there."""
        tree = self.ours.tree(tip)
        found: list[Entry] = []
        for path in paths:
            node = tree.node(path)
            if node is not None and node.kind == "file":
                found += _entries(path, tree.read(path))
        return found

    def entry(self, path: str = A, tip: str = "", index: int = 0) -> Entry:
        """One entry of a file, by default at the newest tip."""
        return self.entries(tip or self.refreshed(), path)[index]

    def past(self, catalog: Catalog, order: Ranking = PUSHED, branch: str = "main", path: str = A) -> Past:
        """What a catalogue says of the first entry of a file, at the newest tip that we have heard of."""
        tip = self.ours.tip(branch) or ""
        (found,) = catalog.pasts(branch, tip, [Question(self.entry(path, tip), order)])
        return found

    def held(self, catalog: Catalog, order: Ranking = PUSHED, branch: str = "main", path: str = A) -> list[str | None]:
        """The tags that are held."""
        return [hold.version.tag for hold in self.past(catalog, order, branch, path).holds]


@contextmanager
def setting(folder: Path, ours: Mirror, bare: Path) -> Iterator[Setting]:
    """Everything about a remote; the caches are closed at the end."""
    ours.git = counting = CountingGit(ours.git.remote, ours.git.folder)
    made = Setting(bare, Person(bare, folder / "alice"), ours, counting)
    with made.stack:
        yield made


def remote(folder: Path, files: Files | None = None) -> Path:
    """A remote with three overlays."""
    standard = {A: mentioning(IMAGE), B: mentioning(IMAGE, OTHER), C: mentioning(OTHER)}
    return gitops.remote(
        folder / "gitops.git", {**standard, "base/deployment.yaml": f"x: {IMAGE}\n"} | dict(files or {})
    )


def knowledge(catalog: Catalog, branch: str, tip: str, found: Sequence[Entry], asked: Sequence[Version]) -> Any:
    """Everything that a catalogue says of entries: what landed, and what that means in two orders."""
    questions = [Question(entry, order, tuple(asked)) for entry in found for order in (PUSHED, SEMVER)]
    return catalog.landings(branch, tip, found), catalog.pasts(branch, tip, questions)


def _entries(path: str, content: bytes) -> tuple[Entry, ...]:
    try:
        return entries(path, content)
    except EditRefused:
        return ()
