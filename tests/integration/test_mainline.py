"""What a branch went through, whichever parent a merge has it as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.gitops import Person, git
from tests.helpers.histories import Made, made
from updater.adapters import log as log_module
from updater.adapters import mainline
from updater.adapters.git import Git, Remote
from updater.adapters.mainline import Turn

PATH = "overlays/test/a/kustomization.yaml"
FILES = {PATH: "0\n", "other": "0\n"}
DEFAULT = "Merge branch 'main' of https://git.example/acme/gitops"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "acme" / "gitops.git", FILES)


@pytest.fixture
def alice(bare: Path, tmp_path: Path) -> Person:
    return Person(bare, tmp_path / "alice")


def reader(bare: Path) -> Git:
    return Git(Remote(str(bare)), bare)


def turns(bare: Path, branch: str = "main") -> list[tuple[str, str]]:
    return [(turn.merge, turn.into) for turn in mainline.turns(reader(bare), branch, gitops.tip(bare, branch))]


def way(bare: Path, path: str | None = None, branch: str = "main") -> list[str]:
    """The commits of the steps of a branch, newest first."""
    git_, tip = reader(bare), gitops.tip(bare, branch)
    steps = mainline.steps(git_, tip, mainline.turns(git_, branch, tip), path)
    return [commit.sha for commit in steps]


def since(bare: Path, old: str, new: str = "") -> tuple[list[str], list[Turn]] | None:
    found = mainline.since(reader(bare), "main", old, new or gitops.tip(bare))
    return None if found is None else ([commit.sha for commit in found[0]], found[1])


def foxtrot(bare: Path, message: str | bytes = DEFAULT, branch: str = "main") -> tuple[str, str, str]:
    """A merge with this message whose second parent is the branch: the branch before, a local commit, the merge."""
    before = gitops.tip(bare, branch)
    start = git(bare, "rev-list", "--max-parents=0", before)
    local = made(bare, Made({"local": f"{before}\n"}, "Local", parents=[start]), branch="local")
    files = {"local": f"{before}\n"}
    return before, local, made(bare, Made(files, message, parents=[local, before], tree=before), branch=branch)


MERGE = ("merge", "--quiet", "--no-edit", "origin/main")
TOPIC = ("merge", "--quiet", "--no-edit", "main")


@pytest.mark.parametrize(("merging", "name"), [((), "main"), ((), "topic"), (MERGE, "main"), (MERGE, "topic")])
def test_the_merge_that_pulling_makes_is_a_turn(bare: Path, alice: Person, merging: tuple[str, ...], name: str) -> None:
    start = gitops.tip(bare)
    bump = alice.commit({PATH: "1\n"}, "Bump")
    revert = alice.revert(bump)
    merge = alice.foxtrot({"local": "1\n"}, start, *merging, name=name)
    assert git(bare, "rev-parse", "main^2") == revert
    assert turns(bare) == [(merge, revert)]
    assert way(bare) == [merge, revert, bump, start]
    assert way(bare, PATH) == [revert, bump, start]
    assert way(bare, "local") == [merge]


def test_a_topic_that_took_the_branch_in_and_became_the_branch_is_a_turn(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    topic = alice.commit({"local": "1\n"}, "Topic", branch="topic")
    bump = alice.commit({PATH: "1\n"}, "Bump")
    git(alice.folder, "branch", "--force", "main", bump)
    git(alice.folder, "checkout", "--quiet", "-B", "topic", topic)
    git(alice.folder, *TOPIC)
    git(alice.folder, "push", "--quiet", "origin", "topic:main")
    merge = gitops.tip(bare)
    assert git(bare, "log", "-1", "--format=%s", "main") == "Merge branch 'main' into topic"
    assert turns(bare) == [(merge, bump)]
    assert way(bare) == [merge, bump, start]


@pytest.mark.parametrize(
    "message",
    [
        DEFAULT,
        f"{DEFAULT}\n\nbody\n",
        f"{DEFAULT}\nmore of the same paragraph\n",
        f"{DEFAULT} into main",
        "Merge branch 'main' of git.example:acme/gitops into topic",
        "Merge branch 'main'",
        "Merge branch 'main' into topic/x",
        "Merge remote-tracking branch 'origin/main'",
        "Merge remote-tracking branch 'origin/main' into main",
    ],
)
def test_these_messages_tell_of_a_turn_however_it_is_looked_for(bare: Path, message: str) -> None:
    before, _, merge = foxtrot(bare, message)
    assert turns(bare) == [(merge, before)]
    assert since(bare, before) == ([merge], [Turn(merge, before)])


@pytest.mark.parametrize(
    "message",
    [
        "Merge branch 'main' into 'main'",
        "Merge branch 'main' of https://git.example/acme/gitops into 'main'",
        "Merge branch 'other' of https://git.example/acme/gitops",
        "Merge branch 'main2'",
        "Merge branch 'mai' into n'",
        "Merge branches 'main' and 'topic'",
        "Merge pull request #1 from acme/main",
        "Merge tag 'main'",
        "Merge commit 'main'",
        "Merge remote-tracking branch 'origin/other/main'",
        "Revert \"Merge branch 'main' of x\"",
        "x\n\nMerge branch 'main' of x",
        "Merge branch 'main' of two words",
        "",
    ],
)
def test_these_messages_tell_of_no_turn_however_it_is_looked_for(bare: Path, message: str) -> None:
    _, local, merge = foxtrot(bare, message)
    assert turns(bare) == []
    assert since(bare, local) == ([merge], [])


def test_a_name_of_a_branch_is_no_pattern(bare: Path) -> None:
    git(bare, "branch", "e.v/(test)", "main")
    foxtrot(bare, "Merge branch 'eXv/(test)' of x", branch="e.v/(test)")
    assert turns(bare, "e.v/(test)") == []
    before, _, merge = foxtrot(bare, "Merge remote-tracking branch 'origin/e.v/(test)'", branch="e.v/(test)")
    assert turns(bare, "e.v/(test)") == [(merge, before)]


def test_a_commit_that_is_no_merge_of_two_is_no_turn_whatever_it_says(bare: Path) -> None:
    start = gitops.tip(bare)
    forged = made(bare, Made({PATH: "1\n"}, DEFAULT))
    sides = [made(bare, Made({name: "1\n"}, parents=[start]), branch=name) for name in ("a", "b")]
    octopus = made(bare, Made({}, DEFAULT, parents=[forged, *sides]))
    assert turns(bare) == []
    assert way(bare) == [octopus, forged, start]
    assert since(bare, start) == ([octopus, forged], [])


def test_a_merge_of_another_branch_is_one_step(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    alice.commit({PATH: "1\n"}, "Side", branch="side")
    merge = alice.merge("side")
    assert turns(bare) == []
    assert way(bare) == way(bare, PATH) == [merge, start]


def test_a_turn_on_a_side_branch_is_none_of_this_branch(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    alice.commit({PATH: "1\n"})
    bump = gitops.tip(bare)
    git(alice.folder, "checkout", "--quiet", "-B", "topic", start)
    git(alice.folder, "commit", "--quiet", "--allow-empty", "--message=Topic")
    git(alice.folder, "merge", "--quiet", "--no-edit", "origin/main")
    git(alice.folder, "push", "--quiet", "origin", "topic")
    merge = alice.merge("topic")
    assert git(bare, "log", "-1", "--format=%s", "topic") == "Merge remote-tracking branch 'origin/main' into topic"
    assert (turns(bare), way(bare)) == ([], [merge, bump, start])


def test_several_turns_are_all_taken(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    one = alice.commit({PATH: "1\n"}, "One")
    first = alice.foxtrot({"local": "1\n"}, start)
    two = alice.commit({PATH: "2\n"}, "Two")
    second = alice.foxtrot({"local2": "1\n"}, one, *MERGE)
    third = alice.foxtrot({"local3": "1\n"}, first)
    three = alice.commit({PATH: "3\n"}, "Three")
    assert turns(bare) == [(third, second), (second, two), (first, one)]
    assert way(bare) == [three, third, second, two, first, one, start]
    assert way(bare, PATH) == [three, two, one, start]
    for at, old in enumerate(way(bare)):
        found = since(bare, old)
        assert found is not None
        assert found[0] == way(bare)[:at]
        assert [turn.merge for turn in found[1]] == [sha for sha in way(bare)[:at] if sha in (third, second, first)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_turns_and_steps_do_not_depend_on_how_many_commits_are_read_at_once(
    bare: Path, alice: Person, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    start = gitops.tip(bare)
    made(bare, *(Made({PATH: f"{number}\n"}) for number in range(3)))
    foxtrot(bare)
    made(bare, *(Made({PATH: f"{number}\n"}) for number in range(3)))
    expected = (way(bare), since(bare, start))
    monkeypatch.setattr(log_module, "_PAGE", size)
    assert (way(bare), since(bare, start)) == expected


def test_what_the_merge_itself_changed_is_compared_with_the_branch_before(bare: Path) -> None:
    """The local commit is what the branch gets; what was pulled stood there already."""
    made(bare, Made({PATH: "1\n"}, "Bump"))
    before, _, merge = foxtrot(bare)
    found = mainline.since(reader(bare), "main", before, merge)
    assert found is not None
    assert [[path for path, _ in commit.changes] for commit in found[0]] == [["local"]]


def test_a_way_back_or_aside_is_no_way(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    side = alice.commit({"a": "1"}, branch="side")
    main = alice.commit({"b": "1"})
    merge = alice.merge("side")
    assert since(bare, main, start) is None
    assert since(bare, side, main) is None
    assert since(bare, side, merge) is None
    assert since(bare, main, merge) == ([merge], [])
    assert since(bare, merge, merge) == ([], [])


def test_a_way_through_a_turn_that_leads_elsewhere_is_no_way(bare: Path) -> None:
    rewritten = made(bare, Made({PATH: "9\n"}, "Erased"), branch="erased")
    made(bare, Made({PATH: "1\n"}))
    foxtrot(bare)
    assert since(bare, rewritten) is None


def test_an_unrelated_history_is_no_way(bare: Path) -> None:
    old = gitops.tip(bare)
    new = made(bare, Made({PATH: "1\n"}, parents=[]))
    assert since(bare, old, new) is None


@pytest.mark.parametrize(
    "message",
    [
        "Merge branch 'main' of https://git.example/alice/gitops",
        "Merge branch 'main' of git.example:acme/other",
        "Merge remote-tracking branch 'upstream/main'",
    ],
)
def test_what_was_pulled_from_another_repository_is_no_turn(bare: Path, message: str) -> None:
    _, local, merge = foxtrot(bare, message)
    assert turns(bare) == []
    assert since(bare, local) == ([merge], [])


@pytest.mark.parametrize(
    "message",
    ["Merge remote-tracking branch 'upstream/main'", "Merge commit 'abc'", "Merge branch 'main' of ssh://alias/a b/c"],
)
def test_where_the_name_tells_nothing_the_side_with_our_commits_is_the_branch(bare: Path, message: str) -> None:
    start = gitops.tip(bare)
    before = made(bare, Made({PATH: "1\n"}, "Deploy\n\nUpdater-Environment: test\n", parents=[start]), branch="main")
    _, local, merge = foxtrot(bare, message)
    assert turns(bare) == [(merge, before)]
    assert way(bare, "local") == [merge]
    assert local not in way(bare)
