"""The forge built in, beyond what every forge does: what stands in the repository, and who may have meddled with it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.helpers import components, gitops
from tests.helpers.events import NOON
from tests.helpers.forge_stands import FIRST, LocalStand, connection
from tests.helpers.gitops import git
from updater.core import heads
from updater.errors import ForgeError, ForgeRefused, ForgeUnavailable, UsageError
from updater.forge import Draft, Edit, Forge, Method, PullRequest, Status
from updater.forges import local

HEAD = "updater/staging/model-a"
STORY, LOCK = "refs/updater/pr/1", "refs/updater/open/staging/model-a"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def stand(tmp_path: Path) -> LocalStand:
    return LocalStand(tmp_path)


def proposed(stand: LocalStand, head: str = HEAD, value: str = "2") -> PullRequest:
    commit = stand.push(head, {"a.yaml": f"a: {value}\n"})
    return stand.forge.open(Draft(head, "main", commit, "Deploy 1.4.0", "text\n"))


def refs(stand: LocalStand, *patterns: str) -> list[str]:
    return git(stand.bare, "for-each-ref", "--format=%(refname)", *(patterns or ("refs/pull", "refs/updater"))).split()


def interrupted(stand: LocalStand, *rivals: Callable[[], object]) -> Forge:
    """The forge, where somebody does something each time that it has read, and is about to write."""
    waiting = list(rivals)

    def now() -> datetime:
        if waiting:
            waiting.pop(0)()
        return NOON

    return local.connect(replace(connection(str(stand.bare)), now=now))


# Where it is.


def test_a_repository_with_a_work_tree_is_refused_with_a_hint(tmp_path: Path) -> None:
    bare = gitops.remote(tmp_path / "bare.git", FIRST)
    git(tmp_path, "clone", "--quiet", str(bare), "tree")
    for folder in (tmp_path / "tree", tmp_path / "tree" / ".git"):
        with pytest.raises(UsageError, match="work tree") as raised:
            local.connect(connection(str(folder)))
        assert "git clone --bare" in (raised.value.hint or "")
        assert f"{tmp_path / 'tree'}.git" in (raised.value.hint or "")


@pytest.mark.parametrize("place", ["nothing-there", "folder", "file"])
def test_a_path_without_a_repository_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="no git repository"):
        local.connect(connection(str(tmp_path / place)))


@pytest.mark.parametrize("url", ["https://git.example/x.git", "git@git.example:x.git", "file://elsewhere/x.git"])
def test_a_repository_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="on this machine"):
        local.connect(connection(url))


def test_a_repository_is_found_by_its_url_and_without_its_ending(stand: LocalStand) -> None:
    number = proposed(stand).number
    for place in (f"file://{stand.bare}", f"file://localhost{stand.bare}", str(stand.bare).removesuffix(".git")):
        assert [each.number for each in local.connect(connection(place)).opened()] == [number]


def test_a_path_with_a_blank_is_found_by_its_url(tmp_path: Path) -> None:
    gitops.remote(tmp_path / "git ops.git", FIRST)
    assert local.connect(connection(f"file://{tmp_path}/git%20ops.git")).opened() == []


def test_git_needs_no_credentials_here(stand: LocalStand) -> None:
    assert stand.forge.credentials() is None
    stand.forge.close()


# What stands in the repository.


def test_everything_is_in_refs_that_a_copy_has_as_well(stand: LocalStand, tmp_path: Path) -> None:
    opened = proposed(stand)
    assert refs(stand) == ["refs/pull/1/head", LOCK, STORY]
    git(tmp_path, "clone", "--quiet", "--mirror", str(stand.bare), "copy.git")
    [found] = local.connect(connection(str(tmp_path / "copy.git"))).opened()
    assert found == replace(opened, readiness="ready")


def test_the_log_of_its_ref_is_the_story_of_a_pull_request(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.forge.edit(1, Edit(title="Deploy 1.5.0", labels=["urgent"]))
    stand.acting("bob").edit(1, Edit(comment="Why?\nI wonder"))
    stand.acting("alice").approve(1, opened.commit)
    stand.acting("alice").edit(1, Edit(state="closed"))
    stand.acting("alice").edit(1, Edit(state="open"))
    stand.acting("alice").merge(1, opened.commit, None)
    assert git(stand.bare, "log", "--reverse", "--format=%s", STORY).splitlines() == [
        "updater opened #1: Deploy 1.4.0",
        "updater changed title, labels of #1",
        "bob commented on #1",
        f"alice approved #1 at {opened.commit[:12]}",
        "alice closed #1",
        "alice reopened #1",
        f"alice merged #1 as {stand.tip('main')[:12]}",
    ]
    assert "Why?\nI wonder" in git(stand.bare, "log", "--format=%b", STORY)
    assert set(git(stand.bare, "log", "--format=%an", STORY).split()) == {"updater", "alice", "bob"}
    assert refs(stand) == ["refs/pull/1/head", STORY, "refs/updater/settled/staging/model-a/1"]


def test_what_is_there_already_is_not_written_again(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.acting("alice").approve(1, opened.commit)
    before = git(stand.bare, "rev-parse", STORY)
    stand.forge.edit(1, Edit(title="Deploy 1.4.0", body="text\n", base="main", state="open"))
    stand.acting("alice").approve(1, opened.commit)
    stand.forge.open(Draft(HEAD, "main", opened.commit, "", ""))
    assert git(stand.bare, "rev-parse", STORY) == before


def test_a_service_of_any_name_has_a_pull_request(stand: LocalStand) -> None:
    branches = [heads.head("staging", name) for name in ("a b", "..", "x.lock", "@{1}", "~^:?*[\\", "ü", "-", "%20")]
    branches += [heads.shared("staging", heads.ALL), heads.shared("st:aging", heads.SETTINGS)]
    for head in branches:
        stand.push(head, {"a.yaml": f"a: {head}\n"})
        stand.forge.open(Draft(head, "main", "", "x", ""))
    assert [each.head for each in stand.forge.opened()] == branches
    stand.forge.edit(3, Edit(state="closed"))
    assert [each.number for each in stand.forge.settled(branches)] == [3]


def test_an_open_one_without_its_branch_stays_open_and_can_be_merged(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.delete(HEAD)
    assert [(each.commit, each.readiness) for each in stand.forge.opened()] == [(opened.commit, "ready")]
    stand.forge.merge(1, opened.commit, None)
    assert stand.show("main", "a.yaml") == "a: 2\n"


def test_a_closed_one_without_its_branch_is_reopened_with_it(stand: LocalStand) -> None:
    proposed(stand)
    newest = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    stand.forge.edit(1, Edit(state="closed"))
    stand.delete(HEAD)
    stand.acting("alice").edit(1, Edit(state="open"))
    assert stand.tip(HEAD) == newest
    assert [each.commit for each in stand.forge.opened()] == [newest]


def test_a_closed_one_whose_branch_moved_on_is_reopened_as_it_is_now(stand: LocalStand) -> None:
    proposed(stand)
    stand.forge.edit(1, Edit(state="closed"))
    newest = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    assert [each.commit for each in stand.forge.settled([HEAD])] != [newest]
    stand.forge.edit(1, Edit(state="open"))
    assert [each.commit for each in stand.forge.opened()] == [newest]
    assert git(stand.bare, "rev-parse", "refs/pull/1/head") == newest


def test_one_whose_commits_are_gone_is_not_reopened(stand: LocalStand) -> None:
    proposed(stand)
    stand.forge.edit(1, Edit(state="closed"))
    stand.delete(HEAD)
    git(stand.bare, "update-ref", "-d", "refs/pull/1/head")
    with pytest.raises(ForgeRefused, match="neither its branch nor its commits"):
        stand.forge.edit(1, Edit(state="open"))


def test_one_that_has_nothing_to_merge_any_more_is_not_reopened(stand: LocalStand) -> None:
    proposed(stand)
    stand.forge.edit(1, Edit(state="closed"))
    stand.person.merge(HEAD)
    with pytest.raises(ForgeRefused, match="nothing in"):
        stand.forge.edit(1, Edit(state="open"))


def test_one_for_another_base_is_refused_while_one_is_open(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.push("release", {"b.yaml": "b: 2\n"})
    with pytest.raises(ForgeRefused, match="#1 is open"):
        stand.forge.open(Draft(HEAD, "release", opened.commit, "x", ""))


def test_a_base_in_which_the_head_is_contained_is_refused(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.push("release", {"b.yaml": "b: 2\n"}, since=opened.commit)
    with pytest.raises(ForgeRefused, match="nothing in"):
        stand.forge.edit(1, Edit(base="release"))


def test_the_base_of_a_settled_one_stays(stand: LocalStand) -> None:
    proposed(stand)
    stand.push("release", {"b.yaml": "b: 2\n"})
    stand.forge.edit(1, Edit(state="closed"))
    with pytest.raises(ForgeRefused, match="its base cannot be changed"):
        stand.forge.edit(1, Edit(base="release"))


def test_without_its_base_nothing_is_known_and_nothing_merged(stand: LocalStand) -> None:
    stand.push("release", {"b.yaml": "b: 2\n"})
    opened = proposed(stand)
    stand.forge.edit(1, Edit(base="release"))
    stand.delete("release")
    assert [each.readiness for each in stand.forge.opened()] == ["unknown"]
    with pytest.raises(ForgeRefused, match="no branch release"):
        stand.forge.merge(1, opened.commit, None)


def test_an_approval_of_what_is_not_there_any_more_is_refused(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.push(HEAD, {"a.yaml": "a: 3\n"})
    with pytest.raises(ForgeRefused, match="by now"):
        stand.acting("alice").approve(1, opened.commit)


@pytest.mark.parametrize(
    ("title", "body", "reason"),
    [("x", "x" * 65_537, "characters"), ("x" * 1001, "", "characters"), (" \n", "", "needs a title")],
)
def test_what_could_not_be_read_again_is_not_written(stand: LocalStand, title: str, body: str, reason: str) -> None:
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    with pytest.raises(ForgeRefused, match=reason):
        stand.forge.open(Draft(HEAD, "main", commit, title, body))
    assert refs(stand) == []


def test_a_title_and_a_text_of_any_characters_are_kept(stand: LocalStand) -> None:
    commit = stand.push(HEAD, {"a.yaml": "a: 2\n"})
    stand.forge.open(Draft(HEAD, "main", commit, "a\nb\x1b[2Jc\ud800", "x\0y\ud800\r\n"))
    [found] = stand.forge.opened()
    assert (found.title, found.body) == ("a?b?[2Jc?", "xy?\r\n")
    stand.forge.merge(1, commit, None)
    assert git(stand.bare, "log", "-1", "--format=%b", "main") == "a?b?[2Jc?"


def test_of_many_long_comments_the_newest_are_kept(stand: LocalStand) -> None:
    proposed(stand)
    for number in range(22):
        stand.forge.edit(1, Edit(comment=f"{number} " + "x" * 5000))
    kept = json.loads(git(stand.bare, "show", f"{STORY}:pull-request.json"))["comments"]
    assert [each["text"].split()[0] for each in kept] == [str(number) for number in range(2, 22)]
    assert {len(each["text"]) for each in kept} == {4000}


# Merging.


def test_a_merge_says_what_it_merges_and_who_did_it(stand: LocalStand) -> None:
    before, opened = stand.tip("main"), proposed(stand)
    stand.acting("alice").merge(1, opened.commit, "merge")
    told = git(stand.bare, "log", "-1", "--format=%P|%an|%cn|%B", "main")
    assert told == f"{before} {opened.commit}|alice|alice|Merge pull request #1 from {HEAD}\n\nDeploy 1.4.0"


def test_a_squash_has_the_title_and_what_the_commits_say(stand: LocalStand) -> None:
    commit = stand.person.commit({"a.yaml": "a: 2\n"}, "Deploy\n\nwhy\n\nUpdater-Service: model-a", HEAD)
    stand.forge.open(Draft(HEAD, "main", commit, "Deploy 1.4.0", "text"))
    stand.forge.merge(1, commit, "squash")
    told = git(stand.bare, "log", "-1", "--format=%B", "main")
    assert told == "Deploy 1.4.0 (#1)\n\nwhy\n\nUpdater-Service: model-a"
    assert git(stand.bare, "log", "-1", "--format=%(trailers:only)", "main") == "Updater-Service: model-a"


def test_a_squash_of_several_commits_lists_them(stand: LocalStand) -> None:
    stand.person.commit({"a.yaml": "a: 2\n"}, "One\n\nwhy", HEAD)
    commit = stand.person.commit({"b.yaml": "b: 2\n"}, "Two", HEAD)
    stand.forge.open(Draft(HEAD, "main", commit, "Deploy 1.4.0", "text"))
    stand.forge.merge(1, commit, "squash")
    assert git(stand.bare, "log", "-1", "--format=%B", "main") == "Deploy 1.4.0 (#1)\n\n* One\n\nwhy\n\n* Two"


def test_a_rebase_keeps_the_commits_and_their_authors(stand: LocalStand) -> None:
    stand.person.commit({"a.yaml": "a: 2\n"}, "One\n\nwhy", HEAD)
    stand.person.commit({"a.yaml": "a: 1\n"}, "Take it back", HEAD)
    commit = stand.person.commit({"b.yaml": "b: 2\n"}, "Two", HEAD)
    before = stand.push("main", {"c.yaml": "c: 2\n"})
    stand.forge.open(Draft(HEAD, "main", commit, "Deploy 1.4.0", "text"))
    stand.forge.merge(1, commit, "rebase")
    told = git(stand.bare, "log", "--reverse", "--format=%s|%an|%cn", f"{before}..main").splitlines()
    assert told == ["One|alice|updater", "Take it back|alice|updater", "Two|alice|updater"]
    assert [git(stand.bare, "show", f"main~{age}:a.yaml") for age in (2, 1, 0)] == ["a: 2", "a: 1", "a: 1"]
    assert git(stand.bare, "diff", "--name-only", before, "main") == "b.yaml"


def test_a_head_with_a_merge_in_it_is_not_rebased(stand: LocalStand) -> None:
    proposed(stand)
    stand.push("main", {"c.yaml": "c: 2\n"})
    commit = stand.person.merge("main", HEAD)
    with pytest.raises(ForgeRefused, match="has a merge"):
        stand.forge.merge(1, commit, "rebase")
    stand.forge.merge(1, commit, "squash")
    assert stand.show("main", "a.yaml") == "a: 2\n"


def test_readiness_follows_the_branches(stand: LocalStand) -> None:
    proposed(stand)
    seen = [stand.forge.opened()[0].readiness]
    for branch, value in (("main", "9"), ("main", "1"), (HEAD, "1"), (HEAD, "4")):
        stand.push(branch, {"a.yaml": f"a: {value}\n"})
        seen += [stand.forge.opened()[0].readiness]
    assert seen == ["ready", "conflicting", "ready", "ready", "ready"]


def test_looking_leaves_nothing_in_the_repository(stand: LocalStand) -> None:
    proposed(stand)
    stand.push("main", {"b.yaml": "b: 2\n"})
    before = git(stand.bare, "count-objects"), refs(stand)
    assert [each.readiness for each in stand.forge.opened()] == ["ready"]
    assert (git(stand.bare, "count-objects"), refs(stand)) == before


def test_a_branch_without_a_history_in_common_stops_nobody(stand: LocalStand) -> None:
    proposed(stand)
    tree = git(stand.bare, "rev-parse", "main^{tree}")
    orphan = git(stand.bare, "commit-tree", "-m", "x", tree)
    git(stand.bare, "update-ref", "refs/heads/updater/staging/orphan", orphan)
    stand.forge.open(Draft("updater/staging/orphan", "main", orphan, "x", ""))
    stand.push("main", {"b.yaml": "b: 2\n"})
    assert [each.readiness for each in stand.forge.opened()] == ["ready", "conflicting"]


@pytest.mark.parametrize("way", ["merge", "fast-forward", "branch deleted"])
def test_what_somebody_merges_by_git_counts_as_merged(stand: LocalStand, way: str) -> None:
    opened = proposed(stand)
    if way == "fast-forward":
        made = stand.person.force(opened.commit, "main")
    else:
        stand.push("main", {"b.yaml": "b: 2\n"})
        made = stand.person.merge(HEAD)
    if way == "branch deleted":
        stand.delete(HEAD)
    stand.push("main", {"c.yaml": "c: 2\n"})
    assert stand.forge.opened() == []
    [found] = stand.forge.settled([HEAD])
    assert (found.state, found.closed_by, found.merged_as, found.commit) == ("merged", "alice", made, opened.commit)


def test_what_somebody_merged_by_git_stays_merged_when_the_branch_moves_on(stand: LocalStand) -> None:
    opened = proposed(stand)
    stand.person.merge(HEAD)
    assert [each.number for each in stand.forge.settled([HEAD])] == [1]
    newest = stand.push(HEAD, {"a.yaml": "a: 3\n"})
    assert stand.forge.opened() == []
    assert stand.forge.open(Draft(HEAD, "main", newest, "x", "")).number == 2
    assert [each.commit for each in stand.forge.settled([HEAD])] == [opened.commit]


def test_who_acts_on_what_somebody_merged_by_git_is_told(stand: LocalStand) -> None:
    proposed(stand)
    stand.person.merge(HEAD)
    with pytest.raises(ForgeRefused, match="merged already"):
        stand.forge.edit(1, Edit(state="closed"))
    assert [each.state for each in stand.forge.settled([HEAD])] == ["merged"]


def test_a_new_one_is_opened_after_somebody_merged_the_last_one_by_git(stand: LocalStand) -> None:
    proposed(stand)
    stand.person.merge(HEAD)
    stand.push("main", {"a.yaml": "a: 1\n"})
    git(stand.bare, "update-ref", "refs/heads/release", stand.tip("main") + "~2")
    opened = stand.forge.open(Draft(HEAD, "release", "", "x", ""))
    assert opened.number == 2


def test_that_somebody_merged_by_git_is_told_although_it_cannot_be_written(stand: LocalStand) -> None:
    proposed(stand)
    stand.person.merge(HEAD)
    (stand.bare / f"{STORY}.lock").touch()
    assert stand.forge.opened() == []
    assert [each.state for each in stand.forge.settled([HEAD])] == ["merged"]
    assert LOCK in refs(stand)


# Others at the same time.


def test_a_base_that_moves_while_we_merge_is_merged_again(stand: LocalStand) -> None:
    opened = proposed(stand)
    forge = interrupted(stand, lambda: stand.push("main", {"b.yaml": "b: 2\n"}))
    assert forge.merge(1, opened.commit, None) == "merged"
    assert (stand.show("main", "a.yaml"), stand.show("main", "b.yaml")) == ("a: 2\n", "b: 2\n")


def test_a_head_that_moves_while_we_merge_is_not_merged(stand: LocalStand) -> None:
    opened, before = proposed(stand), stand.tip("main")
    forge = interrupted(stand, lambda: stand.push(HEAD, {"a.yaml": "a: 3\n"}))
    with pytest.raises(ForgeRefused, match="by now"):
        forge.merge(1, opened.commit, None)
    assert stand.tip("main") == before


def test_one_that_is_closed_while_we_merge_is_not_merged(stand: LocalStand) -> None:
    opened, before = proposed(stand), stand.tip("main")
    forge = interrupted(stand, lambda: stand.acting("alice").edit(1, Edit(state="closed")))
    with pytest.raises(ForgeRefused, match="it is closed"):
        forge.merge(1, opened.commit, None)
    assert stand.tip("main") == before


def test_a_number_that_somebody_takes_first_is_theirs(stand: LocalStand) -> None:
    stand.push(HEAD, {"a.yaml": "a: 2\n"})
    forge = interrupted(stand, lambda: proposed(stand, "updater/staging/model-b"))
    assert forge.open(Draft(HEAD, "main", "", "x", "")).number == 2


def test_who_opens_the_same_one_first_has_opened_it(stand: LocalStand) -> None:
    stand.push(HEAD, {"a.yaml": "a: 2\n"})
    forge = interrupted(stand, lambda: stand.acting("bob").open(Draft(HEAD, "main", "", "bob's", "")))
    assert forge.open(Draft(HEAD, "main", "", "ours", "", labels=["x"])).title == "bob's"
    assert [each.labels for each in stand.forge.opened()] == [{"x"}]


def test_a_number_is_not_given_again_when_a_ref_is_gone(stand: LocalStand) -> None:
    proposed(stand)
    for ref in ("refs/pull/1/head", LOCK):
        git(stand.bare, "update-ref", "-d", ref)
    assert proposed(stand).number == 2


WORK = """
import sys
from tests.helpers.forge_stands import connection
from updater.forge import Draft, Edit, Status
from updater.forges import local
from tests.helpers.events import NOON

bare, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
forge = local.connect(connection(bare, name))
for number in range(count):
    print(forge.open(Draft(f"updater/{name}/s{number}", "main", "", f"{name} {number}", "")).number)
    forge.edit(1, Edit(comment=f"{name} {number}", labels=[f"{name}-{number}"]))
    forge.report(sys.argv[4], Status(f"{name}/{number}", "success", NOON))
"""


@pytest.mark.slow
def test_processes_that_work_at_the_same_time_lose_nothing_and_share_no_number(stand: LocalStand) -> None:
    processes, each = 5, 4
    first = proposed(stand)
    commit = stand.push("work", {"a.yaml": "a: 5\n"})
    branches = [f"updater/p{process}/s{number}" for process in range(processes) for number in range(each)]
    git(
        stand.bare,
        "update-ref",
        "--stdin",
        stdin="".join(f"create refs/heads/{b} {commit}\n" for b in branches).encode(),
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(stand.bare), f"p{process}", str(each), commit],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ,
        )
        for process in range(processes)
    ]  # fmt: skip
    told = [int(line) for process in started for line in process.communicate()[0].split()]
    assert [process.returncode for process in started] == [0] * processes
    opened = stand.forge.opened()
    assert sorted(told) == list(range(2, 2 + processes * each))
    assert [found.number for found in opened] == list(range(1, 2 + processes * each))
    assert {found.head for found in opened} == {first.head, *branches}
    assert len(opened[0].labels) == processes * each
    assert len(stand.forge.statuses([commit])[commit]) == processes * each
    comments = git(stand.bare, "log", "--format=%b", STORY).split("\n")
    assert len([line for line in comments if line.startswith("p")]) == processes * each


# What others may have put there.


def blob(stand: LocalStand, content: bytes) -> str:
    return git(stand.bare, "hash-object", "-w", "--stdin", stdin=content)


def commit_of(stand: LocalStand, content: bytes, name: str = "pull-request.json") -> str:
    tree = git(stand.bare, "mktree", stdin=f"100644 blob {blob(stand, content)}\t{name}\n".encode())
    return git(stand.bare, "commit-tree", "-m", "x", tree)


def changed(**values: object) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), **values}).encode()


JUNK: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "no JSON": lambda content: content[:-10],
    "no UTF-8": lambda content: b"\xff" + content,
    "no object": lambda _: b"[]",
    "deep": lambda _: b"[" * 100_000,
    "long": lambda content: content + b" " * (1 << 20),
    "lacking": lambda _: b'{"number": 1}',
    "a number as text": changed(number="1"),
    "a number that is none": changed(number=True),
    "a huge number": lambda content: content.replace(b'"number": 1', b'"number": ' + b"9" * 5000),
    "another state": changed(state="gone"),
    "a state that is no text": changed(state=["open"]),
    "settled": changed(state="closed"),
    "another head": changed(head="updater/staging/model-x"),
    "a head that is not ours": changed(head="main"),
    "a head of two lines": changed(head="updater/staging/model-a\ncreate refs/heads/x"),
    "no commit": changed(commit="HEAD"),
    "a long text": changed(body="x" * 65_537),
    "a time without an offset": changed(opened_at="2026-11-20T10:00:00"),
    "a time beyond all": changed(opened_at="0001-01-01T00:00:00+23:59"),
    "labels of another kind": changed(labels=[["x"]]),
    "approvals of another kind": changed(approvals=["alice"]),
    "comments of another kind": changed(comments={"a": 1}),
}


@pytest.mark.parametrize("kind", JUNK)
def test_junk_in_a_ref_does_not_hide_the_others(stand: LocalStand, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    proposed(stand)
    proposed(stand, "updater/staging/model-b")
    content = git(stand.bare, "show", f"{LOCK}:pull-request.json").encode()
    git(stand.bare, "update-ref", LOCK, commit_of(stand, JUNK[kind](content)))
    with caplog.at_level(logging.WARNING):
        assert [each.number for each in stand.forge.opened()] == [2]
    assert LOCK in caplog.text
    with pytest.raises(ForgeRefused, match="no pull request that can be read"):
        stand.forge.open(Draft(HEAD, "main", "", "x", ""))


@pytest.mark.parametrize("ref", [LOCK, "refs/updater/settled/staging/model-a/7"])
@pytest.mark.parametrize("kind", ["blob", "tree", "empty commit"])
def test_a_ref_to_something_else_does_not_hide_the_others(stand: LocalStand, ref: str, kind: str) -> None:
    things = {
        "blob": blob(stand, b"x"),
        "tree": git(stand.bare, "rev-parse", "main^{tree}"),
        "empty commit": stand.tip("main"),
    }
    git(stand.bare, "update-ref", ref, things[kind])
    proposed(stand, "updater/staging/model-b")
    assert [each.number for each in stand.forge.opened()] == [1]
    stand.forge.edit(1, Edit(state="closed"))
    assert [each.number for each in stand.forge.settled([HEAD, "updater/staging/model-b"])] == [1]


def test_a_head_that_is_no_commit_does_not_hide_the_others(stand: LocalStand, caplog: pytest.LogCaptureFixture) -> None:
    proposed(stand)
    proposed(stand, "updater/staging/model-b")
    git(stand.bare, "update-ref", "refs/pull/1/head", blob(stand, b"x"))
    stand.delete(HEAD)
    with caplog.at_level(logging.WARNING):
        assert [each.number for each in stand.forge.opened()] == [2]
    assert "neither its branch" in caplog.text


def test_a_settled_one_under_another_number_is_not_told(stand: LocalStand) -> None:
    proposed(stand)
    stand.forge.edit(1, Edit(state="closed"))
    git(stand.bare, "update-ref", "refs/updater/settled/staging/model-a/9", STORY)
    git(stand.bare, "update-ref", "refs/updater/settled/staging/model-a/x", STORY)
    assert [each.number for each in stand.forge.settled([HEAD])] == [1]


def test_a_story_that_cannot_be_read_is_told(stand: LocalStand) -> None:
    proposed(stand)
    git(stand.bare, "update-ref", STORY, commit_of(stand, b"{}"))
    with pytest.raises(ForgeRefused, match="refs/updater/pr/1 is no pull request"):
        stand.forge.edit(1, Edit(title="x"))


def test_a_ref_in_the_way_is_told_at_once(stand: LocalStand) -> None:
    git(stand.bare, "update-ref", "refs/updater/open/staging", "main")
    stand.push(HEAD, {"a.yaml": "a: 2\n"})
    with pytest.raises(ForgeRefused, match="refs/updater/open/staging' exists"):
        stand.forge.open(Draft(HEAD, "main", "", "x", ""))


def test_a_lock_that_was_left_over_is_told_with_its_file(stand: LocalStand) -> None:
    proposed(stand)
    (stand.bare / f"{STORY}.lock").touch()
    with pytest.raises(ForgeUnavailable, match=r"pr/1\.lock") as raised:
        stand.forge.edit(1, Edit(title="x"))
    assert "delete" in (raised.value.hint or "")


@pytest.mark.parametrize(
    "content", [b"{}", b"[", b'{"statuses": [{"context": "x"}]}', b'{"statuses": 1}', b" " * (1 << 21)]
)
def test_statuses_that_cannot_be_read_are_left_out_and_written_over(stand: LocalStand, content: bytes) -> None:
    commit, other = stand.tip("main"), stand.push("main", {"a.yaml": "a: 3\n"})
    stand.forge.report(other, Status("smoke", "success", NOON))
    git(stand.bare, "update-ref", f"refs/updater/status/{commit}", commit_of(stand, content, "statuses.json"))
    assert stand.forge.statuses([commit, other]).keys() == {other}
    stand.forge.report(commit, Status("smoke", "failure", NOON))
    assert [each.state for each in stand.forge.statuses([commit])[commit]] == ["failure"]


@pytest.mark.parametrize("commit", ["main", "HEAD", "", "x\ny", "main:a.yaml"])
def test_statuses_are_those_of_whole_ids_only(stand: LocalStand, commit: str) -> None:
    assert stand.forge.statuses([commit]) == {}
    with pytest.raises(ForgeRefused, match="no commit"):
        stand.forge.report(commit, Status("smoke", "success", NOON))


def test_a_status_that_could_not_be_read_again_is_not_written(stand: LocalStand) -> None:
    commit = stand.tip("main")
    with pytest.raises(ForgeRefused, match="cannot be kept"):
        stand.forge.report(commit, Status("x" * 2000, "success", NOON))
    assert refs(stand) == []


# git itself.


def shim(folder: Path, script: str) -> str:
    """A PATH on which git is a script; `$real` is git itself."""
    file = folder / "bin" / "git"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nreal="{shutil.which("git")}"\n{script}\nexec "$real" "$@"\n')
    file.chmod(0o755)
    return f"{file.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("answer", ["echo 'usage: git merge-tree' >&2; exit 129", "exit 0", "printf '1\\0'; exit 0"])
def test_where_git_cannot_merge_all_else_goes_on(
    stand: LocalStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    opened = proposed(stand)
    stand.push("main", {"b.yaml": "b: 2\n"})
    monkeypatch.setenv("PATH", shim(tmp_path, f'case "$1" in merge-tree) {answer};; esac'))
    assert [each.readiness for each in stand.forge.opened()] == ["unknown"]
    with pytest.raises(ForgeError):
        stand.forge.merge(1, opened.commit, None)
    stand.forge.edit(1, Edit(state="closed"))


def test_a_git_that_does_not_answer_is_not_waited_for(
    stand: LocalStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge = local.connect(replace(connection(str(stand.bare)), seconds=0.05))
    monkeypatch.setenv("PATH", shim(tmp_path, "exec sleep 600"))
    with pytest.raises(ForgeUnavailable):
        forge.opened()
    with pytest.raises(ForgeUnavailable):
        local.connect(replace(connection(str(stand.bare)), seconds=0.05))


def test_without_git_it_says_so(stand: LocalStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        local.connect(connection(str(stand.bare)))


def test_a_look_takes_as_many_processes_for_thirty_as_for_three(
    stand: LocalStand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    counting = shim(tmp_path, f'echo "$*" >> {log}')
    branches = [f"updater/staging/model-{number}" for number in range(30)]
    commit = stand.push("work", {"a.yaml": "a: 5\n"})
    counts: list[int] = []
    for some in (branches[:3], branches[3:]):
        for head in some:
            git(stand.bare, "update-ref", f"refs/heads/{head}", commit)
            stand.forge.open(Draft(head, "main", "", "x", ""))
        stand.push("main", {"b.yaml": f"b: {len(counts)}{len(some)}\n"})
        log.write_text("")
        with monkeypatch.context() as patch:
            patch.setenv("PATH", counting)
            stand.forge.opened()
            stand.forge.settled(branches)
        counts.append(len(log.read_text().splitlines()))
    assert counts[0] == counts[1] <= 14


def test_one_whose_branch_holds_something_else_by_now_is_not_reopened(stand: LocalStand) -> None:
    first = proposed(stand)
    stand.forge.edit(first.number, Edit(state="closed"))
    stand.delete(HEAD)
    second = proposed(stand, value="3")
    stand.forge.edit(second.number, Edit(state="closed"))
    with pytest.raises(ForgeRefused, match=rf"#1 cannot be reopened: {HEAD} is at another commit by now"):
        stand.forge.edit(first.number, Edit(state="open"))
    stand.forge.edit(second.number, Edit(state="open"))
    assert [(each.number, each.commit) for each in stand.forge.opened()] == [(2, second.commit)]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_what_lands_is_signed_where_gits_configuration_asks_for_it(
    stand: LocalStand, method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = proposed(stand)
    key = tmp_path / "key"
    subprocess.run([components.require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f"[gpg]\n\tformat = ssh\n[user]\n\tsigningKey = {key}\n[commit]\n\tgpgSign = true\n[gc]\n\tauto = 0\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    stand.forge.merge(pull.number, pull.commit, method)
    landed, story = (git(stand.bare, "cat-file", "commit", name) for name in ("main", STORY))
    assert ("gpgsig" in landed, "gpgsig" in story) == (True, False)
