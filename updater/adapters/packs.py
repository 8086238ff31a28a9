"""Storing git objects: one in a file, or many in a pack (gitformat-pack(5)).

In a pack most trees are what was changed in another. That is known when a tree is made, so nobody has to search
for it: not here, and not where git packs the same objects for the remote and takes these deltas over.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from updater.adapters.raw_trees import ID_BYTES

TYPES = {1: b"commit", 2: b"tree", 3: b"blob"}
_OFFSET_DELTA = 6
_FAST = 1
_LONGEST_COPY = 0xFFFF
_READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class Whole:
    """An object by its type's number (see `TYPES`) and content."""

    kind: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Spliced:
    """A tree of `size` bytes that differs from the tree `base`, of the same size, by the ids at some places.

    `depth` counts it and those that it is built upon in turn, down to a whole one.
    """

    base: str
    size: int
    ids: Mapping[int, bytes]
    depth: int


def headed(item: Whole) -> bytes:
    """An object as it is hashed for its id, and stored when it is alone."""
    return b"%b %d\0%b" % (TYPES[item.kind], len(item.content), item.content)


def write_loose(folder: Path, oid: str, item: Whole) -> None:
    """Stores one object below `folder`, the `objects` of a repository. One that is there is made young again, since
    git clears away what is old and not in use yet.
    """
    place = folder / oid[:2] / oid[2:]
    try:
        os.utime(place)
    except FileNotFoundError:
        with _file(folder, "tmp_obj_") as file:
            file.write(zlib.compress(headed(item), _FAST))
            file.close()
            Path(file.name).chmod(_READ_ONLY)
            place.parent.mkdir(exist_ok=True)
            Path(file.name).rename(place)


def read_loose(folder: Path, oid: str) -> tuple[int, bytes] | None:
    """Type's number and content of an object that has a file of its own; None if it has none, or a damaged one."""
    try:
        stored = zlib.decompress((folder / oid[:2] / oid[2:]).read_bytes())
    except (FileNotFoundError, zlib.error):
        return None
    header, nul, content = stored.partition(b"\0")
    kind, _, size = header.partition(b" ")
    numbers = [number for number, name in TYPES.items() if name == kind]
    is_whole = nul and size == b"%d" % len(content)
    return (numbers[0], content) if numbers and is_whole else None


def write(folder: Path, objects: Mapping[str, Whole | Spliced]) -> None:
    """Stores objects (by id; the base of each comes before it) as a pack and its index in `folder`."""
    with _file(folder, "tmp_pack_") as pack, _file(folder, "tmp_idx_") as index:
        places, checksum = _write_pack(pack, objects)
        _write_index(index, places, checksum)
        name = folder / f"pack-{checksum.hex()}"
        for file in (pack, index):
            file.close()
            Path(file.name).chmod(_READ_ONLY)
        # The index makes the pack visible to git, so it comes last.
        Path(pack.name).rename(name.with_suffix(".pack"))
        Path(index.name).rename(name.with_suffix(".idx"))


@contextmanager
def _file(folder: Path, prefix: str) -> Iterator[IO[bytes]]:
    """A new file under a name of which git clears away what was left behind; removed if the block breaks off."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _write_pack(pack: IO[bytes], objects: Mapping[str, Whole | Spliced]) -> tuple[dict[str, tuple[int, int]], bytes]:
    """Writes the pack; gives each object's offset and CRC-32, and the pack's checksum."""
    header = b"PACK" + struct.pack(">II", 2, len(objects))
    checksum, offset = hashlib.sha1(header, usedforsecurity=False), pack.write(header)
    places: dict[str, tuple[int, int]] = {}
    for oid, item in objects.items():
        record = _whole(item) if isinstance(item, Whole) else _delta(item, offset - places[item.base][0])
        places[oid] = offset, zlib.crc32(record)
        checksum.update(record)
        offset += pack.write(record)
    pack.write(checksum.digest())
    return places, checksum.digest()


def _write_index(index: IO[bytes], places: Mapping[str, tuple[int, int]], checksum: bytes) -> None:
    entries = sorted((bytes.fromhex(oid), *place) for oid, place in places.items())
    firsts = [0] * 256
    for oid, _, _ in entries:
        firsts[oid[0]] += 1
    counts = [sum(firsts[: byte + 1]) for byte in range(256)]
    content = b"\xfftOc" + struct.pack(">I256I", 2, *counts) + b"".join(oid for oid, _, _ in entries)
    content += _numbers([crc for _, _, crc in entries]) + _numbers([offset for _, offset, _ in entries]) + checksum
    index.write(content + hashlib.sha1(content, usedforsecurity=False).digest())


def _numbers(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _whole(item: Whole) -> bytes:
    return _header(item.kind, len(item.content)) + zlib.compress(item.content, _FAST)


def _delta(item: Spliced, distance: int) -> bytes:
    instructions = bytearray(_size(item.size) * 2)
    done = 0
    for at, oid in sorted(item.ids.items()):
        instructions += b"".join((_copied(done, at), bytes([ID_BYTES]), oid))
        done = at + ID_BYTES
    instructions += _copied(done, item.size)
    return _header(_OFFSET_DELTA, len(instructions)) + _distance(distance) + zlib.compress(instructions, _FAST)


def _copied(begin: int, end: int) -> bytes:
    """Instructions to copy this part of the base."""
    steps = range(begin, end, _LONGEST_COPY)
    return b"".join(struct.pack("<BIH", 0xBF, at, min(_LONGEST_COPY, end - at)) for at in steps)


def _header(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 0xF
    return bytes([first]) if size < 0x10 else bytes([first | 0x80]) + _size(size >> 4)


def _size(size: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    encoded = bytearray()
    while size > 0x7F:
        encoded.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*encoded, size])


def _distance(distance: int) -> bytes:
    """Seven bits a byte, the highest first, and one less for each that follows."""
    encoded = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        encoded.append(distance & 0x7F | 0x80)
    return bytes(reversed(encoded))
