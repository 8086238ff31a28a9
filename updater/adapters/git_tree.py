"""The files of a commit, as the rest of the project sees them."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from updater.adapters import raw_trees
from updater.protocols import Kind, Node

_FOLDER = 0o040000
_OFTEN = 32
"""How many names are looked up in one folder before all of them are read: then each costs nothing."""


class GitTree:
    """The files below the tree `root`, as `protocols.Tree`; `folder` and `blob` read trees and blobs by their ids."""

    def __init__(self, root: str, folder: Callable[[str], bytes], blob: Callable[[str], bytes]) -> None:
        self._root = root
        self._folder = folder
        self._blob = blob
        self._asked: Counter[str] = Counter()
        self._taken_apart: dict[str, Mapping[bytes, tuple[int, str]]] = {}

    def node(self, path: str) -> Node | None:
        """See `protocols.Tree`."""
        found = self._find(path)
        if found is None:
            return None
        mode, oid = found
        return Node(kind(mode), oid, executable=bool(mode & 0o100) and stat.S_ISREG(mode))

    def read(self, path: str) -> bytes:
        """See `protocols.Tree`."""
        found = self._find(path)
        if found is None or kind(found[0]) not in ("file", "link"):
            raise KeyError(path)
        return self._blob(found[1])

    def names(self, folder: str) -> Sequence[str]:
        """See `protocols.Tree`."""
        found = self._find(folder)
        if found is None or not stat.S_ISDIR(found[0]):
            return ()
        raw_names = raw_trees.names(self._folder(found[1]))
        return sorted(name for each in raw_names if (name := _name(each)) is not None)

    def _find(self, path: str) -> tuple[int, str] | None:
        mode, oid = _FOLDER, self._root
        for part in path.split("/") if path else ():
            if not stat.S_ISDIR(mode):
                return None
            found = self._entry(oid, part.encode(errors="surrogatepass"))
            if found is None:
                return None
            mode, oid = found
        return mode, oid

    def _entry(self, folder: str, name: bytes) -> tuple[int, str] | None:
        """Mode and id of what has a name in a folder, which is taken apart only once it was asked about often."""
        if folder not in self._taken_apart:
            tree = self._folder(folder)
            self._asked[folder] += 1
            if self._asked[folder] <= _OFTEN:
                found = raw_trees.find(tree, name)
                return None if found is None else (found[0], raw_trees.entry_id(tree, found[1]))
            self._taken_apart[folder] = raw_trees.entries(tree)
        return self._taken_apart[folder].get(name)


def kind(mode: int) -> Kind:
    """What an entry of a tree is, by its mode."""
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "submodule"


def _name(raw: bytes) -> str | None:
    """A name in a folder; None for one that is not UTF-8, which no manifest can refer to."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
