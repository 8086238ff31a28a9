"""The sentences that go into git: subjects, bodies and trailers of our commits, and reading them back.

Trailers are those of git-interpret-trailers(1). What senders name was checked before (references, delivery
ids). The rest stands in the repository, where folders and values may hold any character: a line that is not
plain is escaped, so nothing can start a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from updater.core import instants, origins
from updater.model import Event, Origin, Version

BY_HAND = "Updater-By-Hand"
"""The trailer that says why a person ordered something."""

_SHOWN_DIGEST = len("sha256:") + 12
_TOLD = re.compile(
    r"^Updater-Image: (\S+)\n.*(?:\nUpdater-Event: (\S+) (\S+)$)?(?:\nUpdater-Source: (.+)$)?", re.MULTILINE
)
_UNKNOWN = "-"
_LAST_UNKNOWN = re.compile(f"(?: {_UNKNOWN})+$")


@dataclass(frozen=True, slots=True)
class Line:
    """One image's move in a commit. `event` is the push that caused it, None where a person did.

    `origin` is where the new version was built from, `before` where the old one was: two entries may know that of one
    move, and one may not.
    """

    image: str
    old: Version
    new: Version
    event: Event | None
    origin: Origin | None = None
    before: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Told:
    """A push as trailers name it: `source/id`, when it was, and where the image was built from if they say so."""

    event: str
    time: datetime
    origin: Origin | None = None


def subject(environment: str, service: str, lines: Sequence[Line]) -> str:
    """The first line of a commit: what is deployed where."""
    versions = list(dict.fromkeys(short(line.new) for line in lines))
    if len(versions) == 1:
        return plain(f"Deploy {service} {versions[0]} to {environment}")
    return plain(f"Deploy {service} to {environment} ({len(versions)} versions)")


def subject_back(environment: str, service: str, versions: Sequence[Version]) -> str:
    """The first line of a commit that goes back."""
    return plain(f"Roll {service} back to {' and '.join(dict.fromkeys(map(short, versions)))} in {environment}")


def commit_message(environment: str, service: str, lines: Sequence[Line]) -> str:
    """The whole text of a commit for pushes, its trailers included; ends with a newline."""
    return text(subject(environment, service, lines), (), environment, service, lines)


def text(subject: str, why: Sequence[str], environment: str, service: str, lines: Sequence[Line]) -> str:
    """The whole text of a commit that moves versions: what and `why`, then each move, then the trailers."""
    paragraphs = [[subject], *([each] for each in why), _moves(lines), trailers(environment, service, lines)]
    return "\n\n".join("\n".join(map(plain, lines)) for lines in paragraphs if lines) + "\n"


def trailers(environment: str, service: str, lines: Sequence[Line]) -> list[str]:
    """The facts about the moves of one service, a line each."""
    found = [f"Updater-Environment: {environment}", f"Updater-Service: {service}"]
    for line in dict.fromkeys(lines):
        found.append(f"Updater-Image: {reference(line.image, line.new)}")
        found.append(f"Updater-Previous: {reference(line.image, line.old)}")
        if line.event is not None:
            found.append(f"Updater-Event: {line.event.source}/{line.event.id} {stamp(line.event.time)}")
        if line.origin is not None:
            found.append(f"Updater-Source: {origin_text(line.origin)}")
    return [plain(line) for line in found]


def with_trailers(message: str, lines: Sequence[str]) -> str:
    """The text of a commit with more lines in its last paragraph, those that it does not have yet."""
    more = [line for line in map(plain, lines) if f"\n{line}\n" not in message]
    return "\n".join((message.rstrip("\n"), *more, "")) if more else message


def by_hand(why: str) -> str:
    """The trailer of what a person ordered: automation leaves that alone."""
    return plain(f"{BY_HAND}: {why}")


def reference(image: str, version: Version) -> str:
    """`image:tag@digest`, as far as both are known."""
    tag = "" if version.tag is None else f":{version.tag}"
    return f"{image}{tag}" + ("" if version.digest is None else f"@{version.digest}")


def short(version: Version) -> str:
    """A version as people name it: its tag, else the beginning of its digest."""
    return version.tag or (version.digest or "(none)")[:_SHOWN_DIGEST]


def told(message: str, image: str, version: Version) -> Told | None:
    """The push of a version, as the trailers of one of our commits tell it; None if they do not."""
    wanted = reference(image, version)
    for found, event, text, source in _TOLD.findall(message):
        time = instants.from_text(text) if found == wanted else None
        if time is not None:
            return Told(event, time, origin_from(source))
    return None


def built_from(message: str, image: str, version: Version) -> Origin | None:
    """Where a version was built from, as the trailers of one of our commits tell it; None if they do not."""
    wanted = reference(image, version)
    sources = (source for found, _, _, source in _TOLD.findall(message) if found == wanted and source)
    return next(filter(None, map(origin_from, sources)), None)


def origin_text(origin: Origin) -> str:
    """An origin on one line: source, revision, version and when it was built, with a dash for what is not known."""
    built = None if origin.created is None else stamp(origin.created)
    fields = (origin.source, origin.revision, origin.version, built)
    return _LAST_UNKNOWN.sub("", " ".join(each or _UNKNOWN for each in fields))


def origin_from(text: str) -> Origin | None:
    """The origin that such a line tells, be it as we wrote it or as the text of a pull request has it.

    It is checked like a label: anybody may have written the commit.
    """
    fields = (text if "://" in text else unquote(text)).split(" ")  # see `markdown.inert`
    known = [None if each == _UNKNOWN else each for each in fields]
    return origins.checked(*(*known, None, None, None)[:4]) if len(known) <= 4 else None


def stamp(time: datetime) -> str:
    """A time as it stands in trailers and texts: RFC 3339, UTC, to the microsecond where there is one."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def told_apart(old: Version, new: Version) -> tuple[str, str]:
    """Two versions as people name them, with their digests where the tags are the same."""
    return (_both(old), _both(new)) if old.tag == new.tag else (short(old), short(new))


def move(old: Version, new: Version) -> str:
    """A bump as people read it: `1.3.2 -> 1.4.0`."""
    return " -> ".join(told_apart(old, new))


def _moves(lines: Sequence[Line]) -> list[str]:
    """Each move, and below it the page on which people see what changed with it, if there is one."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(f"{line.image}: {move(line.old, line.new)}", _pages(line))
    return [each for moved, pages in found.items() for each in (moved, *pages)]


def _pages(line: Line) -> list[str]:
    if line.origin is None:
        return []
    changes = None if line.before is None else origins.compare(line.before, line.origin)
    built = origins.link(line.origin)
    return [f"  changes: {changes}"] if changes else [f"  built from: {built}"] if built else []


def _both(version: Version) -> str:
    digest = "" if version.digest is None else f"@{version.digest[:_SHOWN_DIGEST]}"
    return f"{version.tag or ''}{digest}" or "(none)"


def plain(line: str) -> str:
    """The line itself, or escaped as ASCII if it holds anything that does not print."""
    return line if line.isprintable() else ascii(line)
