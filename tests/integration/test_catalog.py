"""Which files mention an image, and since when an entry stands: right at every tip, at the cost of what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import OpenMirror, Person, git
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.adapters.git import Git, Remote
from updater.adapters.mirror import Mirror
from updater.core.kustomization import entries
from updater.model import Entry, Standing, Version
from updater.protocols import Update

A = "overlays/test/a/kustomization.yaml"
B = "overlays/test/b/kustomization.yaml"
C = "overlays/test/c/Kustomization"
IMAGE = "reg.example/acme/app"
OTHER = "reg.example/acme/other"
COMMITTED = datetime(2026, 11, 20, 10, tzinfo=UTC)  # the time of every commit, see tests/conftest.py


def mentioning(*images: str, tag: str = "1.0") -> str:
    return "images:\n" + "".join(f"- name: {image}\n  newTag: '{tag}'\n" for image in images)


FILES = {
    A: mentioning(IMAGE),
    B: mentioning(IMAGE, OTHER),
    C: mentioning(OTHER),
    "base/deployment.yaml": f"x: {IMAGE}\n",
}


class CountingGit(Git):
    """git as it is, that notes how many blobs are read and which commands are run."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        super().__init__(remote, folder)
        self.blobs = 0
        self.commands: list[str] = []

    def check(self, *arguments: str, stdin: bytes = b"", identity: Mapping[str, str] | None = None) -> bytes:
        if arguments[0] == "cat-file":
            self.blobs += stdin.count(b"\n")
        self.commands.append(arguments[0])
        return super().check(*arguments, stdin=stdin, identity=identity)


@dataclass
class Setting:
    """A remote, a person, our mirror and the catalogue of it."""

    bare: Path
    alice: Person
    ours: Mirror
    git: CountingGit
    file: Path
    stack: ExitStack = field(default_factory=ExitStack)

    def catalog(self) -> Catalog:
        """A catalogue as a new process would open it."""
        return Catalog(self.ours, self.stack.enter_context(closing(Cache(self.file))))

    def refreshed(self, branch: str = "main") -> str:
        """The newest tip of a branch."""
        self.ours.refresh(frozenset({branch}))
        return self.ours.tip(branch) or ""

    def entry(self, path: str = A, tip: str = "", index: int = 0) -> Entry:
        return entries(path, self.ours.tree(tip or self.refreshed()).read(path))[index]


@pytest.fixture
def setting(tmp_path: Path, mirror: OpenMirror) -> Iterator[Setting]:
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    ours = mirror(bare, tmp_path / "state")
    ours.git = counting = CountingGit(ours.git.remote, ours.git.folder)
    made = Setting(bare, Person(bare, tmp_path / "alice"), ours, counting, tmp_path / "cache.sqlite")
    with made.stack:
        yield made


def test_the_files_that_mention_an_image_are_found(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    assert catalog.paths("main", tip, IMAGE) == (A, B)
    assert catalog.paths("main", tip, OTHER) == (B, C)
    assert catalog.paths("main", tip, "docker.io/library/nginx") == ()
    assert catalog.all_paths("main", tip) == (A, B, C)


def test_every_kustomization_is_read_once_and_nothing_else(setting: Setting) -> None:
    tip = setting.refreshed()
    for _ in range(2):
        setting.catalog().paths("main", tip, IMAGE)
        assert setting.git.blobs == 3


def test_a_known_tip_costs_no_git_command(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    catalog.paths("main", tip, IMAGE)
    setting.git.commands.clear()
    catalog.paths("main", tip, OTHER)
    setting.catalog().all_paths("main", tip)
    assert setting.git.commands == []


def test_a_new_tip_costs_the_changed_kustomizations_alone(setting: Setting) -> None:
    catalog = setting.catalog()
    catalog.paths("main", setting.refreshed(), IMAGE)
    setting.git.blobs = 0
    setting.alice.commit({C: mentioning(IMAGE), "base/deployment.yaml": "x: y\n"})
    setting.alice.commit({"new/kustomization.yaml": mentioning(IMAGE)})
    setting.alice.commit({A: None})
    tip = setting.refreshed()
    assert catalog.paths("main", tip, IMAGE) == tuple(sorted([B, C, "new/kustomization.yaml"]))
    assert catalog.paths("main", tip, OTHER) == (B,)
    assert setting.git.blobs == 2


def test_an_older_tip_may_be_asked_about_again(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    setting.alice.commit({A: None})
    new = setting.refreshed()
    answers = [catalog.paths("main", tip, IMAGE) for tip in (old, new, old, new)]
    assert answers == [(A, B), (B,), (A, B), (B,)]


def test_a_commit_of_ours_that_is_not_pushed_may_be_asked_about(setting: Setting) -> None:
    catalog, tip = setting.catalog(), setting.refreshed()
    catalog.paths("main", tip, IMAGE)
    ours = setting.ours.build(tip, {A: mentioning(OTHER).encode()}, "x\n", gitops.NOON)
    setting.ours.objects.flush()
    assert catalog.paths("main", ours, IMAGE) == (B,)


def test_all_paths_may_be_the_first_question(setting: Setting) -> None:
    assert setting.catalog().all_paths("main", setting.refreshed()) == (A, B, C)


def test_an_entry_that_history_does_not_know_has_no_standing(setting: Setting) -> None:
    entry = replace(setting.entry(), path="missing/kustomization.yaml")
    assert setting.catalog().standing("main", setting.refreshed(), entry) is None


def test_when_a_forced_push_made_the_known_tip_vanish_everything_is_read_anew(
    setting: Setting, tmp_path: Path, mirror: OpenMirror
) -> None:
    first = setting.refreshed()
    setting.alice.commit({A: None})
    catalog = setting.catalog()
    assert catalog.paths("main", setting.refreshed(), IMAGE) == (B,)
    setting.alice.force(first)
    setting.refreshed()
    git(setting.ours.git.folder, "gc", "--quiet", "--prune=now")
    fresh = mirror(setting.bare, tmp_path / "fresh")
    assert setting.catalog().paths("main", first, IMAGE) == (A, B)
    with closing(Cache(setting.file)) as cache:
        cache.replace("main", "f" * 40, [("stale", IMAGE)])
        assert Catalog(fresh, cache).paths("main", first, IMAGE) == (A, B)


def test_a_cache_that_was_deleted_or_damaged_is_made_again(setting: Setting) -> None:
    tip = setting.refreshed()
    setting.catalog().paths("main", tip, IMAGE)
    setting.stack.close()
    setting.file.write_bytes(b"damaged" * 1000)
    assert setting.catalog().paths("main", tip, IMAGE) == (A, B)


def test_branches_are_answered_for_side_by_side(setting: Setting) -> None:
    setting.alice.commit({A: None}, branch="env/test")
    catalog, main, test = setting.catalog(), setting.refreshed(), setting.refreshed("env/test")
    for _ in range(2):
        assert catalog.paths("main", main, IMAGE) == (A, B)
        assert catalog.paths("env/test", test, IMAGE) == (B,)


def test_a_rival_process_at_another_tip_changes_no_answer(setting: Setting) -> None:
    old = setting.refreshed()
    setting.alice.commit({A: None})
    new = setting.refreshed()
    one, two = setting.catalog(), setting.catalog()
    for _ in range(3):
        assert one.paths("main", old, IMAGE) == (A, B)
        assert two.paths("main", new, IMAGE) == (B,)


@pytest.mark.parametrize("content", ["images: {", "\tx", "", "images: [{name: *x}]", b"\xff\xfe"])
def test_an_unreadable_file_hides_no_other(setting: Setting, content: str | bytes) -> None:
    setting.alice.commit({B: content})
    assert setting.catalog().paths("main", setting.refreshed(), IMAGE) == (A,)


def test_names_that_are_no_text_stop_nothing(setting: Setting) -> None:
    git(setting.alice.folder, "config", "core.quotePath", "false")
    odd = f"100644 blob {git(setting.bare, 'rev-parse', f'main:{A}')}\tcaf".encode() + b"\xe9/kustomization.yaml"
    git(setting.alice.folder, "update-index", "--add", "--index-info", stdin=odd)
    git(setting.alice.folder, "commit", "--quiet", "--message=Odd")
    git(setting.alice.folder, "push", "--quiet", "origin", "HEAD:main")
    assert setting.catalog().paths("main", setting.refreshed(), IMAGE) == (A, B)


TRAILERS = """Deploy a 2.0 to test

Updater-Environment: test
Updater-Service: a
Updater-Image: reg.example/acme/app:2.0
Updater-Previous: reg.example/acme/app:1.0
Updater-Event: generic/1 2026-11-19T09:08:07.5Z
"""


def test_our_trailers_say_when_the_version_was_pushed(setting: Setting) -> None:
    new = setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}, TRAILERS)
    setting.alice.commit({B: mentioning(IMAGE)}, "Elsewhere")
    tip = setting.refreshed()
    pushed = datetime(2026, 11, 19, 9, 8, 7, 500_000, UTC)
    assert setting.catalog().standing("main", tip, setting.entry()) == Standing(new, pushed, COMMITTED)


def test_without_trailers_the_authors_time_counts(setting: Setting) -> None:
    new = setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}, "By hand")
    setting.alice.commit({A: "# comment\n" + mentioning(IMAGE, tag="2.0")}, "Comment")
    tip = setting.refreshed()
    assert setting.catalog().standing("main", tip, setting.entry()) == Standing(new, COMMITTED, COMMITTED)


def test_a_version_from_the_beginning_stands_since_the_first_commit(setting: Setting) -> None:
    tip = setting.refreshed()
    found = setting.catalog().standing("main", tip, setting.entry(B, tip, 1))
    assert found is not None
    assert found.commit == tip


def test_a_merge_is_what_brought_a_version_from_a_side_branch(setting: Setting) -> None:
    setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}, TRAILERS, branch="side")
    merge = setting.alice.merge("side")
    found = setting.catalog().standing("main", setting.refreshed(), setting.entry())
    assert found is not None
    assert found.commit == merge


def test_a_revert_is_what_brought_the_old_version_back(setting: Setting) -> None:
    revert = setting.alice.revert(setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}, TRAILERS))
    found = setting.catalog().standing("main", setting.refreshed(), setting.entry())
    assert found == Standing(revert, COMMITTED, COMMITTED)


def test_a_standing_is_remembered_until_its_file_changes(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    first = catalog.standing("main", tip, setting.entry(tip=tip))
    setting.alice.commit({B: mentioning(OTHER)}, "Elsewhere")
    tip = setting.refreshed()
    entry = setting.entry(tip=tip)
    catalog.paths("main", tip, IMAGE)
    setting.git.commands.clear()
    assert catalog.standing("main", tip, entry) == first is not None
    assert setting.catalog().standing("main", tip, entry) == first
    assert "log" not in setting.git.commands
    assert first.commit == gitops.git(setting.bare, "rev-list", "--max-parents=0", "main")


def test_a_version_that_went_and_came_back_unseen_stands_since_it_came_back(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    catalog.standing("main", tip, setting.entry(tip=tip))
    setting.alice.commit({A: mentioning(IMAGE, tag="2.0")})
    back = setting.alice.commit({A: mentioning(IMAGE)})
    tip = setting.refreshed()
    found = catalog.standing("main", tip, setting.entry(tip=tip))
    assert found == Standing(back, COMMITTED, COMMITTED)


def test_a_standing_that_a_forced_push_erased_is_forgotten_although_the_files_are_the_same(setting: Setting) -> None:
    first, catalog = setting.refreshed(), setting.catalog()
    setting.alice.revert(setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}))
    tip = setting.refreshed()
    assert catalog.standing("main", tip, setting.entry(tip=tip)) == Standing(tip, COMMITTED, COMMITTED)
    setting.alice.force(first)
    tip = setting.refreshed()
    assert catalog.standing("main", tip, setting.entry(tip=tip)) == Standing(first, COMMITTED, COMMITTED)


def test_a_merge_that_puts_the_branch_behind_another_history_is_read_anew(setting: Setting) -> None:
    catalog = setting.catalog()
    side = setting.alice.commit({C: mentioning(IMAGE)}, "Side", branch="side")
    setting.alice.commit({A: mentioning(IMAGE, tag="2.0")}, "Bump")
    tip = setting.refreshed()
    catalog.standing("main", tip, setting.entry(tip=tip))
    merge = setting.alice.merge("main", branch="side")
    setting.alice.force(merge)
    tip = setting.refreshed()
    assert catalog.standing("main", tip, setting.entry(tip=tip)) == Standing(merge, COMMITTED, COMMITTED)
    assert side != merge


def test_the_newest_commit_alone_is_looked_at_where_it_says_enough(setting: Setting) -> None:
    for number in range(5):
        setting.alice.commit({A: mentioning(IMAGE, tag=f"2.{number}")})
    tip, catalog = setting.refreshed(), setting.catalog()
    entry = setting.entry(tip=tip)
    setting.git.commands.clear()
    catalog.standing("main", tip, entry)
    assert setting.git.commands.count("log") == 1


def test_our_own_push_is_noted_without_asking_git(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    catalog.paths("main", old, IMAGE)
    content = mentioning(IMAGE, tag="2.0").encode()
    new = setting.ours.build(old, {A: content}, "Deploy\n", COMMITTED)
    setting.ours.push([Update("main", old, new)])
    (entry,) = entries(A, content)
    how = Standing(new, COMMITTED, COMMITTED)
    setting.git.commands.clear()
    catalog.landed(Update("main", old, new), {A: content}, [(entry, how)])
    assert catalog.standing("main", new, entry) == how
    assert catalog.paths("main", new, IMAGE) == (A, B)
    assert setting.git.commands == []


def test_our_own_push_is_not_noted_over_what_another_process_has_learned_since(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    catalog.paths("main", old, IMAGE)
    entry = setting.entry()
    setting.alice.commit({B: mentioning("reg.example/acme/else")})
    tip = setting.refreshed()
    catalog.paths("main", tip, IMAGE)
    wrong = Standing("c0ffee", COMMITTED, COMMITTED)
    catalog.landed(Update("main", old, "c0ffee"), {A: b""}, [(entry, wrong)])
    assert catalog.paths("main", tip, IMAGE) == (A,)
    assert catalog.standing("main", tip, entry) != wrong


def test_a_version_that_stood_before_is_found_in_history(setting: Setting) -> None:
    first = setting.refreshed()
    setting.alice.commit({A: mentioning(IMAGE, tag="2.0")})
    tip = setting.refreshed()
    past = setting.catalog().stood(tip, setting.entry(), Version("1.0"))
    assert past == Standing(first, COMMITTED, COMMITTED)
    assert setting.catalog().stood(tip, setting.entry(), Version("3.0")) is None
