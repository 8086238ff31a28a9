"""Changing a YAML text in single places: where a scalar's value stands, and where one more key goes, or goes away.

A splice is found by position and never moves anything else. What has no such place (a value over several
lines, say) raises `EditRefused`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from updater.core.kustomization import Kustomization
from updater.core.places import BREAK, Splice, column, flow_added, flow_removed, lines_added, lines_removed, visible_end
from updater.core.scalars import written
from updater.core.yaml_nodes import Mapping, Node, Scalar

STRING_TAG = "tag:yaml.org,2002:str"
ON_ONE_LINE = "write the value on the line of its key"

PROPERTIES = re.compile(r"\A(?:[&!]\S*\s*)+")
COLON = re.compile(r"[ \t]*:")
_TO_NEXT_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r)[ ]*")


def replaced(file: Kustomization, entry: Mapping, key: Scalar, value: Scalar, new: str) -> Splice:
    """The splice that puts `new` in the place of a value, in its quotes, behind its anchor if it has one."""
    raw = file.text[value.span.start : value.span.end]
    if BREAK.search(raw):
        raise file.refused(f"the value of {key.value} is written over several lines", value.span.line, ON_ONE_LINE)
    if value.tag not in (None, STRING_TAG):
        hint = "take the YAML tag (!…) out"
        raise file.refused(f"the value of {key.value} has a YAML tag of its own", value.span.line, hint)
    text = written(new, _quote(entry, key, value))
    start = value.span.end - len(PROPERTIES.sub("", raw, count=1))
    if start < value.span.end:
        return Splice(start, value.span.end, text)
    place = start if raw else behind_colon(file, key)
    return Splice(place, place, f" {text}")


def inserted(file: Kustomization, entry: Mapping, sibling: str, pairs: Sequence[tuple[str, str]]) -> tuple[Splice, ...]:
    """The splices that add keys behind the key `sibling`, each on a line of its own if its siblings are."""
    key, value = next((key, value) for key, value in entry.pairs if key.value == sibling)
    if not entry.flow:
        return (_block(file, key, value, [_pair(entry, key, value, ": ", pair) for pair in pairs]),)
    if not file.text.endswith("}", entry.span.start, entry.span.end):
        raise file.refused("an entry without braces in a list in brackets", entry.span.line, "put it in braces")
    tight = file.text[key.span.end : value.span.start] == ":"
    texts = [_pair(entry, key, value, ":" if tight else ": ", pair) for pair in pairs]
    return flow_added(file.text, key.span.start, value.span.end, texts, tight=tight)


def removed(file: Kustomization, entry: Mapping, name: str) -> tuple[Splice, ...]:
    """The splices that take the key `name` out: its line with the comment on it, or between braces it and its comma."""
    place, key, value = next((place, *pair) for place, pair in enumerate(entry.pairs) if pair[0].value == name)
    if entry.flow:
        before = entry.pairs[place - 1][1].span.end if place else None
        return flow_removed(file.text, key.span.start, value.span.end, before)
    line_start = key.span.start - column(file.text, key.span.start)
    if not file.text[line_start : key.span.start].strip(" "):
        return (lines_removed(file.text, key.span.start, visible_end(file.text, value.span.end)),)
    # It stands on the line of the dash, where the next key moves up.
    rest = _TO_NEXT_LINE.match(file.text, value.span.end)
    if rest is None or all(rest.end() != other.span.start for other, _ in entry.pairs):
        raise file.refused(f"{name} cannot be taken out of its line alone", key.span.line, "put another key before it")
    return (Splice(key.span.start, rest.end(), ""),)


def behind_colon(file: Kustomization, key: Scalar) -> int:
    """The place behind the colon of a key. Raises `EditRefused` for one that has none."""
    colon = COLON.match(file.text, key.span.end)
    if colon is None:
        raise file.refused(f"the key {key.value} has no place for a value", key.span.line, f"write `{key.value}: …`")
    return colon.end()


def _pair(entry: Mapping, key: Scalar, value: Node, colon: str, pair: tuple[str, str]) -> str:
    name, text = pair
    # Within braces libyaml's readers take no plain text with a colon, as a digest has one; kustomize's would.
    quote = _quote(entry, key, value) or ('"' if entry.flow and ":" in text else "")
    return f"{key.style}{name}{key.style}{colon}{written(text, quote)}"


def _quote(entry: Mapping, key: Scalar, value: Node) -> str:
    """The quotes of a value; in JSON those that it has to have."""
    quote = value.style if isinstance(value, Scalar) and value.style in ("'", '"') else ""
    return quote or ('"' if entry.flow and key.style == '"' else "")


def _block(file: Kustomization, key: Scalar, value: Node, pairs: list[str]) -> Splice:
    if isinstance(value, Scalar) and value.style in ("|", ">"):
        raise file.refused(f"the value of {key.value} is written over several lines", value.span.line, ON_ONE_LINE)
    indent = " " * column(file.text, key.span.start)
    return lines_added(file.text, value.span.end, [f"{indent}{pair}" for pair in pairs])
