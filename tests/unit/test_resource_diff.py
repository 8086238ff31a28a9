"""What people are shown of a rendering: each resource that changes, and never a secret value."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.resource_diff import MAX_LINE, MAX_LINES, ResourceDiff, grouped, resource_diffs

OVERLAY = "overlays/staging/model-a"


def manifest(name: str = "model-a", kind: str = "Deployment", body: str = "spec: 1\n", namespace: str = "") -> str:
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{where}{body}"


def diffs(before: str, after: str) -> tuple[ResourceDiff, ...]:
    return resource_diffs(OVERLAY, before.encode(), after.encode())


def rendering(*documents: str) -> str:
    return "---\n".join(documents)


def test_a_resource_that_changes_is_shown_with_the_lines_around_the_change() -> None:
    lines = [f"{letter}: 1\n" for letter in "abcdefghijklmnop"]
    after = [*lines[:4], "e: 2\n", *lines[5:14], "o: 2\n", lines[15]]

    assert diffs(manifest(body="".join(lines), namespace="ml"), manifest(body="".join(after), namespace="ml")) == (
        ResourceDiff(
            "Deployment/model-a in ml",
            "changed",
            (
                *(" b: 1", " c: 1", " d: 1", "-e: 1", "+e: 2", " f: 1", " g: 1", " h: 1"),
                *("@@", " l: 1", " m: 1", " n: 1", "-o: 1", "+o: 2", " p: 1"),
            ),
            (OVERLAY,),
        ),
    )


def test_changed_and_new_resources_come_in_the_order_of_the_rendering_and_removed_ones_last() -> None:
    before = rendering(manifest("gone"), manifest("a"), manifest("same"), manifest("b"))
    after = rendering(manifest("b", body="spec: 2\n"), manifest("same"), manifest("new"), manifest("a", body="x: 1\n"))

    assert [(diff.change, diff.resource) for diff in diffs(before, after)] == [
        ("changed", "Deployment/b"),
        ("added", "Deployment/new"),
        ("changed", "Deployment/a"),
        ("removed", "Deployment/gone"),
    ]


def test_an_added_and_a_removed_resource_are_shown_whole() -> None:
    text = tuple(manifest("x").splitlines())
    assert diffs("", manifest("x"))[0].lines == tuple(f"+{line}" for line in text)
    assert diffs(manifest("x"), "")[0].lines == tuple(f"-{line}" for line in text)


@pytest.mark.parametrize("after", [manifest("b"), manifest(kind="Service"), manifest(namespace="ml")])
def test_resources_of_another_kind_name_or_namespace_are_others(after: str) -> None:
    assert [diff.change for diff in diffs(manifest(), after)] == ["added", "removed"]


def test_the_same_documents_in_another_order_are_no_change() -> None:
    assert diffs(rendering(manifest("a"), manifest("b")), rendering(manifest("b"), manifest("a"))) == ()


def test_a_final_newline_is_no_change() -> None:
    assert diffs(manifest(), manifest().rstrip("\n")) == ()


def test_a_generated_resource_is_found_again_under_its_new_hash() -> None:
    before = manifest("settings-2456789bcd", "ConfigMap", "data:\n  a: b\n")
    after = manifest("settings-fghkmt2456", "ConfigMap", "data:\n  a: c\n")

    (diff,) = diffs(before, after)

    assert (diff.resource, diff.change) == ("ConfigMap/settings-fghkmt2456", "changed")
    assert {"-  name: settings-2456789bcd", "+  name: settings-fghkmt2456", "-  a: b", "+  a: c"} <= set(diff.lines)


def test_a_name_that_only_looks_generated_is_another_resource() -> None:
    found = diffs(manifest("model-deployment"), manifest("model-production"))
    assert [diff.change for diff in found] == ["added", "removed"]


def test_two_resources_of_one_name_are_matched_in_order() -> None:
    found = diffs(rendering(manifest(body="a: 1\n"), manifest(body="b: 1\n")), rendering(manifest(body="a: 2\n")))
    assert [(diff.change, diff.lines[-1]) for diff in found] == [("changed", "+a: 2"), ("removed", "-b: 1")]


# Secrets


def secret(value: str, more: str = "", section: str = "data") -> str:
    return manifest("s", "Secret", f"{section}:\n  password: {value}\n{more}type: Opaque\n")


def test_a_secret_that_changes_shows_that_and_not_what() -> None:
    (diff,) = diffs(secret("aGlkZGVu", "  user: YWxpY2U=\n"), secret("c2VjcmV0", "  user: YWxpY2U=\n  new: eA==\n"))

    assert diff.lines == (
        *(" metadata:", "   name: s", " data:"),
        *("-  password: (blanked)", "+  password: (blanked, another value)", "   user: (blanked)"),
        *("+  new: (blanked)", " type: Opaque"),
    )


values = st.binary(min_size=12, max_size=40).map(lambda data: base64.b64encode(data).decode())
shapes = st.sampled_from(
    [
        "data:\n  k: {}\n",
        "stringData:\n  k: |\n    {}\n    more\n",
        "data: {{k: '{}', other: x}}\n",
        "stringData:\n  k: >-\n    {}\n\n",
        "data:\n  k: !!str {}\n",
        "data: {}\n",
        "data:\n- {}\n",
        "data:\n  k:\n    deeper: {}\n  z: 1\n",
        'stringData: {{"k": "{}"}}\n',
        "data:\n  k: {}\nnot: [yaml\n",
        "data:\n  k: {}\n  k: twice\n",
        "data:\n  k: &anchor {}\n",
    ]
)


@given(shapes, shapes, values, values, st.booleans())
def test_no_value_of_a_secret_is_ever_shown(old: str, new: str, one: str, other: str, listed: bool) -> None:
    documents = [manifest("s", "Secret", shape.format(value)) for shape, value in ((old, one), (new, other))]
    if listed:
        items = ["- " + text.rstrip("\n").replace("\n", "\n  ") + "\n" for text in documents]
        documents = [f"apiVersion: v1\nkind: List\nitems:\n{item}" for item in items]

    for before, after in [documents, [documents[0], ""], ["", documents[1]]]:
        text = "\n".join(line for diff in diffs(before, after) for line in diff.lines)
        assert one not in text
        assert other not in text


def test_data_that_are_no_mapping_are_blanked_as_a_whole() -> None:
    (diff,) = diffs(manifest("s", "Secret", "data: aGlkZGVu\n"), manifest("s", "Secret", "data: c2VjcmV0\n"))
    assert diff.lines[-2:] == ("-data: (blanked)", "+data: (blanked, another value)")


def test_what_cannot_be_read_and_speaks_of_a_secret_is_blanked_as_a_whole() -> None:
    (diff,) = diffs("kind: Secret\ndata: [hidden", "kind: Secret\ndata: [other")

    assert diff.lines == ("-(blanked)", "+(blanked, another value)")


def test_data_of_other_resources_is_shown() -> None:
    (diff,) = diffs(manifest("c", "ConfigMap", "data:\n  a: b\n"), manifest("c", "ConfigMap", "data:\n  a: c\n"))
    assert diff.lines[-2:] == ("-  a: b", "+  a: c")


# Whatever is printed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a: [", b"b: ["),
        (b"\xff\xfe", b"\xff"),
        (b"just text", b"other text"),
        (b"- a\n", b"- b\n"),
        (b"# nothing\n", b"# at all\n"),
        (b"a: 1\na: 2\n", b"a: 1\na: 3\n"),
        (b"[" * 300, b"[" * 301),
    ],
)
def test_output_that_is_no_resource_is_compared_all_the_same(before: bytes, after: bytes) -> None:
    (diff,) = resource_diffs(OVERLAY, before, after)

    assert (diff.resource, diff.change) == ("output that is no resource", "changed")
    assert [line[0] for line in diff.lines if line[0] != " "] == ["-", "+"]


@given(st.text(), st.text())
def test_nothing_raises(before: str, after: str) -> None:
    found = diffs(before, after)
    assert all(diff.lines for diff in found)
    assert diffs(before, before) == ()


texts = st.lists(st.sampled_from("abc"), max_size=12).map(lambda lines: "".join(f"{line}{line}\n" for line in lines))


@given(texts, texts)
def test_the_lines_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    marked = [manifest(body="d: |\n" + "".join(f"  {line}\n" for line in text.split())) for text in (before, after)]
    found = diffs(*marked)
    gone, come = ([line[1:] for diff in found for line in diff.lines if line[0] == sign] for sign in "-+")
    one, other = (sorted(text.splitlines()) for text in marked)
    assert sorted([*one, *come]) == sorted([*other, *gone])


def test_a_long_line_is_cut_and_tells_how_much_is_missing() -> None:
    (diff,) = diffs(manifest(body=f"a: {'x' * 5000}\n"), manifest(body="a: y\n"))

    assert diff.lines[-2:] == (f"-a: {'x' * (MAX_LINE - 4)}… ({5004 - MAX_LINE} more characters)", "+a: y")


def test_very_long_changes_are_told_without_matching_their_lines() -> None:
    before, after = ("".join(f"{key}{number}: 1\n" for number in range(MAX_LINES + 1)) for key in "ab")

    (diff,) = diffs(manifest(body=f"same: 1\n{before}z: 1\n"), manifest(body=f"same: 1\n{after}z: 1\n"))

    assert len(diff.lines) == 2 * (MAX_LINES + 1)
    assert (diff.lines[0], diff.lines[-1]) == ("-a0: 1", f"+b{MAX_LINES}: 1")


# Several overlays


def test_equal_changes_of_several_overlays_are_told_once_in_order() -> None:
    one, other = manifest(body="spec: 2\n"), manifest(body="spec: 3\n")
    found = [
        diff
        for overlay, after in [("eu", one), ("us", other), ("asia", one), ("eu", one)]
        for diff in resource_diffs(overlay, manifest().encode(), after.encode())
    ]

    assert [(diff.overlays, diff.lines[-1]) for diff in grouped(found)] == [
        (("eu", "asia"), "+spec: 2"),
        (("us",), "+spec: 3"),
    ]
    assert grouped(grouped(found)) == grouped(found)
