"""Which files mention an image, and what history says of an entry: right at every tip, at the cost of what changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.helpers import catalogs, gitops
from tests.helpers.catalogs import IMAGE, OTHER, PUSHED, SEMVER, A, B, C, Setting, knowledge, mentioning
from tests.helpers.events import pushed
from tests.helpers.gitops import OpenMirror, git
from tests.helpers.histories import TEN, Made, made
from updater.adapters import catalog as catalog_module
from updater.adapters.cache import Cache
from updater.adapters.catalog import Catalog
from updater.core.messages import Line, commit_message
from updater.errors import UpdaterError
from updater.model import Hold, Landing, Origin, Past, Standing, Version
from updater.protocols import Question, Update

COMMITTED = datetime(2026, 11, 20, 10, tzinfo=UTC)  # the time of every commit, see tests/conftest.py


@pytest.fixture
def setting(tmp_path: Path, mirror: OpenMirror) -> Iterator[Setting]:
    bare = catalogs.remote(tmp_path)
    with catalogs.setting(tmp_path, mirror(bare, tmp_path / "state"), bare) as made_:
        yield made_


def bump(tag: str, path: str = A) -> dict[str, str]:
    return {path: mentioning(IMAGE, tag=tag)}


def question(setting: Setting, path: str = A, *versions: Version) -> Question:
    return Question(setting.entry(path, setting.ours.tip("main") or ""), PUSHED, versions)


def test_the_files_that_mention_an_image_are_found(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    assert catalog.paths("main", tip, IMAGE) == (A, B)
    assert catalog.paths("main", tip, OTHER) == (B, C)
    assert catalog.paths("main", tip, "docker.io/library/nginx") == ()
    assert catalog.all_paths("main", tip) == (A, B, C)


def test_every_kustomization_is_read_once_and_nothing_else(setting: Setting) -> None:
    tip = setting.refreshed()
    for _ in range(2):
        setting.catalog().paths("main", tip, IMAGE)
        assert setting.git.blobs == 3


def test_a_known_tip_costs_no_git_command(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    catalog.paths("main", tip, IMAGE)
    setting.git.commands.clear()
    catalog.paths("main", tip, OTHER)
    setting.catalog().all_paths("main", tip)
    assert setting.git.commands == []


def test_a_new_tip_costs_the_changed_kustomizations_alone(setting: Setting) -> None:
    catalog = setting.catalog()
    catalog.paths("main", setting.refreshed(), IMAGE)
    setting.git.blobs = 0
    setting.alice.commit({C: mentioning(IMAGE), "base/deployment.yaml": "x: y\n"})
    setting.alice.commit({"new/kustomization.yaml": mentioning(IMAGE)})
    setting.alice.commit({A: None})
    tip = setting.refreshed()
    assert catalog.paths("main", tip, IMAGE) == tuple(sorted([B, C, "new/kustomization.yaml"]))
    assert catalog.paths("main", tip, OTHER) == (B,)
    assert setting.git.blobs == 2


def test_an_older_tip_may_be_asked_about_again(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    setting.alice.commit({A: None})
    new = setting.refreshed()
    answers = [catalog.paths("main", tip, IMAGE) for tip in (old, new, old, new)]
    assert answers == [(A, B), (B,), (A, B), (B,)]


def test_a_commit_of_ours_that_is_not_pushed_may_be_asked_about(setting: Setting) -> None:
    catalog, tip = setting.catalog(), setting.refreshed()
    catalog.paths("main", tip, IMAGE)
    ours = setting.ours.build(tip, {A: mentioning(OTHER).encode()}, "x\n", gitops.NOON)
    setting.ours.objects.flush()
    assert catalog.paths("main", ours, IMAGE) == (B,)


def test_all_paths_may_be_the_first_question(setting: Setting) -> None:
    assert setting.catalog().all_paths("main", setting.refreshed()) == (A, B, C)


def test_when_a_forced_push_made_the_known_tip_vanish_everything_is_read_anew(
    setting: Setting, tmp_path: Path, mirror: OpenMirror
) -> None:
    first = setting.refreshed()
    setting.alice.commit({A: None})
    catalog = setting.catalog()
    assert catalog.paths("main", setting.refreshed(), IMAGE) == (B,)
    setting.alice.force(first)
    setting.refreshed()
    git(setting.ours.git.folder, "gc", "--quiet", "--prune=now")
    fresh = mirror(setting.bare, tmp_path / "fresh")
    assert setting.catalog().paths("main", first, IMAGE) == (A, B)
    with closing(Cache(setting.file())) as cache:
        cache.replace("main", "f" * 40, [("stale", IMAGE)])
        assert Catalog(fresh, cache).paths("main", first, IMAGE) == (A, B)


def test_a_cache_that_was_deleted_or_damaged_is_made_again(setting: Setting) -> None:
    tip = setting.refreshed()
    setting.catalog().paths("main", tip, IMAGE)
    setting.stack.close()
    setting.file().write_bytes(b"damaged" * 1000)
    assert setting.catalog().paths("main", tip, IMAGE) == (A, B)


def test_branches_are_answered_for_side_by_side(setting: Setting) -> None:
    setting.alice.commit({A: None}, branch="env/test")
    catalog, main, test = setting.catalog(), setting.refreshed(), setting.refreshed("env/test")
    for _ in range(2):
        assert catalog.paths("main", main, IMAGE) == (A, B)
        assert catalog.paths("env/test", test, IMAGE) == (B,)


def test_a_rival_process_at_another_tip_changes_no_answer(setting: Setting) -> None:
    old = setting.refreshed()
    setting.alice.commit({A: None})
    new = setting.refreshed()
    one, two = setting.catalog(), setting.catalog()
    for _ in range(3):
        assert one.paths("main", old, IMAGE) == (A, B)
        assert two.paths("main", new, IMAGE) == (B,)


@pytest.mark.parametrize("content", ["images: {", "\tx", "", "images: [{name: *x}]", b"\xff\xfe"])
def test_an_unreadable_file_hides_no_other(setting: Setting, content: str | bytes) -> None:
    setting.alice.commit({B: content})
    assert setting.catalog().paths("main", setting.refreshed(), IMAGE) == (A,)


def test_names_that_are_no_text_stop_nothing(setting: Setting) -> None:
    git(setting.alice.folder, "config", "core.quotePath", "false")
    odd = f"100644 blob {git(setting.bare, 'rev-parse', f'main:{A}')}\tcaf".encode() + b"\xe9/kustomization.yaml"
    git(setting.alice.folder, "update-index", "--add", "--index-info", stdin=odd)
    git(setting.alice.folder, "commit", "--quiet", "--message=Odd")
    git(setting.alice.folder, "push", "--quiet", "origin", "HEAD:main")
    assert setting.catalog().paths("main", setting.refreshed(), IMAGE) == (A, B)


TRAILERS = """Deploy a 2.0.0 to test

Updater-Environment: test
Updater-Service: a
Updater-Image: reg.example/acme/app:2.0.0
Updater-Previous: reg.example/acme/app:1.0.0
Updater-Event: generic/1 2026-11-19T09:08:07.5Z
"""


def test_an_entry_that_history_does_not_know_has_no_past(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    nowhere = replace(setting.entry(), path="missing/kustomization.yaml")
    assert catalog.pasts("main", tip, [Question(nowhere, PUSHED, (Version("1.0.0"),))]) == [Past()]
    assert catalog.landings("main", tip, [nowhere]) == [[]]


def test_our_trailers_say_when_the_version_was_pushed(setting: Setting) -> None:
    new = setting.alice.commit(bump("2.0.0"), TRAILERS)
    setting.alice.commit({B: mentioning(IMAGE)}, "Elsewhere")
    setting.refreshed()
    pushed = datetime(2026, 11, 19, 9, 8, 7, 500_000, UTC)
    assert setting.past(setting.catalog()).standing == Standing(new, pushed, COMMITTED)
    (landings,) = setting.catalog().landings("main", setting.refreshed(), [setting.entry()])
    assert landings[-1] == Landing(Version("2.0.0"), new, "alice", COMMITTED, pushed, "generic/1")


def test_without_trailers_the_authors_time_counts(setting: Setting) -> None:
    new = setting.alice.commit(bump("2.0.0"), "By hand")
    setting.alice.commit({A: "# comment\n" + mentioning(IMAGE, tag="2.0.0")}, "Comment")
    setting.refreshed()
    assert setting.past(setting.catalog()).standing == Standing(new, COMMITTED, COMMITTED)


def test_a_version_from_the_beginning_stands_since_the_first_commit(setting: Setting) -> None:
    tip = setting.refreshed()
    assert setting.past(setting.catalog(), path=B).standing == Standing(tip, COMMITTED, COMMITTED)


def test_a_merge_is_what_brought_a_version_from_a_side_branch(setting: Setting) -> None:
    setting.alice.commit(bump("2.0.0"), TRAILERS, branch="side")
    merge = setting.alice.merge("side")
    setting.refreshed()
    standing = setting.past(setting.catalog()).standing
    assert standing is not None
    assert standing.commit == merge


def test_a_merge_tells_where_its_branch_says_that_the_image_was_built_from(setting: Setting) -> None:
    before, origin = setting.refreshed(), Origin("https://github.com/acme/app", "3fa9c1e")
    push = replace(pushed("1.1.0", image=IMAGE), origin=origin)
    ours = commit_message("test", "a", [Line(IMAGE, Version("1.0.0"), push.version, push, push.origin)])
    side = made(setting.bare, Made(bump("1.1.0"), ours, parents=[before]), branch="side")
    merge = made(setting.bare, Made(message="Merge pull request #7", parents=[before, side], tree=side))
    (landings,) = setting.catalog().landings("main", setting.refreshed(), [setting.entry()])
    found = [(each.version.tag, each.commit, each.event, each.origin) for each in landings]
    assert found[1:] == [("1.1.0", merge, None, origin)]
    assert setting.past(setting.fresh()).standing == setting.past(setting.catalog()).standing


def test_what_landed_is_told_oldest_first_for_each_entry(setting: Setting) -> None:
    first = setting.refreshed()
    second = setting.alice.commit(
        {B: mentioning(IMAGE, tag="2.0.0") + mentioning(OTHER, tag="1.0.0").removeprefix("images:\n")}
    )
    third = setting.alice.commit({B: mentioning(OTHER, IMAGE, tag="3.0.0")})
    tip = setting.refreshed()
    told = setting.catalog().landings("main", tip, setting.entries(tip, B))
    seen = [[(landing.version.tag, landing.commit) for landing in landings] for landings in told]
    bumped = [("1.0.0", first), ("2.0.0", second), ("3.0.0", third)]
    assert seen == [[bumped[0], bumped[2]], bumped]


def test_versions_that_stood_are_told_with_their_earliest_push(setting: Setting) -> None:
    setting.alice.commit(bump("2.0.0"), TRAILERS)
    setting.alice.revert(gitops.tip(setting.bare))
    setting.alice.commit(bump("2.0.0"), "Again by hand")
    tip = setting.refreshed()
    asked = question(setting, A, Version("2.0.0"), Version("1.0.0"), Version("3.0.0"))
    (past,) = setting.catalog().pasts("main", tip, [asked])
    pushed = datetime(2026, 11, 19, 9, 8, 7, 500_000, UTC)
    assert dict(past.stood) == {Version("2.0.0"): pushed, Version("1.0.0"): COMMITTED}


@pytest.mark.parametrize("how", ["revert", "revert of a merge", "by hand", "squash", "rebase"])
def test_a_move_back_holds_however_it_was_made(setting: Setting, how: str) -> None:
    alice = setting.alice
    if how == "revert of a merge":
        alice.commit(bump("2.0.0"), branch="side")
        alice.revert(alice.merge("side"), mainline=1)
    elif how == "squash":
        alice.commit(bump("2.0.0"))
        alice.commit(bump("1.0.0"), branch="side")
        alice.squash("side")
    elif how == "rebase":
        bumped = alice.commit(bump("2.0.0"))
        git(alice.folder, "push", "--quiet", "origin", f"{bumped}:refs/heads/side")
        alice.commit(bump("1.0.0"), branch="side")
        alice.commit({"base/deployment.yaml": "x: y\n"})
        alice.rebase("side")
    else:
        bumped = alice.commit(bump("2.0.0"))
        _ = alice.revert(bumped) if how == "revert" else alice.commit(bump("1.0.0"))
    back = setting.refreshed()
    held = Hold(Version("2.0.0"), COMMITTED, back, "alice", COMMITTED)
    assert setting.past(setting.catalog(), SEMVER).holds == (held,)
    assert setting.past(setting.fresh(), SEMVER).holds == (held,)


@pytest.mark.parametrize(("was_plain", "held"), [(True, ["1.0.0"]), (False, [])])
def test_a_digest_taken_out_is_a_move_back_only_where_the_tag_stood_without_one(
    setting: Setting, was_plain: bool, held: list[str]
) -> None:
    plain, path = mentioning(IMAGE), "overlays/test/pinned/kustomization.yaml"
    pinned = f"{plain}  digest: sha256:{'a' * 64}\n"
    for content in (plain, pinned, plain) if was_plain else (pinned, plain):
        setting.alice.commit({path: content})
    setting.refreshed()
    assert setting.held(setting.catalog(), SEMVER, path=path) == held


def test_orders_that_were_asked_for_are_kept_apart(setting: Setting) -> None:
    made(
        setting.bare,
        *(Made(bump(tag), authored=at, committed=at) for tag, at in (("2.0.0", TEN + 1), ("1.5.0", TEN + 2))),
    )
    setting.refreshed()
    catalog = setting.catalog()
    for _ in range(2):
        assert setting.held(catalog, SEMVER) == ["2.0.0"]
        assert setting.held(catalog, PUSHED) == []


# What it costs.


def test_a_file_asked_about_for_the_first_time_costs_one_log_of_that_file(setting: Setting) -> None:
    for number in range(5):
        setting.alice.commit(bump(f"2.{number}.0"))
    setting.refreshed()
    catalog = setting.catalog()
    setting.past(catalog, path=B)
    setting.git.commands.clear()
    setting.past(catalog)
    assert setting.git.names() == ["log", "cat-file"]
    assert setting.git.commands[0][-1].endswith(A)


def test_what_was_asked_before_costs_no_process_at_all(setting: Setting) -> None:
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    tip, catalog = setting.refreshed(), setting.catalog()
    first = (setting.past(catalog, SEMVER), catalog.landings("main", tip, [setting.entry(tip=tip)]))
    setting.git.commands.clear()
    for each in (catalog, setting.catalog()):
        assert (setting.past(each, SEMVER), each.landings("main", tip, [setting.entry(tip=tip)])) == first
        setting.past(each, PUSHED)
    assert setting.git.commands == []
    assert first[0].holds


def test_somebodys_commits_cost_one_pass_over_themselves(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    for path in (A, B, C):
        setting.past(catalog, path=path)
    setting.alice.commit(bump("2.0.0", A) | bump("2.0.0", B))
    setting.alice.commit({"base/deployment.yaml": "x: y\n"})
    new = setting.refreshed()
    setting.git.commands.clear()
    for path in (A, B, C):
        setting.past(catalog, path=path)
    assert setting.git.names().count("log") == 1
    assert f"{old}..{new}" in setting.git.commands[setting.git.names().index("log")]
    assert setting.git.names().count("cat-file") == 2  # for the mentions, and for the versions


@pytest.mark.parametrize(("count", "logs"), [(24, 24), (25, 1)])
def test_many_files_at_once_are_read_in_one_pass(setting: Setting, count: int, logs: int) -> None:
    paths = [f"overlays/test/s{number}/kustomization.yaml" for number in range(count)]
    for tag in ("1.0.0", "2.0.0", "1.0.0"):
        made(setting.bare, Made({path: mentioning(IMAGE, tag=tag) for path in paths}))
    tip, catalog = setting.refreshed(), setting.catalog()
    catalog.all_paths("main", tip)
    questions = [Question(entry, SEMVER) for entry in setting.entries(tip, *paths)]
    setting.git.commands.clear()
    pasts = catalog.pasts("main", tip, questions)
    assert [setting.git.names().count("log"), len(pasts)] == [logs + 1, count]  # one more looks for merges
    assert {hold.version.tag for past in pasts for hold in past.holds} == {"2.0.0"}


def test_one_pass_finds_what_many_logs_find(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.alice.commit(bump("2.0.0", A), branch="side")
    setting.alice.commit(bump("2.0.0", B))
    setting.alice.revert(setting.alice.merge("side"), mainline=1)
    tip = setting.refreshed()
    entries = setting.entries(tip, A, B, C)
    found = knowledge(setting.fresh(), "main", tip, entries, ())
    monkeypatch.setattr(catalog_module, "_MANY", 0)
    assert knowledge(setting.fresh(), "main", tip, entries, ()) == found


# Our own pushes.


def push(setting: Setting, *contents: str) -> tuple[Update, list[tuple[str, dict[str, bytes]]]]:
    """Commits of ours, each with another content of the same file, on the remote."""
    old = new = setting.refreshed()
    commits = []
    for content in contents:
        files = {A: content.encode()}
        new = setting.ours.build(new, files, TRAILERS, COMMITTED)
        commits.append((new, files))
    update = Update("main", old, new)
    assert setting.ours.push([update]) == {"main": "landed"}
    return update, commits


def test_our_own_push_is_noted_without_asking_git(setting: Setting) -> None:
    catalog = setting.catalog()
    setting.refreshed()
    setting.past(catalog)
    update, commits = push(setting, mentioning(IMAGE, tag="2.0.0"))
    setting.git.commands.clear()
    catalog.landed(update, commits)
    pushed = datetime(2026, 11, 19, 9, 8, 7, 500_000, UTC)
    assert setting.past(catalog).standing == Standing(update.new or "", pushed, COMMITTED)
    assert catalog.paths("main", update.new or "", IMAGE) == (A, B)
    assert setting.git.commands == []


def test_several_commits_of_one_push_are_noted_one_after_the_other(setting: Setting) -> None:
    setting.refreshed()
    catalog = setting.catalog()
    setting.past(catalog)
    update, commits = push(setting, *(mentioning(IMAGE, tag=tag) for tag in ("3.0.0", "2.0.0", "2.0.0", "2.5.0")))
    setting.git.commands.clear()
    catalog.landed(update, commits)
    (landings,) = catalog.landings("main", update.new or "", [setting.entry(tip=update.new or "")])
    assert [landing.version.tag for landing in landings] == ["1.0.0", "3.0.0", "2.0.0", "2.5.0"]
    assert setting.held(catalog, SEMVER) == ["3.0.0"]
    assert setting.git.commands == []


def test_our_own_push_that_mentions_other_images_is_found_under_them(setting: Setting) -> None:
    tip, catalog = setting.refreshed(), setting.catalog()
    catalog.paths("main", tip, IMAGE)
    update, commits = push(setting, mentioning(OTHER))
    catalog.landed(update, commits)
    assert catalog.paths("main", update.new or "", IMAGE) == (B,)
    assert catalog.paths("main", update.new or "", OTHER) == (A, B, C)


def test_our_own_push_is_not_noted_over_what_another_process_has_learned_since(setting: Setting) -> None:
    catalog, old = setting.catalog(), setting.refreshed()
    setting.past(catalog)
    update, commits = push(setting, mentioning(IMAGE, tag="2.0.0"))
    setting.alice.commit(bump("3.0.0"))
    tip = setting.refreshed()
    expected = setting.past(catalog)
    catalog.landed(update, commits)
    assert catalog.paths("main", tip, IMAGE) == (A, B)
    assert setting.past(catalog) == expected == setting.past(setting.fresh())
    assert old == update.old


# Processes beside each other.


def test_who_has_not_heard_of_the_newest_commits_is_not_told_of_them(setting: Setting) -> None:
    first = setting.refreshed()
    setting.alice.commit(bump("2.0.0"))
    back = setting.alice.revert(gitops.tip(setting.bare))
    tip = setting.refreshed()
    one, two = setting.catalog(), setting.catalog()
    for _ in range(2):
        assert setting.held(one) == ["2.0.0"]
        for old, tags in ((first, ["1.0.0"]), (f"{back}~", ["1.0.0", "2.0.0"])):
            older = git(setting.bare, "rev-parse", old)
            (landings,) = two.landings("main", older, [setting.entry(tip=older)])
            assert [landing.version.tag for landing in landings] == tags
    assert setting.ours.tip("main") == tip


def test_who_has_not_heard_of_a_merge_by_pulling_learns_other_files_without_it(setting: Setting) -> None:
    """What turns the branch took belongs to its tip like everything else."""
    first = setting.refreshed()
    setting.alice.commit(bump("2.0.0"))
    before = setting.refreshed()
    setting.alice.foxtrot(bump("5.0.0", B), first)
    tip = setting.refreshed()
    ahead, behind = setting.catalog(), setting.catalog()
    ahead.pasts("main", tip, [question(setting, A)])
    (landings,) = behind.landings("main", before, [setting.entry(B, before)])
    assert [landing.version.tag for landing in landings] == ["1.0.0"]
    (landings,) = ahead.landings("main", tip, [setting.entry(B, tip)])
    assert [landing.version.tag for landing in landings] == ["1.0.0", "5.0.0"]


class Interrupting:
    """An order whose name is asked for while history is looked up: before it is told somebody else does something."""

    def __init__(self, moment: int, act: Callable[[], object]) -> None:
        self.left = moment
        self.act = act

    @property
    def name(self) -> str:
        self.left -= 1
        if self.left == -1:
            with suppress(UpdaterError):  # who is kept out meanwhile comes too late, which is as good
                self.act()
        return SEMVER.name

    def rank(self, version: Version, pushed_at: datetime | None) -> object:
        return SEMVER.rank(version, pushed_at)


def rival(setting: Setting) -> Catalog:
    """Another process on the same disk, one that does not wait long."""
    cache = setting.stack.enter_context(closing(Cache(setting.file())))
    cache.rows("PRAGMA busy_timeout = 50")
    return Catalog(setting.ours, cache)


@pytest.mark.parametrize("moment", range(4))
def test_an_answer_is_about_the_tip_that_was_asked_about_whatever_a_rival_looks_at(
    setting: Setting, moment: int
) -> None:
    first = setting.refreshed()
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    tip = setting.refreshed()
    one, two = setting.catalog(), rival(setting)
    one.landings("main", tip, [setting.entry(tip=tip)])
    order = Interrupting(moment, lambda: two.landings("main", first, [setting.entry(tip=first)]))
    (past,) = one.pasts("main", tip, [Question(setting.entry(tip=tip), order)])
    assert [hold.version.tag for hold in past.holds] == ["2.0.0"]


def test_what_is_learned_is_not_noted_where_a_rival_looks_at_another_tip_by_then(setting: Setting) -> None:
    first = setting.refreshed()
    setting.alice.commit(bump("2.0.0"))
    tip = setting.refreshed()
    one, two = setting.catalog(), setting.catalog()
    one.all_paths("main", tip)
    setting.git.meanwhile = lambda: two.all_paths("main", first)
    (landings,) = one.landings("main", tip, [setting.entry(tip=tip)])
    assert [landing.version.tag for landing in landings] == ["1.0.0", "2.0.0"]
    one.all_paths("main", first)
    setting.git.meanwhile = lambda: two.all_paths("main", tip)
    (landings,) = one.landings("main", first, [setting.entry(tip=first)])
    assert [landing.version.tag for landing in landings] == ["1.0.0"]
    (landings,) = two.landings("main", tip, [setting.entry(tip=tip)])
    assert [landing.version.tag for landing in landings] == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize("moment", range(4))
def test_what_is_remembered_is_of_the_history_that_is_known_whatever_a_rival_learns(
    setting: Setting, moment: int
) -> None:
    """Somebody erases a hold, and a rival hears of that while we look at the landings and make a note of them."""
    first = setting.refreshed()
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    tip = setting.refreshed()
    one, two = setting.catalog(), rival(setting)
    entry = setting.entry(tip=tip)
    one.landings("main", tip, [entry])

    def rewrite() -> None:
        setting.alice.force(first)
        for tag in ("1.5.0", "1.4.0", "1.6.0"):
            setting.alice.commit(bump(tag), "Another history")
        setting.refreshed()
        setting.past(two, SEMVER)

    one.pasts("main", tip, [Question(entry, Interrupting(moment, rewrite))])
    setting.alice.commit(bump("1.5.5"))
    setting.refreshed()
    assert setting.past(one, SEMVER) == setting.past(setting.fresh(), SEMVER)


# Rewritten histories.


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    assert {record.name for record in caplog.records} <= {"updater.adapters.catalog"}
    return [record.getMessage() for record in caplog.records]


def test_a_forced_push_that_erases_a_bump_erases_its_hold_and_is_told(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    first, catalog = setting.refreshed(), setting.catalog()
    setting.past(catalog, path=B)
    back = setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    setting.refreshed()
    assert setting.held(catalog) == ["2.0.0"]
    setting.alice.force(first)
    setting.alice.commit({C: mentioning(OTHER, tag="5.0.0")})
    setting.refreshed()
    assert setting.held(catalog) == setting.held(setting.fresh()) == []
    (told,) = warnings(caplog)
    for words in ("main was rewritten", back[:7], "alice took back 2.0.0", A, "so is that hold"):
        assert words in told


def test_a_hold_that_a_forced_push_left_in_history_is_not_told(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = setting.catalog()
    back = setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    setting.alice.commit({"base/deployment.yaml": "x: y\n"})
    setting.refreshed()
    assert setting.held(catalog) == ["2.0.0"]
    setting.alice.force(back)
    setting.alice.commit({C: mentioning(OTHER, tag="5.0.0")})
    setting.refreshed()
    assert setting.held(catalog) == setting.held(setting.fresh()) == ["2.0.0"]
    assert warnings(caplog) == []


def test_going_forward_tells_of_no_vanished_hold(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    catalog = setting.catalog()
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    setting.refreshed()
    assert setting.held(catalog) == ["2.0.0"]
    setting.alice.commit(bump("3.0.0"))
    setting.refreshed()
    assert setting.held(catalog) == []
    assert warnings(caplog) == []


def test_what_a_forced_push_erased_is_forgotten_although_the_files_are_the_same(setting: Setting) -> None:
    first, catalog = setting.refreshed(), setting.catalog()
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    tip = setting.refreshed()
    assert setting.past(catalog).standing == Standing(tip, COMMITTED, COMMITTED)
    setting.alice.force(first)
    setting.refreshed()
    assert setting.past(catalog) == Past(Standing(first, COMMITTED, COMMITTED))


def test_a_merge_that_puts_the_branch_behind_another_history_is_read_anew(setting: Setting) -> None:
    """The branch was what is merged, and no default message says so: the side branch is what it came along."""
    catalog = setting.catalog()
    side = setting.alice.commit({C: mentioning(IMAGE)}, "Side", branch="side")
    before = setting.alice.commit(bump("2.0.0"), "Bump")
    setting.refreshed()
    setting.past(catalog)
    merge = made(setting.bare, Made(message="Bring both together", parents=[side, before], tree=before))
    setting.refreshed()
    assert setting.past(catalog).standing == Standing(merge, COMMITTED, COMMITTED)
    assert setting.past(setting.fresh()) == setting.past(catalog)


# Merges by pulling.


@pytest.mark.parametrize("merging", [(), ("merge", "--quiet", "--no-edit", "origin/main")])
def test_a_revert_that_was_pulled_still_holds_and_on_a_fresh_disk_too(
    setting: Setting, merging: tuple[str, ...]
) -> None:
    first, catalog = setting.refreshed(), setting.catalog()
    setting.past(catalog)
    back = setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    setting.alice.foxtrot({"docs/x.md": "x\n"}, first, *merging)
    setting.refreshed()
    expected = Past(
        Standing(back, COMMITTED, COMMITTED), (Hold(Version("2.0.0"), COMMITTED, back, "alice", COMMITTED),)
    )
    assert setting.past(catalog, SEMVER) == setting.past(setting.fresh(), SEMVER) == expected
    setting.alice.foxtrot({"docs/y.md": "x\n"}, first)
    setting.refreshed()
    assert setting.past(catalog, SEMVER) == setting.past(setting.fresh(), SEMVER) == expected


def test_a_bump_that_was_merged_with_a_pull_landed_with_the_merge(setting: Setting) -> None:
    first, catalog = setting.refreshed(), setting.catalog()
    setting.past(catalog, path=B)
    setting.alice.commit(bump("2.0.0"))
    merge = setting.alice.foxtrot(bump("4.0.0", B), first)
    tip = setting.refreshed()
    for each in (catalog, setting.fresh()):
        (landings,) = each.landings("main", tip, [setting.entry(B)])
        assert [(landing.version.tag, landing.commit) for landing in landings] == [("1.0.0", first), ("4.0.0", merge)]


# Histories that are cut short.


@pytest.fixture
def cut(setting: Setting, tmp_path: Path, mirror: OpenMirror) -> Iterator[Setting]:
    """A remote that knows only the newest three of five commits."""
    setting.alice.revert(setting.alice.commit(bump("2.0.0")))
    setting.alice.commit(bump("3.0.0"), "Three")
    setting.alice.revert(gitops.tip(setting.bare))
    (tmp_path / "cut").mkdir()
    bare = gitops.shallow(setting.bare, tmp_path / "cut" / "gitops.git", depth=3)
    with catalogs.setting(tmp_path / "cut", mirror(bare, tmp_path / "state"), bare) as made_:
        yield made_


def test_a_history_that_is_cut_short_is_used_and_what_cannot_be_known_is_told(
    cut: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    tip, catalog = cut.refreshed(), cut.catalog()
    (landings,) = catalog.landings("main", tip, [cut.entry()])
    assert [landing.version.tag for landing in landings] == ["1.0.0", "3.0.0", "1.0.0"]
    assert cut.held(catalog, SEMVER) == ["3.0.0"]
    (told,) = warnings(caplog)
    assert "cut short" in told
    assert "main before the cut is not known" in told


def test_one_works_on_with_a_history_that_is_cut_short(cut: Setting) -> None:
    catalog = cut.catalog()
    cut.refreshed()
    cut.past(catalog)
    catalog.landed(*push(cut, mentioning(IMAGE, tag="4.0.0")))
    cut.alice.revert(gitops.tip(cut.bare))
    cut.refreshed()
    assert cut.held(catalog, SEMVER) == cut.held(cut.fresh(), SEMVER) == ["4.0.0"]


def test_a_whole_history_is_told_of_nothing(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    setting.refreshed()
    setting.past(setting.catalog())
    assert warnings(caplog) == []


# What changed lately.


def test_the_files_that_changed_lately_are_told_newest_first(setting: Setting) -> None:
    setting.alice.commit(bump("2.0.0"))
    setting.alice.commit({"base/deployment.yaml": "x: y\n"})
    setting.alice.commit(bump("2.0.0", B))
    setting.alice.commit(bump("3.0.0", B) | {"base/deployment.yaml": "x: z\n"})
    tip, catalog = setting.refreshed(), setting.catalog()

    def recent(count: int) -> list[str]:
        return catalog.recent(tip, count, lambda path: path.startswith("overlays/"))

    assert [recent(count) for count in (1, 2, 3)] == [[B], [B], [B, A]]
    assert recent(4) == recent(99) == [B, A, C]
    assert catalog.recent(tip, 1, lambda path: path == "missing") == []
