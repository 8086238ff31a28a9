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
