"""The editor against kustomizations of real projects: the corpus folder, where there is one.

Three sets: hard cases with their expected bytes, bumps that people and bots committed, and whole files.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from updater.core.edit import EntryEdit, bump
from updater.core.kustomization import LISTS, entries, mentioned_images, read
from updater.errors import EditRefused
from updater.model import Version

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
DIGEST = "sha256:" + "0123456789abcdef" * 4

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="there is no corpus folder beside the project")


def cases(name: str, **wanted: str) -> list[Any]:
    path = CORPUS / f"{name}.json"
    listed = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return [case for case in listed if all(case[key] == value for key, value in wanted.items())]


NASTY = cases("nasty", kind="kustomization-images")
BUMPS = cases("bumps")
FILES = cases("files", kind="kustomization")


def edits_of(before: bytes, name: str, to: Version) -> list[EntryEdit]:
    found = [entry for entry in entries("k.yaml", before) if entry.name == name]
    return [EntryEdit(entry.list, entry.index, to) for entry in found]


@pytest.mark.parametrize("case", [case for case in NASTY if case["after"]], ids=lambda case: f"{case['id']}")
def test_a_hard_case_is_edited_byte_for_byte(case: Any) -> None:
    before = (CORPUS / case["before"]).read_bytes()
    edits = edits_of(before, case["image"], Version(case["new_tag"], case["digest"]))
    assert bump("k.yaml", before, edits) == (CORPUS / case["after"]).read_bytes()


@pytest.mark.parametrize("case", [case for case in NASTY if not case["after"]], ids=lambda case: f"{case['id']}")
def test_a_hard_case_that_has_no_safe_edit_is_refused(case: Any) -> None:
    before = (CORPUS / case["before"]).read_bytes()
    with pytest.raises(EditRefused) as refused:
        bump("k.yaml", before, edits_of(before, case["image"], Version(case["new_tag"], case["digest"])))
    assert refused.value.at is not None
    assert refused.value.at.line is not None


def test_bumps_that_people_committed_come_out_as_they_did_them() -> None:
    assert Counter(map(kind_of_bump, BUMPS)) == {
        "equal bytes": 79,
        "equal, and they changed other lines, too": 28,
        "the same versions, written otherwise": 4,
        "they took a digest or a tag away": 8,
        "a template, not YAML": 1,
    }


def kind_of_bump(case: Any) -> str:
    before, after = ((CORPUS / case[side]).read_bytes() for side in ("before", "after"))
    try:
        old, new = entries("k.yaml", before), entries("k.yaml", after)
    except EditRefused:
        return "a template, not YAML"
    if [(entry.list, entry.name) for entry in old] != [(entry.list, entry.name) for entry in new]:
        return "they changed the list"
    changed = [(was, now.version) for was, now in zip(old, new, strict=True) if was.version != now.version]
    if any((was.version.digest and not now.digest) or (was.version.tag and not now.tag) for was, now in changed):
        return "they took a digest or a tag away"
    if not changed:
        return "the same versions, written otherwise"
    edited = bump("k.yaml", before, [EntryEdit(was.list, was.index, to) for was, to in changed])
    assert [entry.version for entry in entries("k.yaml", edited)] == [entry.version for entry in new]
    ours, theirs = (changed_lines(before, text) for text in (edited, after))
    if ours == theirs:
        return "equal bytes"
    if set(ours) < set(theirs) and all(theirs[number] == line for number, line in ours.items()):
        return "equal, and they changed other lines, too"
    return "the values are equal, the quotes are not"


def changed_lines(before: bytes, after: bytes) -> dict[int, bytes]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if len(old) != len(new):
        return {-1: after}
    return {number: line for number, (was, line) in enumerate(zip(old, new, strict=True)) if was != line}


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["file"])
def test_each_value_of_a_real_file_can_be_bumped_alone(case: Any) -> None:
    content = (CORPUS / case["file"]).read_bytes()
    for entry in entries("k.yaml", content):
        for to in alternatives(entry.version):
            edited = bump("k.yaml", content, [EntryEdit(entry.list, entry.index, to)])
            old = [text for text in (entry.version.tag, entry.version.digest) if text]
            assert only_replaced(content, edited, old, [to.tag, to.digest])


def alternatives(version: Version) -> list[Version]:
    digest = DIGEST if version.digest else None
    tags = ["v9.9.9", "1.10"] if version.tag else [None]
    return [Version(tag, digest) for tag in tags if tag or digest]


def only_replaced(before: bytes, after: bytes, old: list[str], new: list[str | None]) -> bool:
    """Whether each line that differs is the old one with an old text replaced in one place, perhaps quoted."""
    lines = before.splitlines(keepends=True)
    changed = changed_lines(before, after)
    return bool(changed) and all(
        any(
            line in replacements(lines[number], quoted(text, quote), quoted(value, other))
            for text in old
            for value in filter(None, new)
            for quote, other in (("", ""), ("", '"'), ('"', '"'), ("'", "'"))
        )
        for number, line in changed.items()
    )


def quoted(text: str, quote: str) -> bytes:
    return f"{quote}{text}{quote}".encode()


def replacements(line: bytes, old: bytes, new: bytes) -> set[bytes]:
    starts = (place for place in range(len(line)) if line.startswith(old, place))
    return {line[:place] + new + line[place + len(old) :] for place in starts}


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["file"])
def test_the_entries_of_a_real_file_are_read_as_written(case: Any) -> None:
    content = (CORPUS / case["file"]).read_bytes()
    file = read("k.yaml", content)
    found = [fields for name in LISTS for item in file.items(name) if (fields := file.fields(item))]
    expected = [
        {key: item[key] for key in ("name", "newName", "newTag", "digest") if item.get(key)}
        for item in case["images"] or ()
    ]
    assert found == expected


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: path.name)
def test_the_scan_of_a_real_file_misses_no_image(path: Path) -> None:
    content = path.read_bytes()
    try:
        followed = {entry.image for entry in entries("k.yaml", content)} - {None}
    except EditRefused:
        followed = set()
    assert mentioned_images(content) >= followed
