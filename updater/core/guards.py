"""What keeps an edit from changing more of a YAML text than it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from updater.core.kustomization import Kustomization
from updater.core.yaml_nodes import Alias, Mapping, Node, Scalar, Sequence

Path: TypeAlias = tuple[str | int, ...]
Fact: TypeAlias = tuple[type[Node], str | bool, str | None, str | None]

WRITE_IT_OUT = "write the values out in this entry"


def refuse_shared(file: Kustomization, node: Node, what: str, hint: str = WRITE_IT_OUT) -> None:
    """Raises `EditRefused` for a node that stands elsewhere, too: for an alias, and for one that an alias repeats."""
    if isinstance(node, Alias):
        raise file.refused(f"the {what} is an alias (*{node.name})", node.span.line, hint)
    if any(node is target for target in file.targets.values()):
        message = f"the {what} has an anchor (&{node.anchor}) that an alias repeats: it would change there, too"
        raise file.refused(message, node.span.line, "write the value out where the alias is")


def facts(node: Node, where: Path = ()) -> Iterator[tuple[Path, Fact]]:
    """What each node at and below `node` is and says, but not how and in which place."""
    if isinstance(node, Alias):
        yield where, (Alias, node.name, None, None)
    elif isinstance(node, Scalar):
        yield where, (Scalar, node.value, node.anchor, node.tag)
    elif isinstance(node, Sequence):
        yield where, (Sequence, node.flow, node.anchor, node.tag)
        for index, item in enumerate(node.items):
            yield from facts(item, (*where, index))
    else:
        yield where, (Mapping, node.flow, node.anchor, node.tag)
        for key, value in node.pairs:
            yield from facts(value, (*where, key.value))
