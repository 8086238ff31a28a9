"""Registries that do not answer while many questions are asked together."""

from __future__ import annotations

from updater.errors import RegistryUnavailable

GIVEN_UP = 3
"""After so many questions in a row that it did not answer, a registry is not asked the others of the same time."""


class Silence:
    """Which registries do not answer, as far as the questions that are asked together have shown."""

    def __init__(self) -> None:
        self._failures: dict[str, list[RegistryUnavailable]] = {}

    def given_up(self, host: str) -> RegistryUnavailable | None:
        """Why a registry is not asked any more."""
        failures = self._failures.get(host, [])
        return failures[0] if len(failures) >= GIVEN_UP else None

    def unanswered(self, host: str, error: RegistryUnavailable) -> RegistryUnavailable:
        """Another one in a row; the first of them speaks for all, so that it is told once."""
        failures = self._failures.setdefault(host, [])
        failures.append(error)
        return failures[0] if len(failures) >= GIVEN_UP else error

    def answered(self, host: str) -> None:
        """The row is over."""
        self._failures.pop(host, None)
