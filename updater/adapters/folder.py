"""A folder on disk, as `protocols.Tree`."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from updater.core.overlaid import blob_id
from updater.protocols import Kind, Node

_LEFT_OUT = frozenset({".git"})
_NO_NAMES = frozenset({"", ".", "..", *_LEFT_OUT})


class FolderTree:
    """The files of a folder as they are now, committed or not. Object ids are those that git would give."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def node(self, path: str) -> Node | None:
        """See `protocols.Tree`."""
        place = self._place(path)
        kind = None if place is None else _kind(place)
        if place is None or kind is None:
            return None
        if kind == "folder":
            return Node(kind, "")
        content = _content(place)
        return Node(kind, blob_id(content), executable=kind == "file" and bool(place.stat().st_mode & 0o100))

    def read(self, path: str) -> bytes:
        """See `protocols.Tree`."""
        place = self._place(path)
        if place is None or _kind(place) not in ("file", "link"):
            raise KeyError(path)
        return _content(place)

    def names(self, folder: str) -> Sequence[str]:
        """See `protocols.Tree`."""
        place = self._place(folder)
        if place is None or _kind(place) != "folder":
            return ()
        return sorted(child.name for child in place.iterdir() if child.name not in _LEFT_OUT and _is_text(child.name))

    def _place(self, path: str) -> Path | None:
        """Where a path is on disk; None if it would lead out of the folder, into git's own files or through a link."""
        parts = path.split("/") if path else []
        if _NO_NAMES.intersection(parts) or not _is_text(path):
            return None
        folders = (self._root.joinpath(*parts[:depth]) for depth in range(1, len(parts)))
        return None if any(folder.is_symlink() for folder in folders) else self._root.joinpath(*parts)


def _is_text(path: str) -> bool:
    """Whether a path is UTF-8: Python shows other bytes as surrogates, and no manifest can refer to them."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _content(place: Path) -> bytes:
    return str(place.readlink()).encode() if place.is_symlink() else place.read_bytes()


def _kind(place: Path) -> Kind | None:
    try:
        mode = place.lstat().st_mode
    except (OSError, ValueError):  # nothing there, or no name that could be there
        return None
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else None
