"""What `updater check` finds in the files of a GitOps repository."""

from __future__ import annotations

import pytest

from tests.helpers.events import IMAGE
from tests.helpers.fake_repository import agree, environment_file, images, overlay
from tests.helpers.trees import File, Link, MemoryTree, Submodule
from updater import config
from updater.core.changes import Verify
from updater.core.inspection import Finding, inspect
from updater.core.verification import PlannedEdit
from updater.errors import Location, RenderError
from updater.model import Version
from updater.protocols import Tree

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER = "reg.example/models/model-b"
GOOD: dict[str, File] = {
    **environment_file(),
    **overlay("1.0", "a"),
    "base/model-a/kustomization.yaml": "resources: [deployment.yaml]\n",
    ".git/kustomization.yaml": "images: [",
    "README.md": Link("docs/README.md"),
    "vendor": Submodule(),
}


def found(files: dict[str, File], verify: Verify = agree) -> tuple[Finding, ...]:
    tree = MemoryTree({**GOOD, **files})
    return inspect(tree, config.load(tree, "main"), verify)


def lines(findings: tuple[Finding, ...]) -> list[tuple[str, str, int]]:
    """Place, message and exit code of each finding."""
    return [(str(finding.at), finding.message, finding.exit_code) for finding in findings]


def test_a_repository_in_order_has_no_findings() -> None:
    assert found({}) == ()


def test_what_is_wrong_in_an_environments_file_is_found_with_its_line() -> None:
    (finding,) = found(
        {"environments/edge.yaml": "overlays: overlays/edge/*\nfolow: []\n" + "follow: [{image: x/y}]\n"}
    )
    assert (finding.at, finding.exit_code) == (Location("environments/edge.yaml", 2), 3)
    assert finding.hint == "did you mean `follow`?"


@pytest.mark.parametrize(
    "line",
    ["paused: broken sensors", "hold: [{service: x, reason: y}]", "freeze: [{from: 2026-12-20, to: 2027-01-03}]"],
)
def test_a_stop_that_is_in_force_is_no_finding(line: str) -> None:
    assert found({**environment_file("test", line)}) == ()


@pytest.mark.parametrize(
    ("path", "what"),
    [("overlays/test/linked", "overlay"), ("overlays/test/model-b/kustomization.yaml", "kustomization")],
)
def test_a_link_in_the_place_of_an_overlay_is_found(path: str, what: str) -> None:
    assert lines(found({path: Link("../elsewhere")})) == [
        (path, f"this {what} of test is a link, which is never followed", 3)
    ]


@pytest.mark.parametrize("path", ["overlays/edge/linked", "overlays/test/model-a/patch.yaml", "docs"])
def test_links_elsewhere_are_nobodys_overlay(path: str) -> None:
    assert found({path: Link("x")}) == ()


def test_each_glob_without_an_overlay_is_found_where_it_is_set() -> None:
    text = environment_file()["environments/test.yaml"]
    text = text.replace("overlays/test/{service}", "[overlays/test/*, overlay/x, 'apps/{service}']")
    assert lines(found({"environments/test.yaml": "# test\n" + text})) == [
        ("environments/test.yaml:2", "no folder with a kustomization matches 'apps/{service}'", 3),
        ("environments/test.yaml:2", "no folder with a kustomization matches 'overlay/x'", 3),
    ]


def test_a_rule_that_no_entry_follows_is_a_warning() -> None:
    text = environment_file()["environments/test.yaml"] + "- image: reg.example/web/*\n"
    assert lines(found({"environments/test.yaml": text})) == [
        ("environments/test.yaml:2", "no entry of test follows 'reg.example/web/*'", 0)
    ]


def test_an_overlay_that_cannot_be_read_is_found_with_its_line() -> None:
    path = "overlays/test/model-b/kustomization.yaml"
    assert lines(found({path: f"images:\n- name: {OTHER}\n  name: x\n"})) == [
        (f"{path}:3", "not readable as YAML: the key 'name' stands here a second time (first on line 2)", 3)
    ]


def shared(name: str, branch: str) -> dict[str, str]:
    """An environment that covers the overlays of test."""
    text = environment_file(name, f"branch: {branch}")[f"environments/{name}.yaml"]
    return {f"environments/{name}.yaml": text.replace(f"overlays/{name}/", "overlays/test/")}


def test_an_entry_that_two_environments_claim_is_found_with_both_names() -> None:
    (finding,) = found({**shared("edge", "main")})
    assert lines((finding,)) == [(f"{PATH}:4", f"edge and test both claim the entry {IMAGE}", 3)]
    assert finding.hint == "narrow one of them with `entries:`"


def test_environments_may_share_a_path_on_different_branches_but_not_on_one() -> None:
    assert found({**shared("edge", "env/edge")}) == ()
    findings = found({**shared("a", "x"), **shared("b", "y"), **shared("c", "y")})
    assert lines(findings) == [(f"{PATH}:4", f"b and c both claim the entry {IMAGE}", 3)]


def test_an_entry_that_cannot_be_edited_is_found_with_its_line_and_its_neighbours_are_tried() -> None:
    text = f"images:\n- name: {OTHER}\n  newTag: &tag v1\n- name: {IMAGE}\n  newTag: v1\n- name: x\n  newTag: *tag\n"
    seen: list[PlannedEdit] = []
    (first, second) = found({PATH: text}, lambda _, edit: seen.append(edit))
    assert [first.at, second.at] == [Location(PATH, 3), Location(PATH, 7)]
    assert first.hint == "write the value out where the alias is"
    assert {first.exit_code, second.exit_code} == {3}
    assert [[bump.entry.name for bump in edit.bumps] for edit in seen] == [[IMAGE]]


def test_a_second_kustomization_in_a_folder_is_found_once_and_nothing_is_rendered() -> None:
    files: dict[str, File] = {
        PATH: images((IMAGE, "1", None), (OTHER, "1", None)),
        PATH.replace("kustomization.yaml", "Kustomization"): "",
    }
    both = "kustomization.yaml and Kustomization"
    assert lines(found(files, failing(None))) == [(PATH, f"the folder has {both}, and kustomize reads only one", 3)]


def test_each_kustomization_is_rendered_once_with_all_its_entries_bumped() -> None:
    seen: list[PlannedEdit] = []
    found({PATH: images((IMAGE, "1", "a"), (OTHER, "1", None))}, lambda _, edit: seen.append(edit))
    (edit,) = seen
    trial = Version("updater-check", f"sha256:{'0' * 64}")
    assert [bump.to for bump in edit.bumps] == [trial, trial]
    assert edit.before.decode() == images((IMAGE, "1", "a"), (OTHER, "1", None))
    after = images((IMAGE, "1", "a"), (OTHER, "1", "a")).replace('"1"', '"updater-check"')
    assert edit.after.decode() == after.replace("a" * 64, "0" * 64)


@pytest.mark.parametrize(
    ("more", "standing", "tried"),
    [
        ("  pin: tag", None, False),
        ("  pin: tag", "a", True),
        ("- image: reg.example/other/*", None, True),
    ],
    ids=["a tag alone", "a tag alone beside a digest", "tag and digest"],
)
def test_the_trial_is_what_the_rule_would_write(more: str, standing: str | None, tried: bool) -> None:
    text = environment_file()["environments/test.yaml"] + f"{more}\n"
    seen: list[PlannedEdit] = []
    findings = found(
        {"environments/test.yaml": text, PATH: images((IMAGE, "1", standing))}, lambda _, edit: seen.append(edit)
    )
    if more == "  pin: tag" and standing:
        assert [each.at for each in findings] == [Location(PATH, 4)]
    else:
        assert [bump.to.digest is not None for edit in seen for bump in edit.bumps] == [tried]


def test_an_entry_that_no_rule_follows_is_tried_with_what_stands_there() -> None:
    other = "web.example/x"
    for standing in (None, "a"):
        seen: list[PlannedEdit] = []
        found({PATH: images((other, "1", standing))}, lambda _, edit, seen=seen: seen.append(edit))
        assert [bump.to.digest is None for edit in seen for bump in edit.bumps] == [standing is None]


def test_an_entry_that_names_no_image_is_not_tried_since_nothing_will_ever_bump_it() -> None:
    seen: list[PlannedEdit] = []
    found({PATH: images((IMAGE, "1", None), ("PLACEHOLDER", "1", None))}, lambda _, edit: seen.append(edit))
    assert [[bump.entry.name for bump in edit.bumps] for edit in seen] == [[IMAGE]]


def test_an_environment_that_is_only_parsed_is_not_rendered() -> None:
    assert found({**environment_file("test", "verify: parse")}, failing(None)) == ()


def failing(line: int | None) -> Verify:
    """Verification that refuses everything, naming the file's line if one is given."""

    def verify(_tree: Tree, edit: PlannedEdit) -> None:
        at = None if line is None else Location(edit.path, line)
        raise RenderError("matches no container", at=at, hint="look")

    return verify


def test_an_overlay_that_does_not_render_is_found_in_its_file() -> None:
    (finding,) = found({}, failing(4))
    assert finding == Finding(Location(PATH, 4), "matches no container", "look", 7)


def test_what_the_machine_lacks_is_said_once_and_not_for_each_overlay() -> None:
    other = "overlays/test/model-b/kustomization.yaml"
    (finding,) = found({other: images((IMAGE, "1.0", None))}, failing(None))
    assert finding == Finding(Location("."), "matches no container", "look", 7)


def test_overlays_on_a_branch_of_their_own_may_be_missing_here() -> None:
    missing = [each for each in found({**environment_file("other", "branch: other")}) if "no folder" in each.message]
    assert [each.exit_code for each in missing] == [0]


def test_findings_come_by_file_and_line_and_each_once() -> None:
    wrong = "follow: [{image: x/y}]\nbranch: ''\noverlays: []\n"
    files: dict[str, File] = {"environments/b.yaml": wrong, "environments/a.yml": "", "overlays/test/x": Link("y")}
    places = [str(finding.at) for finding in found(files, failing(1))]
    environments = ["environments/a.yml", "environments/b.yaml:2", "environments/b.yaml:3"]
    assert places == [*environments, f"{PATH}:1", "overlays/test/x"]
