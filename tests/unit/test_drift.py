"""What has become of the standing versions in their registries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.events import IMAGE, digest
from tests.helpers.fake_repository import environment_file, images, overlay
from tests.helpers.trees import File, MemoryTree
from updater import config
from updater.core.drift import Answer, Reference, drift
from updater.core.inspection import Finding
from updater.errors import Location, RegistryRefused, RegistryUnavailable

PATH = "overlays/test/model-a/kustomization.yaml"
OTHER_PATH = "overlays/test/model-b/kustomization.yaml"
OTHER = "reg.example/models/model-b"
ELSEWHERE = "other.example/model-c"
DOWN = RegistryUnavailable("reg.example did not answer", hint="try again")
A, B = digest("a"), digest("b")


@dataclass
class Registry:
    """What references name; each look with what was asked in it."""

    names: Mapping[Reference, Answer] = field(default_factory=dict)
    asked: list[set[Reference]] = field(default_factory=list)

    def __call__(self, references: Collection[Reference]) -> Mapping[Reference, Answer]:
        self.asked.append(set(references))
        return {each: self.names.get(each) for each in references}


def found(files: Mapping[str, File], names: Mapping[Reference, Answer]) -> tuple[Finding, ...]:
    return asked(files, names)[0]


def asked(
    files: Mapping[str, File], names: Mapping[Reference, Answer]
) -> tuple[tuple[Finding, ...], list[set[Reference]]]:
    """The findings, and what was asked for them."""
    tree, registry = MemoryTree({**environment_file(), **files}), Registry(names)
    return drift(tree, config.load(tree, "main"), registry), registry.asked


def test_a_tag_that_names_what_is_pinned_is_no_finding_and_one_question() -> None:
    findings, questions = asked(overlay("1.0", "a"), {(IMAGE, "1.0"): A})
    assert (findings, questions) == ((), [{(IMAGE, "1.0")}, set()])


@pytest.mark.parametrize(
    ("files", "names"),
    [(overlay("1.0"), {(IMAGE, "1.0"): B}), (overlay(None, "a"), {(IMAGE, A): A})],
    ids=["a tag alone", "a digest alone"],
)
def test_what_is_there_is_no_finding(files: Mapping[str, File], names: Mapping[Reference, Answer]) -> None:
    assert asked(files, names) == ((), [{*names}, set()])


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (overlay("1.0"), f"{IMAGE}:1.0"),
        (overlay(None, "a"), f"{IMAGE}@{A}"),
        (overlay("1.0", "a"), f"{IMAGE}:1.0@{A}"),
    ],
    ids=["a tag", "a digest", "both"],
)
def test_a_version_that_is_gone_is_an_error_where_it_stands(files: Mapping[str, File], name: str) -> None:
    (finding,) = found(files, {})
    assert (finding.at, finding.exit_code) == (Location(PATH, 4), 3)
    assert finding.message == f"{name} is not in the registry any more"
    assert finding.hint is not None


def test_a_version_that_is_gone_is_an_error_though_its_tag_names_another_one() -> None:
    (finding,) = found(overlay("1.0", "a"), {(IMAGE, "1.0"): B})
    assert (finding.message, finding.exit_code) == (f"{IMAGE}:1.0@{A} is not in the registry any more", 3)


def test_a_tag_that_names_another_digest_than_the_pinned_one_is_a_warning() -> None:
    (finding,) = found(overlay("1.0", "a"), {(IMAGE, "1.0"): B, (IMAGE, A): A})
    assert (finding.at, finding.exit_code) == (Location(PATH, 4), 0)
    assert finding.message == f"{IMAGE}:1.0@{A} is pinned, and 1.0 names {B} now"


def test_a_tag_that_is_gone_while_its_digest_is_there_is_a_warning() -> None:
    (finding,) = found(overlay("1.0", "a"), {(IMAGE, A): A})
    assert (finding.at, finding.exit_code) == (Location(PATH, 4), 0)
    assert finding.message == f"{IMAGE}:1.0@{A} has lost its tag: the registry has no 1.0 any more"


@pytest.mark.parametrize(
    "files",
    [overlay(), {PATH: images(("PLACEHOLDER", "1.0", "a"))}, {"docs/x/kustomization.yaml": images((IMAGE, "1", None))}],
    ids=["no version", "no image", "no overlay"],
)
def test_what_is_no_version_of_an_overlay_is_passed_over(files: Mapping[str, File]) -> None:
    assert asked(files, {}) == ((), [set(), set()])


def test_each_version_is_asked_for_once_and_found_wherever_it_stands() -> None:
    files = {**overlay("1.0", "a"), OTHER_PATH: images((OTHER, "1.0", None), (IMAGE, "1.0", "a"))}
    findings, questions = asked(files, {(OTHER, "1.0"): B})
    assert questions == [{(IMAGE, "1.0"), (OTHER, "1.0")}, {(IMAGE, A)}]
    assert [each.at for each in findings] == [Location(PATH, 4), Location(OTHER_PATH, 6)]


def test_what_an_overlay_that_cannot_be_read_holds_is_asked_of_nobody() -> None:
    assert asked({PATH: "images: ["}, {}) == ((), [set(), set()])


def test_a_registry_that_does_not_answer_is_said_once_where_it_is_first_needed() -> None:
    files = {
        **overlay("1.0", "a"),
        OTHER_PATH: images((OTHER, "1.0", None), (OTHER, "2.0", None), (ELSEWHERE, "1", None)),
    }
    refused = RegistryRefused("other.example: no right to read model-c")
    names = {(IMAGE, "1.0"): DOWN, (OTHER, "1.0"): DOWN, (OTHER, "2.0"): A, (ELSEWHERE, "1"): refused}
    (first, second) = found(files, names)
    assert (first.at, first.exit_code, first.hint) == (Location(PATH, 4), 4, "try again")
    assert first.message == (
        f"nobody knows whether {IMAGE}:1.0@{A} is there: reg.example did not answer (the same for 1 more entries)"
    )
    assert (second.at, second.exit_code, second.hint) == (Location(OTHER_PATH, 8), 4, None)
    assert second.message == f"nobody knows whether {ELSEWHERE}:1 is there: {refused.message}"


def test_a_registry_that_fails_at_the_second_question_leaves_it_open_whether_the_version_is_there() -> None:
    (finding,) = found(overlay("1.0", "a"), {(IMAGE, "1.0"): B, (IMAGE, A): DOWN})
    assert (finding.exit_code, "did not answer" in finding.message) == (4, True)


ANSWERS = st.sampled_from([None, A, B, DOWN])


@given(st.sampled_from([("1.0", None), (None, "a"), ("1.0", "a")]), ANSWERS, st.sampled_from([None, A, DOWN]))
def test_each_version_has_one_finding_at_the_most_and_no_mere_warning_unless_it_was_seen(
    version: tuple[str | None, str | None], named: Answer, kept: Answer
) -> None:
    findings = found(overlay(*version), {(IMAGE, "1.0"): named, (IMAGE, A): kept})
    assert len(findings) <= 1
    assert A in (named, kept) or version[1] is None or findings[0].exit_code > 0
