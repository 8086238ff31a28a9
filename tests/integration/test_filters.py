"""Changed-path filters: written for those who need them, beside the work, and of no consequence but speed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import catalogs, gitops
from tests.helpers.catalogs import SEMVER, A, B, C, Setting, knowledge, mentioning
from tests.helpers.gitops import OpenMirror, git
from tests.helpers.histories import Made, made
from tests.helpers.patience import eventually, gate
from updater.adapters import filters, log
from updater.model import Version

CHAIN = "objects/info/commit-graphs/commit-graph-chain"
BLOOM = b"BIDX"
"""Names the part of a commit graph that tells of changed paths (gitformat-commit-graph(5))."""


@pytest.fixture
def setting(tmp_path: Path, mirror: OpenMirror) -> Iterator[Setting]:
    bare = catalogs.remote(tmp_path)
    git(bare, "gc", "--quiet")
    with catalogs.setting(tmp_path, mirror(bare, tmp_path / "state"), bare) as made_:
        shutil.rmtree(made_.git.folder / "objects/info/commit-graphs", ignore_errors=True)
        (made_.git.folder / "objects/info/commit-graph").unlink(missing_ok=True)
        yield made_


def has_filters(folder: Path) -> bool:
    """Whether git has written all of a chain of graphs, and those with filters."""
    if not (folder / CHAIN).exists():
        return False
    return all(BLOOM in graph.read_bytes() for graph in (folder / CHAIN).parent.glob("*.graph"))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything with a pack is large."""
    monkeypatch.setattr(filters, "_MANY_BYTES", 0)


def scanned(setting: Setting) -> int:
    """How often filters were asked for once the repository was scanned by a new catalogue."""
    setting.catalog().all_paths("main", setting.refreshed())
    return setting.git.names().count("commit-graph")


def test_a_large_repository_without_filters_gets_them_after_the_first_scan(setting: Setting, large: None) -> None:
    assert scanned(setting) == 1
    assert setting.git.names()[-1] == "commit-graph"
    assert eventually(lambda: has_filters(setting.git.folder))
    git(setting.git.folder, "commit-graph", "verify")


def test_a_large_repository_gets_them_once(setting: Setting, large: None) -> None:
    assert scanned(setting) == 1
    assert eventually(lambda: has_filters(setting.git.folder))
    setting.past(setting.catalog())
    assert scanned(setting) == 1


def test_a_repository_with_a_graph_in_one_piece_is_left_as_it_is(setting: Setting, large: None) -> None:
    git(setting.git.folder, "commit-graph", "write", "--reachable", "--changed-paths")
    assert scanned(setting) == 0


def test_a_small_repository_needs_none(setting: Setting) -> None:
    setting.past(setting.catalog())
    assert "commit-graph" not in setting.git.names()


def test_nobody_waits_for_filters(
    setting: Setting, large: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that does not begin before it is told to is a git that takes very long."""
    real, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()
    waits = f'test "$1" = commit-graph && read line <{tmp_path}/gate'
    (folder / "git").write_text(f'#!/bin/sh\n{waits}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    with gate(tmp_path / "gate") as release:
        assert setting.held(setting.catalog()) == []
        assert not (setting.git.folder / CHAIN).exists()
        release()
        assert eventually(lambda: has_filters(setting.git.folder))


def test_many_new_commits_get_filters_as_well(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "MANY_COMMITS", 3)
    catalog = setting.catalog()
    for count, expected in ((3, 0), (4, 1)):
        setting.refreshed()
        setting.past(catalog)
        made(setting.bare, *(Made({A: mentioning(catalogs.IMAGE, tag=f"{count}.{at}.0")}) for at in range(count)))
        setting.refreshed()
        setting.past(catalog)
        assert setting.git.names().count("commit-graph") == expected
    assert eventually(lambda: has_filters(setting.git.folder))


def test_filters_change_no_answer(setting: Setting) -> None:
    for number in range(40):
        path = (A, B, C, "base/deployment.yaml")[number % 4]
        made(setting.bare, Made({path: mentioning(catalogs.IMAGE, catalogs.OTHER, tag=f"1.{number % 7}.0")}))
    bump = gitops.tip(setting.bare)
    setting.alice.foxtrot({"local": "1"}, setting.alice.revert(setting.alice.commit({A: mentioning(catalogs.IMAGE)})))
    tip, asked = setting.refreshed(), (Version("1.2.0"), Version("1.6.0"))
    entries = setting.entries(tip, A, B, C)

    def answers() -> list[object]:
        logs = [log.log(setting.git, revisions, A) for revisions in (tip, f"{bump}..{tip}")]
        return [*logs, knowledge(setting.fresh(), "main", tip, entries, asked)]

    without = answers()
    filters.write(setting.git)
    assert eventually(lambda: has_filters(setting.git.folder))
    assert answers() == without
    assert setting.past(setting.fresh(), SEMVER).holds
