"""Bumping versions in a kustomization by changing the bytes of their values, and nothing else.

What cannot be changed that way is refused with its line and the reason. After each edit the file is read
again: it may differ from before in the planned values alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from updater.core import references
from updater.core.kustomization import MERGE, Kustomization, name_parts, read, version
from updater.core.splices import Splice, inserted, replaced, spliced
from updater.core.yaml_nodes import Alias, Mapping, Node, Scalar, Sequence
from updater.errors import EditRefused
from updater.model import Version

Path: TypeAlias = tuple[str | int, ...]
Fact: TypeAlias = tuple[type[Node], str | bool, str | None, str | None]

WRITE_IT_OUT = "write the values out in this entry"


@dataclass(frozen=True, slots=True)
class EntryEdit:
    """What one entry is to hold; None in `to` leaves the tag or the digest as it is."""

    list: str
    index: int
    to: Version


def bump(path: str, content: bytes, edits: Iterable[EntryEdit]) -> bytes:
    """`content` with the entries changed, each named once; the same bytes where everything stands already.

    A value keeps its quotes and gets double quotes only where YAML would not read it as text. A missing `newTag`
    or `digest` becomes one more line. Raises `EditRefused`, with the line, where that is not possible; also for
    a tag alone in an entry with a digest: kustomize would run the old digest under the new tag.
    """
    file = read(path, content)
    splices: list[Splice] = []
    values: dict[Path, str] = {}
    for edit in edits:
        more_splices, more_values = _plan(file, edit)
        splices += more_splices
        values |= more_values
    if not splices:
        return content
    edited = spliced(file.text, splices).encode()
    _verify(file, edited, values)
    return edited


def _plan(file: Kustomization, edit: EntryEdit) -> tuple[list[Splice], dict[Path, str]]:
    """The splices of one entry, and the values that they are to end in."""
    items = file.items(edit.list)
    item = items[edit.index] if 0 <= edit.index < len(items) else None
    fields = {} if item is None else file.fields(item)
    if item is None or "name" not in fields:
        raise file.refused(f"there is no entry {edit.list}[{edit.index}] with a name")
    to = _news(file, item, version(fields), edit.to)
    wanted = _wanted(fields, to)
    if not wanted:
        return [], {}
    entry = _own(file, edit, item)
    return _splices(file, entry, fields, wanted), {(edit.list, edit.index, key): text for key, text in wanted.items()}


def _news(file: Kustomization, item: Node, standing: Version, to: Version) -> Version:
    """Of `to` what does not stand yet. No text that is not a tag or a digest gets any further."""
    if to.tag is not None and not references.is_tag(to.tag):
        raise file.refused(f"{to.tag!r} is not a tag", item.span.line)
    if to.digest is not None and not references.is_digest(to.digest):
        raise file.refused(f"{to.digest!r} is not a digest", item.span.line)
    tag = None if to.tag == standing.tag else to.tag
    if tag is not None and to.digest is None and standing.digest is not None:
        hint = "give the digest of the new tag, too"
        raise file.refused(
            "the entry has a digest, and kustomize would run that under the new tag", item.span.line, hint
        )
    return Version(tag, None if to.digest == standing.digest else to.digest)


def _wanted(fields: dict[str, str], to: Version) -> dict[str, str]:
    """What the changed fields are to hold. Where `newName` carries the version itself, it goes on doing so."""
    given = {"newTag": to.tag, "digest": to.digest}
    repository, tag, digest = name_parts(fields.get("newName", ""))
    if "newTag" not in fields and (tag or digest):
        tag = given.pop("newTag") or tag
        if "digest" not in fields:
            digest = given.pop("digest") or digest
        given["newName"] = repository + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return {key: text for key, text in given.items() if text is not None and text != fields.get(key)}


def _own(file: Kustomization, edit: EntryEdit, item: Node) -> Mapping:
    """The entry, if it stands in its place and nowhere else: not through an alias or a merge key, not for one."""
    listed = file.root.get(edit.list)
    if listed is None:
        raise file.refused(f"{edit.list} comes from a merge key", file.root.span.line, WRITE_IT_OUT)
    _refuse_shared(file, listed, f"list {edit.list}")
    _refuse_shared(file, item, "entry")
    assert isinstance(item, Mapping)  # an entry, and no alias
    merge = next((key for key, _ in item.pairs if key.value == MERGE), None)
    if merge is not None:
        raise file.refused("the entry has a merge key (<<)", merge.span.line, WRITE_IT_OUT)
    return item


def _refuse_shared(file: Kustomization, node: Node, what: str) -> None:
    if isinstance(node, Alias):
        raise file.refused(f"the {what} is an alias (*{node.name})", node.span.line, WRITE_IT_OUT)
    if any(node is target for target in file.targets.values()):
        message = f"the {what} has an anchor (&{node.anchor}) that an alias repeats: it would change there, too"
        raise file.refused(message, node.span.line, "write the value out where the alias is")


def _splices(file: Kustomization, entry: Mapping, fields: dict[str, str], wanted: dict[str, str]) -> list[Splice]:
    splices: list[Splice] = []
    added: list[tuple[str, str]] = []
    standing = {key.value: (key, value) for key, value in entry.pairs}
    for field, text in wanted.items():
        if field not in standing:
            added.append((field, text))
            continue
        key, value = standing[field]
        _refuse_shared(file, value, f"value of {field}")
        assert isinstance(value, Scalar)  # a text or null, and no alias
        splices.append(replaced(file, entry, key, value, text))
    if added:
        before = ("newTag", "newName", "name") if added[0][0] == "digest" else ("newName", "name")
        sibling = next(field for field in before if field in fields)
        splices += inserted(file, entry, sibling, added)
    return splices


def _verify(file: Kustomization, content: bytes, values: dict[Path, str]) -> None:
    """Refuses an edit that changed anything but `values`: the last guard, whatever went wrong before it."""
    expected = dict(_facts(file.root, ()))
    for where, value in values.items():
        _, _, anchor, tag = expected.get(where, (Scalar, "", None, None))
        expected[where] = (Scalar, value, anchor, tag)
    try:
        found = dict(_facts(read(file.path, content).root, ()))
    except EditRefused:
        found = {}
    if found != expected:
        name, index, *_ = next(iter(values))
        line = file.items(str(name))[int(index)].span.line
        raise file.refused("the edit would change more than the planned values", line, "write this entry more plainly")


def _facts(node: Node, where: Path) -> Iterator[tuple[Path, Fact]]:
    """What each node below `node` is and says, but not how and in which place."""
    if isinstance(node, Alias):
        yield where, (Alias, node.name, None, None)
    elif isinstance(node, Scalar):
        yield where, (Scalar, node.value, node.anchor, node.tag)
    elif isinstance(node, Sequence):
        yield where, (Sequence, node.flow, node.anchor, node.tag)
        for index, item in enumerate(node.items):
            yield from _facts(item, (*where, index))
    else:
        yield where, (Mapping, node.flow, node.anchor, node.tag)
        for key, value in node.pairs:
            yield from _facts(value, (*where, key.value))
