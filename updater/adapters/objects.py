"""git objects: reading trees and blobs of a bare repository, and building new ones.

Nothing here knows branches or remotes. A changed path costs a copy of the folders above it and nothing
else; new objects are kept in memory until `flush` (or until they are many), and read from there.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from dulwich.errors import ChecksumMismatch, FileFormatException
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID

from updater.adapters import git_tree, packs, raw_trees
from updater.adapters.commits import Described, described
from updater.adapters.git_tree import GitTree
from updater.adapters.packs import Spliced, Whole
from updater.errors import GitError
from updater.model import Identity

_COMMIT, _TREE, _BLOB = 1, 2, 3
_BYTES_AT_MOST = 24 * 1024 * 1024
"""In trees that were read or made lately, and in what waits to be stored, each."""
_OVERHEAD = 300  # of a small object in memory, about
_LOOSE_AT_MOST = 40
_COMMITS_AT_MOST = 2_000
"""Of ours that are remembered, since they are looked at again as soon as they are pushed."""
_DELTAS_AT_MOST = 40
"""Upon each other; git itself goes up to 50 and breaks up longer chains when it packs for a push."""
_HINT = "delete the state folder; it holds nothing but caches"


class Objects:
    """The object store of one bare repository."""

    def __init__(self, repository: Path) -> None:
        self._folder = repository / "objects"
        self._store = DiskObjectStore(str(self._folder))
        self._new: dict[str, Whole | Spliced] = {}
        self._new_bytes = 0
        self._commits: dict[str, bytes] = {}
        self._trees: dict[str, bytes] = {}
        self._tree_bytes = 0

    def close(self) -> None:
        """Gives the pack files back."""
        self._store.close()

    def __contains__(self, commit: str) -> bool:
        oid = _id(commit)
        return commit in self._new or self._store.contains_loose(oid) or self._store.contains_packed(oid)

    def tree(self, commit: str) -> GitTree:
        """The files of a commit. Raises `GitError` if it is not there."""
        return GitTree(self._root(commit), self.folder, self.blob)

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for a root."""
        _, second, *_ = self._content(commit, _COMMIT).split(b"\n", 2)
        return second.removeprefix(b"parent ").decode() if second.startswith(b"parent ") else None

    def described(self, commit: str) -> Described:
        """Who made a commit, when, and why."""
        return described(self._content(commit, _COMMIT))

    def blob(self, oid: str) -> bytes:
        """The content of a blob."""
        return self._content(oid, _BLOB)

    def folder(self, oid: str) -> bytes:
        """A tree as it is stored, see `raw_trees`; from memory if it was read or made lately."""
        tree = self._trees.get(oid)
        if tree is None:
            tree = self._content(oid, _TREE)
            if not raw_trees.is_whole(tree):
                raise _damaged(oid)
            self._keep(oid, tree)
        return tree

    def new_tree(self, files: Mapping[str, bytes], beside: str | None = None) -> str:
        """The id of a tree of nothing but these files (name to content), and those in the root of the commit `beside`.

        Raises ValueError for a name that no file can have.
        """
        others = {} if beside is None else raw_trees.files(self.folder(self._root(beside)))
        new = {name: self._add(_BLOB, files[name]) for name in files}
        return self._add(_TREE, raw_trees.of_files({**others, **new}))

    def changed_tree(self, commit: str, files: Mapping[str, bytes]) -> str:
        """The id of the tree that `commit` has once `files` (path to new content) replace those that stand there.

        Raises KeyError if one of them does not stand there as a file.
        """
        return self._replace(self._root(commit), {tuple(path.split("/")): files[path] for path in files})

    def commit(
        self, tree: str, parent: str | None, message: str, author: Identity, committer: Identity, time: datetime
    ) -> str:
        """Builds a commit, the first of a history if it has no parent, and gives its id; `flush` stores it."""
        moment = f"{int(time.timestamp())} +0000"
        lines = [f"tree {tree}"] + ([] if parent is None else [f"parent {parent}"])
        lines += [f"author {_line(author)} {moment}", f"committer {_line(committer)} {moment}", "", message]
        content = "\n".join(lines).encode()
        if len(self._commits) > _COMMITS_AT_MOST:
            self._commits.clear()
        oid = self._add(_COMMIT, content)
        self._commits[oid] = content
        return oid

    def flush(self) -> None:
        """Stores what was built. Many objects go into one pack: a file for each would cost more than the push."""
        if len(self._new) > _LOOSE_AT_MOST:
            packs.write(self._folder / "pack", self._new)
        else:
            for oid, item in self._new.items():
                whole = item if isinstance(item, Whole) else Whole(_TREE, self.folder(oid))
                packs.write_loose(self._folder, oid, whole)
        self._new.clear()
        self._new_bytes = 0

    def _replace(self, tree: str, files: Mapping[tuple[str, ...], bytes]) -> str:
        # All files of a folder at once: each would otherwise leave a tree behind that nobody needs.
        folder, ids = self.folder(tree), {}
        for name, below in _by_first_part(files).items():
            found, is_file = raw_trees.find(folder, name.encode()), () in below
            if found is None or git_tree.kind(found[0]) != ("file" if is_file else "folder"):
                raise KeyError(name)
            at = found[1]
            new = self._add(_BLOB, below[()]) if is_file else self._replace(raw_trees.entry_id(folder, at), below)
            ids[at] = bytes.fromhex(new)
        return self._add_changed(tree, folder, ids)

    def _add_changed(self, old: str, folder: bytes, ids: Mapping[int, bytes]) -> str:
        new = raw_trees.spliced(folder, ids)
        oid, depth = _hashed(_TREE, new), self._depth(old) + 1
        if oid == old:
            return old
        self._keep(oid, new)
        if old in self._new and depth <= _DELTAS_AT_MOST:
            self._remember(oid, Spliced(old, len(new), ids, depth), len(ids) * raw_trees.ID_BYTES)
        else:
            self._remember(oid, Whole(_TREE, new), len(new))
        return oid

    def _depth(self, oid: str) -> int:
        item = self._new.get(oid)
        return item.depth if isinstance(item, Spliced) else 0

    def _add(self, kind: int, content: bytes) -> str:
        oid = _hashed(kind, content)
        self._remember(oid, Whole(kind, content), len(content))
        return oid

    def _remember(self, oid: str, item: Whole | Spliced, size: int) -> None:
        # What was remembered first stays, so that the base of a tree is always older than the tree.
        if oid in self._new:
            return
        self._new[oid] = item
        self._new_bytes += size + _OVERHEAD
        if self._new_bytes > _BYTES_AT_MOST:
            self.flush()

    def _keep(self, oid: str, tree: bytes) -> None:
        if oid not in self._trees:
            self._trees[oid] = tree
            self._tree_bytes += len(tree) + _OVERHEAD
        while self._tree_bytes > _BYTES_AT_MOST and len(self._trees) > 1:
            oldest = self._trees.pop(next(iter(self._trees)))
            self._tree_bytes -= len(oldest) + _OVERHEAD

    def _root(self, commit: str) -> str:
        line, _, _ = self._content(commit, _COMMIT).partition(b"\n")
        return line.removeprefix(b"tree ").decode()

    def _content(self, oid: str, kind: int) -> bytes:
        if kind == _COMMIT and oid in self._commits:
            return self._commits[oid]
        new = self._new.get(oid)
        if isinstance(new, Spliced):
            return raw_trees.spliced(self.folder(new.base), new.ids)
        found, content = self._stored(oid) if new is None else (new.kind, new.content)
        if found != kind:
            raise GitError(f"object {oid} is no {packs.TYPES[kind].decode()}")
        return content

    def _stored(self, oid: str) -> tuple[int, bytes]:
        try:
            # dulwich takes loose objects apart, and stops at some that git itself reads (a commit without a date, say).
            return packs.read_loose(self._folder, oid) or self._store.get_raw(_id(oid))
        except KeyError:
            raise GitError(f"object {oid} is missing in the local mirror", hint=_HINT) from None
        except (ChecksumMismatch, FileFormatException, zlib.error):
            raise _damaged(oid) from None


def _by_first_part(files: Mapping[tuple[str, ...], bytes]) -> dict[str, dict[tuple[str, ...], bytes]]:
    found: dict[str, dict[tuple[str, ...], bytes]] = {}
    for parts, content in files.items():
        found.setdefault(parts[0], {})[parts[1:]] = content
    return found


def _damaged(oid: str) -> GitError:
    return GitError(f"object {oid} is damaged in the local mirror", hint=_HINT)


def _hashed(kind: int, content: bytes) -> str:
    return hashlib.sha1(packs.headed(Whole(kind, content)), usedforsecurity=False).hexdigest()


def _id(text: str) -> ObjectID:
    return ObjectID(text.encode())


def _line(identity: Identity) -> str:
    return f"{identity.name} <{identity.email}>"
