"""A tree with some files replaced, as if they were committed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from updater.protocols import Node, Tree


def blob_id(content: bytes) -> str:
    """The id that git gives to a file's content (gitformat-objects: SHA-1 of a header and the content)."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Overlaid:
    """`tree` with `contents` (by path) in the place of files that it has. It is a `protocols.Tree` itself.

    A folder around them has an id that tells its content as well as git's would, but is not git's.
    """

    tree: Tree
    contents: Mapping[str, bytes]

    def node(self, path: str) -> Node | None:
        """See `protocols.Tree`."""
        content = self.contents.get(path)
        if content is not None:
            return Node("file", blob_id(content))
        node = self.tree.node(path)
        return node if node is None or node.kind != "folder" else replace(node, id=self._folder_id(path, node.id))

    def read(self, path: str) -> bytes:
        """See `protocols.Tree`."""
        content = self.contents.get(path)
        return self.tree.read(path) if content is None else content

    def names(self, folder: str) -> Sequence[str]:
        """See `protocols.Tree`."""
        return self.tree.names(folder)

    def _folder_id(self, folder: str, below: str) -> str:
        start = folder and f"{folder}/"
        inside = [(path, blob_id(content)) for path, content in self.contents.items() if path.startswith(start)]
        return blob_id(repr((below, sorted(inside))).encode()) if inside else below
