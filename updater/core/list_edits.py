"""Adding items to a list at the top of a YAML file, and taking them out, without touching any other byte.

Made for `hold:` and `release:` in `environments/<name>.yaml`. What cannot be changed that way is refused with
its line and the reason. After each edit the file is read again: it may differ in the planned item alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Mapping as Texts
from dataclasses import replace
from typing import TypeAlias

from updater.core.guards import facts, refuse_shared
from updater.core.kustomization import MERGE, Kustomization, is_null, read
from updater.core.list_splices import appended, begun, filled, without
from updater.core.places import Splice, spliced
from updater.core.yaml_nodes import Alias, Mapping, Node, Scalar, Sequence, Span
from updater.errors import EditRefused

Pair: TypeAlias = tuple[Scalar, Node]

WRITE_IT_OUT = "write the list out, each item below its key"

_NOWHERE = Span(0, 0, 1)


def added(path: str, content: bytes, key: str, item: Texts[str, str]) -> bytes:
    """`content` with one more item, texts under their keys in the order given, at the end of its list `key`.

    It is written like the item before it, or else between braces, and its texts plainly wherever every reader takes
    them for texts. A list that is not there is made at the end of the file. A comment right below the last item,
    indented at least as that is, stays above the new one. Raises `EditRefused`, with the line, where there is no
    place for it that leaves everything else as it is.
    """
    file = _file(path, content)
    found = _list(file, key)
    if found is None:
        return _edited(file, key, begun(file, key, item), _followed(_no_list(None), item))
    name, value = found
    if isinstance(value, Sequence):
        return _edited(file, key, appended(file, name, value, item), _followed(value, item))
    return _edited(file, key, filled(file, name, value, item), _followed(_no_list(value.anchor), item))


def taken_out(path: str, content: bytes, key: str, indexes: Collection[int]) -> bytes:
    """`content` without these items of its list `key`: each goes with its lines and the comments on them.

    The last one of a list in lines takes the key along, unless a comment speaks of the list (above its key, behind it
    or below the item): then `[]` is left. Raises `EditRefused`, with the line, where an item cannot go alone, and
    for an index without an item.
    """
    for index in sorted(set(indexes), reverse=True):
        file = _file(path, content)
        name, value = _list(file, key) or (None, None)
        if name is None or not isinstance(value, Sequence) or not 0 <= index < len(value.items):
            raise file.refused(f"there is no item {key}[{index}]", _line(file, key))
        refuse_shared(file, value.items[index], "item", WRITE_IT_OUT)
        splices, left = without(file, name, value, index)
        content = _edited(file, key, splices, left)
    return content


def _file(path: str, content: bytes) -> Kustomization:
    file = read(path, content)
    if not file.root.pairs:
        raise file.refused("there is nothing in the file", 1, "describe the environment in it first")
    merge = next((key for key, _ in file.root.pairs if key.value == MERGE), None)
    if merge is not None:
        raise file.refused("the file has a merge key (<<)", merge.span.line, "write its keys out")
    return file


def _list(file: Kustomization, key: str) -> tuple[Scalar, Sequence | Scalar] | None:
    """The key and its list, or its null. Raises `EditRefused` for anything else, and for what stands elsewhere, too."""
    found = next((pair for pair in file.root.pairs if pair[0].value == key), None)
    if found is None:
        return None
    name, value = found
    refuse_shared(file, value, f"list {key}", WRITE_IT_OUT)
    if isinstance(value, Alias | Mapping) or not (isinstance(value, Sequence) or is_null(value)):
        raise file.refused(f"{key} is not a list", value.span.line, WRITE_IT_OUT)
    tagged = next((node for node in (file.root, value) if node.tag is not None), None)
    if tagged is not None:
        raise file.refused(f"a YAML tag ({tagged.tag}) on the list or around it", tagged.span.line, "take the tag out")
    return name, value


def _no_list(anchor: str | None) -> Sequence:
    return Sequence((), False, _NOWHERE, anchor)


def _followed(listed: Sequence, item: Texts[str, str]) -> Sequence:
    """The list as it is to be, with the item in the style of the last one."""
    last = listed.items[-1] if listed.items else None
    flow = not isinstance(last, Mapping) or last.flow
    new = Mapping(tuple((_scalar(name), _scalar(text)) for name, text in item.items()), flow, _NOWHERE)
    return replace(listed, items=(*listed.items, new))


def _scalar(text: str) -> Scalar:
    return Scalar(text, "", _NOWHERE)


def _edited(file: Kustomization, key: str, splices: Iterable[Splice], planned: Sequence | None) -> bytes:
    """The content with the splices, if then the list `key` is as planned and all else as before."""
    edited = spliced(file.text, splices).encode()
    try:
        found = tuple(facts(read(file.path, edited).root))
    except EditRefused:
        found = ()
    if found != tuple(facts(_with(file.root, key, planned))):
        raise file.refused(f"the list {key} has no place where it can be changed alone", _line(file, key), WRITE_IT_OUT)
    return edited


def _with(root: Mapping, key: str, listed: Sequence | None) -> Mapping:
    """A mapping with another list under a key, which comes last if it is new, and goes for None."""
    pairs: dict[str, Pair] = {name.value: (name, value) for name, value in root.pairs}
    if listed is None:
        del pairs[key]
    else:
        pairs[key] = (_scalar(key), listed)
    return replace(root, pairs=tuple(pairs.values()))


def _line(file: Kustomization, key: str) -> int:
    return next((name.span.line for name, _ in file.root.pairs if name.value == key), file.root.span.line)
