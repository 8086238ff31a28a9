"""Settings that this version understands but does not keep yet, so that nobody relies on them unawares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from updater.core.environment import NamedEnvironment
from updater.errors import Location

# Without these an environment would be written to more freely than its file allows.
_SAFETY = ("freeze", "paused", "hold")


@dataclass(frozen=True, slots=True)
class NotYet:
    """A key of an environment's file that is not in force; `stops` if nothing may be written while it is set."""

    key: str
    at: Location
    stops: bool
    sentence: str

    def __str__(self) -> str:
        return f"{self.at}: {self.sentence}"


def not_yet(environment: NamedEnvironment) -> tuple[NotYet, ...]:
    """What the file of this environment asks for and this version cannot keep, in the order of the file's lines."""
    return tuple(sorted(_gaps(environment), key=lambda gap: gap.at.line or 0))


def _gaps(environment: NamedEnvironment) -> Iterator[NotYet]:
    name, settings = environment.name, environment.settings
    for key in _SAFETY:
        if getattr(settings, key):
            yield _gap(environment, key, f"so nothing is written to {name} while it is set", stops=True)
    if settings.promote is not None:
        yield _gap(environment, "promote", f"so no version reaches {name} by itself")
    elif settings.deliver == "pull-request":
        end = f"so nothing is written to {name} while it is set"
        yield _gap(environment, "deliver", end, what="`deliver: pull-request`", stops=True)
    if environment.at("pull-request").line is not None:
        yield _gap(environment, "pull-request", "so it has no effect")
    if settings.release:
        yield _gap(environment, "release", "so it lifts nothing")


def _gap(environment: NamedEnvironment, key: str, end: str, *, what: str | None = None, stops: bool = False) -> NotYet:
    sentence = f"{what or f'`{key}`'} is not in force yet in this version, {end}"
    return NotYet(key, environment.at(key), stops, sentence)
