"""Whether two renderings of an overlay differ by exactly the planned bumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from updater.core import references
from updater.core.manifests import Difference, differences
from updater.model import Entry, Version


@dataclass(frozen=True, slots=True)
class PlannedBump:
    """One entry, as it stands, and the other version that it gets."""

    entry: Entry
    to: Version

    def explains(self, difference: Difference) -> bool:
        """Whether a scalar goes from the image that stands in the entry to exactly the planned one."""
        return self._is_from(difference.before) and _version(difference.after, self.entry.image) == self.to

    def _is_from(self, text: str | None) -> bool:
        # An entry without tag and digest leaves to the container what it had.
        standing = _version(text, self.entry.image)
        return standing is not None and self.entry.version in (Version(), standing)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with two renderings, in words, and what else differs in them besides the planned images."""

    refusals: tuple[str, ...]
    others: tuple[Difference, ...]


def judge(before: bytes, after: bytes, bumps: Sequence[PlannedBump]) -> Verdict:
    """Compares the renderings before and after `bumps`.

    Every image that differs must go from what an entry stands at to what is planned for it, and every bump must
    reach a container. Other differences (a label that copies the tag, a hash in a name) are told, not refused.
    Raises `RenderError` for a rendering that cannot be read.
    """
    found = differences(before, after)
    unplanned = [each for each in found if not any(bump.explains(each) for bump in bumps)]
    idle = [bump.entry for bump in bumps if not any(bump.explains(each) for each in found)]
    refusals = [f"{each}, which is not planned" for each in unplanned if each.is_image]
    refusals += [f"the entry {entry.name} (line {entry.line}) matches no container" for entry in idle]
    return Verdict(tuple(refusals), tuple(each for each in unplanned if not each.is_image))


def _version(text: str | None, image: str | None) -> Version | None:
    """The version in a reference to `image`, exactly as it is written; None if the text is none."""
    if text is None:
        return None
    name, _, digest = text.partition("@")
    repository, tag = references.split_tag(name)
    named = references.normalise(repository)
    return Version(tag, digest or None) if named is not None and named == image else None
