"""Reading much of a repository at once, with histories and names as they are met."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import Person, git
from updater.adapters import reading
from updater.adapters.git import Git, Remote
from updater.errors import GitError

NAMES = frozenset({"kustomization.yaml", "Kustomization"})
PATH = "overlays/ü/[x] *?/kustomization.yaml"
FILES = {PATH: "0\n", "base/Kustomization": "base\n", "base/other.yaml": "x\n", "kustomization.yaml": "top\n"}
START = datetime(2026, 11, 20, 10, tzinfo=UTC)  # the time of every commit, see tests/conftest.py


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "gitops.git", FILES)


@pytest.fixture
def alice(bare: Path, tmp_path: Path) -> Person:
    return Person(bare, tmp_path / "alice")


def reader(bare: Path) -> Git:
    return Git(Remote(str(bare)), bare)


def subjects(bare: Path, tip: str = "main", path: str = PATH) -> list[str]:
    return [commit.message.splitlines()[0] for commit in reading.log(reader(bare), tip, path)]


@pytest.mark.slow
def test_the_log_of_a_file_has_all_its_commits_newest_first(bare: Path, alice: Person) -> None:
    shas = []
    for number in range(1, 25):
        shas.append(alice.commit({PATH: f"{number}\n"}, f"Change {number}\n\nbody of ü\n\nTrailer: {number}"))
        alice.commit({"base/other.yaml": f"{number}\n"}, "Elsewhere")
    found = list(reading.log(reader(bare), "main", PATH))
    assert [commit.sha for commit in found][:-1] == shas[::-1]
    assert found[0] == reading.LoggedCommit(shas[-1], START, "Change 24\n\nbody of ü\n\nTrailer: 24\n")
    assert found[-1].message == "Start\n"


def test_the_path_is_no_pattern(bare: Path, alice: Person) -> None:
    alice.commit({"overlays/ü/x abc/kustomization.yaml": "1\n"}, "Look-alike")
    assert subjects(bare) == ["Start"]
    assert subjects(bare, path=":/") == []
    assert subjects(bare, path="missing") == []


def test_a_merge_counts_as_the_commit_that_brought_the_change(bare: Path, alice: Person) -> None:
    alice.commit({PATH: "1\n"}, "On the side", branch="side")
    alice.commit({PATH: "2\n"}, "Again on the side", branch="side")
    alice.commit({"base/other.yaml": "y\n"}, "Meanwhile")
    merge = alice.merge("side")
    found = list(reading.log(reader(bare), "main", PATH))
    assert [commit.sha for commit in found][:1] == [merge]
    assert [commit.message for commit in found][1:] == ["Start\n"]


def test_a_revert_is_a_change_like_any_other(bare: Path, alice: Person) -> None:
    alice.revert(alice.commit({PATH: "1\n"}, "Bump"))
    assert subjects(bare) == ['Revert "Bump"', "Bump", "Start"]


def test_the_time_is_the_authors_in_utc(bare: Path, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-11-21T01:00:00+03:00")
    alice.commit({PATH: "1\n"})
    newest = next(reading.log(reader(bare), "main", PATH))
    assert newest.time == datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert newest.time.utcoffset() == START.utcoffset()


def test_a_commit_with_a_broken_date_stops_nothing(bare: Path, alice: Person) -> None:
    tree, parent = git(bare, "rev-parse", f"{alice.commit({PATH: '1'})}^{{tree}}"), git(bare, "rev-parse", "main~")
    raw = f"tree {tree}\nparent {parent}\nauthor a <a@b> never\ncommitter a <a@b> never\n\nBroken\n"
    broken = git(bare, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
    assert subjects(bare, broken) == ["Broken", "Start"]


def test_files_are_found_by_name_in_every_folder(bare: Path) -> None:
    found = dict(reading.files(reader(bare), "main", NAMES))
    assert sorted(found) == ["base/Kustomization", "kustomization.yaml", PATH]
    assert found[PATH] == git(bare, "rev-parse", f"main:{PATH}")


def test_links_submodules_and_names_that_are_no_text_are_left_out(bare: Path, alice: Person) -> None:
    (alice.folder / "linked").mkdir()
    (alice.folder / "linked/kustomization.yaml").symlink_to("../kustomization.yaml")
    odd = Path(alice.folder, os.fsdecode(b"caf\xe9"))
    odd.mkdir()
    (odd / "kustomization.yaml").write_text("x\n")
    old, new = git(bare, "rev-parse", "main"), alice.commit({})
    assert len(reading.files(reader(bare), "main", NAMES)) == 3
    assert reading.changes(reader(bare), old, new) == [("linked/kustomization.yaml", None)]


def test_changes_are_what_differs_whatever_lies_between(bare: Path, alice: Person) -> None:
    old = gitops.tip(bare)
    alice.commit({PATH: "1\n", "base/other.yaml": "y\n"})
    alice.commit({"base/other.yaml": "x\n", "new/kustomization.yaml": "n\n"})
    new = alice.commit({"base/Kustomization": None})
    found = dict(reading.changes(reader(bare), old, new))
    assert found == {
        PATH: git(bare, "rev-parse", f"main:{PATH}"),
        "new/kustomization.yaml": git(bare, "rev-parse", "main:new/kustomization.yaml"),
        "base/Kustomization": None,
    }
    assert dict(reading.changes(reader(bare), new, new)) == {}


def test_a_moved_file_is_gone_here_and_new_there(bare: Path, alice: Person) -> None:
    old = gitops.tip(bare)
    blob = git(bare, "rev-parse", f"main:{PATH}")
    new = alice.commit({PATH: None, "elsewhere/kustomization.yaml": "0\n"})
    assert dict(reading.changes(reader(bare), old, new)) == {PATH: None, "elsewhere/kustomization.yaml": blob}


def test_contents_come_in_the_order_they_were_asked_for(
    bare: Path, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_BLOBS_AT_ONCE", 2)
    contents = [b"", b"\n", b"0 blob 3\nx", b"\0\xff\r\n" * 1000, b"last"]
    blobs = [git(bare, "hash-object", "-w", "--stdin", stdin=content) for content in contents]
    wanted = [*blobs, blobs[0], *reversed(blobs)]
    assert list(reading.contents(reader(bare), wanted)) == [*contents, contents[0], *reversed(contents)]
    assert list(reading.contents(reader(bare), [])) == []


def test_a_missing_object_is_an_error(bare: Path) -> None:
    with pytest.raises(GitError, match=f"lacks an object: {'f' * 40} missing"):
        list(reading.contents(reader(bare), ["f" * 40]))


def test_touched_is_what_was_changed_on_the_way_even_if_it_was_changed_back(bare: Path, alice: Person) -> None:
    old = gitops.tip(bare)
    alice.revert(alice.commit({PATH: "1\n"}))
    alice.commit({"base/other.yaml": "side\n"}, branch="side")
    alice.commit({"new": "1\n"})
    new = alice.merge("side")
    assert reading.changes(reader(bare), old, git(bare, "rev-parse", "main~2")) == []
    assert reading.touched(reader(bare), old, new) == frozenset({PATH, "base/other.yaml", "new"})


def test_touched_is_unknown_where_the_old_commit_is_not_in_first_parent_history(bare: Path, alice: Person) -> None:
    first = gitops.tip(bare)
    side = alice.commit({"a": "1"}, branch="side")
    main = alice.commit({"b": "1"})
    merge = alice.merge("side")
    for old, new in ((main, first), (side, main), (side, merge)):
        assert reading.touched(reader(bare), old, new) is None
    assert reading.touched(reader(bare), main, merge) == frozenset({"a"})
