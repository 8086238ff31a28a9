"""Status gates: what must be green before a version is promoted, and how far that is.

A gate counts on the commit that landed the version. One that names the service counts on later commits, too, as long
as the version still stands in them: reports of deployments come for whatever commit a cluster has synchronised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from itertools import chain
from typing import Literal, TypeAlias

from updater.core.environment import Promote, StatusGate
from updater.core.messages import plain
from updater.forge import GATES, Status, StatusState

Colour: TypeAlias = Literal["green", "pending", "red"]

MAX_NAMED = 3
"""How many contexts a sentence names; one more where it would be the only other."""
MAX_TEXT = 160
"""How many characters of a name or description a sentence shows."""

_CAPTURE = re.compile(r"\{([^{}]*)\}")
_ALL_SPECIAL = re.compile(r"[*?[]")
_SPECIAL_BUT_STAR = re.compile(r"[?[]")
_BRACKETED = r"[\g<0>]"
_GRAVITY: Mapping[StatusState, int] = {"success": 0, "pending": 1, "failure": 2, "error": 2}


@dataclass(frozen=True, slots=True)
class Gate:
    """Statuses that must be green: all whose context matches, and `at_least` so many.

    `context` is what people are shown. `is_of_service` says that it names the service, so that later commits count.
    """

    context: str
    at_least: int
    is_of_service: bool
    pattern: re.Pattern[str]

    def matches(self, context: str) -> bool:
        """Whether a status of this context counts. Our own does only for a gate that is called like it.

        Otherwise a `*` would make us wait for ourselves.
        """
        return context == self.context or (context != GATES and self.pattern.match(context) is not None)


@dataclass(frozen=True, slots=True)
class GateState:
    """How far a gate is, in words for a person; `contexts` are those that were seen, and `url` leads to one of them."""

    gate: Gate
    state: Colour
    sentence: str
    url: str | None
    contexts: tuple[str, ...]


def filled(promote: Promote, captures: Iterable[Mapping[str, str]]) -> tuple[Gate, ...]:
    """The gates of one service, with what the paths of its overlays captured filled in.

    `captures` are those of each overlay, `service` always among them. A gate is there once for each different text that
    comes of it. Captured text stands for itself; in the rest `*` stands for anything, slashes too. What no overlay
    captures is left as it is written: nobody reports such a status, so that the gate stays shut rather than open.
    """
    known = tuple(captures)
    return tuple(dict.fromkeys(chain.from_iterable(_filled(status, known) for status in promote.statuses)))


def judged(
    gates: Iterable[Gate], landing: Sequence[Status], later: Sequence[Sequence[Status]]
) -> tuple[GateState, ...]:
    """How far each gate is. Of each context the newest report counts, on whichever of its commits that is.

    `landing` are the statuses of the commit that landed the version, `later` those of each later one in which it still
    stands, in any order. Of two reports of one moment the worse counts.
    """
    everywhere = (*landing, *chain.from_iterable(later))
    return tuple(_judged(gate, _newest(gate, everywhere if gate.is_of_service else landing)) for gate in gates)


def all_green(states: Iterable[GateState]) -> bool:
    """Whether no gate keeps the version back."""
    return all(state.state == "green" for state in states)


def _filled(status: str | StatusGate, captures: Sequence[Mapping[str, str]]) -> Iterator[Gate]:
    wanted = StatusGate(status) if isinstance(status, str) else status
    names = set(_CAPTURE.findall(wanted.context))
    fitting = [values for values in captures if names <= values.keys()]
    gates = [_gate(wanted, values, is_of_service="service" in names) for values in fitting or [{}]]
    return iter(sorted(gates, key=lambda gate: gate.context))


def _gate(wanted: StatusGate, values: Mapping[str, str], *, is_of_service: bool) -> Gate:
    glob = _SPECIAL_BUT_STAR.sub(_BRACKETED, wanted.context)
    # `translate` matches each `*` without going back to it, so no context can make that slow.
    pattern = re.compile(translate(_replaced(glob, values, lambda value: _ALL_SPECIAL.sub(_BRACKETED, value))))
    return Gate(_replaced(wanted.context, values, str), wanted.at_least, is_of_service, pattern)


def _replaced(text: str, values: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    """The text with values in the place of captures, in one pass: a value that looks like a capture is none."""
    return _CAPTURE.sub(lambda found: escaped(values[found[1]]) if found[1] in values else found[0], text)


def _newest(gate: Gate, statuses: Iterable[Status]) -> tuple[Status, ...]:
    newest: dict[str, Status] = {}
    for status in statuses:
        if gate.matches(status.context):
            newest[status.context] = max(newest.get(status.context, status), status, key=_weight)
    return tuple(newest[context] for context in sorted(newest))


def _weight(status: Status) -> tuple[datetime, int, StatusState, str, str]:
    return status.at, _GRAVITY[status.state], status.state, status.description, status.url or ""


def _judged(gate: Gate, newest: Sequence[Status]) -> GateState:
    red = [status for status in newest if _GRAVITY[status.state] == 2]
    pending = [status for status in newest if status.state == "pending"]
    contexts = tuple(status.context for status in newest)
    if red:
        return GateState(gate, "red", _some([_failed(each) for each in red], "; "), _link(red), contexts)
    if pending or len(newest) < gate.at_least:
        return GateState(gate, "pending", _waits(gate, pending, len(newest)), _link(pending), contexts)
    return GateState(gate, "green", _green(gate, newest), _link(newest), contexts)


def _failed(status: Status) -> str:
    verb = "failed" if status.state == "failure" else "ended with an error"
    return f"{_line(status.context)} {verb} on {status.at:%Y-%m-%d at %H:%M} UTC{_why(status)}"


def _waits(gate: Gate, pending: Sequence[Status], seen: int) -> str:
    expected = max(gate.at_least, seen)
    if expected > 1:
        missing = expected - seen
        names = [_line(status.context) for status in pending]
        rest = [f"{'one' if missing == 1 else missing} more"] if missing else []
        waits = " and ".join(filter(None, (_some(names, ", "), *rest)))
        return f"{seen - len(pending)} of {expected} {_line(gate.context)} so far: waits for {waits}"
    if pending:
        return f"waits for {_line(pending[0].context)}, which is pending{_why(pending[0])}"
    return f"waits for {_line(gate.context)}: nobody has reported it"


def _green(gate: Gate, newest: Sequence[Status]) -> str:
    if len(newest) == 1:
        return f"{_line(newest[0].context)} is green"
    return f"all {len(newest)} {_line(gate.context)} are green"


def _some(texts: Sequence[str], between: str) -> str:
    """The first few of them, and how many others there are where it is more than one."""
    if len(texts) <= MAX_NAMED + 1:
        return between.join(texts)
    return between.join((*texts[:MAX_NAMED], f"{len(texts) - MAX_NAMED} others"))


def _why(status: Status) -> str:
    return f": {_line(status.description)}" if status.description.strip() else ""


def _line(text: str) -> str:
    """One line without anything that cannot be seen: anybody who may report chooses these texts."""
    words = plain(" ".join(text.split()))
    return words if len(words) <= MAX_TEXT else f"{words[: MAX_TEXT - 1]}…"


def _link(statuses: Iterable[Status]) -> str | None:
    """The first address that is a page's, and nothing that a browser would run."""
    return next((each.url for each in statuses if each.url and each.url.startswith(("https://", "http://"))), None)
