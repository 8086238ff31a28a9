"""git tree objects as they are stored: entries of `mode SP name NUL` and twenty bytes of id, one after the other.

A folder of many entries is neither taken apart nor put together again for one of them: looking up costs a
search, changing an id leaves every other byte where it is (gitformat-pack(5) for the deltas that come of it).
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping

ID_BYTES = 20

_ENTRY = rb"[0-7]{1,6}+ [^\0]++\0.{20}"
_ENTRIES = re.compile(rb"(?:%b)*+" % _ENTRY, re.DOTALL)
_PARTS = re.compile(rb"([0-7]{1,6}+) ([^\0]++)\0(.{20})", re.DOTALL)
_NAMES = re.compile(rb"[0-7]{1,6}+ ([^\0]++)\0.{20}", re.DOTALL)
_MODE = re.compile(rb"[0-7]{1,6}")


def is_whole(tree: bytes) -> bool:
    """Whether all of it is entries."""
    return _ENTRIES.fullmatch(tree) is not None


def names(tree: bytes) -> list[bytes]:
    """The names of all entries, in the tree's own order."""
    return _NAMES.findall(tree)


def find(tree: bytes, name: bytes) -> tuple[int, int] | None:
    """Mode, and where the id stands, of the first entry with a name; None if there is no such entry.

    Ids and names may hold any bytes, those that look like this entry as well, so what is found counts only
    where an entry begins. That is walked up to, once, whatever a tree was made to look like.
    """
    begin, wanted = 0, b" " + name + b"\0"
    at = tree.find(wanted)
    while at >= 0:
        walked = _ENTRIES.match(tree, begin, at)
        assert walked is not None
        begin = walked.end()
        mode = _MODE.fullmatch(tree, begin, at)
        if mode is not None:
            return int(mode[0], 8), at + len(wanted)
        at = tree.find(wanted, at + 1)
    return None


def entries(tree: bytes) -> dict[bytes, tuple[int, str]]:
    """Mode and id of every entry by its name, the first one where a name is there twice."""
    found: dict[bytes, tuple[int, str]] = {}
    for mode, name, oid in _PARTS.findall(tree):
        found.setdefault(name, (int(mode, 8), oid.hex()))
    return found


def entry_id(tree: bytes, at: int) -> str:
    """The id that stands at a place."""
    return tree[at : at + ID_BYTES].hex()


def spliced(tree: bytes, ids: Mapping[int, bytes]) -> bytes:
    """The tree with other ids at these places."""
    changed = bytearray(tree)
    for at, oid in ids.items():
        changed[at : at + ID_BYTES] = oid
    return bytes(changed)


def of_files(blobs: Mapping[str, str]) -> bytes:
    """A tree of plain files: name to the id of its blob. Raises ValueError for a name that no tree may have."""
    for name in blobs:
        if not _may_be(name):
            raise ValueError(f"{name!r} is no name for a file in git")
    entries = sorted((name.encode(), bytes.fromhex(oid)) for name, oid in blobs.items())
    return b"".join(b"100644 %b\0%b" % entry for entry in entries)


def files(tree: bytes) -> dict[str, str]:
    """The plain files of a tree, name to the id of the blob, without those whose name `of_files` would not take."""
    found = {}
    for raw, (mode, oid) in entries(tree).items():
        name = raw.decode(errors="replace")
        if stat.S_ISREG(mode) and name.encode() == raw and _may_be(name):
            found[name] = oid
    return found


def _may_be(name: str) -> bool:
    return name not in ("", ".", "..") and name.casefold() != ".git" and "/" not in name and "\0" not in name
