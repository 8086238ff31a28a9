"""Which files an overlay reaches, and so all that its rendering can depend on.

Paths are resolved as kustomize does it: joined to the folder's real place and cleaned as text, then
links followed (`ConfirmedDir.Join`, `CleanedAbs`). Nothing outside the repository is ever reached.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TypeAlias

from updater.core.inputs import HINT, Input, only_resources, plugin_references, references
from updater.core.kustomization import FILE_NAMES
from updater.errors import Location, RenderError
from updater.protocols import Node, Tree

Closure: TypeAlias = Mapping[str, Node]

MAX_FILES = 10_000
MAX_DEPTH = 50
_MAX_LINKS = 40


def reach(tree: Tree, folder: str) -> Closure:
    """The files, and the links on the way to them, that kustomize reads to build `folder`.

    Raises `RenderError`, with the place of the offending item, for whatever is missing, remote, outside of
    the repository, a submodule, a cycle, a folder without exactly one kustomization file, or too much.
    """
    walk = _Walk(tree)
    at = Location(folder)
    walk.folder(*walk.locate("", folder, at), (), None, at)
    return walk.reached


class _Walk:
    """One walk over what a kustomization names, and what that names in turn.

    `plugin_of` is the folder that lists generators or transformers, while these are walked: paths in them
    are relative to it.
    """

    def __init__(self, tree: Tree) -> None:
        self.reached: dict[str, Node] = {}
        self._tree = tree
        self._walked: set[tuple[str, str | None]] = set()

    def folder(self, path: str, node: Node, above: tuple[str, ...], plugin_of: str | None, at: Location) -> None:
        """Walks a folder with a kustomization; `above` are the folders that led to it."""
        if node.kind != "folder":
            raise RenderError(f"{path} is a file, a folder is needed", at=at)
        if len(above) > MAX_DEPTH:
            raise RenderError(f"needs folders that need folders, more than {MAX_DEPTH} deep", at=at, hint=HINT)
        if any(f"{visited}/".startswith(path and f"{path}/") for visited in above):
            raise RenderError(f"{_shown(path)} is built again while it is being built, a cycle", at=at)
        if (path, plugin_of) in self._walked:
            return
        self._walked.add((path, plugin_of))
        file, content = self._kustomization(path, at)
        if plugin_of is not None:
            only_resources(file, content)
        for found in references(file, content):
            self._follow(path, found, above, plugin_of, Location(file, found.line))

    def _kustomization(self, folder: str, at: Location) -> tuple[str, bytes]:
        names = [name for name in FILE_NAMES if self._tree.node(posixpath.join(folder, name)) is not None]
        if len(names) != 1:
            problem = f"has {' and '.join(names)}, only one may be there" if names else "has no kustomization file"
            raise RenderError(f"{_shown(folder)} {problem}", at=at)
        return self._file(*self.locate(folder, names[0], at), at)

    def _follow(self, folder: str, found: Input, above: tuple[str, ...], plugin_of: str | None, at: Location) -> None:
        path, node = self.locate(folder, found.path, at)
        if found.role == "plugin":
            plugin_of = folder
        if found.role == "component" or (found.role != "file" and node.kind == "folder"):
            self.folder(path, node, (*above, folder), plugin_of, at)
        elif plugin_of is None or found.role == "file":
            self._add(path, node, at)
        else:
            self._plugin(*self._file(path, node, at), plugin_of)

    def _plugin(self, path: str, content: bytes, plugin_of: str) -> None:
        for found in plugin_references(path, content):
            at = Location(path, found.line)
            self._add(*self.locate(plugin_of, found.path, at), at)

    def _file(self, path: str, node: Node, at: Location) -> tuple[str, bytes]:
        self._add(path, node, at)
        return path, self._tree.read(path)

    def _add(self, path: str, node: Node, at: Location) -> None:
        if node.kind == "folder":
            raise RenderError(f"{_shown(path)} is a folder, a file is needed", at=at)
        self.reached[path] = node
        if len(self.reached) > MAX_FILES:
            raise RenderError(f"needs more than {MAX_FILES} files", at=at, hint=HINT)

    def locate(self, folder: str, text: str, at: Location) -> tuple[str, Node]:
        """The real place of the file or folder that `text` means in `folder`; links on the way are reached, too."""
        path = _cleaned(folder, text)
        for _ in range(_MAX_LINKS):
            if path == ".." or path.startswith(("../", "/")):
                raise RenderError(f"{text} leads out of the repository", at=at, hint=HINT)
            node = self._tree.node(path)
            if node is not None and node.kind in ("file", "folder"):
                return path, node
            path = self._through_first_link(path, at)
        raise RenderError(f"{text} is a loop of links", at=at)

    def _through_first_link(self, path: str, at: Location) -> str:
        steps = ["/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 2)]
        step, node = next(
            (step, node) for step in steps if (node := self._tree.node(step)) is None or node.kind != "folder"
        )
        if node is not None and node.kind == "submodule":
            raise RenderError(f"{step} is a submodule, which is not fetched", at=at, hint=HINT)
        if node is None or node.kind != "link":
            raise RenderError(f"{path} is not in the repository", at=at)
        self._add(step, node, at)
        target = self._tree.read(step).decode(errors="replace")
        return _cleaned(posixpath.dirname(step), target, path[len(step) :].lstrip("/"))


def _cleaned(*parts: str) -> str:
    path = posixpath.normpath(posixpath.join(*parts))
    return "" if path == "." else path


def _shown(path: str) -> str:
    return path or "the root of the repository"
