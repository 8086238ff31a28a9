"""Rendered manifests as flat objects, and in which scalars two renderings differ.

A rendering is what `kustomize build` prints: documents between lines of `---`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from updater.core import references, yaml_nodes
from updater.core.yaml_nodes import Mapping, Node, Scalar, YamlError
from updater.errors import RenderError
from updater.model import Version

Path: TypeAlias = tuple[str | int, ...]
"""Keys and positions down to a scalar."""

# A line of dashes cannot stand inside a scalar of a document, so documents need no parser to be told apart.
_BETWEEN_DOCUMENTS = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One scalar of an object (`Deployment/model-a`) that differs; None where it is not there at all."""

    object: str
    path: Path
    before: str | None
    after: str | None

    @property
    def is_image(self) -> bool:
        """Whether an image is named here: under a key like `image` or `proxyImage`, or as a whole reference.

        Custom resources name images where they like, and `configurations` lets kustomize edit them there.
        """
        keys = (str(key).casefold() for key in self.path)
        return any(key.endswith(("image", "images")) for key in keys) or any(
            _is_whole_reference(text) for text in (self.before, self.after)
        )

    def __str__(self) -> str:
        place = ".".join(map(str, self.path))
        if self.before is None or self.after is None:
            return f"{place} of {self.object} {'appears' if self.before is None else 'is gone'}"
        return f"{place} of {self.object} changes from {_short(self.before)} to {_short(self.after)}"


def differences(before: bytes, after: bytes) -> tuple[Difference, ...]:
    """The scalars in which two renderings differ; raises `RenderError` for what is no rendering.

    Objects are matched by identity, else by their name without its last part (a hash), else by kind, in order.
    """
    old, new = _documents(before), _documents(after)
    same = Counter(old) & Counter(new)
    return tuple(found for pair in _matched(_objects(old, same), _objects(new, same)) for found in _between(*pair))


@dataclass(frozen=True, slots=True)
class _Object:
    kind: tuple[str, str, str]
    name: str
    scalars: dict[Path, str]

    @property
    def stem(self) -> tuple[str, ...]:
        return (*self.kind, self.name.rpartition("-")[0])

    def __str__(self) -> str:
        return f"{self.kind[1]}/{self.name}"


_NOTHING = _Object(("", "", ""), "", {})
_LIKENESS: tuple[Callable[[_Object], object], ...] = (lambda o: (o.kind, o.name), lambda o: o.stem, lambda o: o.kind)


def _is_whole_reference(text: str | None) -> bool:
    reference = references.parse(text) if text and "/" in text else None
    return reference is not None and reference.version != Version()


def _documents(rendering: bytes) -> list[str]:
    return [text for text in _BETWEEN_DOCUMENTS.split(rendering.decode(errors="replace")) if text.strip()]


def _objects(documents: Iterable[str], without: Counter[str]) -> list[_Object]:
    left, found = Counter(without), []
    for text in documents:
        if left[text]:
            left[text] -= 1
        else:
            found.append(_object(text))
    return found


def _object(text: str) -> _Object:
    try:
        scalars = {path: value for node in yaml_nodes.parse(text) for path, value in _scalars(node, ())}
    except YamlError as error:
        raise RenderError(f"kustomize printed what cannot be read: {error.message}") from error
    kind = (scalars.get(("apiVersion",), ""), scalars.get(("kind",), ""), scalars.get(("metadata", "namespace"), ""))
    return _Object(kind, scalars.get(("metadata", "name"), ""), scalars)


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from _scalars(value, (*path, key.value))
    elif isinstance(node, yaml_nodes.Sequence):
        for index, item in enumerate(node.items):
            yield from _scalars(item, (*path, index))
    else:
        yield path, node.value if isinstance(node, Scalar) else f"*{node.name}"


def _matched(old: Sequence[_Object], new: Sequence[_Object]) -> Iterator[tuple[_Object, _Object]]:
    for likeness in _LIKENESS:
        waiting: dict[object, deque[_Object]] = defaultdict(deque)
        for each in new:
            waiting[likeness(each)].append(each)
        pairs = [(each, waiting[likeness(each)].popleft() if waiting[likeness(each)] else None) for each in old]
        yield from ((each, other) for each, other in pairs if other is not None)
        old = [each for each, other in pairs if other is None]
        left = {id(each) for rest in waiting.values() for each in rest}
        new = [each for each in new if id(each) in left]
    yield from ((each, _NOTHING) for each in old)
    yield from ((_NOTHING, each) for each in new)


def _between(old: _Object, new: _Object) -> Iterator[Difference]:
    for path in sorted({*old.scalars, *new.scalars}, key=str):
        before, after = old.scalars.get(path), new.scalars.get(path)
        if before != after:
            yield Difference(str(new if old is _NOTHING else old), path, before, after)


def _short(text: str) -> str:
    return repr(text) if len(text) <= 120 else f"{text[:120]!r}…"
