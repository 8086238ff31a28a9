"""What is asked of the forge for one pull request, and what is not."""

from __future__ import annotations

import pytest

from tests.helpers.fake_repository import FakeRepository
from tests.helpers.promoted import HEAD, World, promoting, standing, world
from updater.errors import RenderError
from updater.forge import WITHDRAWN
from updater.protocols import Tree
from updater.sight import Render

BEFORE = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: '1'}\n"


def opened(*more: str) -> World:
    ours = world(*more)
    ours.stand("test", "2")
    ours.reconcile()
    return ours


def asked(ours: World, since: int) -> list[str]:
    """The changes that the forge was asked for since then."""
    return [call[0] for call in ours.forge.calls[since:] if call[0] not in ("opened", "settled", "statuses")]


def rendering(ours: World, made: list[str]) -> Render:
    def render(_tree: Tree, _files: object, overlay: str) -> tuple[bytes, bytes]:
        made.append(overlay)
        return BEFORE, BEFORE.replace(b"'1'", b"'2'")

    ours.render = render
    return render


def test_the_text_has_the_rendered_difference() -> None:
    ours = world()
    rendering(ours, [])
    ours.stand("test", "2")
    ours.reconcile()
    assert "-data: {a: '1'}\n+data: {a: '2'}\n" in ours.pull().body


def test_a_text_that_was_right_once_is_not_rendered_again() -> None:
    ours, made = world(), list[str]()
    rendering(ours, made)
    ours.stand("test", "2")
    ours.reconcile()
    ours.reconcile()
    assert made == ["overlays/staging/model-a"]


def test_a_replica_that_has_forgotten_renders_again_and_changes_nothing() -> None:
    ours, made = world(), list[str]()
    rendering(ours, made)
    ours.stand("test", "2")
    ours.reconcile()
    other, since = ours.elsewhere(), len(ours.forge.calls)
    rendering(other, made)
    other.reconcile()
    assert (len(made), asked(ours, since)) == (2, [])


def test_why_it_was_not_rendered_is_told() -> None:
    ours = world()

    def render(_tree: Tree, _files: object, _overlay: str) -> tuple[bytes, bytes]:
        raise RenderError("no such base")

    ours.render = render
    ours.stand("test", "2")
    ours.reconcile()
    assert "- overlays/staging/model-a: no such base" in ours.pull().body


def test_an_environment_that_asks_for_no_rendering_gets_none() -> None:
    ours, made = world("verify: parse"), list[str]()
    rendering(ours, made)
    ours.stand("test", "2")
    ours.reconcile()
    assert (made, "`verify: parse`" in ours.pull().body or "verify: parse" in ours.pull().body) == ([], True)


def test_ends_of_lines_that_the_forge_has_changed_are_no_change() -> None:
    ours = opened()
    ours.forge.edited(1, body=ours.pull().body.replace("\n", "\r\n") + "\r\n")
    since = len(ours.forge.calls)
    ours.reconcile()
    ours.elsewhere().reconcile()
    assert asked(ours, since) == []


def test_a_title_alone_is_rewritten_alone() -> None:
    ours = opened()
    ours.forge.edited(1, title="Mine")
    since = len(ours.forge.calls)
    ours.reconcile()
    (edit,) = [call for call in ours.forge.calls[since:] if call[0] == "edit"]
    assert (edit[2].title, edit[2].body, edit[2].base) == ("Deploy model-a 2 to staging", None, None)


def test_moving_asks_for_one_edit_and_one_status() -> None:
    ours = opened()
    ours.stand("test", "3")
    since = len(ours.forge.calls)
    ours.reconcile()
    assert asked(ours, since) == ["edit", "report"]


def test_a_status_that_somebody_else_wrote_over_is_put_right() -> None:
    ours = opened()
    ours.forge.reported(ours.pull().commit, "updater/gates", "failure")
    ours.reconcile()
    assert ours.gates() == ("success", "all gates are green")


def test_withdrawing_is_one_edit_with_label_and_comment() -> None:
    ours = opened()
    ours.stand("staging", "2")
    since = len(ours.forge.calls)
    ours.reconcile()
    (edit,) = [call[2] for call in ours.forge.calls[since:] if call[0] == "edit"]
    assert (edit.labels, edit.state, edit.title) == ((WITHDRAWN,), "closed", None)
    assert edit.comment.startswith("Withdrawn: 2 stands already\n")


def test_what_somebody_merges_before_our_edit_of_it_is_not_touched_again() -> None:
    ours = opened()
    ours.forge.edited(1, title="Mine")
    ours.forge.rivals = [lambda: None, lambda: ours.merge(1)]
    ours.reconcile()
    ours.reconcile()
    assert (ours.pull().state, ours.branches, ours.tag()) == ("merged", set(), "2")


@pytest.mark.parametrize("lag", [True, False])
def test_a_head_that_the_forge_does_not_know_yet_is_not_merged_in_its_old_state(lag: bool) -> None:
    ours = opened("pull-request: {merge: when-green}")
    old = ours.pull()
    if lag:
        ours.forge.opened = lambda: [old]  # type: ignore[method-assign]
        tip = ours.repository.commits[old.commit]
        new = ours.repository.build(tip.parent or "", tip.files, tip.message + "\n", ours.clock.now())
        ours.repository.remote[HEAD] = new
    ours.reconcile()
    (merge,) = [call for call in ours.forge.calls if call[0] == "merge"]
    assert (merge[2] == old.commit) is not lag


def test_labels_of_the_environment_are_for_new_ones_alone() -> None:
    ours = opened()
    ours.commit(promoting("pull-request: {labels: [promotion]}"))
    since = len(ours.forge.calls)
    ours.reconcile()
    assert (asked(ours, since), ours.pull().labels) == ([], frozenset())


def test_two_services_have_each_their_own() -> None:
    ours = world(files={**standing("test", "2", "model-b"), **standing("staging", "1", "model-b")})
    ours.stand("test", "2")
    ours.reconcile()
    assert {ours.pull(1).title, ours.pull(2).title} == {
        "Deploy model-a 2 to staging",
        "Deploy model-b 2 to staging",
    }
    assert isinstance(ours.repository, FakeRepository)
