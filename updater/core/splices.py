"""Changing a YAML text in single places: where a scalar's value stands, and where one more key goes.

A splice is found by position and never moves anything else. What has no such place (a value over several
lines, say) raises `EditRefused`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from updater.core.kustomization import Kustomization
from updater.core.scalars import written
from updater.core.yaml_nodes import Mapping, Node, Scalar

STRING_TAG = "tag:yaml.org,2002:str"
ON_ONE_LINE = "write the value on the line of its key"

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"\A(?:[&!]\S*\s*)+")
_COLON = re.compile(r"[ \t]*:")
_OWN_LINE = re.compile(r"(?:\r\n|\n|\r)[ \t]*\Z")
_REST_OF_LINE = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?(?=[\r\n])")


@dataclass(frozen=True, slots=True)
class Splice:
    """`text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """`text` with the splices made; those at the same place come in the order given."""
    parts, done = [], 0
    for splice in sorted(splices, key=lambda splice: splice.start):
        parts += [text[done : splice.start], splice.text]
        done = splice.end
    return "".join([*parts, text[done:]])


def replaced(file: Kustomization, entry: Mapping, key: Scalar, value: Scalar, new: str) -> Splice:
    """The splice that puts `new` in the place of a value, in its quotes, behind its anchor if it has one."""
    raw = file.text[value.span.start : value.span.end]
    if _BREAK.search(raw):
        raise file.refused(f"the value of {key.value} is written over several lines", value.span.line, ON_ONE_LINE)
    if value.tag not in (None, STRING_TAG):
        hint = "take the YAML tag (!…) out"
        raise file.refused(f"the value of {key.value} has a YAML tag of its own", value.span.line, hint)
    text = written(new, _quote(entry, key, value))
    start = value.span.end - len(_PROPERTIES.sub("", raw, count=1))
    if start < value.span.end:
        return Splice(start, value.span.end, text)
    place = start if raw else _behind_colon(file, key)
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
    return _flow(file, key, value, texts, tight=tight)


def _pair(entry: Mapping, key: Scalar, value: Node, colon: str, pair: tuple[str, str]) -> str:
    name, text = pair
    # Within braces libyaml's readers take no plain text with a colon, as a digest has one; kustomize's would.
    quote = _quote(entry, key, value) or ('"' if entry.flow and ":" in text else "")
    return f"{key.style}{name}{key.style}{colon}{written(text, quote)}"


def _quote(entry: Mapping, key: Scalar, value: Node) -> str:
    """The quotes of a value; in JSON those that it has to have."""
    quote = value.style if isinstance(value, Scalar) and value.style in ("'", '"') else ""
    return quote or ('"' if entry.flow and key.style == '"' else "")


def _behind_colon(file: Kustomization, key: Scalar) -> int:
    colon = _COLON.match(file.text, key.span.end)
    if colon is None:
        raise file.refused(f"the key {key.value} has no place for a value", key.span.line, f"write `{key.value}: …`")
    return colon.end()


def _block(file: Kustomization, key: Scalar, value: Node, pairs: list[str]) -> Splice:
    if isinstance(value, Scalar) and value.style in ("|", ">"):
        raise file.refused(f"the value of {key.value} is written over several lines", value.span.line, ON_ONE_LINE)
    breaks = list(_BREAK.finditer(file.text, 0, key.span.start))
    column = key.span.start - (breaks[-1].end() if breaks else 0)
    ending = _BREAK.search(file.text, value.span.end)
    end, newline = (ending.start(), ending[0]) if ending else (len(file.text), breaks[-1][0])
    return Splice(end, end, "".join(f"{newline}{' ' * column}{pair}" for pair in pairs))


def _flow(file: Kustomization, key: Scalar, value: Node, pairs: list[str], *, tight: bool) -> tuple[Splice, ...]:
    end = value.span.end
    own_line = _OWN_LINE.search(file.text[: key.span.start])
    rest = _REST_OF_LINE.match(file.text, end)
    if own_line and rest:
        lines = ",".join(f"{own_line[0]}{pair}" for pair in pairs)
        return Splice(end, end, "" if rest[1] else ","), Splice(rest.end(), rest.end(), lines + rest[1])
    comma = "," + (own_line[0] if own_line else "" if tight else " ")
    return (Splice(end, end, "".join(f"{comma}{pair}" for pair in pairs)),)
