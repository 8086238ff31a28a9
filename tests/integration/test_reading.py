"""Reading much of a repository at once, with names as they are met."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import Person, git
from updater.adapters import reading
from updater.adapters.git import Git, Remote
from updater.errors import GitError

PATH = "overlays/ü/[x] *?/kustomization.yaml"
FILES = {PATH: "0\n", "base/Kustomization": "base\n", "base/other.yaml": "x\n", "kustomization.yaml": "top\n"}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "gitops.git", FILES)


@pytest.fixture
def alice(bare: Path, tmp_path: Path) -> Person:
    return Person(bare, tmp_path / "alice")


def reader(bare: Path) -> Git:
    return Git(Remote(str(bare)), bare)


def test_links_and_names_that_are_no_text_are_no_files(bare: Path, alice: Person) -> None:
    (alice.folder / "linked").mkdir()
    (alice.folder / "linked/kustomization.yaml").symlink_to("../kustomization.yaml")
    odd = Path(alice.folder, os.fsdecode(b"caf\xe9"))
    odd.mkdir()
    (odd / "kustomization.yaml").write_text("x\n")
    old, new = git(bare, "rev-parse", "main"), alice.commit({})
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
    monkeypatch.setattr(reading, "BLOBS_AT_ONCE", 2)
    contents = [b"", b"\n", b"0 blob 3\nx", b"\0\xff\r\n" * 1000, b"last"]
    blobs = [git(bare, "hash-object", "-w", "--stdin", stdin=content) for content in contents]
    wanted = [*blobs, blobs[0], *reversed(blobs)]
    assert list(reading.contents(reader(bare), wanted)) == [*contents, contents[0], *reversed(contents)]
    assert list(reading.contents(reader(bare), [])) == []


def test_a_missing_object_is_an_error(bare: Path) -> None:
    with pytest.raises(GitError, match=f"lacks an object: {'f' * 40} missing"):
        list(reading.contents(reader(bare), ["f" * 40]))
