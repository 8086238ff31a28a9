"""A YAML file as plain values, each of which knows its line.

Words are read by the core schema of YAML 1.2.2 (section 10.3), as JSON Schema validators in editors
do: `yes`, dates and `1h` are text. Aliases are followed, since every other tool of a GitOps repository
does so, but only up to a bound, so a small file cannot grow large; merge keys are not part of YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from updater.core import yaml_nodes
from updater.core.yaml_nodes import Alias, Node, Scalar, YamlError

MAX_VALUES = 10_000
MAX_DEPTH = 100

Path: TypeAlias = tuple[str | int, ...]

_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Longer runs of digits match as a float, so that no text makes Python compute for long.
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}")
_PREFIXED = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY_OR_NAN = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Document:
    """`value` in dicts, lists and scalars; `lines` has the line of every value in it, for a key that of the key."""

    value: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of what stands at `path`, else of the nearest thing around it that does stand there."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def at(self, path: Path) -> Any:
        """The value at a path that `lines` has."""
        value = self.value
        for part in path:
            value = value[part]
        return value


def read(text: str) -> Document:
    """The one document of a YAML text.

    Raises `YamlError` for text that is no YAML, holds no document or several, uses tags or merge keys,
    or has more than 10,000 values once its aliases are followed.
    """
    documents = yaml_nodes.parse(text)
    if not documents:
        raise YamlError("the file is empty", 1)
    if len(documents) > 1:
        raise YamlError("a second document starts here: one file describes one environment", documents[1].span.line)
    lines: dict[Path, int] = {}
    return Document(_value(documents[0], (), yaml_nodes.targets(documents[0]), lines), lines)


def _value(node: Node, path: Path, targets: Mapping[Alias, Node], lines: dict[Path, int]) -> Any:
    line = lines.setdefault(path, node.span.line)
    if len(lines) > MAX_VALUES or len(path) > MAX_DEPTH:
        raise YamlError(f"more than {MAX_VALUES} values or {MAX_DEPTH} levels, aliases included", line)
    if isinstance(node, Alias):
        return _value(targets[node], path, targets, lines)
    if node.tag is not None:
        raise YamlError(f"the tag {node.tag!r} has no meaning here: leave it out", node.span.line)
    if isinstance(node, Scalar):
        return _scalar(node)
    if isinstance(node, yaml_nodes.Sequence):
        return [_value(item, (*path, index), targets, lines) for index, item in enumerate(node.items)]
    result: dict[str, Any] = {}
    for key, item in node.pairs:
        if key.value == "<<":
            raise YamlError("merge keys (`<<`) are not read here: write the keys out", key.span.line)
        lines[(*path, key.value)] = key.span.line
        result[key.value] = _value(item, (*path, key.value), targets, lines)
    return result


def _scalar(node: Scalar) -> str | bool | int | float | None:
    text = node.value
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY_OR_NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return text
