"""Title and text of our pull requests, for the person who has to decide, and what is said when we close one.

The same facts give the same text to the byte: times are absolute and nothing tells when it was written. Whatever is
too much for the forge is left out where it is missed least, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from updater.core import origins
from updater.core.cutting import BETWEEN, Section, counted, fitted, fitted_diffs
from updater.core.markdown import code, inert, link, prose, row, table
from updater.core.messages import Line, short, subject
from updater.core.resource_diff import ResourceDiff
from updater.model import Origin, Version

MAX_TITLE = 256
MAX_BODY = 65_536
"""GitHub's; other forges take as much, or say what they take."""
MAX_SENTENCE = 500

GateState: TypeAlias = Literal["green", "pending", "red"]

_SIGNS: Mapping[GateState, str] = {"green": "✅ green", "pending": "⏳ pending", "red": "❌ red"}
_SHOWN_COMMIT = 7
_HOW = "Merging approves this, closing refuses these versions. Reverting the merge takes them back."


@dataclass(frozen=True, slots=True)
class Ran:
    """A version stood in an environment, since the commit that landed it; `until` is None while it stands there."""

    environment: str
    since: datetime
    until: datetime | None
    commit: str


@dataclass(frozen=True, slots=True)
class Bump:
    """One image of a service that is to move, where the new version ran before, and where both were built from."""

    service: str
    image: str
    old: Version
    new: Version
    ran: tuple[Ran, ...] = ()
    before: Origin | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What the promotion waits or waited for, in a sentence, and a page that tells more."""

    sentence: str
    state: GateState
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """Another version of a service."""

    service: str
    version: Version


@dataclass(frozen=True, slots=True)
class About:
    """All that a pull request's text tells. Sentences are plain text; nothing in any of it is trusted.

    `supersedes` are versions that it proposed before, `waits` newer ones that wait because it is approved, `lifts` the
    holds that end when it is merged, `notes` what else has to be known first (a reason given by hand), `unrendered` why
    there is no rendered diff, `trailers` the lines that a squash merge has to keep (see `messages.trailers`).
    """

    environment: str
    bumps: tuple[Bump, ...] = ()
    gates: tuple[Gate, ...] = ()
    supersedes: tuple[Other, ...] = ()
    waits: tuple[Other, ...] = ()
    lifts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    diffs: tuple[ResourceDiff, ...] = ()
    unrendered: tuple[str, ...] = ()
    trailers: tuple[str, ...] = ()


def title(environment: str, moves: Mapping[str, Sequence[Line]]) -> str:
    """One line of plain text: the subject of the commit for one service (by name), else how many there are."""
    if len(moves) == 1:
        ((service, lines),) = moves.items()
        text = inert(subject(environment, service, lines))
    else:
        text = inert(f"Deploy {len(moves)} services to {environment}")
    return _shortened(text, MAX_TITLE)


def ordered(subjects: Sequence[str]) -> str:
    """One line of plain text for what a person ordered: the subject of the first commit, and how many there are."""
    more = "" if len(subjects) == 1 else f" and {len(subjects) - 1} more"
    return f"{_shortened(inert(subjects[0]), MAX_TITLE - len(more))}{more}"


def body(about: About, limit: int) -> str:
    """The text, most important first and trailers last, in at most `limit` characters."""
    room = min(limit, MAX_BODY)
    trailers = _trailers(about.trailers, room)
    room -= len(trailers) + len(BETWEEN)
    texts = fitted(_sections(about), room)
    texts.append(fitted_diffs(about.diffs, room - sum(len(text) + len(BETWEEN) for text in texts)))
    return BETWEEN.join(text for text in (*texts, trailers) if text)


def withdrawn(reason: str) -> str:
    """The comment on a pull request that we close, and why."""
    return (
        f"Withdrawn: {_sentence(reason)}\n\n"
        "The updater closed this pull request itself: nobody refused what it proposed."
    )


def _sections(about: About) -> list[Section]:
    """All but the diffs, without those that have nothing in them."""
    target = code(about.environment)
    bumps, gates = table(("Service", "Image", "From", "To"), ()), table(("Gate", "State"), ())
    built = (_built(bump, bump.origin) for bump in about.bumps if bump.origin is not None)
    ran = (_ran(bump, ran) for bump in about.bumps for ran in bump.ran)
    found: list[tuple[str, Iterable[str], str]] = [
        (f"Merging deploys to {target}:\n\n{bumps}\n", map(_bump, about.bumps), "bump"),
        ("", _remarks(about), "remark"),
        ("**Source**\n\n", built, "line"),
        ("**Where it ran**\n\n", ran, "line"),
        (f"**Gates**\n\n{gates}\n", map(_gate, about.gates), "gate"),
        ("", [_HOW] if about.bumps else [], "line"),
        ("**Not rendered**\n\n", map(_item, about.unrendered), "line"),
    ]
    sections = (Section(head, tuple(dict.fromkeys(items)), what) for head, items, what in found)
    return [section for section in sections if section.items]


def _bump(bump: Bump) -> str:
    return row((code(bump.service), code(bump.image), _version(bump.old), _version(bump.new)))


def _version(version: Version) -> str:
    parts = dict.fromkeys((short(version), short(Version(None, version.digest)) if version.digest else ""))
    return " ".join(code(part) for part in parts if part)


def _remarks(about: About) -> list[str]:
    return [
        *map(_item, about.notes),
        *(_item(f"Lifts a hold: {hold}") for hold in about.lifts),
        *(f"- Takes the place of {_other(other)}, which was proposed here before." for other in about.supersedes),
        *(f"- {_other(other)} is newer, and waits until this one is merged or closed." for other in about.waits),
    ]


def _item(sentence: str) -> str:
    return f"- {_sentence(sentence)}"


def _other(other: Other) -> str:
    return f"{code(other.service)} {code(short(other.version))}"


def _built(bump: Bump, origin: Origin) -> str:
    return f"- {_new(bump)}: {', '.join(_origin(bump.before, origin))}"


def _origin(before: Origin | None, origin: Origin) -> Iterator[str]:
    places = ((origin.source or "").partition("://")[2], origins.revision(origin) or "")
    changes = None if before is None else origins.compare(before, origin)
    if any(places):
        commit = link(" at ".join(filter(None, places)), origins.link(origin))
        yield commit if changes is None else f"{commit} ({link('compare', changes)})"
    if origin.version is not None:
        yield f"version {prose(origin.version)}"
    if origin.created is not None:
        yield f"built {_time(origin.created)}"


def _new(bump: Bump) -> str:
    return f"{code(bump.service)} {code(short(bump.new))}"


def _ran(bump: Bump, ran: Ran) -> str:
    where = f"{code(ran.environment)} since {_time(ran.since)}"
    stands = "stands in" if ran.until is None else "stood in"
    until = "" if ran.until is None else f" until {_time(ran.until)}"
    return f"- {_new(bump)} {stands} {where}{until} ({prose(ran.commit[:_SHOWN_COMMIT])})"


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _gate(gate: Gate) -> str:
    return row((link(_shortened(gate.sentence, MAX_SENTENCE), gate.url), _SIGNS[gate.state]))


def _sentence(text: str) -> str:
    return prose(_shortened(text, MAX_SENTENCE))


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _trailers(lines: Sequence[str], room: int) -> str:
    """The last paragraph: plain lines, so that git finds them in a squash. A quarter of the room is for the rest."""
    whole = "\n".join(map(inert, lines))
    if len(whole) <= room - room // 4:
        return whole
    note = f"{counted(len(lines), 'trailer')} left out here: the commits of this pull request have them."
    return note if len(note) <= room else ""
