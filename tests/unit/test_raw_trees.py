"""Tree objects by their bytes: what is found is what stands there, whatever names and ids look like."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from updater.adapters import raw_trees

PIECES = st.sampled_from([b"a", b"b", b" ", b"100644 a", b"40000 ", b"\n", b"\xff", b" a", b"x" * 30])
NAMES = st.lists(PIECES, min_size=1, max_size=4).map(b"".join)
FRAGMENTS = st.sampled_from([b" a\0", b"100644 a\0", b"0644 a\0", b"40000 b\0", b"7", b"\0", b" ", b"1", b"a"])
IDS = st.lists(FRAGMENTS, min_size=20, max_size=20).map(lambda pieces: b"".join(pieces)[:20])
MODES = st.sampled_from([b"40000", b"100644", b"100755", b"120000", b"160000"])
ENTRIES = st.lists(st.tuples(MODES, NAMES, IDS), max_size=8)
ID = hashlib.sha1(b"").digest()


def raw(entries: list[tuple[bytes, bytes, bytes]]) -> bytes:
    """Entries as git stores them, here in any order and with any repetition."""
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


@given(ENTRIES, NAMES)
@example([(b"100644", b"b", b"x" * 13 + b"40000 a"), (b"40000", b"a", ID)], b"a")
@example([(b"100644", b"b", b"x" * 10 + b"100644 a\0x"), (b"40000", b"a", ID)], b"a")
@example([(b"100644", b"100644 a", ID), (b"40000", b"a", ID)], b"a")
@example([(b"100644", b"b", b"x" * 19 + b" ")], b"100644 a")
def test_an_entry_is_found_exactly_where_it_stands(entries: list[tuple[bytes, bytes, bytes]], name: bytes) -> None:
    tree = raw(entries)
    for wanted in {name, *(each for _, each, _ in entries)}:
        expected = next(((int(mode, 8), oid.hex()) for mode, each, oid in entries if each == wanted), None)
        found = raw_trees.find(tree, wanted)
        assert (found and (found[0], raw_trees.entry_id(tree, found[1]))) == expected


@given(ENTRIES)
def test_all_names_are_told_in_the_order_of_the_tree(entries: list[tuple[bytes, bytes, bytes]]) -> None:
    assert raw_trees.is_whole(raw(entries))
    assert raw_trees.names(raw(entries)) == [name for _, name, _ in entries]


@given(ENTRIES, st.data())
def test_other_ids_change_nothing_else(entries: list[tuple[bytes, bytes, bytes]], data: st.DataObject) -> None:
    numbers = data.draw(st.sets(st.sampled_from(range(len(entries))))) if entries else set()
    tree = raw(entries)
    places = {number: len(raw(entries[:number])) + len(b"%b %b\0" % entries[number][:2]) for number in numbers}
    changed = [(mode, name, ID if number in numbers else oid) for number, (mode, name, oid) in enumerate(entries)]
    assert raw_trees.spliced(tree, dict.fromkeys(places.values(), ID)) == raw(changed)


@pytest.mark.parametrize(
    "tree",
    [
        b"100644 a\0" + ID[:19],
        b"100644 a\0" + ID + b"1",
        b"100644 a" + ID.replace(b"\0", b"x"),
        b"100644 \0" + ID,
        b"100648 a\0" + ID,
        b"1006440 a\0" + ID,
        b" a\0" + ID,
        b"x",
    ],
)
def test_what_is_no_tree_is_told(tree: bytes) -> None:
    assert not raw_trees.is_whole(tree)
    assert not raw_trees.is_whole(b"100644 a\0" + ID + tree)


def test_a_name_that_ids_are_full_of_is_looked_up_in_one_walk() -> None:
    # Walked anew for each of them, this would be the square of a large number.
    count = 30_000
    tree = raw([(b"100644", b"b%d" % number, b"40000 a\0" * 2 + b"1234") for number in range(count)])
    assert raw_trees.find(tree, b"a") is None
    assert raw_trees.find(tree + raw([(b"40000", b"a", ID)]), b"a") == (0o40000, len(tree) + len(b"40000 a\0"))


def test_a_tree_of_files_is_sorted_as_git_has_it() -> None:
    tree = raw_trees.of_files({"ü": ID.hex(), "b": ID.hex(), "a.b": ID.hex(), "a-b": ID.hex(), "B": ID.hex()})
    assert raw_trees.names(tree) == [b"B", b"a-b", b"a.b", b"b", "ü".encode()]
    assert raw_trees.find(tree, b"a-b") == (0o100644, tree.index(b"a-b") + 4)


@pytest.mark.parametrize("name", ["", ".", "..", ".git", ".GIT", "a/b", "a\0b"])
def test_a_tree_of_files_has_no_names_that_git_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a file"):
        raw_trees.of_files({name: ID.hex()})


@given(ENTRIES)
def test_a_tree_that_is_taken_apart_tells_of_each_name_what_is_found_of_it(
    entries: list[tuple[bytes, bytes, bytes]],
) -> None:
    tree = raw(entries)
    told = raw_trees.entries(tree)
    assert told.keys() == {name for _, name, _ in entries}
    for name, (mode, oid) in told.items():
        found = raw_trees.find(tree, name)
        assert found is not None
        assert (mode, oid) == (found[0], raw_trees.entry_id(tree, found[1]))


@pytest.mark.parametrize(
    ("mode", "name", "is_file"),
    [
        (b"100644", b"a", True),
        (b"100755", b"program", True),
        (b"100664", b"of an old git", True),
        (b"100644", 'ü%2F\n\t"'.encode(), True),
        (b"100644", b".gitignore", True),
        (b"40000", b"folder", False),
        (b"120000", b"link", False),
        (b"160000", b"submodule", False),
        (b"0", b"nothing", False),
        (b"100644", b"caf\xe9", False),
        (b"100644", b".GIT", False),
        (b"100644", b"..", False),
        (b"100644", b"a/b", False),
    ],
)
def test_of_what_stands_in_a_tree_only_plain_files_with_names_that_they_may_have_are_taken_over(
    mode: bytes, name: bytes, is_file: bool
) -> None:
    tree = raw([(mode, name, ID), (b"100644", b"z", ID)])
    assert raw_trees.files(tree) == {**({name.decode(): ID.hex()} if is_file else {}), "z": ID.hex()}


@given(ENTRIES)
@example([(b"40000", b"a", ID), (b"100644", b"a", ID)])
def test_the_files_of_any_tree_can_stand_in_one_of_files_alone(entries: list[tuple[bytes, bytes, bytes]]) -> None:
    found = raw_trees.files(raw(entries))
    first = {name: mode for mode, name, _ in reversed(entries)}
    assert set(found) <= {
        name.decode() for name, mode in first.items() if mode.startswith(b"100") and b"\xff" not in name
    }
    assert raw_trees.files(raw_trees.of_files(found)) == found
