"""Places in a YAML text: whole lines, and what stands between the commas of a flow collection.

Nothing here knows what the text says; whoever splices reads the result again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_BOM = "\ufeff"
_BLANKS = " \t\r\n\x85\u2028\u2029"
_OWN_LINE = re.compile(r"(?:\r\n|\n|\r)[ \t]*\Z")
_REST_OF_LINE = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?(?=[\r\n])")
_COMMA = re.compile(r"(?:\s|#[^\r\n]*(?=[\r\n]))*(,)[ \t]*")


@dataclass(frozen=True, slots=True)
class Splice:
    """`text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str = ""


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """`text` with the splices made; those at the same place come in the order given, before one that takes it out."""
    parts, done = [], 0
    for splice in sorted(splices, key=lambda splice: (splice.start, splice.end)):
        parts += [text[done : splice.start], splice.text]
        done = splice.end
    return "".join([*parts, text[done:]])


def line_start(text: str, place: int) -> int:
    """Where the line of a place starts, behind a byte order mark."""
    breaks = list(BREAK.finditer(text, 0, place))
    return breaks[-1].end() if breaks else int(text.startswith(_BOM))


def line_end(text: str, place: int) -> int:
    """Where the line of a place ends, before its line break."""
    ending = BREAK.search(text, place)
    return ending.start() if ending else len(text)


def column(text: str, place: int) -> int:
    """How many characters stand before a place in its line."""
    return place - line_start(text, place)


def visible_end(text: str, place: int) -> int:
    """Where the last visible character before a place ends."""
    return len(text[:place].rstrip(_BLANKS))


def lines_added(text: str, place: int, lines: Iterable[str]) -> Splice:
    """The splice that puts lines below that of a place. They end like it; a missing last line break stays missing."""
    ending = BREAK.search(text, place)
    before = [ending] if ending else list(BREAK.finditer(text, 0, place))
    newline = before[-1][0] if before else "\n"
    end = line_end(text, place)
    return Splice(end, end, "".join(f"{newline}{line}" for line in lines))


def lines_removed(text: str, start: int, end: int) -> Splice:
    """The splice that takes out the lines from that of `start` to that of `end`, whatever else is on them."""
    ending = BREAK.search(text, end)
    if ending:
        return Splice(line_start(text, start), ending.end())
    breaks = list(BREAK.finditer(text, 0, start))
    return Splice(breaks[-1].start() if breaks else line_start(text, start), len(text))


def flow_added(text: str, start: int, end: int, members: Iterable[str], *, tight: bool) -> tuple[Splice, ...]:
    """The splices that put members behind that from `start` to `end`; below it if it begins its line."""
    own_line = _OWN_LINE.search(text[:start])
    rest = _REST_OF_LINE.match(text, end)
    if own_line and rest:
        lines = ",".join(f"{own_line[0]}{member}" for member in members)
        return Splice(end, end, "" if rest[1] else ","), Splice(rest.end(), rest.end(), lines + rest[1])
    comma = "," + (own_line[0] if own_line else "" if tight else " ")
    return (Splice(end, end, "".join(f"{comma}{member}" for member in members)),)


def flow_removed(text: str, start: int, end: int, before: int | None) -> tuple[Splice, ...]:
    """The splices that take out the member from `start` to `end` with one comma; `before` is where its elder ends.

    What has its lines for itself goes with them and the comment on the last.
    """
    own_line = _OWN_LINE.search(text[:start])
    rest = _REST_OF_LINE.match(text, end)
    comma = None if before is None else _COMMA.match(text, before)
    if own_line and rest:
        lines = Splice(own_line.start(), rest.end())
        return (lines,) if rest[1] or comma is None else (Splice(comma.start(1), comma.end(1)), lines)
    if comma is None:
        comma = _COMMA.match(text, end)
        return (Splice(start, comma.end() if comma else end),)
    if comma.end() == start or text[comma.end() : start].isspace():
        return (Splice(comma.start(1), end),)
    return Splice(comma.start(1), comma.end(1)), Splice(start, end)
