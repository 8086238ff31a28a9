"""What a commit says of itself: who made it, when, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

_LAST_INSTANT = 253370764800
"""The beginning of 9999, the last year that Python has: something can be added to it."""
_PERSON = re.compile(rb"^(author|committer) (.*?) ?<[^>]*> (-?[0-9]+) [-+][0-9]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Described:
    """Times are in UTC, `landed_at` is the committer's; `author` is a name that can be shown anywhere."""

    author: str
    authored_at: datetime
    landed_at: datetime
    message: str


def described(content: bytes) -> Described:
    """What a commit object says (git's own format, see git-cat-file(1) and gitformat documentation of commits)."""
    head, _, message = content.partition(b"\n\n")
    people = {kind: (name, time) for kind, name, time in _PERSON.findall(head)}
    author, authored = people.get(b"author", (b"", b"0"))
    _, landed = people.get(b"committer", (b"", authored))
    text = message.decode(errors="replace")
    return Described(shown(author.decode(errors="replace")), instant(authored), instant(landed), text)


def instant(seconds: str | bytes) -> datetime:
    """A commit's time; git lets it be in any year, Python does not, and the last instant is as good as any after it."""
    return datetime.fromtimestamp(min(max(int(seconds or 0), 0), _LAST_INSTANT), UTC)


def shown(name: str) -> str:
    """A name as it can be shown anywhere, whatever somebody has put there."""
    return "".join(letter if letter.isprintable() else "?" for letter in name) or "(unknown)"
