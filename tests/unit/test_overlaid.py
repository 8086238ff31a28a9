"""A tree with edits over it: what the contract of all trees does not say."""

from __future__ import annotations

from tests.helpers.trees import MemoryTree
from updater.core.overlaid import Overlaid


def test_names_are_those_of_the_tree_below() -> None:
    tree = Overlaid(MemoryTree({"a/x": "1", "a/y": "2"}), {"a/x": b"3"})
    assert list(tree.names("a")) == ["x", "y"]


def test_what_is_written_after_it_was_made_is_seen() -> None:
    written: dict[str, bytes] = {}
    tree = Overlaid(MemoryTree({"a": "1"}), written)
    before = tree.node("a")
    written["a"] = b"2"
    assert tree.read("a") == b"2"
    assert tree.node("a") != before


def test_a_folder_is_another_one_when_a_file_in_it_is_replaced_and_the_same_otherwise() -> None:
    below = MemoryTree({"a/b/x": "1", "ab/x": "1"})
    one, two = (Overlaid(below, {"a/b/x": content}) for content in (b"2", b"3"))
    for folder in ("", "a", "a/b"):
        assert len({tree.node(folder) for tree in (below, one, two)}) == 3
        assert one.node(folder) == Overlaid(below, {"a/b/x": b"2"}).node(folder)
    assert one.node("ab") == below.node("ab")
