"""From decisions to new file contents: one change for each service, and reasons for what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers.events import IMAGE, digest, environment, pushed
from tests.helpers.fake_repository import agree, images
from tests.helpers.trees import File, MemoryTree
from updater.core.changes import (
    Planned,
    Verify,
    lines_of,
    make_changes,
    place_of,
    refuse_second_kustomization,
    target_of,
)
from updater.core.environment import NamedEnvironment
from updater.core.kustomization import entries
from updater.core.matching import overlay
from updater.core.messages import Told, told
from updater.core.verification import PlannedEdit
from updater.errors import EditRefused, RenderError
from updater.model import Decision, Event, Outcome, Target
from updater.protocols import Tree

A, B, C = (f"reg.example/models/model-{letter}" for letter in "abc")
PATH = "overlays/test/model-a/kustomization.yaml"
TEST = environment()


def bump(files: dict[str, str], path: str, event: Event, where: NamedEnvironment = TEST, index: int = 0) -> Decision:
    """The decision to write a push to an entry of a file."""
    entry = entries(path, files[path].encode())[index]
    folder, service = overlay(where, path) or ("", "")
    target = Target(where.name, service, where.branch, folder, entry)
    return Decision(event.image, event.version, Outcome.COMMITTED, "newer", event, target)


def changed(files: dict[str, str], *bumps: Decision, verify: Verify = agree, where: NamedEnvironment = TEST) -> Planned:
    tree: dict[str, File] = dict(files)
    return make_changes(MemoryTree(tree), {where.name: where}, bumps, verify)


def after(planned: Planned, path: str) -> str:
    """The content of a file after all changes."""
    return [change.files[path].after for change in planned.changes if path in change.files][-1].decode()


def test_a_bump_changes_its_values_and_nothing_else() -> None:
    files = {PATH: "# kept\n" + images((IMAGE, "1.3.0", "a"))}
    decision = bump(files, PATH, pushed("1.4.0", "b"))
    planned = changed(files, decision)
    (change,) = planned.changes
    assert change.files[PATH].before.decode() == files[PATH]
    assert change.files[PATH].after.decode() == "# kept\n" + images((IMAGE, "1.4.0", "b"))
    assert (change.environment, change.service, change.branch) == ("test", "model-a", "main")
    assert (change.decisions, planned.refused) == ((decision,), ())
    assert change.subject == "Deploy model-a 1.4.0 to test"
    assert change.message.splitlines()[2] == f"{IMAGE}: 1.3.0 -> 1.4.0"
    assert f"Updater-Image: {IMAGE}:1.4.0@{digest('b')}\n" in change.message


def test_several_overlays_of_one_service_are_one_change() -> None:
    where = environment(overlays="clusters/*/{service}")
    files = {f"clusters/{cluster}/model-a/kustomization.yaml": images((A, "1", None)) for cluster in ("eu", "us")}
    planned = changed(files, *(bump(files, path, pushed("2"), where) for path in files), where=where)
    (change,) = planned.changes
    assert sorted(change.files) == sorted(files)
    assert {after(planned, path) for path in files} == {images((A, "2", None))}


def test_each_service_is_a_change_of_its_own() -> None:
    files = {f"overlays/test/{name}/kustomization.yaml": images((A, "1", None)) for name in ("x", "y")}
    planned = changed(files, *(bump(files, path, pushed("2")) for path in reversed(files)))
    assert [change.service for change in planned.changes] == ["x", "y"]


def test_several_images_of_one_service_are_one_change_that_tells_each_push() -> None:
    files = {PATH: images((A, "1", None), (B, "1", None))}
    moves = [pushed("2", "a", image=A, id="7"), pushed("3", image=B, id="8")]
    bumps = [bump(files, PATH, event, index=index) for index, event in enumerate(moves)]
    (change,) = changed(files, *reversed(bumps)).changes
    assert change.decisions == tuple(bumps)
    assert change.subject == "Deploy model-a to test (2 versions)"
    assert [told(change.message, event.image, event.version) for event in moves] == [
        Told("generic/7", moves[0].time),
        Told("generic/8", moves[1].time),
    ]


def test_what_a_person_moves_is_told_without_an_event() -> None:
    files = {PATH: images((A, "2", None))}
    by_hand = replace(bump(files, PATH, pushed("1")), event=None)
    (line,) = lines_of([by_hand])
    assert (line.image, str(line.old), str(line.new), line.event) == (A, "2", "1", None)
    (change,) = changed(files, by_hand).changes
    assert "Updater-Event" not in change.message
    assert f"Updater-Image: {A}:1\nUpdater-Previous: {A}:2\n" in change.message


def test_entries_that_come_twice_are_bumped_each_in_its_place() -> None:
    files = {PATH: images((A, "1", None), (A, "2", None))}
    planned = changed(files, *(bump(files, PATH, pushed("3"), index=index) for index in (1, 0)))
    assert after(planned, PATH) == images((A, "3", None), (A, "3", None))
    assert [target_of(each).entry.repeat for each in planned.changes[0].decisions] == [0, 1]


def test_nothing_to_do_is_no_change() -> None:
    assert changed({PATH: images((A, "1", None))}) == Planned((), ())


def test_decisions_are_sorted_by_environment_service_file_and_place_in_it() -> None:
    files = {PATH: images(*[(A, "1", None)] * 11)}
    bumps = [bump(files, PATH, pushed("2"), index=index) for index in (10, 2, 0)]
    assert [target_of(each).entry.index for each in sorted(bumps, key=place_of)] == [0, 2, 10]


def test_changes_of_two_environments_in_one_file_build_on_each_other() -> None:
    canary = environment("canary", overlays="overlays/test/{service}", entries=("*-b",))
    files = {PATH: images((A, "1", None), (B, "1", None))}
    bumps = (bump(files, PATH, pushed("2")), bump(files, PATH, pushed("3", image=B), canary, 1))
    planned = make_changes(MemoryTree(dict(files)), {"test": TEST, "canary": canary}, bumps, agree)
    first, second = planned.changes
    assert (first.environment, second.environment) == ("canary", "test")
    assert first.files[PATH].after == second.files[PATH].before
    assert after(planned, PATH) == images((A, "2", None), (B, "3", None))


def test_an_entry_that_its_file_does_not_allow_is_refused_while_its_neighbours_land() -> None:
    text = f"images:\n- name: {A}\n  newTag: &tag x1\n- name: {B}\n  newTag: *tag\n- name: {C}\n  newTag: y1\n"
    files = {PATH: text}
    bumps = [bump(files, PATH, pushed("x2", image=image), index=index) for index, image in enumerate((A, B, C))]
    planned = changed(files, *bumps)
    assert [decision.image for decision in planned.changes[0].decisions] == [C]
    assert after(planned, PATH) == text.replace("y1", "x2")
    assert [(refusal.image, refusal.outcome, refusal.exit_code) for refusal in planned.refused] == [
        (A, Outcome.REFUSED, 3),
        (B, Outcome.REFUSED, 3),
    ]
    assert planned.refused[0].reason.startswith(f"{PATH}:3: the value of newTag has an anchor (&tag)")
    assert planned.refused[1].reason == f"{PATH}:5: the value of newTag is an alias (*tag)"


def test_two_kustomizations_in_one_folder_are_refused_with_both_names() -> None:
    files = {PATH: images((A, "1", None)), PATH.replace(".yaml", ".yml"): ""}
    planned = changed(files, bump(files, PATH, pushed("2")))
    assert planned.changes == ()
    (refusal,) = planned.refused
    both = "kustomization.yaml and kustomization.yml"
    assert refusal.reason == f"{PATH}: the folder has {both}, and kustomize reads only one"
    assert refusal.exit_code == 3


@pytest.mark.parametrize("path", [PATH, "kustomization.yaml"])
def test_one_kustomization_in_a_folder_is_as_it_should_be(path: str) -> None:
    refuse_second_kustomization(MemoryTree({path: "", "overlays/kustomization.yml": ""}), path)
    with pytest.raises(EditRefused):
        refuse_second_kustomization(
            MemoryTree({path: "", path.replace("kustomization.yaml", "Kustomization"): ""}), path
        )


# Verification


def test_the_edit_that_is_verified_is_the_one_that_is_made() -> None:
    files = {PATH: images((A, "1", None), (B, "1", None))}
    seen: list[PlannedEdit] = []

    def verify(tree: Tree, edit: PlannedEdit) -> None:
        assert tree.read(PATH).decode() == files[PATH]
        seen.append(edit)

    bumps = [bump(files, PATH, pushed("2", image=image), index=index) for index, image in enumerate((A, B))]
    planned = changed(files, *bumps, verify=verify)
    (edit,) = seen
    assert (edit.path, edit.before.decode(), edit.after.decode()) == (PATH, files[PATH], after(planned, PATH))
    assert [(each.entry.name, each.to.tag) for each in edit.bumps] == [(A, "2"), (B, "2")]


def test_each_edit_is_verified_among_the_files_as_the_changes_before_it_leave_them() -> None:
    files = {f"overlays/test/{name}/kustomization.yaml": images((A, "1", None)) for name in ("x", "y")}
    first, second = files
    seen: list[str] = []

    def verify(tree: Tree, _edit: PlannedEdit) -> None:
        seen.append(tree.read(first).decode())

    changed(files, bump(files, first, pushed("2")), bump(files, second, pushed("2")), verify=verify)
    assert seen == [files[first], images((A, "2", None))]


def refusing(*images: str) -> Verify:
    """Verification that finds no container for these images."""

    def verify(_tree: Tree, edit: PlannedEdit) -> None:
        for each in edit.bumps:
            if each.entry.name in images:
                raise RenderError(f"the entry {each.entry.name} matches no container")

    return verify


def test_an_edit_that_does_not_render_as_planned_is_refused_with_the_reason() -> None:
    files = {PATH: images((A, "1", None))}
    planned = changed(files, bump(files, PATH, pushed("2")), verify=refusing(A))
    assert planned.changes == ()
    (refusal,) = planned.refused
    assert (refusal.outcome, refusal.reason, refusal.exit_code) == (
        Outcome.REFUSED,
        f"the entry {A} matches no container",
        7,
    )


def test_an_entry_that_does_not_render_keeps_no_neighbour_back() -> None:
    files = {PATH: images((A, "1", None), (B, "1", None), (C, "1", None))}
    bumps = [bump(files, PATH, pushed("2", image=image), index=index) for index, image in enumerate((A, B, C))]
    planned = changed(files, *bumps, verify=refusing(B))
    assert [decision.image for decision in planned.changes[0].decisions] == [A, C]
    assert [refusal.image for refusal in planned.refused] == [B]
    assert after(planned, PATH) == images((A, "2", None), (B, "1", None), (C, "2", None))
    assert planned.changes[0].files[PATH].before.decode() == files[PATH]


def test_a_refused_file_keeps_no_other_file_of_the_service_back() -> None:
    where = environment(overlays="clusters/*/{service}")
    files = {
        "clusters/eu/model-a/kustomization.yaml": images((A, "1", None)),
        "clusters/us/model-a/kustomization.yaml": f"images:\n- &x {{name: {A}, newTag: v1}}\n- *x\n",
    }
    planned = changed(files, *(bump(files, path, pushed("v2"), where) for path in files), where=where)
    (change,) = planned.changes
    assert list(change.files) == ["clusters/eu/model-a/kustomization.yaml"]
    assert [target_of(refusal).overlay for refusal in planned.refused] == ["clusters/us/model-a"]


def test_a_refused_change_leaves_nothing_for_the_next_one_in_the_file() -> None:
    canary = environment("canary", overlays="overlays/test/{service}", entries=("*-b",))
    files = {PATH: images((A, "1", None), (B, "1", None))}
    bumps = (bump(files, PATH, pushed("2")), bump(files, PATH, pushed("3", image=B), canary, 1))
    planned = make_changes(MemoryTree(dict(files)), {"test": TEST, "canary": canary}, bumps, refusing(B))
    assert [change.environment for change in planned.changes] == ["test"]
    assert after(planned, PATH) == images((A, "2", None), (B, "1", None))


def test_an_environment_that_is_only_parsed_is_not_rendered() -> None:
    where = environment(verify="parse")
    files = {PATH: images((A, "1", None))}
    planned = changed(files, bump(files, PATH, pushed("2"), where), verify=refusing(A), where=where)
    assert after(planned, PATH) == images((A, "2", None))


def test_one_bad_bump_among_many_costs_few_verifications() -> None:
    names = [f"reg.example/models/m{number:02}" for number in range(64)]
    files = {PATH: images(*((name, "1", None) for name in names))}
    asked: list[int] = []

    def verify(_tree: Tree, edit: PlannedEdit) -> None:
        asked.append(len(edit.bumps))
        if any(each.entry.name == names[37] for each in edit.bumps):
            raise RenderError("matches no container")

    bumps = [bump(files, PATH, pushed("2", image=name), index=number) for number, name in enumerate(names)]
    planned = changed(files, *bumps, verify=verify)
    assert [target_of(decision).entry.name for decision in planned.refused] == [names[37]]
    assert len(planned.changes[0].decisions) == 63
    assert len(asked) <= 2 * 6 + 1
