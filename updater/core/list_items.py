"""Where the items of a list stand in a YAML text, and how one more is written in the style of its elders."""

from __future__ import annotations

import re
from collections.abc import Mapping as Texts
from dataclasses import dataclass

from updater.core.kustomization import Kustomization
from updater.core.places import column, line_end, visible_end
from updater.core.splices import COLON
from updater.core.texts import plain_or_quoted, quoted
from updater.core.yaml_nodes import Mapping, Node, Scalar, Sequence

_DASH = re.compile(r"(?:\r\n|[\n\r]) *(-)(?=[ \t\r\n]|\Z)")


def dash(file: Kustomization, key: Scalar, listed: Sequence, index: int) -> int:
    """Where the dash of an item of a block list is. Raises `EditRefused` for one on the line of the list's key."""
    before = end(file.text, listed.items[index - 1]) if index else key.span.end
    found = _DASH.search(file.text, before, listed.items[index].span.start)
    if found is None:
        raise file.refused(f"the list {key.value} begins on the line of its key", key.span.line, "begin it below")
    return found.start(1)


def end(text: str, node: Node) -> int:
    """Where the last visible character of a node is: to the parser, a block ends only below its comments."""
    while isinstance(node, Mapping | Sequence) and not node.flow:
        if isinstance(node, Sequence):
            node = node.items[-1]
            continue
        key, node = node.pairs[-1]
        colon = COLON.match(text, key.span.end)
        if colon and node.span.start == node.span.end:  # left out, which parsers see in different places
            return colon.end()
    return visible_end(text, node.span.end)


def comments_end(text: str, place: int, indent: int) -> int:
    """Where the comments end that follow the line of a place at once, indented at least like the list there.

    Without any, that is the end of the line. A comment that is not indented at all belongs to what comes next.
    """
    comments = re.compile(rf"(?:(?:\r\n|[\n\r]) {{{max(indent, 1)},}}#[^\r\n]*)*")
    found = comments.match(text, line_end(text, place))
    assert found is not None  # it matches nothing, too
    return found.end()


def block_lines(file: Kustomization, at: int, last: Node, item: Texts[str, str]) -> list[str]:
    """One more item of a block list, in lines like those of `last`, whose dash is at `at`."""
    head = " " * column(file.text, at) + "-"
    between = file.text[at + 1 : last.span.start]
    beside = bool(between) and not between.strip(" ")
    if not isinstance(last, Mapping) or last.flow:
        return [f"{head}{between if beside else ' '}{braces(style_of(file.text, last), item)}"]
    key = last.pairs[0][0]
    indent = column(file.text, key.span.start)
    first, *others = (f"{key.style}{name}{key.style}: {plain_or_quoted(text)}" for name, text in item.items())
    start = [head.ljust(indent) + first] if beside else [head, " " * indent + first]
    return start + [" " * indent + pair for pair in others]


@dataclass(frozen=True, slots=True)
class Style:
    """How a mapping is written between braces: the quotes of its keys, its blanks, none behind `:` and `,` if tight."""

    quote: str = ""
    pad: str = ""
    tight: bool = False


def style_of(text: str, mapping: Node) -> Style:
    """The style of a mapping; the usual one for what is none."""
    if not isinstance(mapping, Mapping) or not mapping.pairs:
        return Style()
    key, value = mapping.pairs[0]
    before = text[mapping.span.start : key.span.start]
    return Style(key.style, " " if before.endswith("{ ") else "", is_tight(text, key, value))


def is_tight(text: str, key: Scalar, value: Node) -> bool:
    """Whether a value follows its colon at once, as JSON may have it."""
    return text[key.span.end : value.span.start] == ":"


def braces(style: Style, item: Texts[str, str]) -> str:
    """An item between braces. In double quotes like its keys, it is JSON."""
    write = quoted if style.quote == '"' else plain_or_quoted
    colon, comma = (":", ",") if style.tight else (": ", ", ")
    pairs = (f"{style.quote}{name}{style.quote}{colon}{write(text)}" for name, text in item.items())
    return f"{{{style.pad}{comma.join(pairs)}{style.pad}}}"
