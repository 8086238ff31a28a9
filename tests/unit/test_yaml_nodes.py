"""YAML text as nodes with their places."""

from __future__ import annotations

import pytest

from updater.core.yaml_nodes import Alias, Mapping, Node, Scalar, Sequence, YamlError, parse, targets


def only(text: str) -> Node:
    (root,) = parse(text)
    return root


def value_of(text: str, key: str) -> Node:
    root = only(text)
    assert isinstance(root, Mapping)
    value = root.get(key)
    assert value is not None
    return value


def source(text: str, node: Node) -> str:
    return text[node.span.start : node.span.end]


@pytest.mark.parametrize(
    ("text", "style", "value", "written"),
    [
        ("a: b # c\n", "", "b", "b"),
        ("a: 0574\n", "", "0574", "0574"),
        ("a: 'it''s'\n", "'", "it's", "'it''s'"),
        ('a: "b\\u0063"\n', '"', "bc", '"b\\u0063"'),
        ("a: |\n  b\n", "|", "b\n", "|\n  b\n"),
        ("a: >-\n  b\n  c\n", ">", "b c", ">-\n  b\n  c\n"),
        ("a: b\t\nc: d\n", "", "b", "b"),
        ("a: &v 18.0\n", "", "18.0", "&v 18.0"),
        ("a:\nb: c\n", "", "", ""),
        ("\ufeffa: b\n", "", "b", "b"),
        ("# 한국어 😀\r\na: b\r\n", "", "b", "b"),
        ('{"a": "b"}', '"', "b", '"b"'),
    ],
)
def test_a_scalar_knows_its_text_its_style_and_its_place(text: str, style: str, value: str, written: str) -> None:
    node = value_of(text, "a")
    assert isinstance(node, Scalar)
    assert (node.style, node.value, source(text, node)) == (style, value, written)


def test_a_place_has_its_line() -> None:
    assert value_of("x: y\r\n# c\r\na: b\r\n", "a").span.line == 3


def test_anchors_tags_and_aliases_are_kept() -> None:
    root = only("a: &v !!str 1\nb: *v\nc: !local [x]\nd: &m {e: f}\n")
    assert isinstance(root, Mapping)
    (_, a), (_, b), (_, c), (_, d) = root.pairs
    assert isinstance(a, Scalar)
    assert (a.anchor, a.tag) == ("v", "tag:yaml.org,2002:str")
    assert isinstance(b, Alias)
    assert b.name == "v"
    assert isinstance(c, Sequence)
    assert (c.tag, c.flow, len(c.items)) == ("!local", True, 1)
    assert isinstance(d, Mapping)
    assert (d.anchor, d.flow, root.flow) == ("m", True, False)


def test_a_key_that_is_not_there_is_none() -> None:
    root = only("a: b\n")
    assert isinstance(root, Mapping)
    assert root.get("b") is None


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("# only this\n", 0), ("---\n", 1), ("a: b\n---\nc: d\n...\n", 2)]
)
def test_documents_are_counted(text: str, count: int) -> None:
    assert len(parse(text)) == count


@pytest.mark.parametrize(
    ("text", "value", "end"),
    [
        ("a: {b: sha256:0a, c: d}\n", "sha256:0a", 16),
        ("\ufeffa: {b: localhost:5000/x}\n", "localhost:5000/x", 24),
        ("c: d\t\na: {b: c:d}\t# e\n", "c:d", 16),
    ],
)
def test_a_colon_inside_a_plain_scalar_between_braces_is_read(text: str, value: str, end: int) -> None:
    inner = value_of(text, "a")
    assert isinstance(inner, Mapping)
    node = inner.get("b")
    assert isinstance(node, Scalar)
    assert (node.value, node.style, source(text, node), node.span.end) == (value, "", value, end)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: b\na: c\n", 2, "second time (first on line 1)"),
        ("a: b\n? [c]\n: d\n", 2, "not a plain word"),
        ("a: {{ b }}\n", 1, "not a plain word"),
        ("a: @b\n", 1, "cannot start any token"),
        ("a: b\n\tc: d\n", 2, ""),
        ("a: \x00\n", 1, "not allowed"),
        ("a: [b\n", 2, ""),
        ("a: {b: c:d, e: @f}\n", 1, ""),
        ("a: {b: c:d, b: e}\n", 1, "second time"),
        ("[" * 102 + "]" * 102, 1, "deeper than 100 levels"),
    ],
)
def test_text_that_is_not_read_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(YamlError) as error:
        parse(text)
    assert error.value.line == line
    assert words in error.value.message


def test_an_alias_stands_for_the_last_node_with_its_anchor_before_it() -> None:
    root = only("a: &v one\nb: *v\nc: &v [two]\nd: *v\n")
    assert isinstance(root, Mapping)
    (_, a), (_, b), (_, c), (_, d) = root.pairs
    assert targets(root) == {b: a, d: c}


def test_a_key_can_have_an_anchor() -> None:
    root = only("&k a: b\nc: *k\n")
    assert isinstance(root, Mapping)
    (key, _), (_, alias) = root.pairs
    assert targets(root) == {alias: key}


@pytest.mark.parametrize("text", ["a: b\nc: *v\n", "a: b\nc: &v [*v]\n", "a: b\nc: [*v, &v d]\n"])
def test_an_alias_without_an_anchor_before_it_is_refused(text: str) -> None:
    with pytest.raises(YamlError, match=r"\*v has no anchor") as error:
        targets(only(text))
    assert error.value.line == 2
