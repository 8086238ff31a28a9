"""Commits built from objects: byte for byte what was asked for, and nothing else, as git itself sees them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import AUTHOR, COMMITTER, NOON, git
from updater.adapters import objects as objects_module
from updater.adapters import packs
from updater.adapters.objects import Objects
from updater.adapters.packs import Whole
from updater.errors import GitError

ODD = [
    "a b/with blank",
    "quo\"te/it's",
    "ünïcode/日本語/ÅÅ",
    "tab\there",
    "new\nline",
    "-dash/--x",
    "back\\slash",
    "a.b",
    "a-b",
]
FILES = {
    "overlays/test/model-a/kustomization.yaml": "a\n",
    "overlays/test/model-b/kustomization.yaml": "b\n",
    "overlays/test/kustomization.yaml": "c\n",
    "base/kustomization.yaml": "d\n",
    "run.sh": "#!/bin/sh\n",
    **dict.fromkeys(ODD, "odd\n"),
}
SUBMODULE = "0123456789012345678901234567890123456789"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A repository in which each kind of entry stands: files, a program, a link, a submodule, names of all sorts."""
    bare = gitops.remote(tmp_path / "gitops.git", FILES)
    index = (
        f"100755 blob {git(bare, 'rev-parse', 'main:run.sh')}\trun.sh\n"
        f"120000 blob {git(bare, 'hash-object', '-w', '--stdin', stdin=b'run.sh')}\tlink\n"
        f"160000 commit {SUBMODULE}\tvendor\n"
    )
    git(bare, "read-tree", "main")
    git(bare, "update-index", "--index-info", stdin=index.encode())
    commit = git(bare, "commit-tree", "-p", "main", git(bare, "write-tree"), stdin=b"Add the rest\n")
    git(bare, "update-ref", "refs/heads/main", commit)
    return bare


@pytest.fixture
def objects(bare: Path) -> Iterator[Objects]:
    with closing(Objects(bare)) as opened:
        yield opened


def commit(objects: Objects, parent: str, files: dict[str, bytes]) -> str:
    tree = objects.changed_tree(parent, files)
    return objects.commit(tree, parent, "Deploy\n", AUTHOR, COMMITTER, NOON)


def changed(bare: Path, old: str, new: str) -> dict[str, tuple[str, str]]:
    """Path to mode and letter of everything that differs, as git tells it."""
    listing = subprocess.run(["git", "diff-tree", "-r", "-z", old, new], cwd=bare, capture_output=True, check=True)
    fields = listing.stdout.decode().split("\0")[:-1]
    return {path: (head.split(" ")[1], head[-1]) for head, path in zip(fields[0::2], fields[1::2], strict=True)}


@pytest.mark.parametrize("paths", [[path] for path in FILES] + [[*FILES], ["a.b", "a-b", "a b/with blank"]])
def test_a_commit_changes_exactly_the_given_files(bare: Path, objects: Objects, paths: list[str]) -> None:
    parent = gitops.tip(bare)
    new = commit(objects, parent, {path: f"new {path}".encode() for path in paths})
    objects.flush()
    assert changed(bare, parent, new) == {path: ("100755" if path == "run.sh" else "100644", "M") for path in paths}
    assert [gitops.show(bare, path, new) for path in paths] == [f"new {path}" for path in paths]
    git(bare, "update-ref", "refs/heads/main", new)
    git(bare, "fsck", "--strict")


def test_any_bytes_are_kept(bare: Path, objects: Objects) -> None:
    content = b"\xef\xbb\xbf\r\n\0\xff no end"
    new = commit(objects, gitops.tip(bare), {"base/kustomization.yaml": content})
    objects.flush()
    assert objects.tree(new).read("base/kustomization.yaml") == content
    shown = subprocess.run(["git", "cat-file", "blob", f"{new}:base/kustomization.yaml"], cwd=bare, capture_output=True)
    assert shown.stdout == content


def test_what_is_built_can_be_read_before_it_is_stored_and_stored_before_it_is_read(
    bare: Path, objects: Objects
) -> None:
    path = "overlays/test/model-a/kustomization.yaml"
    first = commit(objects, gitops.tip(bare), {path: b"1"})
    second = commit(objects, first, {"base/kustomization.yaml": b"2"})
    assert first in objects
    assert objects.parent(second) == first
    for _ in range(2):
        assert (objects.tree(second).read(path), objects.tree(second).read("base/kustomization.yaml")) == (b"1", b"2")
        assert objects.tree(first).read("base/kustomization.yaml") == b"d\n"
        objects.flush()
    assert git(bare, "rev-list", "--count", f"main..{second}") == "2"


def test_the_first_commit_has_no_parent(bare: Path, objects: Objects) -> None:
    assert objects.parent(git(bare, "rev-list", "--max-parents=0", "main")) is None


@pytest.mark.parametrize(
    "path",
    ["missing", "base/missing", "base", "base/kustomization.yaml/below", "link", "vendor", "vendor/x", "", "../x"],
)
def test_only_files_that_are_there_are_changed(bare: Path, objects: Objects, path: str) -> None:
    with pytest.raises(KeyError):
        objects.changed_tree(gitops.tip(bare), {path: b"new"})


def test_few_objects_stay_loose_and_many_go_into_one_pack(tmp_path: Path) -> None:
    files = {f"overlays/test/model-{number}/kustomization.yaml": "old\n" for number in range(60)}
    bare = gitops.remote(tmp_path / "many.git", files)
    git(bare, "gc", "--quiet")
    with closing(Objects(bare)) as objects:
        parent = gitops.tip(bare)
        few = commit(objects, parent, {"overlays/test/model-1/kustomization.yaml": b"new\n"})
        objects.flush()
        assert stored(bare) == (6, 1)
        many = commit(objects, few, dict.fromkeys(files, b"newer\n") | {path: path.encode() for path in files})
        objects.flush()
        assert stored(bare) == (6, 2)
        git(bare, "update-ref", "refs/heads/main", many)
        assert (
            objects.tree(many).read("overlays/test/model-7/kustomization.yaml").endswith(b"model-7/kustomization.yaml")
        )
    git(bare, "fsck", "--strict")


def stored(bare: Path) -> tuple[int, int]:
    """How many loose objects and how many packs there are."""
    counts = dict(line.split(": ") for line in git(bare, "count-objects", "-v").splitlines())
    return int(counts["count"]), int(counts["packs"])


def test_nothing_is_stored_that_no_commit_needs(bare: Path, objects: Objects) -> None:
    new = commit(objects, gitops.tip(bare), {path: b"new" for path in FILES})
    objects.flush()
    git(bare, "update-ref", "refs/heads/main", new)
    assert git(bare, "fsck", "--unreachable", "--no-reflogs") == ""


def test_what_was_not_flushed_is_not_stored(bare: Path, objects: Objects) -> None:
    before = stored(bare)
    commit(objects, gitops.tip(bare), {"base/kustomization.yaml": b"new"})
    assert stored(bare) == before


def test_much_that_waits_is_stored_early_and_still_one_chain(
    bare: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "_BYTES_AT_MOST", 20_000)
    before, tip = stored(bare), gitops.tip(bare)
    for number in range(10):
        tip = commit(objects, tip, {path: f"{number} {path}".encode() for path in FILES})
        assert objects.tree(tip).read("base/kustomization.yaml") == f"{number} base/kustomization.yaml".encode()
    assert stored(bare) > before
    objects.flush()
    git(bare, "update-ref", "refs/heads/main", tip)
    assert [gitops.show(bare, path) for path in FILES] == [f"9 {path}" for path in FILES]
    assert git(bare, "rev-list", "--count", "main") == "12"
    git(bare, "fsck", "--strict")


def test_a_missing_object_is_told_with_what_to_do(bare: Path, objects: Objects) -> None:
    with pytest.raises(GitError, match="is missing in the local mirror") as caught:
        objects.tree("f" * 40)
    assert "state folder" in str(caught.value.hint)


def test_it_knows_which_commits_are_here(bare: Path, objects: Objects) -> None:
    git(bare, "gc", "--quiet")
    assert gitops.tip(bare) in objects
    assert "f" * 40 not in objects


def test_a_long_chain_is_stored_as_what_changed_and_read_back_by_git(
    bare: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "_DELTAS_AT_MOST", 5)
    tips = [gitops.tip(bare)]
    for number in range(40):
        tips.append(commit(objects, tips[-1], {"overlays/test/model-a/kustomization.yaml": b"%d" % number}))
    objects.flush()
    git(bare, "update-ref", "refs/heads/main", tips[-1])
    git(bare, "fsck", "--strict")
    for number, tip in enumerate(tips[1:]):
        assert gitops.show(bare, "overlays/test/model-a/kustomization.yaml", tip) == str(number)
    assert 0 < longest_chain(bare) <= 5


def longest_chain(bare: Path) -> int:
    """The most deltas upon each other in any pack."""
    packs = [str(path) for path in (bare / "objects/pack").glob("*.idx")]
    lines = git(bare, "verify-pack", "--verbose", *packs).splitlines()
    return max(int(line.split()[3].rstrip(":")) for line in lines if line.startswith("chain length"))


def test_trees_that_nobody_has_read_lately_are_put_together_again(
    bare: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "_BYTES_AT_MOST", 10_000)
    tips = [gitops.tip(bare)]
    for number in range(8):
        tips.append(commit(objects, tips[-1], {"overlays/test/model-a/kustomization.yaml": b"%d" % number}))
        objects._trees.clear()
    for number, tip in enumerate(tips[1:]):
        assert objects.tree(tip).read("overlays/test/model-a/kustomization.yaml") == b"%d" % number
        assert objects.tree(tip).read("base/kustomization.yaml") == b"d\n"


def test_going_back_and_forth_between_two_contents_is_stored(bare: Path, objects: Objects) -> None:
    tip = gitops.tip(bare)
    for number in range(50):
        tip = commit(objects, tip, {"base/kustomization.yaml": b"%d" % (number % 2)})
    objects.flush()
    git(bare, "update-ref", "refs/heads/main", tip)
    git(bare, "fsck", "--strict")
    assert gitops.show(bare, "base/kustomization.yaml") == "1"


def test_equal_content_gives_the_equal_tree(bare: Path, objects: Objects) -> None:
    tip = gitops.tip(bare)
    same = {path: content.encode() for path, content in FILES.items()}
    assert objects.changed_tree(tip, same) == git(bare, "rev-parse", "main^{tree}")
    assert objects.changed_tree(tip, {}) == git(bare, "rev-parse", "main^{tree}")


def test_a_history_of_its_own_begins_with_new_files(bare: Path, objects: Objects) -> None:
    files = {"b": b"1\n", "a.json": b"{}", "a-b": b"\0", "\u00fc": b""}
    first = objects.commit(objects.new_tree(files), None, "Start\n", AUTHOR, COMMITTER, NOON)
    empty = objects.commit(objects.new_tree({}), first, "Clear\n", AUTHOR, COMMITTER, NOON)
    objects.flush()
    git(bare, "update-ref", "refs/updater/waiting/test", empty)
    git(bare, "fsck", "--strict")
    assert objects.parent(first) is None
    assert {name: objects.tree(first).read(name) for name in objects.tree(first).names("")} == files
    assert (objects.parent(empty), objects.tree(empty).names("")) == (first, [])
    assert git(bare, "ls-tree", first, "a-b").startswith("100644 blob")


def test_new_files_stand_beside_the_other_files_of_a_root_and_nothing_else_does(bare: Path, objects: Objects) -> None:
    beside = gitops.tip(bare)
    new = objects.new_tree({"a.b": b"other", "vendor": b"a file", "x": b"1"}, beside)
    made = objects.commit(new, beside, "Note\n", AUTHOR, COMMITTER, NOON)
    objects.flush()
    git(bare, "update-ref", "refs/updater/looks/registries", made)
    git(bare, "fsck", "--strict")
    plain = [name for name in (*FILES, "vendor", "x") if "/" not in name]
    listed = git(bare, "ls-tree", "-r", "-z", made).rstrip("\0").split("\0")
    assert sorted(line.partition("\t")[2] for line in listed) == sorted(plain)
    assert {line.split(" ")[0] for line in listed} == {"100644"}, "the program too; the link is gone"
    assert objects.tree(made).read("run.sh") == b"#!/bin/sh\n"
    assert [objects.tree(made).read(name) for name in ("a.b", "vendor", "x")] == [b"other", b"a file", b"1"]
    assert git(bare, "rev-parse", f"{made}:a-b") == git(bare, "rev-parse", f"{beside}:a-b")


def test_what_is_written_beside_the_same_again_is_the_same_tree(bare: Path, objects: Objects) -> None:
    first = objects.new_tree({"a": b"1", "b": b"2"})
    beside = objects.commit(first, None, "Note\n", AUTHOR, COMMITTER, NOON)
    assert objects.new_tree({"a": b"1"}, beside) == objects.new_tree({}, beside) == first
    assert objects.new_tree({"a": b"1"}) != first


def test_nothing_can_stand_beside_what_is_no_commit(bare: Path, objects: Objects) -> None:
    with pytest.raises(GitError, match="is no commit"):
        objects.new_tree({"a": b"1"}, git(bare, "rev-parse", "main:run.sh"))


def test_a_commit_reads_as_git_would_have_written_it(bare: Path, objects: Objects) -> None:
    tree, parent = git(bare, "rev-parse", "main^{tree}"), gitops.tip(bare)
    new = objects.commit(tree, parent, "Deploy \u00fc\n\nbody\n", AUTHOR, COMMITTER, NOON)
    objects.flush()
    form = "%T %P %an <%ae> %at %cn <%ce> %ct %B"
    moment = int(NOON.timestamp())
    people = f"{AUTHOR.name} <{AUTHOR.email}> {moment} {COMMITTER.name} <{COMMITTER.email}> {moment}"
    shown = git(bare, "show", "--no-patch", f"--format={form}", new)
    assert shown.rstrip() == f"{tree} {parent} {people} Deploy \u00fc\n\nbody"


def test_an_id_of_something_else_is_told(bare: Path, objects: Objects) -> None:
    with pytest.raises(GitError, match="is no commit"):
        objects.tree(git(bare, "rev-parse", "main^{tree}"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_tree_is_told_with_what_to_do(bare: Path, objects: Objects, packed: bool) -> None:
    raw = b"100644 a\0" + b"x" * 19
    if packed:
        tree = hashlib.sha1(b"tree %d\0" % len(raw) + raw).hexdigest()
        packs.write(bare / "objects" / "pack", {tree: Whole(2, raw)})
    else:
        tree = git(bare, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    damaged = objects.commit(tree, None, "x", AUTHOR, COMMITTER, NOON)
    with pytest.raises(GitError, match=f"{tree} is damaged") as caught:
        objects.tree(damaged).node("a")
    assert "state folder" in str(caught.value.hint)


@pytest.mark.parametrize("rest", [b"", b"\x78\x9c", b"\x78\x9c\x4b\xff\xff"])
def test_a_file_that_was_not_written_to_its_end_is_told(bare: Path, objects: Objects, rest: bytes) -> None:
    tip = gitops.tip(bare)
    file = bare / "objects" / tip[:2] / tip[2:]
    file.chmod(0o644)
    file.write_bytes(rest)
    with pytest.raises(GitError, match=f"{tip} is damaged"):
        objects.tree(tip)


@pytest.mark.parametrize("count", [1, 3, 6000])
def test_folders_of_any_size_are_changed_as_git_would(tmp_path: Path, count: int) -> None:
    """6000 entries are 200 kB: more than one instruction of a delta can copy."""
    bare = gitops.remote(tmp_path / "x.git", {"a": "1"})
    blob = git(bare, "rev-parse", "main:a")
    names = [f"file {number}" for number in range(count)]
    listing = "".join(f"100644 blob {blob}\t{name}\n" for name in names)
    tip = git(bare, "commit-tree", git(bare, "mktree", stdin=listing.encode()), stdin=b"x")
    new = git(bare, "hash-object", "-w", "--stdin", stdin=b"new")
    with closing(Objects(bare)) as objects:
        for name in (names[0], names[-1], names[count // 2], names[0]):
            listing = listing.replace(f"{blob}\t{name}\n", f"{new}\t{name}\n")
            tip = commit(objects, tip, {name: b"new"})
            assert objects.folder(git(bare, "mktree", stdin=listing.encode())) == objects.folder(
                objects.tree(tip)._root
            )
        for number in range(40):
            tip = commit(objects, tip, {names[-1]: b"%d" % number})
        objects.flush()
        git(bare, "update-ref", "refs/heads/main", tip)
        git(bare, "fsck", "--strict")
        assert objects.tree(tip).read(names[-1]) == b"39"
