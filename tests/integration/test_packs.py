"""Packs as git reads them: every size of object, every kind of change, and no half of one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.helpers.gitops import git
from updater.adapters import packs
from updater.adapters.packs import Spliced, Whole

SIZES = [0, 1, 15, 16, 17, 2047, 2048, 2049, 65535, 65536, 300_000]


def named(kind: str, content: bytes) -> str:
    return hashlib.sha1(b"%b %d\0" % (kind.encode(), len(content)) + content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare")
    return tmp_path / "objects" / "pack"


def entries(count: int, first: int = 0) -> list[tuple[bytes, bytes]]:
    """Heads and ids of a tree of submodules, which need not be there."""
    return [(b"160000 %06d\0" % number, b"%020d" % (first + number)) for number in range(count)]


def raw(listed: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(head + oid for head, oid in listed)


def test_blobs_of_any_size_are_read_by_git(folder: Path) -> None:
    blobs = {named("blob", content): content for content in (b"x" * size for size in SIZES)}
    packs.write(folder, {oid: Whole(3, content) for oid, content in blobs.items()})
    assert git(folder.parent.parent, "fsck", "--full") == "\n".join(
        f"dangling blob {oid}" for oid in git(folder.parent.parent, "fsck").split()[2::3]
    )
    for oid, content in blobs.items():
        assert git(folder.parent.parent, "cat-file", "-s", oid) == str(len(content))
    assert git(folder.parent.parent, "count-objects", "-v").splitlines()[2:4] == [f"in-pack: {len(SIZES)}", "packs: 1"]


@pytest.mark.parametrize("count", [1, 2, 2000, 8000])
@pytest.mark.parametrize("distance", [0, 100, 20_000, 3_000_000])
def test_a_tree_that_was_changed_at_some_places_is_read_by_git(folder: Path, count: int, distance: int) -> None:
    listed = entries(count)
    base = raw(listed)
    changed = {number: b"%020d" % (7 * number) for number in {0, count // 3, count - 1}}
    tree = raw([(head, changed.get(number, oid)) for number, (head, oid) in enumerate(listed)])
    places = {number * len(raw(listed[:1])) + len(listed[0][0]): oid for number, oid in changed.items()}
    between = hashlib.shake_128(b"cannot be compressed").digest(distance)
    objects: dict[str, Whole | Spliced] = {
        named("tree", base): Whole(2, base),
        named("blob", between): Whole(3, between),
    }
    objects.setdefault(named("tree", tree), Spliced(named("tree", base), len(base), places, 1))
    packs.write(folder, objects)
    bare = folder.parent.parent
    git(bare, "verify-pack", str(next(folder.glob("*.idx"))))
    shown = git(bare, "ls-tree", named("tree", tree)).splitlines()
    assert shown == [
        f"160000 commit {changed.get(number, oid).hex()}\t{number:06d}" for number, (_, oid) in enumerate(listed)
    ]


def test_the_same_objects_again_change_nothing(folder: Path) -> None:
    for _ in range(2):
        packs.write(folder, {named("blob", b"x"): Whole(3, b"x")})
    assert sorted(path.suffix for path in folder.iterdir()) == [".idx", ".pack"]


def test_what_cannot_be_written_to_its_end_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(KeyError):
        packs.write(folder, {"1" * 40: Spliced("2" * 40, 25, {}, 1)})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("size", SIZES)
def test_one_object_alone_is_read_by_git(folder: Path, size: int) -> None:
    content, bare = b"x" * size, folder.parent.parent
    for _ in range(2):
        packs.write_loose(folder.parent, named("blob", content), Whole(3, content))
    assert git(bare, "cat-file", "-s", named("blob", content)) == str(size)
    assert "dangling blob" in git(bare, "fsck")
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith("tmp")] == []


def test_an_object_that_is_there_is_young_again(folder: Path) -> None:
    oid = named("blob", b"x")
    packs.write_loose(folder.parent, oid, Whole(3, b"x"))
    place = folder.parent / oid[:2] / oid[2:]
    os.utime(place, (0, 0))
    packs.write_loose(folder.parent, oid, Whole(3, b"x"))
    git(folder.parent.parent, "prune", "--expire=1.day.ago")
    assert place.exists()
