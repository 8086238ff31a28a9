"""Two renderings may differ in the planned images; whatever else happens to an image is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.manifests import Difference, differences
from updater.core.rendering import PlannedBump, judge
from updater.errors import RenderError
from updater.model import Entry, Version

IMAGE = "reg.example/models/model-a"
OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")


def bump(standing: Version, to: Version, image: str | None = IMAGE) -> PlannedBump:
    return PlannedBump(Entry("kustomization.yaml", "images", 0, "model-a", image, standing, 7), to)


TAGS = bump(Version("1.2.3"), Version("1.2.4"))


def manifest(image: str = f"{IMAGE}:1.2.3", *, kind: str = "Deployment", name: str = "a", more: str = "x: y") -> str:
    return (
        f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n  labels:\n    {more}\n"
        f"spec:\n  containers:\n  - image: {image}\n"
    )


def rendering(*documents: str) -> bytes:
    return "---\n".join(documents).encode()


def refusals(before: str | bytes, after: str | bytes, *bumps: PlannedBump) -> tuple[str, ...]:
    one, other = (text if isinstance(text, bytes) else text.encode() for text in (before, after))
    return judge(one, other, bumps).refusals


@pytest.mark.parametrize(
    ("planned", "before", "after"),
    [
        (TAGS, f"{IMAGE}:1.2.3", f"{IMAGE}:1.2.4"),
        (bump(Version("1", OLD), Version("2", NEW)), f"{IMAGE}:1@{OLD}", f"{IMAGE}:2@{NEW}"),
        (bump(Version("1"), Version("2", NEW)), f"{IMAGE}:1", f"{IMAGE}:2@{NEW}"),
        (bump(Version(None, OLD), Version(None, NEW)), f"{IMAGE}@{OLD}", f"{IMAGE}@{NEW}"),
        (bump(Version("1", OLD), Version("2", OLD)), f"{IMAGE}:1@{OLD}", f"{IMAGE}:2@{OLD}"),
        (bump(Version(), Version("2")), f"{IMAGE}:whatever", f"{IMAGE}:2"),
        (bump(Version(), Version("2")), IMAGE, f"{IMAGE}:2"),
        (bump(Version("1"), Version("2"), "docker.io/library/nginx"), "nginx:1", "nginx:2"),
        (bump(Version("1"), Version("2"), "reg.example:5000/a"), "REG.example:5000/a:1", "REG.example:5000/a:2"),
    ],
)
def test_the_planned_image_in_a_container_is_all_that_may_change(planned: PlannedBump, before: str, after: str) -> None:
    verdict = judge(manifest(before).encode(), manifest(after).encode(), [planned])

    assert (verdict.refusals, verdict.others) == ((), ())


PLACE = "spec.containers.0.image of Deployment/a"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"{IMAGE}:1.2.3", f"{IMAGE}:1.2.5", id="another tag"),
        pytest.param(f"{IMAGE}:1.2.2", f"{IMAGE}:1.2.4", id="from another tag"),
        pytest.param(f"{IMAGE}:1.2.3", f"{IMAGE}:1.2.4-suffix", id="a tag suffix"),
        pytest.param(f"{IMAGE}:1.2.3", f"{IMAGE}:1.2.4@{NEW}", id="a digest as well"),
        pytest.param(f"{IMAGE}:1.2.3", f"{IMAGE}:1.2.4@sha256:short", id="half a digest as well"),
        pytest.param(f"{IMAGE}:1.2.3", "reg.example/models/model-b:1.2.4", id="another image"),
        pytest.param(f"{IMAGE}:1.2.3", "not an image", id="no image"),
        pytest.param("model-b:1.2.3", "model-b:1.2.4", id="the same step of another image"),
    ],
)
def test_any_other_step_of_an_image_is_refused(before: str, after: str) -> None:
    good = manifest(name="good"), manifest(f"{IMAGE}:1.2.4", name="good")

    found = refusals(rendering(good[0], manifest(before)), rendering(good[1], manifest(after)), TAGS)

    assert found == (f"{PLACE} changes from '{before}' to '{after}', which is not planned",)


def test_an_entry_that_names_no_image_explains_nothing() -> None:
    assert len(refusals(manifest(), manifest(f"{IMAGE}:1.2.4"), bump(Version("1.2.3"), Version("1.2.4"), None))) == 2
    assert len(refusals(manifest("A"), manifest("B"), bump(Version(), Version("1.2.4"), None))) == 2


def test_an_entry_that_matches_no_container_is_refused_with_its_line() -> None:
    assert refusals(manifest(), manifest(), TAGS) == ("the entry model-a (line 7) matches no container",)


def test_each_of_several_bumps_has_to_reach_a_container() -> None:
    other = PlannedBump(Entry("k", "images", 1, "model-b", "reg.example/b", Version("1"), 9), Version("2"))

    assert refusals(manifest(), manifest(f"{IMAGE}:1.2.4"), TAGS, other) == (
        "the entry model-b (line 9) matches no container",
    )


def test_a_copied_tag_and_a_hashed_name_are_told_but_not_refused() -> None:
    before = rendering(manifest(more="version: 1.2.3"), "kind: ConfigMap\nmetadata:\n  name: settings-aaaaaaaaaa\n")
    after = rendering(
        manifest(f"{IMAGE}:1.2.4", more="version: 1.2.4"), "kind: ConfigMap\nmetadata:\n  name: settings-bbbbbbbbbb\n"
    )

    verdict = judge(before, after, [TAGS])

    assert verdict.refusals == ()
    assert verdict.others == (
        Difference("Deployment/a", ("metadata", "labels", "version"), "1.2.3", "1.2.4"),
        Difference("ConfigMap/settings-aaaaaaaaaa", ("metadata", "name"), "settings-aaaaaaaaaa", "settings-bbbbbbbbbb"),
    )


@pytest.mark.parametrize(
    "more", ["image: {}", "proxyImage: x:{}", "images: [tag-{}]", "value: reg.example/b:{}", "value: b.example/c:{}"]
)
def test_images_are_noticed_wherever_they_stand(more: str) -> None:
    before, after = manifest(more=more.format("1")), manifest(f"{IMAGE}:1.2.4", more=more.format("2"))

    assert "which is not planned" in refusals(before, after, TAGS)[0]


@pytest.mark.parametrize(
    "more", ["value: {}", "value: a/{}", "value: a-{}", "imagePullPolicy: x{}", "args: --x=a/b:{}"]
)
def test_other_texts_are_no_images(more: str) -> None:
    before, after = manifest(more=more.format("1")), manifest(f"{IMAGE}:1.2.4", more=more.format("2"))

    assert refusals(before, after, TAGS) == ()


def test_an_image_that_appears_or_goes_is_refused() -> None:
    before, after = rendering(manifest()), rendering(manifest(f"{IMAGE}:1.2.4"), manifest("evil.example/x", kind="Job"))

    assert refusals(before, after, TAGS) == ("spec.containers.0.image of Job/a appears, which is not planned",)
    assert f"{PLACE} is gone, which is not planned" in refusals(before, b"", TAGS)


def test_a_long_text_is_cut_in_the_message() -> None:
    found = refusals(manifest("x" * 300), manifest("y" * 300), TAGS)

    assert len(found[0]) < 400


def test_objects_are_matched_by_name_before_their_order() -> None:
    one, two = manifest("a:1", name="one"), manifest("b:1", name="two")

    assert differences(rendering(one, two), rendering(two, one)) == ()
    changed = rendering(two.replace("b:1", "b:2"), one.replace("a:1", "a:2"))
    assert {(each.before, each.after) for each in differences(rendering(one, two), changed)} == {
        ("a:1", "a:2"),
        ("b:1", "b:2"),
    }


def test_hashed_names_are_matched_by_their_stem_before_their_order() -> None:
    before = rendering(manifest(name="x-1", more="k: x"), manifest(name="y-1", more="k: y"))
    after = rendering(manifest(name="y-2", more="k: y"), manifest(name="x-2", more="k: x"))

    assert {each.path for each in differences(before, after)} == {("metadata", "name")}


def test_objects_with_nothing_else_in_common_are_matched_by_kind_in_order() -> None:
    before, after = (rendering(*(manifest(f"x:{n}", name=f"{n}{stem}-1") for n in "abc")) for stem in "xy")

    assert {each.path for each in differences(before, after)} == {("metadata", "name")}


def test_documents_that_are_equal_are_not_even_read() -> None:
    assert differences(b"a: [\n---\nb: 1\n", b"b: 1\n---\na: [\n") == ()


def test_the_same_object_twice_is_matched_in_order() -> None:
    before, after = (rendering(*(manifest(f"a:{number}") for number in numbers)) for numbers in ([1, 2, 2], [3, 4, 2]))

    assert {(each.before, each.after) for each in differences(before, after)} == {("a:1", "a:3"), ("a:2", "a:4")}


def test_an_alias_is_compared_by_its_name() -> None:
    assert differences(b"a: &x 1\nb: &y 2\nc: *x\n", b"a: &x 1\nb: &y 2\nc: *y\n") == (
        Difference("/", ("c",), "*x", "*y"),
    )


def test_lines_of_dashes_inside_a_text_do_not_end_a_document() -> None:
    text = "kind: ConfigMap\ndata:\n  a: |\n    ---\n    b: {}\n"

    assert differences(text.format(1).encode(), text.format(2).encode()) == (
        Difference("ConfigMap/", ("data", "a"), "---\nb: 1\n", "---\nb: 2\n"),
    )


def test_what_is_no_yaml_is_an_error() -> None:
    with pytest.raises(RenderError, match="cannot be read"):
        differences(b"a: 1", b"a: [")


@given(st.permutations([manifest(f"x:{n}", name=f"n{n}") for n in range(4)]))
def test_the_order_of_documents_does_not_matter(documents: list[str]) -> None:
    assert differences(rendering(*documents), rendering(*sorted(documents))) == ()
