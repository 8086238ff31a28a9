"""Our branches as they stand: what they propose, whose commits they carry, and what the forge is asked for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, at, delivery, digest
from tests.helpers.fake_repository import FakeRepository, environment_file, images
from tests.helpers.promoted import HEAD, World, following, promoting, standing, world
from updater.core import heads
from updater.core.environment import NamedEnvironment
from updater.core.history import key
from updater.core.kustomization import entries
from updater.core.messages import BY_HAND
from updater.core.proposals import Proposed
from updater.core.waiting import Waiting
from updater.errors import ForgeUnavailable
from updater.forge import Draft
from updater.model import Version
from updater.protocols import Beyond
from updater.reviewing.branches import look, of_head, revived
from updater.reviewing.contents import proposed

STAGING = "overlays/staging/model-a/kustomization.yaml"
KEY = key(entries(STAGING, images((IMAGE, "1", None)).encode())[0])
MESSAGE = (
    "Deploy model-a 2 to staging\n\nUpdater-Environment: staging\nUpdater-Service: model-a\n"
    f"Updater-Image: {IMAGE}:2\nUpdater-Previous: {IMAGE}:1\nUpdater-Event: generic/id-7 2026-11-20T10:00:00Z\n"
)


def repository() -> FakeRepository:
    return FakeRepository({"main": standing("staging", "1")}, since=-99)


def ours(made: FakeRepository, tag: str = "2", message: str = MESSAGE, parent: str | None = None) -> str:
    """A commit of ours on main."""
    parent = parent or made.remote["main"]
    return made.build(parent, {STAGING: images((IMAGE, tag, None)).encode()}, message, at(1))


def read(made: FakeRepository, head: str) -> Proposed:
    found = proposed(made, made.remote["main"], head)
    assert found is not None
    return found


# What a head proposes


def test_it_proposes_the_versions_that_its_commits_changed() -> None:
    made = repository()
    found = read(made, ours(made))
    assert found.versions == {(STAGING, KEY): Version("2")}
    assert (found.fork, found.strangers, found.by_hand) == (made.remote["main"], (), None)
    assert found.paths == {STAGING}


def test_it_proposes_nothing_where_all_of_it_is_in_the_base() -> None:
    made = repository()
    assert proposed(made, made.remote["main"], made.remote["main"]) is None


def test_its_trailers_tell_its_pushes_what_it_superseded_and_who_ordered_it() -> None:
    made = repository()
    superseded = f"Updater-Supersedes: {IMAGE}:1.5@{digest('b')}\nUpdater-Supersedes: no image\n"
    found = read(made, ours(made, message=f"{MESSAGE}{superseded}{BY_HAND}: INC-42\n"))
    push = found.push(IMAGE, Version("2"))
    assert push is not None
    assert (push.event, push.time) == ("generic/id-7", at(-120))
    assert found.superseded == (("model-a", IMAGE, Version("1.5", digest("b"))),)
    assert found.by_hand == "INC-42"


def test_what_is_superseded_is_nothing_without_a_service() -> None:
    made = repository()
    message = MESSAGE.replace("Updater-Service: model-a\n", "") + f"Updater-Supersedes: {IMAGE}:1.5\n"
    assert read(made, ours(made, message=message)).superseded == ()


def test_a_file_that_cannot_be_read_proposes_nothing() -> None:
    made = repository()
    head = made.build(made.remote["main"], {STAGING: b"images: [\n"}, MESSAGE, at(1))
    assert read(made, head).versions == {}


def test_other_files_propose_nothing() -> None:
    made = repository()
    head = made.build(made.remote["main"], {"environments/staging.yaml": b"paused: true\n"}, MESSAGE, at(1))
    found = read(made, head)
    assert found.versions == {}
    assert found.paths == {"environments/staging.yaml"}


def test_commits_of_other_people_are_named_once_each() -> None:
    made = repository()
    made.remote[HEAD] = ours(made)
    for number in range(2):
        made.commit(HEAD, {"NOTES": str(number)})
    assert read(made, made.remote[HEAD]).strangers == ("alice",)


class Merging(FakeRepository):
    """A repository in which the newest commit of our branch is bob's merge of a base that moved on."""

    base = merge = ""

    def beyond(self, base: str, head: str) -> list[Beyond]:
        own = self.commits[self.merge].parent or ""
        merge = Beyond(self.merge, (own, self.base), "bob", "Merge branch 'main'", is_ours=False)
        return [merge, *super().beyond(self.commits[own].parent or "", own)]


@pytest.mark.parametrize(
    ("changes", "strangers"),
    [
        ({}, ()),
        ({"SNEAKED": b"in"}, ("bob",)),
        ({"README": b"other news"}, ("bob",)),
        ({STAGING: images((IMAGE, "2", None)).encode() + b"# bob was here\n"}, ("bob",)),
        ({STAGING: b"images: [\n"}, ("bob",)),
    ],
)
def test_a_merge_of_the_base_is_nobodys_work_as_long_as_it_is_what_we_would_have_planned_there(
    changes: dict[str, bytes], strangers: tuple[str, ...]
) -> None:
    made = Merging({"main": {**standing("staging", "1"), "README": "old"}}, since=-99)
    own = ours(made)
    made.base = made.commit("main", {"README": "news"}, minutes=2)
    files = {**made.commits[made.base].files, STAGING: images((IMAGE, "2", None)).encode(), **changes}
    made.merge = made.build(own, files, "Merge branch 'main'", at(3))
    found = proposed(made, made.base, made.merge)
    assert found is not None
    assert (found.strangers, found.fork) == (strangers, made.base)


# Looking


def known(made: World, name: str = "staging") -> NamedEnvironment:
    tree = made.repository.tree(made.repository.remote["main"])
    found = made.parts.sight.configuration(tree, "main").environments
    return next(each for each in found if each.name == name)


def opened() -> World:
    made = following()
    made.handle(delivery("2"))
    return made


def test_it_sees_the_branches_of_the_environments_that_are_asked_about_and_all_pull_requests() -> None:
    made = opened()
    sight = made.parts.sight
    review = look(sight, [known(made)])
    assert (list(review.branches), [pull.number for pull in review.pulls or ()]) == ([HEAD], [1])
    assert look(sight, []).branches == {}


def test_looking_again_asks_the_forge_nothing_more() -> None:
    made = opened()
    calls = len(made.forge.calls)
    first = look(made.parts.sight, [])
    second = look(made.parts.sight, [known(made)], first)
    assert (list(second.branches), len(made.forge.calls)) == ([HEAD], calls + 1)


def test_a_forge_that_fails_is_a_problem_of_the_review_and_is_asked_once() -> None:
    made = opened()
    down = ForgeUnavailable("it is down")
    made.forge.fails["opened"] = [down] * 2
    review = look(made.parts.sight, [known(made)])
    again = look(made.parts.sight, [], review)
    assert (review.problem, review.branches, again, len(made.forge.fails["opened"])) == (down, {}, review, 1)


def test_a_branch_that_is_gone_is_seen_by_its_pull_request() -> None:
    made = opened()
    del made.repository.remote[HEAD]
    made.repository.refresh()
    (branch,) = look(made.parts.sight, [known(made)]).branches.values()
    assert (branch.tip, branch.pull and branch.pull.number) == (None, 1)
    assert branch.proposed is not None
    assert list(branch.proposed.versions.values()) == [Version("2")]


def test_of_several_pull_requests_of_a_branch_the_one_into_its_base_counts() -> None:
    made = opened()
    (mine,) = made.forge.opened()
    others = [replace(mine, number=number, base=base) for number, base in ((2, "release"), (3, "main"), (4, "a"))]
    assert of_head([others[2], *others, mine], HEAD, "main") == mine
    assert of_head([others[2], others[0]], HEAD, "main") == others[0]
    assert of_head([mine], "updater/staging/x", "main") is None


def test_one_whose_branch_and_commit_are_gone_proposes_nothing_that_is_known() -> None:
    made = opened()
    del made.repository.remote[HEAD]
    made.repository.refresh()
    made.repository.bring = lambda _commits: frozenset()  # type: ignore[method-assign]
    (branch,) = look(made.parts.sight, [known(made)]).branches.values()
    assert (branch.tip, branch.proposed) == (None, None)


def test_a_change_of_an_environments_file_is_compared_with_the_default_branch() -> None:
    made = world("branch: env/staging")
    made.repository.commit("env/staging", standing("staging", "1"))
    name = heads.shared("staging", heads.SETTINGS)
    tip = made.repository.build(made.repository.remote["main"], {"x": b"y"}, f"{MESSAGE}{BY_HAND}: x\n", at(70))
    made.repository.remote[name] = tip
    made.repository.refresh(frozenset({"env/staging"}))
    (branch,) = look(made.parts.sight, [known(made)]).branches.values()
    assert branch.proposed is not None
    assert branch.proposed.strangers == ()
    assert branch.proposed.paths == {"x"}


# Deciding again on what is proposed


def again(made: World) -> Waiting:
    """What is decided on again."""
    branches = look(made.parts.sight, [known(made)]).branches.values()
    return revived(branches, {"staging"})


def test_what_is_proposed_is_the_push_that_its_trailers_tell() -> None:
    made = opened()
    (events,) = again(made).values()
    assert [(each.image, each.version, each.source, each.id, each.time) for each in events] == [
        (IMAGE, Version("2"), "generic", "id-1", at(0))
    ]


def test_what_no_trailer_tells_and_what_others_committed_is_no_push() -> None:
    made = opened()
    message = MESSAGE.replace("Updater-Event", "Event")
    made.repository.remote[HEAD] = made.repository.build(
        made.repository.remote["main"], {STAGING: images((IMAGE, "2", None)).encode()}, message, at(70)
    )
    made.repository.refresh()
    assert list(again(made).values()) == [()]
    theirs = opened()
    theirs.repository.commit(HEAD, {STAGING: images((IMAGE, "77", None))}, minutes=70)
    theirs.repository.refresh()
    assert again(theirs) == {}


def test_what_a_person_ordered_and_what_is_promoted_is_not_decided_on_again() -> None:
    made = opened()
    (branch,) = look(made.parts.sight, [known(made)]).branches.values()
    assert branch.proposed is not None
    ordered = replace(branch, proposed=replace(branch.proposed, by_hand="INC-42"))
    assert revived([ordered], {"staging"}) == {}
    assert revived([branch], {"test"}) == {}
    assert revived([replace(branch, proposed=None)], {"staging"}) == {}


def test_all_environments_are_looked_at_with_one_question() -> None:
    files = {
        **environment_file("edge", "deliver: pull-request", order="numerical"),
        **standing("edge", "1"),
        **promoting(name="canary"),
        **standing("canary", "1"),
    }
    made = world(files=files)
    made.stand("test", "2")
    made.handle(delivery("2"))
    made.reconcile()
    assert set(made.open) == {f"updater/{name}/model-a" for name in ("edge", "canary", "staging")}
    calls = len(made.forge.calls)
    made.reconcile()
    assert [call[0] for call in made.forge.calls[calls:]] == ["opened"]


def test_a_branch_of_somebody_else_with_such_a_name_is_not_written_to() -> None:
    made = world()
    theirs = made.repository.commit(HEAD, {"NOTES": "mine"})
    made.stand("test", "2")
    report = made.reconcile()
    assert (made.repository.remote[HEAD], made.open) == (theirs, {})
    assert [each.reason for each in report.decisions] == [
        f"the branch {HEAD} carries commits of alice, and is left alone"
    ]


def test_a_branch_without_a_service_is_no_branch_of_ours() -> None:
    made = world()
    made.repository.commit("updater/notes", {"NOTES": "mine"})
    made.stand("test", "2")
    made.reconcile()
    made.reconcile()
    assert (set(made.open), made.branches) == ({HEAD}, {HEAD, "updater/notes"})


def test_a_pull_request_that_is_open_already_for_our_branch_is_taken_over() -> None:
    made = world()
    made.stand("test", "2")
    made.forge.fails["open"] = [ForgeUnavailable("it is down")]
    made.reconcile()
    made.forge.acting("alice").open(Draft(HEAD, "main", made.repository.remote[HEAD], "Mine", "text"))
    made.reconcile()
    assert made.open == {HEAD: "Deploy model-a 2 to staging"}


def test_a_base_that_somebody_put_back_makes_nobody_a_stranger_and_the_branch_is_made_anew() -> None:
    made = world()
    start = made.repository.remote["main"]
    made.repository.commit("main", {"secret.txt": "oops\n"}, minutes=1)
    made.stand("test", "2")
    made.reconcile()
    files = {path: made.repository.on_remote("main", path) for path in ("overlays/test/model-a/kustomization.yaml",)}
    made.repository.remote["main"] = start
    made.repository.commit("main", files, minutes=3)
    report = made.reconcile()
    assert [kept.told for kept in report.pulls] == ["moved"]
    head = made.repository.commits[made.repository.remote[HEAD]]
    assert (head.parent, "secret.txt" in head.files) == (made.repository.remote["main"], False)
