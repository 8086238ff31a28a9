"""Law 1 for the lists of an environment's file: an item comes or goes, and no other byte."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from updater.config import document
from updater.core.list_edits import added, taken_out
from updater.errors import EditRefused

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
PATH = "environments/test.yaml"
ITEM = {"service": "model-a", "reason": "INC-42", "until": "2026-12-01"}
NEW = "{service: model-a, reason: INC-42, until: 2026-12-01}"


def with_item(text: str, item: dict[str, str] = ITEM, key: str = "hold") -> str:
    return added(PATH, text.encode(), key, item).decode()


def without(text: str, *indexes: int) -> str:
    return taken_out(PATH, text.encode(), "hold", indexes).decode()


def holds(text: str) -> list[dict[str, str]]:
    return document.read(text).value.get("hold") or []


def framed(text: str, newline: str, *, final: bool, mark: str = "") -> str:
    return mark + (text if final else text.removesuffix("\n")).replace("\n", newline)


frames = pytest.mark.parametrize(
    "frame",
    [
        {"newline": "\n", "final": True},
        {"newline": "\r\n", "final": True, "mark": "\ufeff"},
        {"newline": "\r\n", "final": False},
        {"newline": "\r", "final": False, "mark": "\ufeff"},
    ],
    ids=repr,
)


@frames
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: b\nc: d\n", "a: b\nc: d\nhold:\n  - NEW\n"),
        ("a: b # c\n\n  # d\n", "a: b # c\n\n  # d\nhold:\n  - NEW\n"),
        ("a:\n- b\nc: d\n", "a:\n- b\nc: d\nhold:\n- NEW\n"),
        ("a: [b]\nc:\n    - d\ne:\n  - f\n", "a: [b]\nc:\n    - d\ne:\n  - f\nhold:\n    - NEW\n"),
        ("  a:\n   - b\n", "  a:\n   - b\n  hold:\n   - NEW\n"),
        ("---\na: b\n", "---\na: b\nhold:\n  - NEW\n"),
    ],
)
def test_a_list_that_is_not_there_is_made_at_the_end_of_the_file(before: str, after: str, frame: Any) -> None:
    assert with_item(framed(before, **frame)) == framed(after.replace("NEW", NEW), **frame)


def test_a_list_is_made_before_the_mark_that_ends_the_document_and_before_blank_lines() -> None:
    assert with_item("a: b\n...\n# c\n") == f"a: b\nhold:\n  - {NEW}\n...\n# c\n"
    assert with_item("a: b\n\n\n") == f"a: b\nhold:\n  - {NEW}\n\n\n"
    assert with_item("a: b\n  ") == f"a: b\nhold:\n  - {NEW}\n  "
    assert with_item("a: b") == f"a: b\nhold:\n  - {NEW}"


@frames
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hold:\nz: 1\n", "hold:\n  - NEW\nz: 1\n"),
        ("hold: # c\n", "hold: # c\n  - NEW\n"),
        ("hold: ~ # c\nz: 1\n", "hold: # c\n  - NEW\nz: 1\n"),
        ("hold:   null\n", "hold:\n  - NEW\n"),
        ("hold:\n  ~\n", "hold:\n  - NEW\n"),
        ("hold: &x\n", "hold: &x\n  - NEW\n"),
        ("hold: &x ~\n", "hold: &x\n  - NEW\n"),
        ("hold:\n  # - {service: b}\n\n  # c\nz: 1\n", "hold:\n  # - {service: b}\n  - NEW\n\n  # c\nz: 1\n"),
        ("hold:\n# of z\nz:\n- 1\n", "hold:\n- NEW\n# of z\nz:\n- 1\n"),
        ("hold: []\n", "hold: [NEW]\n"),
        ("hold: [ ] # c\n", "hold: [ NEW] # c\n"),
        ("hold: &x [ # c\n  ]\n", "hold: &x [ # c\n  NEW]\n"),
    ],
)
def test_a_list_without_items_gets_its_first_one_in_place(before: str, after: str, frame: Any) -> None:
    head = "a: 1\n"
    assert with_item(framed(head + before, **frame)) == framed(head + after.replace("NEW", NEW), **frame)


@frames
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - {service: b}\n", "  - NEW\n"),
        ("- {service: b}\n", "- NEW\n"),
        ("  -   { service: b } # c\n", "  -   { service: model-a, reason: INC-42, until: 2026-12-01 }\n"),
        ("  - {service: b,\n     reason: c}\n", "  - NEW\n"),
        ("  -\n    {service: b}\n", "  - NEW\n"),
        ("  - &x {'service': b}\n", "  - {'service': model-a, 'reason': INC-42, 'until': 2026-12-01}\n"),
        ("  - b\n", "  - NEW\n"),
        ("  -\n", "  - NEW\n"),
        ("  - {}\n", "  - NEW\n"),
        ("  - - b\n    - c\n", "  - NEW\n"),
        ("  - service: b\n", "  - service: model-a\n    reason: INC-42\n    until: 2026-12-01\n"),
        ("  -  service: b # c\n     reason:\n", "  -  service: model-a\n     reason: INC-42\n     until: 2026-12-01\n"),
        ("-\n   service: b\n", "-\n   service: model-a\n   reason: INC-42\n   until: 2026-12-01\n"),
        ("- # c\n  service: b\n", "-\n  service: model-a\n  reason: INC-42\n  until: 2026-12-01\n"),
        ("- \"service\": b\n", '- "service": model-a\n  "reason": INC-42\n  "until": 2026-12-01\n'),
        ("- service: b\n  reason: |-\n    c\n    d\n", "- service: model-a\n  reason: INC-42\n  until: 2026-12-01\n"),
        ("- service: b\n  reason: c\n    d\n", "- service: model-a\n  reason: INC-42\n  until: 2026-12-01\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tail", ["", "\n", "# of z\nz: 1\n", "\n  # d\nz: 1\n"])
def test_one_more_item_is_written_like_the_last(before: str, after: str, tail: str, frame: Any) -> None:
    head = "a: 1\nhold:   # c\n  # first\n"
    text = framed(head + before + tail, **frame)
    edited = with_item(text)
    assert edited == framed(head + before + after.replace("NEW", NEW) + tail, **frame)
    assert without(edited, 1) == text


@pytest.mark.parametrize(
    ("comment", "belongs"),
    [("  # c", True), ("    # c", True), ("  # c\n  # d", True), (" # c", False), ("# c", False), ("\n  # c", False)],
)
def test_a_comment_indented_like_the_items_stays_with_the_item_above_it(comment: str, *, belongs: bool) -> None:
    text = f"hold:\n  - {{service: b}}\n{comment}\nz: 1\n"
    lines = ["hold:", "  - {service: b}", comment, f"  - {NEW}"] if belongs else [
        "hold:", "  - {service: b}", f"  - {NEW}", comment,
    ]  # fmt: skip
    assert with_item(text) == "\n".join([*lines, "z: 1\n"])
    assert without(with_item(text), 1) == text
    assert comment in without(with_item(text), 0)


@frames
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[{service: b}]", "[{service: b}, NEW]"),
        ("[ {service: b}, ] # c", "[ {service: b}, NEW, ] # c"),
        ("[service: b]", "[service: b, NEW]"),
        ("[b]", "[b, NEW]"),
        ("[{service: b} # c\n  ]", "[{service: b}, NEW # c\n  ]"),
        ("[\n  {service: b}\n  ]", "[\n  {service: b},\n  NEW\n  ]"),
        ("[\n    {service: b}, # c\n  ]", "[\n    {service: b}, # c\n    NEW,\n  ]"),
        ("[\n  {service: b}, # c\n  {service: d}]", "[\n  {service: b}, # c\n  {service: d},\n  NEW]"),
        ("[\n  {service: b,\n   reason: d} # c\n]", "[\n  {service: b,\n   reason: d}, # c\n  NEW\n]"),
    ],
)
def test_a_list_in_brackets_gets_one_more_in_them(before: str, after: str, frame: Any) -> None:
    text = framed(f"a: 1\nhold: {before}\nz: 1\n", **frame)
    edited = with_item(text)
    assert edited == framed(f"a: 1\nhold: {after.replace('NEW', NEW)}\nz: 1\n", **frame)
    assert without(edited, len(holds(text))) == text


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("old", [[], [{"service": "b"}], [{"service": "b"}, {"service": "c", "reason": "d"}]])
def test_json_stays_json(old: list[dict[str, str]], separators: tuple[str, str]) -> None:
    def layout(hold: list[dict[str, str]]) -> str:
        return json.dumps({"overlays": "x", "hold": hold, "z": []}, separators=separators)

    assert with_item(layout(old)) == layout([*old, ITEM])
    assert without(layout([*old, ITEM]), len(old)) == layout(old)


def test_indented_json_stays_json() -> None:
    text = json.dumps({"overlays": "x", "hold": [{"service": "b"}]}, indent=2)
    assert json.loads(with_item(text, {"service": "c\u2028\x00"}))["hold"] == [
        {"service": "b"},
        {"service": "c\u2028\x00"},
    ]
    assert without(with_item(text), 1) == text


def test_another_list_of_the_file_is_meant_by_its_key() -> None:
    text = "hold:\n  - {service: b}\nrelease:\n  - {service: c}\nz: 1\n"
    item = {"service": "a", "image": "host:5000/a", "version": "1.4.0", "reason": "fixed upstream"}
    line = '  - {service: a, image: "host:5000/a", version: 1.4.0, reason: fixed upstream}\n'
    assert with_item(text, item, "release") == text.replace("z: 1", f"{line}z: 1")
    assert with_item("a: 1\n", {"version": "1.10"}, "release") == 'a: 1\nrelease:\n  - {version: "1.10"}\n'


@pytest.mark.parametrize("path", sorted(ENVIRONMENTS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_sample_holds_and_releases_without_a_trace(path: Path) -> None:
    text = path.read_bytes().decode()
    once = with_item(text)
    twice = with_item(once, {"service": "*-canary", "reason": "see #12"})
    assert twice == f'{text}hold:\n  - {NEW}\n  - {{service: "*-canary", reason: "see #12"}}\n'
    assert (without(twice, 1), without(twice, 0, 1)) == (once, text)


@pytest.mark.parametrize(
    ("hold", "indexes", "left"),
    [
        ("\n  - b # c\n  # d\n  - e\n", [0], "\n  # d\n  - e\n"),
        ("\n  - b # c\n  # d\n  - e\n", [1], "\n  - b # c\n  # d\n"),
        ("\n  - b: c\n    # d\n    e: f # g\n\n  - h\n", [0], "\n\n  - h\n"),
        ("\n  - b: |\n      c\n\n  - h\n", [0], "\n\n  - h\n"),
        ("\n  -\n    b: c\n  - h\n", [0], "\n  - h\n"),
        ("\n  - b:\n# at the margin\n  - h\n", [0], "\n# at the margin\n  - h\n"),
        ("\n  - b:\n# at the margin\n  - {h: i:j}\n", [0], "\n# at the margin\n  - {h: i:j}\n"),
        ("\n  - ? b\n  - h\n", [0], "\n  - h\n"),
        ("\n  - b\n  - c\n  - d\n", [2, 0], "\n  - c\n"),
        ("\n  - b\n  - c\n  - d\n", [0, 1, 0], "\n  - d\n"),
        ("\n  - b\n  - c\n", [], "\n  - b\n  - c\n"),
        (" # c\n  - b\n", [0], " [] # c\n"),
        ("\n  # c\n  - b\n", [0], " []\n  # c\n"),
        ("\n  - b # d\n  # c\n", [0], " []\n  # c\n"),
        (" &x # c\n  - b\n", [0], " &x [] # c\n"),
        (" &x\n  - b\n", [0], " &x []\n"),
        (" # d\n  - b\n  - c\n", [0, 1], " [] # d\n"),
        (" [b]\n", [0], " []\n"),
        (" [ b, c ] # d\n", [0], " [ c ] # d\n"),
        (" [ b, c ] # d\n", [1], " [ b ] # d\n"),
        (" [b, c, d]\n", [1], " [b, d]\n"),
        (" [b, c, d]\n", [0, 1], " [d]\n"),
        (" [b, c, d]\n", [2, 1], " [b]\n"),
        (" [b,c,]\n", [1], " [b,]\n"),
        (" [b,]\n", [0], " []\n"),
        (" [b, # c\n  d]\n", [0], " [# c\n  d]\n"),
        (" [\n  b, # c, c\n  d]\n", [1], " [\n  b # c, c\n  ]\n"),
        (" [\n  b, # c\n  d # e\n  ]\n", [0], " [\n  d # e\n  ]\n"),
        (" [\n  b # c, c\n  , d\n  ]\n", [1], " [\n  b # c, c\n  \n  ]\n"),
        (" [\n  b, # c, c\n  d # e\n  ]\n", [1], " [\n  b # c, c\n  ]\n"),
        (" [\n  b, c,\n  d, # e\n  ]\n", [2], " [\n  b, c,\n  ]\n"),
        (" [\n  {b: c,\n   d: e}, # f\n  g\n  ]\n", [0], " [\n  g\n  ]\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_item_goes_with_its_lines_and_nothing_else(hold: str, indexes: list[int], left: str, newline: str) -> None:
    before, after = (f"a: 1\nhold:{text}z: 1\n".replace("\n", newline) for text in (hold, left))
    assert without(before, *indexes) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nhold:\n  - b # c\nz: 1\n", "a: 1\nz: 1\n"),
        ("a: 1\nhold:\n\n  - b: c\n    d: e", "a: 1"),
        ("hold:\n- b\n", ""),
        ("\ufeffhold:\n- b\nz: 1\n", "\ufeffz: 1\n"),
        ("\ufeffhold:\n- b", "\ufeff"),
        ("a:\n  - b\n  # of a\nhold:\n  - b\n", "a:\n  - b\n  # of a\n"),
        ("# of the file\n\nhold:\n  - b\n", "# of the file\n\n"),
    ],
)
def test_the_last_item_takes_its_key_along(before: str, after: str) -> None:
    assert without(before, 0) == after


@pytest.mark.parametrize(
    "above", ["# by hand\n", "\ufeff# by hand\n", "a: 1\n# by hand\n", "a: 1\r\n\r\n# by hand\r\n"]
)
def test_a_comment_above_the_key_keeps_it(above: str) -> None:
    assert without(f"{above}hold:\n  - b\nz: 1\n", 0) == f"{above}hold: []\nz: 1\n"
    assert without(f"{above}hold:\n  - b", 0) == f"{above}hold: []"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: &x [b]\nhold: *x\n", 2, "the list hold is an alias (*x)"),
        ("hold: &x [{service: b}]\nrelease: *x\n", 1, "the list hold has an anchor (&x) that an alias repeats"),
        ("a: &x {b: c}\n<<: *x\n", 2, "the file has a merge key (<<)"),
        ("a: 1\nhold: !!seq [{service: b}]\n", 2, "a YAML tag (tag:yaml.org,2002:seq)"),
        ("--- !!map\nhold: [{service: b}]\n", 1, "a YAML tag (tag:yaml.org,2002:map)"),
        ("a: 1\nhold: b\n", 2, "hold is not a list"),
        ("a: 1\nhold: ''\n", 2, "hold is not a list"),
        ("a: 1\nhold: {service: b}\n", 2, "hold is not a list"),
        ("hold: []\na: 1\nhold: []\n", 3, "second time"),
        ("hold: []\n---\nhold: []\n", 3, "several documents"),
        ("a: [\n", 2, "not readable as YAML"),
        ("- a\n", 1, "mapping"),
        ("", 1, "nothing in the file"),
        ("# c\n", 1, "nothing in the file"),
        ("a: 1\n? hold\n: - b\n", 2, "the list hold begins on the line of its key"),
    ],
)
def test_what_has_no_place_of_its_own_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    for edit in (lambda: with_item(text), lambda: without(text, 0)):
        with pytest.raises(EditRefused) as refused:
            edit()
        assert words in refused.value.message
        assert refused.value.at is not None
        assert (refused.value.at.path, refused.value.at.line) == (PATH, line)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(EditRefused, match=r"environments/test.yaml:2: not UTF-8"):
        added(PATH, b"a: 1\nb: \xff\n", "hold", ITEM)


def test_a_key_without_a_colon_has_no_place_for_a_list() -> None:
    with pytest.raises(EditRefused, match="test.yaml:2: the key hold has no place for a value"):
        with_item("a: 1\n? hold\n")


@pytest.mark.parametrize("text", ["{a: 1}", "{a: 1, hold: }", '{"a": 1, "hold": null}'])
def test_a_file_between_braces_needs_the_list_first(text: str) -> None:
    with pytest.raises(EditRefused, match="no list hold between the braces of the file") as refused:
        with_item(text)
    assert refused.value.hint == "write `hold: []` there first"


@pytest.mark.parametrize(("text", "line"), [("a: |+\n  b\n\n", 1), ("a: |\n  b", 1)])
def test_an_addition_that_would_change_something_else_is_refused(text: str, line: int) -> None:
    with pytest.raises(EditRefused, match="no place where it can be changed alone") as refused:
        with_item(text)
    assert refused.value.at is not None
    assert refused.value.at.line == line


def test_a_text_that_no_yaml_can_hold_is_refused() -> None:
    with pytest.raises(EditRefused, match="no place where it can be changed alone"):
        with_item("a: 1\n", {"service": "\udcff"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: &x {service: b}\nhold:\n  - *x\n", "the item is an alias (*x)"),
        ("hold:\n  - &x {service: b}\nx: *x\n", "the item has an anchor (&x) that an alias repeats"),
        ("hold:\n  - {service: &x b}\nx: *x\n", "no place where it can be changed alone"),
        ("? hold\n:\n  - b\n", "no place for a value"),
        ("hold: [\n  b\n  , c]\n", "no place where it can be changed alone"),
    ],
)
def test_an_item_that_cannot_go_alone_is_refused(text: str, words: str) -> None:
    with pytest.raises(EditRefused) as refused:
        without(text, 0)
    assert words in refused.value.message


@pytest.mark.parametrize("index", [-1, 1, 99])
@pytest.mark.parametrize(("text", "line"), [("a: 1\nhold: [b]\n", 2), ("a: 1\nhold:\n- b\n", 2)])
def test_an_index_without_an_item_is_refused(text: str, line: int, index: int) -> None:
    with pytest.raises(EditRefused, match=rf"test.yaml:{line}: there is no item hold\[{index}\]"):
        without(text, index)


@pytest.mark.parametrize("text", ["a: 1\n", "hold:\n", "hold: []\n", "{}", "{a: 1}"])
def test_a_list_without_items_has_none_to_take_out(text: str) -> None:
    with pytest.raises(EditRefused):
        without(text, 0)


@dataclass(frozen=True)
class Sample:
    """An environment's file, its items, and whether they stand in lines, so that one more is lines alone."""

    text: str
    items: list[dict[str, str]]
    in_lines: bool


WORDS = [("model-a", "model-a"), ("'it''s'", "it's"), ('"a: b"', "a: b"), ("2026-12-01", "2026-12-01"), ("a#b", "a#b")]
HEADS = [
    "a: 1\n",
    "# 한국어 😀\n\nfollow:\n  - image: x/* # c\n    tags: ^v\n",
    "a:\n- b\n\n",
    "follow:\n  - {image: host:5000/x}\n",  # libyaml stops at the second colon, and another parser gives the places
]
texts = st.one_of(
    st.sampled_from(["model-a", "2026-12-01", "1.10", "a: b", "# a", "- a", "{a}", "a\nb", "", "모델", "😀, \u2028"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
items = st.fixed_dictionaries({"service": texts, "reason": texts}, optional={"until": texts})


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """An environment's file in any style that may be met, with whatever comments, indentation and line ends."""
    written = draw(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2), max_size=3))
    pairs = [list(zip(("service", "reason"), item, strict=False)) for item in written]
    styles = [_lines, _brackets] if pairs else [_none]
    hold, in_lines = draw(st.sampled_from(styles))(draw, [[(key, raw) for key, (raw, _) in item] for item in pairs])
    head = draw(st.sampled_from(HEADS))
    tail = draw(st.sampled_from(["", "\n# end\n", "z: {b: [c]}\n", "# of z\nz: |\n  - {service: b}\n\n"]))
    text = head + hold + tail
    text = text if draw(st.booleans()) or text.endswith("\n\n") else text.removesuffix("\n")
    text = draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return Sample(text, [{key: value for key, (_, value) in item} for item in pairs], in_lines)


def _none(draw: st.DrawFn, _: object) -> tuple[str, bool]:
    return draw(st.sampled_from([("", True), ("hold:\n", True), ("hold: # c\n  # d\n", True), ("hold: []\n", False)]))


def _lines(draw: st.DrawFn, written: list[list[tuple[str, str]]]) -> tuple[str, bool]:
    indent = " " * draw(st.sampled_from([0, 2, 4]))
    ends = st.sampled_from(["", "  # comment", "\t"])
    below = st.sampled_from(["", "\n", f"{indent}  # below\n", "# at the margin\n"])
    text = f"hold:{draw(ends)}\n"
    for item in written:
        pairs = [f"{key}: {raw}" for key, raw in item]
        form = draw(st.sampled_from([", ", f"{indent}  ", f"{indent}    "]))
        if form == ", ":
            text += f"{indent}- {{{', '.join(pairs)}}}{draw(ends)}\n"
        else:
            lead = f"\n{form}" if draw(st.booleans()) else form[len(indent) + 1 :]
            text += f"{indent}-{lead}" + form.join(f"{pair}{draw(ends)}\n" for pair in pairs)
        text += draw(below)
    return text, True


def _brackets(draw: st.DrawFn, written: list[list[tuple[str, str]]]) -> tuple[str, bool]:
    start, between, stop = draw(
        st.sampled_from([("", ", ", ""), (" ", ", ", " "), ("\n  ", ",\n  ", "\n"), ("\n  ", ", # c\n  ", ", # d\n  ")])
    )
    inner = between.join("{" + ", ".join(f"{key}: {raw}" for key, raw in item) + "}" for item in written)
    return f"hold: [{start}{inner}{stop}]\n", False


@given(samples(), items)
@settings(max_examples=150, deadline=None)
def test_what_is_added_is_the_item_and_nothing_else(sample: Sample, item: dict[str, str]) -> None:
    after = with_item(sample.text, item)
    assert holds(sample.text) == sample.items
    assert document.read(after).value == document.read(sample.text).value | {"hold": [*sample.items, item]}
    rest = iter(after)
    assert all(char in rest for char in sample.text)
    if sample.in_lines:
        lines = iter(after.splitlines())
        assert all(line in lines for line in sample.text.splitlines())


@given(samples(), items)
@settings(max_examples=100, deadline=None)
def test_what_was_added_can_be_taken_out_without_a_trace(sample: Sample, item: dict[str, str]) -> None:
    if sample.items:
        assert without(with_item(sample.text, item), len(sample.items)) == sample.text


@given(samples(), st.sets(st.integers(0, 2)))
@settings(max_examples=100, deadline=None)
def test_what_is_taken_out_is_these_items_and_nothing_else(sample: Sample, picked: set[int]) -> None:
    indexes = {index for index in picked if index < len(sample.items)}
    after = without(sample.text, *indexes)
    assert holds(after) == [item for index, item in enumerate(sample.items) if index not in indexes]
    kept = [line.strip() for line in sample.text.splitlines() if line.strip().startswith("#")]
    assert [line.strip() for line in after.splitlines() if line.strip().startswith("#")] == kept
