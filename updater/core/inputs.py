"""What a kustomization file makes kustomize read: every path in it, by its role.

Fields: kustomize `api/types/kustomization.go`, v4.5 to v5.6. kustomize reads the file as JSON does, so
keys match whatever their case, and a list that takes files takes inline YAML in some places. What
cannot be rendered confined (remote things, Helm, plug-ins) is refused here, before kustomize runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from updater.core import kustomization, yaml_nodes
from updater.core.kustomization import MERGE, is_null
from updater.core.yaml_nodes import Mapping, Node, Scalar, Sequence
from updater.errors import Location, RenderError

Role = Literal["resource", "component", "plugin", "file"]
HINT = "`verify: parse` in the environment's file commits without rendering"

_LISTS: dict[str, Role] = {
    "resources": "resource",
    "bases": "resource",
    "components": "component",
    "crds": "file",
    "configurations": "file",
    "generators": "plugin",
    "transformers": "plugin",
    "validators": "plugin",
    "patchesStrategicMerge": "file",
    "paths": "file",
}
_INLINE = {"generators", "transformers", "validators", "patchesStrategicMerge", "paths"}
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmChartInflationGenerator")
# What some kustomize takes for a URL or a git repository, even where a folder of that name exists (`parseGitUrl`).
_REMOTE = re.compile(
    r"\s*(?:[a-z0-9+.-]+:[:/]|https?:|gh:|[a-z][a-z0-9-]*@|(?:www\.)?github\.com[:/])|.*_git/",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Input:
    """A path as written, relative to the folder of the kustomization; `line` counts from 1."""

    role: Role
    path: str
    line: int


@lru_cache(maxsize=256)
def document(path: str, content: bytes) -> Mapping:
    """The mapping that a kustomization file is, read once for all who look into it. Raises `EditRefused`."""
    return kustomization.read(path, content).root


@lru_cache(maxsize=1024)
def references(path: str, content: bytes) -> tuple[Input, ...]:
    """The paths that a kustomization file names. Raises `RenderError` where kustomize would have to be let out."""
    return tuple(_kustomization(path, document(path, content)))


@lru_cache(maxsize=256)
def plugin_references(path: str, content: bytes) -> tuple[Input, ...]:
    """The paths that a file of generators, transformers or validators names (relative to who lists that file).

    Only kustomize's own are let through, which have no images, programs or scripts to run. Raises `RenderError`.
    """
    nodes = [node for node in _parse(path, content) if not is_null(node)]
    return tuple(found for node in nodes for found in _plugin(path, node, node.span.line))


def only_resources(path: str, content: bytes) -> None:
    """Lets a folder of plug-in configurations through only where what it yields is what its files say.

    Patches there could put a URL or a program into a configuration after it was checked. Raises `RenderError`.
    """
    for key, _ in document(path, content).pairs:
        if key.value not in ("apiVersion", "kind", "metadata", "resources"):
            raise _refusal(f"{key.value} in a folder of generators or transformers", path, key.span.line)


def _kustomization(path: str, root: Mapping) -> Iterator[Input]:
    for key in _HELM:
        if _items(path, root, key):
            raise _refusal(f"{key} (Helm is not run)", path, root.span.line)
    for key in _LISTS:
        yield from _list(path, root, key)
    for item in (item for key in _WITH_PATH for item in _items(path, root, key)):
        yield from _single(path, item, "path")
    for item in (item for key in _GENERATORS for item in _items(path, root, key)):
        yield from _generator(path, item)
    openapi = _get(path, root, "openapi")
    if openapi is not None:
        yield from _single(path, openapi, "path")


def _plugin(path: str, node: Node, line: int) -> Iterator[Input]:
    if not isinstance(node, Mapping):
        raise _refusal("something else than a mapping as a generator or transformer", path, line)
    version, kind = (_get(path, node, key) for key in ("apiVersion", "kind"))
    name = kind.value if isinstance(kind, Scalar) else "without a kind"
    if not isinstance(version, Scalar) or version.value != "builtin" or name == "HelmChartInflationGenerator":
        raise _refusal(f"the plug-in {name} (only kustomize's own run, without Helm)", path, line)
    yield from _generator(path, node)
    yield from _single(path, node, "path")
    yield from _list(path, node, "paths")
    for item in _items(path, node, "replacements"):
        yield from _single(path, item, "path")


def _generator(path: str, item: Node) -> Iterator[Input]:
    for scalar in _items(path, item, "files"):
        name, _, source = _text(path, scalar).partition("=")
        yield _input(path, "file", source or name, scalar.span.line)
    for scalar in _items(path, item, "envs"):
        yield _input(path, "file", _text(path, scalar), scalar.span.line)
    yield from _single(path, item, "env")


def _list(path: str, root: Mapping, key: str) -> Iterator[Input]:
    for item in _items(path, root, key):
        text, line = _text(path, item), item.span.line
        inline = _objects(text) if key in _INLINE else ()
        if not inline:
            yield _input(path, _LISTS[key], text, line)
        elif _LISTS[key] == "plugin":
            _refuse_remote(path, text, line)
            for node in inline:
                yield from _plugin(path, node, line)


def _objects(text: str) -> tuple[Node, ...]:
    """The objects that a text is, as kustomize sees it, none if it is to be taken for a path."""
    try:
        nodes = yaml_nodes.parse(text)
    except yaml_nodes.YamlError:
        return ()
    is_object = all(isinstance(node, Mapping) and node.get("kind") and node.get("metadata") for node in nodes)
    return nodes if is_object else ()


def _single(path: str, item: Node, key: str) -> Iterator[Input]:
    scalar = _get(path, item, key)
    if scalar is not None:
        yield _input(path, "file", _text(path, scalar), scalar.span.line)


def _input(path: str, role: Role, text: str, line: int) -> Input:
    _refuse_remote(path, text, line)
    return Input(role, text, line)


def _refuse_remote(path: str, text: str, line: int) -> None:
    if _REMOTE.match(text):
        raise _refusal(f"the remote {text.strip()[:200]!r}", path, line)


def _items(path: str, node: Node, key: str) -> tuple[Node, ...]:
    value = _get(path, node, key)
    if value is None:
        return ()
    if not isinstance(value, Sequence):
        raise RenderError(f"{key} must be a list, written out in this place", at=Location(path, value.span.line))
    return value.items


def _get(path: str, node: Node, key: str) -> Node | None:
    """The value under `key` in any spelling of its case, None if it is not there or null."""
    at = Location(path, node.span.line)
    if not isinstance(node, Mapping):
        raise RenderError(f"{key} needs a mapping here, written out in this place", at=at)
    found = [value for name, value in node.pairs if name.value.casefold() == key.casefold()]
    if len(found) > 1 or node.get(MERGE) is not None:
        raise RenderError(f"it is not clear which {key} counts (twice the same key, or a merge key)", at=at)
    return found[0] if found and not is_null(found[0]) else None


def _text(path: str, node: Node) -> str:
    if not isinstance(node, Scalar) or node.tag is not None:
        raise RenderError("a plain text is needed here, no alias and no tag", at=Location(path, node.span.line))
    return node.value


def _parse(path: str, content: bytes) -> tuple[Node, ...]:
    try:
        return yaml_nodes.parse(content.decode())
    except UnicodeDecodeError as error:
        raise RenderError("this is not UTF-8", at=Location(path)) from error
    except yaml_nodes.YamlError as error:
        raise RenderError(error.message, at=Location(path, error.line)) from error


def _refusal(what: str, path: str, line: int) -> RenderError:
    return RenderError(f"cannot be rendered confined: {what}", at=Location(path, line), hint=HINT)
