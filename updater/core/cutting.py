"""What of a text fits into so many characters: its end is left out, and what is left out is counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from updater.core.markdown import fence, folded
from updater.core.resource_diff import ResourceDiff

BETWEEN = "\n\n"
"""What stands between two parts of a text."""
SHOWN_OVERLAYS = 5


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines below a head. When there are too many, the last ones are left out and counted as `what`."""

    head: str
    items: tuple[str, ...]
    what: str

    @property
    def whole(self) -> str:
        return self.head + "\n".join(self.items)

    def cut(self, room: int) -> str:
        """As much of it as fits into so many characters."""
        if len(self.whole) <= room:
            return self.whole
        room -= len(self.head) + len(self._note(len(self.items)))
        kept = _fitting(self.items, room, len("\n"))
        note = self._note(len(self.items) - kept)
        return self.head + "\n".join(self.items[:kept]) + note if room >= 0 else ""

    def _note(self, left: int) -> str:
        return f"{BETWEEN}Left out here: {counted(left, self.what)}."


def fitted(sections: Sequence[Section], room: int) -> list[str]:
    """Each section as far as it fits: it gets what the later ones leave, and at least half of the room."""
    texts: list[str] = []
    for index, section in enumerate(sections):
        later = sum(len(BETWEEN) + len(each.whole) for each in sections[index + 1 :])
        texts.append(section.cut(max(room - later, room // 2)))
        room -= len(texts[-1]) + len(BETWEEN)
    return texts


def fitted_diffs(diffs: Sequence[ResourceDiff], room: int) -> str:
    """Each diff folded, whole ones if at all: the first is cut where not even that one fits."""
    head = f"**Rendered diff**{BETWEEN}"
    blocks = list(map(_block, diffs))
    whole = BETWEEN.join(blocks)
    if not diffs or len(head) + len(whole) <= room:
        return head + whole if diffs else ""
    lines = sum(len(diff.lines) for diff in diffs)
    room -= len(head) + len(BETWEEN) + len(_left_out(diffs, lines))
    kept = _fitting(blocks, room, len(BETWEEN))
    shown = _fitting(diffs[0].lines, room - _around(diffs[0]), len("\n")) if not kept else 0
    if shown:
        blocks, kept = [_block(diffs[0], shown)], 1
    lines -= shown or sum(len(diff.lines) for diff in diffs[:kept])
    fits = room + len(BETWEEN) >= 0
    return head + BETWEEN.join((*blocks[:kept], _left_out(diffs[kept:], lines))) if fits else ""


def _block(diff: ResourceDiff, lines: int | None = None) -> str:
    where = ", ".join(diff.overlays[:SHOWN_OVERLAYS])
    more = len(diff.overlays) - SHOWN_OVERLAYS
    others = f" and {counted(more, 'more overlay')}" if more > 0 else ""
    return folded(f"{diff.resource} is {diff.change} in {where}{others}", fence("\n".join(diff.lines[:lines]), "diff"))


def _around(diff: ResourceDiff) -> int:
    """How many characters its block has besides its lines; around fewer of them it has no more."""
    return len(_block(diff)) - len("\n".join(diff.lines))


def _left_out(diffs: Sequence[ResourceDiff], lines: int) -> str:
    """`diffs` are those of which nothing is shown."""
    overlays = {overlay for diff in diffs for overlay in diff.overlays}
    where = f"{counted(len(diffs), 'resource')} in {counted(len(overlays), 'overlay')}, " if diffs else ""
    return f"Left out here: {where}{counted(lines, 'line')}."


def _fitting(texts: Iterable[str], room: int, between: int) -> int:
    """How many of them fit one after another into so many characters."""
    return sum(1 for _ in takewhile(lambda used: used <= room, accumulate(len(text) + between for text in texts)))


def counted(number: int, what: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
