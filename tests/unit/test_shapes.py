"""What two bumps have in common, and values that nothing can mistake for each other."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.core.edit import EntryEdit, bump
from updater.core.references import is_digest, is_tag
from updater.core.scalars import needs_quotes
from updater.core.shapes import DIGEST, TAG, Hole, Shape, sentinels, shape
from updater.model import Version

PATH = "overlays/test/model-a/kustomization.yaml"
DIGESTS = [f"sha256:{digit * 64}" for digit in "ab"]
TAG_PLACE, DIGEST_PLACE = ("images", 0, TAG), ("images", 0, DIGEST)

tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


def entry(tag: str, digest: str | None = None) -> bytes:
    extra = "" if digest is None else f"  digest: {digest}\n"
    return f"\ufeff# é\nimages:\n- name: model-a\n  newTag: {tag} # now\n{extra}\nresources: [a.yaml]\n".encode()


def only_tag(content: bytes) -> Shape | None:
    return shape(PATH, content, [TAG_PLACE])


def test_two_tags_have_the_same_shape_and_all_else_stays_in_it() -> None:
    expected = Shape(
        ("\ufeff# é\nimages:\n- name: model-a\n  newTag: ", " # now\n\nresources: [a.yaml]\n"), (Hole(TAG_PLACE, ""),)
    )

    assert only_tag(entry("1.2.3")) == only_tag(entry("main-0574")) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(entry("1.2.3"), entry("'1.2.3'"), id="quotes"),
        pytest.param(entry("'1.2.3'"), entry('"1.2.3"'), id="other quotes"),
        pytest.param(entry("1.2.3"), entry("1.2.3", DIGESTS[0]), id="a digest appears"),
        pytest.param(entry("1.2.3"), entry("1.2.3").replace(b"# now", b"#  now"), id="a comment"),
        pytest.param(entry("1.2.3"), entry("1.2.3").replace(b"name: model-a", b"name: model-b"), id="a name"),
    ],
)
def test_what_kustomize_could_tell_apart_has_another_shape(one: bytes, other: bytes) -> None:
    assert only_tag(one) != only_tag(other)
    assert None not in (only_tag(one), only_tag(other))


def test_a_value_that_is_not_bumped_is_part_of_the_shape() -> None:
    one, other = (entry("1.2.3", digest) for digest in DIGESTS)

    assert only_tag(one) != only_tag(other)
    assert shape(PATH, one, [TAG_PLACE, DIGEST_PLACE]) == shape(PATH, other, [DIGEST_PLACE, TAG_PLACE])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(entry("1.10"), id="a number"),
        pytest.param(entry("true"), id="a word that is none"),
        pytest.param(entry("&tag 1.2.3"), id="an anchor"),
        pytest.param(entry("!!str 1.2.3"), id="a tag of YAML's"),
        pytest.param(entry("|-\n    1.2.3\n "), id="a block"),
        pytest.param(entry("'no tag at all'"), id="no tag"),
        pytest.param(entry("[1.2.3]"), id="a list"),
        pytest.param(b"images: [{name: a}]", id="no value"),
        pytest.param(b"images: []", id="no entry"),
        pytest.param(b"images: [&a a]", id="no mapping"),
        pytest.param(b"imageTags: [{name: a, newTag: b}]", id="another list"),
        pytest.param(b"images: {name: a, newTag: b}", id="no list"),
    ],
)
def test_a_value_that_is_not_simply_a_text_leaves_no_shape(content: bytes) -> None:
    assert only_tag(content) is None


@given(tags, tags)
def test_a_bump_by_the_editor_keeps_the_shape_unless_the_quotes_change(one: str, other: str) -> None:
    before = bump(PATH, entry("x"), [EntryEdit("images", 0, Version(one))])
    after = bump(PATH, before, [EntryEdit("images", 0, Version(other))])

    quoted = needs_quotes(other) and not needs_quotes(one)
    assert (only_tag(before) == only_tag(after)) is not quoted


@given(tags, st.sampled_from(["", "'", '"']))
def test_filling_the_holes_with_what_was_there_gives_the_text_back(tag: str, quote: str) -> None:
    content = entry(f"{quote}{tag}{quote}", f'"{DIGESTS[0]}"')
    found = shape(PATH, content, [TAG_PLACE, DIGEST_PLACE])

    assert (found is None) == (not quote and needs_quotes(tag))
    if found is not None:
        assert found.filled({TAG_PLACE: tag, DIGEST_PLACE: DIGESTS[0]}) == content


PLACES = [(name, index, key) for name in ("images", "imageTags") for index in range(5) for key in (TAG, DIGEST)]


def test_sentinels_can_stand_wherever_a_tag_or_digest_can() -> None:
    for value in (*sentinels(PLACES, 0).items(), *sentinels(PLACES, 1).items()):
        (_, _, key), text = value
        assert (is_digest if key == DIGEST else is_tag)(text)
        assert not needs_quotes(text)


def test_no_piece_of_a_sentinel_is_a_piece_of_another() -> None:
    found = [text for side in (0, 1) for place, text in sentinels(PLACES, side).items() if place[2] == TAG]

    for separators in (r"\.", "-", "_", r"[._-]"):
        cut = [set(re.split(separators, text)) for text in found]
        assert all(len(pieces) >= 4 for pieces in cut)
        assert all(not one & other for one, other in combinations(cut, 2))


def test_the_two_sides_share_nothing_but_separators() -> None:
    for place in PLACES:
        one, other = (set(sentinels([place], side)[place].removeprefix("sha256:")) for side in (0, 1))
        assert one & other <= set(".-_")
