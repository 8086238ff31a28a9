"""Verification: a bump changes what is deployed by exactly the planned images, or it is refused.

Kustomize is a large program beside this small edit, so what was found is remembered: not for these
versions but for their shape, once two unlike sentinels in the place of the versions have shown that nothing
in the overlay depends on them. From then on a bump of that shape costs a hash and no rendering.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from updater.core.closure import Closure, reach
from updater.core.inputs import HINT, references
from updater.core.overlaid import Overlaid
from updater.core.rendering import PlannedBump, Verdict, judge
from updater.core.shapes import DIGEST, TAG, Place, Shape, sentinels, shape
from updater.errors import Location, RenderError
from updater.model import Version
from updater.protocols import Memo, Renderer, Tree

FORMAT = "1"
"""Part of every key: another number forgets everything. To be raised when a check here becomes stricter."""

MAX_BYTES = 64 * 1024 * 1024
# Selects by an image's text: `[image=…]` in a field path, a JSON patch's `test`, a merge key of a custom schema, or a
# regular expression as the name of an image, which kustomize compares with all of it, tag and digest included.
_COMPARES = re.compile(
    rb"\bimage=|\bop[\"']?\s*:\s*[\"']?test|patch-merge-key[\"']?\s*:\s*[\"']?image"
    rb"|\bname[\"']?\s*:\s*[\"']?[^\s\"'#]*[\\*+?|^$()\[]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PlannedEdit:
    """A kustomization before and after some bumps."""

    path: str
    before: bytes
    after: bytes
    bumps: tuple[PlannedBump, ...]

    @property
    def folder(self) -> str:
        """The overlay."""
        return self.path.rpartition("/")[0]


def verify(tree: Tree, edit: PlannedEdit, renderer: Renderer, memo: Memo) -> None:
    """Raises `RenderError` unless `edit` changes the rendered images by exactly its bumps.

    `tree` holds everything else that the overlay reaches; what stands in it at `edit.path` does not count.
    """
    planned = _values(edit.bumps)
    closure = _closure(tree, edit)
    new = shape(edit.path, edit.after, planned)
    if new is None:
        _judge(_scene(tree, closure, edit, renderer))
        return
    key = _key(closure, edit.path, new, renderer)
    known = key in memo
    if known and new.filled(planned) == edit.after and new == shape(edit.path, edit.before, planned):
        return
    scene = _scene(tree, closure, edit, renderer)
    verdict = _judge(scene)
    if not known and not verdict.others and _holds_for_all_versions(scene, new):
        memo.add(key)


def prove(tree: Tree, edit: PlannedEdit, renderer: Renderer) -> None:
    """The same for this one edit, with nothing remembered."""
    _judge(_scene(tree, _closure(tree, edit), edit, renderer))


def renderings(tree: Tree, files: Mapping[str, bytes], overlay: str, renderer: Renderer) -> tuple[bytes, bytes]:
    """An overlay rendered as it stands in `tree`, and with `files` (by path) in the place of those that it has there.

    For showing: nothing is judged, and the files may change anything. Raises `RenderError`, or `EditRefused` for a
    kustomization that cannot be read, where one of both cannot be rendered confined.
    """
    return _rendered(tree, overlay, renderer), _rendered(Overlaid(tree, files), overlay, renderer)


def _rendered(tree: Tree, overlay: str, renderer: Renderer) -> bytes:
    at = Location(overlay)
    files, links = _contents(tree, reach(tree, overlay), at)
    return _render(renderer, files, links, overlay, at)


def _render(
    renderer: Renderer, files: Mapping[str, bytes], links: Mapping[str, str], folder: str, at: Location
) -> bytes:
    try:
        return renderer.render(files, links, folder)
    except RenderError as error:
        raise RenderError(error.message, at=at, hint=error.hint) from error


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that the renderings of one edit have in common."""

    edit: PlannedEdit
    files: Mapping[str, bytes]
    links: Mapping[str, str]
    renderer: Renderer

    def render(self, content: bytes) -> bytes:
        files = {**self.files, self.edit.path: content}
        return _render(self.renderer, files, self.links, self.edit.folder, Location(self.edit.path))


def _scene(tree: Tree, closure: Closure, edit: PlannedEdit, renderer: Renderer) -> _Scene:
    after = Overlaid(tree, {edit.path: edit.after})
    return _Scene(edit, *_contents(after, closure, Location(edit.path)), renderer)


def _judge(scene: _Scene) -> Verdict:
    edit = scene.edit
    verdict = judge(scene.render(edit.before), scene.render(edit.after), edit.bumps)
    if verdict.refusals:
        at = Location(edit.path, edit.bumps[0].entry.line if edit.bumps else None)
        raise RenderError("; ".join(verdict.refusals[:3]), at=at, hint=HINT)
    return verdict


def _closure(tree: Tree, edit: PlannedEdit) -> Closure:
    """What the overlay reaches after the edit; a bump cannot change that, so before it reaches the same."""
    closure = reach(Overlaid(tree, {edit.path: edit.after}), edit.folder)
    if edit.path not in closure:
        raise RenderError("kustomize does not read this file", at=Location(edit.path))
    before, after = (
        [(each.role, each.path) for each in references(edit.path, content)] for content in (edit.before, edit.after)
    )
    if before != after:
        raise RenderError("the edit changes which files the overlay needs", at=Location(edit.path))
    return closure


def _key(closure: Closure, path: str, new: Shape, renderer: Renderer) -> str:
    others = sorted((each, node.kind, node.executable, node.id) for each, node in closure.items() if each != path)
    return hashlib.sha256(repr((FORMAT, renderer.version, path, new, others)).encode()).hexdigest()


def _contents(tree: Tree, closure: Closure, at: Location) -> tuple[dict[str, bytes], dict[str, str]]:
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    size = 0
    for path, node in closure.items():
        content = tree.read(path)
        size += len(content)
        if size > MAX_BYTES:
            raise RenderError(f"needs files of more than {MAX_BYTES} bytes", at=at, hint=HINT)
        if node.kind == "link":
            links[path] = content.decode()
        else:
            files[path] = content
    return files, links


def _values(bumps: Sequence[PlannedBump]) -> dict[Place, str]:
    """What the bumps write, and where."""
    return {
        (bump.entry.list, bump.entry.index, key): value
        for bump in bumps
        for key, value in ((TAG, bump.to.tag), (DIGEST, bump.to.digest))
        if value is not None
    }


def _holds_for_all_versions(scene: _Scene, new: Shape) -> bool:
    """Whether from one sentinel to another nothing but the planned images changes, and nothing compares images."""
    if any(_COMPARES.search(content) for content in scene.files.values()):
        return False
    places = [hole.place for hole in new.holes]
    one, other = (sentinels(places, side) for side in (0, 1))
    bumps = [_between(bump, one, other) for bump in scene.edit.bumps]
    try:
        verdict = judge(scene.render(new.filled(one)), scene.render(new.filled(other)), bumps)
    except RenderError:
        return False
    return not verdict.refusals and not verdict.others


def _between(bump: PlannedBump, one: Mapping[Place, str], other: Mapping[Place, str]) -> PlannedBump:
    entry = bump.entry
    tag, digest = (entry.list, entry.index, TAG), (entry.list, entry.index, DIGEST)
    standing, planned = (Version(values.get(tag), values.get(digest)) for values in (one, other))
    return PlannedBump(replace(entry, version=standing), planned)
