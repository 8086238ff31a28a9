"""Pushing against real remotes: other people's work is never overwritten, and what broke off is settled by the refs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.git_server import PUSH, GitServer
from tests.helpers.gitops import NOON, OpenMirror, Person, git
from tests.helpers.processes import git_ends
from updater.adapters.mirror import Mirror
from updater.errors import GitError, PushRefused, RemoteUnavailable
from updater.protocols import PushOutcome, Update

PATH = "overlays/test/model-a/kustomization.yaml"
KILL = "kill -9 $PPID"
ONCE_COMMITTED = 'test "$1" = committed || exit 0; rm "$0"'
"""Lets the rest of a `reference-transaction` hook run once: after a branch has moved, before that is told."""


@dataclass
class Setting:
    """A remote, a person who works on it and our mirror of it."""

    bare: Path
    alice: Person
    ours: Mirror

    def update(self, content: str = "ours", branch: str = "main") -> Update:
        """A commit of ours on what we last heard of a branch."""
        old = self.ours.tip(branch) or ""
        return Update(branch, old, self.ours.build(old, {PATH: content.encode()}, f"Deploy {content}\n", NOON))

    def push(self, *updates: Update) -> dict[str, PushOutcome]:
        return self.ours.push(updates)

    def log(self, branch: str = "main") -> list[str]:
        """The subjects on the remote's branch, newest first."""
        return git(self.bare, "log", "--format=%s", branch).splitlines()


@pytest.fixture
def setting(tmp_path: Path, mirror: OpenMirror) -> Setting:
    bare = gitops.remote(tmp_path / "served" / "gitops.git", {PATH: "first"})
    return Setting(bare, Person(bare, tmp_path / "alice"), mirror(bare, tmp_path / "state"))


def over_http(setting: Setting, server: GitServer, mirror: OpenMirror, seconds: float = 60.0) -> Setting:
    """The same remote, with a mirror that reaches it through the server."""
    setting.ours = mirror(server.url(), setting.bare.parent / "state", seconds)
    return setting


def test_a_commit_on_the_newest_tip_lands_and_is_known_here_at_once(setting: Setting) -> None:
    update = setting.update()
    assert setting.push(update) == {"main": "landed"}
    assert gitops.tip(setting.bare) == setting.ours.tip("main") == update.new
    assert not setting.ours.refresh()


def test_the_same_push_again_is_landed(setting: Setting) -> None:
    update = setting.update()
    assert [setting.push(update), setting.push(update)] == [{"main": "landed"}] * 2


def test_a_push_on_a_tip_that_is_no_longer_the_newest_is_moved_and_never_forced(setting: Setting) -> None:
    update = setting.update()
    hers = setting.alice.commit({"note": "hers"}, "Hers")
    assert setting.push(update) == {"main": "moved"}
    assert gitops.tip(setting.bare) == hers
    assert setting.ours.refresh()
    assert setting.push(setting.update()) == {"main": "landed"}
    assert setting.log() == ["Deploy ours", "Hers", "Start"]


def test_a_branch_that_a_person_moved_back_stays_there(setting: Setting) -> None:
    first = gitops.tip(setting.bare)
    setting.alice.commit({PATH: "erased"}, "Erased")
    setting.ours.refresh()
    setting.alice.force(first)
    assert setting.push(setting.update()) == {"main": "moved"}
    assert setting.log() == ["Start"]
    setting.ours.refresh()
    assert setting.push(setting.update()) == {"main": "landed"}
    assert setting.log() == ["Deploy ours", "Start"]


def test_a_branch_that_a_person_deleted_is_not_made_again(setting: Setting) -> None:
    setting.alice.commit({PATH: "x"}, branch="env/test")
    setting.ours.refresh(frozenset({"env/test"}))
    setting.alice.delete("env/test")
    assert setting.push(setting.update(branch="env/test")) == {"env/test": "moved"}
    assert git(setting.bare, "branch", "--list", "env/*") == ""


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_server_killed_before_the_branch_moved_leaves_it_to_be_planned_again(setting: Setting, hook: str) -> None:
    update = setting.update()
    gitops.hook(setting.bare, hook, KILL)
    assert setting.push(update) == {"main": "unfinished"}
    assert setting.log() == ["Start"]
    assert setting.ours.tip("main") == update.old
    (setting.bare / "hooks" / hook).unlink()
    assert setting.push(update) == {"main": "landed"}


@pytest.mark.parametrize("hook", ["reference-transaction", "post-receive"])
def test_a_server_killed_after_the_branch_moved_has_taken_our_commit(setting: Setting, hook: str) -> None:
    gitops.hook(setting.bare, hook, f"{ONCE_COMMITTED}; {KILL}" if hook == "reference-transaction" else KILL)
    update = setting.update()
    assert setting.push(update) == {"main": "landed"}
    assert setting.ours.tip("main") == gitops.tip(setting.bare) == update.new


def test_ours_has_landed_when_somebody_stands_on_it_by_the_time_we_look(setting: Setting) -> None:
    update = setting.update()
    gitops.hook(setting.bare, "reference-transaction", f"{ONCE_COMMITTED}; {_commit_on_top('HEAD')}; {KILL}")
    assert setting.push(update) == {"main": "landed"}
    assert setting.log() == ["Rival", "Deploy ours", "Start"]
    assert setting.ours.tip("main") == gitops.tip(setting.bare)


def test_ours_is_gone_when_somebody_took_it_out_by_the_time_we_look(setting: Setting) -> None:
    update = setting.update()
    gitops.hook(setting.bare, "reference-transaction", f"{ONCE_COMMITTED}; {_commit_on_top('HEAD~')}; {KILL}")
    assert setting.push(update) == {"main": "moved"}
    assert setting.log() == ["Rival", "Start"]


def _commit_on_top(of: str) -> str:
    """A hook's lines that put another commit on a branch, as a rival does who is a little faster."""
    made = f"git -c user.name=rival -c user.email=rival@example.org commit-tree -p {of} -m Rival {of}^{{tree}}"
    return f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main $({made})"


def test_a_rival_who_is_faster_inside_the_server_is_not_overwritten(setting: Setting) -> None:
    gitops.hook(setting.bare, "pre-receive", _commit_on_top("HEAD"))
    assert setting.push(setting.update()) == {"main": "moved"}
    assert setting.log() == ["Rival", "Start"]


def test_a_rival_who_holds_the_branchs_lock_makes_us_try_again(setting: Setting) -> None:
    (setting.bare / "refs/heads/main.lock").touch()
    assert setting.push(setting.update()) == {"main": "moved"}
    assert setting.log() == ["Start"]


def test_a_connection_cut_after_the_server_took_the_commit_is_landed(setting: Setting, mirror: OpenMirror) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        update = setting.update()
        server.faults["POST " + PUSH] = "cut"
        assert setting.push(update) == {"main": "landed"}
        assert gitops.tip(setting.bare) == setting.ours.tip("main") == update.new


@pytest.mark.parametrize(("hook", "outcome"), [("pre-receive", "unfinished"), ("post-receive", "landed")])
def test_a_server_killed_behind_http_is_settled_as_well(
    setting: Setting, mirror: OpenMirror, hook: str, outcome: str
) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        gitops.hook(setting.bare, hook, KILL)
        assert setting.push(setting.update()) == {"main": outcome}


def test_a_remote_that_dies_altogether_is_told_and_the_same_push_may_be_tried_again(
    setting: Setting, mirror: OpenMirror
) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        update = setting.update()
        server.stop()
        with pytest.raises(RemoteUnavailable):
            setting.push(update)
        assert setting.ours.tip("main") == update.old
        server.start()
        assert setting.push(update) == {"main": "landed"}


@pytest.mark.slow
def test_a_push_that_hangs_is_given_up_and_leaves_no_process(setting: Setting, mirror: OpenMirror) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror, seconds=2.0)
        update = setting.update()
        server.faults[PUSH] = "hang"
        assert setting.push(update) == {"main": "unfinished"}
        assert git_ends()
        server.faults["GET"] = "hang"
        with pytest.raises(RemoteUnavailable):
            setting.push(update)
    assert setting.log() == ["Start"]


def test_a_protected_branch_is_refused_in_the_servers_words(setting: Setting) -> None:
    words = "GH006: changes must be made through a pull request; main is blocked, not locked"
    gitops.hook(setting.bare, "pre-receive", f"printf '\\033[31m{words}\\n\\n' >&2; exit 1")
    outcome = setting.push(setting.update())["main"]
    assert isinstance(outcome, PushRefused)
    assert words in outcome.message
    assert "\033" not in outcome.message
    assert "keep the overlays on a branch" in str(outcome.hint)
    assert setting.log() == ["Start"]


def test_a_refused_branch_of_a_pull_request_tells_what_we_have_to_be_let(setting: Setting) -> None:
    gitops.hook(setting.bare, "update", "exit 1")
    update = setting.update()
    head = "updater/staging/model-a"
    outcome = setting.push(Update(head, None, update.new))[head]
    assert isinstance(outcome, PushRefused)
    assert "force-push and delete the branches updater/**" in str(outcome.hint)


@pytest.mark.parametrize("other", ["updater", "updater/staging", "updater/staging/model-a/fix"])
def test_a_branch_that_is_in_the_way_of_another_is_named_at_once(setting: Setting, other: str) -> None:
    new = setting.update().new
    git(setting.bare, "branch", other, "main")
    outcome = setting.push(Update("updater/staging/model-a", None, new))["updater/staging/model-a"]
    assert isinstance(outcome, PushRefused)
    assert f"has a branch {other}: there cannot be updater/staging/model-a beside it" in outcome.message
    assert outcome.hint == f"rename or delete {other}"


def test_a_refusal_without_words_says_what_git_says(setting: Setting) -> None:
    gitops.hook(setting.bare, "update", "exit 1")
    outcome = setting.push(setting.update())["main"]
    assert isinstance(outcome, PushRefused)
    assert "hook declined" in outcome.message


@pytest.mark.parametrize("summary", ["branch is blocked", "this branch is locked"])
def test_a_refusal_that_speaks_of_locks_is_not_taken_for_a_rival(setting: Setting, summary: str) -> None:
    gitops.hook(setting.bare, "pre-receive", f"echo '{summary}' >&2; exit 1")
    assert isinstance(setting.push(setting.update())["main"], PushRefused)


def test_each_branch_has_its_own_outcome(setting: Setting) -> None:
    for branch in ("env/free", "env/busy", "env/guarded"):
        setting.alice.commit({"note": branch}, branch=branch)
    branches = ("env/busy", "env/free", "env/guarded")
    setting.ours.refresh(frozenset(branches))
    hers = setting.alice.commit({"note": "hers"}, "Hers", branch="env/busy")
    gitops.hook(setting.bare, "update", 'case $1 in *guarded) echo "not by you" >&2; exit 1;; esac')
    updates = [setting.update(branch=branch) for branch in branches]
    outcomes = setting.push(*updates)
    assert outcomes["env/free"] == "landed"
    assert outcomes["env/busy"] == "moved"
    assert isinstance(outcomes["env/guarded"], PushRefused)
    assert "not by you" in outcomes["env/guarded"].message
    assert [gitops.tip(setting.bare, branch) for branch in branches] == [hers, updates[1].new, updates[2].old]
    assert [setting.ours.tip(branch) for branch in branches] == [updates[0].old, updates[1].new, updates[2].old]


def test_a_server_killed_between_two_branches_leaves_each_settled_by_itself(setting: Setting) -> None:
    branches = ("env/a", "env/b")
    for branch in branches:
        setting.alice.commit({"note": branch}, branch=branch)
    setting.ours.refresh(frozenset(branches))
    updates = [setting.update(branch=branch) for branch in branches]
    gitops.hook(setting.bare, "pre-receive", f"{_take('env/a', str(updates[0].new))}\n{KILL}")
    assert setting.push(*updates) == {"env/a": "landed", "env/b": "unfinished"}


def _take(branch: str, commit: str) -> str:
    """A hook's lines that keep what was pushed and move one branch to it."""
    keep = 'cp -r "$GIT_OBJECT_DIRECTORY"/. "$(git rev-parse --absolute-git-dir)/objects/"'
    return f"{keep}; unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY; git update-ref refs/heads/{branch} {commit}"


PROPOSED = "updater/staging/model-a"


def proposed(setting: Setting, content: str, old: str | None = None, branch: str = PROPOSED) -> Update:
    """A pull request's branch anew from what we last heard of `main`."""
    return Update(branch, old, setting.update(content).new)


def test_a_branch_of_a_pull_request_is_made_moved_to_another_commit_and_taken_away(setting: Setting) -> None:
    first = proposed(setting, "1.0")
    second = proposed(setting, "2.0", first.new)
    for update in (first, second, Update(PROPOSED, second.new, None)):
        assert setting.push(update) == {PROPOSED: "landed"}
        assert heads(setting.bare, "updater") == ({PROPOSED: update.new} if update.new else {})
        assert setting.ours.tip(PROPOSED) == update.new
        assert heads(setting.ours.git.folder, "updater") == heads(setting.bare, "updater")
        assert not setting.ours.refresh()


def heads(bare: Path, prefix: str) -> dict[str, str]:
    lines = git(bare, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", f"refs/heads/{prefix}").splitlines()
    return dict(line.split(" ") for line in lines)


@pytest.mark.parametrize("takes_away", [False, True])
def test_a_pull_request_to_which_somebody_else_pushed_is_neither_moved_nor_taken_away(
    setting: Setting, takes_away: bool
) -> None:
    first = proposed(setting, "1.0")
    setting.push(first)
    hers = setting.alice.commit({"note": "hers"}, branch=PROPOSED)
    update = Update(PROPOSED, first.new, None) if takes_away else proposed(setting, "2.0", first.new)
    assert setting.push(update) == {PROPOSED: "moved"}
    assert heads(setting.bare, "updater") == {PROPOSED: hers}


def test_a_branch_of_a_pull_request_that_somebody_made_first_is_not_overwritten(setting: Setting) -> None:
    hers = setting.alice.commit({"note": "hers"}, branch=PROPOSED)
    assert setting.push(proposed(setting, "1.0")) == {PROPOSED: "moved"}
    assert heads(setting.bare, "updater") == {PROPOSED: hers}


@pytest.mark.parametrize("what", ["moved back", "moved aside", "made", "taken away"])
def test_any_other_branch_never_loses_a_commit(setting: Setting, what: str) -> None:
    first = setting.update("1.0")
    setting.push(first)
    aside = setting.ours.build(first.old or "", {PATH: b"aside"}, "Aside\n", NOON)
    update = {
        "moved back": Update("main", first.new, first.old),
        "moved aside": Update("main", first.new, aside),
        "made": Update("updaters/x", None, first.new),
        "taken away": Update("main", first.new, None),
    }[what]
    with pytest.raises(GitError, match="does not descend from it"):
        setting.push(proposed(setting, "2.0"), update)
    assert heads(setting.bare, "") == {"main": first.new}


def test_commits_on_each_other_are_pushed_together(setting: Setting) -> None:
    old = new = gitops.tip(setting.bare)
    for number in range(3):
        new = setting.ours.build(new, {PATH: str(number).encode()}, f"Deploy {number}\n", NOON)
    assert setting.push(Update("main", old, new)) == {"main": "landed"}
    assert setting.log() == ["Deploy 2", "Deploy 1", "Deploy 0", "Start"]


@pytest.mark.parametrize(("setting_of_server", "takes_away"), [("NonFastForwards", False), ("Deletes", True)])
def test_a_server_that_never_lets_branches_lose_commits_refuses_and_is_not_taken_for_a_rival(
    setting: Setting, setting_of_server: str, takes_away: bool
) -> None:
    first = proposed(setting, "1.0")
    setting.push(first)
    git(setting.bare, "config", f"receive.deny{setting_of_server}", "true")
    update = Update(PROPOSED, first.new, None) if takes_away else proposed(setting, "2.0", first.new)
    assert isinstance(setting.push(update)[PROPOSED], PushRefused)
    assert heads(setting.bare, "updater") == {PROPOSED: first.new}


def many(setting: Setting, count: int) -> list[Update]:
    return [proposed(setting, str(number), branch=f"updater/staging/{number:03}") for number in range(count)]


def test_three_hundred_branches_are_one_push(setting: Setting) -> None:
    updates = many(setting, 300)
    gitops.hook(setting.bare, "pre-receive", f"echo once >>{setting.bare}/pushes")
    assert setting.push(*updates) == {update.branch: "landed" for update in updates}
    assert (setting.bare / "pushes").read_text() == "once\n"
    assert heads(setting.bare, "updater") == {update.branch: update.new for update in updates}
    assert setting.ours.names("updater/") == [update.branch for update in updates]
    assert not setting.ours.refresh()


def limit(setting: Setting, words: str, at_once: int = 4, each: str = "x") -> None:
    """A server that takes only so many refs at once, and says so, for `each` of them where that is their way."""
    said = f"while read ref; do echo '{words}' >&2; done <$refs" if each == "ref" else f"echo '{words}' >&2"
    script = f"refs=$(mktemp); cat >$refs; wc -l <$refs >>{setting.bare}/pushes\n"
    gitops.hook(setting.bare, "pre-receive", f"{script}test $(wc -l <$refs) -le {at_once} || {{ {said}; exit 1; }}")


@pytest.mark.parametrize(
    ("words", "each"),
    [
        ("- Pushes can not update more than 4 branches or tags.", "ref"),
        ("fatal: too many refs in one push", ""),
        ("You are over the LIMIT of 4 references", ""),
        ("the number of refs exceeds the maximum", ""),
    ],
)
def test_a_push_of_too_many_refs_is_made_in_parts_that_the_server_takes(
    setting: Setting, words: str, each: str
) -> None:
    updates = many(setting, 14)
    limit(setting, words, each=each)
    assert setting.push(*updates, setting.update()) == {**{each.branch: "landed" for each in updates}, "main": "landed"}
    assert heads(setting.bare, "updater") == {update.branch: update.new for update in updates}
    assert (setting.bare / "pushes").read_text().split() == ["15", "8", "4", "4", "4", "3"]


def test_parts_of_a_push_have_outcomes_of_their_own(setting: Setting) -> None:
    updates = many(setting, 6)
    hers = setting.alice.commit({"note": "hers"}, branch=updates[4].branch)
    limit(setting, "too many branches", at_once=2)
    gitops.hook(setting.bare, "update", 'case $1 in */001) echo "not by you" >&2; exit 1;; esac')
    outcomes = setting.push(*updates)
    refusal = outcomes.pop(updates[1].branch)
    assert isinstance(refusal, PushRefused)
    assert "not by you" in refusal.message
    assert list(outcomes.values()) == ["landed", "landed", "landed", "moved", "landed"]
    assert heads(setting.bare, "updater")[updates[4].branch] == hers


def test_a_server_to_which_one_ref_is_too_many_refuses_each(setting: Setting) -> None:
    limit(setting, "too many refs", at_once=0)
    outcomes = setting.push(*many(setting, 3))
    assert [type(outcome) for outcome in outcomes.values()] == [PushRefused] * 3
    assert heads(setting.bare, "updater") == {}


def test_a_refusal_for_another_reason_is_one_push_and_one_listing_for_all(setting: Setting, mirror: OpenMirror) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        gitops.hook(setting.bare, "pre-receive", "echo 'branches of robots are not welcome' >&2; exit 1")
        updates = many(setting, 30)
        server.requests.clear()
        outcomes = setting.push(*updates)
        assert (server.count("GET"), server.count(PUSH)) == (2, 2)
    assert all(isinstance(outcome, PushRefused) for outcome in outcomes.values())


def test_a_cut_connection_over_many_branches_is_settled_for_each(setting: Setting, mirror: OpenMirror) -> None:
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        gone, kept, moved, new = many(setting, 4)
        setting.push(gone, kept, moved)
        updates = [
            Update(gone.branch, gone.new, None), proposed(setting, "a", kept.new, kept.branch),
            proposed(setting, "b", moved.new, moved.branch), new,
        ]  # fmt: skip
        server.faults["POST " + PUSH] = "cut"
        on_top = f"unset GIT_QUARANTINE_PATH; {_commit_aside(moved.branch)}"
        gitops.hook(setting.bare, "post-receive", on_top)
        outcomes = setting.push(*updates)
    assert outcomes == {gone.branch: "landed", kept.branch: "landed", moved.branch: "moved", new.branch: "landed"}
    assert setting.ours.tip(gone.branch) is None
    assert (setting.ours.tip(kept.branch), setting.ours.tip(new.branch)) == (updates[1].new, new.new)
    assert setting.ours.tip(moved.branch) == heads(setting.bare, "updater")[moved.branch] != updates[2].new


def _commit_aside(branch: str) -> str:
    made = "git -c user.name=rival -c user.email=rival@example.org commit-tree -p main -m Rival main^{tree}"
    return f"git update-ref refs/heads/{branch} $({made})"


def test_who_may_read_but_not_write_is_told_so(setting: Setting, mirror: OpenMirror) -> None:
    git(setting.bare, "config", "http.receivepack", "false")
    with GitServer(setting.bare.parent) as server:
        over_http(setting, server, mirror)
        with pytest.raises(GitError, match="does not let us in") as caught:
            setting.push(setting.update())
    assert not caught.value.retry
    assert "UPDATER_GIT_PASSWORD" in str(caught.value.hint)


def test_a_push_that_git_refuses_to_begin_is_an_error_and_not_a_rival(setting: Setting) -> None:
    tip = gitops.tip(setting.bare)
    with pytest.raises(GitError, match="`git push` failed .*invalid refspec"):
        setting.push(Update("no..branch", tip, tip))


def test_only_the_named_branches_are_pushed(setting: Setting) -> None:
    git(setting.ours.git.folder, "tag", "--annotate", "--message=x", "v1", gitops.tip(setting.bare))
    git(setting.ours.git.folder, "branch", "stray", "main")
    setting.push(setting.update())
    assert git(setting.bare, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


WAITING = "refs/updater/waiting/test"


def beside(setting: Setting, content: str = "ours", old: str | None = None) -> Update:
    """What is kept of ours beside the branches, written anew."""
    return Update(WAITING, old, setting.ours.build_note(old, {"x": content.encode()}, "Keep\n", NOON))


def refs(bare: Path) -> dict[str, str]:
    lines = git(bare, "for-each-ref", "--format=%(refname) %(objectname)", "refs/updater").splitlines()
    return dict(line.split(" ") for line in lines)


def rival_note(setting: Setting) -> str:
    """Another replica is faster."""
    new = git(setting.bare, "commit-tree", "main^{tree}", stdin=b"Rival\n")
    git(setting.bare, "update-ref", WAITING, new)
    return new


def test_a_branch_and_a_ref_beside_it_land_in_one_push(setting: Setting) -> None:
    update, kept = setting.update(), beside(setting)
    gitops.hook(setting.bare, "pre-receive", f"echo once >>{setting.bare}/pushes")
    assert setting.push(update, kept) == {"main": "landed", WAITING: "landed"}
    assert (setting.bare / "pushes").read_text() == "once\n"
    assert (gitops.tip(setting.bare), refs(setting.bare)) == (update.new, {WAITING: kept.new})
    assert (setting.ours.tip("main"), setting.ours.tip(WAITING)) == (update.new, kept.new)
    assert git(setting.ours.git.folder, "rev-parse", WAITING) == kept.new


def test_a_ref_that_somebody_else_made_first_is_not_overwritten(setting: Setting) -> None:
    theirs = rival_note(setting)
    assert setting.push(beside(setting)) == {WAITING: "moved"}
    assert refs(setting.bare) == {WAITING: theirs}
    assert setting.ours.tip(WAITING) is None
    assert setting.ours.refresh()
    assert setting.ours.tip(WAITING) == theirs


@pytest.mark.parametrize("takes_away", [False, True])
def test_a_ref_that_somebody_else_moved_is_neither_moved_nor_taken_away(setting: Setting, takes_away: bool) -> None:
    kept = beside(setting)
    setting.push(kept)
    theirs = rival_note(setting)
    update = Update(WAITING, kept.new, None) if takes_away else beside(setting, "more", kept.new)
    assert setting.push(update) == {WAITING: "moved"}
    assert refs(setting.bare) == {WAITING: theirs}


@pytest.mark.parametrize("takes_away", [False, True])
def test_a_ref_that_is_gone_is_not_made_again_by_moving_it(setting: Setting, takes_away: bool) -> None:
    kept = beside(setting)
    setting.push(kept)
    git(setting.bare, "update-ref", "-d", WAITING)
    update = Update(WAITING, kept.new, None) if takes_away else beside(setting, "more", kept.new)
    assert setting.push(update) == {WAITING: "moved"}
    assert refs(setting.bare) == {}


@pytest.mark.parametrize(("hook", "outcome"), [("pre-receive", "unfinished"), ("post-receive", "landed")])
@pytest.mark.parametrize("what", ["made", "moved", "taken away"])
def test_a_server_killed_over_a_ref_beside_the_branches_is_settled_as_well(
    setting: Setting, hook: str, outcome: str, what: str
) -> None:
    old = None
    if what != "made":
        old = beside(setting).new
        setting.push(Update(WAITING, None, old))
    update = Update(WAITING, old, None) if what == "taken away" else beside(setting, "more", old)
    gitops.hook(setting.bare, hook, KILL)
    assert setting.push(update) == {WAITING: outcome}
    expected = update.new if outcome == "landed" else old
    assert refs(setting.bare) == ({WAITING: expected} if expected else {})
    assert setting.ours.tip(WAITING) == expected


@pytest.mark.parametrize("takes_away", [False, True])
def test_a_ref_that_a_rival_has_by_the_time_we_look_is_moved(setting: Setting, takes_away: bool) -> None:
    kept = beside(setting)
    setting.push(kept)
    theirs = git(setting.bare, "commit-tree", "main^{tree}", stdin=b"Rival\n")
    gitops.hook(setting.bare, "pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref {WAITING} {theirs}; {KILL}")
    update = Update(WAITING, kept.new, None) if takes_away else beside(setting, "more", kept.new)
    assert setting.push(update) == {WAITING: "moved"}
    assert refs(setting.bare) == {WAITING: theirs}


def test_a_ref_that_may_not_be_written_is_refused_and_the_branch_lands(setting: Setting) -> None:
    gitops.hook(setting.bare, "update", 'case $1 in refs/updater/*) echo "only branches" >&2; exit 1;; esac')
    outcomes = setting.push(setting.update(), beside(setting))
    assert outcomes["main"] == "landed"
    refusal = outcomes[WAITING]
    assert isinstance(refusal, PushRefused)
    assert "only branches" in refusal.message
    assert setting.ours.tip(WAITING) is None
