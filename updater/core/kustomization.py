"""Reading kustomizations: which images their entries follow, and which versions stand there.

The format is that of kustomize's `images` field (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/)
and of `imageTags`, its older name, which kustomize appends to it. kustomize turns YAML into JSON and reads
that, hence two things that surprise: it takes keys in any case, and it refuses a number where a tag belongs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from updater.core import references, yaml_nodes
from updater.core.yaml_nodes import Alias, Mapping, Node, Scalar, Sequence, Span, YamlError
from updater.errors import EditRefused, Location
from updater.model import Entry, Version

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names that kustomize looks for in a folder, in its order."""
LISTS = ("images", "imageTags")
FIELDS = ("name", "newName", "newTag", "digest")
MERGE = "<<"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_ODD_KEY = re.compile(rb"\\[xuU]|\?\s")
_NAME = re.compile(
    rb"""\b(?:name|newName)["']?\s*:\s*"""
    rb"""(?=(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9][\w.:@/-]*)|(["|>&*!#\x80-\xff])))"""
)


@dataclass(frozen=True, slots=True)
class Kustomization:
    """A parsed kustomization. `root` is empty in a file without content; `targets` is what its aliases stand for."""

    path: str
    text: str
    root: Mapping
    targets: dict[Alias, Node]

    def refused(self, message: str, line: int | None = None, hint: str | None = None) -> EditRefused:
        """The refusal of this file, or of what stands on `line`; to be raised."""
        return EditRefused(message, at=Location(self.path, line), hint=hint)

    def resolved(self, node: Node) -> Node:
        """`node`, or what it stands for if it is an alias."""
        return self.targets[node] if isinstance(node, Alias) else node

    def items(self, name: str) -> tuple[Node, ...]:
        """The items of the list `name`, aliases as they stand. Raises `EditRefused` if it is no list."""
        node = _members(self, self.root, LISTS).get(name)
        if node is None or is_null(node):
            return ()
        if not isinstance(node, Sequence):
            raise self.refused(f"{name} is not a list", node.span.line)
        return node.items

    def fields(self, item: Node) -> dict[str, str]:
        """What stands in an item under `FIELDS`, as text; without those that are null or empty.

        Raises `EditRefused` where kustomize would not read the item either.
        """
        entry = self.resolved(item)
        if is_null(entry):
            return {}
        if not isinstance(entry, Mapping):
            raise self.refused("an item of the list of images is not a mapping", item.span.line)
        return {key: text for key, node in _members(self, entry, FIELDS).items() if (text := _text(self, key, node))}


@lru_cache(maxsize=1024)
def read(path: str, content: bytes) -> Kustomization:
    """The kustomization in `content`. Raises `EditRefused`, with the line, for what cannot be read safely."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        at = Location(path, content.count(b"\n", 0, error.start) + 1)
        raise EditRefused("not UTF-8", at=at, hint="save the file as UTF-8") from error
    try:
        return _read(path, text)
    except YamlError as error:
        raise EditRefused(f"not readable as YAML: {error.message}", at=Location(path, error.line)) from error


def entries(path: str, content: bytes) -> tuple[Entry, ...]:
    """The entries of `images:` and then of `imageTags:`, versions as they are written (`0574`, not 380).

    An entry whose values come through aliases or merge keys is read like any other, and one that names no image
    stays in, with `image` None: neither stops its neighbours. Raises `EditRefused` for a file that kustomize would
    refuse as well, and for one whose entries cannot be told for sure (several documents, a key that stands twice).
    """
    file = read(path, content)
    found = [
        _entry(file, name, index, item, fields)
        for name in LISTS
        for index, item in enumerate(file.items(name))
        if (fields := file.fields(item))
    ]
    seen: Counter[tuple[str, str | None]] = Counter()
    for at, entry in enumerate(found):
        same = (entry.name, entry.image)
        found[at] = replace(entry, repeat=seen[same]) if seen[same] else entry
        seen[same] += 1
    return tuple(found)


def version(fields: dict[str, str]) -> Version:
    """What stands in an entry: `newTag` and `digest`, or else what `newName: repository:tag@digest` says."""
    tag, digest = fields.get("newTag"), fields.get("digest")
    if tag is not None:
        return Version(tag, digest)
    _, inline_tag, inline_digest = name_parts(fields.get("newName", ""))
    return Version(inline_tag, digest or inline_digest)


def name_parts(text: str) -> tuple[str, str | None, str | None]:
    """`repository[:tag][@digest]` in three, as written."""
    name, _, digest = text.partition("@")
    repository, tag = references.split_tag(name)
    return repository, tag or None, digest or None


def is_null(node: Node) -> bool:
    """Whether a node is YAML's null, written or left out."""
    return isinstance(node, Scalar) and not node.style and node.tag is None and node.value in _NULLS


def mentioned_images(content: bytes) -> frozenset[str]:
    """Every image that an entry of this file may follow, and perhaps some more. Raises nothing.

    Meant for a whole repository at once: it scans bytes, and parses only where a name is written in a way that
    the scan cannot judge. A name behind an alias may stand anywhere; without one it stands after the list's key.
    """
    if (b"\\" in content or b"?" in content) and _ODD_KEY.search(content):
        return _parsed_images(content)
    start = content.find(b"image")
    if start < 0 or (b"images" not in content and b"imageTags" not in content):
        return frozenset()
    found = _NAME.findall(content, 0 if b"*" in content else start)
    if any(odd for *_, odd in found):
        return _parsed_images(content)
    images = map(_scanned, {double or single or plain for double, single, plain, _ in found})
    return frozenset(image for image in images if image is not None)


@lru_cache(maxsize=1 << 16)
def _scanned(name: bytes) -> str | None:
    # Remembered, since the environments of a repository name the same images again and again.
    return _image(name.decode("utf-8", "replace"))


def _parsed_images(content: bytes) -> frozenset[str]:
    try:
        return frozenset(entry.image for entry in entries("", content) if entry.image is not None)
    except EditRefused:
        return frozenset()


def _image(name: str) -> str | None:
    return references.normalise(name_parts(name)[0])


def _entry(file: Kustomization, name: str, index: int, item: Node, fields: dict[str, str]) -> Entry:
    entry = file.resolved(item)
    line = entry.pairs[0][0].span.line if isinstance(entry, Mapping) else item.span.line
    named = fields.get("name", "")
    image = _image(fields.get("newName", named)) if named else None
    return Entry(file.path, name, index, named, image, version(fields), line)


def _read(path: str, text: str) -> Kustomization:
    documents = yaml_nodes.parse(text)
    if len(documents) > 1:
        raise YamlError("several documents in one file", documents[1].span.line)
    if not documents or is_null(documents[0]):
        return Kustomization(path, text, Mapping((), False, Span(0, 0, 1)), {})
    root = documents[0]
    if not isinstance(root, Mapping):
        raise YamlError("the file is not a mapping", root.span.line)
    return Kustomization(path, text, root, yaml_nodes.targets(root))


def _members(file: Kustomization, mapping: Mapping, known: tuple[str, ...]) -> dict[str, Node]:
    """Of the keys in `known` those that a mapping has, by itself or through merge keys; its own come first."""
    spellings = {name.casefold(): name for name in known}
    found: dict[str, Node] = {}
    for key, value in _pairs(file, mapping):
        name = spellings.get(key.value.casefold())
        if name is None:
            continue
        if name != key.value:
            raise file.refused(f"kustomize reads the key {key.value} as {name}", key.span.line, f"write {name}")
        found.setdefault(name, file.resolved(value))
    return found


def _pairs(file: Kustomization, mapping: Mapping) -> Iterator[tuple[Scalar, Node]]:
    # Each mapping is visited once, so that merges of merges of merges cost no more than their text.
    seen: set[int] = set()
    waiting: list[Node] = [mapping]
    while waiting:
        node = file.resolved(waiting.pop())
        if isinstance(node, Sequence):
            waiting.extend(reversed(node.items))
        elif isinstance(node, Mapping) and id(node) not in seen:
            seen.add(id(node))
            yield from node.pairs
            waiting.extend(value for key, value in node.pairs if key.value == MERGE)


def _text(file: Kustomization, key: str, node: Node) -> str | None:
    if not isinstance(node, Scalar):
        raise file.refused(f"the value of {key} is not a text", node.span.line)
    return None if is_null(node) else node.value
