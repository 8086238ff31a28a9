"""Which bytes change when an item is added to a list at the top of a YAML file, and when one is taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Texts
from dataclasses import replace

from updater.core.kustomization import Kustomization
from updater.core.list_items import Style, block_lines, braces, comments_end, dash, end, is_tight, style_of
from updater.core.places import (
    Splice,
    column,
    flow_added,
    flow_removed,
    line_end,
    line_start,
    lines_added,
    lines_removed,
    visible_end,
)
from updater.core.splices import PROPERTIES, behind_colon
from updater.core.yaml_nodes import Node, Scalar, Sequence

_USUAL_INDENT = 2
_ANCHOR = re.compile(r"[ \t]+&\S+")
_COMMENT_ABOVE = re.compile(r"(?:\A\ufeff?|[\r\n])( *)#[^\r\n]*(?:\r\n|[\r\n]) *\Z")


def begun(file: Kustomization, name: str, item: Texts[str, str]) -> Iterable[Splice]:
    """The splices that put a list with one item at the end of a file without it."""
    _refuse_braces(file, name)
    indent = " " * column(file.text, file.root.pairs[0][0].span.start)
    lines = [f"{indent}{name}:", f"{indent}{_dash(file)} {braces(Style(), item)}"]
    return (lines_added(file.text, visible_end(file.text, file.root.span.end), lines),)


def filled(file: Kustomization, key: Scalar, null: Node, item: Texts[str, str]) -> Iterable[Splice]:
    """The splices that put one item where the list is null, below its key and the comments there."""
    _refuse_braces(file, key.value)
    start, stop = _word(file, key, null)
    before = " " * column(file.text, key.span.start) + _dash(file)
    place = comments_end(file.text, stop, len(before) - 1)
    return Splice(start, stop), lines_added(file.text, place, [f"{before} {braces(Style(), item)}"])


def appended(file: Kustomization, key: Scalar, listed: Sequence, item: Texts[str, str]) -> Iterable[Splice]:
    """The splices that put an item behind the last one, or into empty brackets."""
    if not listed.items:
        place = listed.span.end - 1
        style = Style(quote=key.style, tight=is_tight(file.text, key, listed))
        return (Splice(place, place, braces(style, item)),)
    last = listed.items[-1]
    if listed.flow:
        style = style_of(file.text, last)
        return flow_added(file.text, last.span.start, last.span.end, [braces(style, item)], tight=style.tight)
    start = dash(file, key, listed, len(listed.items) - 1)
    place = comments_end(file.text, end(file.text, last), column(file.text, start))
    return (lines_added(file.text, place, block_lines(file, start, last, item)),)


def without(file: Kustomization, key: Scalar, listed: Sequence, index: int) -> tuple[Iterable[Splice], Sequence | None]:
    """The splices that take an item out, and the list that is left; None where its key goes, too."""
    item = listed.items[index]
    left = replace(listed, items=listed.items[:index] + listed.items[index + 1 :])
    if listed.flow:
        before = listed.items[index - 1].span.end if index else None
        return flow_removed(file.text, item.span.start, item.span.end, before), left
    start, stop = dash(file, key, listed, index), end(file.text, item)
    lines = lines_removed(file.text, start, stop)
    if left.items:
        return [lines], left
    if not _is_explained(file, key, start, stop):
        return [lines_removed(file.text, key.span.start, stop)], None
    place = behind_colon(file, key)
    anchor = _ANCHOR.match(file.text, place)
    place = anchor.end() if anchor else place
    return [Splice(place, place, " []"), lines], replace(left, flow=True)


def _is_explained(file: Kustomization, key: Scalar, start: int, stop: int) -> bool:
    """Whether something beside the item from `start` to `stop` would be lost with its list, or lose its sense.

    That is a comment above the key, behind it or below the item, or an anchor.
    """
    text = file.text
    above = _COMMENT_ABOVE.search(text[: key.span.start])
    return (
        (above is not None and len(above[1]) == column(text, key.span.start))
        or bool(text[behind_colon(file, key) : line_start(text, start)].strip())
        or comments_end(text, stop, column(text, start)) > line_end(text, stop)
    )


def _word(file: Kustomization, key: Scalar, null: Node) -> tuple[int, int]:
    """From where to where the word stands that says null, with the blanks before it; it may be left out."""
    raw = file.text[null.span.start : null.span.end]
    if not raw:
        place = behind_colon(file, key)
        return place, place
    word = PROPERTIES.sub("", raw, count=1)
    return visible_end(file.text, null.span.end - len(word)), null.span.end


def _dash(file: Kustomization) -> str:
    """The dash of a list at the top of the file, indented like that of the first other one that has dashes."""
    for key, value in file.root.pairs:
        if isinstance(value, Sequence) and not value.flow:
            indent = column(file.text, dash(file, key, value, 0)) - column(file.text, key.span.start)
            return " " * indent + "-"
    return " " * _USUAL_INDENT + "-"


def _refuse_braces(file: Kustomization, name: str) -> None:
    if file.root.flow:
        hint = f"write `{name}: []` there first"
        raise file.refused(f"there is no list {name} between the braces of the file", file.root.span.line, hint)
