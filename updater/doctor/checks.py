"""What a check tells: that something is in order, or what is wrong with it and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from updater.errors import UpdaterError

State: TypeAlias = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `exit_code` is that of the failure that a fault would lead to."""

    name: str
    state: State
    told: str
    hint: str | None = None
    exit_code: int = 0


def ok(name: str, told: str) -> Check:
    """Something that is in order."""
    return Check(name, "ok", told)


def warning(name: str, told: str, hint: str | None = None) -> Check:
    """Something that works, but not well, or perhaps not always."""
    return Check(name, "warning", told, hint)


def fault(name: str, error: UpdaterError) -> Check:
    """Something that does not work, as the failure tells that it leads to."""
    return Check(name, "fault", str(error), error.hint, error.exit_code)


def looked_at(name: str, look: Callable[[], str]) -> Check:
    """What `look` finds, which is in order unless it raises `UpdaterError`."""
    try:
        return ok(name, look())
    except UpdaterError as error:
        return fault(name, error)


def exit_code(checks: Iterable[Check]) -> int:
    """The exit code for some checks: of all faults the lowest, since what comes first is what the rest stands on."""
    return min((check.exit_code for check in checks if check.state == "fault"), default=0)
