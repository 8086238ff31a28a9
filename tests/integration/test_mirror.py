"""The warm mirror against real remotes: cloned once, told apart from what the remote is by now, built on and signed."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.helpers import components, gitops
from tests.helpers.git_server import FETCH, GitServer
from tests.helpers.gitops import NOON, OpenMirror, Person, git, opened
from tests.helpers.histories import TEN, Made, made, with_people
from updater.adapters import log
from updater.adapters.beyond import beyond
from updater.adapters.mirror import Mirror
from updater.errors import BranchMissing, GitError, RemoteUnavailable, UsageError
from updater.model import Identity
from updater.protocols import Update

PATH = "overlays/test/model-a/kustomization.yaml"
FILES = {PATH: "images: []\n", "base/model-a/service.yaml": "kind: Service\n"}
NEW = {PATH: b"images: [new]\n"}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "served" / "gitops.git", FILES)


@pytest.fixture
def alice(bare: Path, tmp_path: Path) -> Person:
    return Person(bare, tmp_path / "alice")


def build(ours: Mirror, message: str = "Deploy\n") -> str:
    return ours.build(ours.tip("main") or "", NEW, message, NOON)


def test_the_first_open_clones_and_the_second_asks_the_remote_nothing(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        first = mirror(server.url(), tmp_path / "state")
        seen = len(server.requests)
        second = mirror(server.url(), tmp_path / "state")
        assert len(server.requests) == seen > 0
    assert first.tip("main") == second.tip("main") == gitops.tip(bare)
    assert second.tree(gitops.tip(bare)).read(PATH) == b"images: []\n"


def test_a_refresh_without_news_is_one_listing(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        server.requests.clear()
        assert not ours.refresh()
        assert server.count("POST") == 1  # ls-refs; a fetch would add more


def test_other_remotes_have_mirrors_of_their_own(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    other = gitops.remote(tmp_path / "other.git", {"x": "1"})
    assert mirror(bare, tmp_path / "state").tip("main") != mirror(other, tmp_path / "state").tip("main")


def test_a_clone_that_was_killed_half_way_is_made_again(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    whole = mirror(bare, state).git.folder
    half = whole.with_suffix(".part")
    whole.rename(half)
    shutil.rmtree(half / "refs")
    (half / "objects" / "pack" / "tmp_pack_x").write_bytes(b"PACK")
    assert mirror(bare, state).tip("main") == gitops.tip(bare)
    assert not half.exists()


def test_a_clone_that_fails_leaves_nothing_that_looks_like_a_mirror(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        server.faults["POST"] = "cut"
        with pytest.raises(RemoteUnavailable):
            mirror(server.url(), tmp_path / "state")
        server.faults.clear()
        assert mirror(server.url(), tmp_path / "state").tip("main") == gitops.tip(bare)


@pytest.mark.parametrize("name", ["packed-refs.lock", "HEAD.lock", "refs/heads/main.lock"])
def test_a_lock_that_a_killed_git_left_behind_does_not_stop_the_next_start(
    mirror: OpenMirror, bare: Path, tmp_path: Path, name: str
) -> None:
    lock = mirror(bare, tmp_path / "state").git.folder / name
    lock.touch()
    os.utime(lock, (0, 0))
    gitops.Person(bare, tmp_path / "person").commit({"x": "2"})
    again = mirror(bare, tmp_path / "state")
    again.refresh()
    assert again.tip("main") == gitops.tip(bare)


def test_a_lock_that_git_may_be_holding_now_is_left_alone(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    lock = mirror(bare, tmp_path / "state").git.folder / "refs/heads/main.lock"
    lock.touch()
    mirror(bare, tmp_path / "state")
    assert lock.exists()


def test_a_state_folder_that_cannot_be_used_is_said_with_the_setting(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be used") as told:
        mirror(bare, tmp_path / "file" / "state")
    assert "UPDATER_STATE_DIR" in str(told.value.hint)


def _open(url: str, state: Path) -> str | None:
    with closing(opened(url, state)) as ours:
        return ours.tip("main")


def _push_one(url: str, state: Path, branch: str) -> object:
    with closing(opened(url, state)) as ours:
        ours.refresh(frozenset({branch}))
        tip = ours.tip(branch) or ""
        new = ours.build(tip, {PATH: branch.encode()}, f"Deploy {branch}\n", NOON)
        return ours.push([Update(branch, tip, new)])[branch]


@pytest.mark.slow
def test_processes_that_open_at_once_clone_once(bare: Path, tmp_path: Path) -> None:
    with GitServer(bare.parent) as server, multiprocessing.get_context("spawn").Pool(3) as pool:
        server.delay = 0.1
        tips = pool.starmap(_open, [(server.url(), tmp_path / "state")] * 3)
        assert set(tips) == {gitops.tip(bare)}
        assert server.count("GET") == 1


@pytest.mark.slow
def test_processes_that_share_a_mirror_fetch_and_push_at_once(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    branches = [f"env/{number}" for number in range(4)]
    for branch in branches:
        alice.commit({"note": branch}, branch=branch)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        outcomes = pool.starmap(_push_one, [(str(bare), tmp_path / "state", branch) for branch in branches])
    assert outcomes == ["landed"] * 4
    assert [gitops.show(bare, PATH, branch) for branch in branches] == branches
    git(mirror(bare, tmp_path / "state").git.folder, "fsck", "--strict", "--connectivity-only")


def test_what_a_person_pushed_is_seen_after_a_refresh(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    new = alice.commit({PATH: "images: [a]\n"})
    assert ours.tip("main") != new
    assert ours.refresh()
    assert ours.tip("main") == new
    assert ours.tree(new).read(PATH) == b"images: [a]\n"
    assert not ours.refresh()


def test_what_another_process_fetched_can_be_read(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    one, two = mirror(bare, tmp_path / "state"), mirror(bare, tmp_path / "state")
    assert one.tree(gitops.tip(bare)).read(PATH)
    new = alice.commit({PATH: "images: [a]\n"})
    assert two.refresh()
    assert one.tree(new).read(PATH) == b"images: [a]\n"
    assert one.refresh()
    assert one.tip("main") == new


def test_git_may_pack_the_mirror_anew_while_it_is_open(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    first = gitops.tip(bare)
    assert ours.tree(first).read(PATH)
    second = alice.commit({PATH: "images: [a]\n"})
    ours.refresh()
    assert ours.tree(second).read(PATH)
    third = build(ours)
    ours.objects.flush()
    git(ours.git.folder, "update-ref", "refs/heads/kept", third)
    git(ours.git.folder, "gc", "--quiet", "--prune=now")
    assert [ours.tree(commit).read(PATH) for commit in (first, second, third)] == [
        b"images: []\n", b"images: [a]\n", b"images: [new]\n",
    ]  # fmt: skip
    assert ours.tree(first).read("base/model-a/service.yaml") == b"kind: Service\n"


def test_a_forced_push_to_an_older_commit_is_followed(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    first = gitops.tip(bare)
    alice.commit({PATH: "images: [a]\n"})
    ours = mirror(bare, tmp_path / "state")
    alice.force(first)
    assert ours.refresh()
    assert ours.tip("main") == first


def test_an_empty_repository_is_told_and_used_once_it_has_a_commit(mirror: OpenMirror, tmp_path: Path) -> None:
    bare = gitops.empty_remote(tmp_path / "empty.git")
    for _ in range(2):
        with pytest.raises(BranchMissing) as caught:
            mirror(bare, tmp_path / "state")
        assert "no commit" in caught.value.message
        assert "environments/*.yaml" in str(caught.value.hint)
    new = Person(bare, tmp_path / "alice").commit(FILES)
    assert mirror(bare, tmp_path / "state").tip("main") == new


def test_a_default_branch_that_is_not_there_is_told_with_those_that_are(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    git(bare, "symbolic-ref", "HEAD", "refs/heads/master")
    with pytest.raises(BranchMissing) as caught:
        mirror(bare, tmp_path / "state")
    assert "default branch" in caught.value.message
    assert "main" in str(caught.value.hint)


def test_a_default_branch_that_was_never_heard_of_is_told(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    git(ours.git.folder, "symbolic-ref", "HEAD", "refs/heads/unknown")
    with pytest.raises(BranchMissing, match="default branch unknown"):
        assert ours.default_branch


def test_refs_that_only_end_like_ours_are_not_taken_for_them(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    other = git(bare, "commit-tree", "main^{tree}", stdin=b"Other\n")
    for name in ("refs/heads/HEAD", "refs/other/HEAD", "refs/other/refs/heads/env", "refs/heads/sub/refs/heads/env"):
        git(bare, "update-ref", name, other)
    ours = mirror(bare, tmp_path / "state")
    assert not ours.refresh(frozenset({"env"}))
    assert (ours.default_branch, ours.tip("main"), ours.tip("env")) == ("main", gitops.tip(bare), None)


def test_a_renamed_default_branch_is_followed(mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    alice.rename("main", "trunk")
    assert ours.default_branch == "main"
    assert ours.refresh(frozenset({"main"}))
    assert ours.default_branch == "trunk"
    assert ours.tip("main") is None
    assert ours.tip("trunk") == gitops.tip(bare, "trunk")
    assert mirror(bare, tmp_path / "state").default_branch == "trunk"


def test_a_wanted_branch_is_fetched_and_forgotten_when_it_is_deleted(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    assert ours.tip("env/test") is None
    wanted = frozenset({"env/test"})
    assert not ours.refresh(wanted)
    new = alice.commit({"x": "1"}, branch="env/test")
    assert ours.refresh(wanted)
    assert ours.tip("env/test") == new
    alice.delete("env/test")
    assert ours.refresh(wanted)
    assert ours.tip("env/test") is None
    assert not ours.refresh(wanted)


def test_a_branch_deleted_by_another_process_of_ours_too_is_no_error(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    alice.commit({"x": "1"}, branch="env/test")
    both = [mirror(bare, tmp_path / "state") for _ in range(2)]
    for ours in both:
        ours.refresh(frozenset({"env/test"}))
    alice.delete("env/test")
    for ours in both:
        assert ours.refresh(frozenset({"env/test"}))
        assert ours.tip("env/test") is None


def test_a_branch_may_take_the_place_of_one_above_it(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    alice.commit({"x": "1"}, branch="env")
    ours = mirror(bare, tmp_path / "state")
    ours.refresh(frozenset({"env"}))
    alice.delete("env")
    new = alice.commit({"x": "2"}, branch="env/test")
    assert ours.refresh(frozenset({"env/test"}))
    assert ours.tip("env/test") == new


def test_a_commit_is_found_by_branch_and_by_id(mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    assert ours.resolve("main") == ours.resolve(gitops.tip(bare)[:12]) == gitops.tip(bare)


@pytest.mark.parametrize("name", ["nope", "--all", "main:README.md", "f" * 40])
def test_an_unknown_commit_is_told_with_the_branches_there_are(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path, name: str
) -> None:
    alice.commit({"x": "1"}, branch="env/test")
    with pytest.raises(BranchMissing) as caught:
        mirror(bare, tmp_path / "state").resolve(name)
    assert "env/test, main" in str(caught.value.hint)


def test_the_password_is_not_in_the_mirrors_files(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    with GitServer(bare.parent, credentials=("bot", "hush-hush")) as server:
        ours = mirror(server.url(credentials="bot:hush-hush"), tmp_path / "state")
        ours.refresh()
    contents = [file.read_bytes() for file in ours.git.folder.rglob("*") if file.is_file()]
    assert any(server.url().encode() in content for content in contents)
    assert not any(b"hush" in content or b"bot:" in content for content in contents)


def test_the_state_folder_is_for_its_owner_alone(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    mirror(bare, tmp_path / "state")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_remote_that_dies_is_told_and_what_is_known_stays(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        server.stop()
        with pytest.raises(RemoteUnavailable):
            ours.refresh()
        assert ours.tip("main") == gitops.tip(bare)


def test_a_fetch_that_is_cut_off_is_told_and_the_next_one_succeeds(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        new = alice.commit({PATH: "images: [a]\n"})
        server.faults[FETCH] = "cut"
        with pytest.raises(RemoteUnavailable):
            ours.refresh()
        server.faults.clear()
        assert ours.refresh()
        assert ours.tip("main") == new


def test_a_mirror_that_is_gone_is_told(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    shutil.rmtree(ours.git.folder)
    with pytest.raises(GitError, match="is gone"):
        ours.refresh()


@pytest.mark.parametrize("message", ["Deploy\n", "Deploy ü\n\nbody\n\nTrailer: x\n", "no line end", "\n\n# odd\n \n"])
def test_a_commit_is_the_one_that_git_would_have_made(
    mirror: OpenMirror, bare: Path, tmp_path: Path, message: str
) -> None:
    ours = mirror(bare, tmp_path / "state")
    parent = gitops.tip(bare)
    time = NOON + timedelta(microseconds=999_999)
    built = ours.build(parent, NEW, message, time)
    ours.objects.flush()
    tree = git(ours.git.folder, "rev-parse", f"{built}^{{tree}}")
    identity = {
        "AUTHOR_NAME": "Updater", "AUTHOR_EMAIL": "updater@example.org", "AUTHOR_DATE": "2026-11-20T12:00:00Z",
        "COMMITTER_NAME": "Robot", "COMMITTER_EMAIL": "robot@example.org", "COMMITTER_DATE": "2026-11-20T12:00:00Z",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in identity.items():
            patch.setenv(f"GIT_{name}", value)
        made = git(ours.git.folder, "commit-tree", "-p", parent, tree, stdin=message.encode())
    assert built == made
    raw = subprocess.run(["git", "cat-file", "commit", built], cwd=ours.git.folder, capture_output=True, check=True)
    assert raw.stdout.partition(b"\n\n")[2] == message.encode()


WAITING = "refs/updater/waiting/test"
LOOKS = "refs/updater/looks/registries"


def note(ours: Mirror, content: str = "one", parent: str | None = None) -> str:
    return ours.build_note(None, {"waiting.ndjson": content.encode()}, f"Keep {content}\n", NOON)


def put_beside(bare: Path, name: str = WAITING, files: tuple[str, ...] = ("x",)) -> str:
    """Somebody, or another replica, writes a ref beside the branches."""
    commit = git(bare, "commit-tree", "main^{tree}", stdin="".join(files).encode())
    git(bare, "update-ref", name, commit)
    return commit


def test_a_note_holds_its_files_and_those_of_the_one_before(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    files = {"b.txt": b"\0\xff", "a": b""}
    first = ours.build_note(None, files, "Keep\n", NOON)
    second = ours.build_note(first, {"a": b"1"}, "Keep more\n", NOON)
    assert ours.push([Update(WAITING, None, second)]) == {WAITING: "landed"}
    assert git(bare, "ls-tree", "--name-only", first).splitlines() == ["a", "b.txt"]
    assert ours.tree(first).read("b.txt") == b"\0\xff"
    assert [ours.tree(second).read(name) for name in ours.tree(second).names("")] == [b"1", b"\0\xff"]
    assert git(bare, "log", "--format=%an %cn %s", WAITING).splitlines() == [
        "Updater Robot Keep more", "Updater Robot Keep",
    ]  # fmt: skip
    assert (ours.parent(second), ours.parent(first), ours.message(first)) == (first, None, "Keep\n")
    git(bare, "fsck", "--strict")


def test_a_note_takes_nothing_over_that_is_no_file(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    alice.commit({"plain": "1", "folder/x": "1"})
    (alice.folder / "link").symlink_to("plain")
    junk = alice.commit({"last": "1"})
    git(bare, "update-ref", LOOKS, junk)
    ours = mirror(bare, tmp_path / "state")
    ours.refresh()
    made = ours.build_note(junk, {"plain": b"2"}, "Keep\n", NOON)
    assert ours.push([Update(LOOKS, junk, made)]) == {LOOKS: "landed"}
    assert git(bare, "ls-tree", "-r", "--name-only", LOOKS).splitlines() == ["last", "plain"]
    assert gitops.show(bare, "plain", LOOKS) == "2"
    git(bare, "fsck", "--strict")


@pytest.mark.parametrize("name", ["", ".", "..", ".git", ".GIT", "a/b", "a\0b"])
def test_a_note_has_no_file_that_git_could_not_check_out(
    mirror: OpenMirror, bare: Path, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="no name for a file"):
        mirror(bare, tmp_path / "state").build_note(None, {name: b""}, "x\n", NOON)


def test_a_ref_beside_the_branches_is_made_moved_and_taken_away(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    one = note(ours)
    two = note(ours, "two", one)
    for update in (Update(WAITING, None, one), Update(WAITING, one, two), Update(WAITING, two, None)):
        assert ours.push([update]) == {WAITING: "landed"}
        assert ours.tip(WAITING) == update.new
        assert ours.names("refs/updater/waiting/") == ([WAITING] if update.new else [])
        assert git(bare, "for-each-ref", "--format=%(objectname)", "refs/updater") == (update.new or "")
        assert not ours.refresh()
        with closing(opened(bare, tmp_path / "fresh")) as fresh:
            fresh.refresh()
            assert fresh.tip(WAITING) == update.new


def test_refs_beside_the_branches_are_heard_of_by_every_refresh(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    assert ours.names("refs/updater/") == []
    deep, other = f"{WAITING}/a/b-ü", "refs/updater/waiting/other"
    tips = {name: put_beside(bare, name) for name in (deep, other)}
    assert ours.refresh()
    assert ours.names("refs/updater/") == [other, deep]
    assert ours.names(WAITING) == [deep]
    assert {name: ours.tip(name) for name in tips} == tips
    assert ours.tree(tips[deep]).read(PATH) == b"images: []\n"
    assert not ours.refresh()
    assert mirror(bare, tmp_path / "state").names("refs/updater/") == [other, deep]
    new = put_beside(bare, deep, ("y",))
    assert ours.refresh()
    assert ours.tip(deep) == new
    git(bare, "update-ref", "-d", deep)
    assert ours.refresh()
    assert (ours.tip(deep), ours.names("refs/updater/")) == (None, [other])
    assert mirror(bare, tmp_path / "state").names("refs/updater/") == [other]


def test_what_looks_found_is_heard_of_by_every_refresh(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    assert ours.tip(LOOKS) is None
    for words in ("made", "moved", "moved by force"):
        new = put_beside(bare, LOOKS, (words,))
        assert ours.refresh()
        assert not ours.refresh()
        assert ours.tip(LOOKS) == new
        assert ours.tree(new).read(PATH) == b"images: []\n"
        assert mirror(bare, tmp_path / "state").tip(LOOKS) == new, "whoever opens the same mirror knows it too"
        fresh = mirror(bare, tmp_path / words)
        fresh.refresh()
        assert fresh.tip(LOOKS) == new
        assert fresh.tree(new).read(PATH) == b"images: []\n"
    git(bare, "update-ref", "-d", LOOKS)
    assert ours.refresh()
    assert not ours.refresh()
    assert ours.tip(LOOKS) is None
    assert mirror(bare, tmp_path / "state").tip(LOOKS) is None


def test_what_we_keep_of_looks_is_known_in_our_mirror_without_a_fetch(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        old = None
        for content in ("one", "two"):
            new = ours.build_note(old, {"image.json": content.encode()}, "Keep\n", NOON)
            server.requests.clear()
            assert ours.push([Update(LOOKS, old, new)]) == {LOOKS: "landed"}
            assert server.count(FETCH) == 0
            old = new
            assert ours.tip(LOOKS) == mirror(server.url(), tmp_path / "state").tip(LOOKS) == new
        assert not ours.refresh()
    assert git(bare, "rev-parse", LOOKS) == old


@pytest.mark.parametrize("odd", ["blob", "tree", "tag", "below"])
def test_junk_where_looks_are_kept_does_not_stop_the_rest(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path, odd: str
) -> None:
    ours = mirror(bare, tmp_path / "state")
    put_beside(bare, LOOKS)
    ours.refresh()
    git(bare, "tag", "--annotate", "--message=x", "v1", "main")
    thing = git(bare, "rev-parse", {"blob": f"main:{PATH}", "tree": "main^{tree}", "tag": "v1", "below": "main"}[odd])
    git(bare, "update-ref", "-d", LOOKS)
    git(bare, "update-ref", f"{LOOKS}/below" if odd == "below" else LOOKS, thing)
    new = alice.commit({"x": "1"})
    for each in (ours, mirror(bare, tmp_path / "fresh")):
        each.refresh()
        assert not each.refresh()
        assert each.tip("main") == new
        assert each.tip(LOOKS) == (None if odd == "below" else thing)


def test_a_copy_of_what_looks_found_is_no_news_again_and_again(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    put_beside(bare, f"{LOOKS}-saved")
    ours = mirror(bare, tmp_path / "state")
    ours.refresh()
    assert not ours.refresh()
    assert ours.tip(LOOKS) is None


PROPOSED = "updater/staging/model-a"


def test_branches_of_pull_requests_are_heard_of_by_every_refresh_and_forgotten_when_they_are_gone(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    branches = [PROPOSED, "updater/staging/model-b", "updater/staging/%40x"]
    tips = {branch: alice.commit({"note": branch}, branch=branch) for branch in branches}
    alice.commit({"note": "hers"}, branch="updates/staging/model-a")
    assert ours.refresh()
    assert ours.names("updater/") == sorted(branches)
    assert {branch: ours.tip(branch) for branch in branches} == tips
    assert ours.tree(tips[PROPOSED]).read("note") == PROPOSED.encode()
    assert not ours.refresh()
    for branch in branches[1:]:
        alice.delete(branch)
    tips[PROPOSED] = alice.force(gitops.tip(bare), PROPOSED)
    assert ours.refresh()
    assert ours.names("updater/") == [PROPOSED]
    assert ours.tip(PROPOSED) == tips[PROPOSED]
    assert mirror(bare, tmp_path / "state").names("updater/") == [PROPOSED]
    assert not ours.refresh()


def test_what_else_is_kept_on_the_remote_is_neither_heard_of_nor_fetched(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    names = ("refs/updater/pr/7", "refs/pull/7/head", "refs/other/refs/heads/updater/x", "refs/heads/updaters/x")
    others = [put_beside(bare, name, (name,)) for name in names]
    assert not ours.refresh()
    assert ours.names("") == ["main"]
    assert not any(other in ours.objects for other in others)


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "caf\udce9", '"x"', "ü{}"])
def test_a_branch_with_an_odd_name_that_somebody_puts_among_ours_stops_nothing(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path, odd: str
) -> None:
    git(bare, "update-ref", f"refs/heads/updater/{odd}", "main")
    alice.commit({"x": "1"}, branch=PROPOSED)
    ours = mirror(bare, tmp_path / "state")
    ours.refresh()
    heard = ["updater/" + odd] if odd.isprintable() or odd in "\u2028\x85" else []
    assert set(ours.names("updater/")) == {PROPOSED, *heard}
    git(bare, "update-ref", "-d", f"refs/heads/updater/{odd}")
    assert ours.refresh() == bool(heard)
    assert ours.names("updater/") == [PROPOSED]


def test_a_ref_beside_the_branches_may_take_the_place_of_one_above_it(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    put_beside(bare)
    ours.refresh()
    git(bare, "update-ref", "-d", WAITING)
    put_beside(bare, f"{WAITING}/deeper")
    assert ours.refresh()
    assert ours.names("refs/updater/") == [f"{WAITING}/deeper"]


def test_branches_and_other_refs_that_look_like_ours_are_none_of_them(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    for name in ("refs/heads/refs/updater/waiting/test", "refs/tags/updater/waiting/test", "refs/updaters/x"):
        put_beside(bare, name)
    ours = mirror(bare, tmp_path / "state")
    assert not ours.refresh()
    assert ours.names("refs/") == []


@pytest.mark.parametrize(
    "odd", ["refs/updater/waiting/caf\udce9", "refs/updater/waiting/tagged", "refs/updater/waiting/blob"]
)
def test_an_odd_ref_that_somebody_put_beside_the_branches_does_not_stop_the_rest(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path, odd: str
) -> None:
    """A name that is no text, an annotated tag, a file: git has room for all of them there."""
    thing = git(bare, "rev-parse", f"main:{PATH}" if odd.endswith("blob") else "main")
    if odd.endswith("tagged"):
        git(bare, "tag", "--annotate", "--message=x", "v1", "main")
        thing = git(bare, "rev-parse", "v1")
    git(bare, "update-ref", odd, thing)
    put_beside(bare)
    new = alice.commit({"x": "1"})
    ours = mirror(bare, tmp_path / "state")
    ours.refresh()
    assert ours.tip("main") == new
    assert WAITING in ours.names("refs/updater/")


def test_what_a_commit_changed_is_told_against_its_first_parent(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    first = gitops.tip(bare)
    alice.commit({"side": "1"}, branch="side")
    change = alice.commit({PATH: None, "z": "1", "a": "1"})
    merge = alice.merge("side")
    ours = mirror(bare, tmp_path / "state")
    assert ours.changed(change) == ["a", PATH, "z"]
    assert ours.changed(merge) == ["side"]
    assert (ours.parent(merge), ours.parent(first)) == (change, None)
    assert ours.message(change) == "Change\n"


def test_the_newest_commits_are_those_of_the_branch_itself(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    first = gitops.tip(bare)
    alice.commit({"side": "1"}, branch="side")
    second = alice.commit({"x": "1"})
    merge = alice.merge("side")
    ours = mirror(bare, tmp_path / "state")
    assert ours.newest(merge, 9) == [merge, second, first]
    assert ours.newest(merge, 2) == [merge, second]
    assert ours.newest(build(ours), 2) == [build(ours), merge]


OUR_TEXT = "Deploy\n\nUpdater-Environment: staging\n"


def test_the_commits_beyond_a_base_are_told_with_their_parents_newest_first(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    start = gitops.tip(bare)
    deployed = build(ours, OUR_TEXT)
    assert ours.push([Update(PROPOSED, None, deployed)]) == {PROPOSED: "landed"}
    newer = alice.commit({"x": "1"})
    merge = alice.merge("main", PROPOSED)
    fixed = alice.commit({"y": "1"}, "Fix\n\nover lines", PROPOSED)
    ours.refresh()
    told = ours.beyond(newer, fixed)
    assert [(each.commit, each.parents) for each in told] == [
        (fixed, (merge,)), (merge, (deployed, newer)), (deployed, (start,)),
    ]  # fmt: skip
    assert [each.is_ours for each in told] == [False, False, True]
    assert (told[0].message, told[2].message) == ("Fix\n\nover lines\n", OUR_TEXT)
    assert told[2].author == "Updater"
    assert ours.beyond(fixed, newer) == ours.beyond(fixed, fixed) == []
    assert [each.commit for each in ours.beyond(start, newer)] == [newer]


def test_a_commit_is_told_before_its_parents_whatever_time_they_claim(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    start = gitops.tip(bare)
    first = made(bare, Made({"a": "1"}, committed=TEN + 3600))
    left = made(bare, Made({"b": "1"}, parents=[first], committed=TEN - 3600))
    right = made(bare, Made({"c": "1"}, parents=[first]))
    merge = made(bare, Made(parents=[left, right]))
    told = [each.commit for each in mirror(bare, tmp_path / "state").beyond(start, merge)]
    assert (told[0], set(told[1:3]), told[3:]) == (merge, {left, right}, [first])


def test_a_commit_that_was_only_just_built_is_beyond_its_parent(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    built = build(ours, OUR_TEXT)
    assert [each.commit for each in ours.beyond(gitops.tip(bare), built)] == [built]


ROBOT = b"Robot <robot@example.org> 1795176000 +0000"


@pytest.mark.parametrize(
    ("committer", "message", "is_ours"),
    [
        (ROBOT, OUR_TEXT, True),
        (ROBOT, "Merge\n", False),
        (ROBOT, "Speaks of Updater-Environment: staging\n", False),
        (b"Robot <alice@example.org> 1795176000 +0000", OUR_TEXT, False),
        (b"Alice <robot@example.org> 1795176000 +0000", OUR_TEXT, False),
        (b"robot@example.org <Robot> 1795176000 +0000", OUR_TEXT, False),
    ],
)
def test_ours_is_what_our_committer_made_with_our_trailers(
    mirror: OpenMirror, bare: Path, tmp_path: Path, committer: bytes, message: str, is_ours: bool
) -> None:
    start = gitops.tip(bare)
    made(bare, Made({"x": "1"}, message))
    tip = with_people(bare, ROBOT, committer)
    ours = mirror(bare, tmp_path / "state")
    assert [each.is_ours for each in ours.beyond(start, tip)] == [is_ours]


@pytest.mark.parametrize("name", ["Robot.", ' "Robot" '])
def test_what_git_takes_off_a_name_where_it_signs_makes_a_commit_no_less_ours(
    mirror: OpenMirror, bare: Path, tmp_path: Path, name: str
) -> None:
    start = gitops.tip(bare)
    made(bare, Made({"x": "1"}, OUR_TEXT))
    tip = with_people(bare, ROBOT, ROBOT)
    git = mirror(bare, tmp_path / "state").git
    assert [each.is_ours for each in beyond(git, start, tip, Identity(name, "robot@example.org"))] == [True]


def test_a_commit_with_hostile_names_can_be_told(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    start = gitops.tip(bare)
    made(bare, Made({"x": "1"}, f"\x01\x1b[31m%x00{OUR_TEXT}"))
    tip = with_people(bare, "Eve\x1b[2J\u202e".encode() + b"\xff <e@x> 1795176000 +0000", ROBOT)
    (told,) = mirror(bare, tmp_path / "state").beyond(start, tip)
    assert (told.commit, told.parents, told.author) == (tip, (start,), "Eve?[2J?\ufffd")
    assert told.message == f"\x01\x1b[31m%x00{OUR_TEXT}"


@pytest.mark.parametrize("hers", ["-x", "--all", f"{'0' * 40}"])
def test_what_is_no_commit_is_an_error_and_no_option(mirror: OpenMirror, bare: Path, tmp_path: Path, hers: str) -> None:
    ours = mirror(bare, tmp_path / "state")
    with pytest.raises(GitError):
        ours.newest(hers, 1)
    with pytest.raises(GitError):
        ours.beyond(hers, "HEAD")


def put_pulled(bare: Path, number: int, parent: str = "main") -> tuple[str, str]:
    """The head of a pull request whose branch is gone: its newest commit, and the ref that leads to it."""
    name = f"refs/pull/{number}/head"
    commit = git(bare, "commit-tree", "-p", parent, "main^{tree}", stdin=f"Pull request {number}\n".encode())
    git(bare, "update-ref", name, commit)
    return commit, name


def test_commits_are_brought_by_their_refs_with_one_listing_and_one_fetch(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        here = gitops.tip(bare)
        pulled = dict(put_pulled(bare, number) for number in range(20))
        server.requests.clear()
        assert ours.bring({**pulled, here: "refs/heads/main"}) == {*pulled, here}
        assert server.count("GET") == 2
        server.requests.clear()
        assert ours.bring({**pulled, here: "refs/heads/gone"}) == {*pulled, here}
        assert server.requests == []
    assert {ours.message(commit) for commit in pulled} == {f"Pull request {number}\n" for number in range(20)}
    assert ours.names("") == ["main"]
    git(ours.git.folder, "gc", "--quiet", "--prune=now")
    assert mirror(bare, tmp_path / "other").bring(pulled) == ours.bring(pulled) == set(pulled)


def test_a_ref_that_is_gone_or_elsewhere_by_now_costs_the_others_nothing(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    ours = mirror(bare, tmp_path / "state")
    (kept, kept_ref), (gone, gone_ref), (old, old_ref) = (put_pulled(bare, number) for number in (1, 2, 3))
    below, _ = put_pulled(bare, 4)
    above, above_ref = put_pulled(bare, 4, below)
    git(bare, "update-ref", "-d", gone_ref)
    new = git(bare, "commit-tree", "main^{tree}", stdin=b"Forced\n")
    git(bare, "update-ref", old_ref, new)
    wanted = {kept: kept_ref, gone: gone_ref, old: old_ref, below: above_ref}
    assert ours.bring(wanted) == {kept, below}
    with GitServer(bare.parent) as server:
        git(ours.git.folder, "remote", "set-url", "origin", server.url())
        assert ours.bring(wanted) == {kept, below}
        assert server.count("GET") == 1  # a listing; there is nothing to fetch again
        assert ours.bring({above: above_ref, below: above_ref, gone: gone_ref}) == {above, below}


def test_two_refs_of_one_commit_are_brought_together(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    below, name = put_pulled(bare, 1)
    above, _ = put_pulled(bare, 1, below)
    git(bare, "update-ref", "refs/pull/2/head", above)
    assert ours.bring({below: name, above: "refs/pull/2/head"}) == {below, above}


@pytest.mark.parametrize(
    "name",
    [
        "pull/7/head", "--all", "refs/pull/*/head", "refs/pull/7/head:refs/heads/main", "+refs/pull/7/head",
        "refs/", "refs/\0", "refs/\ud800",
    ],
)  # fmt: skip
def test_only_whole_names_of_single_refs_are_fetched(mirror: OpenMirror, bare: Path, tmp_path: Path, name: str) -> None:
    ours = mirror(bare, tmp_path / "state")
    commit, _ = put_pulled(bare, 7)
    assert ours.bring({commit: name}) == frozenset()
    assert ours.tip("main") == gitops.tip(bare)


@pytest.mark.parametrize("id", ["", "main", "../../HEAD", "a" * 39, "g" * 40, f"{'a' * 40}\n"])
def test_what_is_no_id_of_a_commit_is_never_here(mirror: OpenMirror, bare: Path, tmp_path: Path, id: str) -> None:
    assert mirror(bare, tmp_path / "state").bring({id: "refs/heads/main"}) == frozenset()


def test_a_remote_that_does_not_answer_is_told_where_something_is_to_be_brought(
    mirror: OpenMirror, bare: Path, tmp_path: Path
) -> None:
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        commit, name = put_pulled(bare, 7)
        server.stop()
        with pytest.raises(RemoteUnavailable):
            ours.bring({commit: name})


def test_a_commit_whose_people_have_no_date_can_be_read(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    made(bare, Made({PATH: "images: [x]\n"}, "Never"))
    odd = with_people(bare, b"a <a@b> never", b"b <b@b> never")
    ours.refresh()
    assert ours.tree(odd).read(PATH) == b"images: [x]\n"
    assert ours.message(odd) == "Never"


def test_commits_may_stand_on_each_other_before_they_are_pushed(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    first = build(ours)
    second = ours.build(first, {"base/model-a/service.yaml": b"kind: Other\n"}, "Second\n", NOON)
    assert ours.tree(second).read(PATH) == b"images: [new]\n"
    old = ours.tip("main") or ""
    assert ours.push([Update("main", old, second)]) == {"main": "landed"}
    assert git(bare, "log", "--format=%s", "main").splitlines() == ["Second", "Deploy", "Start"]
    git(bare, "fsck", "--strict")


def signing_key(folder: Path) -> tuple[Path, Path]:
    """A git configuration that signs with a new SSH key, and the file of the signers it allows."""
    key = folder / "key"
    subprocess.run([components.require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers = folder / "signers"
    signers.write_text(f"robot@example.org {key.with_suffix('.pub').read_text()}")
    settings = folder / "gitconfig"
    settings.write_text(
        f"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = {key}\n[commit]\n\tgpgSign = true\n"
        f'[gpg "ssh"]\n\tallowedSignersFile = {signers}\n'
        "[log]\n\tshowSignature = true\n[i18n]\n\tcommitEncoding = latin1\n"
    )
    return settings, signers


def test_commits_are_signed_where_gits_configuration_asks_for_it(
    mirror: OpenMirror, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, signers = signing_key(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    ours = mirror(bare, tmp_path / "state")
    first = build(ours)
    second = ours.build(first, {"base/model-a/service.yaml": b"kind: Other\n"}, "Second ü", NOON)
    ours.push([Update("main", gitops.tip(bare), second)])
    verify = ("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", first, second)
    git(bare, *verify)
    logged = log.log(ours.git, second, PATH)
    assert [commit.sha for commit in logged] == [first, git(bare, "rev-parse", "main~2")]
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    told = git(bare, "log", "-1", "--format=%an <%ae> %at%n%cn <%ce> %ct%n%B", second)
    seconds = int(NOON.timestamp())
    people = [f"Updater <updater@example.org> {seconds}", f"Robot <robot@example.org> {seconds}"]
    assert told.splitlines() == [*people, "Second ü"]
    assert gitops.show(bare, PATH) == "images: [new]"


def test_a_signature_that_cannot_be_made_stops_the_commit(
    mirror: OpenMirror, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = signing_key(tmp_path)
    (tmp_path / "key").unlink()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    ours = mirror(bare, tmp_path / "state")
    with pytest.raises(GitError, match="commit-tree"):
        build(ours)


def test_commits_are_not_signed_by_themselves(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    ours = mirror(bare, tmp_path / "state")
    built = build(ours)
    ours.objects.flush()
    assert "gpgsig" not in git(ours.git.folder, "cat-file", "commit", built)


HOSTILE_SETTINGS = """
[push]
    followTags = true
    gpgSign = true
    pushOption = nothing
    recurseSubmodules = check
    default = nothing
[fetch]
    prune = true
    pruneTags = true
    recurseSubmodules = true
[clone]
    defaultRemoteName = upstream
[log]
    showSignature = true
[i18n]
    commitEncoding = latin1
    logOutputEncoding = latin1
[safe]
    bareRepository = explicit
[remote]
    pushDefault = elsewhere
"""


def test_a_persons_own_git_settings_do_not_disturb(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    for name in ("pre-push", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        gitops.hook(tmp_path, name, f"touch {tmp_path}/hook-ran; exit 1")
    templates = tmp_path / "templates"
    shutil.copytree(hooks, templates / "hooks")
    settings = tmp_path / "gitconfig"
    settings.write_text(f"{HOSTILE_SETTINGS}[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {templates}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with GitServer(bare.parent) as server:
        ours = mirror(server.url(), tmp_path / "state")
        with monkeypatch.context() as patch:
            patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
            new = alice.commit({"x": "1"}, "Ä")
        assert ours.refresh()
        ours.git.check("-c", "user.name=x", "-c", "user.email=x@example.org", "tag", "--message=x", "v1", new)
        assert log.log(ours.git, new, "x")[0].message == "Ä\n"
        assert ours.push([Update("main", new, build(ours, "Deploy ü\n"))]) == {"main": "landed"}
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    assert git(bare, "log", "-1", "--format=%s", "main") == "Deploy ü"
    assert git(bare, "tag") == ""
    assert not (tmp_path / "hook-ran").exists()


def test_a_mirror_without_its_parts_is_made_again(mirror: OpenMirror, bare: Path, tmp_path: Path) -> None:
    for part in ("HEAD", "config"):
        (mirror(bare, tmp_path / "state").git.folder / part).unlink()
        assert mirror(bare, tmp_path / "state").tip("main") == gitops.tip(bare)


def test_a_fetch_that_another_process_overtakes_in_the_mirror_is_made_again(
    mirror: OpenMirror, bare: Path, alice: Person, tmp_path: Path
) -> None:
    """A push from the same mirror moves its branch between the fetch's look at it and its own move."""
    ours = mirror(bare, tmp_path / "state")
    alice.commit({"x": "1"})
    lock = ours.git.folder / "refs/heads/main.lock"
    lock.touch()
    rival = threading.Timer(0.3, lock.unlink)
    rival.start()
    try:
        ours.refresh()
    finally:
        rival.join()
    assert ours.tip("main") == gitops.tip(bare)
