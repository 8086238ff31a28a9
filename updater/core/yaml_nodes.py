"""YAML text as a tree of nodes that know their place in the text.

ruamel.yaml reads (with libyaml, from which the scanner of kustomize's Go parser was ported); nothing
here ever writes YAML. Positions are offsets into the text in characters, lines count from 1. Aliases
stay aliases, so a small file cannot grow large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
from ruamel.yaml.error import YAMLError

MAX_DEPTH = 100
_BOM = "\ufeff"
_COLON_IN_FLOW = "found unexpected ':'"


class YamlError(Exception):
    """Text that cannot be read as YAML. `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: `start` and `end` are character offsets, an anchor or tag before it included."""

    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """`style` is the quote (`'` or `"`), `|` or `>` of a block scalar, or "" for a plain one."""

    value: str
    style: str
    span: Span
    anchor: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    pairs: tuple[tuple[Scalar, Node], ...]
    flow: bool
    span: Span
    anchor: str | None = None
    tag: str | None = None

    def get(self, key: str) -> Node | None:
        """The value under `key`, None if it is not there."""
        return next((value for name, value in self.pairs if name.value == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    flow: bool
    span: Span
    anchor: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """`*name`: whatever was anchored as `&name` before it."""

    name: str
    span: Span


Node: TypeAlias = Scalar | Mapping | Sequence | Alias


def parse(text: str) -> tuple[Node, ...]:
    """The documents of a YAML text (or JSON, which is YAML), a leading byte order mark allowed.

    An empty text has no document. Raises `YamlError` for text that libyaml does not read, for a key
    that stands twice in one mapping, for a key that is no scalar, and for nesting beyond 100 levels.
    """
    try:
        return _documents(text, _fast_events)
    except YAMLError as error:
        problem = _readable(error)
    # Older releases of libyaml, such as the one in ruamel.yaml.clib, stop at a colon inside a plain scalar between
    # braces (`{digest: sha256:…}`); kustomize reads it, and so does ruamel.yaml's own, slower parser. That one
    # stumbles over tabs behind values instead, hence blanks in their place: no position moves.
    if problem.message != _COLON_IN_FLOW:
        raise problem
    try:
        return _documents(text.replace("\t", " "), YAML(typ="safe", pure=True).parse)
    except YAMLError as error:
        raise _readable(error) from error


def targets(root: Node) -> dict[Alias, Node]:
    """What each alias below `root` stands for. Raises `YamlError` for an alias without its anchor before it.

    An anchor counts from the end of its node on: a node that contains itself has no place in a manifest.
    """
    found: dict[Alias, Node] = {}
    anchored: dict[str, Node] = {}
    for node in _bottom_up(root):
        if isinstance(node, Alias):
            if node.name not in anchored:
                raise YamlError(f"the alias *{node.name} has no anchor &{node.name} before it", node.span.line)
            found[node] = anchored[node.name]
        elif node.anchor is not None:
            anchored[node.anchor] = node
    return found


def _bottom_up(node: Node) -> Iterator[Node]:
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield key
            yield from _bottom_up(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _bottom_up(item)
    yield node


def _documents(text: str, parse: Callable[[str], Iterable[Any]]) -> tuple[Node, ...]:
    offset = 1 if text.startswith(_BOM) else 0
    return tuple(_roots(iter(parse(text[offset:])), offset))


def _fast_events(text: str) -> Iterator[Any]:
    """libyaml's events. Making a whole `YAML` for them, with a constructor, takes four times as long as reading."""
    parser = CParser(text)
    while parser.check_event():
        yield parser.get_event()


def _roots(events: Iterator[Any], offset: int) -> Iterator[Node]:
    for event in events:
        if type(event).__name__ == "DocumentStartEvent":
            yield _compose(next(events), events, offset, 0)


def _compose(event: Any, events: Iterator[Any], offset: int, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise YamlError(f"nested deeper than {MAX_DEPTH} levels", event.start_mark.line + 1)
    kind = type(event).__name__
    if kind == "AliasEvent":
        return Alias(str(event.anchor), _span(event, event, offset))
    tag = None if event.tag is None else str(event.tag)
    if kind == "ScalarEvent":
        return Scalar(event.value, event.style or "", _span(event, event, offset), event.anchor, tag)
    if kind == "SequenceStartEvent":
        items, end = _items(events, offset, depth)
        return Sequence(tuple(items), bool(event.flow_style), _span(event, end, offset), event.anchor, tag)
    pairs, end = _pairs(events, offset, depth)
    return Mapping(tuple(pairs), bool(event.flow_style), _span(event, end, offset), event.anchor, tag)


def _items(events: Iterator[Any], offset: int, depth: int) -> tuple[list[Node], Any]:
    items: list[Node] = []
    for event in events:
        if type(event).__name__ == "SequenceEndEvent":
            return items, event
        items.append(_compose(event, events, offset, depth + 1))
    raise AssertionError("libyaml ends every sequence that it starts")


def _pairs(events: Iterator[Any], offset: int, depth: int) -> tuple[list[tuple[Scalar, Node]], Any]:
    pairs: list[tuple[Scalar, Node]] = []
    seen: dict[str, int] = {}
    for event in events:
        if type(event).__name__ == "MappingEndEvent":
            return pairs, event
        key = _compose(event, events, offset, depth + 1)
        if not isinstance(key, Scalar):
            raise YamlError("a mapping key that is not a plain word", key.span.line)
        if key.value in seen:
            first = seen[key.value]
            raise YamlError(f"the key {key.value!r} stands here a second time (first on line {first})", key.span.line)
        seen[key.value] = key.span.line
        pairs.append((key, _compose(next(events), events, offset, depth + 1)))
    raise AssertionError("libyaml ends every mapping that it starts")


def _span(first: Any, last: Any, offset: int) -> Span:
    return Span(first.start_mark.index + offset, last.end_mark.index + offset, first.start_mark.line + 1)


def _readable(error: YAMLError) -> YamlError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return YamlError(str(problem), 1 if mark is None else mark.line + 1)
