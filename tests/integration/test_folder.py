"""A folder on disk as a tree: what only a folder can have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from updater.adapters.folder import FolderTree


def test_what_is_not_committed_is_seen_as_it_is_now(tmp_path: Path) -> None:
    tree = FolderTree(tmp_path)
    assert tree.node("x") is None
    (tmp_path / "x").write_text("1")
    assert tree.read("x") == b"1"
    (tmp_path / "x").write_text("2")
    assert tree.read("x") == b"2"


def test_gits_own_folder_is_left_out_wherever_it_is(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "vendor"):
        (folder / ".git").mkdir(parents=True)
        (folder / ".git" / "config").write_text("token")
    tree = FolderTree(tmp_path)
    assert list(tree.names("")) == ["vendor"]
    assert list(tree.names("vendor")) == []
    assert tree.node("vendor/.git/config") is None


def test_what_is_neither_file_nor_folder_nor_link_is_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert FolderTree(tmp_path).node("pipe") is None
    with pytest.raises(KeyError):
        FolderTree(tmp_path).read("pipe")


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    tree = FolderTree(tmp_path / "missing")
    assert tree.node("") is None
    assert list(tree.names("")) == []
