"""git objects: reading trees and blobs of a bare repository, and building new ones.

Nothing here knows branches or remotes. A changed path costs the entries of the folders above it and
nothing else; new objects are kept in memory until `flush` (or until they are many), and read from there.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile
from dulwich.objects import Tree as RawTree

from updater.errors import GitError
from updater.model import Identity
from updater.protocols import Kind, Node

_FOLDER = 0o040000
_ENTRIES_AT_MOST = 100_000
"""In folders that were read lately, and in those that wait to be stored: some 30 MB each."""
_LOOSE_AT_MOST = 40


class Objects:
    """The object store of one bare repository."""

    def __init__(self, repository: Path) -> None:
        self._store = DiskObjectStore(str(repository / "objects"))
        self._new: dict[ObjectID, ShaFile] = {}
        self._new_entries = 0
        self._trees: dict[ObjectID, RawTree] = {}
        self._tree_entries = 0

    def close(self) -> None:
        """Gives the pack files back."""
        self._store.close()

    def __contains__(self, commit: str) -> bool:
        return (
            _id(commit) in self._new
            or self._store.contains_loose(_id(commit))
            or self._store.contains_packed(_id(commit))
        )

    def tree(self, commit: str) -> GitTree:
        """The files of a commit. Raises `GitError` if it is not there."""
        return GitTree(self, self._commit(commit).tree)

    def parent(self, commit: str) -> str | None:
        """The first parent of a commit, None for a root."""
        parents = self._commit(commit).parents
        return _text(parents[0]) if parents else None

    def blob(self, oid: ObjectID) -> bytes:
        """The content of a blob."""
        new = self._new.get(oid)
        return new.as_raw_string() if new is not None else self._raw(oid)

    def folder(self, oid: ObjectID) -> RawTree:
        """A tree object, from memory if it was read lately."""
        if oid in self._trees:
            return self._trees[oid]
        new = self._new.get(oid)
        tree = new if isinstance(new, RawTree) else _parse_tree(self._raw(oid))
        if self._tree_entries > _ENTRIES_AT_MOST:
            self._trees.clear()
            self._tree_entries = 0
        self._trees[oid] = tree
        self._tree_entries += len(tree)
        return tree

    def changed_tree(self, commit: str, files: Mapping[str, bytes]) -> str:
        """The id of the tree that `commit` has once `files` (path to new content) replace those that stand there.

        Raises KeyError if one of them does not stand there as a file.
        """
        blobs = {tuple(path.split("/")): self._add(Blob.from_string(content)) for path, content in files.items()}
        return _text(self._replace(self._commit(commit).tree, blobs))

    def commit(
        self, tree: str, parent: str, message: str, author: Identity, committer: Identity, time: datetime
    ) -> str:
        """Builds a commit and gives its id; `flush` stores it."""
        commit = Commit()
        commit.tree = _id(tree)
        commit.parents = [_id(parent)]
        commit.author, commit.committer = _line(author), _line(committer)
        commit.author_time = commit.commit_time = int(time.timestamp())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = message.encode()
        return _text(self._add(commit))

    def flush(self) -> None:
        """Stores what was built. Many objects go into one pack: a file for each would cost more than the push."""
        new = list(self._new.values())
        if len(new) <= _LOOSE_AT_MOST:
            for item in new:
                self._store.add_object(item)
        else:
            self._store.add_objects([(item, None) for item in new])
        self._new.clear()
        self._new_entries = 0

    def _replace(self, tree: ObjectID, blobs: Mapping[tuple[str, ...], ObjectID]) -> ObjectID:
        # All files of a folder at once: each would otherwise leave a tree behind that nobody needs.
        folder = _parse_tree(self.folder(tree).as_raw_string())
        for first, below in _by_first_part(blobs).items():
            name = first.encode()
            mode, child = folder[name]
            if _kind(mode) != ("file" if () in below else "folder"):
                raise KeyError(first)
            folder[name] = (mode, below[()] if () in below else self._replace(child, below))
        return self._add(folder)

    def _add(self, item: ShaFile) -> ObjectID:
        self._new[item.id] = item
        self._new_entries += len(item) if isinstance(item, RawTree) else 0
        if self._new_entries > _ENTRIES_AT_MOST:
            self.flush()
        return item.id

    def _commit(self, commit: str) -> Commit:
        new = self._new.get(_id(commit))
        parsed = new if new is not None else ShaFile.from_raw_string(Commit.type_num, self._raw(_id(commit)))
        assert isinstance(parsed, Commit)
        return parsed

    def _raw(self, oid: ObjectID) -> bytes:
        try:
            return self._store.get_raw(oid)[1]
        except KeyError:
            raise GitError(
                f"object {_text(oid)} is missing in the local mirror",
                hint="delete the state folder; it holds nothing but caches",
            ) from None


class GitTree:
    """The files of a commit, as `protocols.Tree`."""

    def __init__(self, objects: Objects, root: ObjectID) -> None:
        self._objects = objects
        self._root = root

    def node(self, path: str) -> Node | None:
        """See `protocols.Tree`."""
        found = self._find(path)
        if found is None:
            return None
        mode, oid = found
        return Node(_kind(mode), _text(oid), executable=bool(mode & 0o100) and stat.S_ISREG(mode))

    def read(self, path: str) -> bytes:
        """See `protocols.Tree`."""
        found = self._find(path)
        if found is None or _kind(found[0]) not in ("file", "link"):
            raise KeyError(path)
        return self._objects.blob(found[1])

    def names(self, folder: str) -> Sequence[str]:
        """See `protocols.Tree`."""
        found = self._find(folder)
        if found is None or not stat.S_ISDIR(found[0]):
            return ()
        return sorted(name for each in self._objects.folder(found[1]) if (name := _name(each)) is not None)

    def _find(self, path: str) -> tuple[int, ObjectID] | None:
        mode, oid = _FOLDER, self._root
        for part in path.split("/") if path else ():
            if not stat.S_ISDIR(mode):
                return None
            folder = self._objects.folder(oid)
            name = part.encode(errors="surrogatepass")
            if name not in folder:
                return None
            mode, oid = folder[name]
        return mode, oid


def _by_first_part(blobs: Mapping[tuple[str, ...], ObjectID]) -> dict[str, dict[tuple[str, ...], ObjectID]]:
    found: dict[str, dict[tuple[str, ...], ObjectID]] = {}
    for parts, blob in blobs.items():
        found.setdefault(parts[0], {})[parts[1:]] = blob
    return found


def _name(raw: bytes) -> str | None:
    """A name in a folder; None for one that is not UTF-8, which no manifest can refer to."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_ISREG(mode) else "submodule"


def _id(text: str) -> ObjectID:
    return ObjectID(text.encode())


def _text(oid: ObjectID) -> str:
    return oid.decode()


def _line(identity: Identity) -> bytes:
    return f"{identity.name} <{identity.email}>".encode()


def _parse_tree(raw: bytes) -> RawTree:
    tree = ShaFile.from_raw_string(RawTree.type_num, raw)
    assert isinstance(tree, RawTree)
    return tree
