"""git's log of a branch, with histories, people and settings as they are met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers import gitops
from tests.helpers.catalogs import CountingGit
from tests.helpers.gitops import Person, git
from tests.helpers.histories import TEN, Made, made, with_people
from updater.adapters import log
from updater.adapters.git import Git, Remote
from updater.adapters.log import LoggedCommit

PATH = "overlays/ü/[x] *?/kustomization.yaml"
OTHER = "base/other.yaml"
FILES = {PATH: "0\n", "base/Kustomization": "base\n", OTHER: "x\n"}
START = datetime(2026, 11, 20, 10, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return gitops.remote(tmp_path / "gitops.git", FILES)


@pytest.fixture
def alice(bare: Path, tmp_path: Path) -> Person:
    return Person(bare, tmp_path / "alice")


def reader(bare: Path) -> Git:
    return Git(Remote(str(bare)), bare)


def everything(bare: Path, tip: str = "main") -> list[LoggedCommit]:
    return list(log.pages(reader(bare), tip))


def subjects(bare: Path, tip: str = "main", path: str = PATH) -> list[str]:
    return [commit.message.splitlines()[0] for commit in log.log(reader(bare), tip, path)]


def paths(commit: LoggedCommit) -> list[str]:
    return [path for path, _ in commit.changes]


def test_a_commit_is_told_with_all_that_counts(bare: Path) -> None:
    message = "Change\n\nbody of ü\n\nTrailer: 1\n"
    new = made(bare, Made({PATH: "1\n"}, message, author="Zoë".encode(), authored=TEN - 60, committed=TEN + 60))
    blob = git(bare, "rev-parse", f"main:{PATH}")
    times = (datetime(2026, 11, 20, 9, 59, tzinfo=UTC), datetime(2026, 11, 20, 10, 1, tzinfo=UTC))
    expected = LoggedCommit(new, (git(bare, "rev-parse", "main~"),), "Zoë", *times, message, ((PATH, blob),))
    assert log.log(reader(bare), "main", PATH)[0] == everything(bare)[0] == expected
    assert {time.utcoffset() for time in (expected.authored_at, everything(bare)[0].landed_at)} == {START.utcoffset()}


def test_the_log_of_a_file_has_all_its_commits_newest_first(bare: Path) -> None:
    for number in range(1, 100, 33):
        pairs = (((PATH, f"Change {at}"), (OTHER, f"Elsewhere {at}")) for at in range(number, number + 33))
        made(bare, *(Made({path: f"{message}\n"}, message) for pair in pairs for path, message in pair))
    assert subjects(bare) == [*(f"Change {number}" for number in range(99, 0, -1)), "Start"]


def test_the_path_is_no_pattern(bare: Path, alice: Person) -> None:
    alice.commit({"overlays/ü/x abc/kustomization.yaml": "1\n"}, "Look-alike")
    assert subjects(bare) == ["Start"]
    assert subjects(bare, path=":/") == []
    assert subjects(bare, path="missing") == []
    assert subjects(bare, path=":(glob)**") == []


def test_a_path_that_looks_like_a_pattern_or_an_option_is_found(bare: Path) -> None:
    for path in (":(glob)**/x", ":!x", "-1", "--all", "a\nb", 'quo"ted', " blanks ", "\\", "\x01"):
        made(bare, Made({path: "1\n"}, "Odd"), Made({OTHER: path}, "Other"))
        found = log.log(reader(bare), "main", path)
        assert [(commit.message, paths(commit)) for commit in found] == [("Odd", [path])]
        assert [paths(commit) for commit in everything(bare)[:2]] == [[OTHER], [path]]


def test_a_range_ends_before_its_beginning(bare: Path, alice: Person) -> None:
    old = alice.commit({PATH: "1\n"}, "Old")
    alice.commit({PATH: "2\n"}, "New")
    assert subjects(bare, f"{old}..main") == ["New"]
    assert [commit.message for commit in log.pages(reader(bare), "main", old)] == ["New\n"]
    assert subjects(bare, "main..main") == []
    assert list(log.pages(reader(bare), "main", "main")) == []


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
def test_pages_are_one_log(bare: Path, alice: Person, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    alice.commit({PATH: "side"}, "Side", branch="side")
    shas = [gitops.tip(bare), alice.commit({OTHER: "1"}), alice.merge("side"), alice.commit({}), alice.commit({})]
    whole = everything(bare)
    monkeypatch.setattr(log, "_PAGE", size)
    assert [commit.sha for commit in whole] == shas[::-1]
    assert everything(bare) == whole
    for at, below in enumerate(shas):
        assert list(log.pages(reader(bare), "main", below)) == whole[: len(whole) - at - 1]


def test_a_page_is_read_when_it_is_needed_and_not_before(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(bare, *(Made(message=str(number)) for number in range(5)))
    monkeypatch.setattr(log, "_PAGE", 2)
    counting = CountingGit(Remote(str(bare)), bare)
    pages = log.pages(counting, "main")
    assert [next(pages).message, next(pages).message] == ["4", "3"]
    assert counting.names() == ["log"]
    assert next(pages).message == "2"
    assert counting.names() == ["log", "log"]


def test_a_merge_counts_as_the_commit_that_brought_the_change(bare: Path, alice: Person) -> None:
    alice.commit({PATH: "1\n"}, "On the side", branch="side")
    alice.commit({PATH: "2\n"}, "Again on the side", branch="side")
    alice.commit({OTHER: "y\n"}, "Meanwhile")
    merge = alice.merge("side")
    found = log.log(reader(bare), "main", PATH)
    assert [commit.sha for commit in found][:1] == [merge]
    assert [commit.message for commit in found][1:] == ["Start\n"]
    assert [paths(commit) for commit in everything(bare)[:2]] == [[PATH], [OTHER]]


def test_an_octopus_is_one_step_as_well(bare: Path) -> None:
    start = gitops.tip(bare)
    sides = [made(bare, Made({path: "1\n"}, parents=[start]), branch=path) for path in ("a", "b", "c")]
    merge = made(bare, Made({"a": "1\n", "b": "1\n"}, "Octopus", parents=[start, *sides]))
    (found, _) = everything(bare)
    assert (found.sha, found.parents, paths(found)) == (merge, (start, *sides), ["a", "b"])


def test_commits_and_merges_that_change_nothing_are_told_without_files(bare: Path, alice: Person) -> None:
    start = gitops.tip(bare)
    empty = made(bare, Made(message="Empty"))
    side = made(bare, Made({PATH: "1\n"}, "Side", parents=[start]), branch="side")
    ours = made(bare, Made(message="Merge, ours", parents=[empty, side]))
    last = made(bare, Made({OTHER: "z\n"}, "Last"))
    told = [(commit.sha, paths(commit)) for commit in everything(bare)]
    assert told == [(last, [OTHER]), (ours, []), (empty, []), (start, sorted(FILES))]
    assert subjects(bare) == ["Start"]


def test_a_revert_is_a_change_like_any_other(bare: Path, alice: Person) -> None:
    alice.revert(alice.commit({PATH: "1\n"}, "Bump"))
    assert subjects(bare) == ['Revert "Bump"', "Bump", "Start"]


def test_what_is_no_regular_file_is_told_as_gone(bare: Path) -> None:
    kinds = {PATH: ("120000", b"elsewhere"), OTHER: ("100755", b"x\n")}
    made(bare, Made(kinds), Made({PATH: None}), Made({f"{PATH}/inside": "1\n"}), Made({PATH: "0\n"}))
    there = git(bare, "rev-parse", f"main:{PATH}")
    found = [dict(commit.changes) for commit in everything(bare)[:-1]]
    assert found[0] == {PATH: there, f"{PATH}/inside": None}
    assert found[1] == {f"{PATH}/inside": git(bare, "rev-parse", f"main~:{PATH}/inside")}
    assert found[2] == {PATH: None}
    assert found[3] == {PATH: None, OTHER: git(bare, "rev-parse", f"main:{OTHER}")}


def test_a_moved_file_is_gone_here_and_new_there(bare: Path, alice: Person) -> None:
    blob = git(bare, "rev-parse", f"main:{PATH}")
    alice.commit({PATH: None, "elsewhere/kustomization.yaml": "0\n"})
    assert dict(everything(bare)[0].changes) == {PATH: None, "elsewhere/kustomization.yaml": blob}
    assert len(subjects(bare)) == 2


def test_paths_that_are_no_text_are_left_out(bare: Path) -> None:
    made(bare, Made({b"caf\xe9/kustomization.yaml": "1\n", OTHER: "y\n"}))
    assert paths(everything(bare)[0]) == [OTHER]


MESSAGES = [
    "",
    "\n",
    "\n\nbegins late\n",
    ":100644 100644 aaaa bbbb M\n:\n\n:100644 x\tkustomization.yaml\n",
    "subject\n\n\x01\x1b[31m\x7f\n",
    "windows\r\n\r\nbody\r\n",
    "no line end",
    "f" * 40 + "\n" + "f" * 40,
    "Deploy\n\nUpdater-Image: x\nUpdater-Previous: y\nUpdater-Event: z 2026-11-20T10:00:00Z\n\n\n",
    "x" * 100_000,
]


def test_messages_of_any_kind_confuse_nothing(bare: Path) -> None:
    made(bare, *(Made({OTHER: message[:9] + str(at)}, message) for at, message in enumerate(MESSAGES)))
    found = everything(bare)[:-1]
    assert [commit.message for commit in found] == MESSAGES[::-1]
    assert {tuple(paths(commit)) for commit in found} == {(OTHER,)}


def test_messages_in_other_encodings_are_read_as_what_they_say_or_marked(bare: Path) -> None:
    latin = "Über".encode("latin-1")
    made(bare, Made(message=latin, encoding="ISO-8859-1", author=latin), Made(message=latin, author=latin))
    told = [(commit.message, commit.author) for commit in everything(bare)[:-1]]
    assert told == [("\ufffdber", "\ufffdber"), ("Über", "Über")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"", "(unknown)"),
        (b"a\x1b[31mb\x07", "a?[31mb?"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"tab\there", "tab?here"),
        ("\u202egnp".encode(), "?gnp"),
        ("山田".encode(), "山田"),
        (b":100644", ":100644"),
    ],
)
def test_an_author_is_a_name_that_can_be_shown_anywhere(bare: Path, name: bytes, shown: str) -> None:
    made(bare, Made({PATH: "1\n"}, author=name))
    assert [commit.author for commit in everything(bare)] == [shown, "alice"]


@pytest.mark.parametrize(
    ("date", "time"),
    [
        (b"0 +0000", FIRST),
        (b"1 +1400", FIRST.replace(second=1)),
        (b"253370764799 +0000", LAST - timedelta(seconds=1)),
        (b"253402300800 -1200", LAST),
        (b"4102444800000000 +0000", LAST),
        (b"99999999999999999999999 +0000", LAST),
        (b"never", FIRST),
        (b"", FIRST),
    ],
)
def test_a_date_that_lies_stops_nothing(bare: Path, date: bytes, time: datetime) -> None:
    made(bare, Made({PATH: "1\n"}, "Lies"))
    with_people(bare, b"a <a@b> " + date, b"b <a@b> " + date)
    told = [(commit.message, commit.authored_at, commit.landed_at) for commit in everything(bare)]
    assert told == [("Lies", time, time), ("Start\n", START, START)]


def test_a_negative_date_stops_nothing(bare: Path) -> None:
    made(bare, Made({PATH: "1\n"}, "Before the war"))
    with_people(bare, b"a <a@b> -1000000000 +0000", b"b <a@b> -1 +0000")
    told = [(commit.message, commit.authored_at in (FIRST, LAST)) for commit in everything(bare)]
    assert told == [("Before the war", True), ("Start\n", False)]


def test_a_commit_without_people_stops_nothing(bare: Path) -> None:
    made(bare, Made({PATH: "1\n"}, "Nobody"))
    raw = f"tree {git(bare, 'rev-parse', 'main^{tree}')}\nparent {git(bare, 'rev-parse', 'main~')}\n\nNobody\n"
    new = git(bare, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
    told = [(commit.message, commit.author, paths(commit)) for commit in everything(bare, new)]
    assert told == [("Nobody\n", "(unknown)", [PATH]), ("Start\n", "alice", sorted(FILES))]


SETTINGS = {
    "color.diff": "always",
    "color.ui": "always",
    "core.abbrev": "4",
    "core.bare": "false",
    "core.quotePath": "true",
    "diff.colorMoved": "zebra",
    "diff.external": "false",
    "diff.ignoreSubmodules": "all",
    "diff.interHunkContext": "9",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "diff.orderFile": "/no/such/file",
    "diff.relative": "true",
    "diff.renames": "copies",
    "diff.submodule": "log",
    "diff.wordRegex": "[",
    "format.notes": "*",
    "format.pretty": "oneline",
    "i18n.commitEncoding": "latin1",
    "i18n.logOutputEncoding": "latin1",
    "log.abbrevCommit": "true",
    "log.date": "relative",
    "log.decorate": "full",
    "log.diffMerges": "off",
    "log.follow": "true",
    "log.mailmap": "true",
    "log.showRoot": "false",
    "log.showSignature": "true",
    "notes.displayRef": "*",
    "pager.log": "false",
}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a merge, a move, a root, letters that are not ASCII, and a note on its newest commit."""
    folder = tmp_path_factory.mktemp("busy")
    bare = gitops.remote(folder / "gitops.git", FILES)
    alice = Person(bare, folder / "alice")
    alice.commit({PATH: None, "moved/kustomization.yaml": "0\n", OTHER: "ü\n"}, "Ä", branch="side")
    alice.commit({"base/Kustomization": "1\n"})
    notes = made(bare, Made({alice.merge("side"): "a note\n"}, "Notes", parents=[]), branch="notes")
    git(bare, "update-ref", "refs/notes/commits", notes)
    return bare


@pytest.mark.parametrize(("key", "value"), SETTINGS.items())
def test_a_persons_settings_change_nothing(busy: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str) -> None:
    def told() -> Sequence[object]:
        compared = log.compared(reader(busy), gitops.tip(busy), gitops.tip(busy, "side"))
        moved = log.log(reader(busy), "side", "moved/kustomization.yaml")
        return [everything(busy), log.log(reader(busy), "main", PATH), moved, compared]

    expected = told()
    for name, text in {"COUNT": "1", "KEY_0": key, "VALUE_0": value}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", text)
    assert told() == expected


def test_a_commit_can_be_compared_with_any_parent(bare: Path, alice: Person) -> None:
    side = alice.commit({PATH: "1\n"}, "Side", branch="side")
    before = alice.commit({OTHER: "y\n"})
    merge = alice.merge("side")
    with_first, with_second = (log.compared(reader(bare), merge, parent) for parent in (before, side))
    assert (paths(with_first), paths(with_second)) == ([PATH], [OTHER])
    assert {with_first.sha, with_second.sha} == {merge}
    assert {with_first.message, with_second.message} == {everything(bare)[0].message}


def test_a_comparison_without_a_difference_is_an_answer_too(bare: Path) -> None:
    start = gitops.tip(bare)
    side = made(bare, Made({PATH: "1\n"}, "Side"), branch="side")
    merge = made(bare, Made(message="Merge", parents=[start, side], tree=side))
    found = log.compared(reader(bare), merge, side)
    assert (found.sha, found.message, found.changes) == (merge, "Merge", ())
