"""Which files mention an image, and since when an entry stands: answers that cost what changed, not the repository.

A branch is scanned once (bytes, not YAML); after that only the files that differ between the known tip
and the wanted one are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from updater.adapters import reading
from updater.adapters.cache import Cache
from updater.adapters.mirror import Mirror
from updater.core import history
from updater.core.kustomization import FILE_NAMES, mentioned_images
from updater.model import Entry, Standing, Version
from updater.protocols import Update

_NAMES = frozenset(FILE_NAMES)


class Catalog:
    """Questions about the overlays of one repository."""

    def __init__(self, mirror: Mirror, cache: Cache) -> None:
        self._mirror = mirror
        self._cache = cache

    def paths(self, branch: str, tip: str, image: str) -> tuple[str, ...]:
        """The kustomization files that mention an image at `tip`, the wanted commit of `branch`; sorted."""
        while (found := self._cache.paths(branch, tip, image)) is None:
            self._bring_to(branch, tip)
        return found

    def all_paths(self, branch: str, tip: str) -> tuple[str, ...]:
        """The kustomization files that mention any image at `tip`; sorted."""
        while (found := self._cache.all_paths(branch, tip)) is None:
            self._bring_to(branch, tip)
        return found

    def standing(self, branch: str, tip: str, entry: Entry) -> Standing | None:
        """How the version that stands in an entry at `tip` got there; see `core.history`."""
        self._bring_to(branch, tip)
        known = self._cache.standing(branch, tip, entry.path, *_place(entry))
        if known is not None:
            return known
        found = history.standing(entry, self._steps(tip, entry.path))
        if found is not None:
            self._cache.remember_standing(branch, tip, entry.path, *_place(entry), found)
        return found

    def stood(self, tip: str, entry: Entry, version: Version) -> Standing | None:
        """How another version last got into an entry, if it ever stood there before `tip`; see `core.history`."""
        return history.stood(entry, version, self._steps(tip, entry.path))

    def landed(self, update: Update, files: Mapping[str, bytes], standing: Sequence[tuple[Entry, Standing]]) -> None:
        """Notes what our own push changed, so that nobody has to be asked; see `protocols.Catalog`."""
        mentions = {path: mentioned_images(content) for path, content in files.items()}
        if self._cache.advance(update.branch, update.old, update.new, mentions, frozenset(files)):
            for entry, how in standing:
                place = _place(entry)
                self._cache.remember_standing(update.branch, update.new, entry.path, *place, how)

    def _bring_to(self, branch: str, tip: str) -> None:
        """One try to make `tip` the known one; another process may want another and be faster."""
        known = self._cache.tip(branch)
        if known is None or known not in self._mirror.objects:
            self._cache.replace(branch, tip, list(self._scan(tip)))
        elif known != tip:
            changes = reading.changes(self._mirror.git, known, tip)
            self._cache.advance(branch, known, tip, self._mentions(changes), self._touched(known, tip, changes))

    def _scan(self, tip: str) -> Iterator[tuple[str, str]]:
        files = reading.files(self._mirror.git, tip, _NAMES)
        contents = reading.contents(self._mirror.git, [blob for _, blob in files])
        for (path, _), content in zip(files, contents, strict=True):
            for image in mentioned_images(content):
                yield path, image

    def _mentions(self, changes: Sequence[reading.Change]) -> dict[str, frozenset[str]]:
        hits = [(path, blob) for path, blob in changes if path.rpartition("/")[2] in _NAMES]
        contents = reading.contents(self._mirror.git, [blob for _, blob in hits if blob is not None])
        return {path: frozenset() if blob is None else mentioned_images(next(contents)) for path, blob in hits}

    def _touched(self, old: str, new: str, changes: Sequence[reading.Change]) -> frozenset[str] | None:
        if self._mirror.objects.parent(new) == old:
            return frozenset(path for path, _ in changes)
        return reading.touched(self._mirror.git, old, new)

    def _steps(self, tip: str, path: str) -> Iterator[history.Step]:
        for commit in reading.log(self._mirror.git, tip, path):
            yield history.Step(commit.sha, commit.message, commit.time, self._before(commit.sha, path))

    def _before(self, commit: str, path: str) -> bytes | None:
        parent = self._mirror.objects.parent(commit)
        if parent is None:
            return None
        tree = self._mirror.tree(parent)
        node = tree.node(path)
        return tree.read(path) if node is not None and node.kind == "file" else None


def _place(entry: Entry) -> tuple[str, str]:
    """What the cache knows an entry and its version by, within its file."""
    return f"{entry.list}[{entry.index}]", str(entry.version)
