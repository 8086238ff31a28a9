"""Settings that this version understands but does not keep yet, so that nobody relies on them unawares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from updater.core.environment import NamedEnvironment
from updater.errors import Location


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
    if settings.promote is not None:
        yield _gap(environment, "promote", "`promote`", f"so no version reaches {name} by itself")
    elif settings.deliver == "pull-request":
        # To commit instead would write to the environment more freely than its file allows.
        end = f"so nothing is written to {name} while it is set"
        yield _gap(environment, "deliver", "`deliver: pull-request`", end, stops=True)
    if environment.at("pull-request").line is not None:
        yield _gap(environment, "pull-request", "`pull-request`", "so it has no effect")


def _gap(environment: NamedEnvironment, key: str, what: str, end: str, *, stops: bool = False) -> NotYet:
    return NotYet(key, environment.at(key), stops, f"{what} is not in force yet in this version, {end}")
