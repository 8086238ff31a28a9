"""Bumping versions in a kustomization by changing the bytes of their values, and nothing else.

What cannot be changed that way is refused with its line and the reason. After each edit the file is read
again: it may differ from before in the planned values alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from updater.core import references
from updater.core.guards import WRITE_IT_OUT, Path, facts, refuse_shared
from updater.core.kustomization import MERGE, Kustomization, name_parts, read, version
from updater.core.places import Splice, spliced
from updater.core.splices import inserted, removed, replaced
from updater.core.yaml_nodes import Mapping, Node, Scalar
from updater.errors import EditRefused
from updater.model import Version


@dataclass(frozen=True, slots=True)
class EntryEdit:
    """What one entry is to hold; what None in `to` means, `bump` and `restore` say."""

    list: str
    index: int
    to: Version


def bump(path: str, content: bytes, edits: Iterable[EntryEdit]) -> bytes:
    """`content` with the entries changed, each named once; the same bytes where everything stands already.

    None in `to` leaves the tag or the digest as it is. A value keeps its quotes and gets double quotes only where
    YAML would not read it as text. A missing `newTag` or `digest` becomes one more line. Raises `EditRefused`, with
    the line, where that is not possible; also for a tag alone in an entry with a digest: kustomize would run the old
    digest under the new tag.
    """
    file = read(path, content)
    return restore(path, content, [_completed(file, edit) for edit in edits])


def restore(path: str, content: bytes, edits: Iterable[EntryEdit]) -> bytes:
    """`content` with each entry holding exactly `to`, as in `bump`, but None means that there is none.

    So what `newTag` or `digest` holds beyond that goes: its line with the comment on it, or between braces it and its
    comma. Meant for going back to a version that once stood there. Raises `EditRefused` as `bump` does, except
    for the tag alone.
    """
    file = read(path, content)
    splices: list[Splice] = []
    values: dict[Path, str | None] = {}
    for edit in edits:
        more_splices, more_values = _plan(file, edit)
        splices += more_splices
        values |= more_values
    if not splices:
        return content
    edited = spliced(file.text, splices).encode()
    _verify(file, edited, values)
    return edited


def _completed(file: Kustomization, edit: EntryEdit) -> EntryEdit:
    """The edit with what stands in the place of None."""
    item, fields = _entry(file, edit)
    standing, to = version(fields), edit.to
    if to.tag not in (None, standing.tag) and to.digest is None and standing.digest is not None:
        message = "the entry has a digest, and kustomize would run that under the new tag"
        raise file.refused(message, item.span.line, "give the digest of the new tag, too")
    tag = standing.tag if to.tag is None else to.tag
    return replace(edit, to=Version(tag, standing.digest if to.digest is None else to.digest))


def _plan(file: Kustomization, edit: EntryEdit) -> tuple[list[Splice], dict[Path, str | None]]:
    """The splices of one entry, and the values that they are to end in; None for a key that goes."""
    item, fields = _entry(file, edit)
    _refuse_hostile(file, item, version(fields), edit.to)
    wanted = _wanted(fields, edit.to)
    if not wanted:
        return [], {}
    left = {key: text for key, text in (fields | wanted).items() if text is not None}
    if version(left) != edit.to:
        message = "newName names a version, too, and that would count again"
        raise file.refused(message, item.span.line, "take the version out of newName")
    entry = _own(file, edit, item)
    return _splices(file, entry, fields, wanted), {(edit.list, edit.index, key): text for key, text in wanted.items()}


def _entry(file: Kustomization, edit: EntryEdit) -> tuple[Node, dict[str, str]]:
    items = file.items(edit.list)
    item = items[edit.index] if 0 <= edit.index < len(items) else None
    fields = {} if item is None else file.fields(item)
    if item is None or "name" not in fields:
        raise file.refused(f"there is no entry {edit.list}[{edit.index}] with a name")
    return item, fields


def _refuse_hostile(file: Kustomization, item: Node, standing: Version, to: Version) -> None:
    """No text that is not a tag or a digest gets any further, unless it stands there already."""
    if to.tag not in (None, standing.tag) and not references.is_tag(to.tag):
        raise file.refused(f"{to.tag!r} is not a tag", item.span.line)
    if to.digest not in (None, standing.digest) and not references.is_digest(to.digest):
        raise file.refused(f"{to.digest!r} is not a digest", item.span.line)


def _wanted(fields: dict[str, str], to: Version) -> dict[str, str | None]:
    """What the changed fields are to hold. Where `newName` carries the version itself, it goes on doing so."""
    given = {"newTag": to.tag, "digest": to.digest}
    repository, tag, digest = name_parts(fields.get("newName", ""))
    if "newTag" not in fields and (tag or digest):
        tag = given.pop("newTag")
        if "digest" not in fields:
            digest = given.pop("digest")
        given["newName"] = repository + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return {key: text for key, text in given.items() if text != fields.get(key)}


def _own(file: Kustomization, edit: EntryEdit, item: Node) -> Mapping:
    """The entry, if it stands in its place and nowhere else: not through an alias or a merge key, not for one."""
    listed = file.root.get(edit.list)
    if listed is None:
        raise file.refused(f"{edit.list} comes from a merge key", file.root.span.line, WRITE_IT_OUT)
    refuse_shared(file, listed, f"list {edit.list}")
    refuse_shared(file, item, "entry")
    assert isinstance(item, Mapping)  # an entry, and no alias
    merge = next((key for key, _ in item.pairs if key.value == MERGE), None)
    if merge is not None:
        raise file.refused("the entry has a merge key (<<)", merge.span.line, WRITE_IT_OUT)
    return item


def _splices(
    file: Kustomization, entry: Mapping, fields: dict[str, str], wanted: dict[str, str | None]
) -> list[Splice]:
    splices: list[Splice] = []
    added: list[tuple[str, str]] = []
    standing = {key.value: (key, value) for key, value in entry.pairs}
    gone = {field for field, text in wanted.items() if text is None}
    for field, text in wanted.items():
        if field not in standing:
            assert text is not None  # what is not there does not go
            added.append((field, text))
            continue
        key, value = standing[field]
        refuse_shared(file, value, f"value of {field}")
        assert isinstance(value, Scalar)  # a text or null, and no alias
        splices += removed(file, entry, field) if text is None else (replaced(file, entry, key, value, text),)
    if added:
        before = ("newTag", "newName", "name") if added[0][0] == "digest" else ("newName", "name")
        sibling = next(field for field in before if field in fields and field not in gone)
        splices += inserted(file, entry, sibling, added)
    return splices


def _verify(file: Kustomization, content: bytes, values: dict[Path, str | None]) -> None:
    """Refuses an edit that changed anything but `values`: the last guard, whatever went wrong before it."""
    expected = dict(facts(file.root))
    for where, value in values.items():
        _, _, anchor, tag = expected.pop(where, (Scalar, "", None, None))
        if value is not None:
            expected[where] = (Scalar, value, anchor, tag)
    try:
        found = dict(facts(read(file.path, content).root))
    except EditRefused:
        found = {}
    if found != expected:
        name, index, *_ = next(iter(values))
        line = file.items(str(name))[int(index)].span.line
        raise file.refused("the edit would change more than the planned values", line, "write this entry more plainly")
