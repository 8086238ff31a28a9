"""What is known of histories: the same, however it came to be known, and as a fresh disk would find it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers import catalogs, gitops
from tests.helpers.catalogs import IMAGE, OTHER, A, B, C, Setting, knowledge
from tests.helpers.events import digest
from tests.helpers.gitops import OpenMirror, git
from tests.helpers.histories import TEN, Made, made, with_people
from updater.adapters import catalog as catalog_module
from updater.adapters import log as log_module
from updater.adapters.catalog import Catalog
from updater.core.messages import Line, commit_message
from updater.model import Event, Origin, Version
from updater.protocols import Update

MOVED = "overlays/test/a-renamed/kustomization.yaml"
SHORT = "overlays/test/b/kustomization.yml"
PATHS = (A, B, C, MOVED, SHORT)
TAGS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "latest")
DIGESTS = (None, None, digest("a"), digest("b"))
ASKED = tuple(Version(tag, digest_) for tag in TAGS for digest_ in dict.fromkeys(DIGESTS))
LOCAL = "Merge branch 'main' of https://git.example/acme/gitops"


@pytest.fixture
def setting(tmp_path: Path, mirror: OpenMirror) -> Iterator[Setting]:
    bare = catalogs.remote(tmp_path)
    with catalogs.setting(tmp_path, mirror(bare, tmp_path / "state"), bare) as made_:
        yield made_


class Script:
    """People, tools and ourselves at work on one branch, as chance has it."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.chance = random.Random(seed)
        self.warm, self.lazy = setting.catalog("warm"), setting.catalog("lazy")
        self.done: list[str] = []

    @property
    def bare(self) -> Path:
        return self.setting.bare

    def step(self) -> None:
        """Something happens, and those who look at everything look."""
        act = self.chance.choice(ACTS)
        self.done.append(act.__name__)
        act(self)
        self.agree(self.warm)
        if self.chance.random() < 0.3:
            self.agree(self.lazy)

    def agree(self, catalog: Catalog, tip: str = "") -> None:
        """A catalogue has to know what one knows that begins now."""
        tip = tip or self.setting.refreshed()
        found = self.setting.entries(tip, *PATHS)
        known = knowledge(catalog, "main", tip, found, ASKED)
        assert known == knowledge(self.setting.fresh(), "main", tip, found, ASKED), self.done

    def ancestor(self) -> str:
        """A commit that the branch stands on, along any parents."""
        return self.chance.choice(git(self.bare, "rev-list", "--max-count=12", "main").splitlines())

    def path(self) -> str:
        return self.chance.choice(PATHS)

    def content(self) -> bytes:
        tag, pinned = self.chance.choice(TAGS), self.chance.choice(DIGESTS)
        text = f"images:\n- name: {IMAGE}\n  newTag: '{tag}'\n" + (f"  digest: {pinned}\n" if pinned else "")
        if self.chance.random() < 0.3:
            text += f"- name: {self.chance.choice((IMAGE, OTHER))}\n  newTag: {self.chance.choice(TAGS)}\n"
        if self.chance.random() < 0.2:
            text = f"# {self.chance.random()}\n{text}"
        if self.chance.random() < 0.2:
            text = text.replace("\n", "\r\n")
        return text.encode()

    def message(self, content: bytes) -> str:
        """Somebody's words, or ours with a push some time before or after the commit."""
        tag = self.chance.choice(TAGS)
        version = Version(tag, next((each for each in DIGESTS if each and each.encode() in content), None))
        pushed = datetime.fromtimestamp(TEN + self.chance.randrange(-9000, 9000), UTC)
        origin = self.chance.choice((None, Origin("https://git.example/acme/x", "3fa9c1e", tag, pushed)))
        arrived = pushed + timedelta(days=1)
        event = Event("generic", f"id-{len(self.done)}", IMAGE, version, arrived, pushed, origin=origin)
        ours = commit_message("test", "a", [Line(IMAGE, Version("0"), version, event, event.origin)])
        return self.chance.choice(("By hand\n", ours, f"{LOCAL}\n"))

    def change(self, *, count: int = 1) -> list[Made]:
        """So many commits upon each other."""
        contents = [self.content() for _ in range(count)]
        times = [TEN + self.chance.randrange(-5000, 5000) for _ in range(count)]
        return [
            Made({self.path(): content}, self.message(content), authored=time, committed=time + 7)
            for content, time in zip(contents, times, strict=True)
        ]

    def side(self) -> str:
        """A branch from somewhere, and its newest commit."""
        first, *more = self.change(count=self.chance.randrange(1, 3))
        first = Made(first.files, first.message, parents=[self.ancestor()])
        return made(self.bare, first, *more, branch="side")


def bump(script: Script) -> None:
    made(script.bare, *script.change(count=script.chance.choice((1, 1, 2, 5))))


def rebase(script: Script) -> None:
    made(script.bare, *script.change(count=3))


def squash(script: Script) -> None:
    side = script.side()
    made(script.bare, Made(message="Squashed", tree=side))


def revert(script: Script) -> None:
    made(script.bare, Made(message="Revert", tree=script.ancestor()))


def revert_of_a_merge(script: Script) -> None:
    before, side = gitops.tip(script.bare), script.side()
    merged = Made(message="Merge branch 'side'", parents=[before, side], tree=side)
    made(script.bare, merged, Made(message="Revert the merge", tree=before))


def merge(script: Script) -> None:
    before, side = gitops.tip(script.bare), script.side()
    tree = script.chance.choice((before, side))
    files = script.change()[0].files if script.chance.random() < 0.5 else {}
    made(script.bare, Made(files, "Merge branch 'side'", parents=[before, side], tree=tree))


def foxtrot(script: Script) -> None:
    before, side = gitops.tip(script.bare), script.side()
    tree = script.chance.choice((before, side))
    words = script.chance.choice(
        (LOCAL, "Merge remote-tracking branch 'origin/main'", "Merge branch 'main' into topic")
    )
    made(script.bare, Made(script.change()[0].files, words, parents=[side, before], tree=tree))


def fork(script: Script) -> None:
    before, side = gitops.tip(script.bare), script.side()
    made(script.bare, Made(message="Merge branch 'main' into 'main'", parents=[before, side], tree=side))


def octopus(script: Script) -> None:
    before, sides = gitops.tip(script.bare), [script.side(), script.side()]
    made(script.bare, Made(message=LOCAL, parents=[before, *sides], tree=sides[0]))


def nothing(script: Script) -> None:
    made(script.bare, Made(message=script.chance.choice((LOCAL, "Empty"))))


def break_and_mend(script: Script) -> None:
    path, before = script.path(), gitops.tip(script.bare)
    made(script.bare, Made({path: script.chance.choice((b"images: {", b"\xff\xfe", b"", b"images: 1"))}, "Broken"))
    if script.chance.random() < 0.6:
        made(script.bare, Made(tree=before))


def delete(script: Script) -> None:
    path, before = script.path(), gitops.tip(script.bare)
    made(script.bare, Made({path: None}, "Deleted"))
    if script.chance.random() < 0.6:
        made(script.bare, Made(tree=before))


def move(script: Script) -> None:
    old, new = script.chance.choice(((A, MOVED), (MOVED, A), (B, SHORT), (SHORT, B)))
    content = _content(script, old)
    if content is not None:
        made(script.bare, Made({old: None, new: content}, "Renamed"))


def other_kind(script: Script) -> None:
    path = script.path()
    content = _content(script, path) or b"x"
    inside = {f"{path}/kustomization.yaml": script.content()}
    executable, link = {path: ("100755", content)}, {path: ("120000", b"../b/kustomization.yaml")}
    made(script.bare, Made(script.chance.choice((executable, link, inside)), "Another kind"))
    if script.chance.random() < 0.6:
        made(script.bare, Made({path: None}), Made({path: content}, "A file again"))


def lie(script: Script) -> None:
    made(script.bare, *script.change())
    date = script.chance.choice((b"0 +0000", b"253402300801 +0000", b"-7 +0000"))
    with_people(script.bare, b"\x1b\xff <a@b> " + date, b"b <a@b> " + script.chance.choice((date, b"5 +0000")))


def ours(script: Script) -> None:
    old = script.setting.refreshed()
    catalog = script.chance.choice((script.warm, script.lazy))
    commits, new = [], old
    for _ in range(script.chance.randrange(1, 4)):
        standing = [path for path in PATHS if _content(script, path) is not None]
        if not standing:
            return
        content = script.content()
        files = {script.chance.choice(standing): content}
        time = datetime.fromtimestamp(TEN + script.chance.randrange(-5000, 5000), UTC)
        new = script.setting.ours.build(new, files, script.message(content), time)
        commits.append((new, files))
    update = Update("main", old, new)
    assert script.setting.ours.push([update]) == {"main": "landed"}
    catalog.landed(update, commits)


def force(script: Script) -> None:
    first, *more = script.change(count=2)
    ancestor = script.ancestor()
    if script.chance.random() < 0.5:
        git(script.bare, "update-ref", "refs/heads/main", ancestor)
    else:
        made(script.bare, Made(first.files, first.message, parents=[ancestor]), *more)


def look_back(script: Script) -> None:
    """Another process on the same disk has not heard of the newest commits."""
    script.agree(script.setting.catalog("warm"), script.ancestor())


def _content(script: Script, path: str) -> bytes | None:
    tree = script.setting.ours.tree(script.setting.refreshed())
    node = tree.node(path)
    return tree.read(path) if node is not None and node.kind == "file" else None


ACTS: tuple[Callable[[Script], None], ...] = (
    *(bump, bump, bump, revert, revert, revert_of_a_merge, merge, foxtrot, foxtrot, squash, rebase, fork, octopus),
    *(nothing, break_and_mend, delete, move, other_kind, lie, ours, ours, force, look_back, look_back),
)


def test_what_is_carried_on_is_what_a_fresh_disk_finds(setting: Setting) -> None:
    script = Script(setting, 0)
    for _ in range(6):
        script.step()
    script.agree(script.lazy)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(1, 5))
def test_what_is_carried_on_through_any_history_is_what_a_fresh_disk_finds(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(catalog_module, "_MANY", seed % 4 * 2)
    monkeypatch.setattr(log_module, "_PAGE", 2 + seed % 3)
    script = Script(setting, seed)
    for _ in range(15):
        script.step()
    script.agree(script.lazy)
