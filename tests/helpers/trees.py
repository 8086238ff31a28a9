"""A `protocols.Tree` out of a dictionary, with the object ids that git gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from updater.protocols import Kind, Node


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Submodule:
    """A commit of another repository."""


File = bytes | str | Link | Submodule


class MemoryTree:
    """The files of a commit, from path to content, with the object ids that git gives them."""

    def __init__(self, files: Mapping[str, File]) -> None:
        self._files = dict(files)

    def node(self, path: str) -> Node | None:
        if path in self._files:
            return Node(_kind(self._files[path]), _blob_id(_content(self._files[path])))
        inside = {each: file for each, file in self._files.items() if not path or each.startswith(f"{path}/")}
        return Node("folder", _blob_id(repr(sorted(inside.items())).encode())) if inside or not path else None

    def read(self, path: str) -> bytes:
        if isinstance(self._files[path], Submodule):
            raise KeyError(path)
        return _content(self._files[path])

    def names(self, folder: str) -> Sequence[str]:
        prefix = f"{folder}/" if folder else ""
        return sorted({path[len(prefix) :].split("/")[0] for path in self._files if path.startswith(prefix)})


def _kind(file: File) -> Kind:
    return "link" if isinstance(file, Link) else "submodule" if isinstance(file, Submodule) else "file"


def _content(file: File) -> bytes:
    if isinstance(file, Link):
        return file.target.encode()
    return b"" if isinstance(file, Submodule) else file.encode() if isinstance(file, str) else file


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
