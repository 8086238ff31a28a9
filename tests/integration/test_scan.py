"""The first look at a branch: every mention, and nothing that is none."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import Person, git
from updater.adapters import scan as scan_module
from updater.adapters.git import Git, Remote
from updater.adapters.scan import scan
from updater.errors import GitError

NAMES = frozenset({"kustomization.yaml", "Kustomization"})
TEXT = "images:\n- name: reg.example/{}\n"


def mentions(bare: Path, commit: str = "main") -> set[tuple[str, str]]:
    found = list(scan(Git(Remote(str(bare)), bare), commit, NAMES))
    assert len(found) == len(set(found))
    return set(found)


def remote(tmp_path: Path, files: dict[str, str]) -> Path:
    return gitops.remote(tmp_path / "gitops.git", files)


def test_every_mention_in_every_file_of_these_names_is_found(tmp_path: Path) -> None:
    files = {
        "kustomization.yaml": TEXT.format("top"),
        "a/b c/[x] ü/kustomization.yaml": TEXT.format("one") + "- name: reg.example/two\n",
        "a/Kustomization": "images: [{name: nginx}]",
        "a/kustomization.yml": TEXT.format("other-name"),
        "a/my-kustomization.yaml": TEXT.format("other-name"),
        "kustomization.yaml.d/x": TEXT.format("other-name"),
        "b/kustomization.yaml": "resources: []\n",
    }
    assert mentions(remote(tmp_path, files)) == {
        ("kustomization.yaml", "reg.example/top"),
        ("a/b c/[x] ü/kustomization.yaml", "reg.example/one"),
        ("a/b c/[x] ü/kustomization.yaml", "reg.example/two"),
        ("a/Kustomization", "docker.io/library/nginx"),
    }


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9])
def test_nothing_is_lost_between_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(scan_module, "BLOBS_AT_ONCE", 4)
    files = {f"o/{number}/kustomization.yaml": TEXT.format(f"app{number}") for number in range(count)}
    bare = remote(tmp_path, {"README.md": "x", **files})
    assert mentions(bare) == {(f"o/{number}/kustomization.yaml", f"reg.example/app{number}") for number in range(count)}


def test_one_content_in_many_places_counts_in_each(tmp_path: Path) -> None:
    paths = [f"clusters/{number}/kustomization.yaml" for number in range(5)]
    bare = remote(tmp_path, dict.fromkeys(paths, TEXT.format("app")))
    assert mentions(bare) == {(path, "reg.example/app") for path in paths}


def test_links_and_names_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    bare = remote(tmp_path, {"kustomization.yaml": TEXT.format("app")})
    alice = Person(bare, tmp_path / "alice")
    (alice.folder / "linked").mkdir()
    (alice.folder / "linked/kustomization.yaml").symlink_to("../kustomization.yaml")
    odd = Path(alice.folder, os.fsdecode(b"caf\xe9"))
    odd.mkdir()
    (odd / "kustomization.yaml").write_text(TEXT.format("app"))
    alice.commit({"run/kustomization.yaml": TEXT.format("run")})
    assert mentions(bare) == {("kustomization.yaml", "reg.example/app"), ("run/kustomization.yaml", "reg.example/run")}


def test_a_commit_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitError):
        mentions(remote(tmp_path, {"a": "b"}), "f" * 40)


def test_a_blob_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    bare = remote(tmp_path, {"a": "b"})
    tree = git(bare, "mktree", "--missing", stdin=f"100644 blob {'f' * 40}\tkustomization.yaml\n".encode())
    with pytest.raises(GitError, match=f"lacks an object: {'f' * 40} missing"):
        mentions(bare, tree)


def test_whoever_stops_in_the_middle_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "BLOBS_AT_ONCE", 1)
    files = {f"o/{number}/kustomization.yaml": TEXT.format(f"app{number}") for number in range(5)}
    bare, before = remote(tmp_path, files), threading.active_count()
    found = scan(Git(Remote(str(bare)), bare), "main", NAMES)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
