"""What changes in what is deployed, for people to read: a unified diff of each resource that two renderings differ in.

Nothing is judged here (see `rendering`), so whatever was printed is shown. Values of Secrets are not.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Literal, TypeAlias

from updater.core import yaml_nodes
from updater.core.yaml_nodes import Mapping, Node, Scalar, Span, YamlError

CONTEXT = 3
MAX_LINE = 240
MAX_LINES = 2000
"""Between the first and the last line that differ; beyond it lines are not matched, which would take long."""
BLANK = "(blanked)"
OTHER_BLANK = "(blanked, another value)"

_BETWEEN_DOCUMENTS = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
# kustomize/api/hasher: ten characters of a SHA-256, with those letters that make no words.
_HASH = re.compile("-[2456789bcdfghkmt]{10}$")
_NO_RESOURCE = "output that is no resource"

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ResourceDiff:
    """How a resource (`Deployment/model-a in ml`) changes in one overlay, or in the same way in several.

    `lines` are those of a unified diff, without its headers; a line `@@` stands where lines were skipped.
    """

    resource: str
    change: Literal["changed", "added", "removed"]
    lines: tuple[str, ...]
    overlays: tuple[str, ...]


def resource_diffs(overlay: str, before: bytes, after: bytes) -> tuple[ResourceDiff, ...]:
    """What changes from one rendering to another, in the order of the second; removed resources come last.

    Resources are matched by API version, kind, namespace and name, then by the name without the hash that kustomize
    adds to generated ones. Output that cannot be read is compared all the same.
    """
    old, new = _documents(before), _documents(after)
    same = Counter(old) & Counter(new)
    pairs = _paired([_read(text) for text in _left(old, same)], [_read(text) for text in _left(new, same)])
    diffs = (_difference(overlay, *pair) for pair in pairs)
    return tuple(diff for diff in diffs if diff.lines)


def grouped(diffs: Iterable[ResourceDiff]) -> tuple[ResourceDiff, ...]:
    """Equal changes of several overlays as one that names them all, in the order in which each was met first."""
    overlays: dict[ResourceDiff, dict[str, None]] = {}
    for diff in diffs:
        overlays.setdefault(replace(diff, overlays=()), {}).update(dict.fromkeys(diff.overlays))
    return tuple(replace(diff, overlays=tuple(found)) for diff, found in overlays.items())


@dataclass(frozen=True, slots=True)
class _Resource:
    """`hidden` are the places of secret values, in order."""

    kind: tuple[str, str, str]
    name: str
    text: str
    hidden: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @property
    def stem(self) -> tuple[tuple[str, str, str], str]:
        return self.kind, _HASH.sub("", self.name)

    def value(self, path: Path) -> str | None:
        place = self.hidden.get(path)
        return None if place is None else self.text[slice(*place)]

    def lines(self, earlier: _Resource) -> list[str]:
        """Its lines without its secrets: of those it can only be seen that they are other ones than `earlier`."""
        text = self.text
        for path, (start, end) in reversed(self.hidden.items()):
            value = text[start:end]
            blank = BLANK if earlier.value(path) in (None, value) else OTHER_BLANK
            text = text[:start] + blank + value[len(value.rstrip()) :] + text[end:]
        return text.rstrip("\n").split("\n") if text else []

    def __str__(self) -> str:
        _, kind, namespace = self.kind
        return f"{kind}/{self.name}" + (f" in {namespace}" if namespace else "") if kind else _NO_RESOURCE


_NOTHING = _Resource(("", "", ""), "", "")
_LIKENESS: tuple[Callable[[_Resource], object], ...] = (lambda r: (r.kind, r.name), lambda r: r.stem)


def _documents(rendering: bytes) -> list[str]:
    return [text for text in _BETWEEN_DOCUMENTS.split(rendering.decode(errors="replace")) if text.strip()]


def _left(documents: Iterable[str], same: Counter[str]) -> Iterator[str]:
    left = Counter(same)
    for text in documents:
        if left[text]:
            left[text] -= 1
        else:
            yield text


def _read(text: str) -> _Resource:
    try:
        (root,) = yaml_nodes.parse(text)
    except (YamlError, ValueError):
        # Nobody knows where the values are, so all of it is secret where a Secret may be.
        return replace(_NOTHING, text=text, hidden={(): (0, len(text))} if "Secret" in text else {})
    metadata = root.get("metadata") if isinstance(root, Mapping) else None
    kind = (_text(root, "apiVersion"), _text(root, "kind"), _text(metadata, "namespace"))
    hidden = {path: (span.start, span.end) for path, span in _secrets(root, ())}
    return _Resource(kind, _text(metadata, "name"), text, hidden)


def _text(node: Node | None, key: str) -> str:
    value = node.get(key) if isinstance(node, Mapping) else None
    return value.value if isinstance(value, Scalar) else ""


def _secrets(node: Node, path: Path) -> Iterator[tuple[Path, Span]]:
    """The values in Secrets, also in those that stand in a list."""
    if isinstance(node, Mapping):
        is_secret = _text(node, "kind") == "Secret"
        for key, value in node.pairs:
            inside = (*path, key.value)
            is_data = is_secret and key.value in ("data", "stringData")
            yield from _values(value, inside) if is_data else _secrets(value, inside)
    elif isinstance(node, yaml_nodes.Sequence):
        for index, item in enumerate(node.items):
            yield from _secrets(item, (*path, index))


def _values(data: Node, path: Path) -> Iterator[tuple[Path, Span]]:
    if isinstance(data, Mapping):
        yield from (((*path, key.value), value.span) for key, value in data.pairs)
    else:
        yield path, data.span


def _paired(old: Sequence[_Resource], new: Sequence[_Resource]) -> Iterator[tuple[_Resource, _Resource]]:
    found: dict[int, _Resource] = {}
    for likeness in _LIKENESS:
        waiting: dict[object, deque[_Resource]] = defaultdict(deque)
        for each in old:
            waiting[likeness(each)].append(each)
        for index, each in enumerate(new):
            if index not in found and waiting[likeness(each)]:
                found[index] = waiting[likeness(each)].popleft()
        old = [each for rest in waiting.values() for each in rest]
    yield from ((found.get(index, _NOTHING), each) for index, each in enumerate(new))
    yield from ((each, _NOTHING) for each in old)


def _difference(overlay: str, old: _Resource, new: _Resource) -> ResourceDiff:
    lines = _changed(old.lines(_NOTHING), new.lines(old))
    shown = tuple(map(_cut, lines))
    if new is _NOTHING:
        return ResourceDiff(str(old), "removed", shown, (overlay,))
    return ResourceDiff(str(new), "added" if old is _NOTHING else "changed", shown, (overlay,))


def _changed(old: list[str], new: list[str]) -> list[str]:
    """The lines of a unified diff, with a line `@@` where lines are left out between others."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > MAX_LINES:
        return [
            *(f"-{line}" for line in old[head : len(old) - tail]),
            *(f"+{line}" for line in new[head : len(new) - tail]),
        ]
    start, stop = max(head - CONTEXT, 0), max(tail - CONTEXT, 0)
    old, new = old[start : len(old) - stop], new[start : len(new) - stop]
    unified = list(difflib.unified_diff(old, new, n=CONTEXT, lineterm=""))[3:]
    return ["@@" if line.startswith("@@") else line for line in unified]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _cut(line: str) -> str:
    left = len(line) - MAX_LINE
    return line if left <= 0 else f"{line[:MAX_LINE]}… ({left} more characters)"
