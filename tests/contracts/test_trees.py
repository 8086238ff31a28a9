"""Every tree answers the same for the same files: that of a commit, that of a folder, and the one tests use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import git
from tests.helpers.trees import File, Link, MemoryTree
from updater.adapters.folder import FolderTree
from updater.adapters.objects import Objects
from updater.core.overlaid import Overlaid
from updater.protocols import Node, Tree

FILES: dict[str, File] = {
    "README.md": "hello\n",
    "empty": "",
    "overlays/test/model-a/kustomization.yaml": b"images: []\r\n\xff",
    "overlays/test/model-a/config/x": "1",
    "overlays/ünï/日本 語": "2",
    "overlays/\u00fc/u\u0308": "composed and not",
    "overlays-of-old/x": "sorts between",
    "link": Link("README.md"),
    "overlays/linked": Link("test/model-a"),
    "overlays/dangling": Link("../nowhere/ü"),
    "away": Link("/etc"),
}
FOLDERS = ["", "overlays", "overlays/test", "overlays/test/model-a", "overlays/ünï", "overlays-of-old"]
NOTHING = [
    "missing", "overlays/missing", "README.md/x", "README.md/..", "..", ".", "../README.md", "overlays/../README.md",
    "./README.md", "/README.md", "/", "overlays/", "README.md/", "overlays//test", "link/x", "overlays/linked/config/x",
    "overlays/linked/kustomization.yaml", "away/passwd", "readme.md", "a\0b", "\udcff", "\ud800", "x" * 5000, ".git",
    ".git/config",
]  # fmt: skip


def write(folder: Path) -> None:
    for path, file in FILES.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file, Link):
            place.symlink_to(file.target)
        else:
            place.write_bytes(file if isinstance(file, bytes) else str(file).encode())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files checked out."""
    folder = tmp_path_factory.mktemp("trees") / "checkout"
    git(folder.parent, "init", "--quiet", folder.name)
    write(folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")
    return folder


@pytest.fixture(scope="module")
def objects(checkout: Path) -> Iterator[Objects]:
    with closing(Objects(checkout / ".git")) as opened:
        yield opened


def of_commit(checkout: Path, objects: Objects) -> Tree:
    return objects.tree(git(checkout, "rev-parse", "HEAD"))


def of_folder(checkout: Path, objects: Objects) -> Tree:
    return FolderTree(checkout)


def of_linked_folder(checkout: Path, objects: Objects) -> Tree:
    link = checkout.with_name("link-to-checkout")
    if not link.is_symlink():
        link.symlink_to(checkout)
    return FolderTree(link)


def of_memory(checkout: Path, objects: Objects) -> Tree:
    return MemoryTree(FILES)


def of_edits(checkout: Path, objects: Objects) -> Tree:
    """The same files, some of them as edits over other contents."""
    edited = {path: content(file) for path, file in FILES.items() if not isinstance(file, Link) and "e" in path}
    return Overlaid(MemoryTree({**FILES, **dict.fromkeys(edited, "before")}), edited)


@pytest.fixture(params=[of_commit, of_folder, of_linked_folder, of_memory, of_edits])
def tree(request: pytest.FixtureRequest, checkout: Path, objects: Objects) -> Tree:
    make: Callable[[Path, Objects], Tree] = request.param
    return make(checkout, objects)


def content(file: File) -> bytes:
    if isinstance(file, Link):
        return file.target.encode()
    return file if isinstance(file, bytes) else str(file).encode()


@pytest.mark.parametrize("path", FILES)
def test_files_and_links_are_told_by_kind_and_gits_id_and_read_unfollowed(
    tree: Tree, checkout: Path, path: str
) -> None:
    kind = "link" if isinstance(FILES[path], Link) else "file"
    assert tree.node(path) == Node(kind, git(checkout, "rev-parse", f"HEAD:{path}"))  # type: ignore[arg-type]
    assert tree.read(path) == content(FILES[path])
    assert list(tree.names(path)) == []


@pytest.mark.parametrize("path", FOLDERS)
def test_folders_list_their_names_in_order(tree: Tree, path: str) -> None:
    node = tree.node(path)
    assert node is not None
    assert (node.kind, node.executable) == ("folder", False)
    prefix = f"{path}/" if path else ""
    below = {each.removeprefix(prefix).split("/")[0] for each in FILES if each.startswith(prefix)}
    assert list(tree.names(path)) == sorted(below)
    with pytest.raises(KeyError):
        tree.read(path)


@pytest.mark.parametrize("path", NOTHING)
def test_what_is_not_there_or_leads_elsewhere_is_nothing(tree: Tree, path: str) -> None:
    assert tree.node(path) is None
    assert list(tree.names(path)) == []
    with pytest.raises(KeyError):
        tree.read(path)


@pytest.mark.parametrize("make", [of_commit, of_folder])
def test_executables_are_told(make: Callable[[Path, Objects], Tree], tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for name, mode in {"run": 0o755, "for-others": 0o645, "plain": 0o644}.items():
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=x")
    with closing(Objects(tmp_path / ".git")) as objects:
        tree = make(tmp_path, objects)
        nodes = {name: tree.node(name) for name in tree.names("")}
    assert {name for name, node in nodes.items() if node is not None and node.executable} == {"run"}


@pytest.mark.parametrize("make", [of_commit, of_folder])
def test_names_that_are_not_utf8_are_left_out(make: Callable[[Path, Objects], Tree], tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    for name in (b"caf\xe9", b"good"):
        Path(tmp_path, os.fsdecode(name)).write_text("x")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message=x")
    with closing(Objects(tmp_path / ".git")) as objects:
        assert list(make(tmp_path, objects).names("")) == ["good"]


def test_a_submodule_is_no_folder(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "x.git", {"a": "1"})
    tree = git(bare, "mktree", "--missing", stdin=f"160000 commit {'1' * 40}\tvendor\n".encode())
    commit = git(bare, "commit-tree", tree, stdin=b"x")
    with closing(Objects(bare)) as objects:
        assert objects.tree(commit).node("vendor") == Node("submodule", "1" * 40)
        with pytest.raises(KeyError):
            objects.tree(commit).read("vendor")
